# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a caller gives a model, checked before it is traced: kinds, shapes and, where they are
known, values."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import numpy as np

from robomamba_jax.config import MambaConfig
from robomamba_jax.errors import InputError
from robomamba_jax.models.any_config import AnyConfig, language_config
from robomamba_jax.ops.arguments import BOOL, FLOAT, INT, as_array, known, not_empty, optional
from robomamba_jax.shapes import check_shape, check_shapes


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class ModelInputs:
    """What a model reads of a batch: the one order in which it is named everywhere.

    A registered pytree whose leaves are the arrays, so that it passes through ``jax.jit``,
    ``jax.device_put`` and the like as one argument. A field of None has no leaf: whether it is
    there is part of the tree's structure, and jit compiles one program for each such structure.

    Attributes:
      input_ids: int[B, T].
      images: float[B, S, S, 3] or [B, M, S, S, 3], already transformed.
      mask: bool[B, T], True = real; padding may lie anywhere and is invisible.
      image_positions: int[B, M], the text index before which each image stands, 0..T;
        -1 = no image there. None = 0: before all text, as published.
      segment_ids: int[B, T], for several samples packed in one row, which do not see
        each other. An image belongs to the text that it stands before.
      features: float[B, M, P, W], instead of images: what the encoder says of them.
    """

    input_ids: jax.Array
    images: jax.Array | None = None
    mask: jax.Array | None = None
    image_positions: jax.Array | None = None
    segment_ids: jax.Array | None = None
    features: jax.Array | None = None


def read_inputs(
    config: AnyConfig,
    input_ids: Any,
    images: Any = None,
    mask: Any = None,
    image_positions: Any = None,
    segment_ids: Any = None,
    features: Any = None,
) -> ModelInputs:
    """Whatever numpy can read, as the arrays that a model of this configuration takes.

    Args:
      config: of the model.
      input_ids: int[B, T]; outside jit they must lie in the vocabulary.
      images: float[B, S, S, 3] or [B, M, S, S, 3].
      mask: bool[B, T], or 0 and 1.
      image_positions: int[B, M]; outside jit from -1 to T. Without images there may be none.
      segment_ids: int[B, T].
      features: float[B, M, P, W], instead of images.

    Raises:
      InputError: an argument is of another kind or shape, or has no meaning for this model.
    """
    ids = as_array("input_ids", input_ids, INT, "B T")
    sizes: dict[str, int] = {}
    check_shape("input_ids", ids, "B T", sizes)
    not_empty(sizes)
    check_ids(ids, language_config(config).vocab_size)
    mask = optional("mask", mask, BOOL, "B T")
    segment_ids = optional("segment_ids", segment_ids, INT, "B T")
    check_shapes(sizes, ("mask", mask, "B T"), ("segment_ids", segment_ids, "B T"))
    images, features = _read_vision(config, sizes, images, features)
    positions = optional("image_positions", image_positions, INT, "B M")
    if positions is not None:
        _check_positions(positions, sizes, images is not None or features is not None)
    return ModelInputs(ids, images, mask, positions, segment_ids, features)


def check_ids(input_ids: jax.Array, vocab_size: int) -> None:
    """That ids lie in the vocabulary: on the host only. Inside jit they are not known, and one
    that lies outside makes its row NaN.

    Raises:
      InputError: one does not; the message names it.
    """
    ids = known(input_ids)
    if ids is None or (ids.min() >= 0 and ids.max() < vocab_size):
        return
    wrong = int(ids[(ids < 0) | (ids >= vocab_size)][0])
    raise InputError(
        "id_outside_vocabulary",
        f"input_ids holds {wrong}; the vocabulary has {vocab_size}",
        "use this model's tokenizer",
    )


def read_images(images: Any) -> jax.Array:
    """float[B, M, S, S, 3], or [B, S, S, 3] as one image each.

    Raises:
      InputError: no such array.
    """
    images = as_array("images", images, FLOAT, "B M S S 3")
    if images.ndim not in (4, 5):
        raise InputError(
            "shape_mismatch",
            f"images has shape {list(images.shape)}, not [B, S, S, 3] or [B, M, S, S, 3]",
            "transform images with this model's processor",
        )
    return images if images.ndim == 5 else images[:, None]


def _read_vision(config: AnyConfig, sizes: dict[str, int], images: Any, features: Any) -> Any:
    """Images or features, of a model that reads such."""
    vision = None if isinstance(config, MambaConfig) else config.vision
    for name, value in (("images", images), ("features", features)):
        if value is not None and vision is None:
            raise InputError("no_vision", "this model reads text only", f"leave {name} out")
    if images is not None and features is not None:
        raise InputError("bad_arguments", "images and features were both given", "give one of them")
    if images is not None:
        images = read_images(images)
        check_shape("images", images, "B M S S 3", {**sizes, "3": 3})
    if features is not None:
        assert vision is not None
        features = as_array("features", features, FLOAT, "B M P W")
        wanted = {**sizes, "P": vision.num_patches, "W": vision.width}
        check_shape("features", features, "B M P W", wanted)
    return images, features


def _check_positions(positions: jax.Array, sizes: dict[str, int], has_images: bool) -> None:
    """That every position is one of the text, and that images stand there."""
    check_shape("image_positions", positions, "B M", dict(sizes))
    if positions.size and not has_images:
        raise InputError(
            "bad_arguments", "image_positions were given without images", "give both, or neither"
        )
    values, length = known(positions), sizes["T"]
    if values is not None and np.any((values < -1) | (values > length)):
        wrong = int(values[(values < -1) | (values > length)][0])
        raise InputError(
            "bad_arguments",
            f"image_positions holds {wrong}; the text has {length} tokens",
            f"give 0 to {length}, or -1 for no image",
        )
