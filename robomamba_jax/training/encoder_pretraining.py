# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Pre-training of a small encoder: the step before stage 1 that CLIP's authors did for the large
presets. The loop, the checkpoints and the files are those of every other run; ``encoder_objective``
says what is learned.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
from flax import nnx

from robomamba_jax.config import VisionConfig
from robomamba_jax.config.encoder import EncoderPlan
from robomamba_jax.config.serial import ModelParts, parts_to_json
from robomamba_jax.convert.folder import write_folder
from robomamba_jax.convert.placement import tree_tensors
from robomamba_jax.convert.tensors import TensorInfo
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.data.pipeline.labelled import Labelled, LabelledBatches
from robomamba_jax.data.processor import Processor
from robomamba_jax.data.text.prompts import prompt_template
from robomamba_jax.errors import InputError
from robomamba_jax.models.graphs import abstract
from robomamba_jax.models.params import Params
from robomamba_jax.models.placement import local_rows, replicate
from robomamba_jax.models.vision import VisionTower
from robomamba_jax.training import checkpoint, loop
from robomamba_jax.training.checkpoint import BaseReference
from robomamba_jax.training.device_put import DeviceFeeder, normalized
from robomamba_jax.training.encoder_objective import (
    EncoderNetwork,
    LabelSizes,
    abstract_network,
    encoder_objective,
)
from robomamba_jax.training.evaluate import Evaluation
from robomamba_jax.training.flops import products
from robomamba_jax.training.freeze import TRAIN
from robomamba_jax.training.program import StepProgram, make_program
from robomamba_jax.training.report import start_lines
from robomamba_jax.training.run import in_workdir
from robomamba_jax.training.setup import Session, check_workdir, choose_step, open_state, run_meta
from robomamba_jax.training.sharding import check_rows, make_mesh, params_shardings
from robomamba_jax.utils.jsonl import whole_lines
from robomamba_jax.utils.progress import Log, no_log

OnLoss = Callable[[int, int, float], None]
"""Called with (steps done, steps, loss)."""

STAGE = "encoder"
"""What such a run's files say for a stage."""

_READ = 100  # held-out images at a time, at the most
_SAMPLE = 256  # images whose patches say how large they are
_EVERY = 10  # steps between two points of the curve


class EncoderRun(NamedTuple):
    """What came of it.

    Attributes:
      steps: updates done.
      seconds: of training, interruptions and compilation left out.
      curve: the loss, every tenth step.
      words: W, size of the vocabulary.
      held_out: of the held-out images, as ``encoder_objective`` scores them: shares of objects and
        colours that are named right, F1 of all words, overlap of moving parts, and share of their
        pixels whose motion is right; empty without held-out images.
      stopped: why before the last step; then no folder was written ("" = it was the last).
    """

    steps: int
    seconds: float
    curve: tuple[tuple[int, float], ...]
    words: int
    held_out: dict[str, float]
    stopped: str = ""


def pretrain_encoder(
    data: Labelled,
    config: VisionConfig,
    transform: ImageTransform,
    plan: EncoderPlan,
    out: Path,
    *,
    held_out: Labelled | None = None,
    on_step: OnLoss = lambda step, steps, loss: None,
    workdir: Path | None = None,
    log: Log = no_log,
) -> EncoderRun:
    """Train a tower and write it as an inference folder that holds an encoder alone; the same call
    after any interruption.

    Args:
      data: what it learns; the maps' side is a multiple of the tower's grid and divides the
        images' side.
      config: of the tower.
      transform: of the images.
      plan: how long.
      out: the folder.
      held_out: other images with the same vocabulary, to be read in the end.
      on_step: told every tenth step and the last.
      workdir: where the run keeps its checkpoints and metrics; None = beside ``out``, with
        ".run" behind its name.
      log: gets lines for a person.

    Raises:
      InputError: the workdir holds another run, or a loss is not finite.
    """
    workdir = out.with_name(f"{out.name}.run") if workdir is None else workdir

    def told(step: int, steps: int, metrics: Mapping[str, float | None]) -> None:
        """Hands on the losses that are on the curve."""
        loss = metrics["loss"]
        if loss is not None and _on_curve(step - 1, steps):
            on_step(step, steps, round(loss, 4))

    with (
        in_workdir(workdir),
        begin(data, config, transform, plan, workdir, held_out, log) as session,
    ):
        for line in start_lines(session):
            log(line)
        result = loop.run(session, log=log, on_progress=told)
        read: dict[str, float] = {}
        if not result.stopped:
            # A run that was killed behind its last step has no step left whose scores these are.
            read = result.eval or Evaluation(session).scores()
        # Whole again, on the host: from here on one device is enough.
        tower = jax.device_get(replicate(session.program.mesh, session.state.trained["vision"]))
    if not result.stopped and jax.process_index() == 0:
        images = np.asarray(data.images[:_SAMPLE])
        tower = standardized(tower, config, images, transform)
        _write(out, tower, config, session.processor, plan)
    seconds, curve = _history(workdir, plan.steps)
    losses = session.program.objective.weights
    kept = {name: round(x, 4) for name, x in read.items() if name not in losses}
    return EncoderRun(
        result.step, seconds, curve, len(data.vocabulary), kept, stopped=result.stopped
    )


def begin(
    data: Labelled,
    config: VisionConfig,
    transform: ImageTransform,
    plan: EncoderPlan,
    workdir: Path,
    held_out: Labelled | None = None,
    log: Log = no_log,
) -> Session:
    """Make a run ready, from its beginning or from its newest step.

    Args:
      data: see ``pretrain_encoder``, as all others.
      config: of the tower.
      transform: of the images.
      plan: how long.
      workdir: exists.
      held_out: other images.
      log: gets lines about what was found.

    Raises:
      InputError: something of it cannot be.
    """
    check_workdir(plan, workdir)
    resumed = choose_step(workdir, log)
    parts = ModelParts(None, config, None)
    reference = _reference(parts, transform, plan.seed)
    if resumed is not None and checkpoint.read_meta(resumed)["base"] != reference:
        raise InputError(
            "base_mismatch",
            f"{workdir} was begun with an encoder of another size, or another transform",
            "give the same again to resume, or another workdir to begin",
        )
    program, new_params = encoder_program(data, config, transform, plan)
    mesh = program.mesh
    size = plan.batch_size
    pipeline = LabelledBatches(
        data,
        grid=config.grid,
        batch_size=size,
        seed=plan.seed,
        shift=plan.shift,
        mirrors=plan.mirrors,
        rows=local_rows(mesh, size),
    )
    tests = None
    if held_out is not None:
        places = mesh.shape["data"] * mesh.shape["fsdp"]
        # Whole batches of one size that the mesh can share out; what does not fill the last one is
        # left out of the scores.
        few = max(min(_READ, len(held_out.names)) // places, 1) * places
        tests = LabelledBatches(
            held_out,
            grid=config.grid,
            batch_size=few,
            seed=0,
            shuffle=False,
            rows=local_rows(mesh, few),
        )
    meta = run_meta(plan, STAGE, program, reference, parts)
    state, step, writer = open_state(plan, workdir, resumed, program, pipeline, meta, new_params)
    return Session(
        config=plan,
        workdir=workdir,
        program=program,
        pipeline=pipeline,
        feeder=DeviceFeeder(mesh, size),
        held_out=tests,
        state=state,
        frozen={},
        step=step,
        steps=plan.steps,
        meta=meta,
        processor=Processor(None, transform, prompt_template("standard")),
        checkpoints=writer,
    )


def encoder_program(
    data: Labelled, config: VisionConfig, transform: ImageTransform, plan: EncoderPlan
) -> tuple[StepProgram, Callable[[], Params]]:
    """The program of a run, and what makes its first parameters.

    Args:
      data: of which the sizes of maps and vocabulary count.
      config: of the tower.
      transform: of the images.
      plan: how long, and over which devices.

    Raises:
      InputError: the mesh does not fit the machine or the batch.
    """
    mesh = make_mesh(plan.mesh)
    check_rows(plan.batch_size, 1, mesh, "rows")
    cells = (data.pixels.shape[1] // config.grid) ** 2
    # Not of "nothing" and "body", which the groups say.
    sizes = LabelSizes(len(data.vocabulary), len(data.pixel_names) - 2, cells)
    graph, expected = abstract_network(config, sizes)
    schedule = _lr_schedule(plan)
    # Forward, for the weights' gradient and for the inputs': see ``flops.flops_per_token``.
    flops = 3 * 2 * products({"vision": expected["vision"]})
    program = make_program(
        encoder_objective(graph, expected, transform, data.vocabulary),
        _optimizer(schedule),
        schedule,
        labels=jax.tree.map(lambda _: TRAIN, expected),
        trained=expected,
        frozen={},
        mesh=mesh,
        dtype=config.dtype,
        work=lambda held: flops * held.tokens,
        trainable=("vision/.*", "readout/.*"),
    )

    def new_params() -> Params:
        """The parameters before the first step."""
        network = EncoderNetwork(config, sizes, rngs=nnx.Rngs(plan.seed))
        return nnx.to_pure_dict(nnx.state(network))

    return program, jax.jit(new_params, out_shardings=params_shardings(expected, mesh))


def _reference(parts: ModelParts, transform: ImageTransform, seed: int) -> BaseReference:
    """Random numbers, by what determines them and what they are shown."""
    content = [seed, parts_to_json(parts), transform.to_json()]
    sha256 = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {"kind": "random", "path": None, "seed": seed, "sha256": sha256}


def _lr_schedule(plan: EncoderPlan) -> optax.Schedule:
    # From 0, unlike the stages': the released encoder was trained so.
    return optax.warmup_cosine_decay_schedule(
        0.0, plan.learning_rate, max(1, plan.steps // 20), plan.steps, 0.02 * plan.learning_rate
    )


def _optimizer(schedule: optax.Schedule) -> optax.GradientTransformation:
    """Muon for the blocks' matrices, AdamW for all else: about twice as far in as many steps."""
    # Weights are [out, in], as in torch, behind the axis of layers. What is not stacked (tables,
    # the patch convolution, the heads) is AdamW's: Muon is meant for hidden layers' matrices.
    stacked = optax.contrib.MuonDimensionNumbers(reduction_axis=2, output_axis=1)
    return optax.contrib.muon(
        schedule,
        adam_b2=0.98,
        weight_decay=0.05,
        adam_learning_rate=schedule,
        consistent_rms=0.2,
        muon_weight_dimension_numbers=lambda tree: jax.tree.map(
            lambda leaf: stacked if leaf.ndim == 3 else None, tree
        ),
    )


def standardized(
    tower: Params, config: VisionConfig, images: np.ndarray, transform: ImageTransform
) -> Params:
    """The same tower whose patches have mean 0 in every channel and, in the median channel, a
    standard deviation of 1, as a projector expects its inputs.

    Blocks read the residual stream through a LayerNorm, which does not see its scale, so whatever
    writes to it is scaled alike; the mean goes into the last block's bias.

    Args:
      tower: its parameters.
      config: of the tower.
      images: uint8[A, S, S, 3], to measure.
      transform: of images.
    """
    graph, _ = abstract(lambda: VisionTower(config, rngs=nnx.Rngs(0)))
    run = jax.jit(lambda params, x: nnx.merge(graph, params)(normalized(x, transform)))
    patches = np.asarray(run(tower, images), np.float64)
    # The median, not the mean: after pre-training one channel may have five times the deviation of
    # all others, and would push them below what a projector notices.
    scale = 1 / np.median(patches.std(axis=(0, 1)))
    mean = patches.mean(axis=(0, 1))
    found = jax.tree.map(jnp.asarray, tower)
    layers, embeddings = found["encoder"]["layers"], found["embeddings"]
    writers = [
        embeddings["patch_embedding"],
        embeddings["position_embedding"],
        layers["self_attn"]["out_proj"],
        layers["mlp"]["fc2"],
    ]
    for writer in writers:
        for name in writer:
            writer[name] = writer[name] * scale
    bias = layers["mlp"]["fc2"]["bias"]
    layers["mlp"]["fc2"]["bias"] = bias.at[-1].add(jnp.asarray(-scale * mean, bias.dtype))
    return found


def _write(
    out: Path, tower: Params, config: VisionConfig, processor: Processor, plan: EncoderPlan
) -> None:
    tensors = []
    for name, make in tree_tensors({"vision": tower}).items():
        array = make()
        tensors.append((name, TensorInfo(array.shape, str(array.dtype)), make))
    # What any number of the weights depends on; where and how often something is said does not.
    names = ("steps", "rows", "learning_rate", "shift", "mirrors", "seed")
    recipe = {name: getattr(plan, name) for name in names}
    write_folder(
        out,
        ModelParts(None, config, None),
        processor,
        tensors,
        origin={"family": "robomamba_jax", "stage": STAGE, **recipe},
        overwrite=True,
    )


def _on_curve(step: int, steps: int) -> bool:
    return step % _EVERY == 0 or step == steps - 1


def _history(workdir: Path, steps: int) -> tuple[float, tuple[tuple[int, float], ...]]:
    """Seconds of training and the loss's curve, as the run's files have them: those of all its
    processes, one after the other."""

    def lines(name: str) -> list[dict[str, float]]:
        """The objects of a file of the workdir."""
        return [json.loads(line) for line in whole_lines((workdir / name).read_bytes())[0]]

    curve = [
        (int(line["step"]), round(line["loss"], 4))
        for line in lines("metrics.jsonl")
        if "loss" in line and _on_curve(int(line["step"]), steps)
    ]
    # null: the first step of a process, and those behind a compilation or a checkpoint.
    return sum(line["seconds"] or 0.0 for line in lines("timings.jsonl")), tuple(curve)
