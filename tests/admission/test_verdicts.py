# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The file of verdicts: kept for one key alone, and found again whatever has happened to it."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.admission import verdicts
from robomamba_jax.admission.verdicts import Check, DeviceKey, Verdict, begin, keep, kept

KEY = DeviceKey("NVIDIA H200", "570.86.10", "0.10.2", "0.10.2", "12.9", "abc")
GOOD = Verdict("passed", (Check("results", "y", 1e-7, 2e-5),), 0.001, 0.008)
BAD = Verdict("refused", (Check("results", "du", math.nan, 2e-5),))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_a_verdict_comes_back_for_its_key_alone() -> None:
    """Any other device, version or source has none, and takes none away."""
    assert kept(KEY) is None
    keep(KEY, GOOD)
    assert kept(KEY) == GOOD
    for field in KEY._fields:
        other = KEY._replace(**{field: "another"})
        assert kept(other) is None
        keep(other, BAD)
        assert kept(KEY) == GOOD
    keep(KEY, BAD)
    found = kept(KEY)
    assert found is not None
    assert math.isnan(found.checks[0].error)
    assert not found.checks[0].passed
    assert "du is off by nan of its scale" in found.why()
    assert len(json.loads(verdicts.verdicts_file().read_text())["verdicts"]) == 7


def test_what_could_not_be_tested_is_not_kept() -> None:
    """A device that was full this time may be empty the next."""
    keep(KEY, Verdict("unable", reason="out of memory"))
    assert kept(KEY) is None


@pytest.mark.slow
@given(st.one_of(st.binary(), st.text().map(str.encode), st.just(b'{"schema": 1}')))
def test_a_damaged_file_is_said_in_a_line_and_replaced(content: bytes) -> None:
    """Never an error."""
    file = verdicts.verdicts_file()
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    said: list[str] = []
    assert kept(KEY, said.append) is None
    assert len(said) == 1
    assert "tested again" in said[0]
    keep(KEY, GOOD)
    assert kept(KEY) == GOOD


DAMAGED = {
    "no list": {"verdicts": 3},
    "no entry": {"verdicts": [3]},
    "no verdict": {"verdicts": [{"key": KEY._asdict()}]},
    "another word": {"verdicts": [{"key": KEY._asdict(), "verdict": {"result": "perfect"}}]},
    "no checks": {"verdicts": [{"key": KEY._asdict(), "verdict": {"result": "passed"}}]},
    "another schema": {"schema": "robomamba.scan_verdicts/2", "verdicts": []},
}


@pytest.mark.parametrize("name", DAMAGED)
def test_json_of_another_shape_is_as_damaged(name: str) -> None:
    """In whatever place."""
    file = verdicts.verdicts_file()
    file.parent.mkdir()
    file.write_text(json.dumps({"schema": verdicts.SCHEMA, **DAMAGED[name]}))
    said: list[str] = []
    assert kept(KEY, said.append) is None
    assert len(said) == 1


def test_a_test_that_took_its_process_along_counts_as_refused() -> None:
    """Until somebody asks for it again; while the process lives it is another's test."""
    begin(KEY)
    assert kept(KEY) is None
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    file = verdicts.verdicts_file()
    text = file.read_text().replace(f'"process": {os.getpid()}', f'"process": {int(dead.stdout)}')
    file.write_text(text)
    found = kept(KEY)
    assert found is not None
    assert found.result == "refused"
    assert "ended the process" in found.why()
    file.write_text(text.replace('"host": "', '"host": "other-'))
    assert kept(KEY) is None


def test_a_folder_that_cannot_be_written_costs_a_line(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict is used all the same."""
    (home / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "file"))
    said: list[str] = []
    keep(KEY, GOOD, said.append)
    assert len(said) == 1
    assert "is not kept" in said[0]
