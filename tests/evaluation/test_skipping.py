# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``on_error=skip``: one bad question ends no evaluation, wherever it turns out to be bad."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from robomamba_jax.cli.evaluate import main
from robomamba_jax.convert.folder import open_folder, source_tensors, write_folder
from robomamba_jax.training.export import export_preset
from tests.evaluation.runs import ROOT, answers, run

SKIP = ("--set", "on_error=skip", "--json")


def flags(name: str, root: Path, checkpoint: str = "tiny") -> list[str]:
    """eval.py's arguments for files that are there."""
    words = ["--config", str(ROOT / "configs" / f"eval_{name}.py"), "--checkpoint", checkpoint]
    for change in (f"files.root={root}", "prompt.max_new_tokens=4", "batch_size=4"):
        words += ["--set", change]
    return words


def test_a_question_that_is_too_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Named with its id and its length; left out and counted, and the others' answers are those
    that they were."""
    run("gqa", tmp_path / "first")
    root = tmp_path / "first" / "toy"
    (path,) = root.glob("*.json")
    questions = json.loads(path.read_text())
    name = list(questions)[3]
    questions[name]["question"] = "Is it open? " * 9_000
    path.write_text(json.dumps(questions))
    assert main([*flags("gqa", root), "--out", str(tmp_path / "error")]) == 2
    said = capsys.readouterr().err
    assert f"question {name!r}: it has " in said
    assert "over the limit of 8,192" in said
    assert "on_error=skip" in said
    assert main([*flags("gqa", root), "--out", str(tmp_path / "skip"), *SKIP]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["answered"] == len(questions) - 1
    assert list(result["problems"]) == [name]
    kept, whole = answers(tmp_path / "skip"), answers(tmp_path / "first")
    assert kept.pop(name) is None
    assert all(whole[key] == text for key, text in kept.items())


@pytest.mark.slow
def test_poses_without_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A head that gives NaN: the question is named; skipped, each is left out with its reason."""
    run("manipulation", tmp_path / "first")
    export_preset("tiny", tmp_path / "model", 3, None)
    folder = open_folder(tmp_path / "model")
    source = folder.source()
    tensors = [
        (name, info, lambda read=read: np.full_like(read(), np.nan))
        if name.startswith("policy.")
        else (name, info, read)
        for name, info, read in source_tensors(source)
    ]
    write_folder(tmp_path / "nan", folder.parts, folder.processor(), tensors)
    source.close()
    words = flags("manipulation", tmp_path / "first" / "toy", str(tmp_path / "nan"))
    assert main([*words, "--out", str(tmp_path / "error")]) == 2
    said = capsys.readouterr().err
    first = next(iter(answers(tmp_path / "first")))
    assert f"question {first!r}: " in said
    assert "finite" in said
    assert main([*words, "--out", str(tmp_path / "skip"), *SKIP]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "no_answers"
    found = answers(tmp_path / "skip")
    assert found == dict.fromkeys(answers(tmp_path / "first"))
