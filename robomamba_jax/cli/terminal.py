# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Printing text from outside: nothing in it may end a command by an encoding error, or take over
the terminal by control characters."""

from __future__ import annotations

import argparse
import sys
from typing import TextIO

from robomamba_jax.errors import InputError
from robomamba_jax.utils.untrusted_text import check_text, printable


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
