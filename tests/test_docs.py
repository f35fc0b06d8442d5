# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The documentation stays true: its code runs, its links and commands exist."""

import re
import shlex
from pathlib import Path

import pytest

from robomamba_jax.cli.evaluate import make_parser as eval_parser
from robomamba_jax.cli.main import build_parser
from robomamba_jax.cli.train import make_parser as train_parser
from robomamba_jax.errors import InputError

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run(page: Path) -> None:
    """All blocks of a page run in order in one namespace; they hold their own asserts."""
    source = "\n".join(_blocks(page, "python"))
    assert page.read_text().count("```") % 2 == 0
    namespace: dict[str, object] = {}
    exec(compile(source, str(page), "exec"), namespace)  # our own page, not input
    assert "robomamba_jax" in source or not source


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    """Every relative link names a file that is there."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_parse(page: Path) -> None:
    """Every `robomamba ...` line in a shell block is a command with existing flags."""
    joined = [block.replace("\\\n", " ") for block in _blocks(page, "sh")]
    lines = [line for block in joined for line in block.splitlines()]
    commands = [shlex.split(line.split(" > ")[0], comments=True) for line in lines]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for words in commands:
        if words and words[0].endswith("robomamba") and "--help" not in words:
            try:
                build_parser().parse_args(words[1:])
            except InputError as error:
                pytest.fail(f"{' '.join(words)}: {error}")
        if "train.py" in words:
            train_parser().parse_args(words[words.index("train.py") + 1 :])
        if "eval.py" in words:
            eval_parser().parse_args(words[words.index("eval.py") + 1 :])
        if words and words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= targets
