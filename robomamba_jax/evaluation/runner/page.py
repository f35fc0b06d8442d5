# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Wrong answers as one HTML file: pictures, questions, what was said and what was wanted."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from PIL import Image

from robomamba_jax.data.images.drawing import draw_pose
from robomamba_jax.data.images.rgb import encoded, pixels_alone, to_rgb
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.manipulation import parse_detection
from robomamba_jax.data.sources.sample import even_frames
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.base import Item, Scores
from robomamba_jax.evaluation.benchmarks.question_files import write_text

MOST = 400
_SIDE = 256
_HALF = 0.5  # of the credit: below it an answer is called wrong


def write_page(
    path: Path, title: str, items: Sequence[Item], said: Sequence[Any], scores: Scores
) -> Path:
    """At most ``MOST`` of the answers with less than half the credit, evenly spread.

    Args:
      path: of the page.
      title: the benchmark's.
      items: what was asked.
      said: the answers.
      scores: whose credit says what is wrong.
    """
    wrong = [k for k, credit in enumerate(scores.credit) if credit < _HALF]
    shown = [wrong[k] for k in even_frames(len(wrong), MOST)] if wrong else []
    cards = [_card(items[k], said[k], scores.credit[k]) for k in shown]
    kinds = sorted({kind for card in cards for kind in card["groups"]})
    data = json.dumps({"cards": cards, "kinds": kinds}, ensure_ascii=False)
    words = f"{len(wrong)} of {len(items)} answers have less than half the credit"
    if len(shown) < len(wrong):
        words += f"; {len(shown)} of them, evenly spread, are here"
    unseen = sum(not card["image"] for card in cards)
    if unseen:
        words += f"; {unseen} pictures are not here, or cannot be read"
    template = (
        resources.files("robomamba_jax.evaluation.runner")
        .joinpath("wrong.html")
        .read_text(encoding="utf-8")
    )
    if any(not isinstance(text, str) for text in said):
        words += "; each picture twice: as predicted, and as labelled"
    page = template.replace("{{title}}", html.escape(f"{title}: wrong answers"))
    page = page.replace("{{words}}", html.escape(words))
    # Nothing of it may end or begin a script or a comment; JSON may escape what it likes.
    return write_text(path, page.replace("{{data}}", data.replace("<", "\\u003c")))


def _card(item: Item, said: Any, credit: float) -> dict[str, Any]:
    text = said if isinstance(said, str) else ", ".join(f"{part:.2f}" for part in said)
    return {
        "id": item.id,
        "image": _thumbnail(item, said),
        "question": item.question,
        "said": text,
        "wanted": _wanted(item),
        "credit": round(float(credit), 3),
        "groups": dict(item.groups),
    }


def _wanted(item: Item) -> list[str]:
    """The wanted answers, each once, the most frequent first."""
    counts = {text: item.answers.count(text) for text in dict.fromkeys(item.answers)}
    order = sorted(counts, key=lambda text: -counts[text])
    if len(item.answers) == 1:
        return order
    return [f"{text} ({counts[text]})" for text in order]


def _thumbnail(item: Item, said: Any) -> str:
    """A data URI; empty where the picture cannot be read."""
    try:
        refs = item.pictures()
        picture = pixels_alone(to_rgb(open_ref(refs[-1])))
        if not isinstance(said, str):
            picture = _with_poses(picture, item, said)
        picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        data = encoded(picture, "JPEG", quality=80)
    except (InputError, IndexError):
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def _with_poses(picture: Image.Image, item: Item, said: Any) -> Image.Image:
    """What was predicted, on the left, and what was wanted."""
    found = parse_detection(said, item.id)
    both = Image.new("RGB", (2 * picture.width, picture.height))
    for place, action in enumerate((found, item.facts["action"])):
        drawn = draw_pose(picture, action.contact_xy, action.rotation(), legend=False)
        both.paste(drawn, (place * picture.width, 0))
    return both
