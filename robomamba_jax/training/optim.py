# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""AdamW for what is trained, ``set_to_zero`` for what is not: one optax transformation."""

from __future__ import annotations

import re
from typing import Any

import jax
import optax

from robomamba_jax.config.training import OptimConfig
from robomamba_jax.models.trees import Params
from robomamba_jax.training.freeze import FREEZE, TRAIN


def schedule(config: OptimConfig, steps: int) -> optax.Schedule:
    """The learning rate of each of ``steps`` steps, from 0: a rise, then the fall.

    Step k has the rate after k + 1 of the warm-up's steps, so that the first one moves.
    """
    warmup = round(config.warmup_ratio * steps)
    top, end = config.learning_rate, config.end_factor * config.learning_rate
    rest = max(steps - warmup, 1)
    fall: optax.Schedule
    if config.schedule == "cosine":
        fall = optax.cosine_decay_schedule(top, rest, alpha=config.end_factor)
    elif config.schedule == "linear":
        fall = optax.linear_schedule(top, end, rest)
    else:
        fall = optax.constant_schedule(top)
    if not warmup:
        return fall
    rise = optax.linear_schedule(top / warmup, top, warmup - 1) if warmup > 1 else fall
    return optax.join_schedules([rise, fall], [warmup])


def optimizer(config: OptimConfig, steps: int, marks: Params) -> optax.GradientTransformation:
    """The transformation of a whole parameter tree's gradients.

    Clipping stands inside the trained branch: outside it would read frozen gradients, which
    shall not exist.

    Args:
      config: see there.
      steps: of the whole run, for the schedule.
      marks: from ``freeze.labels``.
    """
    parts = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    parts += [
        optax.scale_by_adam(b1=config.b1, b2=config.b2, eps=config.eps),
        optax.add_decayed_weights(config.weight_decay, mask=lambda tree: decays(tree, config)),
        optax.scale_by_learning_rate(schedule(config, steps)),
    ]
    return optax.multi_transform({TRAIN: optax.chain(*parts), FREEZE: optax.set_to_zero()}, marks)


def decays(params: Any, config: OptimConfig) -> Any:
    """Whether weight decay acts on each leaf of a tree, by the patterns of ``no_decay``."""

    def leaf(path: Any, _: Any) -> bool:
        name = "/".join(str(key.key) for key in path)
        return not any(re.fullmatch(pattern, name) for pattern in config.no_decay)

    return jax.tree_util.tree_map_with_path(leaf, params)
