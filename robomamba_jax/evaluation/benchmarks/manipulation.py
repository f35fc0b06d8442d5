# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The manipulation set: how far predicted poses lie from labelled ones, and the file from which
a simulator says which of them work (``robomamba world rollout --policy file:...``)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from robomamba_jax.config.checks import one_of
from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.geometry.contacts import Contacts
from robomamba_jax.data.geometry.crop import CropTransform
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.data.sources.manipulation import (
    FRAMES,
    PIXEL_ORDERS,
    Action,
    parse_action,
    parse_detection,
)
from robomamba_jax.data.sources.sample import bad_record, text_field
from robomamba_jax.data.text.prompts import IMAGE
from robomamba_jax.evaluation.benchmarks.aggregate import mean_metric
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    ImageLoader,
    Metric,
    PromptSpec,
    Question,
    Scores,
    official_spec,
)
from robomamba_jax.evaluation.benchmarks.question_files import (
    all_or_none,
    check_unused,
    image_finder,
    question_files,
    same_labels,
    write_json,
)

_CATEGORY = re.compile(r"[A-Za-z]+")
_ALIGNED = 30.0  # degrees
SIMULATOR = "whether a pose works only a simulator says: robomamba world rollout --policy file:PATH"


def load(config: EvalConfig) -> BenchmarkData:
    """Records {image, conversations}; maniptest.json has no answers."""
    one_of("pixel_order", config.pixel_order, PIXEL_ORDERS)
    one_of("frame", config.frame, FRAMES)
    check_unused(config.files, "answers")
    paths = question_files(config.files, ("manip.json",))
    find_image = image_finder(config.files, ("robot_pics",))
    questions: list[Question] = []
    labelled = []
    for path in paths:
        here = _questions(path, config, find_image)
        flags = [bool(question.references) for question in here]
        labelled.append((path, all_or_none(flags, path, "record")))
        questions += here
    return BenchmarkData(tuple(questions), same_labels(labelled), tuple(paths), (SIMULATOR,))


def _questions(
    path: Path, config: EvalConfig, find_image: Callable[[str], ImageLoader]
) -> list[Question]:
    records = JsonRecords(path)
    questions = []
    counted = Contacts("raw", "file", config.contact_side) if config.contact_frame else None
    try:
        for number in range(len(records)):
            record, where = records[number], f"{path}: record {number}"
            image = text_field(record, "image", where)
            question, answer = _texts(record, where)
            facts: dict[str, Any] = {"raw": question, "contacts": counted}
            if answer:
                facts["action"] = parse_action(
                    answer, where, pixel_order=config.pixel_order, frame=config.frame
                )
            questions.append(
                Question(
                    PurePosixPath(image).stem,
                    question.replace(IMAGE, "").strip("\n"),
                    find_image(image),
                    (answer,) if answer else (),
                    {"category": _category(image)},
                    facts,
                    image,
                    str(path),
                )
            )
    finally:
        records.close()
    return questions


def _texts(record: dict[str, Any], where: str) -> tuple[str, str]:
    turns = record.get("conversations")
    if not isinstance(turns, list) or not turns:
        raise bad_record(where, "has no conversations")
    values = [turn.get("value") if isinstance(turn, dict) else None for turn in turns[:2]]
    if not all(isinstance(value, str) for value in values):
        raise bad_record(where, "has a turn without text")
    question, answer = (*values, "")[:2]
    return str(question), str(answer).strip()


def _category(image: str) -> str:
    """The first word of a name such as "148_Faucet_0.png" or "Safe_000012.png"."""
    found = _CATEGORY.search(PurePosixPath(image).stem)
    return found[0] if found else ""


def score(questions: Sequence[Question], predictions: Sequence[Any], scoring: str) -> Scores:
    """Distances and angles to the labels. The repository has no figure here, only its file."""
    del scoring
    rows = [
        _errors(question, value) for question, value in zip(questions, predictions, strict=True)
    ]
    pixels, approach, whole = (np.array(column) for column in zip(*rows, strict=True))
    close = [float(degrees < _ALIGNED) for degrees in approach]

    def number(values: np.ndarray, what: str) -> Metric:
        found = mean_metric(values.tolist(), what)
        return Metric(found.value, found.ci95, found.n, what, percent=False)

    metrics = {
        "contact_pixels": number(pixels, "mean distance of the contact from its label, in pixels"),
        "approach_degrees": number(approach, "mean angle between approach directions"),
        "rotation_degrees": number(whole, "mean angle of the rotation between the grippers"),
        "approach_within_30": mean_metric(close, "approach directions within 30 degrees"),
    }
    groups: dict[str, dict[str, Metric]] = {}
    for name in sorted({question.groups["category"] for question in questions}):
        here = [k for k, question in enumerate(questions) if question.groups["category"] == name]
        what = "mean distance in pixels"
        groups.setdefault("category (contact)", {})[name] = number(pixels[here], what)
    return Scores(metrics, "contact_pixels", close, groups)


def _errors(question: Question, value: Any) -> tuple[float, float, float]:
    """Pixels, degrees between approaches, degrees between rotations."""
    found = parse_detection(value, f"the prediction for {question.id!r}")
    reference: Action = question.metadata["action"]
    distance = math.dist(_pixel(question, found.contact_xy), reference.contact_xy)
    mine, theirs = found.rotation(), reference.rotation()
    cosine = float(np.clip(mine[:, 0] @ theirs[:, 0], -1, 1))
    turn = float(np.clip((np.trace(mine.T @ theirs) - 1) / 2, -1, 1))
    return distance, math.degrees(math.acos(cosine)), math.degrees(math.acos(turn))


def _pixel(question: Question, contact: tuple[float, float]) -> Sequence[float]:
    """A prediction's contact in pixels of the image, centres at +0.5."""
    contacts: Contacts | None = question.metadata["contacts"]
    if contacts is None:
        return contact
    if contacts.side is None:
        return [part + 0.5 for part in contact]
    # As many pixels as the head's training images had: the crop was all of them.
    size = open_ref(question.load_images()[0]).size
    return contacts.to_pixel(contact, CropTransform(*size, contacts.side)).tolist()


def submit(folder: Path, questions: Sequence[Question], predictions: Sequence[Any]) -> list[Path]:
    """The repository's result list: {"image_id", "detection": 8 numbers}."""
    rows = [
        {"image_id": question.id, "detection": value}
        for question, value in zip(questions, predictions, strict=True)
    ]
    return [write_json(folder / "manip.json", rows)]


MANIPULATION = Benchmark(
    "manipulation",
    "manipulation",
    load,
    score,
    submit,
    {"standard": PromptSpec("plain", 1, "eos"), "official": official_spec("plain", 1)},
    poses=True,
)
