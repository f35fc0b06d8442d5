# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a generated data set says of itself, whichever version wrote it: the one reader of its
manifest.json, and where its contact points are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

from robomamba_jax.utils.files import read_json
from robomamba_jax.utils.renamed import warn_renamed

MANIFEST = "manifest.json"
CONTACT_POINTS = "contact_points.json"
_OLD_CONTACT_POINTS = "touch.json"
# Named after the flag of then, --language.
_OLD_PLAN_KEYS = {"language": "num_images"}


class PoseCounts(TypedDict):
    """How many poses were kept, how many trials failed, and both by category."""

    kept: int
    failed: int
    categories: dict[str, Any]


class Manifest(TypedDict):
    """The content of manifest.json, with the keys of now; ``plan`` has the fields of
    ``tasks.WorldPlan``, the plan's digest and the data's version."""

    schema: str
    package: str
    plan: dict[str, Any]
    unseen_categories: list[str]
    poses: PoseCounts
    formats: dict[str, dict[str, str]]
    files: dict[str, dict[str, Any]]
    skipped: list[dict[str, str]]
    notes: list[str]
    left_out: list[dict[str, Any]]


def read_manifest(folder: Path) -> Manifest:
    """A data set's manifest.

    Args:
      folder: one that ``world generate`` has finished.

    Raises:
      InputError: there is none, or it is not a JSON object.
    """
    content = read_json(folder / MANIFEST, fix="give another --out, or the file as written")
    if isinstance(content.get("plan"), dict):
        plan = {_OLD_PLAN_KEYS.get(key, key): value for key, value in content["plan"].items()}
        content["plan"] = plan
    return content


def contact_points_file(folder: Path) -> Path:
    """A data set's questions for contact points, in LLaVA's format; the earlier name with a
    warning."""
    if not (folder / CONTACT_POINTS).is_file() and (folder / _OLD_CONTACT_POINTS).is_file():
        warn_renamed(str(folder / _OLD_CONTACT_POINTS), CONTACT_POINTS)
        return folder / _OLD_CONTACT_POINTS
    return folder / CONTACT_POINTS
