# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A whole run, from a configuration to an exported model; ``train.py`` does nothing else."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import jax

from robomamba_jax.config.provenance import Origins, unconfirmed
from robomamba_jax.config.training import TrainConfig
from robomamba_jax.errors import InputError
from robomamba_jax.training import loop
from robomamba_jax.training.distributed import check_accelerator
from robomamba_jax.training.export import export_folder
from robomamba_jax.training.failpoints import reached
from robomamba_jax.training.report import Terminal, start_lines
from robomamba_jax.training.setup import begin
from robomamba_jax.utils.cache_folder import cache_folder

SCHEMA = "robomamba.train/1"


class TrainSummary(TypedDict):
    """What ``train`` returns, and what ``train.py --json`` prints.

    Attributes:
      schema: ``SCHEMA``.
      stage: of the configuration.
      workdir: as given.
      step: updates done.
      steps: updates of the whole run.
      stopped: why before the last step ("" = it was the last).
      first: metrics of the first step of this call, {} if there was none.
      last: of the last one.
      eval: the last evaluation, {} if there was none.
      table: a ``FreezeRow`` for each part, and their total.
      export: the inference folder; None where none was written.
    """

    schema: str
    stage: str
    workdir: str
    step: int
    steps: int
    stopped: str
    first: dict[str, float]
    last: dict[str, float]
    eval: dict[str, float]
    table: list[dict[str, Any]]
    export: str | None


def train(
    config: TrainConfig,
    workdir: str | Path,
    *,
    origins: Origins | None = None,
    terminal: Terminal | None = None,
) -> TrainSummary:
    """Train, or resume training; the same call after any interruption.

    Args:
      config: the run's.
      workdir: its folder, on a file system that all processes share.
      origins: where the configuration's values come from, to say which are only recalled.
      terminal: where progress is shown.

    Raises:
      InputError: the configuration, data, weights or workdir are not what they should be, or a
        loss is not finite.
    """
    shown = terminal or Terminal(quiet=True)
    check_accelerator(config.model.preset)
    use_compilation_cache()
    folder = Path(workdir)
    for path, value in unconfirmed(config, origins or {}).items():
        shown.log(f"unconfirmed: {path.replace('/', '.')} = {value} is only recalled")
    with shown.bars() as bars, in_workdir(folder):
        session = begin(
            config, folder, log=shown.log, on_samples=bars.measured, on_bytes=bars.loaded
        )
        with session:
            shown.lines(start_lines(session))
            result = loop.run(session, log=shown.log, on_progress=bars.step)
    # Behind the session: its last step is committed, and the export reads it from there.
    exported = _export(config, folder, result, shown) if not result.stopped else None
    if result.stopped:
        shown.log(
            f"stopped at step {result.step}: {result.stopped}; run the same command to resume"
        )
    return {
        "schema": SCHEMA,
        "stage": config.stage,
        "workdir": str(folder),
        "step": result.step,
        "steps": session.steps,
        "stopped": result.stopped,
        "first": result.first,
        "last": result.last,
        "eval": result.eval,
        "table": [row._asdict() for row in session.program.table],
        "export": exported,
    }


@contextlib.contextmanager
def in_workdir(folder: Path) -> Iterator[None]:
    """Make a workdir; what the system refuses to write there, whoever writes it, in one line.

    Raises:
      InputError: the folder cannot be made, or the disk is full or broken.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            "cannot_write", f"{folder}: {error.strerror}", "give another --workdir"
        ) from error
    try:
        yield
    except OSError as error:
        # Any other error of the system is a defect of ours, and keeps its traceback.
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
            raise
        fix = "free some space, then run the same command to resume: the steps before are whole"
        raise InputError("cannot_write", f"{folder}: {error.strerror}", fix) from error


def _export(
    config: TrainConfig, folder: Path, result: loop.RunResult, shown: Terminal
) -> str | None:
    """``export/``, by process 0; one that is there already is of the same last step."""
    out = folder / "export"
    if not config.run.export or jax.process_index():
        return None
    if not out.exists():
        reached("exporting", result.step)
        with shown.bytes("exports") as on_bytes:
            export_folder(folder, out, progress=on_bytes)
        shown.log(f"exported to {out}")
    return str(out)


def use_compilation_cache() -> None:
    """Compiled programs stay in ~/.cache/robomamba_jax, unless jax is told where."""
    # jax has read its environment variable by now; a folder that is set is left alone.
    if not getattr(jax.config, "jax_compilation_cache_dir", None):
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 1.0)
