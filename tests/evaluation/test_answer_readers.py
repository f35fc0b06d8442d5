# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Every reader of answers: whatever happened to a file, it is scored right or refused by name."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from robomamba_jax.data.sources.manipulation import detection
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.base import Question
from robomamba_jax.evaluation.runner import run
from tests.evaluation.said import Drawn, digest, drawn

KINDS = ("random", "popular", "adversarial")
Row = dict[str, Any]
Write = Callable[[Path, Sequence[Row], Drawn], Path]


def _text(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def _lines(rows: Sequence[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def json_list(folder: Path, rows: Sequence[Row], asked: Drawn) -> Path:
    """VQA's result file, with the question beside each answer."""
    said = [
        {"question_id": int(r["id"]), "question": r["question"], "answer": r["answer"]}
        for r in rows
    ]
    return _text(folder / "said.json", json.dumps(said))


def json_lines(folder: Path, rows: Sequence[Row], asked: Drawn) -> Path:
    """LLaVA's answers."""
    said = [
        {"question_id": r["id"], "prompt": r["question"] + "\nAnswer it.", "text": r["answer"]}
        for r in rows
    ]
    return _text(folder / "said.jsonl", _lines(said))


def json_object(folder: Path, rows: Sequence[Row], asked: Drawn) -> Path:
    """MM-Vet's result; a key that stands twice is written twice."""
    pairs = ", ".join(f"{json.dumps(r['id'])}: {json.dumps(r['answer'])}" for r in rows)
    return _text(folder / "said.json", "{" + pairs + "}")


def table(ending: str) -> Write:
    """MMBench's, with the question and the first option beside each answer."""

    def write(folder: Path, rows: Sequence[Row], asked: Drawn) -> Path:
        names = ["index", "question", "prediction"]
        cells = [[r["id"], r["question"].partition("\n")[0], r["answer"]] for r in rows]
        path = folder / f"said.{ending}"
        if ending == "xlsx":
            book: Any = Workbook()
            for line in (names, *([int(key), *rest] for key, *rest in cells)):
                book.active.append(line)
            book.save(path)
            return path
        text = io.StringIO()
        csv.writer(text, delimiter="\t" if ending == "tsv" else ",").writerows([names, *cells])
        return _text(path, text.getvalue())

    return write


def raw_lines(folder: Path, rows: Sequence[Row], asked: Drawn) -> Path:
    """The published repository's."""
    return _text(folder / "said.txt", "".join(f"{r['id']},{r['answer']}\n" for r in rows))


def mme_folder(folder: Path, rows: Sequence[Row], asked: Drawn) -> Path:
    """A text per sub-task."""
    texts: dict[str, str] = {}
    for r in rows:
        name, _, image = r["image"].partition("/")
        line = "\t".join((image, r["question"], r["label"], r["answer"]))
        texts[name] = texts.get(name, "") + line + "\n"
    for name, text in texts.items():
        _text(folder / f"{name}.txt", text)
    return folder


def pope_files(*, numbered: bool) -> Write:
    """A file per kind, as POPE's own tool reads them; with numbers or in the questions' order."""

    def write(folder: Path, rows: Sequence[Row], asked: Drawn) -> Path:
        for kind in KINDS:
            said = []
            for r in rows:
                if kind in r["id"]:
                    row = {"question": r["question"], "answer": r["answer"]}
                    key = int(r["id"].rpartition("-")[2])
                    said.append({"question_id": key, **row} if numbered else row)
            _text(folder / f"llava_{kind}.jsonl", _lines(said))
        return folder

    return write


def our_answers(folder: Path, rows: Sequence[Row], asked: Drawn) -> Path:
    """answers.jsonl, as eval.py keeps it."""
    header = {"schema": "robomamba.eval answers/1", "checkpoint": "0", "benchmark": asked.name}
    header["questions"] = digest(asked.loaded.files)
    said = [{"id": r["id"], "answer": r["answer"], "reason": "eos", "tokens": [1]} for r in rows]
    return _text(folder / "answers.jsonl", _lines([header, *said]))


def result_list(folder: Path, rows: Sequence[Row], asked: Drawn) -> Path:
    """The published repository's manip.json."""
    said = [{"image_id": r["id"], "detection": r["answer"], "image": r["image"]} for r in rows]
    return _text(folder / "manip.json", json.dumps(said))


# form -> benchmark, writer, and what of the question stands beside an answer ("" = nothing).
FORMS: dict[str, tuple[str, Write, str]] = {
    "a JSON list": ("vqav2", json_list, "question"),
    "JSON lines": ("gqa", json_lines, "question"),
    "a JSON object": ("mmvet", json_object, ""),
    "a .csv table": ("mmbench", table("csv"), "question"),
    "a .tsv table": ("mmbench", table("tsv"), "question"),
    "an .xlsx table": ("mmbench", table("xlsx"), "question"),
    "lines of id,answer": ("ocrvqa", raw_lines, ""),
    "MME's folder": ("mme", mme_folder, "label"),
    "POPE's files": ("pope", pope_files(numbered=True), "question"),
    "POPE's files without numbers": ("pope", pope_files(numbered=False), "question"),
    "our answers.jsonl": ("gqa", our_answers, ""),
    "the repository's poses": ("manipulation", result_list, "image"),
}


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Drawn]:
    """Each drawn once."""
    folder = tmp_path_factory.mktemp("drawn")
    return {name: drawn(name, folder / name) for name in {form[0] for form in FORMS.values()}}


def _row(item: Question, number: int) -> Row:
    answer: Any = f"answer {number}"
    if "action" in item.metadata:
        pose = item.metadata["action"]
        answer = detection((float(number), 2.5), pose.rotation())
    image = str(item.metadata.get("image", f"{item.id}.png"))
    label = item.references[0] if item.references else ""
    row = {"id": item.id, "answer": answer, "question": item.text}
    return {**row, "image": image, "label": label}


def _other(row: Row) -> Any:
    """Another answer."""
    answer = row["answer"]
    return f"{answer}!" if isinstance(answer, str) else [answer[0] + 1, *answer[1:]]


def _strange(row: Row) -> Row:
    """The same answer to a question that nobody asked."""
    key = row["id"]
    number = f"{key}7777" if key.isdecimal() else f"{key}-7777"
    words = {"question": f"Who has asked about {number}?", "image": f"{number}.png"}
    if "/" in row["image"]:  # MME's picture lies in its sub-task
        words["image"] = row["image"] + "7777"
    return {**row, **words, "id": number}


def _sequence(rows: Sequence[Row]) -> list[list[str]]:
    """Each kind's questions in their order: all that is said by a file without numbers."""
    return [[row["question"] for row in rows if kind in row["id"]] for kind in KINDS]


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=8)
@given(data=st.data())
def test_whatever_happens_to_a_file(
    form: str,
    benchmarks: dict[str, Drawn],
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    """Shuffled and doubled: the same answers, or refused. Contradicting itself or the question,
    foreign, surplus, missing: refused, with the place or the question named."""
    name, write, echo = FORMS[form]
    asked = benchmarks[name]
    rows = [_row(item, number) for number, item in enumerate(asked.questions)]
    wanted = [row["answer"] for row in rows]
    victim = data.draw(st.integers(0, len(rows) - 1), label="victim")
    order = data.draw(st.permutations(range(len(rows))), label="order")
    row, rest = rows[victim], rows[:victim] + rows[victim + 1 :]
    place = data.draw(st.integers(0, len(rows)), label="place")

    def read(changed: Sequence[Row]) -> list[Any] | str:
        """The answers, or the line that refuses them."""
        path = write(tmp_path_factory.mktemp("said"), changed, asked)
        try:
            return list(run.from_predictions(asked.config, path, asked.loaded).answers)
        except InputError as error:
            return error.message

    def refused(changed: Sequence[Row], what: str) -> None:
        found = read(changed)
        assert isinstance(found, str), f"{what} was scored"
        assert "\n" not in found

    def right_or_refused(changed: Sequence[Row], what: str) -> None:
        if read(changed) != wanted:
            refused(changed, what)

    assert read(rows) == wanted
    moved = [rows[k] for k in order]
    if form != "POPE's files without numbers":
        assert read(moved) == wanted
    elif _sequence(moved) != _sequence(rows):
        refused(moved, "another order of questions")
    right_or_refused([*rows[:place], row, *rows[place:]], "doubled")
    refused([*rows[:place], {**row, "answer": _other(row)}, *rows[place:]], "two answers to one")
    refused([*rows[:place], _strange(row), *rows[place:]], "a surplus answer")
    refused(rest, "a missing answer")
    refused([_strange(one) for one in rows], "answers to other questions")
    if echo:
        changed = {"question": "Is this the question of somebody else?"}
        changed |= {"label": "No" if row["label"] == "Yes" else "Yes", "image": "x/other.png"}
        refused([*rest, {**row, echo: changed[echo]}], "a contradiction")
