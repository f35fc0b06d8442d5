# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the tests of ``generate`` and ``predict`` share: checkpoints, pictures, running commands."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import robomamba_jax as rm
from robomamba_jax.cli.main import main
from robomamba_jax.convert.folder import open_folder, source_tensors, write_folder
from robomamba_jax.training.export import export_preset


def checkpoints(root: Path) -> Path:
    """A folder with ``whole``, ``blind`` (no encoder) and ``headless`` (no policy head)."""
    export_preset("tiny", root / "whole", 3, None)
    whole = open_folder(root / "whole")
    source, processor = whole.source(), whole.processor()
    tensors = source_tensors(source)
    kept = [entry for entry in tensors if not entry[0].startswith("policy.")]
    parts = dataclasses.replace(whole.parts, policy=None)
    write_folder(root / "headless", parts, processor, kept)
    kept = [entry for entry in tensors if entry[0].startswith("llm.")]
    parts = dataclasses.replace(parts, vision=None)
    write_folder(root / "blind", parts, processor.replace(transform=None), kept)
    source.close()
    return root


def pictures(root: Path) -> None:
    """Pictures that are one, and files that are none, below ``root``."""
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (24, 32)), ("b.png", (24, 32)), ("wide.jpg", (20, 60))):
        pixels = rng.integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(root / name)
    (root / "cut.png").write_bytes((root / "a.png").read_bytes()[:900])
    (root / "text.png").write_text("no picture")


def lines(path: Path, *requests: Any) -> Path:
    """A file of JSON lines; text goes in as it is."""
    told = [r if isinstance(r, str) else json.dumps(r) for r in requests]
    path.write_text("\n".join(told) + "\n")
    return path


def answers(path: Path) -> list[Any]:
    """What a file of JSON lines holds."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(capsys: pytest.CaptureFixture[str], *words: Any) -> tuple[int, str, str]:
    """Exit status, stdout, stderr."""
    status = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


def as_json(capsys: pytest.CaptureFixture[str], *words: Any) -> Any:
    """The object on stdout of a command that succeeds."""
    status, out, err = run(capsys, *words, "--json")
    assert status == 0, err
    return json.loads(out)


def check_mistake(
    capsys: pytest.CaptureFixture[str], folder: Path, words: list[Any], complaint: str
) -> None:
    """Status 2, one line, one object with --json, and no file that was not there before."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert complaint in err
    assert err.startswith("robomamba: ")
    assert err.count("\n") == 1
    status, out, _ = run(capsys, *words, "--json")
    assert status == 2
    assert set(json.loads(out)["error"]) == {"kind", "message", "fix"}
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def loaded_by(words: list[str], folder: Path) -> set[str]:
    """Packages in memory after a command, in a process of its own."""
    code = (
        "import sys; from robomamba_jax.cli.main import main; "
        f"status = main({words!r}); print(status, *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True
    )
    status, *names = done.stdout.split()
    assert status == "2", done.stderr
    return {name.split(".")[0] for name in names}


def asked(
    loaded: tuple[rm.Model, rm.Processor], images: Any, prompts: list[str], **settings: Any
) -> list[str]:
    """What the Python API answers."""
    return rm.generate(*loaded, images, prompts, **{"max_new_tokens": 12, **settings})
