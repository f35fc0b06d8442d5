# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One update as a pure function, to be jitted once.

    step(state, frozen, batch) -> (state, metrics)

The gradient is of the trained tree alone. Where a loss or a gradient is not finite, the
update is dropped inside the step and the state halts: parameters stay those of the last good
step, however late the host looks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from robomamba_jax.models.trees import Params
from robomamba_jax.training.state import TrainState, zeros_like_frozen
from robomamba_jax.training.tasks import Batch, Sums, Task, total_loss

Metrics = dict[str, jax.Array]
Step = Callable[[TrainState, Params, Batch], tuple[TrainState, Metrics]]


def make_step(
    task: Task,
    gradients: Callable[..., tuple[Params, Sums]],
    transform: optax.GradientTransformation,
    marks: Params,
    rate: optax.Schedule,
) -> Step:
    """The update of one batch.

    Args:
      task: what is minimised.
      gradients: (trained, frozen, batch) -> gradient and sums, see ``spread``.
      transform: of a whole tree's gradients; frozen leaves get a scalar 0.
      marks: from ``freeze.labels``.
      rate: the learning rate of each step, for the metrics.

    Returns:
      A pure function. Metrics are float32[] each: ``loss``, one ``loss_<name>`` per loss,
      ``count_<name>``, ``grad_norm``, ``param_norm``, ``update_norm``, ``lr``, and bool[]
      ``halted``, int32[] ``stop`` (how many rows come from a process that was told to end).
    """

    def step(state: TrainState, frozen: Params, batch: Batch) -> tuple[TrainState, Metrics]:
        rows = {name: array for name, array in batch.items() if name != "stop"}
        grads, sums = gradients(state.trained, frozen, rows)
        loss = total_loss(sums, {name: count for name, (_, count) in sums.items()}, task.weights)
        norm = optax.tree.norm(grads)
        good = jnp.isfinite(loss) & jnp.isfinite(norm) & ~state.halted
        updates, opt_state = transform.update(
            zeros_like_frozen(grads, marks),
            state.opt_state,
            zeros_like_frozen(state.trained, marks),
        )
        updates = _like(updates, state.trained)
        trained: Any = optax.apply_updates(state.trained, updates)

        def chosen(new: Any, old: Any) -> Any:
            return jax.tree.map(lambda a, b: jnp.where(good, a, b), new, old)

        after = TrainState(
            step=state.step + good.astype(jnp.int32),
            halted=~good,
            rng=state.rng,
            trained=chosen(trained, state.trained),
            opt_state=chosen(opt_state, state.opt_state),
        )
        metrics = {
            "loss": loss,
            **{f"loss_{name}": _mean(sums, name) for name in task.weights},
            **{f"count_{name}": sums[name][1] for name in task.weights},
            "grad_norm": norm,
            "param_norm": optax.tree.norm(after.trained),
            "update_norm": jnp.where(good, optax.tree.norm(updates), 0.0),
            "lr": jnp.asarray(rate(state.step), jnp.float32),
            "halted": ~good,
        }
        if "stop" in batch:
            metrics["stop"] = batch["stop"].sum()
        return after, metrics

    return step


def _like(updates: Any, trained: Params) -> Params:
    """The updates of trained leaves alone."""
    return {
        name: _like(updates[name], part) if isinstance(part, dict) else updates[name]
        for name, part in trained.items()
    }


def _mean(sums: Sums, name: str) -> jax.Array:
    total, count = sums[name]
    return total / jnp.maximum(count, 1.0)
