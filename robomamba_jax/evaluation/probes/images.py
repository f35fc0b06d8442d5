# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What is true at each patch of a generated data set's images with language, and the frozen
encoder's features of those patches."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.geometry.camera import Camera, read_depth
from robomamba_jax.data.geometry.joint_motion import KINDS, pixel_flow, read_axes
from robomamba_jax.data.geometry.masks import links_of, things_of
from robomamba_jax.data.images.files import open_image
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.errors import InputError
from robomamba_jax.utils.progress import OnProgress
from robomamba_jax.utils.untrusted_text import parse_json, read_text, split_lines

Encode = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""uint8[B, S, S, 3] -> float32[B, P, D]."""

BATCH = 50
_THREADS = 2  # decoding releases the GIL
_MAX_BYTES = 2**30  # of scenes.jsonl: some 300,000 scenes


class ThingSeen(NamedTuple):
    """A plain thing in view.

    Attributes:
      shape: such as "ball".
      side: "left" or "right" of the main object.
      index: its place among the scene's things, as masks count.
    """

    shape: str
    side: str
    index: int


class SceneTruth(NamedTuple):
    """What is known of an image as a whole.

    Attributes:
      color: of the object.
      things: plain things in view.
      absent: shapes of which the scene has none.
    """

    color: str
    things: tuple[ThingSeen, ...]
    absent: frozenset[str]


@dataclasses.dataclass(frozen=True, eq=False)
class ProbeImages:
    """A set of N images, seen through P patches each; truth is that of the pixel in the middle of a
    patch.

    Attributes:
      patches: float32[N, P, D], the encoder's.
      on_object: bool[N, P].
      things: int16[N, P], place of the plain thing, -1 for none.
      moving: int8[N, P], place in ``joint_motion.KINDS`` of the joint of the movable part; -1 for
        no movable part.
      flow: float32[N, P, 3], how it moves when it opens further, see ``pixel_flow``.
      scenes: one for each image.
    """

    patches: npt.NDArray[np.float32]
    on_object: npt.NDArray[np.bool_]
    things: npt.NDArray[np.int16]
    moving: npt.NDArray[np.int8]
    flow: npt.NDArray[np.float32]
    scenes: tuple[SceneTruth, ...]


def read_images(
    folder: Path,
    transform: ImageTransform,
    grid: int,
    encode: Encode,
    on_progress: OnProgress = lambda done, total: None,
    *,
    limit: int | None = None,
) -> ProbeImages:
    """Read a folder that ``world generate`` wrote, and encode its images with language.

    Args:
      folder: it.
      transform: the encoder's.
      grid: patches along each side of an image; divides the images' side.
      encode: the encoder.
      on_progress: told how many images are done, of how many.
      limit: the first so many images alone; None = all.

    Raises:
      InputError: a file is missing or broken, the set is older than joints' axes, or has no images
        with language.
    """
    lines = split_lines(read_text(folder / "scenes.jsonl", _MAX_BYTES))
    if not lines:
        raise InputError("empty_source", f"{folder}/scenes.jsonl is empty", "give --num-images")
    # Categories take turns, so that the first ones are of all of them.
    read = [_truth(folder, line, number, grid) for number, line in enumerate(lines[:limit], 1)]
    patches: list[npt.NDArray[np.float32]] = []

    def crop(path: Path) -> npt.NDArray[np.uint8]:
        """The part of an image that the encoder sees."""
        return transform.crop(open_image(path))

    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(read), BATCH):
            names = [truth.image for truth in read[start : start + BATCH]]
            pixels = np.stack(list(pool.map(crop, names)))
            # One size of batch, so that one program is compiled: the last is filled up with zeros.
            full = np.zeros((BATCH, *pixels.shape[1:]), np.uint8)
            full[: len(pixels)] = pixels
            patches.append(encode(full)[: len(pixels)])
            on_progress(min(start + BATCH, len(read)), len(read))
    count = len(read)
    return ProbeImages(
        np.concatenate(patches),
        np.stack([truth.on_object for truth in read]).reshape(count, -1),
        np.stack([truth.things for truth in read]).reshape(count, -1),
        np.stack([truth.moving for truth in read]).reshape(count, -1),
        np.stack([truth.flow for truth in read]).reshape(count, -1, 3),
        tuple(truth.scene for truth in read),
    )


class _Truth(NamedTuple):
    """Of one image: its file, and maps as ``ProbeImages`` has them, [G, G] and [G, G, 3]."""

    image: Path
    on_object: npt.NDArray[np.bool_]
    things: npt.NDArray[np.int16]
    moving: npt.NDArray[np.int8]
    flow: npt.NDArray[np.float32]
    scene: SceneTruth


def _truth(folder: Path, line: str, number: int, grid: int) -> _Truth:
    where = f"{folder}/scenes.jsonl, line {number}"
    scene = parse_json(line, where)
    try:
        name, camera = str(scene["id"]), Camera.from_dict(scene["camera"])
        axes = read_axes(scene["axes"], where)
        things = tuple(ThingSeen(t["shape"], t["side"], int(t["index"])) for t in scene["things"])
        known = SceneTruth(scene["color"], things, frozenset(scene["absent_shapes"]))
    except (KeyError, TypeError, ValueError) as error:
        # Sets of before have neither camera nor axes.
        raise InputError(
            "bad_record", f"{where}: {error!r}", "generate the data again: robomamba world generate"
        ) from error
    mask = np.asarray(open_image(folder / "masks" / f"{name}.png"))
    depth = read_depth(folder / "depth" / f"{name}.png", size=(camera.width, camera.height))
    step, rest = divmod(camera.height, grid)
    if camera.width != camera.height or rest or not step:
        raise InputError(
            "bad_arguments",
            f"{where}: images of {camera.width} x {camera.height} pixels have no {grid} x {grid} "
            "patches",
            "generate them with --size 224 or 336",
        )
    at = np.s_[step // 2 :: step, step // 2 :: step]
    links = links_of(mask)
    kind_of = np.full(max([0, *(axis.link for axis in axes)]) + 2, -1, np.int8)
    for axis in axes:
        kind_of[axis.link] = KINDS.index(axis.kind)
    # The base and what is no link, -1, have the table's -1: the last entry serves for it.
    moving = kind_of[np.minimum(links[at], len(kind_of) - 1)]
    flow = pixel_flow(links, depth, camera, axes)[at]
    image = folder / "images" / f"{name}.jpg"
    return _Truth(image, links[at] >= 0, things_of(mask)[at], moving, flow, known)
