# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The CUDA kernel on the CPU: its own source against float64, thread by thread."""

from __future__ import annotations

import functools
import types
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from robomamba_jax.ops import selective_scan
from robomamba_jax.ops.kernels import scan_cuda
from robomamba_jax.ops.kernels.choice import kernel_instead
from robomamba_jax.ops.kernels.interface import KernelInputs
from robomamba_jax.ops.kernels.scan_cuda import CudaScan, backward_call, forward_call
from tests import oracles
from tests.ops.cuda_on_cpu import emulator

pytestmark = pytest.mark.skipif(emulator.COMPILER is None, reason="no g++ here")


class Case:
    """Inputs, results and gradients of one scan, in float64."""

    def __init__(
        self,
        *,
        N: int = 16,
        B: int = 2,
        T: int = 128,
        I: int = 128,
        dtype: Any = np.float32,
        gate: bool = True,
        resets: bool = True,
        softplus: bool = True,
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(seed)

        # float32, so that bfloat16 and float64 both begin with the same numbers.
        def normal(*shape: int) -> np.ndarray:
            return rng.standard_normal(shape).astype(np.float32)

        self.softplus = softplus
        delta = normal(B, T, I) if softplus else np.exp(normal(B, T, I) - 3)
        # A segment of some 25 positions: several in a chunk, and chunks that begin inside one.
        ids = np.cumsum(rng.random((B, T)) < 0.04, axis=1).astype(np.int32)
        starts = np.stack([oracles.segment_starts(row, T) for row in ids])
        A = -np.exp(normal(I, N) / 2)
        self.inputs = KernelInputs(
            u=normal(B, T, I).astype(dtype),
            delta=delta.astype(dtype),
            A=np.ascontiguousarray(A.T),
            B=normal(B, T, N),
            C=normal(B, T, N),
            D=normal(I),
            z=normal(B, T, I).astype(dtype) if gate else None,
            # Without softplus it must not be read.
            delta_bias=normal(I) - 3 if softplus else np.full(I, np.nan, np.float32),
            resets=starts.astype(np.float32) if resets else None,
            initial_state=normal(B, N, I),
        )
        self.dy = normal(B, T, I).astype(dtype)
        self.dlast = normal(B, N, I)
        args = self.inputs._asdict()
        args.pop("resets")
        args |= {"A": A, "initial_state": np.swapaxes(self.inputs.initial_state, 1, 2)}
        args["delta_bias"] = self.inputs.delta_bias if softplus else np.zeros(I)
        if not gate:
            # silu(z) = 1, for the oracle's gradients, which want a gate.
            args["z"] = np.full((B, T, I), 1.2784645427610738)
        args |= {"segment_ids": ids if resets else None, "delta_softplus": softplus}
        self.y, self.last = oracles.selective_scan(**args)
        self.gradients = oracles.selective_scan_vjp(self.dy, np.swapaxes(self.dlast, 1, 2), **args)


@functools.cache
def case(**settings: Any) -> Case:
    return Case(**settings)


def errors(given: Case, kernel: CudaScan) -> dict[str, float]:
    """Of the results and each gradient, by name."""
    y, last, kept = kernel.forward(given.inputs, softplus=given.softplus, keep_boundaries=True)
    assert kept is not None
    gradients = kernel.backward(given.inputs, kept, given.dy, given.dlast, softplus=given.softplus)
    found = {"y": oracles.error(y, given.y)}
    found["last"] = oracles.error(np.swapaxes(last, 1, 2), given.last)
    for name, value in gradients._asdict().items():
        # Without softplus the bias has no gradient: the kernel says zeros.
        if value is None or (name == "delta_bias" and not given.softplus):
            continue
        want = given.gradients[name]
        if name in ("A", "initial_state"):
            value = np.swapaxes(value, -1, -2)
        found[f"d{name}"] = oracles.error(value, want)
    return found


def emulated(lanes: int | None = None, **settings: Any) -> CudaScan:
    return CudaScan(lanes, functools.partial(emulator.launch, **settings))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "lanes"),
    [
        ({}, 1),
        ({}, 2),
        ({}, 4),
        ({"N": 8, "T": 64}, 1),
        ({"N": 8, "T": 64}, 4),
        ({"N": 4, "T": 64}, 4),
        ({"N": 12, "T": 64}, 2),
        ({"N": 20, "T": 64}, 1),
        ({"N": 32, "T": 64}, 4),
        ({"T": 64, "gate": False, "resets": False}, 1),
        ({"T": 64, "softplus": False}, 2),
        ({"T": 77, "B": 1, "I": 256}, 2),
        ({"T": 5, "B": 1}, 4),
    ],
)
def test_values_and_gradients(settings: dict[str, Any], lanes: int) -> None:
    """Within 1e-6 of their scale of float64."""
    found = errors(case(**settings), emulated(lanes))
    assert max(found.values()) < 1e-6, found
    assert len(found) >= 9


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 4])
def test_bfloat16(lanes: int) -> None:
    """As exact as its results' bits: everything inside is float32."""
    found = errors(case(dtype=ml_dtypes.bfloat16, T=64), emulated(lanes))
    rounded = {"y", "du", "ddelta", "dz"}
    assert max(found[name] for name in rounded) < 2**-8, found
    assert max(value for name, value in found.items() if name not in rounded) < 2e-6, found


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"N": 16}, {"N": 32}, {"T": 21, "N": 8}])
def test_under_the_address_sanitizer(settings: dict[str, Any]) -> None:
    """No kernel touches what is not its own; the numbers are the same."""
    given = case(**{"B": 1, "T": 64, **settings})
    assert max(errors(given, emulated(2, sanitize=True)).values()) < 1e-6


@pytest.mark.slow
def test_order_of_threads_changes_no_bit() -> None:
    """A missing barrier would: threads run in turn, in one direction and in the other."""
    given = case()
    for call in calls(given):
        for one, other in zip(emulator.run(call), emulator.run(call, order=-1), strict=True):
            np.testing.assert_array_equal(one, other)


def calls(given: Case) -> list[scan_cuda.KernelCall]:
    """Both kernels'."""
    softplus = given.softplus
    forward = forward_call(given.inputs, softplus=softplus, keep_boundaries=True, lanes=2)
    kept = emulator.run(forward)[2]
    return [
        forward,
        backward_call(given.inputs, kept, given.dy, given.dlast, softplus=softplus),
    ]


FAULTS = {
    "a wrong sign": ("q[j] = a * g;", "q[j] = -a * g;"),
    "a missing reset": ("(reset[position] != 0.0f ? 1e30f : (dt))", "(dt)"),
    "a step that is not shared": ("if constexpr (LANES > 1) {\n          step", "if (0) {\n step"),
    "a sum over too few": ("w < WARPS; w++", "w < WARPS - 1; w++"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found(fault: str) -> None:
    """These tests can fail."""
    old, new = FAULTS[fault]
    source = scan_cuda.SOURCE.read_bytes()
    assert old.encode() in source
    found = errors(case(T=64), emulated(2, source=source.replace(old.encode(), new.encode())))
    assert max(found.values()) > 1e-3 or np.isnan(list(found.values())).any()


@pytest.mark.slow
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_missing_barrier_is_found(side: str) -> None:
    """By the other order of warps: one reads what the other has not staged yet, or no more."""
    source = scan_cuda.SOURCE.read_bytes()
    old, new = {
        "before": (b"    __syncthreads();\n    stage<", b"    stage<"),
        "after": (b"resets, start);\n    __syncthreads();", b"resets, start);"),
    }[side]
    broken = source.replace(old, new)
    assert source.count(old) == 2
    # Backward the sums' barriers stand between the last reading and the next staging, too.
    for call in calls(case())[: 1 if side == "before" else 2]:
        one, other = (emulator.run(call, order=order, source=broken) for order in (1, -1))
        assert not all(np.array_equal(x, y) for x, y in zip(one, other, strict=True))


@pytest.mark.slow
def test_a_barrier_that_not_all_reach_is_found() -> None:
    """Instead of waiting for ever."""
    source = scan_cuda.SOURCE.read_bytes()
    old = b"    __syncthreads();\n    stage<128>"
    broken = source.replace(old, b"    if (threadIdx.x) __syncthreads();\n    stage<128>")
    assert broken != source
    with pytest.raises(AssertionError, match="threads wait"):
        emulator.run(calls(case())[0], source=broken)


@pytest.mark.slow
def test_padding_is_exact() -> None:
    """A delta of -1e30 leaves the state as it is, and takes no gradient: never NaN."""
    given = case(B=1, T=64, N=4, resets=False)
    # As the wrapper pads.
    delta = np.array(given.inputs.delta)
    delta[:, 20:] = -1e30
    inputs = given.inputs._replace(delta=delta)
    kernel = emulated(4)
    _, last, kept = kernel.forward(inputs, softplus=True, keep_boundaries=True)
    short = inputs._replace(
        **{n: getattr(inputs, n)[:, :20] for n in ("u", "delta", "B", "C", "z")}
    )
    np.testing.assert_array_equal(
        last, kernel.forward(short, softplus=True, keep_boundaries=False).last
    )
    gradients = kernel.backward(inputs, kept, given.dy, given.dlast, softplus=True)
    assert all(np.isfinite(x).all() for x in gradients if x is not None)
    assert not np.any(gradients.delta[:, 20:])
    assert not np.any(gradients.B[:, 20:])


@pytest.mark.slow
def test_through_the_public_op() -> None:
    """Sizes that no kernel takes, packed rows, a mask, vmap: as the sequential scan."""
    rng = np.random.default_rng(3)
    shape = {"u": (2, 3, 20, 40), "delta": (2, 3, 20, 40), "z": (2, 3, 20, 40)}
    shape |= {"B": (2, 3, 20, 3), "C": (2, 3, 20, 3)}
    varying = {n: rng.standard_normal(s).astype(np.float32) for n, s in shape.items()}
    fixed = {
        "A": -np.exp(rng.standard_normal((40, 3))),
        "D": np.ones(40),
        "delta_bias": np.ones(40),
    }
    fixed = {name: np.asarray(x, np.float32) for name, x in fixed.items()}
    ids = np.cumsum(rng.random((3, 20)) < 0.2, axis=1).astype(np.int32)
    mask = np.arange(20) < np.array([[20], [13], [7]])

    def loss(varying: Any, method: str) -> jax.Array:
        def one(rows: Any) -> jax.Array:
            return selective_scan(
                **rows, **fixed, delta_softplus=True, segment_ids=ids, mask=mask, method=method
            )

        return jnp.square(jax.vmap(one)(varying)).sum()

    gradient = jax.jit(jax.value_and_grad(loss), static_argnums=1)
    with kernel_instead(CudaScan(launch=emulator.launch)):
        value, found = gradient(varying, "kernel")
    wanted_value, wanted = gradient(varying, "sequential")
    assert oracles.error(value, wanted_value) < 1e-6
    assert max(oracles.error(found[name], wanted[name]) for name in wanted) < 1e-6


@pytest.mark.parametrize(
    ("capability", "what"),
    [("9.0", ""), ("10.3", ""), ("8.0", ""), ("7.5", "has 7.5"), ("gfx942", "NVIDIA"), (None, "N")],
)
def test_which_devices(capability: str | None, what: str) -> None:
    """NVIDIA's, from compute capability 8.0 on."""
    said = scan_cuda.unsuited(types.SimpleNamespace(compute_capability=capability))
    assert bool(said) == bool(what)
    assert what in said


def test_what_is_launched() -> None:
    """Grids cover all channels; several threads share one where there are few."""
    shape = {"N": 16, "T": 64, "B": 1}
    few = forward_call(case(**shape).inputs, softplus=True, keep_boundaries=False)
    assert (few.macros["SCAN_LANES"], few.grid, few.threads) == (4, (4, 1), 128)
    assert [r.shape for r in few.results] == [(1, 64, 128), (1, 16, 128)]
    # Five hundred rows of 128 channels fill a chip; a row of them does not.
    many = few.operands[0].shape[2] * 512
    assert [scan_cuda._lanes(n) for n in (128, many // 2, many)] == [4, 2, 1]
    assert len(scan_cuda.source_hash()) == 16
