# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""AdamW or Muon for what is trained, ``set_to_zero`` for what is not: one optax transformation."""

from __future__ import annotations

import math
import re
from typing import Any

import jax
import optax
import optax.contrib
from jax.tree_util import KeyPath

from robomamba_jax.config.training import OptimConfig
from robomamba_jax.models.params import Params
from robomamba_jax.training.freeze import FREEZE, TRAIN
from robomamba_jax.training.jax_types import PyTree

# Labels of the second multi_transform, which stands within what the first calls TRAIN.
MATRIX, REST = "matrix", "rest"
# Of Muon's updates, as large as AdamW's are (arXiv 2502.16982, section 2.2).
_ROOT_MEAN_SQUARE = 0.2


def lr_schedule(config: OptimConfig, steps: int) -> optax.Schedule:
    """The learning rate of each of ``steps`` steps, from 0: a rise, then the fall.

    Step k has the rate after k + 1 of the warm-up's steps, so that the first one moves.
    """
    warmup = round(config.warmup_ratio * steps)
    top, end = config.learning_rate, config.end_lr_ratio * config.learning_rate
    rest = max(steps - warmup, 1)
    fall: optax.Schedule
    if config.schedule == "cosine":
        fall = optax.cosine_decay_schedule(top, rest, alpha=config.end_lr_ratio)
    elif config.schedule == "linear":
        fall = optax.linear_schedule(top, end, rest)
    else:
        fall = optax.constant_schedule(top)
    if not warmup:
        return fall
    # From top / warmup, not from 0: a step at rate 0 would compute a gradient for nothing. Over
    # warmup - 1 transitions, so that step `warmup` is the first of the fall, at the top.
    rise = optax.linear_schedule(top / warmup, top, warmup - 1) if warmup > 1 else fall
    return optax.join_schedules([rise, fall], [warmup])


def optimizer(config: OptimConfig, steps: int, labels: Params) -> optax.GradientTransformation:
    """The transformation of a whole parameter tree's gradients.

    Clipping stands inside the trained branch: outside it would read frozen gradients, which
    shall not exist.

    Args:
      config: see there.
      steps: of the whole run, for the schedule.
      labels: from ``freeze.param_labels``.
    """
    parts = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    # In AdamW's order: decay is added behind the direction, so that no moment ever sees it, and in
    # front of the rate, which scales it (arXiv 1711.05101, algorithm 2).
    parts += [
        _direction(config),
        optax.add_decayed_weights(config.weight_decay, mask=lambda tree: decays(tree, config)),
        optax.scale_by_learning_rate(lr_schedule(config, steps)),
    ]
    return optax.multi_transform({TRAIN: optax.chain(*parts), FREEZE: optax.set_to_zero()}, labels)


def _direction(config: OptimConfig) -> optax.GradientTransformation:
    """From gradients to updates of the size of one."""
    adam = optax.scale_by_adam(b1=config.b1, b2=config.b2, eps=config.eps)
    if config.optimizer == "adamw":
        return adam
    # Not optax.contrib.muon whole: clipping, weight decay and the schedule stand around both
    # branches here, so that one learning rate holds for the two.
    muon = optax.chain(
        optax.contrib.scale_by_muon(weight_dimension_numbers=_matrix_axes),
        optax.stateless(lambda updates, _: jax.tree.map(_as_large_as_adams, updates)),
    )
    # A factor instead of a schedule of its own: the two rates keep their ratio at every step.
    rest = optax.chain(adam, optax.scale(config.adam_lr_ratio))
    return optax.multi_transform({MATRIX: muon, REST: rest}, lambda tree: _kinds(tree, config))


def _as_large_as_adams(update: jax.Array) -> jax.Array:
    """An orthogonal matrix's entries have a root mean square of one over its longer side's root."""
    return _ROOT_MEAN_SQUARE * math.sqrt(max(update.shape[-2:])) * update


def _matrix_axes(tree: Any) -> Any:
    """Weights are [..., out, in]; axes before these, as of stacked layers, are matrices apart."""
    axes = optax.contrib.MuonDimensionNumbers(reduction_axis=-1, output_axis=-2)
    return jax.tree.map(lambda _: axes, tree)


def _kinds(params: Any, config: OptimConfig) -> Any:
    """MATRIX or REST for every leaf, by the patterns of ``matrices``."""

    def kind(path: KeyPath, leaf: jax.Array) -> str:
        """MATRIX or REST of one leaf."""
        # A bias under a matching path, or a scalar in place of a frozen leaf, has no two axes.
        named = _any_matches(config.matrices, path)
        return MATRIX if named and leaf.ndim >= 2 else REST

    return jax.tree_util.tree_map_with_path(kind, params)


def decays(params: PyTree, config: OptimConfig) -> PyTree:
    """Whether weight decay acts on each leaf of a tree, by the patterns of ``no_decay``."""

    # Norms, biases, A_log and D: decay would pull a norm's scale to 0 and A_log to A = -1, which
    # nothing prefers; Mamba's own training leaves A_log and D out, too.
    return jax.tree_util.tree_map_with_path(
        lambda path, _: not _any_matches(config.no_decay, path), params
    )


def _any_matches(patterns: tuple[str, ...], path: KeyPath) -> bool:
    name = "/".join(str(key.key) for key in path)
    return any(re.fullmatch(pattern, name) for pattern in patterns)
