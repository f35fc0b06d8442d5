# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Records found by their places are what json.loads finds; broken files are said to be."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.data.sources import json_records
from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.errors import InputError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from(['"', "\\", "{[", "]}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(st.text(), VALUES, max_size=4), min_size=1, max_size=5)


def opened(folder: Path, text: str | bytes) -> JsonRecords:
    path = folder / "records.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return JsonRecords(path)


def contents(records: JsonRecords) -> list[dict[str, Any]]:
    found = [records[index] for index in range(len(records))]
    records.close()
    return found


@given(RECORDS, st.sampled_from([None, 1]), st.booleans())
def test_lists(
    tmp_path_factory: pytest.TempPathFactory, held: list[Any], indent: int | None, ascii_: bool
) -> None:
    """Any strings, any nesting, with and without blanks."""
    text = json.dumps(held, indent=indent, ensure_ascii=ascii_)
    assert contents(opened(tmp_path_factory.mktemp("list"), text)) == held


@given(RECORDS)
def test_lines_and_single_objects(
    tmp_path_factory: pytest.TempPathFactory, held: list[Any]
) -> None:
    """One object per line, and one alone."""
    folder = tmp_path_factory.mktemp("lines")
    text = "\n".join(json.dumps(record) for record in held) + "\n"
    assert contents(opened(folder, text)) == held
    assert contents(opened(folder, json.dumps(held[0], indent=2))) == held[:1]


def test_a_byte_order_mark_and_random_access(tmp_path: Path) -> None:
    """What editors put in front; any order; negative numbers as for lists; another process."""
    records = opened(tmp_path, b"\xef\xbb\xbf" + b'[{"a": 1}, {"a": 2}, {"a": 3}]')
    assert [records[index]["a"] for index in (2, 0, 1, -1)] == [3, 1, 2, 3]
    with pytest.raises(IndexError):
        records[3]
    copy = pickle.loads(pickle.dumps(records))
    assert contents(copy) == contents(records)


BROKEN = {
    "empty": b"",
    "blank": b" \n ",
    "an empty list": b"[]",
    "cut in a record": b'[{"a": 1}, {"a": ',
    "cut in a string": b'[{"a": "bc',
    "cut before the end": b'[{"a": 1}, {"a": 2}',
    "numbers": b"[1, 2]",
    "lists": b"[[1], [2]]",
    "a string between": b'[{"a": 1}, "x", {"a": 2}]',
    "something behind": b'[{"a": 1}] x',
    "two lists": b'[{"a": 1}] [{"a": 2}]',
    "brackets that differ": b'[{"a": [1}]]',
    "a bracket too many": b'{"a": 1}}',
    "a list behind an object": b'{"a": 1} [',
    "no JSON": b"hello",
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_files(what: str, tmp_path: Path) -> None:
    """One line, when the file is opened or when the record is read."""
    with pytest.raises(InputError, match=r"records\.json") as caught:
        contents(opened(tmp_path, BROKEN[what]))
    assert "\n" not in str(caught.value)


def test_a_broken_record_has_a_number(tmp_path: Path) -> None:
    """Its neighbours are not touched."""
    records = opened(tmp_path, b'[{"a": 1}, {"a": tru}, {"a": 3}]')
    assert records[2] == {"a": 3}
    with pytest.raises(InputError, match="record 1 is not JSON"):
        records[1]
    records.close()


@pytest.mark.parametrize(
    "text",
    [b'[{"' + b'\\"' * 300_000, b'[{"a": ' + b"[" * 300_000, b'["' * 200_000, b'"' * 400_001],
    ids=["escaped quotes", "brackets", "open lists", "quotes"],
)
def test_hostile_files_take_linear_time(text: bytes, tmp_path: Path) -> None:
    """A megabyte of what makes careless scanners slow: where the pattern began at a quote, read
    to the end and did not match, every quote would cost the rest of the file. None is tried so:
    all quotes lie in matches, which do not overlap."""
    with pytest.raises(InputError):
        contents(opened(tmp_path, text))
    assert b'"' not in json_records._TOKEN.sub(b"", text)


@given(st.binary(max_size=60))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Objects or an InputError, alone and behind a sound record."""
    folder = tmp_path_factory.mktemp("bytes")
    for text in (data, b'[{"a": 1},' + data, b'{"a": 1}\n' + data):
        try:
            found = contents(opened(folder, text))
        except InputError:
            continue
        assert all(isinstance(record, dict) for record in found)


def test_what_is_no_file(tmp_path: Path) -> None:
    """Missing, a folder."""
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError, match=r"does not exist|is a folder"):
            JsonRecords(path)
