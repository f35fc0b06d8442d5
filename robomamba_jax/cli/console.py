# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where a command of many runs says how far it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from robomamba_jax.utils.untrusted_text import printable

if TYPE_CHECKING:
    from robomamba_jax.training.report import Terminal as TrainingTerminal


class Terminal:
    """Lines and bars on stderr; without a terminal, a line now and then instead of a bar."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(file=sys.stderr, highlight=False, markup=False, emoji=False)
        self._bar: Any = None
        self._task: Any = None

    def log(self, line: str) -> None:
        """A line."""
        self._end()
        self._console.print(printable(line, lines=True), soft_wrap=True)

    def progress(self, name: str, done: int, total: int) -> None:
        """How far something is; it goes away when it is done."""
        # A log file wants no bars: there the lines between them say how far it is.
        if not self._console.is_terminal:
            return
        shown = self._bar or self._begin(total)
        shown.update(self._task, description=f"    {name}", completed=done, total=total)
        if done >= total:
            self._end()

    def terminal(self) -> TrainingTerminal:
        """For a run of train.py, which has bars of its own."""
        from robomamba_jax.training.report import Terminal as Training

        self._end()
        return Training(every=50)

    def _begin(self, total: int) -> Any:
        from robomamba_jax.cli.progress import count_progress

        self._bar = count_progress(self._console)
        self._bar.start()
        self._task = self._bar.add_task("", total=total)
        return self._bar

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
