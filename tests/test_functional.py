# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Models as pure functions: what researchers do with them, and what they are told when wrong."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import psutil
import pytest

import robomamba_jax as rm
from robomamba_jax.config import PRESETS, MambaConfig
from robomamba_jax.errors import InputError
from robomamba_jax.losses import linear_cross_entropy, next_token_targets
from robomamba_jax.models.params import count_params, leaf_paths
from tests import oracles
from tests.counting import nothing_is_computed


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """jax.jit that gives numpy: what a test does to results should not be compiled bit by bit."""
    compiled = jax.jit(function)
    return lambda *args, **kwargs: jax.device_get(compiled(*args, **kwargs))


# Longer than the chunk of 8 that `auto` takes on the CPU, and no multiple of it.
BATCH, LENGTH = 3, 11
TINY = rm.preset("tiny")
init, apply = rm.functional(TINY)


@pytest.fixture(scope="module")
def params() -> Any:
    return jit(init)(jax.random.key(0))


@pytest.fixture(scope="module")
def ids() -> Any:
    return np.random.default_rng(1).integers(0, TINY.vocab_size, (BATCH, LENGTH)).astype(np.int32)


def loss_of(params: Any, input_ids: jax.Array, apply: Any = apply) -> jax.Array:
    """The mean next-token loss of a batch."""
    labels, weights = next_token_targets(input_ids)
    hidden = apply(params, input_ids, output="hidden")
    head = params["backbone"]["embeddings"]["weight"]
    return linear_cross_entropy(hidden, head, labels, weights) / weights.sum()


gradient = jit(jax.grad(loss_of))


def worst(got: Any, want: Any) -> float:
    """The worst error of any leaf, of that leaf's scale."""
    got, want = leaf_paths(got), leaf_paths(want)
    assert got.keys() == want.keys()
    return max(oracles.error(got[path], want[path]) for path in want)


def test_an_ensemble_is_vmap_over_parameters(ids: jax.Array) -> None:
    """Four models at once give what each gives alone."""
    ensemble = jit(jax.vmap(init))(jax.random.split(jax.random.key(2), 4))
    logits = jit(jax.vmap(apply, in_axes=(0, None)))(ensemble, ids)
    assert logits.shape == (4, BATCH, LENGTH, TINY.vocab_size)
    assert logits.dtype == jnp.float32
    alone = jit(apply)
    for index in range(4):
        member = jax.tree.map(lambda leaf, i=index: leaf[i], ensemble)
        assert oracles.error(logits[index], alone(member, ids)) < 2e-6
    assert oracles.error(logits[0], logits[1]) > 0.1  # they are different models


@pytest.mark.slow
def test_per_example_gradients(params: Any, ids: jax.Array) -> None:
    """vmap of grad over a batch, against the gradient of each example alone."""
    grad = jax.grad(lambda params, row: loss_of(params, row[None]))
    together = jit(jax.vmap(grad, in_axes=(None, 0)))(params, ids)
    for index in range(BATCH):
        got = jax.tree.map(lambda leaf, i=index: leaf[i], together)
        assert worst(got, gradient(params, ids[index : index + 1])) < 3e-6


@pytest.mark.slow
def test_a_hessian_vector_product(params: Any, ids: jax.Array) -> None:
    """Forward over reverse, against the gradient's finite difference along the direction."""
    rng, step = np.random.default_rng(3), np.float32(0.05)
    # A tenth of each leaf's own size.
    direction = jax.tree.map(
        lambda p: (0.1 * np.abs(p).mean() * rng.standard_normal(p.shape)).astype(np.float32), params
    )
    row = ids[:1]
    grad = jax.grad(lambda params: loss_of(params, row))
    product = jit(lambda p, v: jax.jvp(grad, (p,), (v,))[1])(params, direction)
    plus, minus = (
        gradient(jax.tree.map(lambda p, v, s=s: p + s * step * v, params, direction), row)
        for s in (1, -1)
    )
    numeric = jax.tree.map(lambda a, b: (a - b) / (2 * step), plus, minus)
    # The difference of two float32 gradients: good to about 1e-3.
    assert worst(product, numeric) < 5e-3


@pytest.mark.slow
def test_a_training_loop_inside_scan(params: Any, ids: jax.Array) -> None:
    """Forty steps of Adam in one compiled call learn three lines by heart."""
    optimizer = optax.adam(1e-2)

    def step(state, _):
        params, opt_state = state
        loss, grads = jax.value_and_grad(loss_of)(params, ids)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), loss

    train = jit(lambda p: jax.lax.scan(step, (p, optimizer.init(p)), length=40))
    (trained, _), losses = train(params)
    assert abs(losses[0] - math.log(TINY.vocab_size)) < 0.5
    assert losses[-1] < 0.2 * losses[0], losses
    assert abs(jit(loss_of)(trained, ids) - losses[-1]) < 0.5


def test_forward_mode_through_the_associative_scan(params: Any, ids: jax.Array) -> None:
    """One jvp is the gradient times the direction."""
    _, forward = rm.functional(TINY.replace(scan_method="associative"))
    loss = partial(loss_plain, apply=forward)
    direction = jax.tree.map(np.cos, params)
    value, slope = jit(lambda p, v: jax.jvp(lambda p: loss(p, ids), (p,), (v,)))(params, direction)
    want, grads = jit(jax.value_and_grad(partial(loss_plain, apply=apply)))(params, ids)
    terms = jax.tree.map(np.vdot, grads, direction)
    total, size = (sum(jax.tree.leaves(t)) for t in (terms, jax.tree.map(np.abs, terms)))
    assert abs(value - want) < 1e-5
    assert abs(slope - total) < 1e-5 * size


def loss_plain(params: Any, input_ids: jax.Array, *, apply: Any) -> jax.Array:
    """As ``loss_of``, by ``log_softmax`` over all logits: it has a forward derivative."""
    labels, weights = next_token_targets(input_ids)
    log_probs = jax.nn.log_softmax(apply(params, input_ids))
    chosen = jnp.take_along_axis(log_probs, labels[..., None], axis=-1)[..., 0]
    return -(chosen * weights).sum() / weights.sum()


@pytest.mark.slow
def test_both_layouts_are_the_same_model(params: Any, ids: jax.Array) -> None:
    """The same numbers for the same key, the same logits for the same numbers."""
    init_list, apply_list = rm.functional(TINY, layout="list")
    listed, stacked = jit(init_list)(jax.random.key(0)), leaf_paths(params)
    for path, leaf in leaf_paths(listed).items():
        head, _, rest = path.partition("backbone/layers/")
        if rest:
            index, _, name = rest.partition("/")
            want = stacked[f"backbone/layers/{name}"][int(index)]
        else:
            want = stacked[head]
        np.testing.assert_array_equal(leaf, want, err_msg=path)
    mask = np.array([[True] * 11, [False] * 3 + [True] * 8, [True] * 4 + [False] * 7])
    got, want = (jit(a)(p, ids, mask=mask) for a, p in ((apply_list, listed), (apply, params)))
    assert oracles.error(got, want) < 8e-7


def test_outputs(params: Any, ids: jax.Array) -> None:
    """Logits are the hidden states times the embedding, and 0 at padding."""
    mask = np.arange(LENGTH) < np.array([11, 5, 0])[:, None]
    hidden, logits = (
        jit(partial(apply, output=output))(params, ids, mask=mask)
        for output in ("hidden", "logits")
    )
    assert hidden.shape == (BATCH, LENGTH, TINY.d_model)
    head = np.asarray(params["backbone"]["embeddings"]["weight"], np.float64)
    assert oracles.error(logits, np.asarray(hidden, np.float64) @ head.T) < 8e-7
    assert not logits[~mask].any()
    assert logits[mask].any(axis=-1).all()


def formula(config: MambaConfig) -> int:
    """Parameters of a Mamba with tied embeddings, counted from its figure."""
    D, I, N, R, K = config.d_model, config.d_inner, config.d_state, config.rank, config.d_conv
    block = D + 2 * I * D + I * K + I + (R + 2 * N) * I + I * R + I + I * N + I + D * I
    return config.vocab_size * D + config.n_layer * block + D


@pytest.mark.parametrize("name", PRESETS)
def test_abstract_init_is_instant_and_counts(name: str) -> None:
    """Even of 2.8b, whose parameters would take 11 GB: shapes are made, no numbers."""
    process, key = psutil.Process(), jax.random.key(0)
    before = process.memory_info().rss
    with nothing_is_computed():
        shapes = jax.eval_shape(rm.functional(rm.preset(name))[0], key)
    assert process.memory_info().rss - before < 200 * 2**20
    count = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))
    known = {"130m": 129_135_360, "2.8b": 2_768_345_600}
    assert count == count_params(shapes) == formula(PRESETS[name]) == known.get(name, count)


def without(params: Any, path: str) -> Any:
    """A copy of the tree that lacks one leaf."""
    name, _, rest = path.partition("/")
    kept = {key: value for key, value in params.items() if key != name}
    return {**kept, name: without(params[name], rest)} if rest else kept


def test_parameters_that_do_not_fit_are_named(params: Any, ids: jax.Array) -> None:
    """Missing, unknown with near names, and of another shape; inside jit too."""
    path = "backbone/layers/mixer/A_log"
    weight = params["backbone"]["norm_f"]["weight"]
    misspelt = {**params, "backbone": {**params["backbone"], "norm_ff": {"weight": weight}}}
    other = jax.eval_shape(rm.functional(TINY.replace(d_state=7))[0], jax.random.key(0))
    cases = (
        (without(params, path), f"{path} is missing", "missing_parameter"),
        (misspelt, "did you mean backbone/norm_f/weight", "unknown_parameter"),
        (other, f"{path} has shape [3, 96, 7], not [3, 96, 8]", "shape_mismatch"),
    )
    for wrong, words, kind in cases:
        with pytest.raises(InputError) as caught:
            jax.eval_shape(apply, wrong, ids)
        assert words in str(caught.value)
        assert caught.value.kind == kind
        assert "\n" not in str(caught.value)


MISTAKES = {
    "images": (lambda p, i: apply(p, i, jnp.ones((3, 8, 8, 3))), "reads text only"),
    "pose": (lambda p, i: apply(p, i, output="pose"), "this model has no policy head"),
    "output": (lambda p, i: apply(p, i, output="logit"), "did you mean logits?"),
    "mask": (
        lambda p, i: apply(p, i, mask=i[:, 1:] > 0),
        "mask has shape [3, 10], not [B=3, T=11]",
    ),
    "ids": (lambda p, i: apply(p, i.astype(jnp.float32)), "input_ids is float32"),
    "segments": (lambda p, i: apply(p, i, segment_ids=i[0]), "segment_ids has shape [11], not [B"),
    "layout": (lambda p, i: rm.functional(TINY, layout="stack"), "did you mean stacked?"),
    "preset": (lambda p, i: rm.preset("130mb"), "unknown preset '130mb' (did you mean 130m"),
    "far preset": (
        lambda p, i: rm.preset("huge"),
        f"choose one of {', '.join(PRESETS)}",
    ),
    "field": (lambda p, i: rm.preset("tiny", n_layers=2), "did you mean n_layer?"),
    "dtype": (lambda p, i: rm.preset("tiny", dtype="bf16"), "unknown dtype 'bf16'"),
    "size": (
        lambda p, i: rm.preset("tiny", d_state=0),
        "d_state is 0 (give a whole number above 0)",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_wrong_input_is_named_in_one_line(mistake: str, params: Any, ids: jax.Array) -> None:
    """What is wrong and what to do, and nothing else."""
    call, words = MISTAKES[mistake]
    with pytest.raises(InputError) as caught:
        call(params, ids)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
