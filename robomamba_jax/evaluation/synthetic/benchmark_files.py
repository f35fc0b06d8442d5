# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of drawn shapes, in the real files: what ``eval.py --tiny`` asks about."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.manipulation import PoseSample, answer_text
from robomamba_jax.data.sources.synthetic import COLORS, SHAPES, SyntheticSource
from robomamba_jax.evaluation.metrics.yes_no import POPE_CATEGORIES
from robomamba_jax.evaluation.synthetic import export_benchmarks as export
from robomamba_jax.evaluation.synthetic.export_benchmarks import Entry

VQA_FILES = ("v2_OpenEnded_mscoco_val2014_questions.json", "v2_mscoco_val2014_annotations.json")
OKVQA_FILES = ("OpenEnded_mscoco_val2014_questions.json", "mscoco_val2014_annotations.json")
_QUESTIONS = {
    "vqav2": VQA_FILES[:1],
    "okvqa": OKVQA_FILES[:1],
    "gqa": ("testdev_balanced_questions.json",),
    "ocrvqa": ("dataset.json",),
    "vizwiz": ("val.json",),
    "pope": tuple(f"coco_pope_{category}.json" for category in POPE_CATEGORIES),
    "mme": (),
    "mmbench": ("MMBench_DEV_EN.tsv",),
    "mmvet": ("mm-vet.json",),
    "robovqa": ("robovqa.json",),
    "manipulation": ("manip.json",),
}
_ANSWERS = {"vqav2": VQA_FILES[1], "okvqa": OKVQA_FILES[1]}


def files_of(name: str, root: str) -> dict[str, Any]:
    """Where a benchmark that we have written lies: fields of ``FilesConfig``."""
    answers = _ANSWERS.get(name, "")
    return {"root": root, "questions": _QUESTIONS[name], "answers": answers, "images": ""}


def write_toy(config: EvalConfig, folder: Path) -> EvalConfig:
    """Draw ``config.toy`` images, write the benchmark's files, and point the configuration at
    them."""
    name, count = config.benchmark, config.toy
    shapes = [_Shape(number) for number in range(count)]
    by_name = {shape.name: shape for shape in shapes}

    def put(image: str, path: Path) -> None:
        drawing = by_name[image].image if image in by_name else book_cover(int(image))
        drawing.save(path, quality=95)

    write, entries_of = _WRITERS[name]
    write(folder, entries_of(shapes), put)
    return toy_config(config, folder)


def toy_config(config: EvalConfig, folder: Path) -> EvalConfig:
    """The configuration, pointed at what :func:`write_toy` has written."""
    files = dataclasses.replace(config.files, **files_of(config.benchmark, str(folder)))
    return dataclasses.replace(config, files=files, toy=0)


class _Shape:
    """An image of the toy data and what is true of it."""

    def __init__(self, number: int) -> None:
        sample = SyntheticSource("captions", f"1@{number}")[0]
        _, self.color, self.shape = sample.turns[1][1].split()
        pixels: Any = sample.images[0]
        self.image = Image.fromarray(pixels)
        self.name = f"{number}.png"
        self.number = number

    def color_entry(self) -> Entry:
        return Entry(self.name, "What color is it?", self.color, "color", options=tuple(COLORS))

    def yes_no(self, yes: bool, kind: str = "color") -> Entry:
        others = [color for color in COLORS if color != self.color]
        color = self.color if yes else others[self.number % len(others)]
        return Entry(self.name, f"Is it {color}?", "yes" if yes else "no", kind)

    def shape_entry(self) -> Entry:
        return Entry(self.name, "What shape is it?", self.shape, "shape", options=SHAPES)


def book_cover(number: int) -> Image.Image:
    """The cover of ``book_of(number)``, with its title and author."""
    page = Image.new("RGB", (96, 128), (225, 220, 205))
    draw = ImageDraw.Draw(page)
    book = book_of(number)
    draw.text((6, 20), book["title"], fill=(20, 20, 60))
    draw.text((6, 96), book["authorName"], fill=(80, 20, 20))
    return page


_FIRST = ("Ada", "Ben", "Cleo", "Dan", "Eva")
_LAST = ("Stone", "River", "Hill", "Wood", "Field")
_TITLES = ("Open Doors", "The Lever", "Two Hinges", "A Robot", "Red Boxes")
_GENRES = ("Engineering", "Travel", "History")


def book_of(number: int) -> dict[str, str]:
    """An invented book, by number."""
    return {
        "image": str(number),
        "title": _TITLES[(number // 2) % 5],
        "authorName": f"{_FIRST[number % 5]} {_LAST[(number // 5) % 5]}",
        "genre": _GENRES[number % 3],
    }


# Every writer below draws from the same few shapes. What a benchmark is about does not matter here:
# its files, its images' names and its scorer are what --tiny and the tests go through.
def _entries(shapes: list[_Shape]) -> list[Entry]:
    makers: list[Callable[[_Shape], Entry]] = [
        _Shape.color_entry,
        lambda shape: shape.yes_no(shape.number % 2 == 0),
        _Shape.shape_entry,
    ]
    return [makers[shape.number % 3](shape) for shape in shapes]


def _mme(shapes: list[_Shape]) -> dict[str, list[tuple[Entry, Entry]]]:
    pairs = [(shape.yes_no(True), shape.yes_no(False)) for shape in shapes]
    half = len(pairs) // 2
    return {"color": pairs[:half], "existence": pairs[half:]}


def _vizwiz(shapes: list[_Shape]) -> list[Entry]:
    entries = _entries(shapes)
    # Every fourth question is about a label that the image does not have.
    entries[::4] = [
        dataclasses.replace(
            entry, question="What does the label say?", answer="unanswerable", also="nothing"
        )
        for entry in entries[::4]
    ]
    return entries


def _pope(shapes: list[_Shape]) -> dict[str, list[Entry]]:
    entries = [shape.yes_no(shape.number % 2 == 0) for shape in shapes]
    return dict.fromkeys(POPE_CATEGORIES, entries)


def _robovqa(shapes: list[_Shape]) -> list[Entry]:
    def entry(shape: _Shape) -> Entry:
        if shape.number % 2:
            text = f"touch the {shape.shape} Q: possible right now?"
            return Entry(shape.name, text, "yes", "affordance:discriminative:discrete:True")
        text, answer = "Q: what action just happened?", f"touch the {shape.color} {shape.shape}"
        return Entry(shape.name, text, answer, "past_description:freeform")

    return [entry(shape) for shape in shapes]


def _write_poses(folder: Path, count: int, put: export.SaveImage) -> None:
    """Poses have images of their own, which the caller does not know."""
    del put
    source = SyntheticSource("poses", str(count))
    records, pixels = [], {}
    for number in range(count):
        sample: Any = source[number]
        assert isinstance(sample, PoseSample)
        assert sample.action is not None
        name = f"Shape_{number:04d}.png"
        pixels[name] = sample.images[0]
        turns = export.conversation(sample.turns[0][1], answer_text(sample.action))
        records.append({"image": name, "conversations": turns})
    export.write_manipulation(
        folder, records, lambda image, path: Image.fromarray(pixels[image]).save(path)
    )


# By benchmark: the writer of its files, and what that writes about the shapes.
_WRITERS: dict[str, tuple[Callable[..., object], Callable[[list[_Shape]], object]]] = {
    "vqav2": (partial(export.write_vqa, names=VQA_FILES), _entries),
    "okvqa": (partial(export.write_vqa, names=OKVQA_FILES), _entries),
    "gqa": (export.write_gqa, _entries),
    "ocrvqa": (export.write_ocrvqa, lambda shapes: [book_of(shape.number) for shape in shapes]),
    "vizwiz": (export.write_vizwiz, _vizwiz),
    "pope": (export.write_pope, _pope),
    "mme": (export.write_mme, _mme),
    "mmbench": (export.write_mmbench, lambda shapes: [shape.color_entry() for shape in shapes]),
    "mmvet": (
        export.write_mmvet,
        lambda shapes: [dataclasses.replace(shape.color_entry(), kind="rec") for shape in shapes],
    ),
    "robovqa": (export.write_robovqa, _robovqa),
    "manipulation": (_write_poses, len),
}
