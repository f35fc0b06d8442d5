# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Text on its way in by arguments and request files, and on its way out to any terminal."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.cli.evaluate import main as evaluate
from robomamba_jax.cli.main import main
from robomamba_jax.convert.folder import open_folder, source_tensors, write_folder
from robomamba_jax.evaluation.benchmarks.question_files import write_json
from robomamba_jax.evaluation.runner import paper
from robomamba_jax.training.metrics_writer import StepLinesWriter
from tests.cli.asked import answers, as_json, run
from tests.data.samples import turns
from tests.evaluation.runs import ROOT

HOSTILE = "机[/nothing]\x1b[2J\u202e[red]é"


class Screen:
    """A stdout of some encoding, as a terminal has it, and what was written to it."""

    def __init__(self, encoding: str, patch: pytest.MonkeyPatch) -> None:
        self._bytes = io.BytesIO()
        self._stream = io.TextIOWrapper(self._bytes, encoding=encoding)
        patch.setattr(sys, "stdout", self._stream)
        self._encoding = encoding

    def text(self) -> str:
        """So far."""
        self._stream.flush()
        return self._bytes.getvalue().decode(self._encoding)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_names_on_any_terminal(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record's id neither ends the command, nor acts on the screen, nor vanishes as markup."""
    (tmp_path / "bad.png").write_bytes(b"no picture")
    record = {"id": HOSTILE, "image": "bad.png", "conversations": turns("<image>\nq", "a")}
    sound = {"id": "1", "conversations": turns("q", "a")}
    (tmp_path / "x.json").write_text(json.dumps([record, sound]))
    screen = Screen(encoding, monkeypatch)
    words = ["data", "inspect", str(tmp_path / "x.json"), "--workers", "0", "--no-preview"]
    assert main(words) == 0
    said = screen.text()
    assert "\x1b" not in said
    assert "[/nothing]\\x1b[2J\\u202e[red]" in said
    assert ("机" in said) == (encoding == "utf-8")
    assert ("█" if encoding == "utf-8" else "#") in said
    assert "bad.png" in said


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_result_on_any_terminal(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of the file of answers stands in the first line."""
    path = tmp_path / "机[red].json"
    path.write_text('[{"question_id": "0", "answer": "A"}]')
    screen = Screen(encoding, monkeypatch)
    config = str(ROOT / "configs" / "eval_mmbench.py")
    words = ["--tiny", "--config", config, "--predictions", str(path), "--out", str(tmp_path / "o")]
    assert evaluate([*words, "--set", "on_error=skip"]) == 0
    assert "[red].json" in screen.text().replace("\n", "")


def test_complaints_do_not_act_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever an argument holds, the complaint is one line of it."""
    status, _, err = run(capsys, "data", "inspect", "\x1b[31mred\nline\u2028.json\udcff")
    assert status == 2
    assert err.count("\n") == 1
    assert "\\x1b[31mred\\nline\\u2028.json\\udcff" in err
    assert not {"\x1b", "\u2028"} & set(err)
    _, out, _ = run(capsys, "data", "inspect", "\x1b[31mred", "--json")
    assert "\x1b[31mred" in json.loads(out)["error"]["message"]


@pytest.mark.parametrize(
    "words",
    [
        ["generate", "--prompt", "a\udcff"],
        ["generate", "--prompt", "a", "--stop", "\udcff"],
        ["predict", "--image", "a.png", "--instruction", "a\udcff"],
    ],
)
def test_arguments_that_are_not_text(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes that are not UTF-8 are refused before anything is looked for."""
    status, out, err = run(capsys, *words, "--checkpoint", "none")
    assert (status, out) == (2, "")
    assert "is not text in UTF-8" in err
    assert words[-2] in err


@pytest.mark.usefixtures("inside")
def test_requests_come_back_or_are_refused(
    ask: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ids and prompts of any letters, behind a byte order mark, with either end of line."""
    odd = ["\ufeff", "\0", "\r", "\u2028", "=1+1", "_x000D_", "\x1b[2J", "机👋🏽", "x" * 40_000]
    sound = [{"id": f"a{text}b", "prompt": f"say {text[:9]} twice"} for text in odd]
    bad = {
        '{"id": true, "prompt": "a"}': "its id is neither text nor a whole number",
        '{"id": "half \\ud83d", "prompt": "a"}': "half of a surrogate pair",
        '{"id": 1.5, "prompt": "a"}': "its id is neither text nor a whole number",
        '{"id": null, "prompt": "a"}': "its id is neither text nor a whole number",
        '{"prompt": "a", "prompt": "b"}': "has the key 'prompt' twice",
        '{"prompt": "a", "video": "a.mp4"}': "unknown field 'video'",
        '{"prompt": "a", "image": ""}': 'image is ""',
        '{"prompt": " "}': "the prompt is empty",
        '{"prompt": 3}': "prompt is 3",
    }
    lines = [json.dumps(request, ensure_ascii=False) for request in sound]
    text = "\r\n".join([*lines, *bad]) + "\r\n"
    Path("q.jsonl").write_bytes(b"\xef\xbb\xbf" + text.encode())
    words = [*ask, "--batch", "q.jsonl", "--on-error", "skip", "--out", "a.jsonl"]
    assert run(capsys, *words)[0] == 0
    found = [json.loads(line) for line in Path("a.jsonl").read_bytes().split(b"\n")[:-1]]
    assert [row["id"] for row in found[: len(sound)]] == [request["id"] for request in sound]
    assert all("answer" in row for row in found[: len(sound)])
    for row, complaint in zip(found[len(sound) :], bad.values(), strict=True):
        assert complaint in row.get("error", {}).get("message", "answered")
    Path("p.jsonl").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    status, _, err = run(capsys, *ask, "--batch", "p.jsonl")
    assert status == 2
    assert "--batch p.jsonl is a Git LFS pointer" in err
    assert tmp_path.is_dir()


@pytest.mark.usefixtures("inside")
def test_a_folder_whose_name_is_not_text(
    ask: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Requests in a folder with a stray byte in its name are answered, errors with its name too."""
    folder = tmp_path / "caf\udce9"
    folder.mkdir()
    (folder / "q.jsonl").write_text('{"prompt": "a"}\n{"prompt": "a", "image": "no.png"}\n')
    words = [*ask, "--batch", folder / "q.jsonl", "--on-error", "skip", "--out", "a.jsonl"]
    assert as_json(capsys, *words)["bad"] == 1
    _, second = answers(Path("a.jsonl"))
    assert "caf\\udce9" in second["error"]["message"]


def test_names_that_are_not_text_are_written_down(models: Path, tmp_path: Path) -> None:
    """A checkpoint's origin, a result, a run's lines: as a terminal shows them, and readable."""
    name, shown = "caf\udce9.pth", "caf\\udce9.pth"
    folder = open_folder(models / "blind")
    source = folder.source()
    made = write_folder(
        tmp_path / "out",
        folder.parts,
        folder.processor(),
        source_tensors(source),
        origin={"files": {name: None}, "notes": [f"from {name}"]},
    )
    source.close()
    assert open_folder(made).origin == {"files": {shown: None}, "notes": [f"from {shown}"]}
    assert f"from {shown}" in (made / "README.md").read_text()
    path = write_json(tmp_path / "r.json", {"source": name})
    assert json.loads(path.read_bytes()) == {"source": shown}
    written = StepLinesWriter(tmp_path / "metrics.jsonl", 0)
    written.write({"step": 1, "samples": [name]})
    written.close()
    assert json.loads((tmp_path / "metrics.jsonl").read_bytes())["samples"] == [shown]


def test_a_name_in_a_table_of_markdown() -> None:
    """It stays in its cell, on its line."""
    figure = {"value": 0.5, "ci95": None}
    result = {"scoring": "standard", "headline": "accuracy", "figures": {"accuracy": figure}}
    lines = paper.markdown("a | b\nc", {"gqa": result}).splitlines()
    (mine,) = [line for line in lines if line.startswith("| a ")]
    assert mine == "| a \\| b\\nc (standard) | 50.0 |"


def test_ids_that_are_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counted and named, as published files have them; all samples are used."""
    records = [{"id": name, "conversations": turns("q", "a")} for name in "abcaba"]
    (tmp_path / "x.json").write_text(json.dumps(records))
    words = ["data", "inspect", tmp_path / "x.json", "--workers", 0, "--no-preview"]
    _, out, _ = run(capsys, *words)
    assert "5 samples share one, such as 'a'" in out
    report = as_json(capsys, *words)
    assert (report["records"], report["problems"]) == (6, [])
    assert report["repeated_ids"] == {"samples": 5, "first": "a"}
