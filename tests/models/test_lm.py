# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The language model: padding and packing cannot be seen, the cache continues, remat is free.

Beside each bound stands the error measured on an AMD EPYC (Zen 3), of the reference's scale.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given
from hypothesis import strategies as st

import robomamba_jax as rm
from robomamba_jax.losses import linear_cross_entropy, next_token_targets
from robomamba_jax.models.params import Params, abstract_params, leaf_paths
from tests.compiling import users_jit
from tests.weights import of_scale, random_params

CONFIG = rm.MambaConfig(d_model=40, n_layer=2, vocab_size=37, d_state=4, dt_rank=3)
LAYOUTS = ("list", "stacked")


params_of = cache(partial(random_params, CONFIG))


def model_of(layout: str) -> Any:
    """The module with these parameters."""
    return nnx.merge(abstract_params(CONFIG, layout)[0], params_of(layout))


@cache
def forward(layout: str) -> Any:
    """``f(ids, mask, segment_ids) -> logits``; "list" is compiled as users compile it."""
    params, (_, apply) = params_of(layout), rm.functional(CONFIG, layout=layout)
    compiled = (users_jit if layout == "list" else jax.jit)(
        lambda params, ids, mask, seg: apply(params, ids, mask=mask, segment_ids=seg)
    )

    def call(ids: Any, mask: Any = None, segment_ids: Any = None) -> np.ndarray:
        given = (None if x is None else jnp.asarray(x) for x in (ids, mask, segment_ids))
        return np.asarray(compiled(params, *given))

    return call


def text(seed: int, length: int) -> np.ndarray:
    """Random token ids."""
    return np.random.default_rng(seed).integers(0, CONFIG.vocab_size, length)


def spread(rows: list[np.ndarray], places: list[np.ndarray], length: int) -> tuple[Any, Any]:
    """ids and mask [B, T] with row i's tokens at the ascending positions ``places[i]``."""
    ids, mask = np.zeros((len(rows), length), np.int32), np.zeros((len(rows), length), bool)
    for row, (tokens, at) in enumerate(zip(rows, places, strict=True)):
        ids[row, at], mask[row, at] = tokens, True
    return ids, mask


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_pad_ids_change_no_bit(layout: str) -> None:
    """Padding left, right and inside, with any id below it, even ids that do not exist."""
    rng = np.random.default_rng(0)
    mask = rng.random((3, 24)) < 0.6
    mask[0], mask[1] = np.arange(24) >= 8, np.arange(24) < 13
    ids = rng.integers(0, CONFIG.vocab_size, mask.shape)
    segments = np.cumsum(rng.random(mask.shape) < 0.2, axis=1)
    runs = []
    for fill in (0, 36, 10**6, -1, -(10**6)):
        padded = np.where(mask, ids, fill)
        plain = forward(layout)(padded, mask)
        packed = forward(layout)(padded, mask, np.where(mask, segments, fill))
        runs.append((plain[mask], packed[mask]))
        assert not plain[~mask].any(), "logits at padding are 0"
    for plain, packed in runs[1:]:
        assert np.array_equal(plain, runs[0][0])
        assert np.array_equal(packed, runs[0][1])
    assert not np.array_equal(runs[0][0], runs[0][1]), "the segments had no effect"


@cache
def alone(layout: str, seed: int, length: int) -> np.ndarray:
    """A text's logits, unpadded in a batch of its own."""
    return forward(layout)(text(seed, length)[None])[0]


PLACES = st.sets(st.integers(0, 23), min_size=11, max_size=11).map(sorted)


@given(places=st.tuples(PLACES, PLACES, PLACES))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_padding_anywhere(layout: str, places: tuple[list[int], ...]) -> None:
    """11 tokens at any places of 24 compute what they compute alone. Measured: 0."""
    ids, mask = spread([text(1, 11)] * 3, [np.array(row) for row in places], 24)
    logits = forward(layout)(ids, mask)[mask].reshape(3, 11, -1)
    for row in logits:
        assert of_scale(row, alone(layout, 1, 11)) <= 9e-7


@pytest.mark.parametrize("batch", range(1, 9))
def test_batch_and_amount(batch: int) -> None:
    """Row 0 computes the same beside 0 to 7 others and under ever more padding.

    Measured: 1.8e-7.
    """
    length = 9 + 2 * batch
    rows = [text(1, 11), *(text(seed, 3 + seed) for seed in range(2, batch + 1))]
    places = [np.arange(len(row)) + (length - len(row)) * (i % 2) for i, row in enumerate(rows)]
    ids, mask = spread(rows, places, length)
    params, (_, apply) = params_of("stacked"), rm.functional(CONFIG)
    logits = np.asarray(jax.jit(apply)(params, jnp.asarray(ids), mask=jnp.asarray(mask)))
    error = of_scale(logits[0][mask[0]], alone("stacked", 1, 11))
    assert error <= 9e-7


TEXTS = [text(seed, length) for seed, length in ((1, 7), (2, 12), (3, 5), (4, 9), (5, 1))]


def packed_texts() -> tuple[jax.Array, jax.Array, jax.Array]:
    """TEXTS in two rows, ids, mask and segment ids; padding between texts and inside them.

    The ids of neighbours differ but come back (0, 1, 0), and are others in the second row.
    """
    real = np.delete(np.arange(27), (3, 8, 26))
    rows = [np.concatenate(TEXTS[:3]), np.concatenate(TEXTS[3:])]
    ids, mask = spread(rows, [real, np.arange(17, 27)], 27)
    segments = np.full((2, 27), 9, np.int32)
    segments[0, real] = np.repeat([0, 1, 0], (7, 12, 5))
    segments[1, 17:] = np.repeat([4, 2], (9, 1))
    return jnp.asarray(ids), jnp.asarray(mask), jnp.asarray(segments)


class Step(NamedTuple):
    """One loss with its gradients, and the memory that they took."""

    loss: float
    count: float
    gradients: dict[str, jax.Array]
    memory: int


@cache
def compiled_step(remat: str, packed: bool) -> Any:
    """The summed loss, the number of targets, and gradients, for the shapes of TEXTS."""
    _, apply = rm.functional(CONFIG.replace(remat=remat))

    def loss(params: Params, ids: jax.Array, mask: Any, segment_ids: Any) -> Any:
        hidden = apply(params, ids, mask=mask, segment_ids=segment_ids, output="hidden")
        labels, weights = next_token_targets(ids, mask, segment_ids)
        head = params["backbone"]["embeddings"]["weight"]
        return linear_cross_entropy(hidden, head, labels, weights, chunk=8), weights.sum()

    shape = (2, 27) if packed else (5, 12)
    ids, mask = jnp.zeros(shape, jnp.int32), jnp.ones(shape, bool)
    step = jax.jit(jax.value_and_grad(loss, has_aux=True))
    return step.lower(params_of("stacked"), ids, mask, ids if packed else None).compile()


def train(remat: str, ids: Any, mask: Any, segment_ids: Any = None) -> Step:
    """Loss and gradients by path, on stacked layers."""
    step = compiled_step(remat, segment_ids is not None)
    (loss, count), gradients = step(params_of("stacked"), ids, mask, segment_ids)
    memory = step.memory_analysis().temp_size_in_bytes
    return Step(float(loss), float(count), leaf_paths(gradients), memory)


def worst(ours: Step, reference: Step) -> tuple[float, str]:
    """The loss or the parameter that is furthest off, of its own scale."""
    assert ours.gradients.keys() == reference.gradients.keys()
    errors = {path: of_scale(ours.gradients[path], v) for path, v in reference.gradients.items()}
    errors["loss"] = abs(ours.loss - reference.loss) / reference.loss
    return max((error, path) for path, error in errors.items())


@pytest.mark.slow
def test_packed_equals_unpacked() -> None:
    """Texts packed in two rows, and one text per row: loss and gradients.

    Measured: 2.0e-7 (A_log).
    """
    ids, mask = spread(TEXTS, [np.arange(len(row)) for row in TEXTS], 12)
    reference = train("none", jnp.asarray(ids), jnp.asarray(mask))
    assert reference.count == 6 + 11 + 4 + 8
    ids, mask, segments = packed_texts()
    packed = train("none", ids, mask, segments)
    assert packed.count == reference.count
    error, path = worst(packed, reference)
    assert error <= 1e-6, path
    leaky = train("none", ids, mask, jnp.zeros_like(segments))
    assert abs(leaky.loss - reference.loss) / reference.loss > 1e-2, "segments had no effect"


@pytest.mark.slow
def test_remat_changes_memory_only() -> None:
    """Loss and gradients of packed rows; "block" keeps least, "none" most.

    Measured: 4.3e-7 (conv1d.weight).
    """
    given = packed_texts()
    steps = {remat: train(remat, *given) for remat in ("none", "dots", "block")}
    for remat in ("dots", "block"):
        error, path = worst(steps[remat], steps["none"])
        assert error <= 2e-6, path
    assert steps["block"].memory < steps["dots"].memory < steps["none"].memory


@cache
def prefill(layout: str) -> Any:
    """``f(ids, mask, cache) -> (logits, cache)``; an empty cache by default."""
    model = model_of(layout)
    compiled = jax.jit(lambda *given: model.prefill(*given))

    def call(ids: Any, mask: Any, state: Any = None) -> Any:
        state = model.init_cache(len(ids)) if state is None else state
        return compiled(jnp.asarray(ids), jnp.asarray(mask), state)

    return call


@pytest.mark.parametrize("layout", LAYOUTS)
def test_prefill_and_steps_equal_the_forward_pass(layout: str) -> None:
    """Two padded prefills and three steps, rows of other lengths each time; one row skips the
    second prefill and keeps its cache. Measured: logits 2.5e-7, cache 3.6e-7.
    """
    step = jax.jit(lambda *given: model_of(layout).step(*given))
    tokens = np.stack([text(seed, 24) for seed in range(3)])
    first, second = (5, 12, 1), (9, 0, 7)
    full = forward(layout)(tokens)
    ids, mask = spread(
        [row[:n] for row, n in zip(tokens, first, strict=True)],
        [np.arange(19, 24), np.arange(12), np.array([4])],
        24,
    )
    logits, state = prefill(layout)(ids, mask)
    errors = [of_scale(logits[row], full[row, n - 1]) for row, n in enumerate(first)]
    ids, mask = spread(
        [row[n : n + m] for row, n, m in zip(tokens, first, second, strict=True)],
        [np.array([0, 1, 3, 4, 5, 8, 9, 20, 23]), np.arange(0), np.arange(7)],
        24,
    )
    before, (logits, state) = state, prefill(layout)(ids, mask, state)
    kept = [np.array_equal(x, y) for x, y in zip(row_of(before, 1), row_of(state, 1), strict=True)]
    assert all(kept), "a row without new tokens keeps its cache"
    count = np.add(first, second)
    errors += [of_scale(logits[row], full[row, count[row] - 1]) for row in (0, 2)]
    for _ in range(3):
        logits, state = step(jnp.asarray(tokens[range(3), count]), state)
        count = count + 1
        errors += [of_scale(logits[row], full[row, n - 1]) for row, n in enumerate(count)]
    assert max(errors) <= 1e-6, errors
    ids, mask = spread(
        [row[:n] for row, n in zip(tokens, count, strict=True)], [np.arange(n) for n in count], 24
    )
    _, whole = prefill(layout)(ids, mask)
    errors = [of_scale(x, y) for x, y in zip(row_of(state), row_of(whole), strict=True)]
    assert max(errors) <= 1.5e-6, errors


def row_of(state: Any, row: int | None = None) -> list[np.ndarray]:
    """Every array of a cache, or one row of each; the batch is the axis before the last two."""
    arrays = [np.asarray(array) for array in jax.tree.leaves(state)]
    return arrays if row is None else [array[..., row, :, :] for array in arrays]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_prefill_sees_no_pad_ids(layout: str) -> None:
    """The logits and the cache of a padded prefill, bit for bit."""
    place = np.arange(24)
    mask = np.array([place > 4, place < 9, place % 3 > 0])
    runs = [
        jax.tree.leaves(prefill(layout)(np.where(mask, 5, fill), mask)) for fill in (0, 7, 10**6)
    ]
    for other in runs[1:]:
        assert all(np.array_equal(x, y) for x, y in zip(runs[0], other, strict=True))
    assert all(np.isfinite(array).all() for array in runs[0])


def test_a_window_of_one_position_decodes() -> None:
    """Its cache is empty, and stays so. Measured: 1.5e-7."""
    config = CONFIG.replace(d_conv=1, n_layer=1)
    params = random_params(config, "list")
    model: Any = nnx.merge(abstract_params(config, "list")[0], params)
    tokens = jnp.asarray(text(8, 7))[None]
    full, (_, state) = jax.jit(lambda ids: (model(ids), model.prefill(ids[:, :5])))(tokens)
    step = jax.jit(lambda *given: model.step(*given))
    for place in (5, 6):
        logits, state = step(tokens[:, place], state)
        assert of_scale(logits, full[:, place]) <= 1e-6
        assert state[0].conv_state.shape == (1, 0, config.d_inner)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("outside", [37, 10**6, -1, -37, -200])
def test_an_id_outside_the_vocabulary_is_nan(layout: str, outside: int) -> None:
    """Inside jit nothing can be raised, and no other token's row may stand in."""
    ids = text(3, 11)[None]
    ids[0, 2] = outside
    logits = forward(layout)(ids)[0]
    assert np.isfinite(logits[:2]).all()
    assert np.isnan(logits[2:]).all()


IDS = jnp.zeros((2, 5), jnp.int32)
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "mask shape": ({"mask": jnp.ones((2, 4), bool)}, "mask has shape [2, 4]"),
    "mask rank": ({"mask": jnp.ones((5,), bool)}, "mask has shape [5]"),
    "segments": ({"segment_ids": jnp.zeros((3, 5), jnp.int32)}, "segment_ids has shape [3, 5]"),
    "float ids": ({"input_ids": jnp.zeros((2, 5))}, "input_ids is float32"),
    "one row": ({"input_ids": jnp.zeros((5,), jnp.int32)}, "input_ids has shape [5]"),
    "output": ({"output": "logit"}, "unknown output 'logit'"),
    "images": ({"images": jnp.zeros((2, 4, 4, 3))}, "reads text only"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_line(name: str) -> None:
    """The message names the argument; nothing was compiled."""
    changed, message = WRONG[name]
    _, apply = rm.functional(CONFIG)
    arguments = {"input_ids": IDS, **changed}
    with pytest.raises(rm.InputError) as caught:
        jax.eval_shape(partial(apply, **arguments), abstract_params(CONFIG, "stacked")[1])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_parameters_are_one_line() -> None:
    """A tree of the other layout, one with a wrong shape, one too many and one too few."""
    _, apply = rm.functional(CONFIG)
    good = abstract_params(CONFIG, "stacked")[1]
    wider = abstract_params(CONFIG.replace(vocab_size=38), "stacked")[1]
    fewer = {"backbone": {k: v for k, v in good["backbone"].items() if k != "norm_f"}}
    more = {**good, "lm_head": {"weight": good["backbone"]["embeddings"]["weight"]}}
    for params, message in (
        (abstract_params(CONFIG, "list")[1], "unknown parameter"),
        (wider, "backbone/embeddings/weight has shape [38, 40], not [37, 40]"),
        (fewer, "backbone/norm_f/weight is missing"),
        (more, "unknown parameter 'lm_head/weight'"),
    ):
        with pytest.raises(rm.InputError) as caught:
            jax.eval_shape(apply, params, IDS)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


def test_unknown_names_are_one_line() -> None:
    """Layouts and presets, with what was meant."""
    with pytest.raises(rm.InputError) as caught:
        rm.functional(CONFIG, layout="lists")
    assert str(caught.value) == "unknown layout 'lists' (did you mean list?)"
    with pytest.raises(rm.InputError) as caught:
        rm.preset("13m")
    assert str(caught.value) == "unknown preset '13m' (did you mean 130m or 370m?)"
