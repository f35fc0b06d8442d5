# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a ``--checkpoint`` is, decided from file names alone and without loading jax.

Every command and ``rm.load`` ask here, so that a path means the same to all of them:

kind      what lies there                          what opens it
folder    manifest.json and config.json            ``convert.folder.open_folder``
step      manifest.json and meta.json              ``training.export.open_trained``
workdir   config.json and checkpoints/             ``training.export.open_trained``
preset    nothing: a name, for random weights      ``config.model_preset``
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path
from typing import Literal

from robomamba_jax.config import PRESETS, model_preset
from robomamba_jax.config.serial import ModelParts, parts_from_json
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.released import START, released_path, start_path
from robomamba_jax.utils.untrusted_text import parse_json, read_bytes

StoredKind = Literal["folder", "step", "workdir"]
Kind = Literal["folder", "step", "workdir", "preset"]

STEPS_FOLDER = "checkpoints"
"""Of a training workdir; each step is a folder in it, named by its number."""


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was named and found, not yet loaded.

    Attributes:
      kind: how it is stored, see the module.
      name: as it was given, for messages.
      path: where it lies, with "~" expanded; None for a preset.
    """

    kind: Kind
    name: str
    path: Path | None

    def parts(self) -> ModelParts | None:
        """The configurations of the parts that it has.

        Returns:
          None where no step can say. That is left to whoever loads it: opening a step compares
          every hash, and names the file that is damaged.

        Raises:
          InputError: the config.json of an inference folder is wrong.
        """
        if self.path is None:
            config = model_preset(self.name)
            return ModelParts(config.llm, config.vision, config.policy)
        if self.kind == "folder":
            return _read_parts(self.path / "config.json", key=None)
        folders = [self.path]
        if self.kind == "workdir":
            # Newest first, as loading looks for a good one.
            folders = [self.path / STEPS_FOLDER / str(step) for step in steps(self.path)]
        for folder in folders:
            try:
                return _read_parts(folder / "meta.json", key="parts")
            except InputError:
                continue
        return None

    def fingerprint(self) -> str:
        """What changes when the weights do: the sha256 of the manifest, which holds their hashes;
        for a workdir of its newest step's, unchecked.

        Raises:
          InputError: the manifest cannot be read.
        """
        if self.path is None:
            return f"preset {self.name}"
        file = self.path / "manifest.json"
        if self.kind == "workdir":
            newest = max(steps(self.path), default=0)
            file = self.path / STEPS_FOLDER / str(newest) / "manifest.json"
            # A run that has saved nothing yet: loading it will say so.
            file = file if file.is_file() else self.path / "config.json"
        return hashlib.sha256(read_bytes(file)).hexdigest()


def resolve_checkpoint(name: str | os.PathLike[str] | None) -> Checkpoint:
    """Decide what a checkpoint is.

    Args:
      name: an inference folder, a training workdir, one of its steps, "nano-start", or a
        preset's name; a folder takes precedence over a name. None = the released ``nano``. "~" is
        the user's home, unless a folder is really called that.

    Raises:
      InputError: it is none of these, it cannot be read, or this installation came without the
        released checkpoint.
    """
    name = os.fspath(released_path() if name is None else name)
    try:
        path = Path(name)
        path = path if path.exists() else path.expanduser()
        there = path.exists()
    except PermissionError as error:
        raise InputError(
            "unknown_checkpoint", f"checkpoint {name}: {error.strerror}", "give a readable folder"
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        # A name too long or with a NUL, or the home of a user that there is not.
        raise InputError(
            "unknown_checkpoint", f"{name[:200]!r} is not a path", "give a folder, or a preset"
        ) from error
    kind = stored_kind(path)
    if kind is not None:
        return Checkpoint(kind, name, path)
    # A folder has precedence: whoever has one called "nano" or "nano-start" means that.
    if name == START:
        return Checkpoint("folder", name, start_path())
    if name in PRESETS:
        return Checkpoint("preset", name, None)
    if there:
        raise InputError(
            "unknown_checkpoint",
            f"{name} is not a checkpoint: it has no manifest.json and config.json",
            "convert it first: robomamba convert --from FAMILY --in PATH --out DIR",
        )
    if "/" in name:
        raise InputError("unknown_checkpoint", f"checkpoint {name} does not exist", "give a folder")
    raise unknown_name("unknown_checkpoint", "preset", name, PRESETS)


def stored_kind(path: str | os.PathLike[str]) -> StoredKind | None:
    """How what lies at a path is stored; None of anything else.

    Raises:
      InputError: the system refuses to say.
    """
    folder = Path(path)
    try:
        has = {
            name: (folder / name).is_file()
            for name in ("manifest.json", "config.json", "meta.json")
        }
        if has["manifest.json"] and has["config.json"]:
            return "folder"
        if has["manifest.json"] and has["meta.json"]:
            return "step"
        return "workdir" if has["config.json"] and (folder / STEPS_FOLDER).is_dir() else None
    except OSError as error:
        what = f"{os.fspath(path)}: {error.strerror}"
        fix = "give another path, or fix its permissions"
        raise InputError("unreadable_file", what, fix) from error


def steps(workdir: str | os.PathLike[str]) -> list[int]:
    """The steps that a run has committed, newest first; not yet checked."""
    folder = Path(workdir) / STEPS_FOLDER
    if not folder.is_dir():
        return []
    return sorted((int(p.name) for p in folder.iterdir() if p.name.isdigit()), reverse=True)


def _read_parts(file: Path, *, key: str | None) -> ModelParts:
    """The configurations in a JSON file: its whole content, or what lies under ``key``."""
    # A step's meta.json names files of the user, whose names need not be UTF-8.
    content = parse_json(read_bytes(file), str(file), unique_keys=True, stray_bytes=bool(key))
    found = content.get(key) if key and isinstance(content, dict) else content
    if not isinstance(found, dict):
        raise InputError("bad_json", f"{file} is not a JSON object", "give the right file")
    return parts_from_json(found, f"{file}: {key}" if key else str(file))
