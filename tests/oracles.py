# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the kernels are measured against: plain float64 numpy, one row and one position at a time.

Padding is handled by deleting it: an oracle computes on a row's real positions alone and puts the
results back, so it shares no trick with the package.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Arrays = dict[str, np.ndarray | None]


class Row(NamedTuple):
    """One row's real positions, float64: what the recurrence reads."""

    u: np.ndarray  # [T, I]
    delta: np.ndarray  # [T, I], after bias and softplus
    A: np.ndarray  # [I, N]
    B: np.ndarray  # [T, I, N]
    C: np.ndarray  # [T, I, N]
    decay: np.ndarray  # [T, I, N], 0 where a segment starts


def error(got: Any, want: Any) -> float:
    """Of its scale: max |got - want| / max |want|; where ``want`` is all 0, max |got|."""
    got, want = (np.asarray(x).astype(np.float64) for x in (got, want))
    assert got.shape == want.shape, (got.shape, want.shape)
    if not want.size:
        return 0.0
    worst, scale = np.abs(got - want).max(), np.abs(want).max()
    return float(worst / scale) if scale else float(worst)


def finite_differences(
    function: Callable[..., Sequence[np.ndarray]],
    arguments: Arrays,
    cotangents: Sequence[np.ndarray],
    step: float = 1e-6,
) -> dict[str, np.ndarray]:
    """The gradient of <cotangents, function(**arguments)> for each float argument, float64."""

    def loss(changed: Arrays) -> float:
        results = function(**{**arguments, **changed})
        return sum(
            float(np.sum(r * np.asarray(c, np.float64)))
            for r, c in zip(results, cotangents, strict=True)
        )

    gradients = {}
    for name, value in arguments.items():
        if value is None or not np.issubdtype(np.asarray(value).dtype, np.floating):
            continue
        value = np.asarray(value, np.float64)
        gradient = np.zeros(value.shape)
        for index in np.ndindex(value.shape):
            sides = []
            for sign in (1, -1):
                moved = value.copy()
                moved[index] += sign * step
                sides.append(loss({name: moved}))
            gradient[index] = (sides[0] - sides[1]) / (2 * step)
        gradients[name] = gradient
    return gradients


def real_positions(mask: np.ndarray | None, row: int, length: int) -> np.ndarray:
    """Where a row is not padding, in order."""
    return np.arange(length) if mask is None else np.flatnonzero(mask[row])


def segment_starts(ids: np.ndarray | None, count: int) -> np.ndarray:
    """bool[count] over real positions: a segment starts here, the first one excepted."""
    starts = np.zeros(count, bool)
    for t in range(1, count):
        starts[t] = ids is not None and ids[t] != ids[t - 1]
    return starts


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))


def _f64(x: Any) -> np.ndarray:
    return np.asarray(x).astype(np.float64)


def _row(b: int, real: np.ndarray, args: Arrays, softplus: bool) -> Row:
    """A row of the scan's arguments, reduced to its real positions."""
    u, delta = _f64(args["u"])[b, real], _f64(args["delta"])[b, real]
    if args.get("delta_bias") is not None:
        delta = delta + _f64(args["delta_bias"])
    if softplus:
        delta = np.logaddexp(0.0, delta)
    A, shape = _f64(args["A"]), (len(real), *np.shape(args["A"]))
    B, C = (
        np.broadcast_to(v if v.ndim == 2 else v[b, real][:, None, :], shape)
        for v in (_f64(args["B"]), _f64(args["C"]))
    )
    ids = args.get("segment_ids")
    starts = segment_starts(None if ids is None else np.asarray(ids)[b, real], len(real))
    decay = np.exp(delta[:, :, None] * A) * ~starts[:, None, None]
    return Row(u, delta, A, B, C, decay)


def _states(row: Row, h: np.ndarray) -> np.ndarray:
    """float64[T + 1, I, N]: the state before the first position, and after each."""
    states = np.zeros((len(row.u) + 1, *h.shape))
    states[0] = h
    for t in range(len(row.u)):
        states[t + 1] = row.decay[t] * states[t] + (row.delta[t] * row.u[t])[:, None] * row.B[t]
    return states


def _initial(args: Arrays, batch: int) -> np.ndarray:
    state = args.get("initial_state")
    return np.zeros((batch, *np.shape(args["A"]))) if state is None else _f64(state)


def selective_scan(
    *, delta_softplus: bool = False, mask: np.ndarray | None = None, **args: Any
) -> tuple[np.ndarray, np.ndarray]:
    """y [B, T, I] and the last state [B, I, N]; arguments as in ``ops.selective_scan``."""
    batch, length, _ = np.shape(args["u"])
    y, last = np.zeros(np.shape(args["u"])), _initial(args, batch).copy()
    for b in range(batch):
        real = real_positions(mask, b, length)
        row = _row(b, real, args, delta_softplus)
        states = _states(row, last[b])
        result = (row.C * states[1:]).sum(-1)
        if args.get("D") is not None:
            result = result + _f64(args["D"]) * row.u
        if args.get("z") is not None:
            z = _f64(args["z"])[b, real]
            result = result * z * sigmoid(z)
        y[b, real], last[b] = result, states[-1]
    return y, last


def selective_scan_vjp(
    dy: np.ndarray,
    dlast: np.ndarray,
    *,
    delta_softplus: bool = False,
    mask: np.ndarray | None = None,
    **args: Any,
) -> dict[str, np.ndarray]:
    """The adjoint of :func:`selective_scan` for all nine float arguments, none of them None."""
    batch, length, _ = np.shape(args["u"])
    names = ("u", "delta", "A", "B", "C", "D", "z", "delta_bias", "initial_state")
    grads = {name: np.zeros(np.shape(args[name])) for name in names}
    for b in range(batch):
        real = real_positions(mask, b, length)
        row = _row(b, real, args, delta_softplus)
        states = _states(row, _initial(args, batch)[b])
        z, D = _f64(args["z"])[b, real], _f64(args["D"])
        slope = np.ones_like(row.delta)
        if delta_softplus:
            slope = sigmoid(_f64(args["delta"])[b, real] + _f64(args["delta_bias"]))
        inner = (row.C * states[1:]).sum(-1) + D * row.u
        dinner = _f64(dy)[b, real] * z * sigmoid(z)
        grads["z"][b, real] = _f64(dy)[b, real] * inner * sigmoid(z) * (1 + z * (1 - sigmoid(z)))
        grads["D"] += (dinner * row.u).sum(0)
        g = _f64(dlast)[b]
        for t in range(len(real) - 1, -1, -1):
            g = g + dinner[t][:, None] * row.C[t]
            drive = (g * row.B[t]).sum(-1)
            dexponent = g * states[t] * row.decay[t]
            dstep = drive * row.u[t] + (dexponent * row.A).sum(-1)
            grads["u"][b, real[t]] = drive * row.delta[t] + dinner[t] * D
            grads["delta"][b, real[t]] = dstep * slope[t]
            grads["delta_bias"] += dstep * slope[t]
            grads["A"] += dexponent * row.delta[t][:, None]
            dB = g * (row.delta[t] * row.u[t])[:, None]
            dC = states[t + 1] * dinner[t][:, None]
            for name, value in (("B", dB), ("C", dC)):
                if np.ndim(args[name]) == 2:
                    grads[name] += value
                else:
                    grads[name][b, real[t]] = value.sum(0)
            g = row.decay[t] * g
        grads["initial_state"][b] = g
    return grads


def causal_conv1d(
    *, silu: bool = False, mask: np.ndarray | None = None, **args: Any
) -> tuple[np.ndarray, np.ndarray]:
    """y [B, T, I] and the last K-1 real inputs; arguments as in ``ops.causal_conv1d``."""
    x, weight = _f64(args["x"]), _f64(args["weight"])
    (batch, length, inner), width = x.shape, weight.shape[1]
    y, last = np.zeros(x.shape), np.zeros((batch, width - 1, inner))
    if args.get("initial_state") is not None:
        last[:] = _f64(args["initial_state"])
    for b in range(batch):
        real = real_positions(mask, b, length)
        ids = args.get("segment_ids")
        starts = segment_starts(None if ids is None else np.asarray(ids)[b, real], len(real))
        window = list(last[b])
        inputs = list(last[b])
        for t, start in zip(real, starts, strict=True):
            window = [np.zeros(inner)] * (width - 1) if start else window
            window = [*window, x[b, t]]
            y[b, t] = sum(tap * value for tap, value in zip(weight.T, window, strict=True))
            if args.get("bias") is not None:
                y[b, t] += _f64(args["bias"])
            if silu:
                y[b, t] *= sigmoid(y[b, t])
            window, inputs = window[1:], [*inputs, x[b, t]][1:]
        last[b] = np.reshape(inputs, last[b].shape)  # [0, I] where K is 1
    return y, last


def rms_norm(x: np.ndarray, weight: np.ndarray, eps: float) -> np.ndarray:
    """x / sqrt(mean(x^2) + eps) * weight."""
    x = _f64(x)
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * _f64(weight)
