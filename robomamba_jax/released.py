# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The weights that come with the package: the trained ``nano``, and what it began with."""

from __future__ import annotations

from pathlib import Path

from robomamba_jax.errors import InputError

WEIGHTS = Path(__file__).parent / "weights"
"""Where they lie."""

START = "nano-start"
"""The name, for ``rm.load``, ``--init`` and ``--checkpoint``, of a pre-trained encoder and language
model with a new projector between them: where the paper has CLIP and a pretrained Mamba."""


def released_path() -> Path:
    """The inference folder of the released checkpoint.

    ``rm.load("nano")`` is something else: the same shape with random weights.

    Raises:
      InputError: this installation came without it.
    """
    return _shipped("nano")


def start_path() -> Path:
    """The inference folder of ``nano-start``.

    Raises:
      InputError: this installation came without it.
    """
    return _shipped(START)


def _shipped(name: str) -> Path:
    folder = WEIGHTS / name
    if not (folder / "manifest.json").is_file():
        what = name if name == START else "released checkpoint"
        raise InputError(
            "missing_checkpoint",
            f"this installation has no {what}",
            "give --checkpoint DIR, such as one of the runs that make demo leaves in runs/demo",
        )
    return folder
