# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes into files: images, depth, masks, and the records of the real formats."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from robomamba_jax.data.geometry.camera import MANIPLLM_TO_OPENCV
from robomamba_jax.data.geometry.masks import FIRST_THING
from robomamba_jax.data.sources.manipulation import Action, answer_text
from robomamba_jax.data.text.prompts import IMAGE
from robomamba_jax.errors import InputError
from robomamba_jax.world.language.captions import Pair
from robomamba_jax.world.policies.interface import Proposal
from robomamba_jax.world.sim.simulator import CameraFrame

_LAST_LINK, _LAST_THING = FIRST_THING - 2, 255 - FIRST_THING
# Subsampling 0 keeps colours at full resolution: handles and buttons are a few pixels wide.
JPEG = {"quality": 95, "subsampling": 0}


def save_image(path: Path, rgb: npt.NDArray[np.uint8]) -> None:
    """A JPEG or a PNG, as the name says."""
    options: dict[str, Any] = JPEG if path.suffix == ".jpg" else {"compress_level": 6}
    Image.fromarray(rgb).save(path, **options)


def jpeg_bytes(rgb: npt.NDArray[np.uint8]) -> bytes:
    """An image as a JPEG file's bytes."""
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", **JPEG)
    return out.getvalue()


def save_ground_truth(root: Path, name: str, view: CameraFrame, *, things: bool = False) -> None:
    """Depth as millimetres in a 16-bit PNG (0 = nothing), and which link a pixel shows (link + 1,
    0 = none of the object).

    Args:
      root: the folder of depth/ and masks/.
      name: of both files, without ``.png``.
      view: the image's truth.
      things: whether the mask names plain things too, from FIRST_THING on.

    Raises:
      InputError: a link's or a thing's number is beyond what a mask's pixel can be.
    """
    if view.links.max(initial=0) > _LAST_LINK:
        raise InputError(
            "too_many_links",
            f"the object has a link {view.links.max()}; masks end at {_LAST_LINK}",
            "take it out of the list",
        )
    if things and view.things.max(initial=0) > _LAST_THING:
        raise InputError(
            "too_many_things",
            f"the scene has a thing {view.things.max()}; masks end at {_LAST_THING}",
            "put fewer things into it",
        )
    # 16 bits reach 65 m; the farthest corner of the largest floor is nearer than 20.
    millimetres = np.round(view.depth * 1000).astype(np.uint16)
    Image.fromarray(millimetres).save(root / "depth" / f"{name}.png")
    shown = view.links + 1
    if things:
        shown = np.where(view.things >= 0, FIRST_THING + view.things, shown)
    Image.fromarray(shown.astype(np.uint8)).save(root / "masks" / f"{name}.png")


def pose_answer(proposal: Proposal) -> str:
    """A pose as RoboMamba's files have it: directions in ManipLLM's frame (forward, left, up)."""
    # The matrix leads from ManipLLM's frame to OpenCV's, its transpose back.
    approach, left = (MANIPLLM_TO_OPENCV.T @ proposal.rotation[:, k] for k in (0, 1))
    return answer_text(
        Action(
            proposal.contact_xy,
            (float(approach[0]), float(approach[1]), float(approach[2])),
            (float(left[0]), float(left[1]), float(left[2])),
            proposal.gripper_open,
        )
    )


def turns(pairs: list[tuple[str, str]], image_first: bool = True) -> list[dict[str, str]]:
    """LLaVA's conversation; the image stands in the first question."""
    found = []
    for k, (question, answer) in enumerate(pairs):
        text = question
        if k == 0:
            text = f"{IMAGE}\n{question}" if image_first else f"{question}\n{IMAGE}"
        found += [{"from": "human", "value": text}, {"from": "gpt", "value": answer}]
    return found


def llava_record(
    name: str, image: str, pairs: list[Pair], image_first: bool = True
) -> dict[str, Any]:
    """A record of LLaVA's files."""
    texts = [(pair.question, pair.answer) for pair in pairs]
    return {"id": name, "image": image, "conversations": turns(texts, image_first)}


def text_record(name: str, pairs: list[Pair]) -> dict[str, Any]:
    """A record of LLaVA's files without an image."""
    found = turns([(pair.question, pair.answer) for pair in pairs])
    found[0]["value"] = pairs[0].question
    return {"id": name, "conversations": found}


def lrv_records(image_id: str, pairs: list[Pair]) -> list[dict[str, str]]:
    """Records of LRV's files; task "negative" where what is asked about is not there."""
    return [
        {
            "image_id": image_id,
            "question": pair.question,
            "answer": pair.answer,
            "task": "negative" if pair.kind.startswith("absent") else "positive",
        }
        for pair in pairs
    ]


def pose_record(name: str, image: str, question: str, proposal: Proposal) -> dict[str, Any]:
    """A record of RoboMamba's manipulation file."""
    return {"id": name, "image": image, "conversations": turns([(question, pose_answer(proposal))])}
