# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A folder as ``world generate`` leaves it, of a few drawn pictures: no simulator, no physics."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from robomamba_jax.data.sources.manipulation import Action, answer_text
from robomamba_jax.world.language.facts import Facts, PartState, ThingFact

SIDE = 24
# It looks along the world's z from the origin: both frames are one.
CAMERA = {
    "width": SIDE,
    "height": SIDE,
    "K": [[30.0, 0.0, 12.0], [0.0, 30.0, 12.0], [0.0, 0.0, 1.0]],
    "camera_to_world": [[float(i == j) for j in range(4)] for i in range(4)],
}
# A door that swings about a vertical axis on its left, and a slider on it that nobody has named.
AXES = [
    {
        "link": 1,
        "part": "door",
        "kind": "revolute",
        "parent": 0,
        "value": 0.0,
        "origin": [0.0, 0.0, 4.0],
        "axis": [0.0, 1.0, 0.0],
        "limits": [0.0, 1.0],
    },
    {
        "link": 2,
        "part": "bolt",
        "kind": "prismatic",
        "parent": 1,
        "value": 0.0,
        "origin": [0.0, 0.0, 4.0],
        "axis": [1.0, 0.0, 0.0],
        "limits": [0.0, 0.1],
    },
]
ACTION = Action((14.5, 12.5), (0.0, 0.6, 0.8), (1.0, 0.0, 0.0))
COLORS = {"red": (200, 40, 40), "blue": (40, 40, 200)}


def facts(number: int) -> Facts:
    """Of scene ``number``: a safe or a box, red or blue, closed or open, alone or beside a ball."""
    noun, color = ("safe", "box")[number % 2], ("red", "blue")[number // 2 % 2]
    opened = (0.0, 0.2, 0.9)[number % 3]
    part = PartState("door", 1, "revolute", opened, number % 4 == 0, False)
    ball = ThingFact("ball", "green", ("left", "right")[number % 2], 1)
    return Facts(
        category=noun.capitalize(),
        noun=noun,
        color=color,
        parts=(part,),
        visible=("door", "handle"),
        lacks=("wheel",),
        counts=(("door", 1),),
        surface="table",
        surface_color="brown",
        things=(ball,) if number % 3 else (),
        absent_shapes=("cube", "cone"),
        places=(("door", 40, 50),),
        touch=(60, 50),
    )


def write_world(
    folder: Path, *, split: str = "train", scenes: int = 12, poses: int = 8
) -> dict[str, Any]:
    """Write the folder; its manifest."""
    for name in ("images", "depth", "masks"):
        (folder / name).mkdir(parents=True)
    known = [(f"{number:06d}", facts(number)) for number in range(scenes)]
    for number, (name, fact) in enumerate(known):
        Image.fromarray(picture(fact.color)).save(folder / "images" / f"{name}.jpg")
        maps(folder, name, number)
    truths = [pose(folder, number, split) for number in range(poses)]
    files: dict[str, Any] = {
        "stage1_1.json": [caption(name, fact, k) for k, (name, fact) in enumerate(known)],
        "stage1_2_llava.json": [talk(name, fact) for name, fact in known],
        "stage1_2_lrv.json": [doubt(name, fact) for name, fact in known],
        "stage1_2_detail.json": [caption(name, fact, k) for k, (name, fact) in enumerate(known)],
        "manip.json": [
            record(truth["id"], "Give the contact point.", answer_text(ACTION)) for truth in truths
        ],
        "contact_points.json": [
            record(truth["id"], "Where to touch?", "60, 50") for truth in truths
        ],
    }
    for name, records in files.items():
        if records:
            (folder / name).write_text(json.dumps(records))
    lines = {
        "scenes.jsonl": [
            {
                "id": name,
                "instance": f"{split}-{fact.category}-{int(name):04d}",
                "camera": CAMERA,
                "axes": AXES,
                **dataclasses.asdict(fact),
            }
            for name, fact in known
        ],
        "poses.jsonl": truths,
        "clips.jsonl": [
            {"id": f"{number:06d}", "instance": f"{split}-Door-{number:04d}"} for number in range(3)
        ],
    }
    for name, rows in lines.items():
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    manifest = {
        "plan": {"samples": poses, "language": scenes, "clips": 3, "split": split},
        "poses": {"kept": poses, "failed": 5},
        "files": {name: {} for name, content in (files | lines).items() if content},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return manifest


def picture(color: str) -> np.ndarray:
    """A square of the colour on gray."""
    pixels = np.full((SIDE, SIDE, 3), 120, np.uint8)
    pixels[6:18, 6:18] = COLORS[color]
    return pixels


def pose(folder: Path, number: int, split: str) -> dict[str, Any]:
    """A pose's picture, and its line."""
    name = f"Safe_{number:06d}"
    Image.fromarray(picture(("red", "blue")[number % 2])).save(folder / "images" / f"{name}.png")
    maps(folder, name, number)
    about = {"id": name, "category": "Safe", "instance": f"{split}-Safe-{number:04d}"}
    return {**about, "camera": CAMERA, "axes": AXES}


def maps(folder: Path, name: str, number: int) -> None:
    """A picture's maps: body left, two parts right, above them nothing, and for a third of the
    pictures a thing in the upper left corner; farther with each number."""
    links = np.zeros((SIDE, SIDE), np.uint8)
    links[8:, :12], links[8:16, 12:], links[16:, 12:] = 1, 2, 3
    if number % 3:
        links[:8, :8] = 201
    depth = np.where(links > 0, 4000 + 10 * number + links.astype(np.uint16), 0).astype(np.uint16)
    Image.fromarray(links).save(folder / "masks" / f"{name}.png")
    Image.fromarray(depth).save(folder / "depth" / f"{name}.png")


def turns(*texts: str) -> list[dict[str, str]]:
    """A conversation."""
    roles = ("human", "gpt")
    return [{"from": roles[k % 2], "value": text} for k, text in enumerate(texts)]


def caption(name: str, fact: Facts, number: int) -> dict[str, Any]:
    """A record of stage 1.1; every other one has its picture behind the words."""
    asked = "Describe it.\n<image>" if number % 2 else "<image>\nDescribe it."
    said = turns(asked, f"a {fact.color} {fact.noun}")
    return {"id": name, "image": f"{name}.jpg", "conversations": said}


def talk(name: str, fact: Facts) -> dict[str, Any]:
    """A record of stage 1.2."""
    said = turns("<image>\nWhat is it?", f"A {fact.noun}.", "Which color?", f"It is {fact.color}.")
    return {"id": name, "image": f"{name}.jpg", "conversations": said}


def doubt(name: str, fact: Facts) -> dict[str, Any]:
    """A record of LRV's form."""
    asked = {"question": "Is there a kettle?", "answer": "No, there is none."}
    return {"image_id": name, **asked, "task": "negative"}


def record(name: str, question: str, answer: str) -> dict[str, Any]:
    """A record about a pose's picture."""
    said = turns(f"<image>\n{question}", answer)
    return {"id": name, "image": f"{name}.png", "conversations": said}
