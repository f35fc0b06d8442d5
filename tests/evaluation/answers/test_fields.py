# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which field is the answer, and which the question: an error where two could be, never a guess."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.evaluation.said import Drawn, drawn, refused, score

Capsys = pytest.CaptureFixture[str]


def said(asked: Drawn, name: str = "said.json", **fields: Any) -> Path:
    """Records, each with the right question_id and with what the callables make of its item."""
    rows = [
        {"question_id": item.id, **{key: of(item) for key, of in fields.items()}}
        for item in asked.questions
    ]
    path = asked.folder.parent / name
    path.write_text(json.dumps(rows))
    return path


def right(item: Any) -> str:
    return item.references[0]


def wrong(_: Any) -> str:
    return "zebra"


@pytest.mark.parametrize("other", ["prediction", "pred", "text", "model_answer", "generated"])
def test_the_truth_beside_a_prediction_is_not_scored(
    other: str, tmp_path: Path, capsys: Capsys
) -> None:
    """ "answer" holds the truth, and another field what was said: 0 %, not 100 %."""
    asked = drawn("gqa", tmp_path / "gqa")
    path = said(asked, answer=right, **{other: wrong})
    words = refused(score(path, asked, capsys))
    assert "'answer'" in words
    assert f"'{other}'" in words
    assert f"--set answer_field={other}" in words
    for field, value in ((other, 0), ("answer", 1)):
        status, result = score(path, asked, capsys, f"answer_field={field}")
        assert status == 0
        assert result["figures"]["accuracy"]["value"] == value


def test_what_agrees_or_is_the_truth_by_name_is_not_in_the_way(
    tmp_path: Path, capsys: Capsys
) -> None:
    """Equal values, and fields that say that they are the truth or an id; a kind of answer that
    differs is still refused."""
    asked = drawn("gqa", tmp_path / "gqa")
    path = said(asked, answer=wrong, prediction=right)
    refused(score(path, asked, capsys))
    extra = {"gt_answer": right, "answer_id": wrong, "model_id": right, "answer_type": right}
    path = said(asked, answer=wrong, prediction=wrong, **extra)
    status, result = score(path, asked, capsys)
    assert (status, result["figures"]["accuracy"]["value"]) == (0, 0)


def test_questions_are_no_answers(tmp_path: Path, capsys: Capsys) -> None:
    """POPE's own file of questions calls the question "text", as others call the answer; beside an
    answer it is the question."""
    asked = drawn("pope", tmp_path / "pope")
    (folder := tmp_path / "said").mkdir()
    for path in sorted(asked.folder.glob("coco_pope_*.json")):
        (folder / path.name).write_bytes(path.read_bytes())
    assert "its 'text' is the question" in refused(score(folder, asked, capsys))
    for path in folder.iterdir():
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps({**r, "answer": r["label"]}) + "\n" for r in rows))
    status, result = score(folder, asked, capsys)
    assert (status, result["figures"]["accuracy"]["value"]) == (0, 1)


def test_a_running_number_is_no_question(tmp_path: Path, capsys: Capsys) -> None:
    """ "id" counts the records and "index" is MMBench's: both are numbers of asked questions."""
    asked = drawn("mmbench", tmp_path / "mmbench")
    rows = [
        {"id": number, "index": int(item.id), "answer": item.references[0]}
        for number, item in enumerate(reversed(asked.questions))
    ]
    path = tmp_path / "said.json"
    path.write_text(json.dumps(rows))
    words = refused(score(path, asked, capsys, "on_error=skip"))
    assert "--set id_field=id" in words
    assert "--set id_field=index" in words
    status, result = score(path, asked, capsys, "id_field=index")
    assert (status, result["figures"]["row_accuracy"]["value"]) == (0, 1)


def test_numbers_beside_the_question_do_not_name_it(tmp_path: Path, capsys: Capsys) -> None:
    """image_id beside question_id is the picture's: the same is fine, another is refused."""
    asked = drawn("vqav2", tmp_path / "vqav2")
    bad = said(asked, image_id=lambda item: 99, answer=right)
    assert "its image_id is '99', and 'COCO_val2014_" in refused(score(bad, asked, capsys))
    good = said(
        asked, image_id=lambda item: int(item.id) // 1000, id=lambda item: "a", answer=right
    )
    status, result = score(good, asked, capsys)
    assert (status, result["figures"]["accuracy"]["value"]) == (0, 1)


def test_a_key_that_stands_twice(tmp_path: Path, capsys: Capsys) -> None:
    """Python's reader keeps the last one."""
    asked = drawn("gqa", tmp_path / "gqa")
    rows = [f'{{"question_id": "{i.id}", "answer": "x", "answer": "y"}}' for i in asked.questions]
    path = tmp_path / "said.json"
    path.write_text(f"[{', '.join(rows)}]")
    assert "has the key 'answer' twice" in refused(score(path, asked, capsys))


def test_a_table_with_the_truth_in_it(tmp_path: Path, capsys: Capsys) -> None:
    """MMBench's own column "answer" beside "prediction", as harnesses leave it."""
    asked = drawn("mmbench", tmp_path / "mmbench")
    path = tmp_path / "said.csv"
    rows = [["index", "answer", "prediction"]]
    rows += [[item.id, item.references[0], "E"] for item in asked.questions]
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    assert "--set answer_field=prediction" in refused(score(path, asked, capsys))
    status, result = score(path, asked, capsys, "answer_field=prediction")
    assert (status, result["figures"]["row_accuracy"]["value"]) == (0, 0)
    status, result = score(path, asked, capsys, "answer_field=answer")
    assert (status, result["figures"]["row_accuracy"]["value"]) == (0, 1)


def test_a_whole_result_is_not_a_file_of_answers(tmp_path: Path, capsys: Capsys) -> None:
    """A folder of eval.py's holds its answers, its submission and its result: which was meant?"""
    asked = drawn("gqa", tmp_path / "gqa")
    good = said(asked, answer=right)
    assert score(good, asked, capsys)[0] == 0
    out = tmp_path / "gqa-out"
    (out / "wrong.html").unlink()
    (out / "table.md").unlink()
    (out / "results.json").write_text('{"benchmark": "gqa", "answer": "no"}')
    words = refused(score(out, asked, capsys))
    assert "is a whole result, of which answers are but a part" in words
