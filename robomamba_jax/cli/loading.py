# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From arguments to a loaded model, alike in ``generate`` and ``predict``: what is wrong with a
checkpoint, a picture or a place to write to is said before jax is loaded where that is possible.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from robomamba_jax.errors import InputError, unknown_name

_WRITTEN = "give another place"


class Loaded(NamedTuple):
    """A model ready to be asked.

    Attributes:
      name: the checkpoint, as messages call it.
      model: from ``rm.load``.
      processor: from ``rm.load``.
      seconds: what loading took.
    """

    name: str
    model: Any
    processor: Any
    seconds: float


class Checkpoint(NamedTuple):
    """A checkpoint that was named and looked at, not yet loaded.

    Attributes:
      path: what ``rm.load`` takes.
      tokenizer: a tokenizer.json for one that has none, or None.
      mark: changes when its files do: a hash of the manifest, which holds theirs.
      parts: has attributes ``vision`` and ``policy``, None where it has no such part; or None
        where nobody knows before loading.
    """

    path: str
    tokenizer: str | None
    mark: str
    parts: Any


def add_checkpoint_arguments(parser: Any) -> None:
    """``--checkpoint`` and ``--tokenizer``."""
    parser.add_argument(
        "--checkpoint",
        metavar="PATH",
        help="a folder, a run, a step, or a preset's name for random weights (the released nano)",
    )
    parser.add_argument(
        "--tokenizer", metavar="FILE", help="a tokenizer.json, for a checkpoint without one"
    )


def find_checkpoint(args: argparse.Namespace) -> Checkpoint:
    """The checkpoint that the arguments name.

    Args:
      args: with the fields of :func:`add_checkpoint_arguments`.

    Raises:
      InputError: there is no such checkpoint, or the tokenizer cannot be read.
    """
    from robomamba_jax.config import PRESETS, model_preset
    from robomamba_jax.config.serial import parts_from_json
    from robomamba_jax.data.text.tokenizer import Tokenizer
    from robomamba_jax.released import released_path
    from robomamba_jax.utils.files import read_json

    name = str(released_path()) if args.checkpoint is None else args.checkpoint
    mark = "" if args.tokenizer is None else Tokenizer.load(args.tokenizer).sha256
    path, parts = Path(name), None
    try:
        manifest, there = _manifest(path), path.exists()
        content = b"" if manifest is None else manifest.read_bytes()
    except OSError as error:
        raise InputError(
            "unknown_checkpoint", f"checkpoint {name}: {error.strerror}", "give a readable folder"
        ) from error
    if manifest is not None:
        config = path / "config.json"
        if manifest == path / "manifest.json" and config.is_file():
            parts = parts_from_json(read_json(config), str(config))
        mark += hashlib.sha256(content).hexdigest()
    elif name in PRESETS:
        parts = model_preset(name)
        mark += f"preset {name}"
    elif there:
        raise InputError(
            "unknown_checkpoint",
            f"{name} is no checkpoint: it has no manifest.json and config.json",
            "convert it first: robomamba convert --from FAMILY --in PATH --out DIR",
        )
    elif "/" in name:
        raise InputError("unknown_checkpoint", f"checkpoint {name} does not exist", "give a folder")
    else:
        raise unknown_name("unknown_checkpoint", "checkpoint", name, PRESETS)
    return Checkpoint(name, args.tokenizer, mark, parts)


def _manifest(path: Path) -> Path | None:
    """The manifest of an inference folder, a step, or a run's newest step; None of anything else.

    What ``convert.folder`` and ``training.checkpoint`` say of the same would bring jax in.
    """
    file = path / "manifest.json"
    if file.is_file() and any((path / name).is_file() for name in ("config.json", "meta.json")):
        return file
    steps = path / "checkpoints"
    if not (path / "config.json").is_file() or not steps.is_dir():
        return None
    numbers = [int(step.name) for step in steps.iterdir() if step.name.isdigit()]
    newest = steps / str(max(numbers, default=0)) / "manifest.json"
    return newest if newest.is_file() else path / "config.json"


def need_parts(name: str, parts: Any, *, vision: str | None = None, policy: bool = False) -> None:
    """Check that a model has what a command needs.

    Args:
      name: the checkpoint.
      parts: see :class:`Checkpoint`; its configuration once it is loaded.
      vision: the picture to be read, or None.
      policy: whether a pose is wanted.

    Raises:
      InputError: it has not.
    """
    if parts is None:
        return
    if vision is not None and parts.vision is None:
        raise InputError(
            "no_encoder",
            f"checkpoint {name} has no image encoder, and cannot read {vision}",
            "give one that has, or join it with an encoder: robomamba convert --from parts",
        )
    if policy and parts.policy is None:
        raise InputError(
            "no_policy",
            f"checkpoint {name} has no policy head",
            "give one of stage 2 (configs/stage2_manipulation.py)",
        )


def load(checkpoint: Checkpoint) -> Loaded:
    """Load a checkpoint; a second command of the same kind compiles nothing again.

    Raises:
      InputError: it is broken, an encoder alone, or has no tokenizer.
    """
    began = time.perf_counter()
    import jax

    from robomamba_jax import api
    from robomamba_jax.training.run import use_compilation_cache

    told = getattr(jax.config, "jax_compilation_cache_dir", None)
    use_compilation_cache()
    if not told:
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
    return Loaded(checkpoint.path, model, processor, time.perf_counter() - began)


def read_picture(path: str | Path) -> Any:
    """A whole picture, decoded, as PIL has it; not yet in the colours of the encoder.

    Raises:
      InputError: it cannot be read, or has no way to RGB.
    """
    from robomamba_jax.data.images.transforms import open_image, to_rgb

    picture = open_image(path)
    try:
        to_rgb(picture)
    except InputError as error:
        raise InputError(error.kind, f"image {str(path)!r}: {error.message}", error.fix) from error
    return picture


def check_target(flag: str, path: Path, inputs: list[Path]) -> None:
    """Check that a file can be written, as far as one can tell before the work.

    Args:
      flag: that names it.
      path: of the file; folders above it may be missing.
      inputs: what must not be written over.

    Raises:
      InputError: it cannot.
    """
    try:
        above = next(folder for folder in path.absolute().parents if folder.exists())
        there = path.exists()
        if there and not path.is_file():
            raise InputError("cannot_write", f"{flag} {path} is no regular file", _WRITTEN)
        for given in inputs:
            if there and given.exists() and path.samefile(given):
                raise InputError("cannot_write", f"{flag} {path} is the input {given}", _WRITTEN)
    except OSError as error:
        raise cannot_write(path, error) from error
    if not above.is_dir():
        raise InputError("cannot_write", f"{flag} {path}: {above} is no folder", _WRITTEN)
    if not os.access(path if there else above, os.W_OK):
        raise InputError("cannot_write", f"{flag} {path}: permission denied", _WRITTEN)


def cannot_write(path: Path, error: OSError) -> InputError:
    """The error of what the system refused to write."""
    return InputError("cannot_write", f"{path}: {error.strerror or error}", _WRITTEN)
