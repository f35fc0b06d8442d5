# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The images of the sample report, cut out of the sheet of categories."""

from __future__ import annotations

import base64
import io
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from robomamba_jax.data.images.drawing import draw_pose
from robomamba_jax.world.objects.categories import CATEGORIES, SEEN

_SHEET = Path(__file__).resolve().parents[2] / "docs" / "images" / "categories.jpg"
_SIDE, _WIDE, _HIGH, _GAP = 150, 306, 190, 6  # of the sheet's images and cells


def _crop(category: str, opened: bool) -> Image.Image:
    """An object's image out of the sheet in docs/images."""
    place = list(CATEGORIES).index(category)
    left = place % 5 * _WIDE + _GAP + (_SIDE if opened else 0)
    top = place // 5 * _HIGH + _GAP
    with Image.open(_SHEET) as sheet:
        return sheet.convert("RGB").crop((left, top, left + _SIDE, top + _SIDE))


def _uri(image: Image.Image, kind: str = "JPEG", **how: Any) -> str:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(out.getvalue()).decode()


def poses(rng: random.Random) -> list[dict[str, Any]]:
    """Six images of each half, with poses that mean nothing."""
    chosen = ("Microwave", "Safe", "Laptop", "StorageFurniture", "Bottle", "Pliers")
    chosen += ("Toilet", "Kettle", "Stapler", "Table", "WashingMachine", "Phone")
    found = []
    for number, category in enumerate(chosen):
        angle = rng.uniform(0.4, 2.4)
        first = np.array([math.cos(angle) * 0.8, math.sin(angle) * 0.5, 0.4])
        first /= np.linalg.norm(first)
        second = np.cross(first, [0.0, 1.0, 0.2])
        second /= np.linalg.norm(second)
        rotation = np.stack([first, second, np.cross(first, second)], axis=1)
        contact = (rng.uniform(0.35, 0.65) * 2 * _SIDE, rng.uniform(0.4, 0.6) * 2 * _SIDE)
        big = _crop(category, False).resize((2 * _SIDE, 2 * _SIDE), Image.Resampling.BICUBIC)
        noun = CATEGORIES[category].noun
        found.append(
            {
                "image": _uri(draw_pose(big, contact, rotation, legend=False), quality=80),
                "category": category,
                "instruction": f"Where would you pull to open the {noun}?",
                "success": number % 3 != 2,
                "split": "seen" if category in SEEN else "unseen",
            }
        )
    return found


def questions() -> list[dict[str, Any]]:
    """Four right answers and two wrong ones."""
    rows = (
        ("Microwave", "What is the object in the image?", "microwave", "microwave", "vqav2"),
        ("Refrigerator", "Is there a drawer on the refrigerator?", "no", "no", "pope"),
        ("Bottle", "Which colour has the bottle?", "purple", "purple", "gqa"),
        (
            "Kettle",
            "How does the lid of the kettle move?",
            "it slides up",
            "it turns up",
            "robovqa",
        ),
        ("Table", "How many drawers has the table?", "2", "3", "gqa"),
        (
            "Door",
            "What should be done to open the door?",
            "1- touch the handle 2- pull it",
            "1- touch the handle 2- pull it",
            "robovqa",
        ),
    )
    return [
        {
            "image": _uri(_crop(category, False), quality=80),
            "question": question,
            "reference": wanted,
            "prediction": answer,
            "right": wanted == answer,
            "kind": kind,
        }
        for category, question, wanted, answer, kind in rows
    ]


def clips() -> list[dict[str, Any]]:
    """Clips of two frames: at rest, and opened."""
    found = []
    for category, success in (("Safe", True), ("Laptop", True), ("Toilet", True), ("Phone", False)):
        frames = [_crop(category, False), _crop(category, success)]
        entry = {"category": category, "success": success, "policy": "nano"}
        moving = _uri(
            frames[0], "GIF", save_all=True, append_images=frames[1:], duration=600, loop=0
        )
        found.append({"image": moving, "still": _uri(frames[-1], quality=80), **entry})
    return found
