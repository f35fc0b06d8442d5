# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Sizes of the rivals that read depth: UMPNet's two networks and FlowBot3D's PointNet++.

The defaults are the published sizes; the small twins are the same classes with other numbers.
"""

from __future__ import annotations

import dataclasses

from robomamba_jax.config.checks import Replaceable, one_of, positive
from robomamba_jax.config.mamba import DTYPES
from robomamba_jax.errors import InputError


def _all_positive(name: str, sizes: tuple[int, ...]) -> None:
    """Raise ``InputError`` unless all of them are whole numbers above 0, and there is one."""
    if not sizes:
        raise InputError("bad_config", f"{name} is empty", "give at least one width")
    for size in sizes:
        positive(name, size)


@dataclasses.dataclass(frozen=True)
class PositionConfig(Replaceable):
    """UMPNet's position network, a U-Net over pixels.

    Attributes:
      channels: of the image: point (3), colour (3), normal (3), depth (1).
      widths: of the first level and of every level below it, each half as high and wide.
      classes: of every pixel: it does not move, it moves.
      dtype: of convolutions; normalisation and logits are float32.
    """

    channels: int = 10
    widths: tuple[int, ...] = (32, 64, 128, 256, 256)
    classes: int = 2
    dtype: str = "float32"

    def __post_init__(self) -> None:
        positive("channels", self.channels)
        positive("classes", self.classes)
        _all_positive("widths", self.widths)
        one_of("dtype", self.dtype, DTYPES)


@dataclasses.dataclass(frozen=True)
class DirectionConfig(Replaceable):
    """UMPNet's direction network: in which sense, and how far, a direction moves the touched part.

    Attributes:
      channels: of one image; the part that says the sense reads two, now and at the beginning.
      widths: of the encoder's levels.
      height: of the images in pixels.
      width: of the images in pixels.
      features: widths of the layers behind an image's encoder.
      action: widths of the layers that read a direction.
      decoder: hidden widths of the layers that read both.
      dtype: of convolutions and products.
    """

    channels: int = 10
    widths: tuple[int, ...] = (32, 64, 128, 256, 512, 512, 512)
    height: int = 480
    width: int = 640
    features: tuple[int, ...] = (256, 256)
    action: tuple[int, ...] = (128, 128, 128)
    decoder: tuple[int, ...] = (1024, 1024, 1024)
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name in ("channels", "height", "width"):
            positive(name, getattr(self, name))
        for name in ("widths", "features", "action", "decoder"):
            _all_positive(name, getattr(self, name))
        if min(self.grid) < 1:
            raise InputError(
                "bad_config",
                f"an image of {self.height} x {self.width} is nothing after "
                f"{len(self.widths) - 1} halvings",
                "give larger images, or fewer widths",
            )
        one_of("dtype", self.dtype, DTYPES)

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width behind the last level: each one halves, and drops an odd row."""
        times = 2 ** (len(self.widths) - 1)
        return self.height // times, self.width // times


@dataclasses.dataclass(frozen=True)
class FlowConfig(Replaceable):
    """FlowBot3D's network, a PointNet++ (arXiv 1706.02413) with a flow for every point.

    Attributes:
      points: of a cloud.
      mask: whether a channel says which points are of a part that moves, which is privileged.
      ratios: of points that the two sampling stages keep.
      radii: in metres, of the balls around these.
      neighbors: at most so many points of a ball are read.
      local1: widths of the layers over the first balls.
      local2: over the second.
      whole: over all points that are left.
      up3: of the layers that carry the whole cloud's features back to the second stage's points.
      up2: to the first stage's points.
      up1: to all points.
      head: hidden widths of the last layers.
      dtype: of products; normalisation and flow are float32.
    """

    points: int = 1200
    mask: bool = True
    ratios: tuple[float, float] = (0.2, 0.25)
    radii: tuple[float, float] = (0.2, 0.4)
    neighbors: int = 64
    local1: tuple[int, ...] = (64, 64, 128)
    local2: tuple[int, ...] = (128, 128, 256)
    whole: tuple[int, ...] = (256, 512, 1024)
    up3: tuple[int, ...] = (256, 256)
    up2: tuple[int, ...] = (256, 128)
    up1: tuple[int, ...] = (128, 128, 128)
    head: tuple[int, ...] = (128, 128)
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name in ("points", "neighbors"):
            positive(name, getattr(self, name))
        for name in ("local1", "local2", "whole", "up3", "up2", "up1", "head"):
            _all_positive(name, getattr(self, name))
        if not all(0 < ratio <= 1 for ratio in self.ratios):
            raise InputError("bad_config", f"ratios are {self.ratios}", "give 0 < ratio <= 1")
        if not all(0 < radius < float("inf") for radius in self.radii):
            raise InputError("bad_config", f"radii are {self.radii}", "give lengths above 0")
        one_of("dtype", self.dtype, DTYPES)


POSITION_NANO = PositionConfig(widths=(8, 16, 32, 64, 64))
"""The twin of the embedded world: a fourth of the widths, for images of 112 pixels."""

DIRECTION_NANO = DirectionConfig(
    widths=(8, 16, 32, 64, 64, 64), height=112, width=112, features=(64, 64), action=(32, 32, 32),
    decoder=(128, 128, 128),
)  # fmt: skip
"""Likewise."""

FLOW_NANO = FlowConfig(
    points=512, mask=False, neighbors=32,
    local1=(32, 32, 64), local2=(64, 64, 128), whole=(128, 256, 512),
    up3=(128, 128), up2=(128, 64), up1=(64, 64, 64), head=(64, 64),
)  # fmt: skip
"""The twin of the embedded world: half of the widths, and no privileged mask."""
