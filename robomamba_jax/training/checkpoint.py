# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Steps on disk, written in the background and whole or not at all.

checkpoints/<step>/
  state/          trained parameters, optimizer, random key: see ``step_arrays``
  meta.json       step, data state, configuration, where the frozen part comes from, version
  processor.json, tokenizer.json
  manifest.json   bytes and sha256 of every other file

Everything is written into a hidden folder. Once the arrays are there they are read back, as a
reader does, and compared with what was to be written; hashes of all files follow, and renaming the
folder is the commit. A step is read only when all of its files are as they were.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

import jax
import numpy as np

from robomamba_jax.checkpoints import STEPS_FOLDER, steps, stored_kind
from robomamba_jax.convert.folder import check_files
from robomamba_jax.errors import InputError
from robomamba_jax.training import step_arrays
from robomamba_jax.training.failpoints import reached
from robomamba_jax.utils.files import read_json
from robomamba_jax.utils.hashes import file_sha256
from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.progress import Log
from robomamba_jax.utils.untrusted_text import encode_own_json

SCHEMA = "robomamba.step/1"
FORMAT_VERSION = 1
# What the system says when a file cannot be written.
_SYSTEM = re.compile(r"No space left|Disk quota|Permission denied|Read-only|Input/output error")
# Names that are no numbers: neither is ever listed as a step (``checkpoints.steps``).
_PARTIAL, _GOING = ".partial-", ".deleting-"


class BaseReference(TypedDict):
    """What a run has started from, by path and hash: the content of frozen.json.

    Attributes:
      kind: "random", "folder" (an inference folder) or "step" (of another run).
      path: absolute; None where it is random.
      sha256: of the folder's or step's manifest; of seed and sizes where it is random.
      seed: of random numbers.
    """

    kind: str
    path: str | None
    sha256: str
    seed: NotRequired[int]


class RunMeta(TypedDict):
    """What all steps of a run say alike in their meta.json.

    Attributes:
      stage: of the configuration.
      version: of this package.
      config: the run's, as ``tree_to_json`` writes it.
      parts: of the model that comes out, as config.json has them.
      model: ``ModelChoice``.
      seed: of what was initialized.
      base: what it has started from.
      initialized: shape and dtype of each frozen tensor that the base lacks ("drawn" in steps of
        earlier versions).
      features: kind of the cached features, "" for none.
      mesh: axis -> size.
      processes: how many.
      scan_method: the form that the scan is computed in; absent where there is no scan, and in
        steps of earlier versions.
    """

    stage: str
    version: str
    config: dict[str, Json]
    parts: dict[str, Json]
    model: dict[str, Any]
    seed: int
    base: BaseReference
    initialized: step_arrays.Leaves
    features: str
    mesh: dict[str, int]
    processes: int
    scan_method: NotRequired[str]


class StepMeta(RunMeta):
    """A step's meta.json.

    Attributes:
      schema: ``SCHEMA``.
      step: updates done.
      data: the data state, ``{seed, step, plan hash}``.
      leaves: shape and dtype of each array.
    """

    schema: str
    step: int
    data: dict[str, Any]
    leaves: step_arrays.Leaves


def damage(path: Path) -> str:
    """What is wrong with a step's folder, "" if nothing is: every file is as it was written, and
    every array is there to be read. (Steps of earlier versions were not read back: below a folder
    with "*", "?" or "[" in its name their files are whole, and no array is in them.)"""
    try:
        manifest = read_json(path / "manifest.json")
        if manifest.get("schema") != SCHEMA or manifest.get("format_version") != FORMAT_VERSION:
            return f"manifest.json is of format {manifest.get('schema')!r}"
        # A file more is damage, too: it is not of the process that has committed the step.
        known = {*manifest.get("files", {}), "manifest.json"}
        extra = sorted(set(_files(path)) - known)
        if extra:
            return f"{extra[0]} is not in the manifest"
        for name, what in check_files(path, manifest).items():
            if what:
                return f"{name} {what}"
        return step_arrays.unreadable(path / "state", read_meta(path)["leaves"])
    except (InputError, OSError) as error:
        return error.message if isinstance(error, InputError) else str(error)
    except (KeyError, TypeError) as error:
        return f"meta.json does not say what it holds: {error}"


def newest_good(workdir: str | os.PathLike[str], log: Log = lambda line: None) -> Path | None:
    """The newest step whose files are all as they were written; what is passed over is logged.

    Returns:
      Its folder, or None where there is no step at all.

    Raises:
      InputError: there are steps, and every one is damaged.
    """
    bad = []
    # Newest first: a damaged step costs the updates behind the one before it, not the run.
    for step in steps(workdir):
        path = Path(workdir) / STEPS_FOLDER / str(step)
        what = damage(path)
        if not what:
            return path
        bad.append(f"{path}: {what}")
        log(f"passed over: {bad[-1]}")
    if bad:
        raise InputError("bad_checkpoint", bad[0], "restore a copy, or begin a new workdir")
    return None


def read_meta(path: Path) -> StepMeta:
    """What a step says of itself.

    Raises:
      InputError: it is not a step's, or of another version.
    """
    meta = read_json(path / "meta.json", stray_bytes=True)
    if meta.get("schema") != SCHEMA:
        raise InputError(
            "bad_checkpoint", f"{path}/meta.json is not that of a step", "restore a copy"
        )
    return cast(StepMeta, meta)


class Checkpoints:
    """Writes a run's steps, and reads them onto any mesh."""

    def __init__(self, workdir: Path, *, keep: int, keep_every: int = 0) -> None:
        """Remove what an interrupted process left half done."""
        self._folder = workdir.absolute() / STEPS_FOLDER
        self._keep, self._keep_every = keep, keep_every
        self._arrays = step_arrays.ArrayWriter()
        # One thread: steps are committed one after the other, in their order.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._commit: Future[None] | None = None
        # Not what lies on the disk: processes see a commit at different moments.
        self._latest: int | None = None
        if jax.process_index() == 0:
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in self._folder.iterdir():
                # What a kill has left: a step that was never committed, or one that was pruned.
                if path.name.startswith((_PARTIAL, _GOING)):
                    shutil.rmtree(path)

    def save(
        self,
        step: int,
        tree: step_arrays.ArrayTree,
        meta: Mapping[str, object],
        beside: Callable[[Path], None],
    ) -> None:
        """Begin to write a step; the arrays may be changed as soon as this returns. The one that
        was written last, or read, is there already.

        Args:
          step: updates done.
          tree: of arrays; nested dicts.
          meta: JSON values; its other fields are filled in.
          beside: writes further files into the folder that it is given.

        Raises:
          InputError: the step before could not be written, or not be read back.
        """
        # One step is on its way at the most: each is a copy of the state in the host's memory.
        self.wait()
        if step == self._latest:
            return
        self._latest = step
        final = self._folder / str(step)
        partial = self._folder / f"{_PARTIAL}{step}"
        first = jax.process_index() == 0
        if first:
            partial.mkdir()
        # Nobody may write into a folder that process 0 has not made yet.
        _meet(f"partial-{step}")
        reached("snapshot", step)
        sums = step_arrays.array_sums(tree)
        # Copies to the host before it returns; the next step may donate the arrays then.
        self._arrays.begin(partial / "state", tree)
        reached("writing", step)
        leaves = step_arrays.described(tree)
        content = {**meta, "schema": SCHEMA, "step": step, "leaves": leaves}
        self._commit = self._pool.submit(
            self._finish, step, partial, final, content, sums, beside, first
        )

    def _finish(
        self,
        step: int,
        partial: Path,
        final: Path,
        meta: Mapping[str, Any],
        sums: jax.Array | np.ndarray,
        beside: Callable[[Path], None],
        first: bool,
    ) -> None:
        self._arrays.wait()
        # Every process has written its pieces of the arrays; one reads them back and commits.
        if not first:
            return
        reached("written", step)
        what = step_arrays.read_back(partial / "state", meta["leaves"], np.asarray(sums))
        if what:
            raise InputError(
                "cannot_read_back",
                f"step {step} was written to {partial}, and {what}",
                "look at the disk, or give a --workdir on another; the steps before are whole",
            )
        (partial / "meta.json").write_bytes(json_bytes(meta))
        beside(partial)
        # Hashed behind ``beside``, so that the manifest knows every file; synced before the
        # rename, or a power cut could leave a committed name in front of empty files.
        files = {}
        for name in _files(partial):
            file = partial / name
            files[name] = {"bytes": file.stat().st_size, "sha256": file_sha256(file)}
            _sync(file)
        manifest = {
            "schema": SCHEMA,
            "format_version": FORMAT_VERSION,
            "step": step,
            "files": files,
        }
        (partial / "manifest.json").write_bytes(json_bytes(manifest))
        _sync(partial / "manifest.json")
        reached("commit", step)
        # The commit. rename is atomic; the folder itself is synced so that it survives a power cut.
        partial.rename(final)
        _sync(final.parent)
        reached("committed", step)
        self._prune()
        reached("pruned", step)

    def _prune(self) -> None:
        """Keep the newest ones and those that stay for ever; only steps of ours go."""
        for step in steps(self._folder.parent)[self._keep :]:
            path = self._folder / str(step)
            # Somebody may have put a folder with a number for a name there: it is not ours.
            if (self._keep_every and step % self._keep_every == 0) or stored_kind(path) != "step":
                continue
            going = self._folder / f"{_GOING}{step}"
            # A step that is half deleted must not look whole: first its name goes.
            path.rename(going)
            reached("deleting", step)
            shutil.rmtree(going)

    def wait(self) -> None:
        """Until the last step is committed; raises what went wrong in the background.

        Raises:
          InputError: it could not be written, or not be read back.
        """
        if self._commit is None:
            return
        # Forgotten before it is asked: its error is raised once, not by ``close`` again.
        commit, self._commit = self._commit, None
        try:
            commit.result()
        except Exception as error:  # tensorstore puts the system's errors into its own
            what = " ".join(str(error).split())
            if isinstance(error, InputError):
                raise
            if not isinstance(error, OSError) and not _SYSTEM.search(what):
                raise
            fix = "free some space, then run the same command to resume: the steps before are whole"
            raise InputError("cannot_write", f"{self._folder}: {what[:300]}", fix) from error

    def resume_from(self, step: int | None) -> None:
        """Set which step lies here and was read; None = a new run. Later ones, which must be
        damaged, are moved out of the way."""
        self._latest = step
        step = -1 if step is None else step
        if jax.process_index() == 0:
            for later in steps(self._folder.parent):
                if later > step:
                    path = self._folder / str(later)
                    target = self._folder / f"damaged-{later}"
                    shutil.rmtree(target, ignore_errors=True)
                    path.rename(target)
        _meet(f"discard-{step}")

    def close(self, *, together: bool = True) -> None:
        """Finish what is being written; not ``together``, where this process has failed and the
        others may be waiting for it elsewhere."""
        try:
            self.wait()
        finally:
            self._pool.shutdown()
            self._arrays.close()
            if together:
                _meet("checkpoints-closed")


def restore(path: Path, like: step_arrays.ArrayTree) -> step_arrays.ArrayTree:
    """A step's arrays onto the shardings of ``like``, a tree of ``jax.ShapeDtypeStruct``s; called
    by all processes together.

    Raises:
      InputError: the step holds other arrays.
    """
    # Compared here and not left to orbax, so that the message names the first array that differs.
    held = read_meta(path)["leaves"]
    wanted = step_arrays.described(like)
    for name in sorted(held.keys() | wanted.keys()):
        if held.get(name) != wanted.get(name):
            raise InputError(
                "run_mismatch",
                f"{path}: {name} is {held.get(name)}, this run has {wanted.get(name)}",
                "give the configuration that the run was begun with, or another --workdir",
            )
    return step_arrays.restore_arrays(path / "state", like)


def read_arrays(path: Path, prefix: str = "trained/") -> dict[str, np.ndarray]:
    """A step's arrays on the host, by the rest of their paths; no others are read.

    Args:
      path: of the step's folder.
      prefix: "trained/" for parameters, "optimizer/" for moments, "" for all.
    """
    held = read_meta(path)["leaves"]
    wanted = {name: held[name] for name in held if name.startswith(prefix)}
    found = step_arrays.read_arrays(path / "state", wanted)
    return {name.removeprefix(prefix): array for name, array in found.items()}


def _files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir())


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """An object as the files of a run have it; stray bytes of paths come back as they were."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    return encode_own_json(text)


def _sync(path: Path) -> None:
    """Until it has reached the disk: a power cut loses no committed step."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _meet(name: str) -> None:
    """Wait for all processes."""
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(name)
