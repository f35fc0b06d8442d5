# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What people pass to ``rm.ops``: the same bits, or one line that says what is wanted."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.errors import InputError

B, T, I, N, K = 2, 5, 4, 3, 4
RNG = np.random.default_rng(0)


def real(*shape: int) -> np.ndarray:
    """float32 of about one, which float64 and lists hold exactly."""
    return RNG.standard_normal(shape).astype(np.float32)


MASK = np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1]], bool)
SEGMENTS = np.array([[7, 7, 2, 2, 2], [1, 1, 1, 1, 3]], np.int32)
SCAN = {
    "u": real(B, T, I),
    "delta": real(B, T, I),
    "A": -np.abs(real(I, N)),
    "B": real(B, T, N),
    "C": real(I, N),
    "D": real(I),
    "z": real(B, T, I),
    "delta_bias": real(I),
    "initial_state": real(B, I, N),
    "segment_ids": SEGMENTS,
    "mask": MASK,
}
STEP = {"state": real(B, I, N), "u": real(B, I), "delta": real(B, I), "A": SCAN["A"]}
STEP |= {"B": real(B, N), "C": real(1, I, N), "D": real(I), "z": real(B, I), "delta_bias": real(I)}
CONV = {"x": real(B, T, I), "weight": real(I, K), "bias": real(I)}
CONV |= {"initial_state": real(B, K - 1, I), "segment_ids": SEGMENTS}
TURNS = {"first": real(2, 3, 3), "second": real(3, 3)}

# name -> function, its arrays, its other arguments. Arrays of rank 0 or 1 less are wrong for all.
CALLS: dict[str, tuple[Callable[..., Any], dict[str, np.ndarray], dict[str, Any]]] = {
    **{
        f"selective_scan, {method}": (
            rm.ops.selective_scan,
            SCAN,
            {"delta_softplus": True, "method": method, "return_final_state": True},
        )
        for method in ("sequential", "chunked")
    },
    "selective_scan_step": (rm.ops.selective_scan_step, STEP, {"delta_softplus": True}),
    "causal_conv1d": (
        rm.ops.causal_conv1d,
        {**CONV, "mask": MASK},
        {"silu": True, "return_final_state": True},
    ),
    "causal_conv1d, lengths": (
        rm.ops.causal_conv1d,
        {**CONV, "lengths": np.array([5, 3], np.int32)},
        {},
    ),
    "causal_conv1d_step": (
        rm.ops.causal_conv1d_step,
        {"state": real(B, K - 1, I), "x": real(B, I), "weight": real(I, K), "bias": real(I)},
        {"silu": True},
    ),
    "rms_norm": (rm.ops.rms_norm, {"x": real(B, T, I), "weight": real(I)}, {}),
    "rotation_from_6d": (rm.ops.rotation_from_6d, {"r6": real(B, 6)}, {}),
    "rotation_to_6d": (rm.ops.rotation_to_6d, {"matrix": real(B, 3, 3)}, {}),
    "geodesic_angle": (rm.ops.geodesic_angle, TURNS, {}),
    "geodesic_angle_official": (rm.ops.geodesic_angle_official, TURNS, {}),
    "segment_resets": (rm.ops.segment_resets, {"segment_ids": SEGMENTS, "mask": MASK}, {}),
    "compaction": (rm.ops.compaction, {"mask": MASK}, {}),
    "Compaction.pack": (
        lambda x: rm.ops.compaction(jnp.asarray(MASK)).pack(x),
        {"x": real(B, T, I)},
        {},
    ),
    "Compaction.unpack": (
        lambda x: rm.ops.compaction(jnp.asarray(MASK)).unpack(x),
        {"x": real(B, T, I)},
        {},
    ),
}


def read_only(array: np.ndarray) -> np.ndarray:
    """A copy that nobody may write into."""
    array = array.copy()
    array.flags.writeable = False
    return array


def torch_tensor(array: np.ndarray) -> Any:
    """The same numbers by torch."""
    import torch

    return torch.from_numpy(array.copy())


FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "numpy": lambda a: a,
    "64 bits": lambda a: a.astype({"f": np.float64, "i": np.int64, "b": np.int64}[a.dtype.kind]),
    "extended precision": lambda a: a.astype(np.longdouble) if a.dtype.kind == "f" else a,
    "read-only": read_only,
    "not contiguous": lambda a: np.repeat(np.asfortranarray(a), 2, axis=-1)[..., ::2],
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "lists": lambda a: a.tolist(),
    "tuples": lambda a: tuple(a.tolist()),
    "list of numpy": list,
    "list of jax": lambda a: [jnp.asarray(row) for row in a],
    "torch": torch_tensor,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_every_form_gives_the_same_bits(name: str) -> None:
    """Whatever holds the numbers; what the caller writes afterwards reaches nothing."""
    function, arrays, others = CALLS[name]
    want = jax.device_get(function(**{k: jnp.asarray(a) for k, a in arrays.items()}, **others))
    forms = ("numpy", "lists") if "sequential" in name else FORMS  # its loop is compiled each time
    for form in forms:
        made = FORMS[form]
        given = {key: made(array) for key, array in arrays.items()}
        got = function(**given, **others)
        for value in given.values():
            if isinstance(value, np.ndarray) and form == "not contiguous":
                value[...] = 0
        got = jax.device_get(got)
        for mine, theirs in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
            np.testing.assert_array_equal(mine, theirs, err_msg=form)
            assert mine.dtype == theirs.dtype, form


@pytest.mark.parametrize("name", CALLS)
def test_traced_arguments_are_not_touched(name: str) -> None:
    """jit of a list, vmap and grad, beside lists and numpy arrays that are not traced."""
    function, arrays, others = CALLS[name]
    want = jax.device_get(function(**{k: jnp.asarray(a) for k, a in arrays.items()}, **others))
    first, *rest = arrays
    fixed = {key: arrays[key] if n % 2 else arrays[key].tolist() for n, key in enumerate(rest)}
    smooth = arrays[first].dtype == np.float32

    def call(value: Any) -> Any:
        return function(**{first: value, **fixed}, **others)

    def total(value: Any) -> Any:
        return sum(leaf.sum() for leaf in jax.tree.leaves(call(value)))

    def traced(value: Any) -> Any:
        slope = jax.grad(total)(value) if smooth else value
        return call(list(value)), jax.vmap(call)(jnp.stack([value, value])), slope

    once, twice, slope = jax.jit(traced)(arrays[first])
    assert np.isfinite(slope).all()
    close = {"rtol": 2e-5, "atol": 2e-5}
    for left, right, leaf in zip(*map(jax.tree.leaves, (once, twice, want)), strict=True):
        np.testing.assert_allclose(left, leaf, **close)
        np.testing.assert_allclose(right[1], leaf, **close)


def wrongs(array: np.ndarray, optional: bool) -> dict[str, Any]:
    """What an array's place cannot hold."""
    others: dict[str, list[Any]] = {
        "f": [array.astype(np.int32), array > 0, array.astype(np.complex64)],
        "i": [array.astype(np.float32), array > 0, np.full(array.shape, 2**40)],
        "b": [array.astype(np.float32), np.where(array, -1, 0), np.where(array, 2, 0).tolist()],
    }
    wrong: dict[str, Any] = {f"kind {n}": x for n, x in enumerate(others[array.dtype.kind])}
    wrong |= {
        "text": "u",
        "texts": array.astype(str),
        "objects": array.astype(object),
        "ragged": [[1.0], [1.0, 2.0]],
        "a dict": {"u": 1.0},
        "a set": {1.0},
        "masked": np.ma.masked_array(array, array > 0),
        "dates": np.zeros(array.shape, "datetime64[s]"),
        "one number": array.reshape(-1)[0],
        "another axis more": np.zeros((2, 2, 2, 2, *array.shape[1:-1], 9), array.dtype),
        "a key": jax.random.key(0),
    }
    if array.dtype.kind == "f":
        wrong["too large"] = np.full(array.shape, 1e300)
    if not optional:
        wrong["nothing"] = None
    return wrong


OPTIONAL = {"D", "z", "delta_bias", "initial_state", "segment_ids", "mask", "bias", "lengths"}
ANY_KIND = {"Compaction.pack", "Compaction.unpack"}
ALONE = {("segment_resets", "segment_ids"), ("compaction", "mask")}


@pytest.mark.parametrize("name", CALLS)
def test_what_no_array_is_is_said_in_one_line(name: str) -> None:
    """Each argument in turn, with every wrong thing."""
    function, arrays, others = CALLS[name]
    for key in arrays:
        optional = key in OPTIONAL and (name, key) not in ALONE
        for what, value in wrongs(arrays[key], optional).items():
            if name in ANY_KIND and what.startswith("kind"):
                continue
            with pytest.raises(InputError) as caught:
                function(**{**arrays, key: value}, **others)
            said = str(caught.value)
            assert "\n" not in said, (key, what)
            assert key in said, (key, what, said)
            if what == "nothing":
                assert f"{key} is missing (give {key} as" in said


@pytest.mark.parametrize("empty", [(0, T), (B, 0)])
def test_empty_rows_are_said(empty: tuple[int, int]) -> None:
    """Neither no sequences nor sequences without positions reach an index of theirs."""
    rows, length = empty
    u, v = np.zeros((rows, length, I), np.float32), np.zeros((rows, length, N), np.float32)
    letter = "B is 0" if rows == 0 else "T is 0"
    for method in rm.ops.METHODS:
        with pytest.raises(InputError, match=letter):
            rm.ops.selective_scan(u, u, SCAN["A"], v, v, method=method)
    ids = np.zeros(empty, np.int32)
    for call in (
        lambda: rm.ops.causal_conv1d(u, CONV["weight"]),
        lambda: rm.ops.segment_resets(ids),
        lambda: rm.ops.compaction(ids > 0),
    ):
        with pytest.raises(InputError, match=letter):
            call()
    u, none = np.ones((B, T, I), np.float32), np.zeros((B, T, 0), np.float32)
    with pytest.raises(InputError, match="N is 0"):
        rm.ops.selective_scan(u, u, np.zeros((I, 0)), none, none)


SCALARS: dict[str, tuple[Callable[[], Any], str]] = {
    "chunk text": (lambda: scan(method="chunked", chunk_size="8"), "chunk_size is '8'"),
    "chunk half": (lambda: scan(method="chunked", chunk_size=2.5), "chunk_size is 2.5"),
    "chunk true": (lambda: scan(method="chunked", chunk_size=True), "chunk_size is True"),
    "softplus": (lambda: scan(delta_softplus="false"), "delta_softplus is 'false'"),
    "state": (lambda: scan(return_final_state="no"), "return_final_state is 'no'"),
    "silu": (lambda: rm.ops.causal_conv1d(**CONV, silu="no"), "silu is 'no'"),
    "eps text": (lambda: rm.ops.rms_norm(CONV["x"], CONV["bias"], eps="1e-5"), "eps is '1e-5'"),
    "eps": (lambda: rm.ops.rms_norm(CONV["x"], CONV["bias"], eps=-1.0), "eps is -1.0"),
    "dtype": (lambda: rm.ops.rms_norm(CONV["x"], CONV["bias"], dtype="f31"), "dtype is 'f31'"),
    "whole dtype": (lambda: rm.ops.rms_norm(CONV["x"], CONV["bias"], dtype=int), "dtype is <class"),
    "angles": (
        lambda: rm.ops.geodesic_angle(np.zeros((2, 3, 3)), np.zeros((5, 3, 3))),
        "first has shape [2, 3, 3], second [5, 3, 3]",
    ),
}


def scan(**others: Any) -> Any:
    """The scan of SCAN."""
    return rm.ops.selective_scan(**SCAN, **others)


@pytest.mark.parametrize("mistake", SCALARS)
def test_other_arguments_are_checked(mistake: str) -> None:
    """A text never counts as true, and half a chunk is none."""
    call, words = SCALARS[mistake]
    with pytest.raises(InputError) as caught:
        call()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_numbers_that_would_change_are_refused() -> None:
    """Ids above 32 bits would meet each other; those that fit are the same segments."""
    far = SEGMENTS.astype(np.int64) + 2**31 - 10
    np.testing.assert_array_equal(
        rm.ops.segment_resets(far.tolist()), rm.ops.segment_resets(jnp.asarray(SEGMENTS))
    )
    with pytest.raises(InputError, match="segment_ids holds numbers outside of int32"):
        rm.ops.segment_resets(SEGMENTS.astype(np.int64) * 2**32)
    whole = np.eye(3, dtype=int).tolist()  # as JSON writes a matrix
    np.testing.assert_array_equal(rm.ops.geodesic_angle(whole, whole), 0)
    numpys = scan(method="chunked", chunk_size=np.int64(2), delta_softplus=np.bool_(True))
    ours = scan(method="chunked", chunk_size=2, delta_softplus=True)
    np.testing.assert_array_equal(numpys, ours)
