# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The recurrence itself, on clean inputs: three methods with one meaning.

    h_t = keep_mask_t * exp(delta_t A) * h_{t-1} + delta_t u_t B_t    y_t = C_t . h_t

The core knows nothing of softplus, gates, masks or ids: those are elementwise and
stand in ``selective_scan.py``. State and A are laid out (N, I), so that the long
axis I is the contiguous one.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
from typing import NamedTuple

import jax
import jax.numpy as jnp

from robomamba_jax.ops.backend import current_backend


class Constant(NamedTuple):
    """Which of B and C do not vary in time."""

    B: bool
    C: bool


class ScanInputs(NamedTuple):
    """What the core reads. Everything but ``u``, B and C is float32.

    Attributes:
      u: float[B, T, I].
      delta: float32[B, T, I], positive; 0 leaves the state as it is.
      A: float32[N, I], negative.
      B: float[B, T, N], or constant in time [N, I].
      C: float[B, T, N], or constant in time [N, I].
      keep_mask: float32[B, T], 0 where a segment starts, else 1; None = all 1.
      initial_state: float32[B, N, I].
    """

    u: jax.Array
    delta: jax.Array
    A: jax.Array
    B: jax.Array
    C: jax.Array
    keep_mask: jax.Array | None
    initial_state: jax.Array

    @property
    def constant(self) -> Constant:
        """Which of B and C are constant in time."""
        return Constant(self.B.ndim == 2, self.C.ndim == 2)


def combine(
    left: tuple[jax.Array, jax.Array], right: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    """The associative operator: h -> a h + b, first ``left``, then ``right``.

    Both act on a state h: right(left(h)) = a_r (a_l h + b_l) + b_r, which is such a map again.
    """
    a_left, b_left = left
    a_right, b_right = right
    return a_right * a_left, a_right * b_left + b_right


def scan_pairs(a: jax.Array, b: jax.Array, *, axis: int = 0, reverse: bool = False) -> jax.Array:
    """h_t = a_t h_{t-1} + b_t along an axis, from h = 0 before the first position."""
    pairs: tuple[jax.Array, jax.Array]
    pairs = jax.lax.associative_scan(combine, (a, b), axis=axis, reverse=reverse)
    return pairs[1]


def decay(delta: jax.Array, A: jax.Array, keep_mask: jax.Array | None) -> jax.Array:
    """float32[..., N, I] from delta float32[..., I], A [N, I], keep_mask float32[...]."""
    exponent = delta[..., None, :] * A
    if keep_mask is None:
        return jnp.exp(exponent)
    # A reset is a decay of exactly 0, whatever the step: 0 * h is exact for any finite h. As
    # exp(-inf), and not as a factor behind exp, it is part of the one operation that XLA computes
    # once: by such a factor it would multiply anew in every reader.
    reset = jnp.where(keep_mask > 0, 0.0, -jnp.inf)
    return jnp.exp(exponent + reset[..., None, None])


def expand_state(x: jax.Array, v: jax.Array, constant: bool) -> jax.Array:
    """x v, float32[..., N, I], from x float32[..., I] and v [..., N] or constant [N, I].

    With x = delta u and v = B what enters the state, ``delta_b_u``; with x = dy and v = C what its
    gradient begins with.
    """
    v = v.astype(jnp.float32)
    return x[..., None, :] * (v if constant else v[..., :, None])


def contract_state(h: jax.Array, v: jax.Array, constant: bool) -> jax.Array:
    """sum_n h v, float32[..., I], from h float32[..., N, I] and v [..., N] or [N, I]."""
    v = v.astype(jnp.float32)
    if not constant:
        return jnp.einsum("...ni,...n->...i", h, v, preferred_element_type=jnp.float32)
    if current_backend() == "cpu" and v.shape[0] <= 32:
        # XLA's CPU backend vectorises the unrolled sum, but not the reduction.
        return sum((h[..., n, :] * v[n] for n in range(1, v.shape[0])), h[..., 0, :] * v[0])
    return (h * v).sum(-2)


def contract_channels(h: jax.Array, x: jax.Array) -> jax.Array:
    """sum_i h x, float32[..., N], from h float32[..., N, I] and x float32[..., I]."""
    return jnp.einsum("...ni,...i->...n", h, x, preferred_element_type=jnp.float32)


def scan_sequential(inputs: ScanInputs) -> tuple[jax.Array, jax.Array]:
    """One step after the other by ``jax.lax.scan``: the plain reference.

    Returns:
      y float32[B, T, I] and the last state float32[B, N, I].
    """
    constant = inputs.constant
    # Cast once: read inside the loop as they are, bfloat16 inputs would have their
    # gradients summed in a bfloat16 carry.
    u, B, C = (x.astype(jnp.float32) for x in (inputs.u, inputs.B, inputs.C))

    def step(h: jax.Array, t: jax.Array) -> tuple[jax.Array, jax.Array]:
        delta = inputs.delta[:, t]
        delta_u = delta * u[:, t]
        keep_mask = None if inputs.keep_mask is None else inputs.keep_mask[:, t]
        b = B if constant.B else B[:, t]
        c = C if constant.C else C[:, t]
        h = decay(delta, inputs.A, keep_mask) * h + expand_state(delta_u, b, constant.B)
        return h, contract_state(h, c, constant.C)

    last, y = jax.lax.scan(step, inputs.initial_state, jnp.arange(inputs.u.shape[1]))
    return jnp.moveaxis(y, 0, 1), last


def scan_associative(inputs: ScanInputs) -> tuple[jax.Array, jax.Array]:
    """All positions at once by ``jax.lax.associative_scan``.

    Depth log T, but the pairs of every position exist at once: O(B T N I) memory.

    Returns:
      y float32[B, T, I] and the last state float32[B, N, I].
    """
    delta_u = inputs.delta * inputs.u.astype(jnp.float32)
    a = decay(inputs.delta, inputs.A, inputs.keep_mask)
    delta_b_u = expand_state(delta_u, inputs.B, inputs.constant.B)
    # The carry is folded into the first element: it then needs no products of a.
    delta_b_u = delta_b_u.at[:, 0].add(a[:, 0] * inputs.initial_state)
    h = scan_pairs(a, delta_b_u, axis=1)
    return contract_state(h, inputs.C, inputs.constant.C), h[:, -1]
