# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Gradients of a batch whose rows, and of parameters whose pieces, lie on many devices.

Inside of ``jax.shard_map`` over ``data`` and ``fsdp`` each device computes its own rows as if
it were alone. What devices communicate stands here and in ``models.sharding.gathered``, and nowhere
else: a layer's weights are gathered when the layer runs, their gradients come back by
reduce-scatter, those of unsplit parameters and the sums of losses by all-reduce. ``tensor``
stays with the compiler, which splits the inside of layers.

This is the third stage of ZeRO (arXiv 1910.02054), "fully sharded data parallel", written out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec
from jax.tree_util import KeyPath

from robomamba_jax.models.params import Params, leaf_paths
from robomamba_jax.models.placement import ROWS
from robomamba_jax.models.sharding import in_pieces, partition_spec, split_axis
from robomamba_jax.training.freeze import merge
from robomamba_jax.training.jax_types import PyTree
from robomamba_jax.training.objectives import Batch, Objective, Sums, total_loss

TreeT = TypeVar("TreeT")


class ShardedObjective:
    """An objective over a program's mesh: its functions take global arrays and give global ones."""

    def __init__(
        self, objective: Objective, mesh: Mesh, trained: Params, frozen: Params, dtype: str
    ) -> None:
        """Look up how every parameter is split.

        Args:
          objective: of one device's rows.
          mesh: with the axes of ``models.sharding.AXES``.
          trained: tree of arrays or shapes.
          frozen: another.
          dtype: of computation; weights are gathered in it.
        """
        self._objective, self._mesh, self._dtype = objective, mesh, dtype
        # trained and frozen go into shard_map as two arguments, each with its specs, in pieces as
        # they lie. Inside they are merged to one tree, still in pieces: ``complete`` puts together
        # what is no layer, each layer gathers its own weights. The gradient is of trained alone.
        self._specs = [self._tree_specs(tree) for tree in (trained, frozen)]
        # Path -> the axis that fsdp has cut. What it does not divide is whole on every device, and
        # has no entry.
        sizes = dict(mesh.shape)
        found = {}
        for path, leaf in leaf_paths(merge(trained, frozen)).items():
            axis = split_axis(path, tuple(leaf.shape), sizes)
            if axis is not None:
                found[path] = axis
        self._axes: Mapping[str, int] = found

    def _tree_specs(self, tree: Params) -> Params:
        """Of every leaf, where it lies along the axes that are manual here."""
        sizes = dict(self._mesh.shape)

        def spec(path: str, shape: tuple[int, ...]) -> PartitionSpec:
            """One leaf's place."""
            full = partition_spec(path, shape, sizes)
            return PartitionSpec(*(_manual(entry) for entry in full))

        specs = [spec(path, tuple(leaf.shape)) for path, leaf in leaf_paths(tree).items()]
        return jax.tree.structure(tree).unflatten(specs)

    def _over_mesh(self, function: Callable[..., TreeT], out_specs: Any) -> Callable[..., TreeT]:
        """``function(trained, frozen, rows)`` on every device with what lies there."""

        def local(trained: Params, frozen: Params, batch: Batch) -> TreeT:
            """One device's part: its rows, its pieces of the parameters."""
            # Open while the function is traced, which is when the gathers are written into it.
            with in_pieces(self._axes, self._dtype):
                return function(trained, frozen, batch)

        def call(trained: Params, frozen: Params, batch: Batch) -> TreeT:
            """The function over the whole mesh."""
            rows = {name: PartitionSpec(ROWS) for name in batch}
            sharded = jax.shard_map(
                local,
                mesh=self._mesh,
                in_specs=(*self._specs, rows),
                out_specs=out_specs,
                axis_names=set(ROWS),
                # With the check on, shard_map adds sums of its own where a parameter that all
                # devices share meets rows that they do not. ``_reduced`` has them all.
                check_vma=False,
            )
            return sharded(trained, frozen, dict(batch))

        return call

    def gradients(self, accumulate: int) -> Callable[[Params, Params, Batch], tuple[Params, Sums]]:
        """(trained, frozen, batch) -> the total loss's gradient, and all sums and counts.

        Args:
          accumulate: pieces into which each device's rows are cut; their gradients add up.
        """

        def local(trained: Params, frozen: Params, batch: Batch) -> tuple[Params, Sums]:
            """This device's gradient, summed over the others."""
            grads, sums = _gradients(self._objective, trained, frozen, batch, accumulate)
            return self._reduced(grads), sums

        # Gradients leave in the pieces in which their parameters lie, so that the optimizer updates
        # each device's own; sums are equal everywhere.
        return self._over_mesh(local, (self._specs[0], PartitionSpec()))

    def scores(self) -> Callable[[Params, Params, Batch], Sums]:
        """(trained, frozen, batch) -> sums and counts of losses and scores."""

        def local(trained: Params, frozen: Params, batch: Batch) -> Sums:
            """This device's scores, summed over the others."""
            return _all_reduce(self._objective.scores(merge(trained, frozen), batch))

        return self._over_mesh(local, PartitionSpec())

    def outputs(self) -> Callable[[Params, Params, Batch], dict[str, jax.Array]] | None:
        """(trained, frozen, batch) -> what ``Objective.outputs`` says of each row; None where it
        has none."""
        predict = self._objective.outputs
        if predict is None:
            return None

        def local(trained: Params, frozen: Params, batch: Batch) -> dict[str, jax.Array]:
            """This device's rows' predictions."""
            return predict(merge(trained, frozen), batch)

        return self._over_mesh(local, PartitionSpec(ROWS))

    def _reduced(self, grads: Params) -> Params:
        """Gradients of all devices' rows. Along ``fsdp`` those of split leaves are summed already:
        the transpose of their gather was a reduce-scatter."""

        def leaf(path: KeyPath, grad: jax.Array) -> jax.Array:
            """One gradient, summed over the axes that are left."""
            name = "/".join(str(key.key) for key in path)
            # With data=2 and fsdp=4: a cut weight's gradient has been summed over the four devices
            # that hold its pieces, and is summed over two copies here; a whole one over all eight.
            left = ("data",) if name in self._axes else ROWS
            return _psum(grad, tuple(axis for axis in left if self._mesh.shape[axis] > 1))

        return jax.tree_util.tree_map_with_path(leaf, grads)


def _manual(entry: str | tuple[str, ...] | None) -> str | None:
    """An axis's entry without ``tensor``, which the compiler has."""
    names = entry if isinstance(entry, tuple) else (entry,)
    return next((name for name in names if name in ROWS), None)


def _psum(x: jax.Array, axes: tuple[str, ...]) -> jax.Array:
    return jax.lax.psum(x, axes) if axes else x


def _all_reduce(tree: TreeT) -> TreeT:
    """Sums over all devices that have rows."""
    return jax.tree.map(lambda x: jax.lax.psum(x, ROWS), tree)


def _gradients(
    objective: Objective, trained: Params, frozen: Params, batch: Batch, accumulate: int
) -> tuple[Params, Sums]:
    """This device's share of the gradient, and the sums and counts of all devices.

    A mean over all rows of all devices is not the mean of the devices' means: they may count
    different numbers of tokens. So every sum is divided by the global count. Where counts can be
    told from the batch alone (poses) they are there before the gradient is taken, and so are those
    of a whole batch. With accumulation of texts the count is only known after the last piece: then
    gradients of the sum add up and are divided in the end.
    """
    counts = None if objective.counts is None else _all_reduce(objective.counts(batch))
    ((only, weight), *others) = objective.weights.items()
    assert counts is not None or not others

    def loss(trained: Params, piece: Batch) -> tuple[jax.Array, Sums]:
        """The loss of a piece of the rows, and its sums."""
        sums = objective.losses(merge(trained, frozen), piece)
        if counts is not None:
            return total_loss(sums, counts, objective.weights), sums
        total, count = sums[only]
        whole = _divisor(_all_reduce(count)) if accumulate == 1 else 1.0
        return weight * total / whole, sums

    gradient = jax.grad(loss, has_aux=True)
    if accumulate == 1:
        grads, sums = gradient(trained, batch)
    else:
        # [rows, ...] -> [accumulate, rows / accumulate, ...], for the scan to walk over.
        pieces = {
            name: array.reshape(accumulate, array.shape[0] // accumulate, *array.shape[1:])
            for name, array in batch.items()
        }

        def add(total: PyTree, piece: Batch) -> tuple[PyTree, None]:
            """A piece's gradient on top of the others'."""
            return jax.tree.map(jnp.add, total, gradient(trained, piece)), None

        # Shapes of one piece's gradient, without computing it: the sums begin at 0 in its dtypes.
        first = jax.tree.map(lambda x: x[0], pieces)
        zeros = jax.tree.map(
            lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(gradient, trained, first)
        )
        (grads, sums), _ = jax.lax.scan(add, zeros, pieces)
    sums = _all_reduce(sums)
    if counts is not None:
        return grads, {name: (total, counts[name]) for name, (total, _) in sums.items()}
    # Nothing was divided by in the pieces' losses (``whole`` is 1 there), so here it is.
    if accumulate > 1:
        divisor = _divisor(sums[only][1])
        grads = jax.tree.map(lambda x: (x / divisor).astype(x.dtype), grads)
    return grads, sums


def _divisor(count: jax.Array) -> jax.Array:
    """A count to divide by: a batch in which nothing is learned has a loss of 0, not NaN."""
    return jnp.maximum(count, 1.0)
