# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Wrong answers as one HTML file: images, questions, predictions and references."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from PIL import Image

from robomamba_jax.data.images.drawing import draw_pose
from robomamba_jax.data.images.rgb import encoded, pixels_alone, to_rgb
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.manipulation import parse_detection
from robomamba_jax.data.sources.sample import even_frames
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.base import Answer, Question, Scores
from robomamba_jax.evaluation.benchmarks.question_files import write_text
from robomamba_jax.utils.html_pages import render_page

MOST = 400
"""Answers on a page: more would make it too heavy to open."""
_SIDE = 256  # pixels of a thumbnail's longer side: some 10 kB each, 4 MB a page
# An answer with a lower score is called wrong. Half of the n-grams right is half of a score, though
# its logarithms may add up to 0.49999999999999994.
_HALF = 0.5 - 1e-9


class Card(TypedDict):
    """One wrong answer, as the page's script reads it.

    ``image`` is a data URI, empty where the image cannot be read; ``reference`` has each right
    answer once, the most frequent first; ``groups`` is kind -> the question's group.
    """

    id: str
    image: str
    question: str
    prediction: str
    reference: list[str]
    credit: float
    groups: dict[str, str]


def write_page(
    path: Path,
    title: str,
    questions: Sequence[Question],
    predictions: Sequence[Answer],
    scores: Scores,
) -> Path:
    """At most ``MOST`` of the answers that score below one half, evenly spread.

    Args:
      path: of the page.
      title: the benchmark's.
      questions: what was asked.
      predictions: the answers, texts or poses.
      scores: of the answers.
    """
    wrong = [k for k, item_score in enumerate(scores.item_scores) if item_score < _HALF]
    shown = [wrong[k] for k in even_frames(len(wrong), MOST)] if wrong else []
    cards = [_card(questions[k], predictions[k], scores.item_scores[k]) for k in shown]
    # Evenly spread, not the first: files may be sorted by category, and the last ones would be
    # missing.
    words = f"{len(wrong)} of {len(questions)} answers score below one half"
    if len(shown) < len(wrong):
        words += f"; {len(shown)} of them, evenly spread, are here"
    unread = sum(not card["image"] for card in cards)
    if unread:
        words += f"; {unread} images are not here, or cannot be read"
    if any(not isinstance(prediction, str) for prediction in predictions):
        words += "; each image twice: as predicted, and as labelled"
    kinds = {kind for card in cards for kind in card["groups"]}
    values = {
        "title": f"{title}: wrong answers",
        "words": words,
        "data": {"cards": cards, "group_kinds": sorted(kinds)},
    }
    page = render_page(
        "robomamba_jax.evaluation.runner",
        "wrong.html.j2",
        values,
        style="wrong.css",
        script="wrong.js",
    )
    return write_text(path, page)


def _card(question: Question, prediction: Answer, item_score: float) -> Card:
    pose = not isinstance(prediction, str)
    return {
        "id": question.id,
        "image": _thumbnail(question, prediction),
        "question": question.text,
        "prediction": ", ".join(f"{part:.2f}" for part in prediction) if pose else prediction,
        "reference": _reference(question),
        "credit": round(float(item_score), 3),
        "groups": dict(question.groups),
    }


def _reference(question: Question) -> list[str]:
    """The right answers with how many people gave each, the most frequent first."""
    counts = Counter(question.references)
    if len(question.references) == 1:
        return list(counts)
    return [f"{text} ({count})" for text, count in counts.most_common()]


def _thumbnail(question: Question, prediction: Answer) -> str:
    """A data URI; empty where the image cannot be read."""
    try:
        image = pixels_alone(to_rgb(open_ref(question.load_images()[-1])))
        if not isinstance(prediction, str):
            image = _with_poses(image, question, prediction)
        image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        data = encoded(image, "JPEG", quality=80)
    except (InputError, IndexError):
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def _with_poses(image: Image.Image, question: Question, prediction: list[float]) -> Image.Image:
    """The image twice: with the prediction on the left, with the reference on the right."""
    found = parse_detection(prediction, question.id)
    both = Image.new("RGB", (2 * image.width, image.height))
    for place, action in enumerate((found, question.metadata["action"])):
        drawn = draw_pose(image, action.contact_xy, action.rotation(), legend=False)
        both.paste(drawn, (place * image.width, 0))
    return both
