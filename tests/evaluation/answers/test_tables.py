# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of answers: sheets, what Excel makes of cells, rows that are too long or too short."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from robomamba_jax.evaluation.benchmarks.registry import benchmark
from tests.evaluation.said import Drawn, drawn, refused, score

Capsys = pytest.CaptureFixture[str]


def book(asked: Drawn, said: Any = "B", change: Any = None) -> Path:
    """A workbook with an answer to every question, the third one changed."""
    made: Any = Workbook()
    sheet = made.active
    sheet.append(["index", "prediction"])
    for number, item in enumerate(asked.questions):
        sheet.append([int(item.id), said if number == 2 else "B"])
    if change is not None:
        change(made)
    path = asked.folder.parent / "said.xlsx"
    made.save(path)
    return path


def _format(form: str) -> Any:
    def change(made: Any) -> None:
        made.active.cell(4, 2).number_format = form

    return change


@pytest.mark.parametrize(
    ("said", "form", "what"),
    [
        (dt.date(2026, 2, 1), None, "a date or time (2026-02-01"),
        (dt.time(12, 30), None, "a date or time (12:30"),
        (True, None, "the truth value True"),
        ("=1+1", None, "a formula"),
        ("#N/A", None, "the error #N/A"),
        (0.5, "0%", "the number 0.5 in the format '0%'"),
        (1234567890123456789, None, "of which a sheet keeps fifteen digits"),
    ],
)
def test_what_excel_has_made_of_a_text_is_named(
    said: Any, form: str | None, what: str, tmp_path: Path, capsys: Capsys
) -> None:
    """ "1/2" becomes a date, "yes" a truth value: the cell is refused, or left out by name."""
    asked = drawn("mmbench", tmp_path / "mmbench")
    path = book(asked, said, _format(form) if form else None)
    words = refused(score(path, asked, capsys))
    assert what in words
    assert asked.questions[2].id in words
    status, result = score(path, asked, capsys, "on_error=skip")
    assert (status, list(result["problems"])) == (0, [asked.questions[2].id])


def test_numbers_without_doubt_are_text(tmp_path: Path, capsys: Capsys) -> None:
    """Whole numbers, with a point or without, as answers and as ids; spaces of a sheet's end."""
    asked = drawn("mmbench", tmp_path / "mmbench")

    def change(made: Any) -> None:
        for row in range(2, 2 + len(asked.questions)):
            made.active.cell(row, 1).value = float(made.active.cell(row, 1).value)
        made.active.cell(3, 2).value = 2
        made.active.cell(5, 2).value = 2.5
        made.active.cell(40, 7).value = "x"
        made.active.cell(40, 7).value = None

    shown_as_money = _format('"$"#,##0')
    assert "the number 2 in the format" in refused(
        score(book(asked, 2, shown_as_money), asked, capsys)
    )
    assert score(book(asked, 2.0, change), asked, capsys)[0] == 0
    sheet: Any = load_workbook(tmp_path / "mmbench-out" / "submission.xlsx").active
    said = [row[-1] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert said[:4] == ["B", "2", "2", "2.5"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda made: made.create_sheet("second").append(["index"]), "has 2 sheets with cells"),
        (lambda made: made.active.cell(3, 3, "x"), "row 3 has a cell in a column without a name"),
        (lambda made: made.active.cell(1, 3, "prediction"), "has two columns 'prediction'"),
    ],
)
def test_a_sheet_has_nothing_to_spare(
    change: Any, words: str, tmp_path: Path, capsys: Capsys
) -> None:
    """Other sheets, columns without a name, a column twice."""
    asked = drawn("mmbench", tmp_path / "mmbench")
    assert words in refused(score(book(asked, "B", change), asked, capsys))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("0,B,surplus\n", "row 2 has 3 cells, but there are 2 columns"),
        ("0\n", "row 2 has 1 cells, but there are 2 columns"),
        ('0,"B\n', "is not quoted as a table is"),
        ('0,"B" or so\n', "is not quoted as a table is"),
    ],
)
def test_rows_of_another_length(row: str, words: str, tmp_path: Path, capsys: Capsys) -> None:
    """None is cut or filled up, and no quote takes other rows in."""
    asked = drawn("mmbench", tmp_path / "mmbench")
    path = tmp_path / "said.csv"
    path.write_text(
        "index,prediction\n" + row + "".join(f"{i.id},B\n" for i in asked.questions[1:])
    )
    assert words in refused(score(path, asked, capsys, "on_error=skip"))


def test_a_submission_is_text_whatever_it_looks_like(tmp_path: Path, capsys: Capsys) -> None:
    """ "=1+1" is no formula there; what a cell cannot hold is refused rather than cut."""
    asked = drawn("mmbench", tmp_path / "mmbench")
    said = ["=1+1", "#N/A", "007", "1/2", *["B"] * (len(asked.questions) - 4)]
    chosen = benchmark("mmbench")
    (path,) = chosen.submit(tmp_path / "out", asked.questions, said)
    sheet: Any = load_workbook(path).active
    cells = [sheet.cell(row, 7) for row in range(2, 6)]
    assert [(cell.value, cell.data_type) for cell in cells] == [(text, "s") for text in said[:4]]
    assert score(path, asked, capsys)[0] == 0
    with pytest.raises(ValueError, match=r"40,000 letters, and a cell of .xlsx holds 32,767"):
        chosen.submit(tmp_path / "long", asked.questions, ["x" * 40_000, *said[1:]])
