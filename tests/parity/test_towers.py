# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Our vision towers beside transformers' and timm's on the same random weights, float32 on the CPU.

Beside each bound stands the error measured on an AMD EPYC with torch 2.13 and jax 0.10.2; all
errors are of the reference's scale.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

from robomamba_jax.config.vision import VisionConfig, vision_preset
from tests import torch_towers
from tests.oracles import error
from tests.torch_towers import hf_hidden, hf_tower, our_features, our_params, renamed, timm_tower

pytestmark = pytest.mark.torch

CLIP = vision_preset("tiny", depth=4)
SIGLIP = CLIP.replace(
    activation="gelu_tanh", norm_eps=1e-6, cls_token=False, pre_norm=False, patch_bias=True
)
DINOV2 = SIGLIP.replace(
    activation="gelu_erf", cls_token=True, layer_scale=True, mlp_dim=4 * CLIP.width
)
# One patch; patches of one pixel; one head per channel.
SHAPES = {
    "odd": {},
    "one patch": {"image_size": 7, "patch_size": 7, "width": 10, "heads": 5, "mlp_dim": 20},
    "pixels": {"image_size": 3, "patch_size": 1, "width": 3, "heads": 3, "mlp_dim": 6, "depth": 2},
}
KINDS = {"clip": CLIP, "siglip": SIGLIP, "dinov2": DINOV2}


class Case(NamedTuple):
    """One torch tower of transformers, and what it made of one batch."""

    config: VisionConfig
    model: Any
    images: np.ndarray
    hidden: list[np.ndarray]

    @property
    def features(self) -> np.ndarray:
        """The penultimate hidden state without the class token."""
        return self.hidden[-2][:, int(self.config.cls_token) :]

    @property
    def tensors(self) -> torch_towers.Tensors:
        """The weights by transformers' CLIP names."""
        return renamed(self.model.state_dict(), torch_towers.DINOV2_NAMES)


def draw_images(config: VisionConfig, batch: int) -> np.ndarray:
    """Normal numbers, as normalised images have."""
    shape = (batch, config.image_size, config.image_size, 3)
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


@cache
def make_case(kind: str, config: VisionConfig, batch: int = 2) -> Case:
    """Run torch once."""
    model, images = hf_tower(kind, config), draw_images(config, batch)
    return Case(config, model, images, hf_hidden(model, images))


def compare(case: Case, record: Any) -> float:
    """The error of our features; shapes must agree."""
    params = our_params(case.tensors, case.config)
    found = error(our_features(case.config, params, case.images), case.features)
    record("features", f"{found:.2g}")
    print(f"features: {found:.2g}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_tiny_towers_agree(kind: str, shape: str, record_property: Any) -> None:
    """Measured: 4.7e-7."""
    assert compare(make_case(kind, KINDS[kind].replace(**SHAPES[shape])), record_property) <= 2e-6


@pytest.mark.parametrize("activation", ["gelu_erf", "quick_gelu"])
def test_siglip_agrees_with_another_activation(activation: str, record_property: Any) -> None:
    """The switch is the same one on both sides."""
    case = make_case("siglip", SIGLIP.replace(activation=activation))
    assert compare(case, record_property) <= 2e-6


@pytest.mark.parametrize("kind", KINDS)
def test_every_hidden_state_agrees(kind: str, record_property: Any) -> None:
    """``feature_layer`` counts as transformers' hidden states do, from both ends."""
    case = make_case(kind, KINDS[kind])
    skip, errors = int(case.config.cls_token), {}
    for layer in (1, 3, -1, -4):
        config = case.config.replace(feature_layer=layer)
        ours = our_features(config, our_params(case.tensors, config), case.images)
        errors[layer] = error(ours, case.hidden[layer][:, skip:])
    record_property("layers", f"{max(errors.values()):.2g}")
    assert max(errors.values()) <= 2e-6, errors


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_activation_is_seen(kind: str, record_property: Any) -> None:
    """Each of the other two functions in our tower is far outside the bound.

    Measured: 1.3e-4 between the erf and the tanh form, 4.9e-3 and more for the others.
    """
    case = make_case(kind, KINDS[kind])
    params, errors = our_params(case.tensors, case.config), {}
    for activation in {"quick_gelu", "gelu_erf", "gelu_tanh"} - {case.config.activation}:
        config = case.config.replace(activation=activation)
        errors[activation] = error(our_features(config, params, case.images), case.features)
        record_property(activation, f"{errors[activation]:.2g}")
    print(errors)
    assert min(errors.values()) > 5e-5, errors


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_layer_or_token_is_seen(kind: str) -> None:
    """The neighbouring layers, a final norm, and the class token left in are all far off."""
    import torch

    case = make_case(kind, KINDS[kind])
    ours = our_features(case.config, our_params(case.tensors, case.config), case.images)
    skip = int(case.config.cls_token)
    final = case.model.layernorm if kind == "dinov2" else case.model.post_layernorm
    with torch.no_grad():
        normed = final(torch.from_numpy(case.features)).numpy()
    wrong = {
        "layer before": case.hidden[-3][:, skip:],
        "last layer": case.hidden[-1][:, skip:],
        "final norm": normed,
    }
    if skip:
        assert ours.shape[1] == case.hidden[-2].shape[1] - 1
        wrong["class token in, last patch out"] = case.hidden[-2][:, :-1]
    errors = {name: error(ours, reference) for name, reference in wrong.items()}
    assert min(errors.values()) > 1e-2, errors


def small_variance(kind: str) -> Case:
    """A tower whose every norm sees a variance near its epsilon, where that decides the result."""
    import torch

    config = KINDS[kind]
    scale = config.norm_eps**0.5
    model, images = hf_tower(kind, config), draw_images(config, 2)
    with torch.no_grad():
        for name, value in model.named_parameters():
            # What enters the residual stream, and CLIP's first norm, which makes a new stream.
            if name.startswith(("embeddings.", "pre_layrnorm")):
                value *= scale
            elif any(part in name for part in (".out_proj.", ".o_proj.", ".mlp.fc2.")):
                value *= 0.3 * scale
    return Case(config, model, images, hf_hidden(model, images))


@pytest.mark.parametrize("kind", KINDS)
def test_epsilon_is_the_configs(kind: str, record_property: Any) -> None:
    """With the right epsilon the towers agree; with each other common one they are far apart.

    Measured: 2.6e-7 with the right one, 0.08 and more with a wrong one.
    """
    case = small_variance(kind)
    params, errors = our_params(case.tensors, case.config), {}
    for eps in (1e-5, 1e-6, 1e-12):
        config = case.config.replace(norm_eps=eps)
        errors[eps] = error(our_features(config, params, case.images), case.features)
        record_property(f"eps {eps}", f"{errors[eps]:.2g}")
    print(errors)
    assert errors.pop(case.config.norm_eps) <= 2e-6
    assert min(errors.values()) > 1e-2, errors


@pytest.mark.parametrize("kind", KINDS)
def test_epsilon_reaches_every_norm(kind: str) -> None:
    """Torch's norms are changed one at a time; ours must then differ, so each was compared."""
    import torch

    case = small_variance(kind)
    ours = our_features(case.config, our_params(case.tensors, case.config), case.images)
    last, differences = f"layers.{case.config.depth - 1}.", {}
    norms = {n: m for n, m in case.model.named_modules() if isinstance(m, torch.nn.LayerNorm)}
    for name, module in norms.items():
        if torch_towers.UNREAD.match(name) or last in name.replace("layer.", "layers."):
            continue
        module.eps *= 10
        changed = hf_hidden(case.model, case.images)[-2][:, int(case.config.cls_token) :]
        module.eps /= 10
        differences[name] = error(ours, changed)
    assert len(differences) == 2 * case.config.built_layers + case.config.pre_norm
    assert min(differences.values()) > 1e-4, differences


TIMM = {
    "clip": "vit_large_patch14_clip_224.openai",
    "siglip": "vit_large_patch16_siglip_256.webli",  # without a tag it would be SigLIP 2
}


def timm_error(kind: str, config: VisionConfig, record: Any) -> float:
    """Our features beside timm's, read as RoboMamba reads them."""
    model, images = timm_tower(TIMM[kind], config), draw_images(config, 2)
    params = our_params(renamed(model.state_dict(), torch_towers.TIMM_NAMES), config)
    reference = torch_towers.timm_features(model, images)
    found = error(our_features(config, params, images), reference)
    record("features", f"{found:.2g}")
    print(f"timm {kind}: {found:.2g}")
    return found


@pytest.mark.parametrize("kind", TIMM)
def test_timm_towers_agree(kind: str, record_property: Any) -> None:
    """Small forms of the very models that RoboMamba names. Measured: 3.6e-7."""
    config = KINDS[kind].replace(mlp_dim=4 * CLIP.width)
    if kind == "siglip":
        config = config.replace(activation="gelu_erf")  # what timm, and so RoboMamba, runs
    assert timm_error(kind, config, record_property) <= 2e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name"),
    [("clip", "clip-l14-224"), ("dinov2", "dinov2-s14-224")],
)
def test_real_shapes_agree(kind: str, name: str, record_property: Any) -> None:
    """The published shapes on random weights, but fewer blocks, which are all alike. Measured:
    7.6e-7 for CLIP, 7.7e-7 for DINOv2."""
    case = make_case.__wrapped__(kind, vision_preset(name, depth=3), 1)
    assert compare(case, record_property) <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [("clip", "clip-l14-224"), ("siglip", "siglip-l16-256")])
def test_real_timm_shapes_agree(kind: str, name: str, record_property: Any) -> None:
    """The published shapes in timm, with fewer blocks. Measured: 8.7e-7 for CLIP."""
    assert timm_error(kind, vision_preset(name, depth=3), record_property) <= 1e-5
