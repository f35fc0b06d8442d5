# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Lines of JSON that a kill may tear; files that appear whole or not at all; JSON that is read."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import read_json, replacing, write_text
from robomamba_jax.utils.jsonl import FileBusyError, JsonlWriter, whole_lines

ROWS = [{"id": "a\u2028b", "n": 1}, {"id": "ü", "n": 2}, {"id": "\ud83d half", "n": 3}]


@given(st.integers(0, 200), st.booleans())
def test_a_torn_file_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int, ascii_only: bool
) -> None:
    """Cut at any byte: whole lines stay, the torn one goes, and what follows is whole again."""
    path = tmp_path_factory.mktemp("lines") / "sub" / "x.jsonl"
    with JsonlWriter(path) as file:
        file.write(ROWS, ascii_only=ascii_only)
    content = path.read_bytes()[:cut]
    path.write_bytes(content)
    lines, torn = whole_lines(content)
    assert b"\n".join([*lines, torn]) == content
    with JsonlWriter(path, keep_bytes=len(content) - len(torn)) as file:
        file.write([{"id": "new"}])
    found = [json.loads(line) for line in whole_lines(path.read_bytes())[0]]
    assert [row.get("n") for row in found] == [*range(1, len(lines) + 1), None]


def test_one_process_writes(tmp_path: Path) -> None:
    """Another one that holds the file, or that has written since it was read, is noticed."""
    path = tmp_path / "x.jsonl"
    with JsonlWriter(path, exclusive_size=0), pytest.raises(FileBusyError):
        JsonlWriter(path, exclusive_size=0)
    path.write_text('{"n": 1}\n')
    with pytest.raises(FileBusyError):
        JsonlWriter(path, keep_bytes=0, exclusive_size=0)
    assert path.read_text() == '{"n": 1}\n'


def test_replacing(tmp_path: Path) -> None:
    """Whole, or as it was: an exception, a removed file, a kill."""
    path = tmp_path / "x.txt"
    write_text(path, "first")
    with contextlib.suppress(ValueError), replacing(path) as partial:
        partial.write_text("half")
        raise ValueError
    assert path.read_text() == "first"
    assert [*tmp_path.iterdir()] == [path]
    with replacing(path, sync=True) as partial:
        partial.write_text("half")
        partial.unlink()
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from robomamba_jax.utils.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as partial:\n"
        "    partial.write_text('half')\n    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert path.read_text() == "first"


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        ("[]", "bad_json", "is not a JSON object"),
        ("{", "bad_json", "is not JSON"),
        ('{"a": 1, "a": 2}', "bad_record", "twice"),
        ('{"a": "' + "x" * 99 + '"}', "bad_json", "too large"),
        (None, "missing_file", "does not exist"),
    ],
)
def test_bad_json(content: str | None, kind: str, message: str, tmp_path: Path) -> None:
    """One line that names the file."""
    path = tmp_path / "x.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        read_json(path, max_bytes=99)
    assert caught.value.kind == kind
    assert str(path) in caught.value.message
