# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Anyone's answers, in the forms in which they come."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.cli.evaluate import main
from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.predictions import read_predictions
from robomamba_jax.evaluation.benchmarks.base import Question
from robomamba_jax.evaluation.benchmarks.registry import benchmark
from robomamba_jax.evaluation.synthetic.benchmark_files import write_toy


def items_of(name: str, folder: Path) -> tuple[Question, ...]:
    """The questions of a drawn benchmark."""
    config = write_toy(EvalConfig(name, FilesConfig(""), toy=4), folder / name)
    return benchmark(name).load(config).questions


def _lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _llava(item: Question) -> dict[str, Any]:
    prompt = f"<image>\n{item.text}\nAnswer the question using a single word or phrase."
    row = {"question_id": int(item.id), "prompt": prompt, "text": item.id}
    return {**row, "answer_id": "y", "model_id": "llava", "metadata": {}}


FORMS = {
    "a list": lambda items: json.dumps([{"question_id": int(i.id), "answer": i.id} for i in items]),
    "LLaVA's lines": lambda items: _lines([_llava(item) for item in items]),
    "an object": lambda items: json.dumps({item.id: item.id for item in items}),
    "the repository's lines": lambda items: "".join(f"{i.id},{i.id}\n" for i in items),
}


@pytest.mark.parametrize("form", FORMS)
def test_answers_in_several_forms(form: str, tmp_path: Path) -> None:
    """By the question's number, whatever the order."""
    items = items_of("vqav2", tmp_path)
    keys = [item.id for item in items]
    path = tmp_path / ("said.txt" if "lines" in form and "repos" in form else "said.json")
    path.write_text(FORMS[form](items[::-1]))
    assert read_predictions(path, items).answers == keys


def test_commas_belong_to_the_answer(tmp_path: Path) -> None:
    """The repository divides at the first one."""
    items = items_of("gqa", tmp_path)
    path = tmp_path / "result-train-test-0.txt"
    path.write_text("".join(f"{item.id},yes, it is\n" for item in items))
    assert read_predictions(path, items).answers == ["yes, it is"] * 4


def test_vizwiz_by_number_as_the_repository_has_it(tmp_path: Path) -> None:
    """Its questions have no numbers; the repository counts from 0."""
    items = items_of("vizwiz", tmp_path)
    path = tmp_path / "vizwiz.json"
    path.write_text(json.dumps([{"question_id": k, "answer": str(k)} for k in range(4)]))
    assert read_predictions(path, items).answers == ["0", "1", "2", "3"]


def test_pope_answers_without_numbers_are_in_the_questions_order(tmp_path: Path) -> None:
    """As POPE's own evaluate.py takes them: a file for each of its kinds."""
    items = items_of("pope", tmp_path)
    (folder := tmp_path / "said").mkdir()
    for kind in ("random", "popular", "adversarial"):
        asked = [item.text for item in items if item.groups["kind"] == kind]
        rows = [{"question": text, "answer": f"{kind} {k}"} for k, text in enumerate(asked)]
        (folder / f"llava_{kind}.jsonl").write_text(_lines(rows))
    found = read_predictions(folder, items).answers
    assert found == [
        f"{kind} {k}" for kind in ("random", "popular", "adversarial") for k in range(4)
    ]


def test_poses_as_the_repository_writes_them(tmp_path: Path) -> None:
    """Its result list, and its raw lines."""
    items = items_of("manipulation", tmp_path)
    pose = [1.0, 2.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    listed, raw = tmp_path / "manip.json", tmp_path / "manip.txt"
    listed.write_text(json.dumps([{"image_id": i.id, "detection": pose} for i in items]))
    raw.write_text("".join(f"{item.id},{pose}\n" for item in items))
    for path in (listed, raw):
        assert read_predictions(path, items, poses=True).answers == [pose] * 4


def test_a_table_of_mmbench(tmp_path: Path) -> None:
    """By index, from .tsv and .csv as from the sheet."""
    items = items_of("mmbench", tmp_path)
    for ending, comma in (("tsv", "\t"), ("csv", ",")):
        path = tmp_path / f"said.{ending}"
        rows = [["index", "prediction"], *([item.id, "B"] for item in items)]
        path.write_text("".join(comma.join(row) + "\n" for row in rows))
        assert read_predictions(path, items).answers == ["B"] * len(items)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", "[]", "no records"),
        ("x.json", '[{"question_id": 1}]', "record 0 has none of answer, prediction"),
        ("x.json", '[{"question_id": 1, "answer": "x"}]', "answers none of the benchmark's"),
        ("x.json", '{"a": ', "an end that is missing"),
        ("x.txt", "nothing here", 'line 1 is neither "id,answer" nor'),
        ("x.tsv", "a\tb\n1\t2\n", "no columns index and prediction"),
        ("x.xlsx", "no sheet", "is no .xlsx file"),
        ("missing.json", None, "does not exist"),
    ],
)
def test_what_is_no_answer_is_named(
    name: str, content: str | None, message: str, tmp_path: Path
) -> None:
    """One line with what is due."""
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=re.escape(message)) as error:
        read_predictions(path, items_of("gqa", tmp_path))
    assert "\n" not in error.value.message


def test_a_wrong_type_of_answer(tmp_path: Path) -> None:
    """A number is no text."""
    items = items_of("gqa", tmp_path)
    path = tmp_path / "said.json"
    path.write_text(json.dumps({item.id: 3 for item in items}))
    with pytest.raises(InputError, match="is no text"):
        read_predictions(path, items)


def test_missing_answers_are_an_error_or_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counted, and the first one named; no jax is needed for a file of answers."""
    items = items_of("gqa", tmp_path)
    path = tmp_path / "said.json"
    path.write_text(json.dumps({item.id: item.references[0] for item in items[1:]}))
    flags = ["--config", "configs/eval_gqa.py", "--predictions", str(path), "--out"]
    flags += [str(tmp_path / "out"), "--set", f"files.root={tmp_path}/gqa", "--json"]
    assert main(flags) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "missing_answers"
    assert f"leaves 1 of 4 questions out, first {items[0].id!r}" in error["message"]
    assert main([*flags, "--set", "on_error=skip"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["figures"]["accuracy"]["value"] == 1
    assert result["figures"]["accuracy"]["n"] == 3
    assert list(result["problems"]) == [items[0].id]
    assert result["also"]["official"]["value"] == 1
    assert result["checkpoint"] is None
