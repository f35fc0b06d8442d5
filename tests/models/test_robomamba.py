# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The joint sequence: images before, between and without text, alone and in one batch."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from robomamba_jax.config import (
    PRESETS,
    VISION_PRESETS,
    MambaConfig,
    PolicyConfig,
    RoboMambaConfig,
    model_preset,
)
from robomamba_jax.config.policy import POLICY_KINDS
from robomamba_jax.errors import InputError
from robomamba_jax.models.functional import functional
from robomamba_jax.models.inputs import ModelInputs
from robomamba_jax.models.mamba import SequenceInfo
from robomamba_jax.models.params import abstract_params, count_params
from tests.counting import nothing_is_computed

CONFIG = model_preset("tiny")
LENGTH, IMAGES = 9, 2
# Measured here: 4e-7; the issue asks for 1e-6.
SAME = 1e-6


@pytest.fixture(scope="module")
def model() -> Any:
    """A whole tiny model with random weights."""
    graph, _ = abstract_params(CONFIG, "list")
    init, _ = functional(CONFIG, layout="list")
    return nnx.merge(graph, jax.jit(init)(jax.random.key(0)))


@jax.jit
def _everything(model: Any, inputs: dict[str, jax.Array]) -> tuple[Any, Any, Any]:
    """Logits, pose and prefill of one batch, compiled together."""
    given = ModelInputs(**inputs)
    return model(**inputs), model.pose(given), model.prefill(given)


def _logits(model: Any, *args: Any, **kwargs: Any) -> jax.Array:
    names = ("input_ids", "images", "mask", "image_positions")
    inputs = {**dict(zip(names, args, strict=False)), **kwargs}
    return _everything(model, inputs)[0]


@pytest.fixture(scope="module")
def batch() -> dict[str, jax.Array]:
    """Rows with images in front, between, after and absent; one text is short."""
    keys = jax.random.split(jax.random.key(1), 2)
    assert CONFIG.vision is not None
    size = CONFIG.vision.image_size
    lengths = jnp.array([9, 9, 6, 9, 9, 1])
    return {
        "input_ids": jax.random.randint(keys[0], (6, LENGTH), 0, CONFIG.llm.vocab_size),
        "images": jax.random.normal(keys[1], (6, IMAGES, size, size, 3)),
        "mask": jnp.arange(LENGTH) < lengths[:, None],
        "image_positions": jnp.array([[0, 0], [3, -1], [-1, -1], [2, 7], [-1, 9], [0, 1]]),
    }


def _close(got: jax.Array, want: jax.Array, bound: float = SAME) -> None:
    got, want = np.asarray(got), np.asarray(want)
    assert np.abs(got - want).max() <= bound * np.abs(want).max()


def _row(batch: dict[str, jax.Array], row: int) -> dict[str, Any]:
    """One row without its padding and without the images it does not have."""
    real = batch["mask"][row]
    there = np.asarray(batch["image_positions"][row]) >= 0
    alone: dict[str, Any] = {"input_ids": batch["input_ids"][row][real][None]}
    if there.any():
        alone["images"] = batch["images"][row][there][None]
        alone["image_positions"] = batch["image_positions"][row][there][None]
    return alone


@pytest.mark.slow
def test_mixed_batch_equals_single_rows(model: Any, batch: dict[str, jax.Array]) -> None:
    """Logits, last logits, cache and pose of every row are what the row gives alone."""
    logits, pose, (last, cache) = _everything(model, batch)
    for row in range(6):
        alone = _row(batch, row)
        count = alone["input_ids"].shape[1]
        one_logits, one_pose, (one_last, one_cache) = _everything(model, alone)
        _close(logits[row, :count], one_logits[0])
        assert not np.any(logits[row, count:])
        _close(last[row], one_last[0])
        for layer, one in zip(cache, one_cache, strict=True):
            _close(layer.ssm_state[row], one.ssm_state[0])
            _close(layer.conv_state[row], one.conv_state[0])
        _close(pose.contact[row], one_pose.contact[0])
        _close(pose.rotation6d[row], one_pose.rotation6d[0])


@pytest.mark.slow
def test_order_is_the_hand_built_sequence(model: Any, batch: dict[str, jax.Array]) -> None:
    """Image tokens stand where the positions say: the sequence put together by hand."""
    ids, images = batch["input_ids"][3], batch["images"][3]  # images before texts 2 and 7
    text, patches = model.llm.embed(ids), model.image_features(images[None])[0]
    by_hand = jnp.concatenate([text[:2], patches[0], text[2:7], patches[1], text[7:]])[None]
    x, _ = model.llm.backbone.run(by_hand, SequenceInfo())
    logits = model.llm.logits(model.llm.backbone.normed(x))[0]
    count = patches.shape[1]
    at = [0, 1, *range(2 + count, 7 + count), *range(7 + 2 * count, 9 + 2 * count)]
    _close(_logits(model, **batch)[3], logits[jnp.array(at)])


@pytest.mark.slow
def test_images_stand_first_by_default(model: Any, batch: dict[str, jax.Array]) -> None:
    """Without positions the images come before all text, as published, and [B, S, S, 3] is one."""
    ids, images = batch["input_ids"][:1], batch["images"][:1, 0]
    joint = model.join(ModelInputs(ids, images))
    assert CONFIG.vision is not None
    np.testing.assert_array_equal(
        joint.text_index[0], CONFIG.vision.num_patches + np.arange(LENGTH)
    )
    zero = jnp.zeros((1, 1), jnp.int32)
    by_default = _logits(model, ids, images)
    named = _logits(model, ids, images=images[:, None], image_positions=zero)
    np.testing.assert_array_equal(by_default, named)


@pytest.mark.slow
def test_two_images_at_one_place_keep_their_order(model: Any, batch: dict[str, jax.Array]) -> None:
    """Swapping two images that stand at one position changes the result."""
    ids, images = batch["input_ids"][:1], batch["images"][:1]
    swapped = _logits(model, ids, images[:, ::-1])
    assert np.abs(_logits(model, ids, images) - swapped).max() > 1e-3


@pytest.mark.slow
def test_absent_images_and_padding_are_invisible(model: Any, batch: dict[str, jax.Array]) -> None:
    """What stands in an absent image or at padding changes no bit."""
    there = batch["image_positions"] >= 0
    images = jnp.where(there[:, :, None, None, None], batch["images"], 7.0)
    ids = jnp.where(batch["mask"], batch["input_ids"], 5)
    changed = {**batch, "images": images, "input_ids": ids}
    for got, want in zip(
        jax.tree.leaves(_everything(model, changed)),
        jax.tree.leaves(_everything(model, batch)),
        strict=True,
    ):
        np.testing.assert_array_equal(got, want)


@pytest.mark.slow
def test_text_only_equals_the_language_model(model: Any, batch: dict[str, jax.Array]) -> None:
    """Without images the whole model is its language model."""
    ids, mask = batch["input_ids"], batch["mask"]
    language_model = jax.jit(lambda m: m.llm(ids, mask))(model)
    _close(_logits(model, ids, mask=mask), language_model)


@pytest.mark.slow
def test_official_pooling_reads_first_text_and_last(
    model: Any, batch: dict[str, jax.Array]
) -> None:
    """The head reads the mean of the states at position P (images first) and at the end."""
    ids, images = batch["input_ids"][:1], batch["images"][:1, 0]
    joint = model.join(ModelInputs(ids, images))
    x, _ = model.llm.backbone.run(joint.x, SequenceInfo())
    x = model.llm.backbone.normed(x)
    assert CONFIG.vision is not None
    pooled = (x[:, CONFIG.vision.num_patches] + x[:, -1]) / 2
    pose = _everything(model, {"input_ids": ids, "images": images})[1]
    _close(pose.contact, model.policy.action_head1(pooled))


@pytest.mark.slow
@pytest.mark.parametrize("kind", POLICY_KINDS)
def test_functional_pose(kind: str, batch: dict[str, jax.Array]) -> None:
    """apply(output="pose") works for every head, and its gradient stays in what it reads."""
    config = CONFIG.replace(policy=PolicyConfig(kind=kind, gripper=True))
    init, apply = functional(config)
    params = init(jax.random.key(0))
    call = jax.jit(lambda p: apply(p, **{k: v[:2] for k, v in batch.items()}, output="pose"))
    pose = call(params)
    assert pose.contact.shape == (2, 2)
    assert pose.rotation6d.shape == (2, 6)
    assert pose.gripper_logit.shape == (2,)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(pose))


@pytest.mark.parametrize("encoder", sorted(VISION_PRESETS))
@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_builds_abstractly(name: str, encoder: str) -> None:
    """Every size with every encoder: shapes alone, nothing is compiled or allocated."""
    key = jax.random.key(0)
    with nothing_is_computed():
        init, _ = functional(model_preset(name, vision=encoder))
        shapes = jax.eval_shape(init, key)
    assert count_params(shapes["llm"]) > 0
    assert {"vision", "projector", "llm", "policy"} == set(shapes)


def test_published_counts() -> None:
    """Projector and head of the 2.8b preset have the published numbers of parameters."""
    init, _ = functional(model_preset("2.8b"))
    shapes = jax.eval_shape(init, jax.random.key(0))
    assert count_params(shapes["projector"]) == 21_242_880
    assert count_params(shapes["policy"]) == 3_690_880
    assert count_params(shapes["llm"]) == 2_768_345_600


@pytest.mark.slow
def test_wrong_input(model: Any, batch: dict[str, jax.Array]) -> None:
    """Each mistake is named in one line."""
    ids, images = batch["input_ids"], batch["images"]
    with pytest.raises(InputError, match="image_positions has shape"):
        model(ids, images, image_positions=jnp.zeros((6, 3), jnp.int32))
    with pytest.raises(InputError, match="images has shape"):
        model(ids[:2], images)
    with pytest.raises(InputError, match="mask has shape"):
        model(ids, images, mask=jnp.ones((6, 3), bool))
    text_only = RoboMambaConfig(llm=CONFIG.llm)
    init, apply = functional(text_only)
    params = jax.jit(init)(jax.random.key(0))
    with pytest.raises(InputError, match="reads text only"):
        apply(params, ids, images)
    with pytest.raises(InputError, match="no policy head"):
        apply(params, ids, output="pose")
    with pytest.raises(InputError, match="segment_ids has shape"):
        apply(params, ids, segment_ids=ids[0])
    with pytest.raises(InputError, match="unknown vision encoder 'clip-l14-225'"):
        model_preset("tiny", vision="clip-l14-225")
    assert isinstance(CONFIG.llm, MambaConfig)
