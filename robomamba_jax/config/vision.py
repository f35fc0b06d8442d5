# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The vision tower's configuration, and its presets by name."""

from __future__ import annotations

import dataclasses

from robomamba_jax.config.checks import Replaceable, one_of, positive
from robomamba_jax.config.mamba import DTYPES
from robomamba_jax.config.tree import typed
from robomamba_jax.errors import InputError, unknown_name

ACTIVATIONS = ("quick_gelu", "gelu_erf", "gelu_tanh")
VISION_REMAT = ("none", "block")


@dataclasses.dataclass(frozen=True)
class VisionConfig(Replaceable):
    """A vision transformer: CLIP's, SigLIP's or DINOv2's, by its switches.

    Attributes:
      image_size: S, the side of the square images, in pixels.
      patch_size: side of a patch; divides image_size.
      width: D of the tower.
      depth: blocks of the published model, of which only ``built_layers`` are made.
      heads: H; divides width.
      mlp_dim: inner width of every MLP.
      activation: of the MLPs: "quick_gelu" (CLIP), "gelu_erf" (DINOv2; SigLIP in timm,
        which RoboMamba ran) or "gelu_tanh" (what SigLIP's weights were trained with).
      norm_eps: epsilon of every LayerNorm: 1e-5 for CLIP, 1e-6 for the others.
      cls_token: a learned token stands before the patches; it is never in the result.
      pre_norm: a LayerNorm stands before the first block (CLIP).
      patch_bias: the patch embedding has a bias (all but CLIP).
      layer_scale: a learned factor per channel on every residual branch (DINOv2).
      feature_layer: which of the depth + 1 hidden states is the result: 0 would be the
        embeddings, depth or -1 the last block's output; -2, the penultimate block's,
        is what RoboMamba reads. No final norm follows.
      dtype: of the matrix products and the result; LayerNorm, softmax and the residual
        stream are float32.
      param_dtype: of stored parameters; LayerNorm's and LayerScale's stay float32.
      remat: what the backward pass recomputes: "none" or "block" (everything but the
        blocks' inputs). A frozen tower has no backward pass and needs none.
    """

    image_size: int
    patch_size: int
    width: int
    depth: int
    heads: int
    mlp_dim: int
    activation: str = "quick_gelu"
    norm_eps: float = 1e-5
    cls_token: bool = True
    pre_norm: bool = True
    patch_bias: bool = False
    layer_scale: bool = False
    feature_layer: int = -2
    dtype: str = "float32"
    param_dtype: str = "float32"
    remat: str = "none"

    def __post_init__(self) -> None:
        typed(self)
        for name in ("image_size", "patch_size", "width", "depth", "heads", "mlp_dim"):
            positive(name, getattr(self, name))
        _divides("image_size", self.image_size, "patch_size", self.patch_size)
        _divides("width", self.width, "heads", self.heads)
        one_of("activation", self.activation, ACTIVATIONS)
        if not 0 < self.norm_eps < 1:
            raise InputError("bad_config", f"norm_eps is {self.norm_eps!r}", "give 1e-5 or 1e-6")
        if not 1 <= self.built_layers <= self.depth:
            what = f"feature_layer {self.feature_layer} is none of {self.depth} blocks"
            raise InputError("bad_config", what, f"give 1 to {self.depth}, or {-self.depth} to -1")
        for name in ("dtype", "param_dtype"):
            one_of(name, getattr(self, name), DTYPES)
        one_of("remat", self.remat, VISION_REMAT)

    @property
    def grid(self) -> int:
        """Patches along each side."""
        return self.image_size // self.patch_size

    @property
    def num_patches(self) -> int:
        """P, the patch features of one image."""
        return self.grid**2

    @property
    def num_positions(self) -> int:
        """Rows of the position table: the patches and, where there is one, the class token."""
        return self.num_patches + self.cls_token  # a bool counts as 0 or 1

    @property
    def built_layers(self) -> int:
        """L, the blocks that exist; the published model's later ones would never be read."""
        # Hidden state k is what k blocks have made, so reading it needs k of them; -1 is state
        # `depth`: -1 + depth + 1.
        return self.feature_layer + (self.depth + 1 if self.feature_layer < 0 else 0)


def _divides(name: str, value: int, part: str, size: int) -> None:
    """Raise ``InputError`` unless ``size`` divides ``value``."""
    if value % size:
        what = f"{name} {value} is no multiple of {part} {size}"
        raise InputError("bad_config", what, f"change {name} or {part}")


_CLIP_L14 = VisionConfig(
    image_size=224, patch_size=14, width=1024, depth=24, heads=16, mlp_dim=4096
)
# What SigLIP and DINOv2 have otherwise than CLIP.
_NOT_CLIP = _CLIP_L14.replace(activation="gelu_erf", norm_eps=1e-6, pre_norm=False, patch_bias=True)
_SIGLIP_L16 = _NOT_CLIP.replace(image_size=256, patch_size=16, cls_token=False)
# The published table has 37 x 37 positions; converting interpolates it to this grid.
_DINOV2_S14 = _NOT_CLIP.replace(width=384, depth=12, heads=6, mlp_dim=1536, layer_scale=True)
# For the embedded world: CLIP's crop in 8 x 8 patches, and all of its few blocks are read.
_NANO = VisionConfig(
    image_size=112, patch_size=14, width=192, depth=6, heads=6, mlp_dim=768, feature_layer=-1
)

VISION_PRESETS: dict[str, VisionConfig] = {
    # Odd sizes on purpose: nothing in the tests may lean on powers of two.
    "tiny": VisionConfig(image_size=15, patch_size=5, width=36, depth=3, heads=3, mlp_dim=50),
    "nano": _NANO.replace(cls_token=False, pre_norm=False, patch_bias=True),
    # The same size in CLIP's form, which other implementations can build: for `bench train`.
    "nano-clip": _NANO,
    "clip-l14-224": _CLIP_L14,
    "clip-l14-336": _CLIP_L14.replace(image_size=336),
    "siglip-l16-256": _SIGLIP_L16,
    "siglip-l16-384": _SIGLIP_L16.replace(image_size=384),
    "dinov2-s14-224": _DINOV2_S14,
    "dinov2-s14-112": _DINOV2_S14.replace(image_size=112),
}


def vision_preset(name: str, **changes: object) -> VisionConfig:
    """The configuration of a vision preset, with some fields changed.

    Args:
      name: one of tiny, nano, nano-clip, clip-l14-224, clip-l14-336, siglip-l16-256,
        siglip-l16-384, dinov2-s14-224, dinov2-s14-112.
      **changes: fields of :class:`VisionConfig`.

    Raises:
      InputError: no such preset or field.
    """
    if not isinstance(name, str) or name not in VISION_PRESETS:
        raise unknown_name("unknown_preset", "vision preset", name, VISION_PRESETS)
    return VISION_PRESETS[name].replace(**changes)
