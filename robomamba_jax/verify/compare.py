# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Two sides, tensor by tensor and op by op: how far apart, and where it begins."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import cast

import numpy as np

from robomamba_jax.utils.json_types import Json

Arrays = Mapping[str, np.ndarray]

# float32 resolves 1.2e-7 of a number, and a sum of some thousand terms in another order moves by
# about 1e-6 of its scale. Wrong ops (tanh for erf in a GELU, another epsilon) are off by 1e-4 and
# more.
LOCAL_TOLERANCE = 1e-5
"""Largest difference that one op may add, over the largest magnitude of its output."""
# Gradients are sums over rows, positions and later layers, in which rounding adds up.
GRADIENT_TOLERANCE = 1e-4
"""The same for gradients, over the largest magnitude in the block."""


@dataclasses.dataclass(frozen=True)
class WeightRow:
    """One tensor of the file on both sides.

    Attributes:
      name: in the file.
      equal: whether every bit agrees.
      error: root of the mean squared difference over the root mean square of torch's;
        infinite where only one side has the tensor or shapes differ.
      note: why ``error`` is what it is, where it is not a mere number.
    """

    name: str
    equal: bool
    error: float
    note: str = ""


def compare_weights(ours: Arrays, theirs: Arrays) -> list[WeightRow]:
    """Every tensor that either side has, in torch's order.

    Args:
      ours: float32, by the file's names.
      theirs: the same.
    """
    rows = []
    # A tensor that one side alone has is a difference, and is no reason to stop.
    for name in [*theirs, *(name for name in ours if name not in theirs)]:
        if name not in ours or name not in theirs:
            side = "torch" if name in theirs else "ours"
            rows.append(WeightRow(name, False, math.inf, f"only {side} has it"))
            continue
        a, b = ours[name], theirs[name]
        if a.shape != b.shape:
            note = f"{list(a.shape)} here, {list(b.shape)} in torch"
            rows.append(WeightRow(name, False, math.inf, note))
            continue
        # By bytes: -0.0 equals 0.0, NaN not itself.
        equal = a.tobytes() == b.tobytes()
        rows.append(WeightRow(name, equal, 0.0 if equal else _rms_error(a, b)))
    return rows


def _rms_error(a: np.ndarray, b: np.ndarray) -> float:
    error = np.mean(np.square(np.subtract(a, b, dtype=np.float64)))
    return _relative(math.sqrt(error), math.sqrt(np.mean(np.square(b, dtype=np.float64))))


def _max_error(ours: np.ndarray, theirs: np.ndarray) -> float:
    # In float64: the difference of two float32 numbers of nearly the same size has few digits.
    return float(np.abs(np.subtract(ours, theirs, dtype=np.float64)).max())


def _relative(error: float, scale: float) -> float:
    """An error of its scale; infinite where it is NaN, or where zeros should have been."""
    if not math.isfinite(error):
        return math.inf
    return error / scale if scale else (math.inf if error else 0.0)


@dataclasses.dataclass(frozen=True)
class OpRow:
    """One op's output on both sides.

    Attributes:
      op: its path.
      error: of our op on torch's own inputs: what this op alone adds. Of its scale.
      carried: of our op where everything before it was ours too. Of its scale.
      gradient: of the gradient that reaches it. Of its scale; None where it was not taken.
    """

    op: str
    error: float
    carried: float
    gradient: float | None = None


def error_of_scale(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference over torch's largest magnitude; infinite where anything is NaN."""
    if ours.shape != theirs.shape:
        return math.inf
    if not theirs.size:
        return 0.0
    return _relative(_max_error(ours, theirs), float(np.abs(theirs).max()))


def compare_ops(
    local: Arrays,
    carried: Arrays,
    theirs: Arrays,
    gradients: tuple[Arrays, Arrays] | None = None,
) -> list[OpRow]:
    """Every op in the order of execution; one that a side lacks has infinite errors.

    Args:
      local: our outputs, each op given torch's inputs.
      carried: our outputs, each op given ours.
      theirs: torch's outputs, in the order of execution.
      gradients: our and torch's gradients at the same places.
    """
    rows = []
    # torch's order is that of execution, so that the first op in the list that differs is a cause
    # and not a consequence.
    for op in [*theirs, *(op for op in local if op not in theirs)]:
        if op not in theirs or op not in local:
            rows.append(OpRow(op, math.inf, math.inf))
            continue
        gradient = None
        if gradients is not None and op in gradients[0] and op in gradients[1]:
            gradient = error_of_scale(gradients[0][op], gradients[1][op])
        error, along = (error_of_scale(side[op], theirs[op]) for side in (local, carried))
        rows.append(OpRow(op, error, along, gradient))
    return rows


@dataclasses.dataclass(frozen=True)
class GradientRow:
    """One parameter's gradient on both sides.

    Attributes:
      name: in the file.
      error: largest difference over torch's largest gradient in the same block.
      zero: it is zero by mathematics (a key's bias under a softmax), so that what both
        sides hold is rounding.
    """

    name: str
    error: float
    zero: bool = False


# A key's bias adds the same number to all scores of a query, which softmax takes out again.
ZERO_GRADIENTS = ("k_proj.bias", "attention.attention.key.bias")


def compare_gradients(ours: Arrays, theirs: Arrays) -> list[GradientRow]:
    """Every parameter's gradient, by the file's names; blocks are numbered layers or parts."""
    # Of the largest in the block, and not of its own: a tensor whose gradient is nearly zero has a
    # large relative error of its own, which no training would notice.
    scales: dict[str, float] = {}
    for name, value in theirs.items():
        scales[_block(name)] = max(scales.get(_block(name), 0.0), float(np.abs(value).max()))
    rows = []
    for name, value in theirs.items():
        if name not in ours or ours[name].shape != value.shape:
            rows.append(GradientRow(name, math.inf))
            continue
        error = _relative(_max_error(ours[name], value), scales[_block(name)])
        rows.append(GradientRow(name, error, name.endswith(ZERO_GRADIENTS)))
    return rows


def _block(name: str) -> str:
    """A parameter's block: everything up to its layer's number, or its first two names."""
    parts = name.split(".")
    number = next((at for at, part in enumerate(parts) if part.isdigit()), None)
    return ".".join(parts[: 2 if number is None else number + 1])


def diverging(rows: list[OpRow], tolerance: float = LOCAL_TOLERANCE) -> list[str]:
    """The ops which by themselves are off by more than ``tolerance``, in the order of execution."""
    return [row.op for row in rows if not row.error <= tolerance]


def to_json(value: object) -> Json:
    """A report as JSON values; what is infinite or NaN becomes text, which JSON lacks."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {key: to_json(item) for key, item in vars(value).items()}
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return cast("Json", value)
