# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What ``--config`` may name: the package's own configurations, and anybody's files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from robomamba_jax.cli.main import build_parser, main
from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.files import (
    bundled_names,
    config_module,
    find_config,
    get_config,
    load_data_config,
    run_config_file,
)
from robomamba_jax.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
MINE = "from robomamba_jax.config.data import DataConfig\ndef get_config():\n    return "


@pytest.mark.parametrize("name", bundled_names())
def test_a_name_is_enough_anywhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With or without its ending, or by the path of a checkout, without the checkout."""
    monkeypatch.chdir(tmp_path)
    want = run_config_file(name)
    assert run_config_file(f"{name}.py") == want
    assert run_config_file(f"configs/{name}.py") == want
    assert get_config(config_module(name), name, "get_tiny") != want


@pytest.mark.parametrize("name", bundled_names())
def test_the_checkout_has_the_same(name: str) -> None:
    """configs/ is a door to the package's, not a copy."""
    door = ROOT / "configs" / f"{name}.py"
    assert find_config(door) == door
    ours, theirs = config_module(name), config_module(door)
    assert theirs.get_config() == ours.get_config()
    small = [get_config(module, name, "get_tiny") for module in (ours, theirs)]
    assert small[0] == small[1]
    assert getattr(theirs, "ORIGINS", None) == getattr(ours, "ORIGINS", None)
    assert {path.stem for path in (ROOT / "configs").glob("*.py")} == set(bundled_names())


def test_a_users_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is there is meant, whatever its name; a folder is not."""
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "stage1_1_align.py"
    mine.write_text(MINE + "'mine'\n")
    assert run_config_file("stage1_1_align.py") == "mine"
    assert run_config_file("stage1_1_align") != "mine"
    (tmp_path / "eval_pope").mkdir()
    assert run_config_file("eval_pope").benchmark == "pope"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("stage1_algn", "did you mean stage1_1_align"),
        ("configs/stage3.py", "does not exist"),
        ("elsewhere/stage1_1_align.py", "does not exist"),
        ("__init__", "unknown configuration"),
        (".", "is a folder"),
    ],
)
def test_what_is_neither(
    name: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is named, with the near names where it may be misspelt."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=what) as caught:
        find_config(name)
    assert caught.value.kind == "missing_config"


def test_data_by_name() -> None:
    """``robomamba data`` takes the data of a stage."""
    assert isinstance(load_data_config("stage1_1_align"), DataConfig)
    assert load_data_config("stage1_1_align") == run_config_file("stage1_1_align").data


@pytest.mark.parametrize("command", ["train", "eval"])
def test_commands(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help with an example; with --json an error is one object, and its status is 2."""
    with pytest.raises(SystemExit) as end:
        build_parser().parse_args([command, "--help"])
    assert end.value.code == 0
    assert f"  robomamba {command} --config " in capsys.readouterr().out
    flags = ["--checkpoint", "tiny"] if command == "eval" else []
    assert main([command, "--config", "no_such", *flags, "--json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["kind"] == "missing_config"
    assert err.startswith("robomamba: unknown configuration 'no_such'")
