# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From arguments to a loaded model, alike in ``generate`` and ``predict``: what is wrong with a
checkpoint, an image or a place to write to is reported before jax is loaded where possible.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from robomamba_jax.config.serial import ModelParts
from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import writing

if TYPE_CHECKING:
    from PIL import Image

    from robomamba_jax.inference.engine import Engine

_ELSEWHERE = "give another place"


class Loaded(NamedTuple):
    """A model ready for requests, and the seconds that loading took."""

    engine: Engine
    seconds: float


class CheckpointChoice(NamedTuple):
    """A checkpoint that was named and looked at, not yet loaded.

    Attributes:
      path: what ``rm.load`` takes; messages call it so, too.
      tokenizer: a tokenizer.json for one that has none, or None.
      fingerprint: changes when its files or the tokenizer do.
      parts: the model's parts; None where only loading can say, which then fails.
    """

    path: str
    tokenizer: str | None
    fingerprint: str
    parts: ModelParts | None

    def need(self, *, vision: str | None = None, policy: bool = False) -> None:
        """Check that the model has what a command needs.

        Args:
          vision: the image to be read, or None.
          policy: whether a pose is wanted.

        Raises:
          InputError: it has not.
        """
        # A damaged step: loading it compares every hash, and can say which file it is.
        if self.parts is None:
            return
        if vision is not None and self.parts.vision is None:
            raise InputError(
                "no_vision",
                f"checkpoint {self.path} has no image encoder, and cannot read {vision}",
                "give one that has, or join it with an encoder: robomamba convert --from parts",
            )
        if policy and self.parts.policy is None:
            raise InputError(
                "no_policy",
                f"checkpoint {self.path} has no policy head",
                "give one of stage 2 (configs/stage2_manipulation.py)",
            )


def add_checkpoint_arguments(parser: argparse.ArgumentParser) -> None:
    """``--checkpoint`` and ``--tokenizer``."""
    parser.add_argument(
        "--checkpoint",
        metavar="PATH",
        help="a folder, a run, a step, or a preset's name for random weights (the released nano)",
    )
    parser.add_argument(
        "--tokenizer", metavar="FILE", help="a tokenizer.json, for a checkpoint without one"
    )


def find_checkpoint(args: argparse.Namespace) -> CheckpointChoice:
    """The checkpoint that the arguments name.

    Args:
      args: with the fields of :func:`add_checkpoint_arguments`.

    Raises:
      InputError: there is no such checkpoint, or the tokenizer cannot be read.
    """
    from robomamba_jax.checkpoints import resolve_checkpoint
    from robomamba_jax.data.text.tokenizer import Tokenizer

    # Read now: a wrong file is told before the weights are loaded. Its hash is a part of what
    # answers are made from.
    tokenizer = "" if args.tokenizer is None else Tokenizer.load(args.tokenizer).sha256
    found = resolve_checkpoint(args.checkpoint)
    fingerprint = tokenizer + found.fingerprint()
    return CheckpointChoice(found.name, args.tokenizer, fingerprint, found.parts())


def load(checkpoint: CheckpointChoice) -> Loaded:
    """Load a checkpoint; a second command of the same kind compiles nothing again.

    Raises:
      InputError: it is broken, an encoder alone, or has no tokenizer.
    """
    began = time.perf_counter()
    # Here and not at the top: whatever could be refused without jax has been refused by now.
    import jax

    from robomamba_jax import api
    from robomamba_jax.inference.engine import Engine
    from robomamba_jax.training.run import use_compilation_cache

    chosen_by_user = getattr(jax.config, "jax_compilation_cache_dir", None)
    use_compilation_cache()
    if not chosen_by_user:
        # Our own cache: a command waits for each of its few programs, also for those that
        # compile faster than a training run would mind.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    model, processor = api.load(checkpoint.path, tokenizer=checkpoint.tokenizer)
    if processor.tokenizer is None:
        raise InputError(
            "missing_tokenizer",
            f"checkpoint {checkpoint.path} came without a tokenizer",
            "give --tokenizer FILE, such as assets/tokenizer.json (make assets)",
        )
    return Loaded(Engine(model, processor), time.perf_counter() - began)


def read_image(path: str | Path) -> Image.Image:
    """A whole image, decoded, as PIL has it; not yet in the color space of the encoder.

    Raises:
      InputError: it cannot be read, or has no way to RGB.
    """
    from robomamba_jax.data.images.transforms import open_image, to_rgb

    image = open_image(path)
    try:
        to_rgb(image)
    except InputError as error:
        raise InputError(error.kind, f"image {str(path)!r}: {error.message}", error.fix) from error
    return image


def check_target(flag: str, path: Path, inputs: list[Path]) -> None:
    """Check that a file can be written, as far as one can tell before the work.

    Args:
      flag: that names it.
      path: of the file; folders above it may be missing.
      inputs: what must not be written over.

    Raises:
      InputError: it cannot.
    """
    with writing(path):
        # Folders that are missing are made when the file is written: the nearest that exists
        # decides.
        above = next(folder for folder in path.absolute().parents if folder.exists())
        there = path.exists()
        if there and not path.is_file():
            raise InputError("cannot_write", f"{flag} {path} is not a regular file", _ELSEWHERE)
        for given in inputs:
            if there and given.exists() and path.samefile(given):
                raise InputError("cannot_write", f"{flag} {path} is the input {given}", _ELSEWHERE)
    if not above.is_dir():
        raise InputError("cannot_write", f"{flag} {path}: {above} is not a folder", _ELSEWHERE)
    # Not the last word (a disk may fill up), but an answer before the work and not after it.
    if not os.access(path if there else above, os.W_OK):
        raise InputError("cannot_write", f"{flag} {path}: permission denied", _ELSEWHERE)
