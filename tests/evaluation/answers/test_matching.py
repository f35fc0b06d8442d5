# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Answers against what was asked: near misses named, supersets counted, contradictions refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.evaluation.said import Drawn, digest, drawn, refused, score

Capsys = pytest.CaptureFixture[str]


def written(asked: Drawn, rows: list[Any], name: str = "said.json") -> Path:
    path = asked.folder.parent / name
    path.write_text(json.dumps(rows))
    return path


def answered(asked: Drawn) -> list[dict[str, Any]]:
    """Right answers to all questions."""
    return [{"question_id": item.id, "answer": item.references[0]} for item in asked.questions]


@pytest.mark.parametrize(
    ("spelled", "words"),
    [
        (lambda key: f"0{key}", "is nearly the asked"),
        (lambda key: f" {key}", "is nearly the asked"),
        (lambda key: f"{key}.0", "is nearly the asked"),
        (lambda key: "".join(chr(ord(digit) + 0xFEE0) for digit in key), "is nearly the asked"),
        (float, "which is not a text or a whole number"),
        (lambda key: True, "which is not a text or a whole number"),
        (lambda key: None, "which is not a text or a whole number"),
        (lambda key: "", "which is not a text or a whole number"),
    ],
)
def test_ids_are_compared_as_they_stand(
    spelled: Any, words: str, tmp_path: Path, capsys: Capsys
) -> None:
    """One of four is written otherwise: it is named, with what it is near to, even where answers to
    the others suffice."""
    asked = drawn("gqa", tmp_path / "gqa")
    rows = answered(asked)
    rows[2]["question_id"] = spelled(rows[2]["question_id"])
    assert words in refused(score(written(asked, rows), asked, capsys, "on_error=skip"))


def test_surplus_answers_are_counted_when_they_are_left_out(tmp_path: Path, capsys: Capsys) -> None:
    """An error by number and name; on_extra=skip says how many."""
    asked = drawn("gqa", tmp_path / "gqa")
    rows = [*answered(asked), {"question_id": "5", "answer": "x"}, {"id": "6", "answer": "x"}]
    path = written(asked, rows)
    words = refused(score(path, asked, capsys))
    assert "answers 2 questions that were not asked, first '5', '6'" in words
    assert "--set on_extra=skip" in words
    status, result = score(path, asked, capsys, "on_extra=skip")
    assert (status, result["figures"]["accuracy"]["value"]) == (0, 1)
    assert "2 answers to what was not asked were left out" in result["notes"]


def test_a_limit_takes_some_of_all_answers(tmp_path: Path, capsys: Capsys) -> None:
    """VizWiz' numbers count the file's questions, not those that a limit has drawn."""
    asked = drawn("vizwiz", tmp_path / "vizwiz", toy=8)
    rows = [
        {"question_id": k, "answer": item.references[0]} for k, item in enumerate(asked.questions)
    ]
    status, result = score(written(asked, rows), asked, capsys, "limit=5")
    assert status == 0
    assert (result["answered"], result["figures"]["accuracy"]["value"]) == (5, 1)
    assert "3 answers are to questions of these files that limit leaves out" in result["notes"]
    # Images name the same questions, and must agree with the numbers.
    shifted = [{**row, "image": asked.questions[(k + 1) % 8].id} for k, row in enumerate(rows)]
    assert "--set id_field=image" in refused(score(written(asked, shifted), asked, capsys))


def test_the_same_answer_twice_is_said(tmp_path: Path, capsys: Capsys) -> None:
    """Harnesses that fill up their last batch write some twice; two different ones are an error."""
    asked = drawn("gqa", tmp_path / "gqa")
    rows = answered(asked)
    path = written(asked, [*rows, {**rows[1], "answer": "x"}])
    words = refused(score(path, asked, capsys))
    assert f"record 1 and {path}: record 4 answer '{asked.questions[1].id}' differently" in words
    path = written(asked, [*rows, rows[1]])
    status, result = score(path, asked, capsys)
    assert (status, result["figures"]["accuracy"]["value"]) == (0, 1)
    assert f"1 answers stand once more in {path}, in the same words" in result["notes"]


@pytest.mark.parametrize(
    ("name", "field", "given", "words"),
    [
        ("gqa", "question", "Is it raining?", "its question is 'Is it raining?'"),
        ("gqa", "image", "n000999.jpg", "its image is 'n000999.jpg', and 'n000001.jpg' was asked"),
        ("gqa", "imageId", "n000999", "its imageId is 'n000999'"),
        ("pope", "label", "maybe", "its label is 'maybe'"),
        ("pope", "category", "adversarial", "and 'random' was asked"),
        ("mmbench", "A", "nothing like it", "its A is 'nothing like it'"),
        ("mmbench", "category", "logic", "its category is 'logic'"),
        ("manipulation", "category", "Door", "its category is 'Door'"),
        ("robovqa", "prompt", "Q: what is it?", "its prompt is 'Q: what is it?'"),
    ],
)
def test_what_stands_beside_an_answer_must_be_so(
    name: str, field: str, given: str, words: str, tmp_path: Path, capsys: Capsys
) -> None:
    """A question, picture, label, option or category of another question; said or switched off."""
    asked = drawn(name, tmp_path / name)
    rows = [{"question_id": item.id, "answer": "x"} for item in asked.questions]
    if name == "manipulation":
        pose = [1.0, 2.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        rows = [{"question_id": item.id, "detection": pose} for item in asked.questions]
    rows[0][field] = given
    path = written(asked, rows)
    assert words in refused(score(path, asked, capsys))
    assert score(path, asked, capsys, "check_echoes=false")[0] == 0


def test_prompts_around_the_question_do_not_contradict(tmp_path: Path, capsys: Capsys) -> None:
    """Other wrappings, letters, blanks, and names of the same picture; a contradiction would be
    seen in the same place."""
    asked = drawn("vqav2", tmp_path / "vqav2")
    rows = answered(asked)
    for row, item in zip(rows, asked.questions, strict=True):
        row["prompt"] = f"USER: <image>\n{item.text.upper()}   Answer with a word. ASSISTANT:"
        row["image"] = f"/data/coco/COCO_val2014_{int(item.id) // 1000:012d}.png"
    status, result = score(written(asked, rows), asked, capsys)
    assert (status, result["figures"]["accuracy"]["value"]) == (0, 1)
    rows[0]["prompt"] = "USER: <image>\nIs it raining? ASSISTANT:"
    assert "its prompt is" in refused(score(written(asked, rows), asked, capsys))


@pytest.mark.parametrize("other", ["benchmark", "questions"])
def test_our_own_answers_say_whose_they_are(other: str, tmp_path: Path, capsys: Capsys) -> None:
    """The first line of answers.jsonl names the benchmark and the questions' hash."""
    asked = drawn("gqa", tmp_path / "gqa")
    header = {"schema": "robomamba.eval answers/1", "checkpoint": "0", "benchmark": "gqa"}
    header["questions"] = digest(asked.loaded.files)
    rows = [{"id": i.id, "answer": i.references[0], "reason": "eos"} for i in asked.questions]
    path = tmp_path / "answers.jsonl"

    def put(first: dict[str, str]) -> Path:
        path.write_text("".join(json.dumps(row) + "\n" for row in [first, *rows]))
        return path

    words = refused(score(put({**header, other: "vqav2"}), asked, capsys))
    assert "answers.jsonl answers" in words
    status, result = score(put(header), asked, capsys)
    assert (status, result["figures"]["accuracy"]["value"]) == (0, 1)


def test_one_pose_that_is_broken_is_left_out(tmp_path: Path, capsys: Capsys) -> None:
    """It does not end an evaluation that was told to go on."""
    asked = drawn("manipulation", tmp_path / "manipulation")
    rows = [{"image_id": i.id, "detection": [1.0, 2, 1, 0, 0, 0, 1, 0]} for i in asked.questions]
    rows[1]["detection"] = [1.0, 2, 0, 0, 0, 0, 1, 0]
    path = written(asked, rows)
    status, result = score(path, asked, capsys, "on_error=skip")
    assert (status, result.get("answered")) == (0, 3)
    assert "a direction without length" in result["problems"][asked.questions[1].id]
    assert asked.questions[1].id in refused(score(path, asked, capsys))
