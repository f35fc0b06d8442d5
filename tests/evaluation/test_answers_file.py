# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Whose answers a file of answers holds: the same parameters may be asked in another way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import robomamba_jax as rm
from robomamba_jax.cli.evaluate import main
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.folder import write_folder
from robomamba_jax.convert.placement import tree_tensors
from robomamba_jax.convert.tensors import TensorInfo
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.data.text.prompts import prompt_template

CONFIG = str(Path(__file__).resolve().parents[2] / "configs" / "eval_pope.py")


def folder(out: Path, **settings: Any) -> Path:
    """The parameters of seed 0, whatever the processor."""
    model, processor = rm.load("tiny")
    arrays = {name: make() for name, make in tree_tensors(model.params).items()}
    entries = [
        (name, TensorInfo(array.shape, str(array.dtype)), lambda array=array: array)
        for name, array in arrays.items()
    ]
    parts = ModelParts(model.config.llm, model.config.vision, model.config.policy)
    return write_folder(out, parts, processor.replace(**settings), entries)


def ask(checkpoint: Path, out: Path) -> int:
    words = ["--tiny", "--config", CONFIG, "--checkpoint", str(checkpoint), "--out", str(out)]
    return main([*words, "--set", "prompt.max_new_tokens=2", "--json"])


@pytest.mark.slow
def test_another_processor_is_another_answerer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder converted again with another template or transform has the same parameters' hash;
    its answers are not those of before. A file that does not say it is gone on with."""
    # A failing eval.py leaves at once, since other processes may wait for it.
    monkeypatch.setattr("robomamba_jax.training.distributed.leave_now", lambda status: None)
    squash = image_transform("tiny")
    changed = {
        "template": prompt_template("official_test"),
        "transform": type(squash).from_json({**squash.to_json(), "mode": "squash"}),
    }
    out = tmp_path / "out"
    assert ask(folder(tmp_path / "first"), out) == 0
    capsys.readouterr()
    for name, value in changed.items():
        assert ask(folder(tmp_path / name, **{name: value}), out) == 2
        error = json.loads(capsys.readouterr().out)["error"]
        assert error["kind"] == "answers_mismatch"
        assert "another processor" in error["message"]
    file = out / "answers.jsonl"
    first, *rest = file.read_text(encoding="utf-8").split("\n")
    header = json.loads(first)
    del header["processor"]
    file.write_text("\n".join([json.dumps(header), *rest]), encoding="utf-8")
    assert ask(tmp_path / "first", out) == 0
