# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From an image to what an image encoder reads: numpy and PIL only, no jax.

One rule for all encoders: resize with PIL's antialiased bicubic filter until the shorter
side is S, cut S x S out of the middle, divide by 255, normalise. It gives what the
published code gives (timm with crop_pct 1) with Pillow up to 12, whichever is installed here.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from robomamba_jax.config.checks import one_of, positive
from robomamba_jax.data.geometry.crop import CROP_MODES, CropTransform
from robomamba_jax.data.images.files import MAX_PIXELS, ImageSource, open_image, too_many_pixels
from robomamba_jax.data.images.rgb import out_of_memory, to_rgb
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.json_types import JsonObject

__all__ = [
    "MAX_PIXELS",
    "TRANSFORMS",
    "ImageSource",
    "ImageTransform",
    "image_transform",
    "open_image",
    "to_rgb",
]

Color = tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class ImageTransform:
    """What is done to an image before an encoder sees it. Immutable; any thread may use it.

    Attributes:
      size: S, the side of the result in pixels.
      mean: of red, green and blue in [0, 1], subtracted.
      std: of red, green and blue, all above 0; divided by.
      mode: "crop": the shorter side becomes S, the longer one keeps its proportion,
        rounded down (640 x 427 -> 335 x 224), and the middle is cut out; "squash": both
        sides become S (HF's SigLIP processor). ``CropTransform`` has the geometry.
      background: red, green, blue in 0..255 on which transparent pixels are laid; None
        drops the alpha channel, as the published code does.
    """

    size: int
    mean: Color
    std: Color
    mode: str = "crop"
    background: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        positive("size", self.size)
        one_of("mode", self.mode, CROP_MODES)
        for name in ("mean", "std"):
            object.__setattr__(self, name, _triple(name, getattr(self, name)))
        if min(self.std) <= 0:
            raise InputError("bad_config", f"std is {list(self.std)}", "give numbers above 0")
        if self.background is not None:
            color = _triple("background", self.background)
            if any(part not in range(256) for part in color):
                what = f"background is {list(self.background)}"
                raise InputError("bad_config", what, "give three whole numbers from 0 to 255")
            object.__setattr__(self, "background", tuple(int(part) for part in color))

    def geometry(self, width: int, height: int) -> CropTransform:
        """Where the pixels of a ``width`` x ``height`` image go, and back.

        Raises:
          InputError: the image has no pixels.
        """
        return CropTransform(width, height, self.size, self.mode)

    def crop(self, image: ImageSource, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
        """The part that the encoder sees, resized but not normalised: uint8[S, S, 3].

        Args:
          image: see :func:`open_image`.
          max_pixels: bound of the original and of the resized image.

        Raises:
          InputError: see :func:`open_image`; or the image is so long and thin that
            resizing its shorter side to S exceeds ``max_pixels``.
        """
        rgb = to_rgb(open_image(image, max_pixels=max_pixels), self.background)
        geometry = self.geometry(*rgb.size)
        width, height = geometry.resized
        # Rows are resized first: squashed, a tall image is larger half way than at either end.
        rows = max(height, rgb.height)
        if width * rows > max_pixels:
            what = f"the image of {rgb.width} x {rgb.height} pixels, resized,"
            raise too_many_pixels(what, width, rows, max_pixels)
        try:
            return _resized(rgb, geometry)
        except MemoryError as error:
            raise out_of_memory(f"the image of {rgb.width} x {rgb.height}") from error

    def normalize(self, pixels: np.ndarray) -> np.ndarray:
        """uint8[..., 3] -> float32[..., 3]: scaled to [0, 1], minus mean, by std."""
        # In this order, and in float32: torchvision's ToTensor and Normalize, to the bit.
        scaled = pixels.astype(np.float32) / np.float32(255)
        return (scaled - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)

    def __call__(self, image: ImageSource, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
        """What the encoder reads: float32[S, S, 3]; arguments and errors as in ``crop``."""
        return self.normalize(self.crop(image, max_pixels=max_pixels))

    def to_json(self) -> JsonObject:
        """The fields as JSON values; ``from_json`` takes them back."""
        return {
            "size": self.size,
            "mode": self.mode,
            "interpolation": "bicubic",
            "mean": list(self.mean),
            "std": list(self.std),
            "background": None if self.background is None else list(self.background),
        }

    @classmethod
    def from_json(cls, value: Any) -> ImageTransform:
        """The transform that ``to_json`` wrote.

        Raises:
          InputError: a field is missing, unknown or not allowed.
        """
        known = ("size", "mode", "interpolation", "mean", "std", "background")
        if not isinstance(value, Mapping) or set(value) != set(known):
            what = "the image transform does not have the fields it should"
            raise InputError("bad_config", what, f"give exactly {', '.join(known)}")
        one_of("interpolation", value["interpolation"], ("bicubic",))
        return cls(**{key: value[key] for key in known if key != "interpolation"})


def _resized(rgb: Image.Image, geometry: CropTransform) -> np.ndarray:
    """uint8[S, S, 3]: each row to its new width, then each column to its new height.

    Rounded to 8 bits in between. Pillow up to 12 takes the two in this order for every image;
    from 13 on it begins with the columns of some tall ones, which gives other numbers. One axis
    at a time, all versions agree.
    """
    (width, height), (left, top, right, lower) = geometry.resized, geometry.box
    bicubic = Image.Resampling.BICUBIC
    rows_resized = rgb.resize((width, rgb.height), bicubic)
    # Columns that the crop drops need not be resized; their neighbours do not depend on them.
    if (left, right) != (0, width):
        rows_resized = rows_resized.crop((left, 0, right, rgb.height))
    return np.asarray(rows_resized.resize((right - left, height), bicubic))[top:lower].copy()


def _triple(name: str, value: Any) -> Color:
    """Three finite numbers.

    Raises:
      InputError: ``value`` is anything else.
    """
    parts = tuple(value) if isinstance(value, list | tuple) else ()
    numbers = all(isinstance(part, int | float) and math.isfinite(part) for part in parts)
    if len(parts) != 3 or not numbers:
        raise InputError("bad_config", f"{name} is {value!r}", "give three numbers")
    return parts


_CLIP = ImageTransform(
    size=224,
    mean=(0.48145466, 0.4578275, 0.40821073),
    std=(0.26862954, 0.26130258, 0.27577711),
)
_SIGLIP = ImageTransform(size=256, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
_DINOV2 = ImageTransform(size=224, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))

# Sizes are those of config.VISION_PRESETS; a test compares them.
TRANSFORMS: dict[str, ImageTransform] = {
    "tiny": dataclasses.replace(_CLIP, size=15),
    "nano": dataclasses.replace(_CLIP, size=112),
    "nano-clip": dataclasses.replace(_CLIP, size=112),
    "clip-l14-224": _CLIP,
    "clip-l14-336": dataclasses.replace(_CLIP, size=336),
    # RoboMamba overrides timm's crop_pct of 0.9: the shorter side becomes S itself.
    "siglip-l16-256": _SIGLIP,
    "siglip-l16-384": dataclasses.replace(_SIGLIP, size=384),
    # DINOv2's own evaluation resizes to 256 and cuts 224; here the whole shorter side is
    # kept as with every other encoder, so that no contact point near an edge is lost.
    "dinov2-s14-224": _DINOV2,
    "dinov2-s14-112": dataclasses.replace(_DINOV2, size=112),
}


def image_transform(encoder: str) -> ImageTransform:
    """The transform of an image encoder, by the encoder's name in ``config.VISION_PRESETS``.

    Raises:
      InputError: no such encoder.
    """
    if encoder not in TRANSFORMS:
        raise unknown_name("unknown_preset", "image encoder", encoder, TRANSFORMS)
    return TRANSFORMS[encoder]
