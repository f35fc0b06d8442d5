# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What every source of training data gives: samples, by number."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.data.text.prompts import ROLES, Turn
from robomamba_jax.errors import InputError
from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.untrusted_text import is_lfs_pointer, lfs_pointer

_LOOK = 10
# Names of fields that bring more than a reader of one image knows, and other names of an image;
# in small letters, without "_", "-" and a plural's "s".
_OTHER_INPUT = frozenset(
    {"video", "videopath", "videofile", "frame", "audio", "audiopath", "audiofile", "sound"}
    | {"depth", "depthpath", "depthimage", "pointcloud", "system", "tool", "imagelist"}
)
_IMAGE_FIELDS = frozenset(
    {"imagepath", "imagefile", "imagename", "imageurl", "img", "imgpath", "imgfile", "imageid"}
    | {"picture", "photo", "pixelvalue", "filename", "imagebyte", "imagebase64", "imagedata"}
)
_MEDIA = re.compile(
    r"^data:(image|video|audio)/|\.(jpe?g|png|gif|webp|bmp|tiff?|mp4|avi|mov|mkv|webm|wav|mp3)$",
    re.IGNORECASE,
)


class VideoFrame(NamedTuple):
    """One of ``total`` frames of a video, evenly spread and ending with the last one.

    Attributes:
      path: the video.
      number: which of them, from 0.
      total: how many.
    """

    path: Path
    number: int
    total: int


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
      id: what ledgers and messages call it. Files promise that it is unique, and published ones
        break that: ``data inspect`` counts the repeated ones, and ledgers keep the number, too.
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

    def facts(self) -> Mapping[str, Json]:
        """What it is and how much: format, records, and what else the format knows."""
        ...


def conversation(value: object, where: str, *, image: bool = True) -> tuple[Turn, ...]:
    """A record's ``conversations`` as turns.

    Args:
      value: a list of ``{"from": role, "value": text}``.
      where: the record, for messages.
      image: whether the record has one, of which the first question may be made alone.

    Raises:
      InputError: it is no such list, it is empty, a turn says nothing or brings input that is not
        read, or no turn is an answer.
    """
    if not isinstance(value, list) or not value:
        raise bad_record(where, "has no conversations")
    turns: list[Turn] = []
    for number, turn in enumerate(value):
        role, text = (turn.get("from"), turn.get("value")) if isinstance(turn, dict) else (0, 0)
        if role not in ROLES or not isinstance(text, str):
            what = f"has a turn {number} that is not a {' or '.join(ROLES)} text"
            raise bad_record(where, what if role not in ROLES else f"{what}: {text!r:.80}")
        if len(turn) > 2:
            check_input(turn, ("from", "value"), f"{where}, turn {number}")
        # An image alone may be the first question.
        if not text.strip() and not (role == "human" and image and not turns):
            what = "an empty answer" if role == "gpt" else "an empty question"
            raise bad_record(where, f"has {what} (turn {number})")
        turns.append((str(role), text))
    if all(role != "gpt" for role, _ in turns):
        raise bad_record(where, "has no answer")
    return tuple(turns)


def check_input(record: Mapping[str, Json], read: Sequence[str], where: str) -> None:
    """Check that a record brings no input in a field that its reader does not know.

    Without this an image under another name is left out, and the record trained on as text alone.

    Args:
      record: an object of a file.
      read: the fields that the reader reads.
      where: the record, for messages.

    Raises:
      InputError: a field's name says that it is input, or, in a record without an image, its value
        is the name of an image, video or sound; it is not empty.
    """
    has_image = any(record.get(name) for name in ("image", "image_id", "video") if name in read)
    for name, value in record.items():
        if name in read or value in (None, "", [], {}, False):
            continue
        plain = name.lower().replace("-", "").replace("_", "").removesuffix("s")
        # "image" itself is read, "images" is another field: it would be lost where a reader takes
        # one image.
        other = plain in _OTHER_INPUT or (plain == "image" and name != "image")
        if other or (not has_image and (plain in _IMAGE_FIELDS or _names_media(value))):
            listed = ", ".join(read)
            raise InputError(
                "unread_input",
                f"{where} has the field {name[:80]!r}, which is not read",
                f"the fields that are read: {listed}; rename it, or take it out",
            )


def _names_media(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(isinstance(part, str) and _MEDIA.search(part) is not None for part in values)


def check_format(records: JsonRecords, fields: Sequence[str], where: object, name: str) -> None:
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
        what = f"has no {missing}: no {name} file"
        errors.append(bad_record(f"{where}: record {index}", what))
    raise errors[0]


def text_field(record: Mapping[str, Json], name: str, where: str) -> str:
    """A field that must be text; numbers, which some copies hold for ids, become it.

    Raises:
      InputError: it is missing or something else.
    """
    value = record.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        what = f"has no text {name!r}"
        raise bad_record(where, what if value is None else f"{what}: it is {value!r:.80}")
    return value


def image_field(record: Mapping[str, Json], where: str) -> Json:
    """What a record has as its image; None where it has none.

    Raises:
      InputError: it is there, and empty.
    """
    image = record.get("image")
    if image is not None and image in ("", [], {}):
        raise bad_record(where, f"has an empty 'image': {image!r}")
    return image


def even_frames(count: int, total: int) -> list[int]:
    """``total`` of ``count`` frames, evenly spread, the last one among them; all of them if
    there are no more."""
    total = min(count, total)
    # From the end backwards in equal steps, rounded down: 10 frames, 4 wanted -> 2, 4, 7, 9.
    # RoboVQA asks what is done at the end of the clip, so the last frame must be there.
    return [count - 1 - (total - 1 - n) * count // total for n in range(total)]


@contextlib.contextmanager
def decoding(broken: Callable[[object], InputError]) -> Iterator[None]:
    """Decoders raise nearly anything on damaged bytes, MemoryError too: whatever it is becomes an
    ``InputError``, which ``broken`` makes of it; those that are one already stay as they are."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise broken(error) from error


def refuse_pointer(path: Path) -> None:
    """Raise ``InputError`` where a file is what Git LFS puts in place of another."""
    with path.open("rb") as file:
        if is_lfs_pointer(file.read(64)):
            raise lfs_pointer(str(path))


def bad_record(where: str, what: str) -> InputError:
    """An ``InputError`` about a record."""
    return InputError("bad_record", f"{where} {what}", "fix the record, or leave it out")


@dataclasses.dataclass(frozen=True)
class SpreadSource:
    """So many samples of a source, evenly spread: files often hold one task after another.

    Attributes:
      source: of which.
      samples: how many.
    """

    source: Source
    samples: int

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> Sample:
        # Integers: floats would miss the last records of very long sources.
        at = range(self.samples)[index] * len(self.source) // self.samples
        return self.source[at]

    def facts(self) -> Mapping[str, Json]:
        """The source's, and how many are read."""
        return {**self.source.facts(), "samples": self.samples}


def at_most(source: Source, samples: int) -> Source:
    """The source itself, or as many of its samples."""
    return source if len(source) <= samples else SpreadSource(source, samples)
