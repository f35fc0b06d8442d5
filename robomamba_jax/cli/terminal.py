# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What may be printed: nothing that a terminal cannot show may end a command, or take it over."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from robomamba_jax.errors import InputError
from robomamba_jax.utils.untrusted_text import check_text, printable


def lenient_streams() -> None:
    """Let a letter that a stream's encoding lacks become its escape, "\\u673a", not an error.

    In UTF-8 these are stray bytes of file names alone.
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(text: str, *, file: Any = None) -> None:
    """Print one line in which there may be names and reasons from outside; None = stdout."""
    print(printable(text), file=file)


def shown(value: Any) -> str:
    """Something from outside, for a line or a cell of rich's: neither escapes nor markup act."""
    from rich.markup import escape

    return escape(printable(str(value)))


def can_show(text: str) -> bool:
    """Whether stdout's encoding has every letter of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def text_argument(text: str) -> str:
    """What argparse reads a text with: an argument is bytes, and need not be UTF-8.

    Raises:
      ArgumentTypeError: it is not.
    """
    try:
        return check_text(text, "it")
    except InputError as error:
        what = f"{printable(text[:60])!r} is not text in UTF-8"
        raise argparse.ArgumentTypeError(what) from error
