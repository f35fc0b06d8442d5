# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A run's real step, compiled for hardware that is not here: does it fit, what does it exchange?"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from robomamba_jax.config.serial import ModelParts
from robomamba_jax.config.training import TrainConfig
from robomamba_jax.data.pipeline.batch_plan import BatchShape
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.ops.backend import target_backend
from robomamba_jax.training.hlo import Exchange, exchanges
from robomamba_jax.training.program import Program, build
from robomamba_jax.training.sharding import make_mesh
from robomamba_jax.training.weights import chosen_config, open_base

SCHEMA = "robomamba.plan/1"

# Memory of one device in GiB, from the makers' data sheets.
CHIPS = {"v4": 32, "v5e": 16, "v5p": 95, "v6e": 32, "tpu7x": 96}
_TPU = re.compile(r"(\w+):(\d+)x(\d+)(?:x(\d+))?")
_CPU = re.compile(r"cpu:(\d+)")


@dataclasses.dataclass(frozen=True)
class Topology:
    """Devices to compile for.

    Attributes:
      name: as given, such as "v5e:4x4" or "cpu:8".
      platform: "tpu" or "cpu".
      memory: bytes of one device; None = unknown (a CPU's are the machine's).
      devices: for the mesh.
    """

    name: str
    platform: str
    memory: int | None
    devices: Sequence[Any]


def open_topology(name: str) -> Topology:
    """Devices that need not be there.

    Raises:
      InputError: no such topology, libtpu is missing or busy, or too few CPU devices.
    """
    cpu = _CPU.fullmatch(name)
    if cpu:
        devices = jax.devices("cpu")
        if len(devices) < int(cpu[1]):
            raise InputError(
                "bad_topology",
                f"{name}: this process has {len(devices)} CPU devices",
                f"set JAX_NUM_CPU_DEVICES={cpu[1]}",
            )
        return Topology(name, "cpu", None, devices[: int(cpu[1])])
    tpu = _TPU.fullmatch(name)
    if tpu is None or tpu[1] not in CHIPS:
        fix = f"give cpu:8 or NAME:4x4 with NAME of {', '.join(CHIPS)}"
        if tpu is not None:
            raise unknown_name("bad_topology", "chip", tpu[1], CHIPS)
        raise InputError("bad_topology", f"no topology {name!r}", fix)
    from jax.experimental import topologies

    try:
        found = topologies.get_topology_desc(topology_name=name, platform="tpu")
    except Exception as error:  # libtpu's own errors have no class in common
        what = " ".join(str(error).split())
        if "lockfile" in what:
            raise InputError(
                "busy_libtpu", "another process holds libtpu", "wait for it: one at a time"
            ) from error
        raise InputError(
            "bad_topology",
            f"{name}: {what[:200]}",
            "make plan-env installs libtpu; see docs/pods.md",
        ) from error
    return Topology(name, "tpu", CHIPS[tpu[1]] * 2**30, found.devices)


def plan(
    config: TrainConfig, topology: Topology, *, layers: int | None = None, features: str = ""
) -> dict[str, Any]:
    """Compile a run's step for a topology, and say what it needs.

    Args:
      config: the run's; its data are not read.
      topology: see ``open_topology``.
      layers: of the language model, instead of the model's own.
      features: kind of the cached features that stand for frozen parts.

    Raises:
      InputError: configuration and mesh do not fit each other.
    """
    batch = config.data.batch
    shape = BatchShape(batch.batch_size, batch.text_limit, batch.image_limit, batch.seq_len)
    mesh = make_mesh(config.mesh, topology.devices)
    program = _program(config, mesh, layers, features)
    arrays = program.batch(shape)
    start = time.perf_counter()
    with target_backend(topology.platform):
        lowered = program.step.lower(program.state, program.frozen, arrays)
        lowering = time.perf_counter() - start
        compiled, refused = _compile(lowered)
    seconds = time.perf_counter() - start - lowering
    report = {
        "schema": SCHEMA,
        "stage": config.stage,
        "topology": topology.name,
        "devices": len(topology.devices),
        "mesh": dict(mesh.shape),
        "rows_per_device": batch.batch_size // (mesh.shape["data"] * mesh.shape["fsdp"]),
        "row_tokens": batch.seq_len,
        "layers": program.model.llm.n_layer,
        "seconds": {"lower": lowering, "compile": seconds},
        "table": [row._asdict() for row in program.table],
        "chip_bytes": topology.memory,
        "refused": refused,
    }
    sizes = _held(program, arrays)
    if compiled is None:
        return {**report, "bytes": sizes, "fits": False, "advice": _advice(program)}
    return {**report, **_findings(program, lowered, compiled, sizes, topology)}


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
    return build(config, parts, mesh, steps=1000, features=features)


def _findings(
    program: Program, lowered: Any, compiled: Any, sizes: dict[str, int], topology: Topology
) -> dict[str, Any]:
    """What the compiled step needs and exchanges."""
    memory, text = compiled.memory_analysis(), _text(compiled)
    sizes["work"] = memory.temp_size_in_bytes
    sizes["peak"] = (
        memory.argument_size_in_bytes
        + memory.output_size_in_bytes
        - memory.alias_size_in_bytes
        + memory.temp_size_in_bytes
    )
    found, asked = exchanges(text), exchanges(lowered.as_text(dialect="hlo"))
    fits = None if topology.memory is None else sizes["peak"] <= topology.memory
    return {
        "bytes": sizes,
        "fits": fits,
        "hlo_bytes": len(text),
        "asked": _by_kind(asked),
        "asked_exchanges": [exchange._asdict() for exchange in asked],
        "collectives": _by_kind(found),
        "exchanges": [exchange._asdict() for exchange in found],
        "advice": _advice(program) if fits is False else [],
    }


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

    def size(tree: Any) -> int:
        return sum(
            int(np.prod(leaf.sharding.shard_shape(leaf.shape))) * leaf.dtype.itemsize
            for leaf in jax.tree.leaves(tree)
            if leaf.dtype != program.state.rng.dtype
        )

    model, shape = program.model, program.mesh.shape
    rows = program.config.data.batch.batch_size // (shape["data"] * shape["fsdp"])
    rows //= program.config.optim.accumulate
    stream = 4 if model.llm.residual_in_fp32 else 2
    kept = model.llm.n_layer * rows * program.config.data.batch.seq_len * model.llm.d_model
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


def _by_kind(found: Sequence[Exchange]) -> dict[str, dict[str, int]]:
    """Kind -> how often a step runs it, the bytes of its results, and how many in loops."""
    table: dict[str, dict[str, int]] = {}
    for exchange in found:
        row = table.setdefault(exchange.kind, {"count": 0, "bytes": 0, "in_loops": 0})
        row["count"] += exchange.count
        row["bytes"] += exchange.count * exchange.bytes
        row["in_loops"] += exchange.count if exchange.loops else 0
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
