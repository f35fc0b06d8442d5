# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the rivals' networks are made of, exactly as torch computes it: convolutions, batch
normalisation with running statistics, pooling and upsampling.

Images are [B, H, W, C]. Weights are stored as torch stores them, [out, in, 3, 3] and [out, in].

A network that is called with ``train`` normalises by its batch's statistics and replaces its
running ones, as a module of torch does; whoever merged it reads them off afterwards. ``train``
names the axes of the mesh over which rows are spread, () for none, so that a batch is the same
batch on any number of devices.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
import math
from functools import partial
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from robomamba_jax.models.graphs import PyTree
from robomamba_jax.models.layers import linear, uniform
from robomamba_jax.models.sharding import KeyPath

Axes = tuple[str, ...]
MOMENTUM, EPS = 0.1, 1e-5  # torch's
_WINDOW = 3  # pixels to a side of every convolution


def conv3x3(x: jax.Array, weight: jax.Array, bias: jax.Array) -> jax.Array:
    """A 3 x 3 cross-correlation with a border of one 0.

    Args:
      x: float[B, H, W, I].
      weight: float[O, I, 3, 3]; cast to x's dtype.
      bias: float[O].

    Returns:
      x's dtype, [B, H, W, O].
    """
    y = jax.lax.conv_general_dilated(
        x,
        weight.astype(x.dtype),
        window_strides=(1, 1),
        padding="SAME",
        dimension_numbers=("NHWC", "OIHW", "NHWC"),
    )
    return y + bias.astype(x.dtype)


def max_pool2(x: jax.Array) -> jax.Array:
    """float[B, H, W, C] -> float[B, H // 2, W // 2, C], the largest of every 2 x 2; an odd last row
    or column is dropped."""
    batch, height, width, channels = x.shape
    even = x[:, : height // 2 * 2, : width // 2 * 2]
    cells = even.reshape(batch, height // 2, 2, width // 2, 2, channels)
    # In pairs and not by a window or ``max``: the gradient is a choice, instead of a scatter, or of
    # a division by how many numbers equal the largest. XLA may compute that one twice, with other
    # last bits: then none does.
    wide = jnp.maximum(cells[:, :, :, :, 0], cells[:, :, :, :, 1])
    return jnp.maximum(wide[:, :, 0], wide[:, :, 1])


def largest(x: jax.Array, axis: int) -> jax.Array:
    """The maximum along an axis, whose gradient goes to one of the largest numbers alone (torch's
    does, and see ``max_pool2`` for why not to several)."""
    chosen = jnp.argmax(x, axis=axis, keepdims=True)
    places = jax.lax.broadcasted_iota(chosen.dtype, x.shape, axis)
    return jnp.where(places == chosen, x, 0).sum(axis=axis)


def upsample2(x: jax.Array) -> jax.Array:
    """float[B, H, W, C] -> float[B, 2H, 2W, C], bilinear, corners on corners (torch's
    ``align_corners=True``, which ``jax.image.resize`` does not have)."""
    rows, columns = (jnp.asarray(_interpolation(size), x.dtype) for size in x.shape[1:3])
    return jnp.einsum("oh,pw,bhwc->bopc", rows, columns, x)


def _interpolation(size: int) -> np.ndarray:
    """float32[2 size, size]: which share of each number a number of the longer line is."""
    # In float32, as torch computes the places: in float64 the last bits would be others.
    step = np.float32(size - 1) / np.float32(max(2 * size - 1, 1))
    place = np.arange(2 * size, dtype=np.float32) * step
    low = np.minimum(place.astype(np.int64), size - 1)
    high = np.minimum(low + 1, size - 1)
    share = place - low.astype(np.float32)
    found = np.zeros((2 * size, size), np.float32)
    lines = np.arange(2 * size)
    np.add.at(found, (lines, low), 1 - share)
    np.add.at(found, (lines, high), share)
    return found


def padded_to(x: jax.Array, height: int, width: int) -> jax.Array:
    """float[B, h, w, C] with zeros around it, to [B, height, width, C]; of an odd number the larger
    half comes behind."""
    down, right = height - x.shape[1], width - x.shape[2]
    return jnp.pad(
        x, ((0, 0), (down // 2, down - down // 2), (right // 2, right - right // 2), (0, 0))
    )


class Moments(nnx.Module):
    """Batch normalisation (arXiv 1502.03167): ``weight`` and ``bias`` [C], and the running
    statistics ``running_mean`` and ``running_var`` [C]; all float32."""

    def __init__(self, width: int) -> None:
        self.weight = nnx.Param(jnp.ones((width,), jnp.float32))
        self.bias = nnx.Param(jnp.zeros((width,), jnp.float32))
        self.running_mean = nnx.BatchStat(jnp.zeros((width,), jnp.float32))
        self.running_var = nnx.BatchStat(jnp.ones((width,), jnp.float32))

    def __call__(
        self, x: jax.Array, train: Axes | None, where: jax.Array | None = None
    ) -> jax.Array:
        """float[..., C] -> float[..., C], float32 inside.

        Args:
          x: what to normalise.
          train: see the module; None = by the running statistics.
          where: bool[...]: the places that count for statistics; None = all.
        """
        dtype, x = x.dtype, x.astype(jnp.float32)
        if train is None:
            mean, variance = self.running_mean[...], self.running_var[...]
        else:
            mean, variance, count = batch_moments(x, where, train)
            # torch normalises by the biased variance and remembers the unbiased one.
            unbiased = variance * (count / jnp.maximum(count - 1, 1))
            for held, new in ((self.running_mean, mean), (self.running_var, unbiased)):
                held[...] = jax.lax.stop_gradient((1 - MOMENTUM) * held[...] + MOMENTUM * new)
        scale = self.weight[...] * jax.lax.rsqrt(variance + EPS)
        return ((x - mean) * scale + self.bias[...]).astype(dtype)


def batch_moments(
    x: jax.Array, where: jax.Array | None, axes: Axes
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Mean and biased variance of every channel, and how many numbers they are of.

    Args:
      x: float32[..., C].
      where: bool[...]: the places that count; None = all.
      axes: of the mesh, over which the first axis is spread.

    Returns:
      float32[C], float32[C], float32[].
    """
    counts = jnp.ones(x.shape[:-1], bool) if where is None else where
    weight = counts.astype(jnp.float32)[..., None]
    places = tuple(range(x.ndim - 1))

    def total(y: jax.Array) -> jax.Array:
        """The sum over all places and devices."""
        y = y.sum(axis=places)
        return cast("jax.Array", jax.lax.psum(y, axes)) if axes else y

    count = jnp.maximum(total(weight), 1.0)
    mean = total(x * weight) / count
    # Of centred numbers: the mean of squares less the squared mean would lose digits.
    return mean, total(jnp.square(x - mean) * weight) / count, count[0]


class Conv(nnx.Module):
    """``weight`` [O, I, 3, 3] and ``bias`` [O]; torch's default start, or He's (arXiv 1502.01852)
    where ``kaiming``."""

    def __init__(
        self, d_in: int, d_out: int, *, rngs: nnx.Rngs, dtype: DTypeLike, kaiming: bool = False
    ) -> None:
        fan = d_in * _WINDOW**2
        shape = (d_out, d_in, _WINDOW, _WINDOW)
        self.dtype = jnp.dtype(dtype)
        weight = (
            math.sqrt(2 / fan) * jax.random.normal(rngs.params(), shape, jnp.float32)
            if kaiming
            else uniform(rngs.params(), shape, 1 / math.sqrt(fan), jnp.float32)
        )
        self.weight = nnx.Param(weight)
        self.bias = nnx.Param(uniform(rngs.params(), (d_out,), 1 / math.sqrt(fan), jnp.float32))

    def __call__(self, x: jax.Array) -> jax.Array:
        """float[B, H, W, I] -> dtype[B, H, W, O]."""
        return conv3x3(x.astype(self.dtype), self.weight[...], self.bias[...])


class ConvUnit(nnx.Module):
    """``conv``, ``norm``, and a ReLU."""

    def __init__(
        self, d_in: int, d_out: int, *, rngs: nnx.Rngs, dtype: DTypeLike, kaiming: bool = False
    ) -> None:
        self.conv = Conv(d_in, d_out, rngs=rngs, dtype=dtype, kaiming=kaiming)
        self.norm = Moments(d_out)

    def __call__(self, x: jax.Array, train: Axes | None) -> jax.Array:
        """float[B, H, W, I] -> dtype[B, H, W, O]."""
        return jax.nn.relu(self.norm(self.conv(x), train))


class ConvPair(nnx.Module):
    """Two units, ``first`` and ``second``."""

    def __init__(
        self,
        d_in: int,
        middle: int,
        d_out: int,
        *,
        rngs: nnx.Rngs,
        dtype: DTypeLike,
        kaiming: bool = False,
    ) -> None:
        unit = partial(ConvUnit, rngs=rngs, dtype=dtype, kaiming=kaiming)
        self.first = unit(d_in, middle)
        self.second = unit(middle, d_out)

    def __call__(self, x: jax.Array, train: Axes | None) -> jax.Array:
        """float[B, H, W, I] -> dtype[B, H, W, O]."""
        return self.second(self.first(x, train), train)


class Dense(nnx.Module):
    """``weight`` [out, in] and ``bias`` [out]: torch's default start, or Xavier's normal one with a
    bias of 0 where ``xavier``."""

    def __init__(
        self, d_in: int, d_out: int, *, rngs: nnx.Rngs, dtype: DTypeLike, xavier: bool = False
    ) -> None:
        self.dtype = jnp.dtype(dtype)
        bound = 1 / math.sqrt(d_in)
        if xavier:
            spread = math.sqrt(2 / (d_in + d_out))
            weight = spread * jax.random.normal(rngs.params(), (d_out, d_in), jnp.float32)
            bias = jnp.zeros((d_out,), jnp.float32)
        else:
            weight = uniform(rngs.params(), (d_out, d_in), bound, jnp.float32)
            bias = uniform(rngs.params(), (d_out,), bound, jnp.float32)
        self.weight, self.bias = nnx.Param(weight), nnx.Param(bias)

    def __call__(self, x: jax.Array) -> jax.Array:
        """float[..., in] -> dtype[..., out]."""
        return linear(x.astype(self.dtype), self.weight[...]) + self.bias[...].astype(self.dtype)


STATISTICS = ("running_mean", "running_var")
"""Last names of the leaves that no gradient changes."""


def statistics_loss(before: PyTree, after: PyTree) -> jax.Array:
    """A number that is 0 and whose gradient is what running statistics have to lose: subtracting it
    from ``before`` gives ``after``. So statistics travel through the step, the mesh and the
    checkpoints as parameters do.

    Args:
      before: a network's parameters and statistics, with respect to which the gradient is taken.
      after: the same tree behind a call with ``train``; read for its statistics alone.

    Returns:
      float32[], 0.
    """

    def leaf(path: KeyPath, old: jax.Array, new: jax.Array) -> jax.Array:
        """One leaf's part."""
        if str(path[-1].key) not in STATISTICS:
            return jnp.zeros((), jnp.float32)
        held = jax.lax.stop_gradient
        return jnp.sum(held(old - new) * (old - held(old)))

    parts = jax.tree_util.tree_map_with_path(leaf, before, after)
    return sum(jax.tree.leaves(parts), jnp.zeros((), jnp.float32))
