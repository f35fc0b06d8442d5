# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The trained ``nano`` checkpoint that comes with the package."""

from __future__ import annotations

from pathlib import Path

from robomamba_jax.errors import InputError

FOLDER = Path(__file__).parent / "weights" / "nano"


def released_path() -> Path:
    """The inference folder of the released checkpoint.

    ``rm.load("nano")`` is something else: the same shape with random weights.

    Raises:
      InputError: this installation came without it.
    """
    if not (FOLDER / "manifest.json").is_file():
        raise InputError(
            "missing_checkpoint",
            "this installation has no released checkpoint",
            "give --checkpoint DIR, such as one of the runs that make demo leaves in runs/demo",
        )
    return FOLDER
