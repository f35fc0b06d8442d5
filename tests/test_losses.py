# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The loss in blocks against plain float64, and what each position should predict."""

from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jax.extend.core import jaxprs_in_params

from robomamba_jax.losses import answer_weights, linear_cross_entropy, next_token_targets
from tests import oracles

BATCH, LENGTH, WIDTH, VOCAB = 2, 7, 5, 11


def draw(seed: int, dtype: Any = np.float32) -> dict[str, Any]:
    """Arguments with logits of order 3 and every kind of weight."""
    rng = np.random.default_rng(seed)
    weights = rng.choice([0, 0.5, 1, 2], (BATCH, LENGTH)).astype(np.float32)
    weights[0, :2], weights[1, -1] = (1, 0), 0
    return {
        "hidden": jnp.asarray(2 * rng.standard_normal((BATCH, LENGTH, WIDTH)), dtype),
        "head_weight": jnp.asarray(rng.standard_normal((VOCAB, WIDTH)), dtype),
        "labels": rng.integers(0, VOCAB, (BATCH, LENGTH)).astype(np.int32),
        "weights": weights,
    }


def oracle(hidden: Any, head_weight: Any, labels: Any, weights: Any) -> tuple[Any, Any, Any]:
    """The loss and its gradients by hidden and head_weight, all logits at once in float64."""
    hidden, head, weights = (np.asarray(x).astype(float) for x in (hidden, head_weight, weights))
    logits = hidden @ head.T
    logits -= logits.max(-1, keepdims=True)
    log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    chosen = np.eye(len(head))[np.where(weights > 0, labels, 0)]
    grad = weights[..., None] * (np.exp(log_probs) - chosen)
    loss = -(weights[..., None] * chosen * log_probs).sum()
    return loss, grad @ head, np.einsum("btv,btd->vd", grad, hidden)


@partial(jax.jit, static_argnames=("chunk", "compact"))
def value_and_grad(arguments: dict[str, Any], chunk: int = 256, compact: bool = False) -> Any:
    """The loss, the loss when not differentiated, and the gradients of 3 * loss."""

    def loss(hidden, head_weight):
        rest = arguments["labels"], arguments["weights"]
        return linear_cross_entropy(hidden, head_weight, *rest, chunk=chunk, compact=compact)

    inputs = arguments["hidden"], arguments["head_weight"]
    value, vjp = jax.vjp(loss, *inputs)
    return value, loss(*inputs), vjp(jnp.float32(3))


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("chunk", [1, 3, 7, 256])
def test_value_and_gradients_equal_float64(chunk: int, compact: bool) -> None:
    """Blocks of one position, blocks that do not divide 7, one exact block, one larger."""
    arguments = draw(chunk)
    loss, undifferentiated, grads = value_and_grad(arguments, chunk, compact)
    want, *want_grads = oracle(**arguments)
    assert oracles.error(loss, want) < 5e-7
    assert oracles.error(undifferentiated, want) < 5e-7
    for got, wanted in zip(grads, want_grads, strict=True):
        assert oracles.error(got, 3 * wanted) < 1.5e-6


def test_compact_computes_no_logits_where_nothing_counts() -> None:
    """A block of zero weights would give NaN, if it were looked at; with no weight at all the loss
    and its gradients are 0."""
    arguments = draw(4)
    counts = arguments["weights"] > 0
    broken = jnp.where(counts[..., None], arguments["hidden"], jnp.nan)
    blocks = int(counts.sum())  # of one position each: those that count fill whole blocks
    assert 0 < blocks < counts.size
    got = value_and_grad({**arguments, "hidden": broken}, 1, True)
    want = value_and_grad(arguments, 1, True)
    for x, y in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_array_equal(x, y)
    nothing = {**arguments, "weights": np.zeros_like(arguments["weights"])}
    assert not any(np.any(x) for x in jax.tree.leaves(value_and_grad(nothing, 4, True)))


def test_large_logits_do_not_overflow() -> None:
    """Logits of several hundred, beyond float32's exp."""
    arguments = draw(1)
    arguments["hidden"] = 100 * arguments["hidden"]
    loss, _, grads = value_and_grad(arguments)
    want, *want_grads = oracle(**arguments)
    assert oracles.error(loss, want) < 5e-7
    for got, wanted in zip(grads, want_grads, strict=True):
        assert oracles.error(got, 3 * wanted) < 1e-6


def test_labels_without_weight_are_not_read() -> None:
    """-100 or an id beyond the vocabulary where the weight is 0 changes no bit."""
    arguments = draw(2)
    silent = arguments["weights"] == 0
    assert silent.sum() >= 3
    want = value_and_grad(arguments, 4)
    for label in (-100, VOCAB + 5):
        changed = {**arguments, "labels": np.where(silent, np.int32(label), arguments["labels"])}
        got = value_and_grad(changed, 4)
        for one, other in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
            np.testing.assert_array_equal(one, other)
    _, _, (hidden_grad, _) = want
    assert not np.asarray(hidden_grad)[silent].any()


def test_no_weight_at_all_is_no_loss() -> None:
    """Zero, with zero gradients, and not NaN."""
    arguments = {**draw(3), "weights": np.zeros((BATCH, LENGTH), np.float32)}
    for leaf in jax.tree.leaves(value_and_grad(arguments)):
        assert not np.asarray(leaf).any()


@pytest.mark.parametrize("head_dtype", [jnp.bfloat16, jnp.float32])
def test_bfloat16(head_dtype: Any) -> None:
    """Loss in float32 from products accumulated in float32; gradients in their inputs' dtype."""
    arguments = draw(4, jnp.bfloat16)
    arguments["head_weight"] = arguments["head_weight"].astype(head_dtype)
    loss, _, (hidden_grad, head_grad) = value_and_grad(arguments, 4)
    assert (loss.dtype, hidden_grad.dtype, head_grad.dtype) == (
        jnp.float32,
        jnp.bfloat16,
        head_dtype,
    )
    want, *want_grads = oracle(**arguments)
    assert oracles.error(loss, want) < 5e-7  # the inputs are bfloat16, the arithmetic is not
    for got, wanted in zip((hidden_grad, head_grad), want_grads, strict=True):
        assert oracles.error(got, 3 * wanted) < 2**-7


def test_second_derivatives() -> None:
    """A Hessian-vector product in hidden equals that of the plain loss."""
    arguments = draw(5)
    head, labels, weights = (arguments[n] for n in ("head_weight", "labels", "weights"))
    hidden, direction = arguments["hidden"], draw(6)["hidden"]

    def blocks(hidden):
        return linear_cross_entropy(hidden, head, labels, weights, chunk=2)

    def plain(hidden):
        log_probs = jax.nn.log_softmax(hidden @ head.T)
        return -(weights * jnp.take_along_axis(log_probs, labels[..., None], -1)[..., 0]).sum()

    got, want = (
        jax.jit(lambda f=f: jax.jvp(jax.grad(f), (hidden,), (direction,))[1])()
        for f in (blocks, plain)
    )
    assert oracles.error(got, want) < 2.5e-6


def test_all_logits_never_exist_at_once() -> None:
    """Neither an array of B*T*V numbers in the program, nor the memory for one.

    Measured on the CPU: 10.1 MiB of temporaries where the logits would take 64 MiB.
    """
    batch, length, width, vocab = 2, 1024, 64, 8192
    shapes = (batch, length, width), (vocab, width), (batch, length), (batch, length)
    dtypes = jnp.float32, jnp.float32, jnp.int32, jnp.float32
    arguments = [jax.ShapeDtypeStruct(s, d) for s, d in zip(shapes, dtypes, strict=True)]
    grad = jax.jit(jax.value_and_grad(linear_cross_entropy, argnums=(0, 1)))

    def largest(jaxpr: Any) -> int:
        sizes = [v.aval.size for e in jaxpr.eqns for v in e.outvars]
        inside = [largest(inner) for e in jaxpr.eqns for inner in jaxprs_in_params(e.params)]
        return max([*sizes, *inside])

    logits = batch * length * vocab
    assert 256 * vocab <= largest(jax.make_jaxpr(grad)(*arguments).jaxpr) < logits / 4
    temporaries = grad.lower(*arguments).compile().memory_analysis().temp_size_in_bytes
    assert temporaries < 4 * logits / 4, temporaries / 2**20


def loop_targets(ids: Any, mask: Any, segments: Any) -> tuple[np.ndarray, np.ndarray]:
    """``next_token_targets`` position by position; the label is -1 where there is none."""
    labels, weights = np.full(ids.shape, -1), np.zeros(ids.shape, np.float32)
    for row in range(len(ids)):
        real = oracles.real_positions(mask, row, ids.shape[1])
        for here, following in pairwise(real):
            if segments is None or segments[row, here] == segments[row, following]:
                labels[row, here], weights[row, here] = ids[row, following], 1
    return labels, weights


SHAPE = (3, 6)
targets = jax.jit(next_token_targets)


@given(
    hnp.arrays(np.int32, SHAPE, elements=st.integers(0, 99)),
    st.one_of(st.none(), hnp.arrays(bool, SHAPE)),
    st.one_of(st.none(), hnp.arrays(np.int32, SHAPE, elements=st.integers(0, 1))),
)
def test_targets_equal_the_loop(ids: Any, mask: Any, segments: Any) -> None:
    """Padding on both sides and inside, empty rows, segments whose ids come back."""
    labels, weights = targets(ids, mask, segments)
    assert (labels.dtype, weights.dtype) == (jnp.int32, jnp.float32)
    want_labels, want_weights = loop_targets(ids, mask, segments)
    np.testing.assert_array_equal(weights, want_weights)
    np.testing.assert_array_equal(np.where(want_weights > 0, labels, -1), want_labels)


def test_targets_of_a_padded_and_a_packed_row() -> None:
    """By hand: 0 is padding; the second row packs (5 6) and (7 8) around padding."""
    ids = jnp.array([[0, 1, 0, 2, 3, 0], [5, 6, 0, 7, 0, 8]])
    labels, weights = targets(ids, ids > 0, jnp.array([[1] * 6, [1, 1, 1, 2, 1, 2]]))
    np.testing.assert_array_equal(weights, [[0, 1, 0, 1, 0, 0], [1, 0, 0, 1, 0, 0]])
    np.testing.assert_array_equal(labels * weights, [[0, 2, 0, 3, 0, 0], [6, 0, 0, 8, 0, 0]])


balanced = jax.jit(answer_weights, static_argnames="balance")


@given(
    hnp.arrays(bool, SHAPE),
    st.one_of(st.none(), hnp.arrays(np.int32, SHAPE, elements=st.integers(0, 1))),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_answers_weigh_what_the_loop_says(learned: Any, segments: Any, balance: float) -> None:
    """Each run of learned tokens in one segment, at a row's ends too."""
    want = np.zeros(SHAPE)
    for row, marks in enumerate(learned):
        parts = [0] * len(marks) if segments is None else segments[row]
        start = 0
        for end in range(1, len(marks) + 1):
            if end == len(marks) or marks[end] != marks[start] or parts[end] != parts[start]:
                want[row, start:end] = (end - start) ** -balance if marks[start] else 0
                start = end
    found = balanced(jnp.asarray(learned), segments, balance=balance)
    np.testing.assert_allclose(found, want, rtol=2e-7)
