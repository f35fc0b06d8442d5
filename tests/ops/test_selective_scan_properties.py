# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Properties of the selective scan over drawn values, masks, segments, states and chunk sizes."""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from robomamba_jax.ops import selective_scan, selective_scan_step
from robomamba_jax.ops.backend import target_backend
from tests import oracles
from tests.ops.scans import FLOATS, VARYING, value_and_vjp

BATCH, LENGTH, INNER, STATE = 3, 13, 3, 2
# float32 against float64 for values of order 1; the worst seen in 3000 draws is 1.3e-6.
CLOSE = 5e-6


class Variant(NamedTuple):
    """What is compiled apart: a chunk size, a layout, and which of B, C is constant in time."""

    chunk: int
    backend: str
    constant: str

    def run(self, *args: Any) -> Any:
        return value_and_vjp("chunked", self.chunk, True, self.backend)(*args)


VARIANTS = (
    Variant(1, "cpu", ""),
    Variant(4, "cpu", "BC"),
    Variant(5, "gpu", ""),
    Variant(7, "gpu", "B"),
    Variant(16, "cpu", "C"),
)


class Problem(NamedTuple):
    """Everything that ``value_and_vjp`` reads, by name and in its order."""

    floats: dict[str, np.ndarray]
    structure: dict[str, np.ndarray]
    dy: np.ndarray
    dlast: np.ndarray


def arrays(*shape: int, low: float = -2, high: float = 2) -> st.SearchStrategy[np.ndarray]:
    elements = st.floats(low, high, width=32, allow_subnormal=False)
    return hnp.arrays(np.float32, shape, elements=elements)


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    """bool[B, T]: rows all real, all padding, or with padding anywhere."""
    drawn = st.one_of(hnp.arrays(bool, LENGTH), st.sampled_from([False, True]))
    return np.stack([np.broadcast_to(draw(drawn), LENGTH) for _ in range(BATCH)])


@st.composite
def problems(draw: st.DrawFn, constant: str) -> Problem:
    """Values of order 1, any mask, any segments."""
    time, varying, fixed = (BATCH, LENGTH, INNER), (BATCH, LENGTH, STATE), (INNER, STATE)
    floats = {
        "u": draw(arrays(*time)),
        "delta": draw(arrays(*time)),
        "A": draw(arrays(*fixed, low=-4, high=-0.125)),
        "B": draw(arrays(*(fixed if "B" in constant else varying))),
        "C": draw(arrays(*(fixed if "C" in constant else varying))),
        "D": draw(arrays(INNER)),
        "z": draw(arrays(*time)),
        "delta_bias": draw(arrays(INNER)),
        "initial_state": draw(arrays(BATCH, *fixed)),
    }
    ids = hnp.arrays(np.int32, (BATCH, LENGTH), elements=st.integers(0, 2))
    structure = {"mask": draw(masks()), "segment_ids": draw(ids)}
    return Problem(floats, structure, draw(arrays(*time)), draw(arrays(BATCH, *fixed)))


variants_and_problems = st.sampled_from(VARIANTS).flatmap(
    lambda variant: st.tuples(st.just(variant), problems(variant.constant))
)


def far(got: Any, want: Any) -> float:
    """max |got - want|, of its scale where that is above 1: drawn values may cancel to 0."""
    want = np.asarray(want, np.float64)
    return float(np.abs(np.asarray(got, np.float64) - want).max() / max(1, np.abs(want).max()))


@pytest.mark.slow
@given(variants_and_problems)
def test_chunked_equals_the_oracle(drawn: tuple[Variant, Problem]) -> None:
    """Results and all nine gradients, whatever is drawn."""
    variant, problem = drawn
    arguments = {**problem.floats, **problem.structure, "delta_softplus": True}
    want = oracles.selective_scan(**arguments)
    want_grads = oracles.selective_scan_vjp(problem.dy, problem.dlast, **arguments)
    got, grads = variant.run(*problem)
    for g, w in zip(got, want, strict=True):
        assert far(g, w) < CLOSE
    for name in FLOATS:
        assert far(grads[name], want_grads[name]) < CLOSE, name


@pytest.mark.slow
@given(variants_and_problems, st.sampled_from([np.nan, np.inf, -np.inf]), st.integers(-9, 9))
def test_what_stands_at_padding_is_never_read(
    drawn: tuple[Variant, Problem], poison: float, poison_id: int
) -> None:
    """NaN or inf there, in values, ids and cotangents, changes no bit and has gradient 0."""
    variant, problem = drawn
    mask = problem.structure["mask"]

    def with_padding(value: float) -> dict[str, np.ndarray]:
        places = {
            name: np.where(mask[:, :, None], problem.floats[name], np.float32(value))
            for name in VARYING
            if problem.floats[name].ndim == 3
        }
        return {**problem.floats, **places}

    ids = np.where(mask, problem.structure["segment_ids"], np.int32(poison_id))
    dy = np.where(mask[:, :, None], problem.dy, np.float32(poison))
    clean = variant.run(with_padding(0.0), problem.structure, problem.dy, problem.dlast)
    poisoned = variant.run(
        with_padding(poison), {"mask": mask, "segment_ids": ids}, dy, problem.dlast
    )
    for one, other in zip(jax.tree.leaves(clean), jax.tree.leaves(poisoned), strict=True):
        np.testing.assert_array_equal(other, one)
    (y, _), grads = poisoned
    assert not y[~mask].any()
    for name in with_padding(0.0):
        assert np.isfinite(grads[name]).all()
        if name in VARYING and grads[name].ndim == 3:
            assert not grads[name][~mask].any(), name


@given(
    variants_and_problems,
    st.sets(st.integers(1, LENGTH - 1), max_size=BATCH - 1),
    st.integers(-5, 5),
)
def test_packed_equals_unpacked(
    drawn: tuple[Variant, Problem], cuts: set[int], first_id: int
) -> None:
    """Row 0 as up to three packed texts, and each text in a row of its own."""
    variant, problem = drawn
    number = np.searchsorted(sorted(cuts), np.arange(LENGTH), side="right")  # 0, 1, 2: segments
    real = problem.structure["mask"][0]
    own = real & (number == np.arange(BATCH)[:, None])
    texts = [r for r in range(BATCH) if own[r].any()] or [0]
    rows = {
        name: np.broadcast_to(x[:1], x.shape) if x.ndim == 3 else x
        for name, x in problem.floats.items()
    }

    def only(x: np.ndarray, *places: int) -> np.ndarray:
        """Row 0 of ``x`` in some rows, 0 in the others."""
        return np.where(np.isin(np.arange(BATCH), places)[:, None, None], x[0], np.float32(0))

    def run(structure: Any, texts: list[int]) -> Any:
        """The state enters the first text, and what reads the last state reads the last text."""
        state = only(problem.floats["initial_state"], texts[0])
        cotangents = only(problem.dy, *texts), only(problem.dlast, texts[-1])
        return variant.run({**rows, "initial_state": state}, structure, *cotangents)

    ids = np.broadcast_to((first_id - number).astype(np.int32), (BATCH, LENGTH))
    packed = {"mask": np.broadcast_to(real, (BATCH, LENGTH)), "segment_ids": ids}
    unpacked = {"mask": own, "segment_ids": np.zeros((BATCH, LENGTH), np.int32)}
    (y, last), grads = run(packed, [0])
    (y_rows, last_rows), grads_rows = run(unpacked, texts)
    assert far(y[0], y_rows.sum(0)) < CLOSE
    assert far(last[0], last_rows[texts[-1]]) < CLOSE
    assert far(grads["initial_state"][0], grads_rows["initial_state"][texts[0]]) < CLOSE
    for name in FLOATS[:-1]:
        one, other = grads[name], grads_rows[name]
        one, other = (one[0], other.sum(0)) if one.ndim == 3 else (one, other)
        assert far(one, other) < CLOSE, name


@given(variants_and_problems, st.integers(0, LENGTH))
def test_the_final_state_hands_over(drawn: tuple[Variant, Problem], cut: int) -> None:
    """Reading up to a cut and on from its final state is reading the whole."""
    variant, problem = drawn
    mask, first = problem.structure["mask"], np.arange(LENGTH) < cut
    ids = np.zeros((BATCH, LENGTH), np.int32)

    def run(mask: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        structure = {"mask": mask, "segment_ids": ids}
        floats = {**problem.floats, "initial_state": state}
        return variant.run(floats, structure, problem.dy, problem.dlast)[0]

    y, last = run(mask, problem.floats["initial_state"])
    y_first, between = run(mask & first, problem.floats["initial_state"])
    y_second, y_last = run(mask & ~first, between)
    assert far(y_first + y_second, y) < CLOSE
    assert far(y_last, last) < CLOSE


def draw_floats(seed: int, constant: str = "", dtype: Any = np.float32) -> dict[str, np.ndarray]:
    """Normal values in the shapes of a problem."""
    normal = np.random.default_rng(seed).standard_normal
    time, varying, fixed = (BATCH, LENGTH, INNER), (BATCH, LENGTH, STATE), (INNER, STATE)
    shapes = {"u": time, "delta": time, "A": fixed}
    shapes |= {name: fixed if name in constant else varying for name in "BC"}
    shapes |= {"D": (INNER,), "z": time, "delta_bias": (INNER,), "initial_state": (BATCH, *fixed)}
    floats = {name: jnp.asarray(normal(shape), dtype) for name, shape in shapes.items()}
    return {**floats, "A": -jnp.exp(floats["A"])}


@pytest.mark.parametrize("cut", [1, 8, 12])
def test_two_pieces_are_the_whole(cut: int) -> None:
    """The same as above with the sequence really cut, as a long prompt is read."""
    floats = draw_floats(cut)

    @jax.jit
    def scan(floats):
        options = {"delta_softplus": True, "method": "chunked", "chunk_size": 4}
        return selective_scan(**floats, **options, return_final_state=True)

    def piece(where: slice, state: Any) -> Any:
        return scan({**floats, **{n: floats[n][:, where] for n in VARYING}, "initial_state": state})

    y, last = scan(floats)
    y_first, between = piece(slice(0, cut), floats["initial_state"])
    y_second, y_last = piece(slice(cut, None), between)
    assert oracles.error(np.concatenate([y_first, y_second], axis=1), y) < 1e-6
    assert oracles.error(y_last, last) < 1e-6


@cache
def steps(constant: str) -> Any:
    """All positions by ``selective_scan_step``, one after the other."""

    @jax.jit
    def run(floats):
        still = {name: floats[name] for name in ("A", "D", "delta_bias")}
        still |= {name: floats[name][None] for name in constant}
        moving = {n: jnp.moveaxis(floats[n], 1, 0) for n in VARYING if n not in constant}

        def step(state, x):
            y, state = selective_scan_step(state, **x, **still, delta_softplus=True)
            return state, y

        last, y = jax.lax.scan(step, floats["initial_state"].astype(jnp.float32), moving)
        return jnp.moveaxis(y, 0, 1), last

    return run


@given(variants_and_problems)
def test_repeated_steps_are_the_scan(drawn: tuple[Variant, Problem]) -> None:
    """Decoding computes what reading computes."""
    variant, problem = drawn
    y, last = steps(variant.constant)(problem.floats)
    structure = {
        "mask": np.ones((BATCH, LENGTH), bool),
        "segment_ids": np.zeros((BATCH, LENGTH), np.int32),
    }
    want, _ = variant.run(problem.floats, structure, problem.dy, problem.dlast)
    assert far(y, want[0]) < CLOSE
    assert far(last, want[1]) < CLOSE


@pytest.mark.parametrize("constant", ["", "BC"])
@pytest.mark.parametrize("method", ["sequential", "associative", "chunked", "step"])
def test_bfloat16_loses_only_its_own_digits(method: str, constant: str) -> None:
    """y is the float32 result rounded to bfloat16; the state, float32, is not rounded at all."""
    floats = draw_floats(3, constant, jnp.bfloat16)
    floats["initial_state"] = floats["initial_state"].astype(jnp.float32)
    want = oracles.selective_scan(**floats, delta_softplus=True)
    if method == "step":
        y, last = steps(constant)(floats)
    else:
        dy, dlast = (
            jnp.asarray(x, d) for x, d in zip(want, (jnp.bfloat16, jnp.float32), strict=True)
        )
        (y, last), grads = value_and_vjp(method)(floats, {}, dy, dlast)
        want_grads = oracles.selective_scan_vjp(dy, dlast, **floats, delta_softplus=True)
        for name in FLOATS:
            assert grads[name].dtype == floats[name].dtype
            # Rounding once is 2^-9; du and dz are sums of two rounded parts.
            assert oracles.error(grads[name], want_grads[name]) < 2**-7, name
    assert (y.dtype, last.dtype) == (jnp.bfloat16, jnp.float32)
    y = np.asarray(y, np.float64)
    np.testing.assert_allclose(y, want[0], rtol=2**-8, atol=2e-6)
    assert oracles.error(last, want[1]) < 1e-6


@cache
def second_order(method: str, backend: str, reverse: bool) -> Any:
    """A jitted Hessian-vector product over all nine arguments at once."""

    @jax.jit
    def run(floats, structure, direction):
        def loss(floats):
            options = {"delta_softplus": True, "method": method, "chunk_size": 5}
            y, last = selective_scan(**floats, **structure, **options, return_final_state=True)
            return jnp.sin(y).sum() + (last**2).sum()

        def slope(floats):
            grads = jax.grad(loss)(floats)
            return sum(jnp.vdot(grads[name], direction[name]) for name in FLOATS)

        with target_backend(backend):
            if reverse:
                return jax.grad(slope)(floats)
            return jax.jvp(jax.grad(loss), (floats,), (direction,))[1]

    return run


@pytest.mark.slow
@settings(max_examples=settings().max_examples // 5)
@given(st.integers(0, 2**31), masks())
def test_second_derivatives_of_chunked_are_those_of_associative(
    seed: int, mask: np.ndarray
) -> None:
    """Forward over reverse in both layouts, and reverse over reverse."""
    floats, direction = draw_floats(seed), draw_floats(seed + 1)
    ids = np.random.default_rng(seed).integers(0, 2, (BATCH, LENGTH)).astype(np.int32)
    structure = {"mask": mask, "segment_ids": ids}
    want = second_order("associative", "cpu", False)(floats, structure, direction)
    for backend, reverse in (("cpu", False), ("gpu", False), ("cpu", True)):
        got = second_order("chunked", backend, reverse)(floats, structure, direction)
        for name in FLOATS:
            assert far(got[name], want[name]) < 1e-5, (name, backend, reverse)
