# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The selective scan on fixed shapes: results and gradients against float64, memory, dtypes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from robomamba_jax.errors import InputError
from robomamba_jax.ops import CHUNK_TABLE, selective_scan, selective_scan_step
from robomamba_jax.ops.backend import target_backend
from robomamba_jax.ops.selective_scan import FEW_ROWS
from tests import oracles
from tests.ops.scans import FLOATS, Case, float_dtypes, inner_jaxprs, problem, value_and_vjp

CASES = (
    Case(1, 2, 3, 4, 1, "", "softplus"),
    Case(2, 1, 5, 1, 3, "B", ""),
    Case(7, 3, 2, 5, 7, "C", "mask segments softplus"),
    Case(8, 2, 4, 16, 4, "", "segments"),
    Case(9, 2, 7, 3, 5, "BC", "mask softplus"),
    Case(63, 3, 5, 4, 16, "", "mask segments softplus"),
    Case(255, 1, 6, 8, 32, "", "softplus"),
    Case(257, 2, 3, 4, 2, "B", "mask"),
    Case(1023, 2, 4, 4, 64, "C", "segments softplus"),
    Case(1024, 2, 5, 16, 128, "", "softplus"),
    Case(2049, 2, 3, 5, 11, "", "mask segments softplus"),
    Case(4096, 1, 6, 4, 256, "", "softplus"),
)
AS_USERS_COMPILE = (9, 4096)  # lengths at which "auto" is not compiled quickly
COLUMNS = ("sequential", "associative", "chunked", "batched", "auto")
# The worst error of the results and of the gradients, of their scale, by length and column; a test
# may be at most five times as wrong. Measured with jax 0.10.2 on an AMD EPYC (Zen 3).
RECORDED = """
          sequential  |  associative  |    chunked    |    batched    |     auto
        1 | 1.4e-7 2.9e-7 | 1.4e-7 2.9e-7 | 1.4e-7 2.9e-7 | 1.4e-7 2.9e-7 | 1.4e-7 2.9e-7
        2 | 6.9e-8 1.3e-7 | 6.9e-8 1.3e-7 | 6.9e-8 1.3e-7 |       -       | 6.9e-8 1.3e-7
        7 | 2.0e-7 2.5e-7 | 2.0e-7 2.5e-7 | 2.0e-7 2.5e-7 | 2.0e-7 2.5e-7 | 2.0e-7 2.5e-7
        8 | 1.4e-7 1.5e-7 | 1.4e-7 1.5e-7 | 1.4e-7 1.5e-7 | 1.4e-7 1.5e-7 | 1.4e-7 1.5e-7
        9 | 9.6e-8 2.6e-7 | 9.6e-8 2.6e-7 | 9.6e-8 2.6e-7 | 5.6e-8 2.6e-7 | 5.6e-8 2.6e-7
       63 | 4.2e-7 2.9e-7 | 2.7e-7 5.6e-7 | 2.0e-7 4.1e-7 | 2.0e-7 3.6e-7 | 1.8e-7 2.9e-7
      255 | 1.0e-7 4.4e-7 | 1.2e-7 5.8e-7 | 2.0e-7 3.1e-7 |       -       | 1.2e-7 3.8e-7
      257 | 2.4e-7 4.5e-7 | 1.0e-7 3.6e-7 | 2.4e-7 4.2e-7 | 1.3e-7 2.9e-7 | 1.1e-7 5.3e-7
     1023 | 1.6e-7 3.5e-7 | 2.2e-7 3.5e-7 | 2.2e-7 3.5e-7 |       -       | 1.6e-7 3.5e-7
     1024 | 1.1e-7 4.8e-7 | 1.1e-7 2.8e-7 | 1.1e-7 2.8e-7 | 1.1e-7 2.8e-7 | 1.5e-7 4.0e-7
     2049 | 3.2e-7 4.4e-6 | 2.7e-7 7.5e-7 | 2.4e-7 1.6e-6 | 2.2e-7 1.6e-6 | 2.9e-7 1.2e-6
     4096 | 3.0e-7 8.0e-7 | 1.4e-7 1.5e-6 | 1.1e-7 1.4e-6 |       -       | 1.9e-7 7.4e-7
"""
# What float32 rounding alone does: an error below it says nothing and may move with the machine.
FLOOR = 1e-7


def measure(case: Case, column: str) -> tuple[float, float]:
    """The worst error of the two results, and of the nine gradients."""
    floats, structure, cotangents, want, want_grads = problem(case)
    method = "chunked" if column == "batched" else column
    run = value_and_vjp(
        method,
        case.chunk if method == "chunked" else None,
        "softplus" in case.options,
        "gpu" if column == "batched" else "cpu",
        as_users=column == "auto" and case.length in AS_USERS_COMPILE,
    )
    got, grads = run(floats, structure, *cotangents)
    assert set(grads) == set(want_grads) == set(FLOATS)
    return (
        max(oracles.error(g, w) for g, w in zip(got, want, strict=True)),
        max(oracles.error(grads[name], want_grads[name]) for name in FLOATS),
    )


def recorded() -> dict[tuple[int, str], tuple[float, float]]:
    """RECORDED by length and column; "-" is left out to save time (a row alone is flat anyway)."""
    table = {}
    for line in RECORDED.strip().splitlines()[1:]:
        length, *pairs = line.split("|")
        for column, pair in zip(COLUMNS, pairs, strict=True):
            if pair.strip() != "-":
                results, gradients = pair.split()
                table[int(length), column] = (float(results), float(gradients))
    return table


@pytest.mark.parametrize(("length", "column"), recorded())
def test_results_and_gradients_equal_the_float64_recurrence(length: int, column: str) -> None:
    """Within the issue's bounds, and within five times what was recorded."""
    case = next(case for case in CASES if case.length == length)
    issue = (1e-6, 1e-5) if length <= 1024 else (1e-5, 5e-5)
    for what, error, bound, known in zip(
        ("results", "gradients"),
        measure(case, column),
        issue,
        recorded()[length, column],
        strict=True,
    ):
        assert error <= min(bound, 5 * max(known, FLOOR)), (what, error, known)


def test_the_record_covers_every_method_at_every_length() -> None:
    """Nothing is left out by leaving out its record, and no record is above the issue's bounds."""
    table = recorded()
    for case in CASES:
        done = {column for length, column in table if length == case.length}
        assert done >= set(COLUMNS) - {"batched"}
    assert sum(column == "batched" for _, column in table) == 8
    for (length, _), (results, gradients) in table.items():
        assert results <= (1e-6 if length <= 1024 else 1e-5)
        assert gradients <= (1e-5 if length <= 1024 else 5e-5)


@pytest.mark.parametrize("case", [CASES[2], CASES[4]], ids=lambda case: str(case.length))
def test_the_oracle_s_adjoint_is_its_derivative(case: Case) -> None:
    """The gradients everything is held to agree with finite differences in float64."""
    floats, structure, cotangents, _, want = problem(case)

    def scan(**floats: Any) -> tuple[np.ndarray, np.ndarray]:
        return oracles.selective_scan(**floats, **structure, delta_softplus=True)

    numeric = oracles.finite_differences(scan, floats, cotangents)
    for name in FLOATS:
        assert oracles.error(want[name], numeric[name]) < 1e-7, name


def test_auto_takes_the_table_s_chunk_size_and_never_the_sequential_scan() -> None:
    """A sequence of one chunk is one associative scan; a longer one is chunked."""
    chunk = CHUNK_TABLE["cpu"].size

    def jaxpr(length: int, **options: Any) -> str:
        u, b = jnp.ones((2, length, 3)), jnp.ones((2, length, 4))
        scan = jax.make_jaxpr(lambda u, b: selective_scan(u, u, jnp.ones((3, 4)), b, b, **options))
        return str(scan(u, b))

    assert jaxpr(chunk) == jaxpr(chunk, method="auto") == jaxpr(chunk, method="associative")
    longer = chunk + 1
    assert jaxpr(longer) == jaxpr(longer, method="chunked", chunk_size=chunk)
    assert jaxpr(longer, chunk_size=2) == jaxpr(longer, method="chunked", chunk_size=2)
    assert len({jaxpr(longer, method=m) for m in ("auto", "associative", "sequential")}) == 3


def test_each_backend_s_chunk_size_stands_with_what_it_was_chosen_by() -> None:
    """Measured on the CPU; elsewhere counted in compiled programs, and said to be so."""
    assert {name: choice.size for name, choice in CHUNK_TABLE.items()} == {
        "cpu": 8,
        "gpu": 16,
        "tpu": 8,
    }
    assert "measured" in CHUNK_TABLE["cpu"].source
    for name, device in (("gpu", "H200"), ("tpu", "v5e")):
        source = CHUNK_TABLE[name].source
        assert f"compiled for a{'n' if name == 'gpu' else ''} {device} and not run" in source

    def jaxpr(rows: int, **options: Any) -> str:
        u, b = jnp.ones((rows, 40, 3)), jnp.ones((rows, 40, 4))
        return str(
            jax.make_jaxpr(lambda: selective_scan(u, u, jnp.ones((3, 4)), b, b, **options))()
        )

    for name, choice in CHUNK_TABLE.items():
        for rows in (FEW_ROWS, FEW_ROWS + 1):
            # Few rows leave a GPU waiting for launches, of which longer chunks have fewer.
            few = rows == FEW_ROWS and name == "gpu"
            size = 32 if few else choice.size
            with target_backend(name):
                assert jaxpr(rows) == jaxpr(rows, method="chunked", chunk_size=size)


def test_chunked_needs_a_thirtieth_of_the_memory() -> None:
    """Forward and backward at T=4096, I=1536, N=16; compiled, not run.

    Measured on the CPU: chunked 147.2 MiB, associative 5441.3 MiB of temporaries (37.0 times);
    the arguments take 96.8 MiB, the gradients 72.7 MiB.
    """
    T, I, N = 4096, 1536, 16
    sizes = {"u": (1, T, I), "delta": (1, T, I), "A": (I, N), "B": (1, T, N), "C": (1, T, N)}
    sizes |= {"D": (I,), "z": (1, T, I), "delta_bias": (I,), "initial_state": (1, I, N)}
    floats = {name: jax.ShapeDtypeStruct(size, jnp.float32) for name, size in sizes.items()}

    def temporaries(method: str) -> int:
        def loss(floats, weight, weight_last):
            y, last = selective_scan(
                **floats, delta_softplus=True, method=method, return_final_state=True
            )
            return (y * weight).sum() + (last * weight_last).sum()

        lowered = jax.jit(jax.grad(loss)).lower(floats, floats["u"], floats["initial_state"])
        return lowered.compile().memory_analysis().temp_size_in_bytes

    chunked, associative = temporaries("chunked"), temporaries("associative")
    assert associative >= 30 * chunked, (associative, chunked)
    assert chunked <= 1.5 * 147.2 * 2**20, chunked


ARITHMETIC = {"add", "sub", "mul", "div", "neg", "dot_general", "reduce_sum", "cumsum", "add_any"}
ISLANDS = {"exp", "exp2", "expm1", "log1p", "log", "logistic", "tanh"}


@pytest.mark.parametrize("method", ["sequential", "associative", "chunked"])
def test_bfloat16_comes_in_and_float32_computes(method: str) -> None:
    """softplus, exp and the carry are float32, forward and backward; y alone is bfloat16."""
    floats, structure, *_ = problem(CASES[5])
    floats = {name: jnp.asarray(value, jnp.bfloat16) for name, value in floats.items()}

    def scan(floats):
        options = {"delta_softplus": True, "method": method, "return_final_state": True}
        return selective_scan(**floats, **structure, **options)

    forward = jax.make_jaxpr(scan)(floats)
    assert [x.dtype for x in forward.out_avals] == [jnp.bfloat16, jnp.float32]
    assert set(float_dtypes(inner_jaxprs(forward.jaxpr), ARITHMETIC)) == {jnp.dtype("float32")}
    cotangents = jax.eval_shape(scan, floats)
    gradient = jax.make_jaxpr(lambda x, ct: jax.vjp(scan, x)[1](ct))(floats, cotangents)
    assert {g.dtype for g in gradient.out_avals} == {jnp.dtype("bfloat16")}
    for jaxpr in (forward, gradient):
        equations = inner_jaxprs(jaxpr.jaxpr)
        islands = float_dtypes(equations, ISLANDS)
        assert len(islands) >= 3  # softplus, the decay, the gate
        assert set(islands) == {jnp.dtype("float32")}
        loops = [e for e in equations if e.primitive.name == "scan"]
        assert bool(loops) == (method != "associative")
        carries = [v.aval.dtype for e in loops for v in e.outvars[: e.params["num_carry"]]]
        assert {d for d in carries if jnp.issubdtype(d, jnp.floating)} <= {jnp.dtype("float32")}


def ones(**changes: Any) -> dict[str, Any]:
    """Arguments that fit (B=2, T=5, I=3, N=4), with some replaced."""
    u, b, a = jnp.ones((2, 5, 3)), jnp.ones((2, 5, 4)), jnp.ones((3, 4))
    return {"u": u, "delta": u, "A": a, "B": b, "C": b, **changes}


WRONG = {
    "associativ": ({"method": "associativ"}, "'associativ' (did you mean associative?)"),
    "no method is near": ({"method": "fft"}, "choose one of auto, kernel, chunked, associa"),
    "chunk_size": ({"chunk_size": 0}, "chunk_size is 0 (give a whole number from 1, or None)"),
    "u": ({"u": jnp.ones((2, 3))}, "u has shape [2, 3], not [B=2, T=3, I]"),
    "delta": ({"delta": jnp.ones((2, 4, 3))}, "delta has shape [2, 4, 3], not [B=2, T=5, I=3]"),
    "A": ({"A": jnp.ones((4, 3))}, "A has shape [4, 3], not [I=3, N=3]"),
    "B": ({"B": jnp.ones((2, 5, 3))}, "B has shape [2, 5, 3], not [B=2, T=5, N=4]"),
    "constant B": ({"B": jnp.ones((4, 3))}, "B has shape [4, 3], not [I=3, N=4]"),
    "C": ({"C": jnp.ones((1, 5, 4))}, "C has shape [1, 5, 4], not [B=2, T=5, N=4]"),
    "D": ({"D": jnp.ones(4)}, "D has shape [4], not [I=3]"),
    "z": ({"z": jnp.ones((2, 5, 4))}, "z has shape [2, 5, 4], not [B=2, T=5, I=3]"),
    "delta_bias": ({"delta_bias": jnp.ones(())}, "delta_bias has shape [], not [I=3]"),
    "state": ({"initial_state": jnp.ones((2, 4, 3))}, "initial_state has shape [2, 4, 3], not [B"),
    "ids": ({"segment_ids": jnp.ones((2, 4), int)}, "segment_ids has shape [2, 4], not [B=2, T=5]"),
    "mask": ({"mask": jnp.ones((5,), bool)}, "mask has shape [5], not [B=2, T=5]"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_wrong_input_is_named_in_one_line(mistake: str) -> None:
    """The argument, what it is and what it should be."""
    changes, words = WRONG[mistake]
    with pytest.raises(InputError) as caught:
        selective_scan(**ones(**changes))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


STEP_WRONG = {
    "u": {"u": jnp.ones((2, 5, 3))},
    "state": {"state": jnp.ones((2, 4, 3))},
    "delta": {"delta": jnp.ones((2, 4))},
    "B": {"B": jnp.ones((2, 3))},
    "C": {"C": jnp.ones((3, 4))},
    "D": {"D": jnp.ones(4)},
    "z": {"z": jnp.ones((1, 3))},
    "delta_bias": {"delta_bias": jnp.ones(4)},
}


@pytest.mark.parametrize("name", STEP_WRONG)
def test_wrong_input_to_a_step_is_named_in_one_line(name: str) -> None:
    """As for whole sequences; what merely broadcasts is wrong too."""
    state, u, b = jnp.ones((2, 3, 4)), jnp.ones((2, 3)), jnp.ones((2, 4))
    right = {"state": state, "u": u, "delta": u, "A": state[0], "B": b, "C": b}
    right |= {"D": u[0], "z": u, "delta_bias": u[0]}
    y, _ = selective_scan_step(**right)
    assert y.shape == u.shape
    with pytest.raises(InputError, match=rf"^{name} has shape \[") as caught:
        selective_scan_step(**{**right, **STEP_WRONG[name]})
    assert "\n" not in str(caught.value)
