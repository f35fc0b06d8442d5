# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The position network: a U-Net (arXiv 1505.04597) that says of every pixel whether touching and
pulling there moves something. The paper's comparison uses this one of UMPNet's two networks."""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
import math

import jax
import jax.numpy as jnp
from flax import nnx

from robomamba_jax.baselines.layers import (
    Axes,
    ConvPair,
    ConvUnit,
    max_pool2,
    padded_to,
    upsample2,
)
from robomamba_jax.config.geometric_networks import PositionConfig
from robomamba_jax.models.layers import linear, uniform


class PixelClasses(nnx.Module):
    """``weight`` [O, I, 1, 1] and ``bias`` [O]: a 1 x 1 convolution, in float32."""

    def __init__(self, d_in: int, d_out: int, *, rngs: nnx.Rngs) -> None:
        bound = 1 / math.sqrt(d_in)
        self.weight = nnx.Param(uniform(rngs.params(), (d_out, d_in, 1, 1), bound, jnp.float32))
        self.bias = nnx.Param(uniform(rngs.params(), (d_out,), bound, jnp.float32))

    def __call__(self, x: jax.Array) -> jax.Array:
        """float[B, H, W, I] -> float32[B, H, W, O]."""
        weight = self.weight[...]
        return linear(x.astype(jnp.float32), weight[:, :, 0, 0]) + self.bias[...]


class PositionNetwork(nnx.Module):
    """``inc``, ``down1`` .. ``down4``, ``up1`` .. ``up4``, ``outc``: names as published. With other
    numbers of widths there are as many levels as these."""

    def __init__(self, config: PositionConfig, *, rngs: nnx.Rngs) -> None:
        widths, dtype = config.widths, config.dtype
        self.levels = len(widths) - 1
        self.inc = ConvUnit(config.channels, widths[0], rngs=rngs, dtype=dtype)
        for level in range(1, self.levels + 1):
            above, here = widths[level - 1 : level + 1]
            setattr(self, f"down{level}", ConvPair(above, here, here, rngs=rngs, dtype=dtype))
        # What comes up has the width of the level that it is joined with, so that both together
        # have twice that; the last one keeps the first level's.
        carried = widths[-1]
        for step in range(1, self.levels + 1):
            skip = widths[self.levels - step]
            out = widths[max(self.levels - step - 1, 0)]
            both = carried + skip
            pair = ConvPair(both, both // 2, out, rngs=rngs, dtype=dtype)
            setattr(self, f"up{step}", pair)
            carried = out
        self.outc = PixelClasses(widths[0], config.classes, rngs=rngs)

    def __call__(self, images: jax.Array, train: Axes | None = None) -> jax.Array:
        """Logits of every pixel.

        Args:
          images: float32[B, H, W, 10]: point in the world (metres), colour (0 to 1), normal
            towards the camera, depth (metres).
          train: see ``layers``; None = use.

        Returns:
          float32[B, H, W, 2]: nothing moves, something does.
        """
        found = [self.inc(images, train)]
        for level in range(1, self.levels + 1):
            found.append(getattr(self, f"down{level}")(max_pool2(found[-1]), train))
        x = found.pop()
        for step in range(1, self.levels + 1):
            skip = found.pop()
            # A level of an odd size has lost a row on the way down.
            up = padded_to(upsample2(x), *skip.shape[1:3])
            x = getattr(self, f"up{step}")(jnp.concatenate([skip, up], axis=-1), train)
        return self.outc(x)
