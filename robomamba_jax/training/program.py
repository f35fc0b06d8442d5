# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""All of a run that can be told without numbers: trees, shardings, the step to compile.

The loop, the planner for hardware that is not there, and the benchmark build the same one.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from robomamba_jax.config import RoboMambaConfig
from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.config.training import TrainConfig
from robomamba_jax.data.examples import contacts_of
from robomamba_jax.data.images.transforms import ImageTransform, image_transform
from robomamba_jax.data.pipeline.batch_plan import BatchShape
from robomamba_jax.errors import InputError
from robomamba_jax.models.params import Params
from robomamba_jax.training import freeze, optim
from robomamba_jax.training.objectives import Task, pose_task, text_task
from robomamba_jax.training.sharded_gradients import Spread
from robomamba_jax.training.sharding import (
    check_rows,
    copied,
    params_shardings,
    rows_sharding,
)
from robomamba_jax.training.state import TrainState, abstract_state, state_shardings
from robomamba_jax.training.step import make_step
from robomamba_jax.training.weights import chosen_config, expected_params

_BACKBONE = ("vision", "projector", "llm")
_CACHED = {
    "": (),
    "vision_patches": ("vision",),
    "pooled_hidden": _BACKBONE,
    "hidden_states": _BACKBONE,
}
"""Parts that cached features stand for: nobody reads them, and they are not loaded."""


@dataclasses.dataclass(frozen=True)
class Program:
    """What a run does, and to what.

    Attributes:
      config: the run's.
      model: the model's, as it is trained.
      mesh: where.
      features: kind of the cached features, "" for none.
      marks: "train" or "freeze" for every parameter that is read.
      state: as shapes with shardings.
      frozen: as shapes with shardings.
      task: what is minimised.
      rate: the learning rate of every step.
      transform: the optimizer.
      step: jitted: (state, frozen, batch) -> (state, metrics); the state is donated.
      evaluate: jitted: (trained, frozen, batch) -> sums and counts.
      outputs: jitted: (trained, frozen, batch) -> predictions of every row; None for texts.
    """

    config: TrainConfig
    model: RoboMambaConfig
    mesh: Mesh
    features: str
    marks: Params
    state: TrainState
    frozen: Params
    task: Task
    rate: Any
    transform: Any
    step: Any
    evaluate: Any
    outputs: Any

    @property
    def table(self) -> list[freeze.FreezeRow]:
        """What is trained and what it costs."""
        return freeze.freeze_table(self.state.trained, self.frozen, self.state.opt_state)

    def batch(self, shape: BatchShape) -> dict[str, Any]:
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
    check_rows(config.data.batch.batch_size, config.optim.accumulate, mesh)
    model = chosen_config(config.model, parts)
    wide, narrow = expected_params(model, config.model)
    all_marks = freeze.labels(wide, config.trainable)
    left_out = _CACHED[features]
    _check_features(features, all_marks, config, model)
    marks = {name: part for name, part in all_marks.items() if name not in left_out}
    trained = freeze.split(_only(wide, marks), marks)[0]
    frozen = freeze.split(_only(narrow, marks), marks)[1]
    transform = optim.optimizer(config.optim, steps, marks)
    rate = optim.schedule(config.optim, steps)
    state = abstract_state(trained, marks, transform)
    places = state_shardings(state, mesh)
    task = _task(config, model)
    spread = Spread(mesh, trained, frozen, model.llm.dtype)
    gradients = spread.gradients(task, config.optim.accumulate)
    step = make_step(task, gradients, transform, marks, rate)
    outputs = None if task.outputs is None else spread.outputs(task)
    here = copied(mesh)
    return Program(
        config=config,
        model=model,
        mesh=mesh,
        features=features,
        marks=marks,
        state=_placed(state, places),
        frozen=_placed(frozen, params_shardings(frozen, mesh)),
        task=task,
        rate=rate,
        transform=transform,
        step=jax.jit(step, donate_argnums=0, out_shardings=(places, here)),
        evaluate=jax.jit(spread.scores(task), out_shardings=here),
        outputs=None if outputs is None else jax.jit(outputs, out_shardings=here),
    )


def _only(tree: Params, marks: Params) -> Params:
    return {name: tree[name] for name in marks}


def _check_features(
    features: str, marks: Params, config: TrainConfig, model: RoboMambaConfig
) -> None:
    """What cached features stand for must be frozen and be read by nobody else, and the policy
    head must read what they are."""
    for part in _CACHED[features]:
        if freeze.TRAIN in jax.tree.leaves(marks.get(part, {})):
            raise InputError(
                "bad_config",
                f"{features} features stand for {part}, which is trained",
                "train without them: --set data.features=none",
            )
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


def _placed(tree: Any, places: Any) -> Any:
    """Shapes with shardings."""

    def leaf(x: Any, place: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=place)

    return jax.tree.map(leaf, tree, places)


def _task(config: TrainConfig, model: RoboMambaConfig) -> Task:
    transform = run_transform(config.data)
    if config.loss.kind == "text":
        return text_task(model, config.loss, transform, config.data.batch.seq_len)
    side = 1 if transform is None else transform.size
    raw = config.data.encoding.contact_scale == "raw"
    if raw and model.policy is not None and model.policy.kind == "mixture":
        raise InputError(
            "bad_config",
            "the mixture head proposes contacts in shares of the crop's side, not in its pixels",
            "set data.encoding.contact_scale=unit",
        )
    return pose_task(model, config.loss, transform, contacts_of(config.data.encoding).unit(side))


def run_transform(data: DataConfig) -> ImageTransform | None:
    """The transform of a run's images."""
    name = data.encoding.transform
    return None if name is None else image_transform(name)


def states_length(data: DataConfig, patches: int) -> int:
    """J, the most positions of a pose's row: its pictures' tokens and its prompt's."""
    batch = data.batch
    return batch.image_limit * patches + min(batch.text_limit, data.encoding.max_tokens)


def abstract_batch(
    data: DataConfig, model: RoboMambaConfig, shape: BatchShape, features: str, mesh: Mesh
) -> dict[str, Any]:
    """A batch's arrays as shapes with shardings, as ``Feed`` makes them."""
    rows, place = shape.rows, rows_sharding(mesh)
    text = (rows, shape.text)
    found: dict[str, tuple[tuple[int, ...], Any]] = {
        "input_ids": (text, jnp.int32),
        "mask": (text, bool),
        "segment_ids": (text, jnp.int32),
        "loss_mask": (text, bool),
        "image_positions": ((rows, shape.images), jnp.int32),
        "stop": ((rows,), jnp.int32),
    }
    transform = run_transform(data)
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
        name: jax.ShapeDtypeStruct(size, kind, sharding=place)
        for name, (size, kind) in found.items()
    }
