# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How long work reports how far it is: callbacks, so that no part of it prints.

``cli.progress`` implements them as bars on stderr.
"""

from __future__ import annotations

from typing import Protocol


class OnProgress(Protocol):
    """Called with (items done, items in all); the first call may come before any work."""

    def __call__(self, done: int, total: int, /) -> None: ...


class OnNamedProgress(Protocol):
    """As ``OnProgress``, where several things are counted: (name, items done, items in all)."""

    def __call__(self, name: str, done: int, total: int, /) -> None: ...


class OnBytes(Protocol):
    """Called with the bytes done since the last call."""

    def __call__(self, count: int, /) -> None: ...


class Log(Protocol):
    """Called with one line of text, without its line end."""

    def __call__(self, line: str, /) -> None: ...


def no_log(line: str, /) -> None:
    """The ``Log`` of those who want none."""
