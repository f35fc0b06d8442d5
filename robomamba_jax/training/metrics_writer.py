# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a run writes about itself: lines of JSON, TensorBoard, Weights & Biases if asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import replacing
from robomamba_jax.utils.jsonl import JsonlWriter, whole_lines
from robomamba_jax.utils.untrusted_text import writable


class StepLinesWriter:
    """An appended file of JSON lines, cut back to a step when a run goes on from it.

    A line of step k tells of the update from k to k + 1; one with ``eval`` or ``samples`` of
    the state after k updates.
    """

    def __init__(self, path: Path, step: int) -> None:
        """Keep what was said before ``step`` updates were done."""
        self._path = path
        if path.is_file():
            # A line that a kill has torn is dropped with those of steps that were lost.
            lines, _ = whole_lines(path.read_bytes())
            kept = [line + b"\n" for line in lines if _before(line, step)]
            with replacing(path) as partial:
                partial.write_bytes(b"".join(kept))
        self._file = JsonlWriter(path)

    def write(self, content: Mapping[str, Any]) -> None:
        """Append a line; it is in memory until ``flush``."""
        self._file.write([content], sync=False)

    def flush(self, *, to_disk: bool = False) -> None:
        """Hand everything to the system; ``to_disk`` waits for the disk too."""
        self._file.flush(to_disk=to_disk)

    def close(self) -> None:
        """Write the rest and close."""
        self.flush(to_disk=True)
        self._file.close()


def _before(line: bytes, step: int) -> bool:
    """Whether a line belongs to the first ``step`` updates."""
    try:
        content = json.loads(line)
        # A step's own line has its batch's samples and a loss; a line of samples has no loss.
        after = "eval" in content or ("samples" in content and "loss" not in content)
        return content["step"] < step + after
    except (ValueError, KeyError, TypeError):
        return False


class TensorBoardWriter:
    """Scalars and texts for people: TensorBoard always, W&B where a project is named."""

    def __init__(self, workdir: Path, step: int, wandb: str, config: Mapping[str, Any]) -> None:
        """Begin, or go on from ``step``: later points of an interrupted run are hidden.

        Raises:
          InputError: W&B is asked for and not installed.
        """
        self._writer = _summary_writer()(str(workdir / "tensorboard"), purge_step=step)
        self._wandb = _wandb_run(workdir, wandb, config) if wandb else None

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by name, such as "train/loss"."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        if self._wandb is not None:
            self._wandb.log(dict(values), step=step)

    def text(self, step: int, name: str, text: str) -> None:
        """A text, as Markdown."""
        self._writer.add_text(name, writable(text), step)

    def close(self) -> None:
        """Write the rest."""
        self._writer.close()
        if self._wandb is not None:
            self._wandb.finish()


def _summary_writer() -> Any:
    """tensorboardX's class, which would import torch where it is installed, to know its tensors:
    seconds and hundreds of megabytes in every process of a run."""
    absent = "torch" not in sys.modules
    if absent:
        sys.modules["torch"] = None  # type: ignore[assignment]  # importing it fails
    try:
        from tensorboardX import SummaryWriter
    finally:
        if absent:
            del sys.modules["torch"]
    return SummaryWriter


def _wandb_run(workdir: Path, project: str, config: Mapping[str, Any]) -> Any:
    """The run of a project; it is the same one after a resume."""
    try:
        import wandb  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InputError(
            "missing_package", "run.wandb is set and wandb is not installed", "pip install wandb"
        ) from error
    file = workdir / "wandb_id"
    name = file.read_text().strip() if file.is_file() else wandb.util.generate_id()
    file.write_text(name)
    return wandb.init(project=project, id=name, resume="allow", config=dict(config))
