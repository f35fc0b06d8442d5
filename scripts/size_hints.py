#!/usr/bin/env python3
# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Name files and functions that may have become hard to read: hints of `make lint`, no failures.

A file that reads from top to bottom may be longer; one that does two things should be two.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("robomamba_jax", "tests", "configs", "scripts")
FILE_LINES = 400
FUNCTION_LINES = 70


def hints(root: Path) -> Iterator[str]:
    """One line for each file and each function below `root` that is long."""
    for path in sorted(p for folder in FOLDERS for p in (root / folder).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(root)
        lines = len(text.splitlines())
        if lines > FILE_LINES:
            yield f"{name}: {lines} lines: does each purpose have a file?"
        for node in ast.walk(ast.parse(text, str(path))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    yield f"{name}:{node.lineno}: {node.name} has {lines} lines"


if __name__ == "__main__":
    found = list(hints(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
    print(*found, f"{len(found)} hints about size", sep="\n")
