# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Progress bars on stderr: what ``utils.progress`` is called with."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from robomamba_jax.utils.progress import OnBytes, OnProgress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn


@contextlib.contextmanager
def bytes_bar(what: str, total: int | None = None) -> Iterator[OnBytes]:
    """A bar of bytes; what is yielded moves it on by a number of bytes."""
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with _bar(*columns) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


@contextlib.contextmanager
def count_bar(what: str) -> Iterator[OnProgress]:
    """A bar of things that are counted; what is yielded sets it to (done, total)."""
    with count_progress() as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def count_progress(console: Console | None = None) -> Progress:
    """A rich ``Progress`` of things that are counted; see ``_bar``.

    Args:
      console: rich's, where lines are printed beside the bar; None = one of its own.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return _bar(*columns, console=console)


def _bar(*columns: ProgressColumn, console: Console | None = None) -> Progress:
    """A bar on stderr with its description first, which is removed when it is done."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    description = TextColumn("{task.description}")
    # stdout is for results: it may be a file or a pipe.
    console = console or Console(file=sys.stderr)
    # Without a terminal rich would print an empty line for a bar that it removes.
    return Progress(
        description, *columns, console=console, transient=True, disable=not console.is_terminal
    )
