#!/usr/bin/env python3
# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Keep the marker `slow` true: compare it with what the tests took, and write it with --write.

ROBOMAMBA_RSS=took.tsv make test TEST_WORKERS=0, from an empty .cache; scripts/mark_slow.py took.tsv

CPU seconds count, of the slowest case of a test. The set-up of a shared fixture is paid by the
first test that asks for it: where such a one gets the marker, measure again with -m "not slow",
until nothing more is said.
"""

from __future__ import annotations

import argparse
import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SLOW = 1.0  # CPU seconds; keep in step with the marker's text in pyproject.toml
MARKER = "@pytest.mark.slow"


def seconds(measured: Path) -> dict[tuple[str, str], float]:
    """(file, test) -> CPU seconds of its slowest case."""
    found: dict[tuple[str, str], float] = defaultdict(float)
    for line in measured.read_text().splitlines():
        name, _, _, cpu = line.rsplit("\t", 3)
        file, _, test = name.partition("::")
        key = file, test.partition("[")[0]
        found[key] = max(found[key], float(cpu))
    return found


def marked(node: ast.FunctionDef) -> bool:
    """Whether a test has the marker, among its own decorators."""
    return any(f"@{ast.unparse(decorator)}" == MARKER for decorator in node.decorator_list)


def unmarked(took: dict[tuple[str, str], float], write: bool) -> Iterator[str]:
    """Slow tests that lack the marker, one line each; `write` adds it."""
    for file in sorted({file for file, _ in took}):
        path = ROOT / file
        lines = path.read_text().splitlines(keepends=True)
        tree = ast.parse("".join(lines))
        assigned = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign)]
        module_wide = any(a.startswith("pytestmark") and "mark.slow" in a for a in assigned)
        tests = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        for node in reversed(tests):  # from below, so that line numbers stay true
            cpu = took.get((file, node.name), 0.0)
            if cpu <= SLOW or module_wide or marked(node):
                continue
            yield f"{file}:{node.lineno}: {node.name} took {cpu:.0f} s of CPU"
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            lines.insert(first - 1, f"{MARKER}\n")
        if write:
            path.write_text("".join(lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measured", type=Path, help="what ROBOMAMBA_RSS named")
    parser.add_argument("--write", action="store_true", help="add the markers")
    args = parser.parse_args()
    print(*unmarked(seconds(args.measured), args.write), sep="\n")
