# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA's JSON files: ``{"uid", "video", "text"}``, the text as in the TFRecord files.

https://github.com/google-deepmind/robovqa: a list, one object, or one object per line. The
images are a clip's frames where somebody has extracted them, or else the video itself.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.data.sources.paths import NO_ROOTS, AllowedRoots, below, inside
from robomamba_jax.data.sources.robovqa import ClipSource, question_sample
from robomamba_jax.data.sources.robovqa_text import Question, parse_questions
from robomamba_jax.data.sources.sample import (
    ImageRef,
    Sample,
    VideoFrame,
    bad_record,
    check_input,
    even_frames,
    text_field,
)
from robomamba_jax.errors import InputError

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
# Beside the JSON file, or beside the folder json/ that holds train/ and val/.
_VIDEOS = ("videos", "")
_FRAMES = ("frames", "images", "imgs", "videos", "")


class RoboVqaJsonSource(ClipSource[JsonRecords]):
    """Samples of RoboVQA's JSON files; every question is one."""

    _format = "robovqa-json"

    def __init__(
        self,
        paths: Sequence[str | os.PathLike[str]],
        root: str | os.PathLike[str] | None = None,
        *,
        frames: int = 1,
        split: str = "standard",
        allowed: AllowedRoots = NO_ROOTS,
    ) -> None:
        """Read every clip's text once, to count its questions.

        Args:
          paths: the files, in their order.
          root: the folder that holds ``videos/``, or ``frames/<video's stem>/``, or
            ``images/<stem or uid>.jpg``; None = the first file's own.
          frames: how many of a clip's frames become images, see ``RoboVqaSource``.
          split: where answers begin, see ``parse_questions``.
          allowed: where links below the root may lead.

        Raises:
          InputError: a file or a clip is broken.
        """
        self._allowed = allowed
        super().__init__([JsonRecords(path) for path in paths], frames, split)
        self._root = Path(paths[0]).parent if root is None else Path(root)

    def _clip(self, number: int, record: int) -> tuple[dict[str, Any], list[Question]]:
        file = self._files[number]
        where = f"{file.path}: record {record}"
        clip = file[record]
        if "text" not in clip or not ("video" in clip or "uid" in clip):
            raise bad_record(where, "lacks text, video or uid: it is not a RoboVQA clip")
        check_input(clip, ("uid", "video", "text"), where)
        return clip, parse_questions(text_field(clip, "text", where), where, self._split)

    def __getitem__(self, index: int) -> Sample:
        """One question with its frames as images, in front of it.

        Raises:
          InputError: the record is damaged, or its images are missing.
        """
        video, uid, which, question = self._question(index)
        return question_sample(f"{uid}.{which}", self._images(video, uid), question)

    def without_images(self, index: int) -> Sample:
        """The same without images, which are not looked for.

        Raises:
          InputError: the record is damaged.
        """
        _, uid, which, question = self._question(index)
        return question_sample(f"{uid}.{which}", (), question)

    def _question(self, index: int) -> tuple[str, str, int, Question]:
        """The video's name, its id, which of its questions, and the question."""
        number, record, which = (int(value) for value in self._spans[index])
        clip, questions = self._clip(number, record)
        where = f"{self._files[number].path}: record {record}"
        key = "video" if "video" in clip else "uid"
        video = text_field(clip, key, where)
        uid = text_field(clip, "uid", where) if "uid" in clip else Path(video).stem
        return video, uid, which, questions[which]

    def _images(self, video: str, uid: str) -> tuple[ImageRef, ...]:
        """Extracted frames in a folder, one extracted frame, or frames of the video."""
        try:
            found = self._find(video, uid)
        except OSError as error:  # no permission, or a name that is too long for one
            what = f"video {video[:200]!r} cannot be looked for: {error.strerror}"
            raise InputError("missing_image", what, "allow reading there, or fix it") from error
        if found is None:
            raise InputError(
                "missing_image",
                f"video {video[:200]!r} is not below {self._root}",
                "put it into videos/, or its frames into frames/<its name>/ there, or give another "
                "root (data.sources.N.root in a configuration, --root of data inspect)",
            )
        return found

    def _find(self, video: str, uid: str) -> tuple[ImageRef, ...] | None:
        stem = str(Path(video).with_suffix("")) if Path(video).suffix else video
        # Extracted frames win over the video: who extracted them chose them, and they need no
        # decoder.
        for folder in _FRAMES:
            # Both names are in use; dict.fromkeys drops the second where they are equal, and keeps
            # the order.
            for name in dict.fromkeys((stem, uid)):
                path = below(self._root, f"{folder}/{name}" if folder else name, self._allowed)
                if path.is_dir():
                    found = sorted(x for x in path.iterdir() if x.suffix.lower() in _SUFFIXES)
                    if found:
                        chosen = even_frames(len(found), self._frames)
                        return tuple(self._inside(found[n], name) for n in chosen)
                for suffix in _SUFFIXES:
                    image = path.with_name(path.name + suffix)
                    if image.is_file():
                        return (self._inside(image, name),)
        for folder in _VIDEOS:
            file = below(self._root, f"{folder}/{video}" if folder else video, self._allowed)
            if file.is_file():
                film = self._inside(file, video)
                return tuple(VideoFrame(film, n, self._frames) for n in range(self._frames))
        return None

    def _inside(self, path: Path, name: str) -> Path:
        """A file that is there, as it really lies: frames may be links, too."""
        return inside(self._root, path, name, self._allowed)
