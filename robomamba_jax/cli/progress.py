# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Progress bars on stderr: what ``utils.progress`` is called with."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from robomamba_jax.utils.progress import OnBytes, OnProgress


@contextlib.contextmanager
def bytes_bar(what: str, total: int | None = None) -> Iterator[OnBytes]:
    """Gives what is called with each number of bytes done."""
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with _bar(*columns) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


@contextlib.contextmanager
def count_bar(what: str) -> Iterator[OnProgress]:
    """Gives what is called with (how many are done, of how many)."""
    with count_progress() as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def count_progress(console: Any = None) -> Any:
    """A rich ``Progress`` of things that are counted; see ``_bar``.

    Args:
      console: rich's, where lines are printed beside the bar; None = one of its own.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return _bar(*columns, console=console)


def _bar(*columns: Any, console: Any = None) -> Any:
    """A bar on stderr that goes away when it is done, its description first; nothing where stderr
    is no terminal, of which an empty line would be left."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    description = TextColumn("{task.description}")
    console = console or Console(file=sys.stderr)
    return Progress(
        description, *columns, console=console, transient=True, disable=not console.is_terminal
    )
