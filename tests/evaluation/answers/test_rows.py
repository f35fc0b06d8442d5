# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Text of answers as it comes: what ends a line, which letters, which encoding."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.evaluation.runner import run
from tests.evaluation.said import Drawn, drawn, refused, score

Capsys = pytest.CaptureFixture[str]
ENDS = "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e"


@pytest.fixture(scope="module")
def gqa(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return drawn("gqa", tmp_path_factory.mktemp("rows") / "gqa")


@given(text=st.text(st.sampled_from(f"{ENDS}ab, \x00=\ufeff"), min_size=1))
def test_lines_end_with_a_newline_alone(text: str, gqa: Drawn) -> None:
    """What cuts lines for ``str.splitlines`` stands inside of answers, as do commas and marks."""
    said = [f"{ENDS}{text}", text, f"{text}{ENDS}", "x" * 40_000]
    path = gqa.folder.parent / "said.txt"
    lines = [f"{item.id},{answer}\n" for item, answer in zip(gqa.questions, said, strict=True)]
    path.write_bytes("".join(lines).encode())
    assert run.from_predictions(gqa.config, path, gqa.loaded).answers == said


def test_a_list_in_a_line_is_text_unless_poses_are_due(gqa: Drawn) -> None:
    """An answer "[1, 2]" is what was said."""
    path = gqa.folder.parent / "said.txt"
    path.write_text("".join(f"{item.id},[1, 2]\n" for item in gqa.questions))
    assert run.from_predictions(gqa.config, path, gqa.loaded).answers == ["[1, 2]"] * 4


def test_mme_answers_hold_such_letters_too(tmp_path: Path, capsys: Capsys) -> None:
    """And so do its questions; a line with another number of tabs is named."""
    asked = drawn("mme", tmp_path / "mme")
    for path in asked.folder.rglob("*.txt"):
        path.write_bytes(path.read_text().replace("Is ", "Is\u2028").encode())
    (folder := tmp_path / "said").mkdir()
    for item in asked.questions:
        name, _, image = item.metadata["image"].partition("/")
        question = item.text.replace("Is ", "Is\u2028")
        with (folder / f"{name}.txt").open("ab") as file:
            answer = f"{item.references[0]}\u2028\x0c"
            file.write("\t".join((f"{image}.jpg", question, item.references[0], answer)).encode())
            file.write(b"\n")
    status, result = score(folder, asked, capsys)
    assert (status, result["answered"]) == (0, len(asked.questions))
    assert result["figures"]["perception"]["value"] == 400
    with (folder / "color.txt").open("a") as file:
        file.write("0001.jpg\tIs it red?\tYes\tNo\tno, really\n")
    assert "has 5 parts divided by tabs" in refused(score(folder, asked, capsys))


@pytest.mark.parametrize("field", ["answer", "question_id", "note"])
def test_half_an_emoji_is_refused(field: str, gqa: Drawn, capsys: Capsys) -> None:
    """No file of ours could take it."""
    rows = [{"question_id": item.id, "answer": "x", "note": ""} for item in gqa.questions]
    rows[1][field] = "\ud83d"
    path = gqa.folder.parent / "half.json"
    path.write_text(json.dumps(rows))
    words = refused(score(path, gqa, capsys, "on_error=skip"))
    assert "half.json: record 1 holds half of a surrogate pair" in words


@pytest.mark.parametrize("form", ["json", "txt", "csv"])
def test_marks_and_encodings(form: str, gqa: Drawn, capsys: Capsys) -> None:
    """A byte order mark is no part of the first id; what is not UTF-8 is named, not replaced."""
    ids = [item.id for item in gqa.questions]
    text = {
        "json": json.dumps(dict.fromkeys(ids, "é")),
        "txt": "".join(f"{key},é\n" for key in ids),
        "csv": "index,prediction\n" + "".join(f"{key},é\n" for key in ids),
    }[form].replace("\\u00e9", "é")
    path = gqa.folder.parent / f"marked.{form}"
    path.write_bytes(text.encode("latin-1"))
    assert "is not UTF-8 text" in refused(score(path, gqa, capsys))
    path.write_bytes(text.encode("utf-16"))
    assert "UTF-16" in refused(score(path, gqa, capsys))
    path.write_bytes(text.encode("utf-8-sig"))
    assert run.from_predictions(gqa.config, path, gqa.loaded).answers == ["é"] * 4


def test_an_object_that_could_be_both(tmp_path: Path, capsys: Capsys) -> None:
    """One record, or answers by question, where a question is called as a field is; an object of
    answers by question is still read as that."""
    asked = drawn("mmvet", tmp_path / "mmvet")
    path = tmp_path / "said.json"
    said = {item.id: "x" for item in asked.questions}
    path.write_text(json.dumps({**said, "text": "y"}))
    words = refused(score(path, asked, capsys))
    assert "one object with the field 'text' and the question 'v1_0'" in words
    path.write_text(json.dumps(said))
    assert score(path, asked, capsys)[0] == 0
