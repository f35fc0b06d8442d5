# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The manipulation set: how far predicted poses lie from labelled ones, and the file from which
a simulator says which of them work (``robomamba world rollout --policy file:...``)."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from robomamba_jax.config.checks import one_of
from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.geometry.contacts import Contacts
from robomamba_jax.data.geometry.crop import CropTransform
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.manipulation import (
    FRAMES,
    PIXEL_ORDERS,
    Action,
    parse_action,
    parse_detection,
)
from robomamba_jax.data.sources.sample import bad_record, text_field
from robomamba_jax.data.text.prompts import IMAGE
from robomamba_jax.evaluation.benchmarks import question_files as files
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    Metric,
    Question,
    Scores,
    group_means,
)
from robomamba_jax.evaluation.benchmarks.prompts import PromptSpec
from robomamba_jax.utils.json_types import Json

_CATEGORY = re.compile(r"[A-Za-z]+")
# Degrees between approach directions. The threshold is ours: no benchmark has one.
_ALIGNED = 30.0
SIMULATOR = "whether a pose works only a simulator says: robomamba world rollout --policy file:PATH"


def load(config: EvalConfig) -> BenchmarkData:
    """Records {image, conversations}; maniptest.json has no answers."""
    one_of("pixel_order", config.pixel_order, PIXEL_ORDERS)
    one_of("frame", config.frame, FRAMES)
    data = files.load(config, ("manip.json",), _questions, unit="record")
    return dataclasses.replace(data, notes=(SIMULATOR,))


def _questions(config: EvalConfig, path: Path) -> list[Question]:
    find_image = files.image_finder(config.files, ("robot_pics",))
    contacts = Contacts("raw", "file", config.contact_side) if config.contact_frame else None
    questions = []
    for record, where in files.read_records(path):
        image_name = text_field(record, "image", where)
        text, answer = _texts(record, where)
        metadata: dict[str, Any] = {"raw": text, "contacts": contacts}
        if answer:
            metadata["action"] = parse_action(
                answer, where, pixel_order=config.pixel_order, frame=config.frame
            )
        questions.append(
            Question(
                PurePosixPath(image_name).stem,
                text.replace(IMAGE, "").strip("\n"),
                find_image(image_name),
                (answer,) if answer else (),
                {"category": _category(image_name)},
                metadata,
                image_name,
                str(path),
            )
        )
    return questions


def _texts(record: Mapping[str, Json], where: str) -> tuple[str, str]:
    """Question and answer; a test split's records have one turn alone."""
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


def score(
    questions: Sequence[Question], predictions: Sequence[list[float]], scoring: str
) -> Scores:
    """Distances and angles to the labels. The repository has no figure here, only its file.

    They say whether a head has learned its labels. A pose far from the label may open a drawer as
    well as the label does, and one beside it may slip off: that is for the simulator to say.
    """
    del scoring
    rows = [_errors(*pair) for pair in zip(questions, predictions, strict=True)]
    pixels, approach, whole = zip(*rows, strict=True)
    close = [float(degrees < _ALIGNED) for degrees in approach]
    distance = "mean distance of the contact from its label, in pixels"
    between = "mean angle between approach directions"
    turned = "mean angle of the rotation between the grippers"
    metrics = {
        "contact_pixels": Metric.mean(pixels, distance, percent=False),
        "approach_degrees": Metric.mean(approach, between, percent=False),
        "rotation_degrees": Metric.mean(whole, turned, percent=False),
        "approach_within_30": Metric.mean(close, "approach directions within 30 degrees"),
    }
    by_category = group_means(questions, pixels, "mean distance in pixels", percent=False)
    groups = {"category (contact)": by_category["category"]}
    return Scores(metrics, "contact_pixels", close, groups)


def _errors(question: Question, value: list[float]) -> tuple[float, float, float]:
    """Pixels, degrees between approaches, degrees between rotations."""
    found = parse_detection(value, f"the prediction for {question.id!r}")
    reference: Action = question.metadata["action"]
    distance = math.dist(_pixel(question, found.contact_xy), reference.contact_xy)
    mine, theirs = found.rotation(), reference.rotation()
    # Clipped: rounding takes the cosine of equal directions above 1. The angle of a rotation R is
    # that of trace(R) = 1 + 2 cos(angle).
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


MANIPULATION = Benchmark(
    "manipulation",
    "manipulation",
    load,
    score,
    # The repository's result list: 8 numbers, or 9 with the gripper's logit.
    files.answer_list("manip.json", "image_id", "detection"),
    {"standard": PromptSpec("plain", 1, "eos"), "official": PromptSpec.official("plain", 1)},
    poses=True,
)
