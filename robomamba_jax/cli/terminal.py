# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Printing text from outside: nothing in it may end a command by an encoding error, or take over
the terminal by control characters."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from robomamba_jax.errors import InputError
from robomamba_jax.utils.untrusted_text import check_text, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def lenient_streams() -> None:
    """Print an escape, such as "\\u673a", for a character that a stream's encoding lacks, instead
    of raising UnicodeEncodeError.

    UTF-8 lacks only the surrogates that stand for undecodable bytes of file names.
    """
    for stream in (sys.stdout, sys.stderr):
        # Streams that tests or other programs put here, such as StringIO, have no encoding.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(text: str, *, file: TextIO | None = None) -> None:
    """Print one line that may hold text from outside; None = stdout."""
    print(printable(text), file=file)


def shown(value: object) -> str:
    """Text from outside, for a line or a cell of rich's: escapes and markup are shown as text."""
    from rich.markup import escape

    return escape(printable(str(value)))


def plain_console(width: int, file: TextIO | None = None) -> Console:
    """rich's console for text as it is, whatever markup stands in it.

    Args:
      width: in columns where the output is redirected: that has none, for which rich takes 80.
      file: None = stdout.
    """
    from rich.console import Console

    out = file or sys.stdout
    return Console(
        file=file,
        width=None if out.isatty() else width,
        markup=False,
        highlight=False,
        emoji=False,
    )


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str | None = None,
    fold: Collection[str] = (),
) -> Table:
    """A table of rich's, whose columns keep their lines but for those in ``fold``."""
    from rich import box
    from rich.table import Table

    # A name that is cut cannot be searched for: what is long folds, and the rest keeps its line.
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        folds = column in fold
        made.add_column(column, no_wrap=not folds, overflow="fold" if folds else "ellipsis")
    for row in rows:
        made.add_row(*row)
    return made


def can_show(text: str) -> bool:
    """Whether stdout's encoding has every character of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def text_argument(text: str) -> str:
    """The ``type`` of an argument that is text: arguments are bytes, and need not be UTF-8.

    Raises:
      ArgumentTypeError: it is not.
    """
    try:
        return check_text(text, "it")
    except InputError as error:
        what = f"{printable(text[:60])!r} is not text in UTF-8"
        raise argparse.ArgumentTypeError(what) from error
