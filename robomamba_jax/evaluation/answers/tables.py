# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of answers (.csv, .tsv, .xlsx) as rows by column, every cell of which is accounted for."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.utils.cells import from_cell
from robomamba_jax.utils.untrusted_text import check_text, read_text

TABLES = (".tsv", ".csv", ".xlsx")
_MOST_BYTES = 2**31  # of a workbook, unpacked
_EXACT = 10**15  # sheets keep fifteen digits of a number
# Formats in which a number is shown as what was typed: others show dates, shares, currencies.
_PLAIN_FORMATS = ("General", "@", "0")
_DAMAGED = (zipfile.BadZipFile, ParseError, KeyError, OSError, ValueError, TypeError, EOFError)


@dataclasses.dataclass(frozen=True)
class NonTextCell:
    """A cell that holds something else than text, such as a date made of "1/2".

    Attributes:
      what: it is, for messages.
    """

    what: str


def table_rows(path: Path) -> Iterator[tuple[int, dict[str, str | NonTextCell]]]:
    """A table's rows, each with its number in the file, from 1 for the names of the columns.

    Args:
      path: a .csv, .tsv or .xlsx file.

    Yields:
      (number, column -> cell). Whole numbers of a sheet are text without a point; an empty cell is
      "".

    Raises:
      InputError: it is no such file, has no single sheet, names two columns alike, or has a row
        that is longer or shorter than its first.
    """
    lines = _sheet(path) if path.suffix.lower() == ".xlsx" else _separated(path)
    _, first = next(lines, (0, []))
    names = [name if isinstance(name, str) else "" for name in first]
    repeated = [name for name, count in Counter(names).items() if name and count > 1]
    if repeated:
        raise bad_record(str(path), f"has two columns {repeated[0]!r}")
    for number, cells in lines:
        if len(cells) != len(names):
            what = f"has {len(cells)} cells, but there are {len(names)} columns"
            raise bad_record(f"{path}: row {number}", what)
        if any(cell != "" and not name for name, cell in zip(names, cells, strict=True)):
            raise bad_record(f"{path}: row {number}", "has a cell in a column without a name")
        yield number, {name: cell for name, cell in zip(names, cells, strict=True) if name}


def _separated(path: Path) -> Iterator[tuple[int, list[Any]]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    comma = "\t" if path.suffix.lower() == ".tsv" else ","
    # Strict: else a quote that is not closed takes all rows behind it into one cell.
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=comma, strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            if cells:
                yield number, cells
    except csv.Error as error:
        where = f"{path}: line {reader.line_num}"
        fix = "write it with a program that quotes, such as Python's csv"
        raise InputError("bad_record", f"{where} is not quoted as a table is: {error}", fix) from (
            error
        )


def _sheet(path: Path) -> Iterator[tuple[int, list[Any]]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        # A workbook is a ZIP of XML: a few kilobytes may unpack to more than the memory holds.
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > _MOST_BYTES:
            raise InputError("file_too_large", f"{path} unpacks to {size:,} bytes", "split it")
        # It reads as it goes, and holds the file open until it is closed.
        with contextlib.closing(load_workbook(path, read_only=True)) as book:
            used = {sheet.title: rows for sheet in book.worksheets if (rows := _cells(sheet))}
    except InputError:
        raise
    except (InvalidFileException, *_DAMAGED) as error:
        what = " ".join(str(error).split())[:200]
        raise InputError(
            "bad_record", f"{path} is no .xlsx file: {what}", "save it again, or as .csv"
        ) from error
    if len(used) > 1:
        names = ", ".join(repr(name) for name in used)
        what = f"{path} has {len(used)} sheets with cells: {names}"
        raise InputError("surplus_input", what, "leave the one that holds the answers")
    rows = next(iter(used.values()), [])
    # Behind the last column's name a sheet may have cells that were emptied.
    width = max((len(cells) for _, cells in rows), default=0)
    for number, cells in rows:
        texts = [_text(cell, f"{path}: row {number}") for cell in cells]
        yield number, [*texts, *[""] * (width - len(cells))]


def _cells(sheet: Any) -> list[tuple[int, list[Any]]]:
    """The rows that hold anything, without the empty cells at their ends."""
    found = []
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = list(row)
        while cells and cells[-1].value is None:
            cells.pop()
        if cells:
            found.append((number, cells))
    return found


def _text(cell: Any, where: str) -> str | NonTextCell:
    """A cell as text, where the text is beyond doubt."""
    # A spreadsheet turns "1/2" into a date, "=A" into a formula and "1e5" into 100000 when somebody
    # opens and saves it. What was answered is then gone, and a guess would be scored as the
    # model's.
    value, kind = cell.value, getattr(cell, "data_type", "n")
    if value is None:
        return ""
    if kind == "f":
        return NonTextCell("a formula")
    if kind == "e":
        return NonTextCell(f"the error {value}")
    if isinstance(value, str):
        return check_text(from_cell(value), where)
    if isinstance(value, bool):
        return NonTextCell(f"the truth value {value}")
    if not isinstance(value, int | float):
        return NonTextCell(f"a date or time ({value})")
    if cell.number_format not in _PLAIN_FORMATS:
        return NonTextCell(f"the number {value} in the format {cell.number_format!r}")
    if abs(value) >= _EXACT:
        return NonTextCell(f"the number {value}, of which a sheet keeps fifteen digits")
    return str(int(value)) if value == int(value) else repr(value)
