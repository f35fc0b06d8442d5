# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 2 that learns pixels of files: what it exports says so, and a name that is wrong is one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import robomamba_jax as rm
from robomamba_jax.errors import InputError
from tests.training.runs import lines, run, tiny

RAW = ("data.encoding.contact_scale=raw", "eval_data.encoding.contact_scale=raw")
FILE = (
    "data.encoding.contact_frame=file",
    "eval_data.encoding.contact_frame=file",
    "data.encoding.template=official_pose",
    "eval_data.encoding.template=official_pose",
)


@pytest.mark.slow
def test_a_run_on_pixels_of_files(tmp_path: Path) -> None:
    """The export says so; shares of the crop are not scored where none can be told."""
    with pytest.raises(InputError, match="contact_scale"):
        tiny("manipulate", "data.encoding.contact_scale=pixels")
    with pytest.raises(InputError, match="contact_side 336"):
        tiny("manipulate", "data.encoding.contact_side=336")
    more = ("run.steps=2", "run.samples=0", "run.export=true")
    run("manipulate", tmp_path, *RAW, *FILE, *more)
    _, processor = rm.load(tmp_path / "export")
    assert str(processor.contacts) == "pixels of the image's own file, from 0"
    assert processor.template.name == "official_pose"
    scores = json.dumps(lines(tmp_path))
    assert "rotation_within_30_degrees" in scores
    assert "contact_within_5_percent" not in scores
