# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What every source of training data gives: samples, by number."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from robomamba_jax.data.prompts import ROLES, Turn
from robomamba_jax.errors import InputError

_LOOK = 10


class VideoFrame(NamedTuple):
    """One of ``wanted`` frames of a video, evenly spread and ending with the last one.

    Attributes:
      path: the video.
      place: which of the wanted ones, from 0.
      wanted: how many.
    """

    path: Path
    place: int
    wanted: int


class VideoMoment(NamedTuple):
    """The frame that a video shows at a moment.

    Attributes:
      path: the video.
      seconds: when, on the video's own clock.
      tolerance: how far in seconds the nearest frame may be.
      size: (width, height) that its frames must have, where that is known.
    """

    path: Path
    seconds: float
    tolerance: float
    size: tuple[int, int] | None = None


ImageRef = Path | bytes | VideoFrame | VideoMoment | np.ndarray
"""A file, the bytes of one, a video's frame, or pixels uint8[H, W, 3]."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """One conversation, with the images that it is about. Nothing is decoded yet.

    Attributes:
      id: unique in its source; what ledgers and messages call it.
      images: in the order of their placeholders; empty for text alone.
      turns: (role, text), role "human" or "gpt".
      task: what kind of question it is, where the source says.
    """

    id: str
    images: tuple[ImageRef, ...]
    turns: tuple[Turn, ...]
    task: str | None = None


class Source(Protocol):
    """Random access to samples. Reading one opens no image; a missing one is an error."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...

    def facts(self) -> Mapping[str, Any]:
        """What it is and how much: format, records, and what else the format knows."""
        ...


def conversation(value: object, where: str) -> tuple[Turn, ...]:
    """A record's ``conversations`` as turns.

    Args:
      value: a list of ``{"from": role, "value": text}``.
      where: the record, for messages.

    Raises:
      InputError: it is no such list, it is empty, or no turn is an answer.
    """
    if not isinstance(value, list) or not value:
        raise bad_record(where, "has no conversations")
    turns = []
    for number, turn in enumerate(value):
        role, text = (turn.get("from"), turn.get("value")) if isinstance(turn, dict) else (0, 0)
        if role not in ROLES or not isinstance(text, str):
            raise bad_record(where, f"has a turn {number} that is no {' or '.join(ROLES)} text")
        turns.append((str(role), text))
    if all(role != "gpt" for role, _ in turns):
        raise bad_record(where, "has no answer")
    return tuple(turns)


def check_format(records: Any, fields: Sequence[str], where: object, name: str) -> None:
    """Whether records are of a format, by the first ones that can be read.

    Args:
      records: a ``JsonRecords``.
      fields: what the format's records have.
      where: the file.
      name: the format's.

    Raises:
      InputError: none of the first has them, or none can be read.
    """
    errors = []
    for index in range(min(len(records), _LOOK)):
        try:
            record = records[index]
        except InputError as error:
            errors.append(error)
            continue
        if all(field in record for field in fields):
            return
        missing = " or ".join(fields)
        errors.append(bad_record(f"{where}: record {index}", f"has no {missing}: no {name} file"))
    raise errors[0]


def text_field(record: Mapping[str, Any], name: str, where: str) -> str:
    """A field that must be text; numbers, which some copies hold for ids, become it.

    Raises:
      InputError: it is missing or something else.
    """
    value = record.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise bad_record(where, f"has no text {name!r}")
    return value


def even_frames(count: int, wanted: int) -> list[int]:
    """``wanted`` of ``count`` frames, evenly spread, the last one among them; all of them if
    there are no more."""
    wanted = min(count, wanted)
    return [count - 1 - (wanted - 1 - n) * count // wanted for n in range(wanted)]


def bad_record(where: str, what: str) -> InputError:
    """An ``InputError`` about a record."""
    return InputError("bad_record", f"{where} {what}", "mend it, or skip bad records")
