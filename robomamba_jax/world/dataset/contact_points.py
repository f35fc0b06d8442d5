# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where a data set's contact points are, whichever version wrote it."""

from __future__ import annotations

from pathlib import Path

from robomamba_jax.utils.renamed import warn_renamed

CONTACT_POINTS = "contact_points.json"
_BEFORE = "touch.json"


def contact_points_file(folder: Path) -> Path:
    """A data set's questions for contact points, in LLaVA's format; the earlier name with a
    warning."""
    if not (folder / CONTACT_POINTS).is_file() and (folder / _BEFORE).is_file():
        warn_renamed(str(folder / _BEFORE), CONTACT_POINTS)
        return folder / _BEFORE
    return folder / CONTACT_POINTS
