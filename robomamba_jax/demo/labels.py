# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the small encoder is taught of the world's images before stage 1: words that are true of
an image, and what its pixels show. It stands where the large presets have CLIP's web images.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.images.files import open_image
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.data.pipeline.labelled import Labelled
from robomamba_jax.errors import InputError
from robomamba_jax.utils.progress import OnProgress
from robomamba_jax.world.dataset.records import FIRST_THING
from robomamba_jax.world.language.facts import state_of

CLASSES = ("nothing", "body", "moving part")
"""What a pixel shows of the object."""

_LEAST = 8  # images that a word must be true of: what is rarer is learned by heart
_THREADS = 2  # decoding releases the GIL; more than the demo's two cores do not help


def read_labelled(
    world: Path,
    transform: ImageTransform,
    grid: int,
    vocabulary: Sequence[str] | None = None,
    on_progress: OnProgress = lambda done, total: None,
) -> Labelled:
    """The labels of a folder that ``world generate`` wrote.

    Args:
      world: the folder.
      transform: of the images.
      grid: G; divides the images' side.
      vocabulary: the words to look for; None = all that are frequent enough here.
      on_progress: called with images read, and images in all.

    Raises:
      InputError: a file is missing or broken, or the maps do not divide so.
    """
    scenes, poses = json_lines(world / "scenes.jsonl"), json_lines(world / "poses.jsonl")
    said = [words_of(scene) for scene in scenes]
    if vocabulary is None:
        counts = Counter(word for words in said for word in words)
        vocabulary = sorted(word for word, count in counts.items() if count >= _LEAST)
    places = {word: place for place, word in enumerate(vocabulary)}
    words = np.zeros((len(said), len(vocabulary)), np.float32)
    for row, known in enumerate(said):
        words[row, [places[word] for word in known if word in places]] = 1
    names = [f"{scene['id']}.jpg" for scene in scenes] + [f"{pose['id']}.png" for pose in poses]
    found = Labelled(
        np.zeros((len(names), transform.size, transform.size, 3), np.uint8),
        np.zeros((len(names), grid, grid), np.uint8),
        np.zeros((len(names), grid, grid), np.float16),
        words,
        tuple(vocabulary),
        CLASSES,
        tuple(Path(name).stem for name in names),
    )

    def read(row: int) -> None:
        path = world / "images" / names[row]
        found.mapped[row] = transform.crop(open_image(path))
        found.classes[row], found.depth[row] = read_maps(world, path.stem, grid)

    with ThreadPoolExecutor(_THREADS) as pool:
        for done, _ in enumerate(pool.map(read, range(len(names))), 1):
            on_progress(done, len(names))
    return found


def read_maps(
    world: Path, name: str, grid: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float16]]:
    """What an image shows, on a grid of G x G pixels: classes, and metres.

    Raises:
      InputError: a map is not there, or the image's side is no multiple of the grid's.
    """
    links, millimetres = (_map(world / kind / f"{name}.png") for kind in ("masks", "depth"))
    # The pixel in the middle of each cell, not a mean: links are numbers of things, and the mean of
    # a near and a far pixel is a distance at which there is nothing.
    step, rest = divmod(len(links), grid)
    if rest or not step:
        raise InputError(
            "bad_arguments", f"images of {len(links)} pixels have no grid of {grid}", "choose 224"
        )
    at = slice(step // 2, None, step)
    # Link 0 is the body; the file counts from 1, 0 is nothing of the object, nor are plain things.
    classes = np.where(links[at, at] < FIRST_THING, np.minimum(links[at, at], 2), 0).astype(
        np.uint8
    )
    return classes, (millimetres[at, at] / 1000).astype(np.float16)


def _map(path: Path) -> npt.NDArray[Any]:
    try:
        return np.asarray(open_image(path))
    except InputError as error:
        raise InputError(
            "missing_file", f"{path} cannot be read: {error.message}", "generate the data again"
        ) from error


def words_of(scene: Mapping[str, Any]) -> set[str]:
    """The words that are true of a scene, out of its facts in scenes.jsonl."""
    words = {
        f"object {scene['noun']}",
        f"color {scene['color']}",
        f"surface {scene['surface']}",
        f"surface {scene['surface']} {scene['surface_color']}",
        *(f"visible {name}" for name in scene["visible"]),
        *(f"{count} {name}s" for name, count in scene["counts"]),
    }
    for part in scene["parts"]:
        state = state_of(part["opened"])
        words |= {f"part {part['part']}", f"{part['part']} {state}", f"joint {part['kind']}"}
        if part["has_handle"]:
            words.add(f"{part['part']} with handle")
    for thing in scene["things"]:
        words |= {
            f"thing {thing['shape']}",
            f"thing {thing['color']} {thing['shape']}",
            f"thing {thing['shape']} {thing['side']}",
        }
    if len(scene["things"]) == 1:
        thing = scene["things"][0]
        words |= {f"only thing {thing['side']}", f"only thing {thing['color']}"}
    return words


def json_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file that has one a line.

    Raises:
      InputError: it is missing or broken.
    """
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(
            "missing_file", f"{path} cannot be read: {error}", "generate the data again"
        ) from error
