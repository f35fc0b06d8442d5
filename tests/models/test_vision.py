# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Vision towers and projector without torch: sizes, counts, layout, dtypes, wrong input."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from robomamba_jax.config import vision as vision_config
from robomamba_jax.config.vision import VISION_PRESETS, VisionConfig, vision_preset
from robomamba_jax.errors import InputError
from robomamba_jax.models.params import count_params, leaf_paths
from robomamba_jax.models.projector import Projector
from robomamba_jax.models.vision import VisionTower
from robomamba_jax.ops import activations
from tests.counting import nothing_is_computed
from tests.oracles import error

TINY = vision_preset("tiny")
# A tower with every switch the other way.
OTHER = TINY.replace(
    activation="gelu_tanh", cls_token=False, pre_norm=False, patch_bias=True, layer_scale=True
)


def tower(config: VisionConfig) -> VisionTower:
    """Random weights, no parameter at its start (zeros and ones would hide mistakes)."""
    draw = np.random.default_rng(0)
    graph, state = nnx.split(nnx.eval_shape(lambda: VisionTower(config, rngs=nnx.Rngs(0))))
    params = nnx.to_pure_dict(state)
    for path, leaf in leaf_paths(params).items():
        *parents, last = path.split("/")
        node = params
        for name in parents:
            node = node[name]
        value = draw.standard_normal(leaf.shape) / math.sqrt(math.prod(leaf.shape[2:]) or 1)
        if last == "lambda1" or ("norm" in path and last == "weight"):
            value = 1 + 0.2 * value
        node[last] = jnp.asarray(value, leaf.dtype)
    return nnx.merge(graph, params)


def jit(function: Any) -> Any:
    """Of modules too, which jax itself would take for arguments."""
    return jax.jit(lambda *given: function(*given))


def draw_images(config: VisionConfig, batch: int = 2) -> jax.Array:
    """float32[B, S, S, 3]."""
    size = config.image_size
    draw = np.random.default_rng(1)
    return jnp.asarray(draw.standard_normal((batch, size, size, 3)), jnp.float32)


def shapes(config: VisionConfig) -> dict[str, Any]:
    """The tower's parameters as shapes; nothing is allocated."""
    model = nnx.eval_shape(lambda: VisionTower(config, rngs=nnx.Rngs(0)))
    return nnx.to_pure_dict(nnx.state(model))


@pytest.mark.parametrize("name", VISION_PRESETS)
def test_presets_build_abstractly(name: str) -> None:
    """Without computing anything, with as many patches as the image has."""
    config = vision_preset(name)
    images = jax.ShapeDtypeStruct((2, config.image_size, config.image_size, 3), jnp.float32)
    with nothing_is_computed():
        params = shapes(config)
        features = nnx.eval_shape(lambda x: VisionTower(config, rngs=nnx.Rngs(0))(x), images)
    assert features.shape == (2, config.num_patches, config.width)
    assert config.num_patches == (config.image_size // config.patch_size) ** 2
    layers = params["encoder"]["layers"]
    assert {leaf.shape[0] for leaf in jax.tree.leaves(layers)} == {config.built_layers}


def block_count(config: VisionConfig) -> int:
    """Parameters of one block: two norms, four projections, two layers, perhaps two scales."""
    d, m = config.width, config.mlp_dim
    return 2 * 2 * d + 4 * (d * d + d) + (d * m + m) + (m * d + d) + 2 * d * config.layer_scale


# The whole published towers, by instantiation (transformers 5.23 for DINOv2, timm 1.0.31 else).
PUBLISHED = {
    "clip-l14-224": 303_179_776,
    "clip-l14-336": 303_507_456,
    "siglip-l16-256": 315_956_224,
    "siglip-l16-384": 316_283_904,
    "dinov2-s14-224": 22_056_576,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_the_published_less_what_is_never_built(name: str) -> None:
    """Less the last block, the final norm, SigLIP's pooling head, DINOv2's mask and finer table."""
    config = vision_preset(name)
    d, never = config.width, block_count(config) + 2 * config.width
    if name.startswith("siglip"):
        # A probe, attention (q, joint kv, out), a norm and an MLP.
        head = d + 4 * (d * d + d) + 2 * d + 2 * d * config.mlp_dim + config.mlp_dim + d
        assert head == 12_595_200
        never += head
    if name.startswith("dinov2"):
        never += d + (37 * 37 - config.num_patches) * d
    assert count_params(shapes(config)) == PUBLISHED[name] - never


def test_a_block_of_l14() -> None:
    """The arithmetic above in figures: 290,581,504 = 303,179,776 - 12,596,224 - 2,048."""
    assert block_count(vision_preset("clip-l14-224")) == 12_596_224
    assert count_params(shapes(vision_preset("clip-l14-224"))) == 290_581_504


def test_names_are_transformers_clips() -> None:
    """Paths are keys with slashes; weights lie as torch's."""
    found = {path: leaf.shape for path, leaf in leaf_paths(shapes(TINY)).items()}
    width, inner, layers = TINY.width, TINY.mlp_dim, TINY.built_layers
    assert found["embeddings/patch_embedding/weight"] == (width, 3, 5, 5)
    assert found["embeddings/class_embedding"] == (width,)
    assert found["embeddings/position_embedding/weight"] == (10, width)
    assert found["pre_layrnorm/bias"] == (width,)
    assert found["encoder/layers/mlp/fc1/weight"] == (layers, inner, width)
    assert found["encoder/layers/self_attn/out_proj/bias"] == (layers, width)
    assert not any("lambda1" in path or "patch_embedding/bias" in path for path in found)
    other = set(leaf_paths(shapes(OTHER))) ^ set(found)
    assert other == {
        "embeddings/class_embedding",
        "embeddings/patch_embedding/bias",
        "encoder/layers/layer_scale1/lambda1",
        "encoder/layers/layer_scale2/lambda1",
        "pre_layrnorm/weight",
        "pre_layrnorm/bias",
    }


@pytest.mark.parametrize("config", [TINY, OTHER], ids=["tiny", "other"])
def test_rows_do_not_meet(config: VisionConfig) -> None:
    """Each image gives what it gives alone."""
    model, images = tower(config), draw_images(config, 3)
    run = jit(model)
    together = run(images)
    for index in range(3):
        assert error(run(images[index : index + 1])[0], together[index]) <= 1e-6


def test_patches_stand_row_by_row() -> None:
    """A change inside one patch moves that patch's embedding alone, rows first."""
    model, images = tower(OTHER), draw_images(OTHER, 1)
    before = model.embeddings(images)
    for row, column in ((0, 2), (2, 1)):
        changed = images.at[0, 5 * row + 4, 5 * column, 1].add(1.0)
        moved = np.flatnonzero(np.abs(model.embeddings(changed) - before).max((0, 2)))
        assert moved.tolist() == [3 * row + column]


def test_a_convolution_cuts_the_same_patches() -> None:
    """The patch embedding beside jax's own strided convolution."""
    patch = tower(OTHER).embeddings.patch_embedding
    images = draw_images(OTHER)
    conv = jax.lax.conv_general_dilated(
        images, patch.weight[...], (5, 5), "VALID", dimension_numbers=("NHWC", "OIHW", "NHWC")
    )
    assert patch.bias is not None
    want = conv.reshape(2, 9, -1) + patch.bias[...]
    assert error(patch(images), want) <= 1e-6


@pytest.mark.slow
def test_remat_changes_no_gradient() -> None:
    """The backward pass with "block" computes the same numbers, some of them twice."""
    images = draw_images(TINY)

    def loss(state: Any, graph: Any) -> jax.Array:
        return jnp.sum(jnp.square(nnx.merge(graph, state)(images)))

    gradients, programs = [], []
    for remat in ("none", "block"):
        graph, state = nnx.split(tower(TINY.replace(remat=remat)))
        gradient = jax.grad(partial(loss, graph=graph))
        programs.append(str(jax.make_jaxpr(gradient)(state)))
        gradients.append(jax.tree.leaves(jit(gradient)(state)))
    assert ["remat" in program or "checkpoint" in program for program in programs] == [False, True]
    # The key's bias adds one number to all scores of a query: its gradient is rounding alone.
    scale = max(float(jnp.abs(leaf).max()) for leaf in gradients[0])
    for plain, recomputed in zip(*gradients, strict=True):
        assert float(jnp.abs(plain - recomputed).max()) <= 1e-6 * scale


def test_bfloat16_keeps_float32_where_it_matters() -> None:
    """Norms and scales stay float32, matrices follow, and the result is near float32's."""
    config = OTHER.replace(dtype="bfloat16", param_dtype="bfloat16")
    for path, leaf in leaf_paths(shapes(config)).items():
        kept = "norm" in path or "lambda1" in path
        assert leaf.dtype == (jnp.float32 if kept else jnp.bfloat16), path
    images = draw_images(OTHER)
    features = jit(tower(config))(images)
    assert features.dtype == jnp.bfloat16
    half = tower(config)
    stream = jax.eval_shape(lambda x: half.encoder(half.embeddings(x)), images)
    assert stream.dtype == jnp.float32
    assert error(features.astype(jnp.float32), jit(tower(OTHER))(images)) <= 0.03


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 16, 15, 3), np.float32), "[2, 16, 15, 3], not [B, 15, 15, 3]"),
        (np.zeros((2, 15, 15, 4), np.float32), "not [B, 15, 15, 3]"),
        (np.zeros((2, 3, 15, 15), np.float32), "channels stand last"),
        (np.zeros((15, 15, 3), np.float32), "[15, 15, 3], not [B"),
        (np.zeros((1, 15, 15, 3), np.uint8), "images is uint8"),
    ],
)
def test_wrong_images_are_named_in_one_line(images: np.ndarray, words: str) -> None:
    """Size, channels, order, rank and kind."""
    model = VisionTower(TINY, rngs=nnx.Rngs(0))
    with pytest.raises(InputError) as caught:
        model(jnp.asarray(images))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"heads": 5}, "width 36 is no multiple of heads 5"),
        ({"image_size": 16}, "image_size 16 is no multiple of patch_size 5"),
        ({"activation": "gelu"}, "unknown activation 'gelu'"),
        ({"feature_layer": 4}, "feature_layer 4 is none of 3 blocks"),
        ({"feature_layer": 0}, "give 1 to 3, or -3 to -1"),
        ({"feature_layer": -4}, "feature_layer -4"),
        ({"norm_eps": 0.0}, "norm_eps is 0.0"),
        ({"depth": 0}, "depth is 0"),
        ({"remat": "dots"}, "unknown remat 'dots'"),
        ({"dtype": "int8"}, "unknown dtype 'int8'"),
        ({"layers": 2}, "unknown VisionConfig field 'layers'"),
    ],
)
def test_wrong_configs_are_named_in_one_line(changes: dict[str, Any], words: str) -> None:
    """Every check of the configuration."""
    with pytest.raises(InputError, match=r"\(.+\)$") as caught:
        vision_preset("tiny", **changes)
    assert words in str(caught.value)
    with pytest.raises(InputError, match="clip-l14-224"):
        vision_preset("clip-l14-244")


def test_activations_are_three_different_functions() -> None:
    """Against math.erf and friends in float64, on both tails; names agree with the config's."""
    assert tuple(activations.ACTIVATIONS) == vision_config.ACTIVATIONS
    x = np.linspace(-12, 12, 2001)
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    want = {
        "quick_gelu": x / (1 + np.exp(-1.702 * x)),
        "gelu_erf": 0.5 * x * np.array([math.erfc(-v / math.sqrt(2)) for v in x]),
        "gelu_tanh": 0.5 * x * (1 + np.tanh(inner)),
    }
    for name, function in activations.ACTIVATIONS.items():
        got = np.asarray(function(jnp.asarray(x, jnp.float32)))
        assert error(got, want[name]) <= 2e-7, name
        assert function(jnp.ones(2, jnp.bfloat16)).dtype == jnp.bfloat16
    # 1.5: the figures by which the three are told apart in float32.
    at = {name: float(f(jnp.float32(1.5))) for name, f in activations.ACTIVATIONS.items()}
    assert at["gelu_erf"] == pytest.approx(1.399789, abs=2e-6)
    assert at["gelu_tanh"] == pytest.approx(1.399572, abs=2e-6)
    assert at["quick_gelu"] == pytest.approx(1.391664, abs=2e-5)
    # Where 1 + erf rounds to 0, erfc does not.
    assert float(activations.gelu_erf(jnp.float32(-7.0))) == pytest.approx(-8.958e-12, rel=1e-3)


def test_projector_is_the_published_one() -> None:
    """Names, the article's size at L/14 and 2.8B, and the function itself in float64."""
    model = nnx.eval_shape(lambda: Projector(1024, 2560, rngs=nnx.Rngs(0)))
    params = nnx.to_pure_dict(nnx.state(model))
    assert count_params(params) == 21_242_880
    assert {path: leaf.shape for path, leaf in leaf_paths(params).items()} == {
        "fc1/weight": (4096, 1024),
        "fc1/bias": (4096,),
        "fc2/weight": (2560, 4096),
        "fc2/bias": (2560,),
        "fc3/weight": (2560, 2560),
        "fc3/bias": (2560,),
    }
    small = Projector(6, 10, rngs=nnx.Rngs(0))
    x = want = np.random.default_rng(0).standard_normal((2, 3, 6))
    for layer in (small.fc1, small.fc2, small.fc3):
        assert layer.bias is not None
        weight = np.asarray(layer.weight[...], np.float64)
        want = want @ weight.T + np.asarray(layer.bias[...], np.float64)
        if layer is not small.fc3:
            want = want * 0.5 * np.vectorize(math.erfc)(-want / math.sqrt(2))
    assert error(small(jnp.asarray(x, jnp.float32)), want) <= 1e-6
    half = Projector(6, 10, rngs=nnx.Rngs(0), dtype="bfloat16", param_dtype="bfloat16")
    assert half(jnp.asarray(x, jnp.float32)).dtype == half.fc2.weight.dtype == jnp.bfloat16
