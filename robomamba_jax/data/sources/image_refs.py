# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From what a sample points at to an image, and to a hash of its content."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from robomamba_jax.data.images.files import MAX_FILE_BYTES, MAX_PIXELS, open_image, too_many_pixels
from robomamba_jax.data.sources.sample import ImageRef, VideoFrame, VideoMoment, even_frames
from robomamba_jax.data.sources.video_frames import frame_at, moment_sha256
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_types import UNKNOWN, kind_of, other_file, read_head
from robomamba_jax.utils.hashes import file_sha256

_VIDEOS = ("an MP4 or MOV video", "a Matroska or WebM video", "a RIFF file (sound or video)")


def open_ref(ref: ImageRef, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The image, decoded; errors as ``open_image``'s."""
    if isinstance(ref, VideoFrame):
        frames = _video_frames(ref.path, ref.total, max_pixels)
        return frames[min(ref.number, len(frames) - 1)].copy()  # the others stay as they are
    if isinstance(ref, VideoMoment):
        return frame_at(ref, max_pixels)
    return open_image(ref, max_pixels=max_pixels)


def ref_sha256(ref: ImageRef) -> bytes:
    """32 bytes that stand for the image's file, wherever it lies.

    Raises:
      InputError: the file cannot be read.
    """
    if isinstance(ref, VideoFrame):
        number = f":{ref.number}/{ref.total}".encode()
        return hashlib.sha256(_file_sha256(ref.path) + number).digest()
    if isinstance(ref, VideoMoment):
        return moment_sha256(ref)
    if isinstance(ref, Path):
        return _file_sha256(ref)
    if isinstance(ref, np.ndarray):
        shape = f"{ref.dtype}{ref.shape}".encode()
        return hashlib.sha256(shape + np.ascontiguousarray(ref).tobytes()).digest()
    return hashlib.sha256(ref).digest()


def _file_sha256(path: Path) -> bytes:
    try:
        if not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
            raise OSError("no regular file of bounded size")
        return bytes.fromhex(file_sha256(path))
    except OSError as error:
        raise InputError("missing_image", f"{path}: {error}", "give a readable file") from error


@functools.lru_cache(maxsize=2)
def _video_frames(path: Path, total: int, max_pixels: int) -> list[Image.Image]:
    """The wanted frames of a video. Several of one video are asked for in a row."""
    try:
        import av
    except ImportError as error:
        raise InputError(
            "missing_package", f"{path} is a video", "pip install av, or extract its frames"
        ) from error

    def broken(what: object) -> InputError:
        """The error of a video that cannot be decoded."""
        text = " ".join(str(what).split())[:200]
        return InputError("bad_image", f"{path} cannot be decoded: {text}", "give a whole video")

    if not path.is_file():
        raise InputError("missing_image", f"{path} does not exist", "correct the path")
    name = f"file:{path}"  # of a colon or "pipe:" in a path FFmpeg would make something else
    try:
        with av.open(name) as container:
            if not container.streams.video:
                raise broken("it has no images")
            stream = container.streams.video[0]
            width, height = stream.codec_context.width, stream.codec_context.height
            if width * height > max_pixels:
                raise too_many_pixels(str(path), width, height, max_pixels)
            count = sum(1 for _ in container.decode(stream))
        chosen = even_frames(count, total)
        with av.open(name) as container:
            frames = [
                frame.to_image()
                for number, frame in enumerate(container.decode(video=0))
                if number in chosen
            ]
    except InputError:
        raise
    except Exception as error:  # decoders raise nearly anything on hostile bytes
        head = read_head(path)
        if kind_of(head) not in (UNKNOWN, *_VIDEOS):
            raise other_file("bad_image", str(path), head, "not a video", "give a video") from error
        raise broken(error) from error
    if not frames:
        raise broken("it has no frames")
    return frames
