# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The selective scan and its gradients in float64, by the plain recurrence: what a kernel is
judged by.

Position by position in numpy, on the host: it shares no code with any scan of ``ops``, and needs
no CPU backend beside the accelerator's.
"""

from __future__ import annotations

# A, B, C and D are the paper's matrices; strict typing takes upper-case names for constants.
# pyright: reportConstantRedefinition=false
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Scan(NamedTuple):
    """The arguments of ``ops.selective_scan``, float64.

    Attributes:
      u: float64[B, T, I].
      delta: float64[B, T, I], before bias and softplus.
      A: float64[I, N].
      B: float64[B, T, N].
      C: float64[B, T, N].
      D: float64[I].
      delta_bias: float64[I].
      initial_state: float64[B, I, N].
      z: float64[B, T, I]; None = no gate.
      softplus: apply softplus to delta + delta_bias.
      resets: bool[B, T], True where a segment starts.
      real: bool[B, T], False at padding, which stands at a row's end.
    """

    u: Array
    delta: Array
    A: Array
    B: Array
    C: Array
    D: Array
    delta_bias: Array
    initial_state: Array
    z: Array | None
    softplus: bool
    resets: NDArray[np.bool_]
    real: NDArray[np.bool_]


class Answers(NamedTuple):
    """What a scan gives.

    Attributes:
      y: float64[B, T, I].
      last: float64[B, I, N].
      gradients: name -> of <dy, y> + <dlast, last>, shaped as the argument.
    """

    y: Array
    last: Array
    gradients: Mapping[str, Array]


def scan_float64(x: Scan, dy: Array, dlast: Array) -> Answers:
    """Results and gradients.

    Args:
      x: the arguments.
      dy: float64[B, T, I].
      dlast: float64[B, I, N].
    """
    raw = x.delta + x.delta_bias
    step = np.where(x.real[:, :, None], np.logaddexp(0.0, raw) if x.softplus else raw, 0.0)
    # At padding the state passes through, whatever id stands there.
    keep = np.where(x.resets & x.real, 0.0, 1.0)
    length = x.u.shape[1]

    def decay(t: int) -> Array:
        """float64[B, I, N]."""
        return np.exp(step[:, t, :, None] * x.A) * keep[:, t, None, None]

    states = [x.initial_state]
    inner = np.empty_like(x.u)  # C h + D u
    for t in range(length):
        drive = step[:, t] * x.u[:, t]
        states.append(decay(t) * states[t] + drive[:, :, None] * x.B[:, t, None, :])
        inner[:, t] = np.einsum("bin,bn->bi", states[t + 1], x.C[:, t]) + x.D * x.u[:, t]
    gate, slope = _gate(x)
    dy = np.where(x.real[:, :, None], dy, 0.0)

    dinner, dz = dy * gate, dy * inner * slope
    du, dstep = dinner * x.D, np.empty_like(step)
    dA, dB, dC, g = np.zeros_like(x.A), np.empty_like(x.B), np.empty_like(x.C), dlast.copy()
    for t in reversed(range(length)):
        dC[:, t] = np.einsum("bi,bin->bn", dinner[:, t], states[t + 1])
        g = g + dinner[:, t, :, None] * x.C[:, t, None, :]
        # What reaches the state before, and times that state the decay's exponent.
        q = g * decay(t)
        exponent = q * states[t]
        per_drive = np.einsum("bin,bn->bi", g, x.B[:, t])
        dB[:, t] = np.einsum("bin,bi->bn", g, step[:, t] * x.u[:, t])
        dA += np.einsum("bin,bi->in", exponent, step[:, t])
        dstep[:, t] = (exponent * x.A).sum(-1) + per_drive * x.u[:, t]
        du[:, t] += per_drive * step[:, t]
        g = q
    ddelta = np.where(x.real[:, :, None], dstep * (_sigmoid(raw) if x.softplus else 1.0), 0.0)
    gradients = {
        "u": np.where(x.real[:, :, None], du, 0.0),
        "delta": ddelta,
        "A": dA,
        "B": dB,
        "C": dC,
        "D": (dinner * x.u).sum((0, 1)),
        "delta_bias": ddelta.sum((0, 1)),
        "initial_state": g,
    }
    if x.z is not None:
        gradients["z"] = dz
    y = np.where(x.real[:, :, None], inner * gate, 0.0)
    return Answers(y, states[-1], gradients)


def _gate(x: Scan) -> tuple[Array, Array]:
    """silu(z) and its derivative; 1 and 0 without z."""
    if x.z is None:
        return np.ones_like(x.u), np.zeros_like(x.u)
    s = _sigmoid(x.z)
    return x.z * s, s + x.z * s * (1 - s)


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * x))
