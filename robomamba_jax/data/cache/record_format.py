# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""An example as the bytes of one record, and back: a safetensors file in memory.

Tensors: ids int32[T], supervised bool[T], image_positions int32[M], image_sha256 uint8[M, 32];
image_0, image_1 ... each the bytes of a PNG or JPEG, or uint8[S, S, 3]; for poses contact,
rotation, gripper. The header's metadata holds the sample's id.
"""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import safetensors.numpy
from PIL import Image

from robomamba_jax.data.examples import Example, PoseTarget
from robomamba_jax.data.images.files import open_image
from robomamba_jax.errors import InputError

_JPEG_QUALITY = 95
_POSE = ("contact", "rotation", "gripper")


def to_record(example: Example, codec: str) -> bytes:
    """The record of an example whose images are there.

    Args:
      example: with images.
      codec: of the images, "png", "jpeg" or "raw".
    """
    tensors = {
        "ids": example.ids,
        "supervised": example.supervised,
        "image_positions": example.image_positions,
        "image_sha256": example.image_sha256,
    }
    for number, pixels in enumerate(() if example.images is None else example.images):
        tensors[f"image_{number}"] = _packed(pixels, codec)
    if example.pose is not None:
        tensors.update(zip(_POSE, example.pose, strict=True))
    # ensure_ascii: the header is UTF-8, which half of a surrogate pair in an id is not.
    return safetensors.numpy.save(tensors, {"id": json.dumps(example.id)})


def from_record(data: bytes, where: str, side: int | None, *, pixels: bool = True) -> Example:
    """The example in a record.

    Args:
      data: the record.
      where: for messages.
      side: S, of the images; None if there are none to read.
      pixels: whether to decode the images.

    Raises:
      InputError: the record is damaged, or its images are of another size.
    """
    try:
        # safetensors inside of an ArrayRecord: typed, no code is executed, and a tensor more does
        # not break older readers.
        tensors = safetensors.numpy.load(data)
        name = _name(data)
        ids, supervised = tensors["ids"], tensors["supervised"]
        positions, hashes = tensors["image_positions"], tensors["image_sha256"]
        shapes = (ids.shape, positions.shape, hashes.shape)
        count = len(positions)
        if supervised.shape != ids.shape or shapes != ((ids.size,), (count,), (count, 32)):
            raise ValueError("tensors of other shapes")
        pose = None
        if "contact" in tensors:
            pose = PoseTarget(*(tensors[key] for key in _POSE))
    except Exception as error:  # safetensors raises its own kinds
        text = " ".join(str(error).split())[:200]
        raise _damaged(where, text) from error
    images = None
    if pixels and side is not None:
        images = np.zeros((count, side, side, 3), np.uint8)
        for number in range(count):
            images[number] = _pixels(tensors.get(f"image_{number}"), where, side)
    return Example(
        name, ids.astype(np.int32), supervised.astype(bool), positions, images, hashes, pose
    )


def _packed(pixels: np.ndarray, codec: str) -> np.ndarray:
    if codec == "raw":
        return np.ascontiguousarray(pixels)
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    if codec == "png":
        # Level 1: half the time of the default for a few percent more bytes.
        image.save(buffer, "PNG", compress_level=1)
    else:
        # No chroma subsampling: crops are small, and colour edges matter to the contact.
        image.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return np.frombuffer(buffer.getvalue(), np.uint8)


def _pixels(stored: Any, where: str, side: int) -> np.ndarray:
    if stored is None:
        raise _damaged(where, "an image is missing")
    # One dimension = an encoded file, three = raw pixels: a folder may be read whatever codec wrote
    # it.
    if stored.ndim == 1:
        try:
            stored = np.asarray(open_image(stored.tobytes(), max_pixels=side * side))
        except InputError as error:
            raise _damaged(where, error.message) from error
    if stored.shape != (side, side, 3) or stored.dtype != np.uint8:
        raise _damaged(where, f"an image is {stored.dtype}{list(stored.shape)}")
    return stored


def _name(data: bytes) -> str:
    """The id in a safetensors header: 8 bytes of length, then JSON."""
    # safetensors.numpy.load gives no metadata; the header's place is part of the format.
    length = int.from_bytes(data[:8], "little")
    return str(json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["id"]))


def _damaged(where: str, what: str) -> InputError:
    return InputError(
        "damaged_file", f"{where}: {what}", "robomamba data verify finds what else; prepare again"
    )
