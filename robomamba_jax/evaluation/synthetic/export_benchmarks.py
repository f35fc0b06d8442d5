# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Small benchmarks in the real ones' files: for the embedded world, for ``--tiny``, for tests.

Who calls says what is asked about which image; how files and images are called, and what
stands in them, is each benchmark's own.
"""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.evaluation.benchmarks.question_files import write_json, write_text
from robomamba_jax.evaluation.metrics.multiple_choice import LETTERS, ROTATION

_PEOPLE = 10
_COCO = "COCO_val2014_{:012d}.jpg"
_SURE = ("yes", "maybe", "no")
MME_SUFFIX = " Please answer yes or no."

SaveImage = Callable[[str, Path], None]
"""Puts the image that the caller knows by a name at a path."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A question about an image.

    Attributes:
      image: the caller's name of the image.
      question: in words.
      answer: in words.
      kind: what it is about; becomes question types, categories, sub-tasks.
      also: another answer that some people give.
      options: of a multiple choice, the right one among them.
    """

    image: str
    question: str
    answer: str
    kind: str = ""
    also: str = ""
    options: tuple[str, ...] = ()


class _NumberedImages:
    """Numbers for the caller's images, from 1, each put in its place once."""

    def __init__(self, put: SaveImage, folder: Path, name: str) -> None:
        self._put, self._folder, self._name = put, folder, name
        self._known: dict[str, int] = {}

    def of(self, image: str) -> int:
        """The image's number."""
        if image not in self._known:
            self._known[image] = len(self._known) + 1
            path = self._folder / self.name(image)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._put(image, path)
        return self._known[image]

    def name(self, image: str) -> str:
        """The image's file name."""
        return self._name.format(self._known[image])


def people(entry: Entry) -> list[dict[str, Any]]:
    """Ten people's answers; every fourth gives the other one, where there is another."""
    return [
        {
            "answer": entry.also if entry.also and k % 4 == 3 else entry.answer,
            "answer_confidence": _SURE[k % 3] if entry.also else _SURE[0],
            "answer_id": k + 1,
        }
        for k in range(_PEOPLE)
    ]


def answer_type(answer: str) -> str:
    """As VQA divides answers."""
    low = answer.lower()
    if low in ("yes", "no"):
        return "yes/no"
    return "number" if low.isdigit() else "other"


def write_vqa(
    folder: Path, entries: Sequence[Entry], put: SaveImage, names: tuple[str, str]
) -> list[Path]:
    """VQAv2's and OKVQA's two files, named as ``names`` says."""
    images = _NumberedImages(put, folder / "val2014", _COCO)
    questions, annotations = [], []
    for number, entry in enumerate(entries):
        image = images.of(entry.image)
        ids = {"question_id": image * 1000 + number % 1000, "image_id": image}
        questions.append({**ids, "question": entry.question})
        kinds = {"question_type": entry.kind, "answer_type": answer_type(entry.answer)}
        answers = {"multiple_choice_answer": entry.answer, "answers": people(entry)}
        annotations.append({**ids, **kinds, **answers})
    shared = {"data_type": "mscoco", "data_subtype": "val2014"}
    return [
        write_json(
            folder / names[0], {**shared, "task_type": "Open-Ended", "questions": questions}
        ),
        write_json(folder / names[1], {**shared, "annotations": annotations}),
    ]


def write_gqa(folder: Path, entries: Sequence[Entry], put: SaveImage) -> list[Path]:
    """GQA's testdev_balanced_questions.json."""
    images = _NumberedImages(put, folder / "images", "n{:06d}.jpg")
    records = {}
    for number, entry in enumerate(entries):
        images.of(entry.image)
        verify = answer_type(entry.answer) == "yes/no"
        records[str(20_000_000 + number)] = {
            "question": entry.question,
            "imageId": images.name(entry.image).removesuffix(".jpg"),
            "answer": entry.answer.lower(),
            "isBalanced": True,
            "fullAnswer": f"{entry.answer}.",
            "types": {"structural": "verify" if verify else "query", "semantic": entry.kind},
            "groups": {"global": None},
        }
    return [write_json(folder / "testdev_balanced_questions.json", records)]


def write_ocrvqa(folder: Path, books: Sequence[dict[str, str]], put: SaveImage) -> list[Path]:
    """OCR-VQA's dataset.json; a book has image, title, authorName and genre."""
    records = {}
    for number, book in enumerate(books):
        key = f"{10_000 + number}"
        path = folder / "images" / f"{key}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        put(book["image"], path)
        records[key] = {
            "imageURL": f"http://books.invalid/{key}.jpg",
            "questions": ["Who wrote this book?", "What is the title of this book?"],
            "answers": [book["authorName"], book["title"]],
            **{name: book[name] for name in ("title", "authorName", "genre")},
            "split": 3,
        }
    return [write_json(folder / "dataset.json", records)]


def write_vizwiz(folder: Path, entries: Sequence[Entry], put: SaveImage) -> list[Path]:
    """VizWiz's val.json; its answers have no numbers."""
    images = _NumberedImages(put, folder / "val", "VizWiz_val_{:08d}.jpg")
    records = []
    for entry in entries:
        images.of(entry.image)
        unknown = entry.answer == "unanswerable"
        answers = [{k: row[k] for k in ("answer", "answer_confidence")} for row in people(entry)]
        records.append(
            {
                "image": images.name(entry.image),
                "question": entry.question,
                "answers": answers,
                "answer_type": "unanswerable" if unknown else answer_type(entry.answer),
                "answerable": int(not unknown),
            }
        )
    return [write_json(folder / "val.json", records)]


def write_pope(folder: Path, kinds: Mapping[str, Sequence[Entry]], put: SaveImage) -> list[Path]:
    """POPE's files, JSON lines, one for each way to choose what is absent."""
    images = _NumberedImages(put, folder / "val2014", _COCO)
    written = []
    for kind, entries in kinds.items():
        lines = []
        for number, entry in enumerate(entries, 1):
            images.of(entry.image)
            row = {"question_id": number, "image": images.name(entry.image)}
            row |= {"text": entry.question, "label": entry.answer.lower()}
            lines.append(json.dumps(row) + "\n")
        written.append(write_text(folder / f"coco_pope_{kind}.json", "".join(lines)))
    return written


def write_mme(
    folder: Path, subtasks: Mapping[str, Sequence[tuple[Entry, Entry]]], put: SaveImage
) -> list[Path]:
    """MME's tree: per sub-task an image and a text with its two questions."""
    written = []
    for name, pairs in subtasks.items():
        for number, pair in enumerate(pairs, 1):
            path = folder / name / f"{number:04d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            put(pair[0].image, path)
            lines = [
                f"{entry.question}{MME_SUFFIX}\t{entry.answer.capitalize()}\n" for entry in pair
            ]
            written.append(write_text(path.with_suffix(".txt"), "".join(lines)))
    return written


def write_mmbench(folder: Path, entries: Sequence[Entry], put: SaveImage) -> list[Path]:
    """MMBench's table with every rotation of the options; images stand in the first rows."""
    text = io.StringIO()
    names = ["index", "question", "hint", *LETTERS, "answer", "category", "l2-category", "split"]
    table = csv.writer(text, delimiter="\t", lineterminator="\n")
    table.writerow([*names, "image"])
    scratch = folder / "image.jpg"
    folder.mkdir(parents=True, exist_ok=True)
    for turn in range(max(len(entry.options) for entry in entries)):
        for number, entry in enumerate(entries):
            count = len(entry.options)
            if turn >= count:
                continue
            options = [entry.options[(k + turn) % count] for k in range(count)]
            right = LETTERS[options.index(entry.answer)]
            image_cell = str(number)
            if turn == 0:
                put(entry.image, scratch)
                image_cell = base64.b64encode(scratch.read_bytes()).decode()
                scratch.unlink()
            cells = [*options, *[""] * (len(LETTERS) - count)]
            row = [number + turn * ROTATION, entry.question, "nan", *cells, right]
            table.writerow([*row, entry.kind, "perception", "dev", image_cell])
    return [write_text(folder / "MMBench_DEV_EN.tsv", text.getvalue())]


def write_mmvet(folder: Path, entries: Sequence[Entry], put: SaveImage) -> list[Path]:
    """MM-Vet's mm-vet.json; an entry's kind names the capabilities, by commas."""
    records = {}
    for number, entry in enumerate(entries):
        name = f"v1_{number}.jpg"
        (folder / "images").mkdir(parents=True, exist_ok=True)
        put(entry.image, folder / "images" / name)
        records[f"v1_{number}"] = {
            "imagename": name,
            "question": entry.question,
            "answer": entry.answer,
            "imagesource": "",
            "capability": entry.kind.split(","),
        }
    return [write_json(folder / "mm-vet.json", records)]


def write_robovqa(folder: Path, entries: Sequence[Entry], put: SaveImage) -> list[Path]:
    """The one-image conversion that RoboMamba's repository reads; an entry's kind is the tag."""
    images = _NumberedImages(put, folder / "imgs", "{:06d}.jpg")
    records = []
    for number, entry in enumerate(entries):
        images.of(entry.image)
        turns = [
            {"from": "human", "value": entry.question},
            {"from": "gpt", "value": f"A: {entry.answer}"},
        ]
        image = f"imgs/{images.name(entry.image)}"
        records.append(
            {
                "id": f"robovqa_{number}_0",
                "image": image,
                "task": entry.kind,
                "conversations": turns,
            }
        )
    return [write_json(folder / "robovqa.json", records)]


def write_manipulation(
    folder: Path, records: Sequence[dict[str, Any]], put: SaveImage
) -> list[Path]:
    """RoboMamba's manip.json out of its records, whose images the caller knows by their names."""
    (folder / "robot_pics").mkdir(parents=True, exist_ok=True)
    for record in records:
        put(record["image"], folder / "robot_pics" / record["image"])
    return [write_json(folder / "manip.json", list(records))]
