# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""All of a run that is known before any number is: trees, shardings, the step to compile.

The loop, the planner for hardware that is not there, and the benchmark build the same one.

The two trees
-------------
A model's parameters are one nested dict; training cuts it in two and keeps it cut, so that what is
frozen has no gradient, no moment, no accumulator and no float32 copy:

      patterns (config.trainable)
                 |  freeze.param_labels
                 v
    labels: "train" or "freeze" for every leaf
                 |  freeze.split
          +------+----------------------------+
          v                                   v
    trained (trained_dtype)            frozen (frozen_dtype)
    a tree of those leaves alone       a tree of the others alone
          |                                   |
          |   freeze.merge, inside of the step
          +-----------------+-----------------+
                            v
                  one tree, in pieces over fsdp
                            |  objectives.complete = gathered(but=STACKS): puts all leaves together
                            |  but the stacked layers', which the scan over layers gathers one by
                            |  one; parts that cached features stand for become scalars
                            v
                       the model -> sums and counts of losses
                            |  jax.grad with respect to trained alone
                            v
    gradients, a tree like trained
                            |  state.zeros_like_frozen: a whole tree, scalars where it is frozen,
                            |  because optax.multi_transform wants labels and tree alike
                            v
    optimizer by labels: AdamW or Muon where "train", set_to_zero where "freeze"
                            |  step: the updates of trained leaves alone are applied
                            v
                     trained, one step on
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding
from jax.stages import Wrapped as JitWrapped

from robomamba_jax.config import RoboMambaConfig
from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.config.training import TrainConfig
from robomamba_jax.data.examples import contacts_of
from robomamba_jax.data.images.transforms import ImageTransform, image_transform
from robomamba_jax.data.pipeline.batch_plan import BatchShape
from robomamba_jax.data.pipeline.step_data import StepContents
from robomamba_jax.errors import InputError
from robomamba_jax.models.params import Params
from robomamba_jax.training import freeze, optim
from robomamba_jax.training.flops import flops_per_token, step_flops
from robomamba_jax.training.objectives import Objective, pose_objective, text_objective
from robomamba_jax.training.sharded_gradients import ShardedObjective
from robomamba_jax.training.sharding import (
    check_rows,
    params_shardings,
    replicated,
    rows_sharding,
)
from robomamba_jax.training.state import TrainState, abstract_state, state_shardings
from robomamba_jax.training.step import make_step
from robomamba_jax.training.weights import chosen_config, expected_params

_BACKBONE = ("vision", "projector", "llm")
CACHED_PARTS = {
    "": (),
    "vision_patches": ("vision",),
    "pooled_hidden": _BACKBONE,
    "hidden_states": _BACKBONE,
}
"""Kind of cached features -> parts that they stand for, which are neither read nor loaded."""


@dataclasses.dataclass(frozen=True)
class StepProgram:
    """What a run does, and to what, whatever it trains.

    Attributes:
      mesh: where.
      labels: "train" or "freeze" for every parameter that is read.
      state: as shapes with shardings.
      frozen: as shapes with shardings.
      objective: what is minimised.
      lr_schedule: the learning rate of every step.
      optimizer: from gradients to updates.
      step: jitted: (state, frozen, batch) -> (state, metrics); the state is donated.
      evaluate: jitted: (trained, frozen, batch) -> sums and counts.
      outputs: jitted: (trained, frozen, batch) -> predictions of every row; None for texts.
      work: floating-point operations of a step with such contents.
      trainable: the patterns that chose what is trained.
      features: kind of the cached features, "" for none.
    """

    mesh: Mesh
    labels: Params
    state: TrainState
    frozen: Params
    objective: Objective
    lr_schedule: optax.Schedule
    optimizer: optax.GradientTransformation
    step: JitWrapped
    evaluate: JitWrapped
    outputs: JitWrapped | None
    work: Callable[[StepContents], float]
    trainable: tuple[str, ...]
    features: str = ""

    @property
    def table(self) -> list[freeze.FreezeRow]:
        """What is trained and what it costs."""
        return freeze.freeze_table(self.state.trained, self.frozen, self.state.opt_state)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Program(StepProgram):
    """A stage's program.

    Attributes:
      config: the run's.
      model: the model's, as it is trained.
    """

    config: TrainConfig
    model: RoboMambaConfig

    def batch(self, shape: BatchShape) -> dict[str, jax.ShapeDtypeStruct]:
        """A batch's arrays as shapes with shardings."""
        return abstract_batch(self.config.data, self.model, shape, self.features, self.mesh)


def build(
    config: TrainConfig,
    parts: ModelParts | None,
    mesh: Mesh,
    *,
    steps: int,
    features: str = "",
) -> Program:
    """The program of a run.

    Args:
      config: the run's.
      parts: of the base; None = as the preset says.
      mesh: where it runs.
      steps: in all, for the schedule.
      features: kind of the cached features that stand for frozen parts.

    Raises:
      InputError: what is trained, the mesh or the features do not fit the model.
    """
    # From here on everything is shapes: a program for hardware that is not there costs no memory.
    check_rows(config.data.batch.batch_size, config.optim.accumulate, mesh)
    model = chosen_config(config.model, parts)
    as_trained, as_frozen = expected_params(model, config.model)
    all_labels = freeze.param_labels(as_trained, config.trainable)
    left_out = CACHED_PARTS[features]
    # Before anything is left out: a part that cached features stand for must not be trained.
    _check_features(features, all_labels, config, model)
    labels = {name: part for name, part in all_labels.items() if name not in left_out}
    # Each half is cut out of the tree that has its dtypes.
    trained = freeze.split(_only(as_trained, labels), labels)[0]
    frozen = freeze.split(_only(as_frozen, labels), labels)[1]
    per_token = flops_per_token(trained, frozen, model)
    patches = 0 if model.vision is None else model.vision.num_patches

    def work(held: StepContents) -> float:
        """FLOPs of a step."""
        return step_flops(per_token, held.tokens, held.images, patches, held.samples)

    made = make_program(
        _objective(config, model),
        optim.optimizer(config.optim, steps, labels),
        optim.lr_schedule(config.optim, steps),
        labels=labels,
        trained=trained,
        frozen=frozen,
        mesh=mesh,
        dtype=model.llm.dtype,
        work=work,
        trainable=config.trainable,
        accumulate=config.optim.accumulate,
    )
    return Program(**{**vars(made), "features": features}, config=config, model=model)


def make_program(
    objective: Objective,
    optimizer: optax.GradientTransformation,
    lr_schedule: optax.Schedule,
    *,
    labels: Params,
    trained: Params,
    frozen: Params,
    mesh: Mesh,
    dtype: str,
    work: Callable[[StepContents], float],
    trainable: tuple[str, ...],
    accumulate: int = 1,
) -> StepProgram:
    """The step of an objective on a mesh.

    Args:
      objective: what is minimised.
      optimizer: of a whole tree's gradients, see ``make_step``.
      lr_schedule: the learning rate of every step.
      labels: "train" or "freeze" for every leaf.
      trained: the trained tree, as shapes.
      frozen: the frozen tree, as shapes.
      mesh: where it runs.
      dtype: of computation; weights are gathered in it.
      work: see ``StepProgram``.
      trainable: see ``StepProgram``.
      accumulate: parts into which a batch is cut.
    """
    state = abstract_state(trained, labels, optimizer)
    shardings = state_shardings(state, mesh)
    sharded = ShardedObjective(objective, mesh, trained, frozen, dtype)
    gradients = sharded.gradients(accumulate)
    step = make_step(objective, gradients, optimizer, labels, lr_schedule)
    # Metrics and predictions are copied to all devices: process 0 writes them, wherever rows lie.
    outputs, copies = sharded.outputs(), replicated(mesh)
    return StepProgram(
        mesh=mesh,
        labels=labels,
        state=_with_shardings(state, shardings),
        frozen=_with_shardings(frozen, params_shardings(frozen, mesh)),
        objective=objective,
        lr_schedule=lr_schedule,
        optimizer=optimizer,
        # Donated: the new state takes the old one's memory, else two would have to fit.
        step=jax.jit(step, donate_argnums=0, out_shardings=(shardings, copies)),
        evaluate=jax.jit(sharded.scores(), out_shardings=copies),
        outputs=None if outputs is None else jax.jit(outputs, out_shardings=copies),
        work=work,
        trainable=trainable,
    )


def _only(tree: Params, labels: Params) -> Params:
    return {name: tree[name] for name in labels}


def _check_features(
    features: str, labels: Params, config: TrainConfig, model: RoboMambaConfig
) -> None:
    """What cached features stand for must be frozen and be read by nobody else, and the policy
    head must read what they are."""
    for part in CACHED_PARTS[features]:
        if freeze.TRAIN in jax.tree.leaves(labels.get(part, {})):
            what = f"{features} features stand for {part}, which is trained"
            raise InputError("bad_config", what, "train without them: --set data.features=none")
    if features not in ("pooled_hidden", "hidden_states"):
        return
    if config.loss.kind != "pose":
        raise InputError(
            "bad_config", f"{features} features are of poses", "cache vision_patches instead"
        )
    sequences = model.policy is not None and model.policy.reads_sequences
    reads = "hidden_states" if sequences else "pooled_hidden"
    if model.policy is not None and features != reads:
        raise InputError(
            "bad_config",
            f"the {model.policy.kind} head reads {reads} features, and the cache has {features}",
            f"compute the features again: robomamba data features --kind {reads}",
        )


def _with_shardings(tree: Any, shardings: Any) -> Any:
    """Shapes with shardings."""

    def leaf(x: jax.ShapeDtypeStruct, sharding: NamedSharding) -> jax.ShapeDtypeStruct:
        """One shape with its sharding."""
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)

    return jax.tree.map(leaf, tree, shardings)


def _objective(config: TrainConfig, model: RoboMambaConfig) -> Objective:
    transform = run_image_transform(config.data)
    # Rows are cut to seq_len before the blocks; the batch plan has kept to it.
    if config.loss.kind == "text":
        return text_objective(model, config.loss, transform, config.data.batch.seq_len)
    side = 1 if transform is None else transform.size
    raw = config.data.encoding.contact_scale == "raw"
    if raw and model.policy is not None and model.policy.kind == "mixture":
        what = "the mixture head proposes contacts in shares of the crop's side, not in its pixels"
        raise InputError("bad_config", what, "set data.encoding.contact_scale=unit")
    unit = contacts_of(config.data.encoding).unit(side)
    return pose_objective(model, config.loss, transform, unit)


def run_image_transform(data: DataConfig) -> ImageTransform | None:
    """The transform of a run's images."""
    name = data.encoding.transform
    return None if name is None else image_transform(name)


def states_length(data: DataConfig, patches: int) -> int:
    """J, the most positions of a pose's row: its images' tokens and its prompt's."""
    batch = data.batch
    return batch.image_limit * patches + min(batch.text_limit, data.encoding.max_tokens)


def abstract_batch(
    data: DataConfig, model: RoboMambaConfig, shape: BatchShape, features: str, mesh: Mesh
) -> dict[str, jax.ShapeDtypeStruct]:
    """A batch's arrays as shapes with shardings, as ``DeviceFeeder`` makes them."""
    rows, sharding = shape.rows, rows_sharding(mesh)
    text = (rows, shape.text)
    # What ``data.pipeline.batches.build_rows`` makes, and ``stop``, which the feeder adds.
    found: dict[str, tuple[tuple[int, ...], Any]] = {
        "input_ids": (text, jnp.int32),
        "mask": (text, bool),
        "segment_ids": (text, jnp.int32),
        "loss_mask": (text, bool),
        "image_positions": ((rows, shape.images), jnp.int32),
        "stop": ((rows,), jnp.int32),
    }
    transform = run_image_transform(data)
    vision, dtype = model.vision, jnp.dtype(model.llm.dtype)
    if features == "pooled_hidden":
        found["features"] = ((rows, model.llm.d_model), dtype)
    elif features == "hidden_states" and vision is not None:
        joint = states_length(data, vision.num_patches)
        found["features"] = ((rows, joint, model.llm.d_model), dtype)
    elif features == "vision_patches" and vision is not None:
        found["features"] = ((rows, shape.images, vision.num_patches, vision.width), dtype)
    elif transform is not None and shape.images:
        side = transform.size
        found["images"] = ((rows, shape.images, side, side, 3), jnp.uint8)
    if data.encoding.target == "pose":
        for name, tail in (
            ("contact", (2,)),
            ("rotation", (3, 3)),
            ("gripper", ()),
            ("weight", ()),
        ):
            found[name] = ((rows, *tail), jnp.float32)
    return {
        name: jax.ShapeDtypeStruct(size, kind, sharding=sharding)
        for name, (size, kind) in found.items()
    }
