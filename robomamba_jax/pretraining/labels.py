# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a small encoder is taught of the world's images before stage 1: words that are true of an
image, and what its pixels show. It stands where the large presets have CLIP's web images.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.data.geometry.joint_motion import pixel_flow, read_axes
from robomamba_jax.data.geometry.masks import FIRST_THING, links_of
from robomamba_jax.data.geometry.normals import normals_from_depth
from robomamba_jax.data.images.files import open_image
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.data.pipeline.labelled import (
    UNIT,
    Labelled,
    array_file,
    close_labels,
    has_labels,
    open_labels,
)
from robomamba_jax.errors import InputError
from robomamba_jax.utils.ipc import Job, Reply
from robomamba_jax.utils.process_pool import ProcessPool
from robomamba_jax.utils.progress import OnProgress
from robomamba_jax.world.dataset.manifest import read_manifest
from robomamba_jax.world.dataset.read import json_lines
from robomamba_jax.world.language.facts import state_of
from robomamba_jax.world.objects.assemblies import CATEGORY as ASSEMBLY
from robomamba_jax.world.objects.plain_things import CATEGORY as PLAIN
from robomamba_jax.world.sim.scenes import SHAPES

# Images that a word must be true of, at least: what is rarer is learned by heart; and of many
# images one in so many, or the vocabulary would grow with them for words that are hardly ever true.
_LEAST, _ONE_IN = 8, 2000
_JOB = 64  # images that a worker reads at a time
_OTHER_PART = "other part"  # what moves, and is too rare for a name
_OTHER_THING = "other thing"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Maps(NamedTuple):
    """What an image shows, on a grid of G x G; see ``Labelled``."""

    pixels: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float16]
    normals: npt.NDArray[np.int8]
    motion: npt.NDArray[np.int8]


def read_labels(
    worlds: Sequence[Path],
    transform: ImageTransform,
    grid: int,
    out: Path,
    like: Labelled | None = None,
    workers: int = 2,
    on_progress: OnProgress = lambda done, total: None,
) -> Labelled:
    """The labels of folders that ``world generate`` wrote; read once, into a folder of their own.

    Args:
      worlds: the folders, one after the other.
      transform: of the images.
      grid: G; divides the images' side.
      out: the folder; where it is whole already, it is opened.
      like: labels of training images, whose words and names are looked for; None = all that are
        frequent enough here.
      workers: processes; the files do not depend on it.
      on_progress: called with images read, and images in all.

    Raises:
      InputError: a file is missing or broken, or the maps do not divide so.
    """
    if has_labels(out):
        return open_labels(out)
    scenes, poses = (_lines(worlds, name) for name in ("scenes.jsonl", "poses.jsonl"))
    said = [words_of(scene) for _, scene in scenes]
    if like is None:
        vocabulary = _frequent(said)
        lines = (line for _, line in (*scenes, *poses))
        parts = _frequent([{axis["part"] for axis in line["axes"]} for line in lines])
        pixel_names = ("nothing", "body", *parts, _OTHER_PART, *SHAPES, _OTHER_THING)
        groups = (0, 1, *[2] * (len(parts) + 1), *[3] * (len(SHAPES) + 1))
    else:
        vocabulary, pixel_names = like.vocabulary, like.pixel_names
        groups = like.pixel_groups
    count = len(scenes) + len(poses)
    names = [f"{line['id']}.jpg" for _, line in scenes] + [f"{x['id']}.png" for _, x in poses]
    out.mkdir(parents=True, exist_ok=True)
    side = transform.size
    shapes: dict[str, tuple[tuple[int, ...], str]] = {
        "images": ((side, side, 3), "uint8"),
        "pixels": ((grid, grid), "uint8"),
        "depth": ((grid, grid), "float16"),
        "normals": ((grid, grid, 3), "int8"),
        "motion": ((grid, grid, 3), "int8"),
    }
    for name, (shape, dtype) in shapes.items():
        np.lib.format.open_memmap(
            array_file(out, name), mode="w+", dtype=np.dtype(dtype), shape=(count, *shape)
        ).flush()
    places = {word: place for place, word in enumerate(vocabulary)}
    words = np.zeros((count, len(vocabulary)), np.uint8)
    for row, known in enumerate(said):
        words[row, [places[word] for word in known if word in places]] = 1
    np.save(array_file(out, "words"), words)
    np.save(array_file(out, "described"), np.arange(count) < len(scenes))
    rows = [
        {"row": row, "world": str(world), "image": name, "line": _geometry(line)}
        for row, ((world, line), name) in enumerate(zip((*scenes, *poses), names, strict=True))
    ]
    _read_all(rows, transform, grid, out, pixel_names, workers, on_progress)
    # Two worlds may have images of the same name.
    told = [f"{Path(row['world']).name}/{Path(row['image']).stem}" for row in rows]
    close_labels(out, vocabulary, pixel_names, groups, told)
    return open_labels(out)


def _lines(worlds: Sequence[Path], name: str) -> list[tuple[Path, dict[str, Any]]]:
    """What the worlds say of their images: of those that have such images."""
    return [
        (world, line)
        for world in worlds
        if name in read_manifest(world)["files"]
        for line in json_lines(world / name)
    ]


def _frequent(said: Sequence[set[str]]) -> tuple[str, ...]:
    counts = Counter(word for words in said for word in words)
    least = max(_LEAST, len(said) // _ONE_IN)
    return tuple(sorted(word for word, count in counts.items() if count >= least))


def _geometry(line: Mapping[str, Any]) -> dict[str, Any]:
    """What the maps need of a line of scenes.jsonl or poses.jsonl."""
    # Poses have no plain things; an older data set's masks do not show them.
    things = [[x["index"], x["shape"]] for x in line.get("things", ()) if x.get("index", -1) >= 0]
    body = line["noun"] if line["category"] == PLAIN else None
    return {"camera": line["camera"], "axes": line["axes"], "things": things, "body": body}


def _read_all(
    lines: list[dict[str, Any]],
    transform: ImageTransform,
    grid: int,
    out: Path,
    pixel_names: Sequence[str],
    workers: int,
    on_progress: OnProgress,
) -> None:
    """Have workers fill the arrays' rows."""
    setup = {
        "out": str(out),
        "transform": transform.to_json(),
        "grid": grid,
        "pixel_names": list(pixel_names),
    }
    jobs = [{"lines": lines[at : at + _JOB]} for at in range(0, len(lines), _JOB)]
    done = 0
    with (
        ProcessPool(
            f"{__name__}:{open_label_tasks.__name__}",
            setup,
            max(1, min(workers, len(jobs))),
            name="labels",
            environment=dict.fromkeys(_THREADS, "1"),
        ) as pool,
        contextlib.closing(pool.map(iter(jobs), ordered=False)) as replies,
    ):
        for reply, _ in replies:
            done += int(reply["done"])
            on_progress(done, len(lines))


class LabelTasks:
    """What a worker process does: rows of the arrays."""

    def __init__(
        self, out: Path, transform: ImageTransform, grid: int, names: Sequence[str]
    ) -> None:
        """Open the arrays."""
        self._transform, self._grid, self._names = transform, grid, list(names)
        self._arrays = {
            name: np.lib.format.open_memmap(array_file(out, name), mode="r+")
            for name in ("images", *Maps._fields)
        }

    def run(self, job: Job) -> Reply:
        """Fill the rows of the job's lines.

        Returns:
          {"done": how many}.

        Raises:
          InputError: a file is missing or broken.
        """
        lines: Any = job["lines"]
        for one in lines:
            row, world = one["row"], Path(one["world"])
            path = world / "images" / one["image"]
            self._arrays["images"][row] = self._transform.crop(open_image(path))
            maps = read_maps(world, path.stem, one["line"], self._grid, self._names)
            for name, found in maps._asdict().items():
                self._arrays[name][row] = found
        return {"done": len(lines)}, {}


def open_label_tasks(setup: dict[str, Any]) -> LabelTasks:
    """What a worker process calls: see ``_read_all``."""
    transform = ImageTransform.from_json(setup["transform"])
    return LabelTasks(Path(setup["out"]), transform, setup["grid"], setup["pixel_names"])


def read_maps(
    world: Path, name: str, line: Mapping[str, Any], grid: int, names: Sequence[str]
) -> Maps:
    """What an image shows, on a grid of G x G pixels.

    Args:
      world: the folder.
      name: of the image.
      line: its ``camera``, its ``axes``, its ``things`` as (index, shape), and the name of a
        ``body`` that is a plain thing itself.
      grid: G.
      names: what a pixel may show, see ``Labelled.pixel_names``.

    Raises:
      InputError: a map is not there, or the image's side is no multiple of the grid's.
    """
    mask, millimetres = (_map(world / kind / f"{name}.png") for kind in ("masks", "depth"))
    # The pixel in the middle of each cell, not a mean: links are numbers of things, and the mean of
    # a near and a far pixel is a distance at which there is nothing.
    step, rest = divmod(len(mask), grid)
    if rest or not step:
        raise InputError(
            "bad_arguments", f"images of {len(mask)} pixels have no grid of {grid}", "choose 224"
        )
    at = np.s_[step // 2 :: step, step // 2 :: step]
    # Link 0 is the body; the file counts from 1, 0 is nothing of the object.
    table = np.zeros(256, np.uint8)
    table[1:FIRST_THING] = names.index("body")
    if line["body"] is not None:
        table[1] = names.index(line["body"] if line["body"] in names else _OTHER_THING)
    for axis in line["axes"]:
        part = axis["part"] if axis["part"] in names else _OTHER_PART
        table[axis["link"] + 1] = names.index(part)
    table[FIRST_THING:] = names.index(_OTHER_THING)
    for index, shape in line["things"]:
        table[FIRST_THING + index] = names.index(shape if shape in names else _OTHER_THING)
    camera = Camera.from_dict(line["camera"])
    depth = (millimetres / 1000).astype(np.float32)
    flow = pixel_flow(links_of(mask), depth, camera, read_axes(line["axes"], f"{world}: {name}"))
    return Maps(
        table[mask[at]],
        depth[at].astype(np.float16),
        _bytes(_normals(depth, camera, step)),
        _bytes(flow[at]),
    )


def _bytes(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
    return np.round(UNIT * vectors).astype(np.int8)


def _normals(depth: npt.NDArray[np.float32], camera: Camera, step: int) -> npt.NDArray[np.float32]:
    """float32[G, G, 3], of the pixels in the middle of cells of ``step`` pixels: out of two pixels
    a cell along each side, since planes through all of them cost half of the time of all labels."""
    stride = max(1, step // 2)
    # A pixel's middle x is (x + (stride - 1) / 2) / stride among every so many-th pixel.
    K = camera.K.copy()
    K[:2, 2] += (stride - 1) / 2
    K[:2] /= stride
    thin = depth[::stride, ::stride]
    normals = normals_from_depth(thin, Camera(thin.shape[1], thin.shape[0], K))
    at = np.s_[step // 2 // stride :: step // stride]
    return normals[at, at]


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
        f"color {scene['color']}",
        f"surface {scene['surface']}",
        f"surface {scene['surface']} {scene['surface_color']}",
        *(f"visible {name}" for name in scene["visible"]),
        *(f"{count} {name}s" for name, count in scene["counts"]),
    }
    # An assembly is called by any noun, also by words that nobody has heard.
    if scene["category"] != ASSEMBLY:
        words.add(f"object {scene['noun']}")
    if scene["category"] == PLAIN:
        words |= {f"thing {scene['noun']}", f"thing {scene['color']} {scene['noun']}"}
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
