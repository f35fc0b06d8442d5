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
from optax import OptState

from robomamba_jax.models.params import Params
from robomamba_jax.training.objectives import Batch, Objective, Sums, total_loss
from robomamba_jax.training.state import TrainState, zeros_like_frozen

Metrics = dict[str, jax.Array]
Step = Callable[[TrainState, Params, Batch], tuple[TrainState, Metrics]]


def make_step(
    objective: Objective,
    gradients: Callable[..., tuple[Params, Sums]],
    optimizer: optax.GradientTransformation,
    labels: Params,
    lr_schedule: optax.Schedule,
) -> Step:
    """The update of one batch.

    Args:
      objective: what is minimised.
      gradients: (trained, frozen, batch) -> gradient and sums, see ``ShardedObjective.gradients``.
      optimizer: of a whole tree's gradients; frozen leaves get a scalar 0.
      labels: from ``freeze.param_labels``.
      lr_schedule: the learning rate of each step, for the metrics.

    Returns:
      A pure function. Metrics are float32[] each: ``loss``, one ``loss_<name>`` and one
      ``count_<name>`` per loss, ``grad_norm``, ``param_norm``, ``lr``; bool[] ``halted``; int32[]
      ``stop``, how many rows come from a process that was asked to stop.
    """

    def update(trained: Params, opt_state: OptState, grads: Params) -> tuple[Params, OptState]:
        """Parameters and the optimizer's state after a good gradient."""
        # optax.multi_transform takes tree and labels of one form: scalars stand where it is frozen.
        updates, opt_state = optimizer.update(
            zeros_like_frozen(grads, labels), opt_state, zeros_like_frozen(trained, labels)
        )
        new: Any = optax.apply_updates(trained, _like(updates, trained))
        return new, opt_state

    def keep(trained: Params, opt_state: OptState, grads: Params) -> tuple[Params, OptState]:
        """Both as they were."""
        del grads
        return trained, opt_state

    def step(state: TrainState, frozen: Params, batch: Batch) -> tuple[TrainState, Metrics]:
        """One update; see ``make_step``."""
        rows = {name: array for name, array in batch.items() if name != "stop"}
        if objective.draws:
            # By the state's step, which counts good updates and is saved: a resumed run draws the
            # same bits. One word a row, so that they do not depend on how rows are sharded.
            key = jax.random.fold_in(state.rng, state.step)
            rows["draw"] = jax.random.bits(key, rows["input_ids"].shape[:1], jnp.uint32)
        grads, sums = gradients(state.trained, frozen, rows)
        # Sums and counts of the whole batch, the same on every device: so are all branches below.
        counts = {name: count for name, (_, count) in sums.items()}
        loss = total_loss(sums, counts, objective.weights)
        # Before clipping. One NaN or infinity anywhere in the gradient makes it not finite.
        norm = optax.tree.norm(grads)
        good = jnp.isfinite(loss) & jnp.isfinite(norm) & ~state.halted
        # A branch, not a choice between two states: that would need room for both.
        trained, opt_state = jax.lax.cond(good, update, keep, state.trained, state.opt_state, grads)
        # ``halted`` stays set: later steps in flight find it, and keep the state as it is.
        after = TrainState(
            step=state.step + good.astype(jnp.int32),
            halted=~good,
            rng=state.rng,
            trained=trained,
            opt_state=opt_state,
        )
        metrics = {
            "loss": loss,
            **{f"loss_{name}": _mean(sums, name) for name in objective.weights},
            **{f"count_{name}": sums[name][1] for name in objective.weights},
            "grad_norm": norm,
            "param_norm": optax.tree.norm(trained),
            "lr": jnp.asarray(lr_schedule(state.step), jnp.float32),
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
