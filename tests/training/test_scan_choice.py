# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which form of the scan a run takes: by name, as it was begun, or as its device admits; and that
all its processes take the same."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.admission import verdicts
from robomamba_jax.errors import InputError
from robomamba_jax.ops.kernels.choice import kernel_instead
from robomamba_jax.training.scan_choice import scan_in_use
from tests.admission.test_admit import Device
from tests.admission.test_verdicts import BAD, GOOD, KEY
from tests.counting import PATIENCE
from tests.ops.kernels.kernels import PlainKernel
from tests.training.runs import QUIET, ROOT, losses, run, tiny


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def choice(workdir: Path, method: str = "auto") -> tuple[str, str, list[str]]:
    """What the model is built with, what the workdir will say, and what was said."""
    said: list[str] = []
    changes = [] if method == "auto" else [f"model.scan_method={method}"]
    config, used = scan_in_use(tiny("instruct", *changes), None, workdir, said.append)
    return config.model.scan_method, used, said


def begun(workdir: Path, **content: Any) -> Path:
    workdir.mkdir()
    (workdir / "config.json").write_text(json.dumps({"schema": "robomamba.run/1", **content}))
    return workdir


def test_on_the_cpu_nothing_is_said_and_nothing_changes(tmp_path: Path) -> None:
    """The configuration goes on as it came."""
    assert choice(tmp_path / "new") == ("auto", "chunked", [])
    assert choice(begun(tmp_path / "old")) == ("auto", "chunked", [])


@pytest.mark.parametrize(("verdict", "built"), [(GOOD, "kernel"), (BAD, "auto")])
def test_a_new_run_takes_what_the_device_admits(
    verdict: Any, built: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one test for all runs, and with a line in each."""
    device = Device(monkeypatch, verdict)
    method = "kernel" if built == "kernel" else "chunked"
    for first in (True, False):
        found, used, said = choice(tmp_path / "new")
        assert (found, used) == (built, method)
        assert len(said) == 1 + first
        assert ("8.0 times" in said[-1]) is (built == "kernel")
    assert device.tests == 1


@pytest.mark.parametrize("method", ["kernel", "chunked", "associative", "sequential"])
def test_a_name_always_wins(method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the verdict; nothing is tested."""
    device = Device(monkeypatch, BAD if method == "kernel" else GOOD)
    assert choice(tmp_path / "new", method) == (method, method, [])
    assert choice(begun(tmp_path / "old", scan_method=method), method) == (method, method, [])
    assert device.tests == 0


def test_a_run_keeps_its_form_whatever_the_cache_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a line where a new run would take another; without a verdict nothing is tested."""
    device = Device(monkeypatch, BAD)
    by_kernel = begun(tmp_path / "kernel", scan_method="kernel")
    chunked = begun(tmp_path / "chunked", scan_method="chunked")
    earlier = begun(tmp_path / "earlier")  # of a version that did not say
    with kernel_instead(PlainKernel()):
        assert choice(by_kernel) == ("kernel", "kernel", [])
        verdicts.keep(KEY, BAD)
        found, used, said = choice(by_kernel)
        assert (found, used) == ("kernel", "kernel")
        assert said == ["scan: kernel, as this run was begun; a new run would take chunked here"]
    verdicts.keep(KEY, GOOD)
    for workdir in (chunked, earlier):
        found, used, said = choice(workdir)
        assert (found, used) == ("auto", "chunked")
        assert said == ["scan: chunked, as this run was begun; a new run would take kernel here"]
    assert device.tests == 0


def test_a_run_of_the_kernel_where_there_is_none_is_an_error(tmp_path: Path) -> None:
    """One line that says how to go on."""
    with pytest.raises(InputError) as caught:
        choice(begun(tmp_path / "old", scan_method="kernel"))
    assert caught.value.kind == "no_kernel"
    assert "begun with the scan's kernel" in str(caught.value)
    assert "resume it where it was begun" in str(caught.value)


@pytest.mark.slow
def test_the_workdir_says_it_and_the_export_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole run by an admitted kernel, resumed after the verdict has changed; what it exports is
    for any device."""
    device = Device(monkeypatch, GOOD)
    changes = ("run.steps=4", "checkpoint.every=2", "run.samples=0")
    with kernel_instead(PlainKernel()):
        run("instruct", tmp_path / "run", *changes, "run.stop_after=2")
        verdicts.keep(KEY, BAD)
        run("instruct", tmp_path / "run", *changes)
        run("instruct", tmp_path / "name", *changes, *QUIET, "model.scan_method=kernel")
    assert device.tests == 1
    content = json.loads((tmp_path / "run" / "config.json").read_text())
    assert content["scan_method"] == "kernel"
    assert content["config"]["model"]["scan_method"] == "auto"
    meta = json.loads((tmp_path / "run" / "checkpoints" / "4" / "meta.json").read_text())
    assert meta["scan_method"] == "kernel"
    assert losses(tmp_path / "run") == losses(tmp_path / "name")
    exported = json.loads((tmp_path / "run" / "export" / "config.json").read_text())
    assert exported["llm"]["scan_method"] == "auto"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verdicts", "built"),
    [(("passed", "passed"), "kernel"), (("passed", "refused"), "auto")],
)
def test_two_processes_take_one_form(verdicts: tuple[str, str], built: str, tmp_path: Path) -> None:
    """One no is no, for both."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    script = str(Path(__file__).with_name("scan_choice_process.py"))
    running = [
        subprocess.Popen(
            [sys.executable, script, str(port), str(number), verdict, str(tmp_path)],
            cwd=ROOT,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / f"cache{number}")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, verdict in enumerate(verdicts)
    ]
    try:
        done = [process.communicate(timeout=PATIENCE) for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0, 0], done
    found = [json.loads(out.splitlines()[-1]) for out, _ in done]
    assert [one["built"] for one in found] == [built, built]
    if built == "auto":
        assert "not all processes admit" in found[0]["said"][-1]
        assert "fails the check" in found[1]["said"][-1]
