# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Other people's predictions as a policy: RoboMamba's result list, and ManipLLM's sentences."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from robomamba_jax.config.checks import one_of
from robomamba_jax.data.json_records import JsonRecords
from robomamba_jax.data.manipulation import (
    FRAMES,
    PIXEL_ORDERS,
    Action,
    parse_action,
    parse_detection,
)
from robomamba_jax.errors import InputError
from robomamba_jax.world.policies import Observation, Proposal, rotation_for

_NAMES = ("image_id", "image", "id", "question_id")
_TEXTS = ("text", "answer", "prediction", "output", "value")
_UP = re.compile(r"up direction.*forward direction", re.DOTALL)
_FIX = (
    'give {"image_id", "detection": [8 numbers]} or {"image", "text": "The contact point is ..."}'
)


class FilePolicy:
    """Says what a file says.

    Attributes:
      name: "file:" and the path.
      parameters: not known: 0.
      sha: there is no checkpoint.
    """

    parameters = 0
    sha: str | None = None

    def __init__(
        self, path: Path, *, pixel_order: str | None = None, frame: str = "manipllm"
    ) -> None:
        """Read the file.

        Args:
          path: a JSON list, or JSON lines; an episode's name is the picture's, without ending.
          pixel_order: of points, "xy" or "rowcol"; None = as their authors write: (row, col) in
            ManipLLM's sentences, (x, y) elsewhere.
          frame: of directions: "manipllm" (forward, left, up) or "opencv".

        Raises:
          InputError: the file is missing or broken, or a record is no prediction.
        """
        one_of("frame", frame, FRAMES)
        if pixel_order is not None:
            one_of("pixel_order", pixel_order, PIXEL_ORDERS)
        self.name = f"file:{path}"
        self._proposals: dict[str, Proposal] = {}
        records = JsonRecords(path)
        try:
            for index in range(len(records)):
                where = f"{path}: record {index}"
                name, proposal = _read(records[index], where, pixel_order, frame)
                self._proposals[name] = proposal
        finally:
            records.close()

    def propose(self, seen: Observation) -> Proposal | None:
        """The episode's prediction; None where the file has none, which is a failure."""
        return self._proposals.get(seen.episode)

    def episodes(self) -> set[str]:
        """The names of the episodes that it speaks of."""
        return set(self._proposals)


def _read(
    record: dict[str, Any], where: str, pixel_order: str | None, frame: str
) -> tuple[str, Proposal]:
    name = next((record[key] for key in _NAMES if isinstance(record.get(key), str)), None)
    if name is None:
        raise InputError("bad_record", f"{where} names no image", _FIX)
    stem = PurePosixPath(name).stem
    if "detection" in record:
        order = pixel_order or "xy"
        return stem, _proposal(
            parse_detection(record["detection"], where, pixel_order=order, frame=frame)
        )
    text = next((record[key] for key in _TEXTS if isinstance(record.get(key), str)), None)
    if text is None:
        raise InputError("bad_record", f"{where} holds no prediction", _FIX)
    forward = _UP.search(text) is not None
    order = pixel_order or ("rowcol" if forward else "xy")
    action = parse_action(text, where, pixel_order=order, frame=frame)
    up, second = np.asarray(action.approach), np.asarray(action.left)
    # ManipLLM names up and forward; left is up x forward.
    left = np.cross(up, second) if forward else second
    return stem, Proposal(action.contact_xy, rotation_for(up, left), action.gripper_open)


def _proposal(action: Action) -> Proposal:
    rotation = rotation_for(np.asarray(action.approach), np.asarray(action.left))
    return Proposal(action.contact_xy, rotation, action.gripper_open)
