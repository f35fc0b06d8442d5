# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Root-mean-square normalisation (Zhang and Sennrich, arXiv 1910.07467)."""

from __future__ import annotations

import math
import numbers

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from robomamba_jax.errors import InputError
from robomamba_jax.ops.arguments import floats


def rms_norm(
    x: jax.Array, weight: jax.Array, *, eps: float = 1e-5, dtype: DTypeLike | None = None
) -> jax.Array:
    """``x / sqrt(mean(x^2) + eps) * weight`` over the last axis, float32 inside.

    Args:
      x: float[..., D].
      weight: float[D].
      eps: added to the mean square; every released Mamba uses 1e-5.
      dtype: of the result; ``x``'s own by default.

    Returns:
      dtype[..., D].

    Raises:
      InputError: an argument is not such an array, shapes do not fit, or ``eps`` or ``dtype`` is
        not one.
    """
    x, weight = floats(("x", x, "... D"), ("weight", weight, "D"))
    if not x.ndim or weight.shape != x.shape[-1:]:
        raise InputError(
            "shape_mismatch",
            f"x has shape {list(x.shape)}, weight {list(weight.shape)}",
            "give x as [..., D] and weight as [D]",
        )
    _check_eps(eps)
    x32 = x.astype(jnp.float32)
    scale = jax.lax.rsqrt(jnp.mean(jnp.square(x32), axis=-1, keepdims=True) + eps)
    return (x32 * scale * weight.astype(jnp.float32)).astype(_dtype(dtype, x))


def _check_eps(eps: object) -> None:
    number = not isinstance(eps, bool) and isinstance(eps, numbers.Real)
    if not isinstance(eps, jax.Array) and not (number and 0 <= eps < math.inf):  # type: ignore[operator]
        raise InputError("bad_arguments", f"eps is {eps!r:.60}", "give a number from 0, as 1e-5")


def _dtype(dtype: DTypeLike | None, x: jax.Array) -> DTypeLike:
    """The result's, which is x's own where none is given."""
    if dtype is None:
        return x.dtype
    try:
        if jnp.issubdtype(jnp.dtype(dtype), jnp.floating):
            return dtype
    except TypeError:  # no dtype at all
        pass
    raise InputError("bad_dtype", f"dtype is {dtype!r:.60}", "give float32, bfloat16 or float16")
