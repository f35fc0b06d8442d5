# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A run's real step, compiled for hardware that is not here: does it fit, and which collectives?"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import jax
import numpy as np

from robomamba_jax.config.serial import ModelParts
from robomamba_jax.config.training import TrainConfig
from robomamba_jax.data.pipeline.batch_plan import BatchShape
from robomamba_jax.ops.backend import target_backend
from robomamba_jax.training.hlo import Collective, collectives, kernels
from robomamba_jax.training.jax_types import PyTree
from robomamba_jax.training.plan_time import TimeReport, time_report
from robomamba_jax.training.program import Program, build
from robomamba_jax.training.sharding import make_mesh
from robomamba_jax.training.topology import CHIPS, Topology, open_topology
from robomamba_jax.training.weights import chosen_config, open_base

SCHEMA = "robomamba.plan/1"
__all__ = ["CHIPS", "SCHEMA", "CollectiveCounts", "PlanReport", "Topology", "open_topology", "plan"]


class CollectiveCounts(TypedDict):
    """Of one kind of collective: how often a step runs it, the bytes of its results on a device,
    and how many of these runs are in loops."""

    count: int
    bytes: int
    in_loops: int


class PlanReport(TypedDict):
    """What ``plan`` says; bytes are of one device.

    Attributes:
      schema: ``SCHEMA``.
      stage: of the configuration.
      topology: its name.
      devices: how many.
      mesh: axis -> size.
      rows_per_device: rows of a batch.
      seq_len: tokens of a row (``row_tokens`` is its old name).
      layers: of the language model.
      seconds: of lowering and compiling.
      table: a ``FreezeRow`` for each part.
      chip_bytes: memory of a device; None = unknown.
      refused: the compiler's reason, "" where it compiled.
      bytes: of arguments part by part; with a compiled step also of its work, and the peak.
      fits: None where ``chip_bytes`` is unknown.
      advice: settings that make the step smaller, where it does not fit.
      hlo_bytes: length of the compiled program's text; it and what follows need a compiled step.
      asked: kind -> collectives that the program asks for.
      asked_collective_ops: each of them (``asked_exchanges`` is its old name).
      collectives: kind -> collectives after compiling.
      collective_ops: each of them (``exchanges`` is its old name).
      kernels: name -> launches a step of kernels of our own (GPU) or of Mosaic's (TPU).
      time: an estimate, of GPUs alone.
    """

    schema: str
    stage: str
    topology: str
    devices: int
    mesh: dict[str, int]
    rows_per_device: int
    seq_len: int
    row_tokens: int
    layers: int
    seconds: dict[str, float]
    table: list[dict[str, Any]]
    chip_bytes: int | None
    refused: str
    bytes: dict[str, int]
    fits: bool | None
    advice: list[str]
    hlo_bytes: NotRequired[int]
    asked: NotRequired[dict[str, CollectiveCounts]]
    asked_collective_ops: NotRequired[list[dict[str, Any]]]
    asked_exchanges: NotRequired[list[dict[str, Any]]]
    collectives: NotRequired[dict[str, CollectiveCounts]]
    collective_ops: NotRequired[list[dict[str, Any]]]
    exchanges: NotRequired[list[dict[str, Any]]]
    kernels: NotRequired[dict[str, int]]
    time: NotRequired[TimeReport]


def plan(
    config: TrainConfig,
    topology: Topology,
    *,
    layers: int | None = None,
    features: str = "",
    text_tokens: int | None = None,
    price: float | None = None,
) -> PlanReport:
    """Compile a run's step for a topology, and say what it needs.

    Args:
      config: the run's; its data are not read.
      topology: see ``open_topology``.
      layers: of the language model, instead of the model's own.
      features: kind of the cached features that stand for frozen parts.
      text_tokens: of a sample of the paper's data on average, instead of what is assumed.
      price: of one device for an hour.

    Raises:
      InputError: configuration and mesh do not fit each other.
    """
    batch = config.data.batch
    # The largest batch that the plan may make: what fits it fits all.
    shape = BatchShape(batch.batch_size, batch.text_limit, batch.image_limit, batch.seq_len)
    mesh = make_mesh(config.mesh, topology.devices)
    program = _program(config, mesh, layers, features)
    arrays = program.batch(shape)
    start = time.perf_counter()
    # Ops choose their kernels by backend: by that of the topology, not by this machine's.
    with target_backend(topology.platform):
        lowered = program.step.lower(program.state, program.frozen, arrays)
        lowering = time.perf_counter() - start
        compiled, refused = _compile(lowered)
    seconds = time.perf_counter() - start - lowering
    # Told by the shardings, not by the compiler: a step that is refused has them, too.
    sizes = _held(program, arrays)
    report: PlanReport = {
        "schema": SCHEMA,
        "stage": config.stage,
        "topology": topology.name,
        "devices": len(topology.devices),
        "mesh": dict(mesh.shape),
        "rows_per_device": batch.batch_size // (mesh.shape["data"] * mesh.shape["fsdp"]),
        "seq_len": batch.seq_len,
        "row_tokens": batch.seq_len,  # its name of earlier versions, for one more
        "layers": program.model.llm.n_layer,
        "seconds": {"lower": lowering, "compile": seconds},
        "table": [row._asdict() for row in program.table],
        "chip_bytes": topology.memory,
        "refused": refused,
        "bytes": sizes,
        "fits": False,
        "advice": [],
    }
    if compiled is not None:
        text = _add_findings(report, lowered, compiled)
        if topology.gpu is not None:
            report["time"] = time_report(
                text,
                topology.gpu,
                devices=len(topology.devices),
                hosts=topology.hosts,
                rows=batch.batch_size,
                seq_len=batch.seq_len,
                packed=batch.packing,
                # The paper's data through another depth would be nobody's stage.
                stage=config.stage if layers is None else "",
                text_tokens=text_tokens,
                price=price,
            )
    if report["fits"] is False:
        report["advice"] = _advice(program)
    return report


def _program(
    config: TrainConfig, mesh: jax.sharding.Mesh, layers: int | None, features: str
) -> Program:
    """The run's program, of the preset's sizes or the base's; with other layers if asked."""
    choice, parts = config.model, None
    if choice.preset is None:
        parts = open_base(config.init_from, choice, config.seed, hashes=False).parts
    if layers is not None:
        whole = chosen_config(dataclasses.replace(choice, lora_rank=0), parts)
        parts = ModelParts(whole.llm.replace(n_layer=layers), whole.vision, whole.policy)
        config = dataclasses.replace(config, model=dataclasses.replace(choice, preset=None))
    # The number of steps shapes the schedule's numbers alone, not the program.
    return build(config, parts, mesh, steps=1000, features=features)


def _add_findings(report: PlanReport, lowered: jax.stages.Lowered, compiled: Any) -> str:
    """What the compiled step needs, its collectives and kernels; the program's text."""
    memory, text, sizes = compiled.memory_analysis(), _text(compiled), report["bytes"]
    sizes["work"] = memory.temp_size_in_bytes
    sizes["peak"] = (
        memory.argument_size_in_bytes
        + memory.output_size_in_bytes
        - memory.alias_size_in_bytes  # the donated state, which is an argument and an output
        + memory.temp_size_in_bytes
    )
    limit = report["chip_bytes"]
    report["fits"] = None if limit is None else sizes["peak"] <= limit
    report["hlo_bytes"] = len(text)
    asked, found = collectives(lowered.as_text(dialect="hlo")), collectives(text)
    report["asked"], report["collectives"] = _by_kind(asked), _by_kind(found)
    report["asked_collective_ops"] = [collective._asdict() for collective in asked]
    report["collective_ops"] = [collective._asdict() for collective in found]
    # Their names of earlier versions, for one more.
    report["asked_exchanges"] = report["asked_collective_ops"]
    report["exchanges"] = report["collective_ops"]
    report["kernels"] = kernels(text)
    return text


def _compile(lowered: Any) -> tuple[Any, str]:
    """The compiled step, or why the compiler refused: it does when the memory is too small."""
    try:
        return lowered.compile(), ""
    except jax.errors.JaxRuntimeError as error:
        what = " ".join(str(error).split())
        if "RESOURCE_EXHAUSTED" not in what and "Ran out of memory" not in what:
            raise
        return None, what[:400]


def _held(program: Program, arrays: Any) -> dict[str, int]:
    """Bytes on one device before the step begins, part by part."""

    def size(tree: PyTree) -> int:
        """Bytes of a tree on one device."""
        return sum(
            int(np.prod(leaf.sharding.shard_shape(leaf.shape))) * leaf.dtype.itemsize
            for leaf in jax.tree.leaves(tree)
        )

    model, shape = program.model, program.mesh.shape
    rows = program.config.data.batch.batch_size // (shape["data"] * shape["fsdp"])
    rows //= program.config.optim.accumulate  # one piece's activations exist at a time
    stream = 4 if model.llm.residual_in_fp32 else 2
    # With remat="block" a layer's input is all that the backward pass keeps of it.
    kept = model.llm.n_layer * rows * program.config.data.batch.seq_len * model.llm.d_model
    # A head alone sends no gradient through the language model, which then keeps nothing.
    backward = "llm" in program.state.trained or "projector" in program.state.trained
    return {
        "trained": size(program.state.trained),
        "moments": size(program.state.opt_state),
        "frozen": size(program.frozen),
        "batch": size(arrays),
        "layer_inputs": kept * stream if backward else 0,
    }


def _text(compiled: Any) -> str:
    """The compiled program as text; "" where this jax cannot read what libtpu has written."""
    try:
        return compiled.as_text()
    except jax.errors.JaxRuntimeError:
        return ""


def _by_kind(found: Sequence[Collective]) -> dict[str, CollectiveCounts]:
    """Kind -> how often a step runs it, the bytes of its results, and how many in loops."""
    table: dict[str, CollectiveCounts] = {}
    for collective in found:
        row = table.setdefault(collective.kind, {"count": 0, "bytes": 0, "in_loops": 0})
        row["count"] += collective.count
        row["bytes"] += collective.count * collective.bytes
        row["in_loops"] += collective.count if collective.loops else 0
    return table


def _advice(program: Program) -> list[str]:
    """Settings that make a step smaller, those that cost least first."""
    config, shape = program.config, program.mesh.shape
    rows = config.data.batch.batch_size // (shape["data"] * shape["fsdp"])
    advice = []
    if shape["data"] > 1:
        advice.append("mesh.data=1 mesh.fsdp=-1: no device holds a copy of everything")
    if config.model.remat != "block":
        advice.append("model.remat=block: only the inputs of layers are kept")
    if config.model.frozen_dtype == "float32":
        advice.append("model.frozen_dtype=bfloat16: half the bytes of frozen parameters")
    if rows > config.optim.accumulate:
        parts = min(rows, 2 * config.optim.accumulate)
        advice.append(f"optim.accumulate={parts}: fewer rows at a time")
    if config.loss.kind == "text" and config.loss.chunk > 64:
        advice.append(f"loss.chunk={config.loss.chunk // 2}: fewer logits at a time")
    if rows > 1:
        advice.append(
            f"data.batch.batch_size={config.data.batch.batch_size // rows}: one row per device"
        )
    advice.append(f"data.batch.seq_len={config.data.batch.seq_len // 2}: shorter rows")
    if "llm" in program.state.trained and not config.model.lora_rank:
        advice.append(
            'model.lora_rank=16 trainable=["projector/.*","llm/.*lora_[AB]/.*"]: no moments of '
            "whole weights"
        )
    advice.append("a topology with more devices, or mesh.tensor=2")
    return advice
