# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba generate --batch``: order, rows, what a kill leaves, and wrong lines."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

import robomamba_jax as rm
from robomamba_jax.cli import loading
from tests.cli.asked import answers, as_json, asked, check_mistake, lines, run

pytestmark = pytest.mark.usefixtures("inside")

REQUESTS = [
    {"id": "first", "prompt": "what is this?", "image": "a.png"},
    {"prompt": "and what are these?", "images": ["a.png", "wide.jpg"]},
    {"prompt": "hello there", "max_new_tokens": 3},
    {"id": 17, "prompt": "what is this?", "image": "b.png"},
    {"prompt": "good bye, and this is a longer one"},
]
IMAGES = ["a.png", ["a.png", "wide.jpg"], None, "b.png", None]


@pytest.mark.slow
def test_a_batch(
    ask: list[Any],
    loaded: tuple[rm.Model, rm.Processor],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the input's order, pictures beside the input, as the API answers, whatever the rows."""
    lines(tmp_path / "q.jsonl", *REQUESTS[:2], "", *REQUESTS[2:])
    prompts = [str(request["prompt"]) for request in REQUESTS]
    want = asked(loaded, IMAGES, prompts, max_new_tokens=[12, 12, 3, 12, 12])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    status, out, err = run(capsys, *ask, "--batch", "../q.jsonl")
    found = [json.loads(line) for line in out.splitlines()]
    assert (status, err) == (0, "5 answers\n")
    assert [row["id"] for row in found] == ["first", 2, 4, 17, 6]
    assert [row["answer"] for row in found] == want
    assert [row["image_tokens"] for row in found] == [9, 18, 0, 9, 0]
    assert [row["new_tokens"] for row in found] == [12, 12, 3, 12, 12]
    told = as_json(capsys, *ask, "--batch", "../q.jsonl", "--batch-size", 2)
    assert told["answers"] == found
    assert (told["lines"], told["kept"], told["bad"], told["new_tokens"]) == (5, 0, 0, 51)
    status, out, err = run(capsys, *ask, "--batch", "../q.jsonl", "--out", "new/a.jsonl")
    assert (status, out, err) == (0, "new/a.jsonl: 5 answers\n", "")
    assert answers(Path("new/a.jsonl")) == found


@pytest.mark.slow
def test_a_run_goes_on(
    ask: list[Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a kill left is kept, its torn line not; draws are those of a run that was left alone."""
    lines(tmp_path / "q.jsonl", *REQUESTS)
    words = [*ask, "--batch", "q.jsonl", "--temperature", 2, "--batch-size", 2]
    assert run(capsys, *words, "--out", "whole.jsonl")[0] == 0
    whole = Path("whole.jsonl").read_bytes()
    ends = [place for place, byte in enumerate(whole) if byte == 10]
    for cut in (0, 4, ends[0], ends[0] + 1, ends[2] + 30, len(whole) - 1, len(whole)):
        Path("cut.jsonl").write_bytes(whole[:cut])
        told = as_json(capsys, *words, "--out", "cut.jsonl")
        assert told["kept"] == whole[:cut].count(b"\n")
        assert Path("cut.jsonl").read_bytes() == whole
    # What is there is not asked again, nor is a model loaded for it; what is added is.
    with monkeypatch.context() as patch:
        patch.setattr(loading, "load", None)
        assert as_json(capsys, *words, "--out", "whole.jsonl")["kept"] == 5
    lines(tmp_path / "q.jsonl", *REQUESTS, {"prompt": "one more"})
    assert as_json(capsys, *words, "--out", "whole.jsonl")["kept"] == 5
    assert Path("whole.jsonl").read_bytes().startswith(whole)
    assert len(answers(Path("whole.jsonl"))) == 6


def test_other_answers_are_left_alone(
    ask: list[Any], models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other settings, another model, another picture, another file: refused, and not touched."""
    lines(tmp_path / "q.jsonl", *REQUESTS)
    words = [*ask, "--batch", "q.jsonl", "--out", "a.jsonl"]
    assert run(capsys, *words)[0] == 0
    other = "line 1 is the answer to another request or of another model"
    check_mistake(capsys, tmp_path, [*words, "--stop", "x"], other)
    check_mistake(capsys, tmp_path, [*words, "--checkpoint", models / "headless"], other)
    Path("b.png").write_bytes(Path("a.png").read_bytes())
    check_mistake(capsys, tmp_path, words, "line 4 is the answer")
    Path("b.txt").write_text("my notes")
    check_mistake(capsys, tmp_path, [*words[:-1], "b.txt"], "something else than answers")
    Path("b.txt").write_text('{"id": 1}\n')
    check_mistake(capsys, tmp_path, [*words[:-1], "b.txt"], "something else than answers")
    lines(tmp_path / "q.jsonl", *REQUESTS[:3])
    check_mistake(capsys, tmp_path, words, "line 4 is the answer")


def test_draws_of_a_batch_differ(
    ask: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same question many times gets many answers, in one block and in the next."""
    lines(tmp_path / "q.jsonl", *[{"prompt": "hello"}] * 6)
    told = as_json(capsys, *ask, "--batch", "q.jsonl", "--temperature", 2, "--batch-size", 2)
    assert len({row["answer"] for row in told["answers"]}) == 6


BAD = {
    "no JSON": ('{"prompt": }', "it is not JSON: Expecting value: line 1 column 12"),
    "no object": ('["hello"]', "it is not a JSON object"),
    "half a pair": ('{"prompt": "\\ud800"}', "holds half of a surrogate pair (U+D800)"),
    "no prompt": ({"image": "a.png"}, "it has no prompt"),
    "a misspelt field": ({"prompt": "a", "imgae": "a.png"}, "did you mean image"),
    "a number": ({"prompt": 1}, "prompt is 1 (give text"),
    "a budget": ({"prompt": "a", "max_new_tokens": True}, "max_new_tokens is true"),
    "an id": ({"id": [], "prompt": "a"}, "its id is neither"),
    "both kinds": ({"prompt": "a", "image": "a.png", "images": []}, "both image and images"),
    "no picture": ({"prompt": "a", "image": "no.png"}, "no.png' does not exist"),
    "half a picture": ({"prompt": "a", "images": ["a.png", "cut.png"]}, "cannot be decoded"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_wrong_line(
    what: str,
    ask: list[Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Named with its file before a model is loaded; nothing is written."""
    monkeypatch.setattr(loading, "load", None)
    line, complaint = BAD[what]
    lines(tmp_path / "q.jsonl", {"prompt": "hello"}, "", line)
    words = [*ask, "--batch", "q.jsonl", "--out", "a.jsonl"]
    check_mistake(capsys, tmp_path, words, "q.jsonl line 3: ")
    assert complaint in run(capsys, *words)[2]


@pytest.mark.slow
def test_wrong_lines_are_skipped(
    ask: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their errors stand in their places, those that only the model sees too; the rest is
    answered as without them, and a second run keeps all."""
    extra = [line for line, _ in BAD.values()] + [{"id": "x", "prompt": "<image>?"}]
    lines(tmp_path / "q.jsonl", REQUESTS[0], *extra, REQUESTS[4])
    words = [
        *ask,
        "--batch",
        "q.jsonl",
        "--out",
        "a.jsonl",
        "--on-error",
        "skip",
        "--batch-size",
        4,
    ]
    status, out, err = run(capsys, *words)
    assert (status, out) == (0, "a.jsonl: 2 answers\n")
    assert err == "12 of 14 lines were wrong\n"
    found = answers(Path("a.jsonl"))
    assert ["error" in row for row in found] == [False, *[True] * 12, False]
    assert found[-2]["id"] == "x"
    assert found[-2]["error"]["kind"] == "bad_image"
    assert "q.jsonl line 2: it is not JSON" in found[1]["error"]["message"]
    lines(tmp_path / "good.jsonl", REQUESTS[0], REQUESTS[4])
    good = as_json(capsys, *ask, "--batch", "good.jsonl")["answers"]
    assert [found[0]["answer"], found[-1]["answer"]] == [row["answer"] for row in good]
    told = as_json(capsys, *words)
    assert (told["kept"], told["bad"]) == (14, 12)
    # Without --on-error skip the last of them is found by the model, after what stands before it.
    lines(tmp_path / "q.jsonl", REQUESTS[0], extra[-1])
    status, _, err = run(capsys, *ask, "--batch", "q.jsonl", "--batch-size", 1, "--out", "b.jsonl")
    assert status == 2
    assert "q.jsonl line 2: prompts[0] has 1 <image> for 0 images" in err
    assert len(answers(Path("b.jsonl"))) == 1


@pytest.mark.parametrize(
    ("out", "complaint"),
    [
        ("q.jsonl", "--out q.jsonl is the input"),
        (".", "is not a regular file"),
        ("a.png/answers.jsonl", "is not a folder"),
    ],
)
def test_where_answers_cannot_go(
    out: str, complaint: str, ask: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said at once."""
    lines(tmp_path / "q.jsonl", *REQUESTS)
    check_mistake(capsys, tmp_path, [*ask, "--batch", "q.jsonl", "--out", out], complaint)


def test_a_file_that_is_in_use_or_full(
    ask: list[Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line each; what is whole on the disk stays."""
    lines(tmp_path / "q.jsonl", *REQUESTS)
    words = [*ask, "--batch", "q.jsonl", "--out", "a.jsonl"]
    with Path("a.jsonl").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        check_mistake(capsys, tmp_path, words, "another process writes a.jsonl")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    status, _, err = run(capsys, *words)
    assert (status, err.count("\n")) == (2, 1)
    assert "a.jsonl: No space left on device" in err


def test_no_lines(ask: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No file, or nothing in it."""
    check_mistake(capsys, tmp_path, [*ask, "--batch", "no.jsonl"], "--batch no.jsonl: No such file")
    check_mistake(capsys, tmp_path, [*ask, "--batch", "."], "is a folder, not a file")
    lines(tmp_path / "q.jsonl", "", "")
    check_mistake(capsys, tmp_path, [*ask, "--batch", "q.jsonl"], "q.jsonl has no lines")
