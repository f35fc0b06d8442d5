# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The word table as a test: retired words do not come back in docs, help, messages and docstrings.

`docs/glossary.md` says which word stands for what. A word in backticks is a name (of an old key,
say) and no prose, and what a model is asked or taught is data: neither is looked at.
"""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from robomamba_jax.cli.main import build_parser

ROOT = Path(__file__).resolve().parents[1]

RETIRED = {
    r"(the|this|its) articles?\b": "paper",
    r"pictures?\b": "image",
    r"grey (picture|image) baseline|shown a grey": "blind baseline",
    r"best without looking": "best non-visual baseline",
    r"pulls that move": "manipulation success rate",
    r"(seen|unseen|other|new) kinds\b|kinds of objects": "categories",
    r"words that training never used": "held-out phrasings",
    r"mend(s|ed|ing)?\b": "fix",
    r"(?<!there )is no (folder|file|directory|checkpoint|json|image|number)\b": "is not a ...",
    r"(?<!there )is no (tokenizer|list|object|zip|path|name)\b": "is not a ...",
    r"go(es)? on from step|the same command goes on|told to stop": "resume",
    r"last words": "stderr",
    r"exchanges?\b": "collective",
    r"off the part": "missed",
    r"\w+'s way\b": "path, flow",
}
"""Pattern, in lower case and at the beginning of a word, and the word of the glossary."""

# What is data and no prose: sentences that the embedded world's models are asked and taught, words
# that scorers compare, and published prompts.
_DATA = (
    "data/text/prompts.py",
    "data/text/tokenizer_corpus.py",
    "world/language/",
    "evaluation/benchmarks/prompts.py",
    "evaluation/metrics/vqa_normalization.py",
    "config/aliases.py",
)


def retired(text: str) -> Iterator[tuple[str, str]]:
    """Each retired phrase of a text, with the word that is used now."""
    prose = re.sub(r"``.*?``|`[^`\n]*`", " ", text)
    for pattern, word in RETIRED.items():
        for match in re.finditer(rf"(?<![\w/.-]){pattern}", prose, re.IGNORECASE):
            yield match.group(), word


def complaints(texts: Iterator[tuple[str, str]]) -> list[str]:
    """One line for each retired phrase."""
    return [
        f"{where}: {phrase!r} is retired: {word}"
        for where, text in texts
        for phrase, word in retired(text)
    ]


def pages() -> Iterator[tuple[str, str]]:
    """Name and text of each page, line by line."""
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        if path.name == "glossary.md":  # its last column is the retired words
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def helps(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Name and help of every command and flag."""
    yield parser.prog, f"{parser.description or ''} {parser.epilog or ''}"
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from helps(sub)
            for choice in action._choices_actions:
                yield f"{parser.prog} {choice.dest}", choice.help or ""
        elif action.help not in (None, argparse.SUPPRESS):
            yield f"{parser.prog} {action.option_strings or action.dest}", str(action.help)


def strings() -> Iterator[tuple[str, str]]:
    """Place and text of every string in the package that is more than a name."""
    package = ROOT / "robomamba_jax"
    for path in sorted(package.rglob("*.py")):
        name = str(path.relative_to(package))
        if name.startswith(_DATA):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                yield f"robomamba_jax/{name}:{node.lineno}", node.value


@pytest.mark.slow
@pytest.mark.parametrize("source", ["pages", "helps", "strings"])
def test_retired_words_do_not_come_back(source: str) -> None:
    """No page, help text, message or docstring says what the glossary has retired."""
    texts = {"pages": pages, "helps": lambda: helps(build_parser()), "strings": strings}[source]()
    found = complaints(texts)
    assert not found, f"{len(found)} retired words (docs/glossary.md)\n" + "\n".join(found)


def test_the_table_finds_what_it_is_for() -> None:
    """Each pattern is found in prose, and not as a name or as part of a longer word."""
    text = (
        "The article's Picture is no folder; `picture` and runs/pictures and depictures are names."
    )
    assert [word for _, word in retired(text)] == ["paper", "image", "is not a ..."]
