# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Error kinds are part of the interface: docs/errors.md lists those that the package raises."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Where each of these takes the kind first.
_RAISERS = {"InputError", "unknown_name", "other_file"}


def raised() -> dict[str, str]:
    """Each kind that stands in a call as a string or a module's constant, and one such place."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "robomamba_jax").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _RAISERS:
                kind = node.args[0]
                kind = constants.get(kind.id, kind) if isinstance(kind, ast.Name) else kind
                if isinstance(kind, ast.Constant):
                    found.setdefault(str(kind.value), f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def listed(heading: str) -> set[str]:
    """The kinds in the first column of the table under a heading of docs/errors.md."""
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    return {kind for row in rows for kind in re.findall(r"`(\w+)`", row)}


def test_every_kind_is_listed() -> None:
    """No kind is missing in the table."""
    known = listed("Kinds")
    assert not {kind: place for kind, place in raised().items() if kind not in known}


def test_no_other_kind_is_listed() -> None:
    """Each listed kind stands somewhere in the package, and no renamed one does."""
    package = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "robomamba_jax").rglob("*.py")
    )
    assert not {kind for kind in listed("Kinds") if f'"{kind}"' not in package}
    assert not listed("Renamed") & set(raised())
