# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""`robomamba data` as a user runs it: what it prints, writes and says of wrong input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from robomamba_jax.cli.main import main
from robomamba_jax.config.tree import tree_to_json
from tests.data.pipeline.test_loader import spoiled
from tests.data.samples import llava, mixture, poses


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ran(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = main(list(argv))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def as_json(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, Any]:
    status, out, _ = ran(capsys, *argv, "--json")
    return status, json.loads(out)


KEYS = {"format", "records", "images", "tokens", "text_only", "lengths", "problems", "schema"}


def test_inspect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The keys of the conventions, a page of samples, and a table for people."""
    path = llava(tmp_path / "set", 20)
    status, report = as_json(capsys, "data", "inspect", str(path), "--workers", "0")
    assert status == 0
    assert set(report) >= KEYS
    assert report["records"] == 20
    with Image.open(tmp_path / "data.contact.png") as page:
        assert page.width > 1000
    status, out, _ = ran(capsys, "data", "inspect", str(path), "--workers", "1", "--no-preview")
    assert status == 0
    assert "llava" in out
    assert "20" in out


def test_earlier_names_of_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--sheet and --no-sheet do the same as --preview, with one line on stderr."""
    path, page = llava(tmp_path / "set", 2), tmp_path / "page.png"
    words = ("data", "inspect", str(path), "--workers", "0", "--json")
    status, out, err = ran(capsys, *words, "--sheet", str(page))
    report = json.loads(out)
    assert (status, page.is_file()) == (0, True)
    assert report["preview"] == report["sheet"] == str(page)
    assert "--sheet" in err
    assert "--preview" in err
    status, out, err = ran(capsys, *words, "--no-sheet")
    assert (status, json.loads(out)["preview"]) == (0, None)
    assert "--no-preview" in err


def test_inspect_names_problems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For people the first ones; the status stays 0, since looking succeeded."""
    path = spoiled(tmp_path / "set")
    status, out, _ = ran(capsys, "data", "inspect", str(path), "--workers", "0", "--no-preview")
    assert status == 0
    assert "6 found, 1 missing, 4 broken" in out
    assert "s4: " in out


def test_inspect_poses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is assumed is said; what is given is used."""
    path = str(poses(tmp_path / "set", 5))
    _, report = as_json(capsys, "data", "inspect", path, "--workers", "0")
    assert (report["format"], report["assumed_pixel_order"]) == ("robomamba-poses", "xy")
    given = ("--pixel-order", "rowcol", "--encoder", "tiny")
    _, report = as_json(capsys, "data", "inspect", path, "--workers", "0", *given)
    assert report["assumed_pixel_order"] is None
    assert report["problems"] == []


def test_prepare_verify_inspect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One after the other; damage gives status 1 and a name."""
    config = mixture(tmp_path / "sets", {"a": 9, "b": 4})
    (tmp_path / "data.json").write_text(json.dumps(tree_to_json(config)))
    prepare = ("data", "prepare", "--config", "data.json", "--out", "out", "--workers", "1")
    status, report = as_json(capsys, *prepare, "--set", "prepare.codec=raw")
    assert status == 0
    assert [part["samples"] for part in report["parts"]] == [9, 4]
    status, report = as_json(capsys, "data", "verify", "out")
    assert (status, report["problems"]) == (0, [])
    status, report = as_json(capsys, "data", "inspect", "out", "--workers", "0")
    assert (report["format"], report["records"], report["problems"]) == ("prepared", 13, [])
    (tmp_path / "out" / "index.safetensors").write_bytes(b"")
    status, out, _ = ran(capsys, "data", "verify", "out")
    assert status == 1
    assert "index.safetensors: 0 bytes" in out


def test_prepare_from_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file with get_config(), whose result is a DataConfig or has one."""
    config = json.dumps(tree_to_json(mixture(tmp_path / "sets", {"a": 3})))
    body = (
        "import json, types\n"
        "from robomamba_jax.config.data import DataConfig\n"
        "from robomamba_jax.config.tree import tree_from_json\n"
        f"DATA = tree_from_json(DataConfig, json.loads({config!r}), 'data')\n"
    )
    for number, value in enumerate(("DATA", "types.SimpleNamespace(data=DATA)")):
        (tmp_path / "c.py").write_text(f"{body}def get_config(): return {value}\n")
        argv = ("data", "prepare", "--config", "c.py", "--out", f"out{number}", "--workers", "0")
        status, out, _ = ran(capsys, *argv)
        assert status == 0
        assert "a: 3 samples, 0 left out" in out


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "no file": (("inspect", "nothing.json"), "nothing.json does not exist"),
    "a text": (("inspect", "text.json"), "neither JSON nor TFRecord"),
    "a format": (("inspect", "text.json", "--format", "lava"), "did you mean llava"),
    "a template": (("inspect", "a.json", "--template", "standart"), "did you mean standard"),
    "a tokenizer": (("inspect", "a.json", "--tokenizer", "no.json"), "'no.json' does not exist"),
    "an encoder": (("inspect", "a.json", "--encoder", "clip"), "unknown image encoder"),
    "a limit": (("inspect", "a.json", "--limit", "0"), "argument --limit: '0' is not"),
    "workers": (("inspect", "a.json", "--workers", "-1"), "argument --workers: '-1' is not"),
    "fields": (("inspect", "a.json", "--fields", "no.json"), "--fields no.json"),
    "a page": (("inspect", "a.json", "--preview", "no/such/page.png"), "--preview"),
    "no config": (("prepare", "--config", "no.json", "--out", "o"), "no.json does not exist"),
    "broken config": (("prepare", "--config", "text.json", "--out", "o"), "is not JSON"),
    "wrong config": (("prepare", "--config", "wrong.json", "--out", "o"), "did you mean sources"),
    "failing config": (("prepare", "--config", "fails.py", "--out", "o"), "ZeroDivisionError"),
    "empty config": (("prepare", "--config", "empty.py", "--out", "o"), "get_config"),
    "a change": (
        ("prepare", "--config", "good.json", "--out", "o", "--set", "on_eror=skip"),
        "did you mean on_error",
    ),
    "no prepared": (("verify", "."), "manifest.json does not exist"),
    "a flag": (("verify", ".", "--workers", "2"), "unknown argument"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_input(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2 and one line; with --json the same as an object."""
    (tmp_path / "text.json").write_text("hello, this is a text and no record")
    (tmp_path / "wrong.json").write_text('{"source": []}')
    (tmp_path / "fails.py").write_text("1 / 0")
    (tmp_path / "empty.py").write_text("")
    config = mixture(tmp_path / "sets", {"a": 2})
    (tmp_path / "good.json").write_text(json.dumps(tree_to_json(config)))
    (tmp_path / "a.json").write_text((tmp_path / "sets" / "a" / "data.json").read_text())
    argv, complaint = WRONG[what]
    if argv[0] == "inspect" and "--workers" not in argv:
        argv = (*argv, "--workers", "0")
    status, _, err = ran(capsys, "data", *argv)
    assert status == 2
    assert complaint in err.splitlines()[-1]
    assert "Traceback" not in err
    status, found = as_json(capsys, "data", *argv)
    assert status == 2
    assert set(found["error"]) == {"kind", "message", "fix"}
