# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where each value of a configuration comes from, said next to it and checked by a test."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import NamedTuple

from robomamba_jax.config.aliases import old_paths
from robomamba_jax.config.tree import value_to_json
from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.renamed import warn_renamed

QUOTED = " (version 2, page 7, as it is quoted)"
"""Behind what was not read in the paper itself, but in several quotations of it that agree."""


class Origin(NamedTuple):
    """Where a value comes from.

    Attributes:
      kind: "paper", "repository" (RoboMamba's), "recalled" (said of the paper, confirmed by
        no text at hand), "llava" (LLaVA's published scripts, which RoboMamba's data follow),
        "ours" (chosen here, with the reason), "measured".
      note: what there is to say.
    """

    kind: str
    note: str

    @property
    def confirmed(self) -> bool:
        """Whether the source itself was read."""
        return self.kind != "recalled"


def paper(note: str) -> Origin:
    """A value that stands in the paper (arXiv 2406.04339)."""
    return Origin("paper", note)


def article(note: str) -> Origin:
    """``paper`` by its old name, for users' own configurations."""
    warn_renamed("provenance.article", "provenance.paper")
    return paper(note)


def repository(note: str) -> Origin:
    """A value read in RoboMamba's published code."""
    return Origin("repository", note)


def recalled(note: str) -> Origin:
    """A value said of the paper that nothing at hand confirms."""
    return Origin("recalled", note)


def llava(note: str) -> Origin:
    """A value of LLaVA's published training scripts."""
    return Origin("llava", note)


def ours(note: str) -> Origin:
    """A value chosen here."""
    return Origin("ours", note)


Origins = Mapping[str, Origin]
"""Pattern of whole paths, such as ``run/.*`` -> where their values come from; first match wins."""


def values(config: object) -> dict[str, Json]:
    """Every value of a configuration by its path: ``{"optim/learning_rate": 4e-5, ...}``."""
    found: dict[str, Json] = {}

    def walk(node: object, path: str) -> None:
        """Collects the values below a node."""
        if dataclasses.is_dataclass(node) and not isinstance(node, type):
            for field in dataclasses.fields(node):
                walk(getattr(node, field.name), f"{path}/{field.name}" if path else field.name)
        # Sources have paths of their own, "data/sources/0/path"; plain values together are one.
        elif isinstance(node, tuple) and node and dataclasses.is_dataclass(node[0]):
            for number, part in enumerate(node):
                walk(part, f"{path}/{number}")
        else:
            found[path] = value_to_json(node)

    walk(config, "")
    return found


def origin_of(path: str, origins: Origins) -> Origin | None:
    """Where a value comes from; None = nobody said."""
    # A user's own patterns may say a field's name of an earlier version.
    names = {path, *old_paths(path)}
    # In the order in which they were written: a stage's own stand before the shared ones.
    for pattern, origin in origins.items():
        if any(re.fullmatch(pattern, name) for name in names):
            return origin
    return None


def unsourced(config: object, origins: Origins) -> list[str]:
    """Paths of values whose source nobody said, and patterns that stand for no value."""
    paths = list(values(config))
    missing = [path for path in paths if origin_of(path, origins) is None]
    stale = [
        pattern for pattern in origins if not any(re.fullmatch(pattern, path) for path in paths)
    ]
    return [*missing, *(f"pattern {pattern!r} stands for nothing" for pattern in stale)]


def unconfirmed(config: object, origins: Origins) -> dict[str, Json]:
    """The values that are only recalled, by path."""
    found = {}
    for path, value in values(config).items():
        origin = origin_of(path, origins)
        if origin is not None and not origin.confirmed:
            found[path] = value
    return found
