# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Two sides, tensor by tensor and op by op: how far apart, and where it begins."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray]

LOCAL_TOLERANCE = 1e-5
"""Largest difference that one op may add, over the largest magnitude of its output."""
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
        equal = a.tobytes() == b.tobytes()
        rows.append(WeightRow(name, equal, 0.0 if equal else _rms_error(a, b)))
    return rows


def _rms_error(a: np.ndarray, b: np.ndarray) -> float:
    scale = math.sqrt(np.mean(np.square(b, dtype=np.float64)))
    error = math.sqrt(np.mean(np.square(np.subtract(a, b, dtype=np.float64))))
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
    scale = float(np.abs(theirs).max())
    error = float(np.abs(np.subtract(ours, theirs, dtype=np.float64)).max())
    if not math.isfinite(error):
        return math.inf
    return error / scale if scale else (math.inf if error else 0.0)


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
    for op in [*theirs, *(op for op in local if op not in theirs)]:
        if op not in theirs or op not in local:
            rows.append(OpRow(op, math.inf, math.inf))
            continue
        gradient = None
        if gradients is not None and op in gradients[0] and op in gradients[1]:
            gradient = error_of_scale(gradients[0][op], gradients[1][op])
        error, along = (
            error_of_scale(local[op], theirs[op]),
            error_of_scale(carried[op], theirs[op]),
        )
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


ZERO_GRADIENTS = ("k_proj.bias", "attention.attention.key.bias")


def compare_gradients(ours: Arrays, theirs: Arrays) -> list[GradientRow]:
    """Every parameter's gradient, by the file's names; blocks are numbered layers or parts."""
    scales: dict[str, float] = {}
    for name, value in theirs.items():
        scales[_block(name)] = max(scales.get(_block(name), 0.0), float(np.abs(value).max()))
    rows = []
    for name, value in theirs.items():
        if name not in ours or ours[name].shape != value.shape:
            rows.append(GradientRow(name, math.inf))
            continue
        error = float(np.abs(np.subtract(ours[name], value, dtype=np.float64)).max())
        scale = scales[_block(name)]
        relative = error / scale if scale else (math.inf if error else 0.0)
        zero = name.endswith(ZERO_GRADIENTS)
        rows.append(GradientRow(name, relative if math.isfinite(relative) else math.inf, zero))
    return rows


def _block(name: str) -> str:
    """A parameter's block: everything up to its layer's number, or its first two names."""
    parts = name.split(".")
    number = next((at for at, part in enumerate(parts) if part.isdigit()), None)
    return ".".join(parts[: 2 if number is None else number + 1])


def first_diverging(rows: list[OpRow], tolerance: float = LOCAL_TOLERANCE) -> str | None:
    """The first op which by itself is off by more than ``tolerance``."""
    return next((row.op for row in rows if not row.error <= tolerance), None)


def diverging(rows: list[OpRow], tolerance: float = LOCAL_TOLERANCE) -> list[str]:
    """All such ops."""
    return [row.op for row in rows if not row.error <= tolerance]


def to_json(value: Any) -> Any:
    """A report as JSON values; what is infinite or NaN becomes text, which JSON lacks."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {key: to_json(item) for key, item in vars(value).items()}
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
