# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which backend the kernels are being traced for.

Kernels pick their form (chunk size, layout tricks) when they are traced. That is
the default backend, except when one machine compiles ahead of time for another.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Generator

import jax

_TARGET: contextvars.ContextVar[str | None] = contextvars.ContextVar("target_backend", default=None)


def current_backend() -> str:
    """The backend that kernels are traced for: "cpu", "gpu" or "tpu"."""
    return _TARGET.get() or jax.default_backend()


@contextlib.contextmanager
def target_backend(name: str) -> Generator[None]:
    """Trace for another backend than the one that runs here.

    Args:
      name: "cpu", "gpu" or "tpu".
    """
    token = _TARGET.set(name)
    try:
        yield
    finally:
        _TARGET.reset(token)
