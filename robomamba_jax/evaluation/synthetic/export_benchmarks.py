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
from robomamba_jax.utils.json_types import Json, JsonObject

_PEOPLE = 10  # as VQAv2, OKVQA and VizWiz have
_COCO = "COCO_val2014_{:012d}.jpg"
_SURE = ("yes", "maybe", "no")
# MME's own questions end so, and a model's prompt has nothing else that asks for yes or no.
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

    def add(self, image: str) -> tuple[int, str]:
        """The image's number and its file's name."""
        known = image in self._known
        number = self._known.setdefault(image, len(self._known) + 1)
        name = self._name.format(number)
        if not known:
            _put(self._put, image, self._folder / name)
        return number, name


def _put(put: SaveImage, image: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    put(image, path)


def people(entry: Entry) -> list[JsonObject]:
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
        image, _ = images.add(entry.image)
        # As COCO's: the image's number, and behind it the question's.
        ids = {"question_id": image * 1000 + number % 1000, "image_id": image}
        questions.append({**ids, "question": entry.question})
        kinds = {"question_type": entry.kind, "answer_type": answer_type(entry.answer)}
        answers = {"multiple_choice_answer": entry.answer, "answers": people(entry)}
        annotations.append({**ids, **kinds, **answers})
    shared = {"data_type": "mscoco", "data_subtype": "val2014"}
    asked = {**shared, "task_type": "Open-Ended", "questions": questions}
    return [
        write_json(folder / names[0], asked),
        write_json(folder / names[1], {**shared, "annotations": annotations}),
    ]


def write_gqa(folder: Path, entries: Sequence[Entry], put: SaveImage) -> list[Path]:
    """GQA's testdev_balanced_questions.json."""
    images = _NumberedImages(put, folder / "images", "n{:06d}.jpg")
    records = {}
    for number, entry in enumerate(entries):
        verify = answer_type(entry.answer) == "yes/no"
        records[str(20_000_000 + number)] = {
            "question": entry.question,
            "imageId": images.add(entry.image)[1].removesuffix(".jpg"),
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
        _put(put, book["image"], folder / "images" / f"{key}.jpg")
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
        unknown = entry.answer == "unanswerable"
        answers = [{k: row[k] for k in ("answer", "answer_confidence")} for row in people(entry)]
        records.append(
            {
                "image": images.add(entry.image)[1],
                "question": entry.question,
                "answers": answers,
                "answer_type": "unanswerable" if unknown else answer_type(entry.answer),
                "answerable": int(not unknown),
            }
        )
    return [write_json(folder / "val.json", records)]


def write_pope(
    folder: Path, categories: Mapping[str, Sequence[Entry]], put: SaveImage
) -> list[Path]:
    """POPE's files, JSON lines, one for each way to choose what is absent."""
    images = _NumberedImages(put, folder / "val2014", _COCO)
    written = []
    for category, entries in categories.items():
        lines = []
        for number, entry in enumerate(entries, 1):
            row = {"question_id": number, "image": images.add(entry.image)[1]}
            row |= {"text": entry.question, "label": entry.answer.lower()}
            lines.append(json.dumps(row) + "\n")
        written.append(write_text(folder / f"coco_pope_{category}.json", "".join(lines)))
    return written


def write_mme(
    folder: Path, subtasks: Mapping[str, Sequence[tuple[Entry, Entry]]], put: SaveImage
) -> list[Path]:
    """MME's tree: per sub-task an image and a text with its two questions."""
    written = []
    for name, pairs in subtasks.items():
        for number, pair in enumerate(pairs, 1):
            path = folder / name / f"{number:04d}.jpg"
            _put(put, pair[0].image, path)
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
    for turn in range(max(len(entry.options) for entry in entries)):
        for number, entry in enumerate(entries):
            count = len(entry.options)
            if turn >= count:
                continue
            options = [entry.options[(k + turn) % count] for k in range(count)]
            right = LETTERS[options.index(entry.answer)]
            # Later rotations name the first one's row instead of repeating its image.
            image_cell = str(number)
            if turn == 0:
                _put(put, entry.image, scratch)
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
        _put(put, entry.image, folder / "images" / name)
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
    records = [
        {
            "id": f"robovqa_{number}_0",
            "image": f"imgs/{images.add(entry.image)[1]}",
            "task": entry.kind,
            "conversations": conversation(entry.question, f"A: {entry.answer}"),
        }
        for number, entry in enumerate(entries)
    ]
    return [write_json(folder / "robovqa.json", records)]


def conversation(question: str, answer: str) -> list[Json]:
    """A record's turns, as LLaVA's files have them."""
    return [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]


def write_manipulation(
    folder: Path, records: Sequence[Mapping[str, Any]], put: SaveImage
) -> list[Path]:
    """RoboMamba's manip.json out of its records, whose images the caller knows by their names."""
    for record in records:
        _put(put, record["image"], folder / "robot_pics" / record["image"])
    return [write_json(folder / "manip.json", list(records))]
