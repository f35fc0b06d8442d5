# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What errors advise exists: every flag, command, setting and file that a ``fix`` names."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import functools
import re
import typing
from collections.abc import Iterator
from pathlib import Path

from robomamba_jax.cli import evaluate, train
from robomamba_jax.cli.main import build_parser
from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.config.training import TrainConfig

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "robomamba_jax"

_FLAG = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")
# A setting behind --set, up to its "="; of a list a part has a number, or N in words.
_SET = re.compile(r"--set (\w+(?:\.\w+)*)=")
_FIELD = re.compile(
    r"(?<![\w./-])((?:data|optim|mesh|model|run|loss|files|batch)(?:\.\w+)+)(?![\w/(])"
)
_COMMAND = re.compile(r"robomamba ([a-z]+)(?: ([a-z]+))?")
_PATH = re.compile(r"(?<![\w/])((?:configs|docs)/[\w/]+\.(?:py|md))")
_TARGET = re.compile(r"make ([a-z][a-z-]*)")
# Flags of other programs that a fix tells to run: pip's, lmms-eval's, those of our scripts.
_FOREIGN = {"--no-deps", "--include_path", "--dino"}
_SEE = re.compile(r"(?<![\w-])see ([\w./{}-]+)")
_SEEN = {"the", "{}", "convert"}  # "see the table", "see {prog} --help", "see convert --help"
_WORDS = {"it", "room", "that", "less", "plan"}  # "make it smaller", "make room"


@functools.cache
def fixes() -> list[tuple[str, str]]:
    """(place, text) of everything that a fix can say; {} stands for what is filled in."""
    found: list[tuple[str, str]] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            last = {"InputError": 2, "other_file": 4, "other_checkpoint": 2}.get(name)
            if last is not None and isinstance(node, ast.Call) and len(node.args) > last:
                found += _said(path, node.lineno, node.args[last], constants)
        for node in ast.walk(tree):
            names = [t.id for t in getattr(node, "targets", []) if isinstance(t, ast.Name)]
            if isinstance(node, ast.Assign) and "fix" in names:
                found += _said(path, node.lineno, node.value, constants)
    return found


def _said(
    path: Path, line: int, node: ast.expr, constants: dict[str, ast.expr]
) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Name) and node.id in constants:
        node = constants[node.id]
    if isinstance(node, ast.IfExp):
        yield from _said(path, line, node.body, constants)
        yield from _said(path, line, node.orelse, constants)
    elif isinstance(node, ast.JoinedStr):
        parts = [str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values]
        yield f"{path.relative_to(ROOT)}:{line}", "".join(parts)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield f"{path.relative_to(ROOT)}:{line}", node.value


@functools.cache
def parsers() -> dict[str, argparse.ArgumentParser]:
    """Every command by its words."""
    found: dict[str, argparse.ArgumentParser] = {
        "train.py": train.make_parser(),
        "eval.py": evaluate.make_parser(),
    }

    def walk(name: str, parser: argparse.ArgumentParser) -> None:
        found[name] = parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for word, inner in action.choices.items():
                    walk(f"{name} {word}", inner)

    walk("robomamba", build_parser())
    return found


def has_field(kind: typing.Any, path: list[str]) -> bool:
    """Whether a configuration has a field; a list's part is named by a number or by N."""
    if not path:
        return True
    choices = typing.get_args(kind) if typing.get_origin(kind) is not tuple else ()
    if choices:
        return any(has_field(choice, path) for choice in choices)
    if typing.get_origin(kind) is tuple:
        number, *rest = path
        return (number == "N" or number.isdigit()) and has_field(typing.get_args(kind)[0], rest)
    if not dataclasses.is_dataclass(kind):
        return False
    hints = typing.get_type_hints(kind)
    return path[0] in hints and has_field(hints[path[0]], path[1:])


def unknown_names() -> Iterator[str]:
    """Flags, commands, files and targets that are nowhere."""
    commands = parsers()
    flags = {f for parser in commands.values() for f in parser._option_string_actions}
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for where, text in fixes():
        known = flags | _FOREIGN | ({"--model_args"} if "lmms" in where else set())
        yield from (f"{where}: no {flag}" for flag in _FLAG.findall(text) if flag not in known)
        for first, second in _COMMAND.findall(text):
            inner = f"robomamba {first}"
            nested = any(name.startswith(f"{inner} ") for name in commands)
            if inner not in commands or (nested and second and f"{inner} {second}" not in commands):
                yield f"{where}: no command {inner} {second}"
        for path in _PATH.findall(text.replace("NAME", "stage1_1_align")):
            if "BENCHMARK" not in path and not (ROOT / path).is_file():
                yield f"{where}: no {path}"
        for target in _TARGET.findall(text):
            if target not in targets | _WORDS:
                yield f"{where}: no make {target}"


def unknown_settings() -> Iterator[str]:
    """Settings that no run's configuration has."""
    for where, text in fixes():
        for name in {*_SET.findall(text), *_FIELD.findall(text)}:
            # "batch.batch_size" is said of a DataConfig, which a run has as .data.
            kinds = (TrainConfig, EvalConfig, DataConfig)
            if not any(has_field(kind, name.split(".")) for kind in kinds):
                yield f"{where}: no setting {name}"


def flags_without_command() -> Iterator[str]:
    """What data and configurations raise is met under many commands and in Python: a flag alone
    would often be one that is not there."""
    commands = parsers()
    for where, text in fixes():
        if not where.startswith(("robomamba_jax/data/", "robomamba_jax/config/")):
            continue
        words = {name: name.removeprefix("robomamba ") for name in commands if name != "robomamba"}
        named = [commands[n] for n, word in words.items() if re.search(rf"\b{word}\b", text)]
        for flag in _FLAG.findall(text):
            if flag != "--set" and not any(flag in p._option_string_actions for p in named):
                yield f"{where}: {flag} of which command? {text}"


def nothing_to_see() -> Iterator[str]:
    """ "see config", which is neither a page nor a command."""
    for where, text in fixes():
        for what in _SEE.findall(text):
            if text == "see convert" or (what not in _SEEN and not (ROOT / what).is_file()):
                yield f"{where}: see {what}?"


def test_what_advice_names_is_there() -> None:
    """All of it, in several hundred places."""
    assert len(fixes()) > 400
    assert any("--set on_error=skip" in text for _, text in fixes())
    checks = (unknown_names, unknown_settings, flags_without_command, nothing_to_see)
    wrong = [complaint for check in checks for complaint in check()]
    assert not wrong, "\n".join(wrong)
