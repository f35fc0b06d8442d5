# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba doctor --kernels``: the table, the kept verdict, the exit status."""

import json
from pathlib import Path

import pytest

from robomamba_jax.admission import admit
from robomamba_jax.admission.verdicts import Verdict
from robomamba_jax.cli.main import main
from tests.admission.test_verdicts import BAD, GOOD, KEY

SLOW = GOOD._replace(result="slower", kernel_seconds=0.016)
UNABLE = Verdict("unable", reason="cannot be tested here: no libnvrtc")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_on_the_cpu_it_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is tested, and nothing is wrong."""
    assert main(["doctor", "--kernels"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "none for the cpu" in out
    assert main(["doctor", "--kernels", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["verdict"]) == (True, None)


SHOWN = {
    "passed": (GOOD, 0, 'passed: scan_method "auto" is the kernel on this device'),
    "slower": (SLOW, 0, "kernel 16.00 ms, chunked form 8.00 ms, 0.50 times the speed"),
    "refused": (BAD, 1, "BAD results"),
    "unable": (UNABLE, 2, "cannot be tested here: no libnvrtc"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_the_verdict_is_shown_and_kept(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second time it is not tested again, but where it could not be; --again tests anew."""
    verdict, status, words = SHOWN[name]
    tests = []

    def test() -> Verdict:
        tests.append(name)
        return verdict

    monkeypatch.setattr(admit, "device_key", lambda: KEY)
    monkeypatch.setattr(admit, "self_test", test)
    for _ in range(2):
        assert main(["doctor", "--kernels"]) == status
        assert words in capsys.readouterr().out
    assert len(tests) == (2 if name == "unable" else 1)
    assert main(["doctor", "--kernels", "--again", "--json"]) == status
    assert len(tests) == (3 if name == "unable" else 2)
    found = json.loads(capsys.readouterr().out)
    assert found["key"]["device_kind"] == "NVIDIA H200"
    assert found["verdict"]["result"] == name
    assert found["verdict"]["factor"] == verdict.factor


@pytest.mark.parametrize("flags", [["--again"], ["--kernels", "--config", "stage1_1_align"]])
def test_flags_that_do_not_belong_together(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Are refused in a line."""
    assert main(["doctor", *flags]) == 2
    assert "give" in capsys.readouterr().err
