# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The frame that a video shows at a moment, found from the key frame before it.

A file stays open between calls, so frames asked for one behind the other are decoded once each.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from PIL import Image

from robomamba_jax.data.images.files import too_many_pixels
from robomamba_jax.data.sources.sample import VideoMoment, decoding, refuse_pointer
from robomamba_jax.errors import InputError
from robomamba_jax.utils.hashes import file_sha256

_OPEN = 4  # files
_AHEAD = 1.0  # seconds that are rather decoded than sought
# A frame is there when its time is reached up to this share of the tolerance: times are rounded.
_ROUNDING = 0.05

_lock = threading.Lock()
_videos: OrderedDict[tuple[Any, ...], _Video] = OrderedDict()


def frame_at(moment: VideoMoment, max_pixels: int) -> Image.Image:
    """The frame nearest to a moment, decoded.

    Args:
      moment: of which video, and when.
      max_pixels: of a frame.

    Raises:
      InputError: the video is missing or broken, its frames are too large or of another size
        than the moment says, none is near enough, or av is not installed.
    """
    # A forked process must not share a decoder with its parent.
    key = (os.getpid(), *_identity(moment.path))
    # One decoder serves all threads of a process: opening and seeking cost more than waiting.
    with _lock:
        video = _videos.pop(key, None)
        if video is None:
            video = _Video(moment.path)
        try:
            image = video.at(moment, max_pixels)
        except BaseException:
            video.close()
            raise
        _videos[key] = video
        while len(_videos) > _OPEN:
            _videos.popitem(last=False)[1].close()
    return image


def moment_sha256(moment: VideoMoment) -> bytes:
    """32 bytes that stand for the frame, wherever the file lies.

    Raises:
      InputError: the file cannot be read.
    """
    content = _file_hash(*_identity(moment.path))
    return hashlib.sha256(content + f"@{moment.seconds!r}".encode()).digest()


def _identity(path: Path) -> tuple[Path, int, int]:
    """The path, and what changes with its content."""
    try:
        about = path.stat()
    except (OSError, ValueError) as error:
        raise InputError(
            "missing_image", f"{path} does not exist", "download the video, or correct the path"
        ) from error
    if not path.is_file():
        raise InputError("bad_image", f"{path} is not a regular file", "give a video file")
    # Size and time of change: enough to notice another file without reading it each time.
    return path, about.st_size, about.st_mtime_ns


@lru_cache(maxsize=4096)
def _file_hash(path: Path, size: int, changed: int) -> bytes:
    try:
        return bytes.fromhex(file_sha256(path))
    except OSError as error:
        raise _broken(path, error) from error


class _Video:
    """An open video, and the last two frames that were decoded."""

    def __init__(self, path: Path) -> None:
        try:
            import av
        except ImportError as error:
            raise InputError(
                "missing_package", f"{path} is a video", "pip install 'robomamba_jax[lerobot]'"
            ) from error
        self._path = path
        self._frames: Iterator[Any] = iter(())
        self._seen: list[Any] = []
        with decoding(partial(_broken, path)):
            refuse_pointer(path)
            # "file:" keeps a name with a colon from being a protocol, and the format a text file
            # from being a list of other files or addresses.
            self._container = av.open(f"file:{path}", format="mp4")
            try:
                if not self._container.streams.video:
                    raise _broken(path, "it has no images")
                self._stream = self._container.streams.video[0]
                # One core per worker: they are as many as the user wants busy.
                self._stream.codec_context.thread_count = 1
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def at(self, moment: VideoMoment, max_pixels: int) -> Image.Image:
        """See ``frame_at``."""
        context = self._stream.codec_context
        self._check_size(context.width, context.height, moment, max_pixels)
        with decoding(partial(_broken, self._path)):
            frame = self._find(moment.seconds, moment.tolerance)
            if frame is None or abs(frame.time - moment.seconds) > moment.tolerance:
                near = "it has none" if frame is None else f"the nearest is at {frame.time:.4f} s"
                raise InputError(
                    "bad_image",
                    f"{self._path} has no frame at {moment.seconds:.4f} s: {near}",
                    "give the video that was recorded with the data",
                )
            self._check_size(frame.width, frame.height, moment, max_pixels)
            return frame.to_image()

    def _check_size(self, width: int, height: int, moment: VideoMoment, max_pixels: int) -> None:
        if width * height > max_pixels:
            raise too_many_pixels(str(self._path), width, height, max_pixels)
        if moment.size is not None and (width, height) != tuple(moment.size):
            raise InputError(
                "size_mismatch",
                f"{self._path} is {width}x{height}, its data set says "
                f"{moment.size[0]}x{moment.size[1]}",
                "give the video that belongs to the data set",
            )

    def _find(self, seconds: float, tolerance: float) -> Any:
        """The nearest frame: from where the last call stopped, from the key frame before it, or
        from the beginning, whichever of them comes in front of it."""
        edge = seconds + _ROUNDING * tolerance
        # Forward within a second: decode on, since a seek goes back to the last key frame.
        if self._seen and self._seen[0].time <= edge and seconds < self._seen[-1].time + _AHEAD:
            return self._nearest(seconds, tolerance)
        base, start = float(self._stream.time_base or 1), self._stream.start_time or 0
        # An index may be wrong: where the seek ends behind the moment, once more from the
        # beginning.
        for offset in (max(round(seconds / base), start), start):
            self._container.seek(offset, stream=self._stream)
            self._frames, self._seen = self._container.decode(self._stream), []
            found = self._nearest(seconds, tolerance)
            if found is not None and found.time <= seconds + tolerance:
                break
        return found

    def _nearest(self, seconds: float, tolerance: float) -> Any:
        """Decode until ``seconds`` is reached."""
        while not self._seen or self._seen[-1].time < seconds - _ROUNDING * tolerance:
            frame = next(self._frames, None)
            if frame is None:
                break
            if frame.time is not None:
                # Two frames are enough: the one before the moment and the one behind it.
                self._seen = [*self._seen[-1:], frame]
        return min(self._seen, key=lambda frame: abs(frame.time - seconds), default=None)


def _broken(path: Path, what: object) -> InputError:
    text = " ".join(str(what).split())[:200]
    return InputError("bad_image", f"{path} cannot be decoded: {text}", "give a whole video")
