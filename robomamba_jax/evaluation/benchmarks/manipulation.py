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
from robomamba_jax.evaluation.benchmarks.aggregate import mean_figure
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    Figure,
    Item,
    Loaded,
    Pictures,
    Recipe,
    Scores,
    repository,
)
from robomamba_jax.evaluation.benchmarks.question_files import (
    all_or_none,
    check_unread,
    finder,
    question_files,
    same_labels,
    write_json,
)

_CATEGORY = re.compile(r"[A-Za-z]+")
_ALIGNED = 30.0  # degrees
SIMULATOR = "whether a pose works only a simulator says: robomamba world rollout --policy file:PATH"


def load(config: EvalConfig) -> Loaded:
    """Records {image, conversations}; maniptest.json has no answers."""
    one_of("pixel_order", config.pixel_order, PIXEL_ORDERS)
    one_of("frame", config.frame, FRAMES)
    check_unread(config.files, "answers")
    paths = question_files(config.files, ("manip.json",))
    find = finder(config.files, ("robot_pics",))
    items: list[Item] = []
    labelled = []
    for path in paths:
        here = _items(path, config, find)
        flags = [bool(item.answers) for item in here]
        labelled.append((path, all_or_none(flags, path, "record")))
        items += here
    return Loaded(tuple(items), same_labels(labelled), tuple(paths), (SIMULATOR,))


def _items(path: Path, config: EvalConfig, find: Callable[[str], Pictures]) -> list[Item]:
    records = JsonRecords(path)
    items = []
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
            items.append(
                Item(
                    PurePosixPath(image).stem,
                    question.replace(IMAGE, "").strip("\n"),
                    find(image),
                    (answer,) if answer else (),
                    {"category": _category(image)},
                    facts,
                    image,
                    str(path),
                )
            )
    finally:
        records.close()
    return items


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


def score(items: Sequence[Item], said: Sequence[Any], scoring: str) -> Scores:
    """Distances and angles to the labels. The repository has no figure here, only its file."""
    del scoring
    rows = [_errors(item, value) for item, value in zip(items, said, strict=True)]
    pixels, approach, whole = (np.array(column) for column in zip(*rows, strict=True))
    close = [float(degrees < _ALIGNED) for degrees in approach]

    def number(values: np.ndarray, what: str) -> Figure:
        found = mean_figure(values.tolist(), what)
        return Figure(found.value, found.ci95, found.n, what, percent=False)

    figures = {
        "contact_pixels": number(pixels, "mean distance of the contact from its label, in pixels"),
        "approach_degrees": number(approach, "mean angle between approach directions"),
        "rotation_degrees": number(whole, "mean angle of the rotation between the grippers"),
        "approach_within_30": mean_figure(close, "approach directions within 30 degrees"),
    }
    groups: dict[str, dict[str, Figure]] = {}
    for name in sorted({item.groups["category"] for item in items}):
        here = [k for k, item in enumerate(items) if item.groups["category"] == name]
        what = "mean distance in pixels"
        groups.setdefault("category (contact)", {})[name] = number(pixels[here], what)
    return Scores(figures, "contact_pixels", close, groups)


def _errors(item: Item, value: Any) -> tuple[float, float, float]:
    """Pixels, degrees between approaches, degrees between rotations."""
    found = parse_detection(value, f"the prediction for {item.id!r}")
    wanted: Action = item.facts["action"]
    distance = math.dist(_pixel(item, found.contact_xy), wanted.contact_xy)
    mine, theirs = found.rotation(), wanted.rotation()
    cosine = float(np.clip(mine[:, 0] @ theirs[:, 0], -1, 1))
    turn = float(np.clip((np.trace(mine.T @ theirs) - 1) / 2, -1, 1))
    return distance, math.degrees(math.acos(cosine)), math.degrees(math.acos(turn))


def _pixel(item: Item, contact: tuple[float, float]) -> Sequence[float]:
    """A prediction's contact in pixels of the image, centres at +0.5."""
    contacts: Contacts | None = item.facts["contacts"]
    if contacts is None:
        return contact
    if contacts.side is None:
        return [part + 0.5 for part in contact]
    # As many pixels as the head's training images had: the crop was all of them.
    size = open_ref(item.pictures()[0]).size
    return contacts.to_pixel(contact, CropTransform(*size, contacts.side)).tolist()


def submit(folder: Path, items: Sequence[Item], said: Sequence[Any]) -> list[Path]:
    """The repository's result list: {"image_id", "detection": 8 numbers}."""
    rows = [
        {"image_id": item.id, "detection": value} for item, value in zip(items, said, strict=True)
    ]
    return [write_json(folder / "manip.json", rows)]


MANIPULATION = Benchmark(
    "manipulation",
    "manipulation",
    load,
    score,
    submit,
    {"standard": Recipe("plain", 1, "eos"), "official": repository("plain", 1)},
    poses=True,
)
