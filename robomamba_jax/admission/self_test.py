# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The test of a scan's kernel on the device of this process: is it right, and is it faster?

Seconds on an accelerator. Each case compares results and all gradients with float64 and with the
associative form, and a second call with the first, bit for bit; what fails ends the test. A kernel
that is right is then timed, forward and backward, against the chunked form.
"""

from __future__ import annotations

# Signatures of jax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from robomamba_jax.admission.float64 import Answers, Scan, scan_float64
from robomamba_jax.admission.verdicts import PASSED, REFUSED, SLOWER, Check, Verdict
from robomamba_jax.ops import selective_scan


class Sizes(NamedTuple):
    """B, T, I and N."""

    rows: int
    length: int
    channels: int
    states: int


class Case(NamedTuple):
    """What is compared.

    Attributes:
      name: for a person.
      dtype: of what varies along channels and time.
      packed: packed rows with padding at one end, softplus and gate, as in training; otherwise
        neither of them.
    """

    name: str
    dtype: str
    packed: bool


CASES = (
    Case("float32, packed rows", "float32", packed=True),
    Case("bfloat16, packed rows", "bfloat16", packed=True),
    Case("float32, whole rows", "float32", packed=False),
)
CHECKED = Sizes(2, 150, 2048, 16)
"""Positions between kept states three times, but for a few; two tiles of a TPU's channels."""
TIMED = Sizes(4, 2048, 2048, 16)
_NARROW = ("u", "delta", "z", "B", "C")
# Of an array's scale. Kernels in float32 are within 1e-6 where exponentials are exact to a bit; an
# accelerator's own may be off by a few, and a slow decay adds them up. bfloat16 has 8 bits.
_TOLERANCE = {"float32": 2e-5, "bfloat16": 2**-7}
_CALLS = 5

Arrays = Mapping[str, Any]
Found = Mapping[str, np.ndarray]
"""Results by name, float64: "y", "last state", and "d" before each argument's name."""


def self_test(
    *, checked: Sizes = CHECKED, timed: Sizes = TIMED, cases: tuple[Case, ...] = CASES
) -> Verdict:
    """Test the kernel that "kernel" is traced with here, and time it.

    Args:
      checked: sizes of what is compared.
      timed: sizes of what is timed.
      cases: what is compared.

    Returns:
      "passed", "refused" or "slower".

    Raises:
      InputError: there is no kernel here. What a compiler or a device raises comes as it is.
    """
    checks: list[Check] = []
    for case in cases:
        checks += _check(case, checked)
        if not all(check.passed for check in checks):
            return Verdict(REFUSED, tuple(checks))
    kernel, chunked = (_seconds(method, timed) for method in ("kernel", "chunked"))
    return Verdict(PASSED if kernel < chunked else SLOWER, tuple(checks), kernel, chunked)


def _check(case: Case, sizes: Sizes) -> list[Check]:
    """All comparisons of a case."""
    floats, structure, cotangents = problem(sizes, packed=case.packed, dtype=case.dtype)
    run = scan_and_gradients("kernel", softplus=case.packed)
    first = jax.block_until_ready(run(floats, structure, *cotangents))
    second = jax.block_until_ready(run(floats, structure, *cotangents))
    kernel, plain = _named(first), scan_and_gradients("associative", softplus=case.packed)
    associative = _named(plain(floats, structure, *cotangents))
    exact = _exact(floats, structure, cotangents, softplus=case.packed)
    allowed = {name: _TOLERANCE[str(value.dtype)] for name, value in _flat(first).items()}
    # Another form may itself be further from the truth, such as where products are rounded.
    apart = {name: allowed[name] + _off(associative[name], exact[name]) for name in exact}
    checks = []
    for kind, names in (
        ("results", [name for name in exact if name[0] != "d"]),
        ("gradients", [name for name in exact if name[0] == "d"]),
    ):
        title = f"{case.name}: {kind}"
        checks += [
            _worst(f"{title} against float64", kernel, exact, allowed, names),
            _worst(f"{title} against the associative form", kernel, associative, apart, names),
        ]
    return [*checks, _twice(f"{case.name}: the same bits twice", first, second)]


def problem(sizes: Sizes, *, packed: bool, dtype: str) -> tuple[dict[str, jax.Array], Arrays, Any]:
    """Arguments of ``selective_scan``, and the cotangents of y and the last state.

    Args:
      sizes: B, T, I and N.
      packed: with z, segments and padding.
      dtype: of u, delta, z, B and C, and of y's cotangent.
    """
    (B, T, I, N), draw = sizes, np.random.default_rng(20)

    def normal(*shape: int) -> Any:
        return draw.standard_normal(shape)

    # Steps of all lengths, as models have them: states that live for a few positions and for all.
    step = np.exp(draw.uniform(np.log(1e-3), np.log(0.3), (B, T, I)))
    bias = 0.3 * normal(I)
    values = {
        "u": normal(B, T, I),
        "delta": (step + np.log(-np.expm1(-step)) if packed else step) - bias,
        "A": -np.exp(draw.uniform(np.log(0.5), np.log(16), (I, N))),
        "B": normal(B, T, N),
        "C": normal(B, T, N),
        "D": normal(I),
        "delta_bias": bias,
        "initial_state": normal(B, I, N),
    }
    structure: dict[str, jax.Array] = {}
    if packed:
        values["z"] = normal(B, T, I)
        # Segments of every length from 1 on, a few dozen positions long as a rule; ids come back.
        ids = np.cumsum(draw.random((B, T)) < 0.05, axis=1) % 3
        mask = np.ones((B, T), bool)
        mask[-1, T - T // 8 :] = False
        structure = {"segment_ids": jnp.asarray(ids, jnp.int32), "mask": jnp.asarray(mask)}
    floats = {
        name: jnp.asarray(value, dtype if name in _NARROW else "float32")
        for name, value in values.items()
    }
    return floats, structure, (jnp.asarray(normal(B, T, I), dtype), _float32(normal(B, I, N)))


def scan_and_gradients(method: str, *, softplus: bool) -> Callable[..., Any]:
    """A jitted ``(floats, structure, dy, dlast) -> ((y, last), gradients)`` by a method; compiled
    anew for each call of this function."""

    @jax.jit
    def run(floats: Arrays, structure: Arrays, dy: jax.Array, dlast: jax.Array) -> Any:
        def scan(floats: Arrays) -> Any:
            return selective_scan(
                **floats,
                **structure,
                delta_softplus=softplus,
                method=method,
                return_final_state=True,
            )

        results, vjp = jax.vjp(scan, floats)
        return results, vjp((dy, dlast))[0]

    return run


def _exact(floats: Arrays, structure: Arrays, cotangents: Any, *, softplus: bool) -> Found:
    """The float64 answers, of the arguments as they were rounded."""
    wide = {name: _float64(value) for name, value in floats.items()}
    shape = wide["u"].shape[:2]
    ids = np.asarray(structure.get("segment_ids", np.zeros(shape, np.int32)))
    resets = np.zeros(shape, bool)
    resets[:, 1:] = ids[:, 1:] != ids[:, :-1]
    real = np.asarray(structure.get("mask", np.ones(shape, bool)))
    x = Scan(
        **{"z": None, **wide},  # pyright: ignore[reportArgumentType]
        softplus=softplus,
        resets=resets,
        real=real,
    )
    answers: Answers = scan_float64(x, *(_float64(value) for value in cotangents))
    gradients = {f"d{name}": value for name, value in answers.gradients.items()}
    return {"y": answers.y, "last state": answers.last, **gradients}


def _flat(found: Any) -> dict[str, jax.Array]:
    """By name."""
    (y, last), gradients = found
    return {"y": y, "last state": last, **{f"d{name}": g for name, g in gradients.items()}}


def _named(found: Any) -> Found:
    return {name: _float64(value) for name, value in _flat(found).items()}


def _off(got: np.ndarray, want: np.ndarray) -> float:
    """max |got - want| / max |want|."""
    return float(np.abs(got - want).max() / max(np.abs(want).max(), 1e-30))


def _worst(
    name: str, got: Found, want: Found, allowed: Mapping[str, float], among: list[str]
) -> Check:
    """The array whose error is largest beside what it may be; one with NaN before all others."""
    checks = [Check(name, array, _off(got[array], want[array]), allowed[array]) for array in among]
    return max(checks, key=lambda c: np.inf if np.isnan(c.error) else c.error / c.tolerance)


def _twice(name: str, first: Any, second: Any) -> Check:
    """The share of numbers whose bits differ, which must be none."""
    shares = {
        array: float(np.mean(_bits(one) != _bits(_flat(second)[array])))
        for array, one in _flat(first).items()
    }
    worst = max(shares, key=lambda array: shares[array])
    return Check(name, worst, shares[worst], 0.0)


def _bits(x: jax.Array) -> np.ndarray:
    value = np.asarray(x)
    return value.view(np.dtype(f"u{value.dtype.itemsize}"))


def _seconds(method: str, sizes: Sizes) -> float:
    """Of a forward and a backward pass: the median of a few calls, the first left out."""
    floats, structure, cotangents = problem(sizes, packed=True, dtype="bfloat16")
    run = scan_and_gradients(method, softplus=True)
    jax.block_until_ready(run(floats, structure, *cotangents))
    took = []
    for _ in range(_CALLS):
        start = time.perf_counter()
        jax.block_until_ready(run(floats, structure, *cotangents))
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def _float64(x: Any) -> Any:
    return np.asarray(x).astype(np.float64)


def _float32(x: Any) -> jax.Array:
    return jnp.asarray(x, jnp.float32)
