# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The frozen encoder of a checkpoint, alone or of a whole model, as a function of pixels."""

from __future__ import annotations

import os
from typing import NamedTuple

import jax
import numpy as np
import numpy.typing as npt
from flax import nnx

from robomamba_jax import api
from robomamba_jax.checkpoints import resolve_checkpoint
from robomamba_jax.config import VisionConfig
from robomamba_jax.convert.folder import open_folder
from robomamba_jax.convert.placement import load_params
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.probes.images import Encode
from robomamba_jax.models.graphs import abstract, plain_dicts, split
from robomamba_jax.models.vision import VisionTower


class FrozenEncoder(NamedTuple):
    """An encoder.

    Attributes:
      name: as it was given.
      fingerprint: changes when its files do.
      config: of the tower.
      transform: of images.
      encode: pixels to patches.
    """

    name: str
    fingerprint: str
    config: VisionConfig
    transform: ImageTransform
    encode: Encode


def open_encoder(path: str | os.PathLike[str] | None) -> FrozenEncoder:
    """The encoder of a checkpoint.

    Args:
      path: what ``rm.load`` takes, or an inference folder that holds an encoder alone; None = the
        released ``nano``. A preset's name has random weights, which say what training adds.

    Raises:
      InputError: there is none.
    """
    found = resolve_checkpoint(path)
    if found.path is not None and found.kind == "folder":
        folder = open_folder(found.path)
        config, transform = folder.parts.vision, folder.processor().transform
        if config is None or transform is None:
            raise _no_vision(found.name)
        graph, state = abstract(lambda: VisionTower(config, rngs=nnx.Rngs(0)))
        source = folder.source()
        try:
            # By the names of the whole model: a language model beside it stays unread.
            params = load_params(source, {"vision": plain_dicts(state)})["vision"]
        finally:
            source.close()
    else:
        model, processor = api.load(found.name)
        config, transform = model.config.vision, processor.transform
        if config is None or transform is None:
            raise _no_vision(found.name)
        tower = model.module().vision
        assert tower is not None  # as its config has one
        graph, params = split(tower)
    run = jax.jit(lambda params, images: nnx.merge(graph, params)(images))
    chosen = transform

    def encode(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Patches of uint8[B, S, S, 3]: float32[B, P, D]."""
        return np.asarray(run(params, chosen.normalize(pixels)), np.float32)

    return FrozenEncoder(found.name, found.fingerprint(), config, chosen, encode)


def _no_vision(name: str) -> InputError:
    return InputError("no_vision", f"checkpoint {name} has no image encoder", "give one that has")
