# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Gradients of a batch whose rows, and of parameters whose pieces, lie on many devices.

Inside of ``jax.shard_map`` over ``data`` and ``fsdp`` each device computes its own rows as if
it were alone. What is exchanged stands here and in ``models.sharding.gathered``, and nowhere
else: a layer's weights are gathered when the layer runs, their gradients come back by
reduce-scatter, those of unsplit parameters and the sums of losses by all-reduce. ``tensor``
stays with the compiler, which splits the inside of layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec

from robomamba_jax.models.params import Params, leaf_paths
from robomamba_jax.models.placement import ROWS
from robomamba_jax.models.sharding import in_pieces, partition_spec, split_axis
from robomamba_jax.training.freeze import merge
from robomamba_jax.training.objectives import Batch, Sums, Task, total_loss


class Spread:
    """How one program's parameters and batches lie on its mesh."""

    def __init__(self, mesh: Mesh, trained: Params, frozen: Params, dtype: str) -> None:
        """Of trees of arrays or shapes; ``dtype`` is that of computation."""
        self._mesh, self._dtype = mesh, dtype
        self._specs = [self._tree_specs(tree) for tree in (trained, frozen)]
        sizes = dict(mesh.shape)
        found = {}
        for path, leaf in leaf_paths(merge(trained, frozen)).items():
            axis = split_axis(path, tuple(leaf.shape), sizes)
            if axis is not None:
                found[path] = axis
        self._axes: Mapping[str, int] = found

    def _tree_specs(self, tree: Params) -> Params:
        """Of every leaf, its place along the axes that are manual here."""
        sizes = dict(self._mesh.shape)

        def spec(path: str, shape: tuple[int, ...]) -> PartitionSpec:
            full = partition_spec(path, shape, sizes)
            return PartitionSpec(*(_manual(entry) for entry in full))

        specs = [spec(path, tuple(leaf.shape)) for path, leaf in leaf_paths(tree).items()]
        return jax.tree.structure(tree).unflatten(specs)

    def _over(self, function: Callable[..., Any], outputs: Any) -> Callable[..., Any]:
        """``function(trained, frozen, rows)`` on every device with what lies there."""

        def local(trained: Params, frozen: Params, batch: Batch) -> Any:
            with in_pieces(self._axes, self._dtype):
                return function(trained, frozen, batch)

        def call(trained: Params, frozen: Params, batch: Batch) -> Any:
            rows = {name: PartitionSpec(ROWS) for name in batch}
            spread = jax.shard_map(
                local,
                mesh=self._mesh,
                in_specs=(*self._specs, rows),
                out_specs=outputs,
                axis_names=set(ROWS),
                check_vma=False,
            )
            return spread(trained, frozen, dict(batch))

        return call

    def gradients(self, task: Task, parts: int) -> Callable[..., tuple[Params, Sums]]:
        """(trained, frozen, batch) -> the total loss's gradient, and all sums and counts.

        Args:
          task: what is minimised.
          parts: pieces into which each device's rows are cut; their gradients add up.
        """

        def local(trained: Params, frozen: Params, batch: Batch) -> tuple[Params, Sums]:
            grads, sums = _gradients(task, trained, frozen, batch, parts)
            return self._summed(grads), sums

        return self._over(local, (self._specs[0], PartitionSpec()))

    def scores(self, task: Task) -> Callable[..., Sums]:
        """(trained, frozen, batch) -> sums and counts of losses and scores."""

        def local(trained: Params, frozen: Params, batch: Batch) -> Sums:
            return _everywhere(task.scores(merge(trained, frozen), batch))

        return self._over(local, PartitionSpec())

    def outputs(self, task: Task) -> Callable[..., dict[str, jax.Array]]:
        """(trained, frozen, batch) -> what ``Task.outputs`` says of each row."""
        predict = task.outputs
        assert predict is not None

        def local(trained: Params, frozen: Params, batch: Batch) -> dict[str, jax.Array]:
            return predict(merge(trained, frozen), batch)

        return self._over(local, PartitionSpec(ROWS))

    def _summed(self, grads: Params) -> Params:
        """Over all devices: along ``fsdp`` split leaves are summed already."""

        def leaf(path: Any, grad: jax.Array) -> jax.Array:
            name = "/".join(str(key.key) for key in path)
            left = ("data",) if name in self._axes else ROWS
            return _psum(grad, tuple(axis for axis in left if self._mesh.shape[axis] > 1))

        return jax.tree_util.tree_map_with_path(leaf, grads)


def _manual(entry: Any) -> Any:
    """An axis's entry without ``tensor``, which the compiler has."""
    names = entry if isinstance(entry, tuple) else (entry,)
    return next((name for name in names if name in ROWS), None)


def _psum(x: jax.Array, axes: tuple[str, ...]) -> jax.Array:
    return jax.lax.psum(x, axes) if axes else x


def _everywhere(tree: Any) -> Any:
    return jax.tree.map(lambda x: jax.lax.psum(x, ROWS), tree)


def _gradients(
    task: Task, trained: Params, frozen: Params, batch: Batch, parts: int
) -> tuple[Params, Sums]:
    """This device's share of the gradient, and the sums and counts of all devices.

    Where counts can be told beforehand the means' own gradients add up; so does that of a whole
    batch. Else the one sum's do, and are divided by its count in the end.
    """
    counts = None if task.counts is None else _everywhere(task.counts(batch))
    ((only, weight), *others) = task.weights.items()
    assert counts is not None or not others

    def objective(trained: Params, piece: Batch) -> tuple[jax.Array, Sums]:
        sums = task.losses(merge(trained, frozen), piece)
        if counts is not None:
            return total_loss(sums, counts, task.weights), sums
        total, count = sums[only]
        return weight * total / (_divisor(_everywhere(count)) if parts == 1 else 1.0), sums

    gradient = jax.grad(objective, has_aux=True)
    if parts == 1:
        grads, sums = gradient(trained, batch)
    else:
        pieces = {
            name: array.reshape(parts, array.shape[0] // parts, *array.shape[1:])
            for name, array in batch.items()
        }

        def add(total: Any, piece: Batch) -> tuple[Any, None]:
            return jax.tree.map(jnp.add, total, gradient(trained, piece)), None

        first = jax.tree.map(lambda x: x[0], pieces)
        zeros = jax.tree.map(
            lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(gradient, trained, first)
        )
        (grads, sums), _ = jax.lax.scan(add, zeros, pieces)
    sums = _everywhere(sums)
    if counts is not None:
        return grads, {name: (total, counts[name]) for name, (total, _) in sums.items()}
    if parts > 1:
        divisor = _divisor(sums[only][1])
        grads = jax.tree.map(lambda x: (x / divisor).astype(x.dtype), grads)
    return grads, sums


def _divisor(count: jax.Array) -> jax.Array:
    return jnp.maximum(count, 1.0)
