# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Whether stage 2 left the answers alone: said where it did, and denied where it did not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from robomamba_jax.convert.folder import open_folder, source_tensors, write_folder
from robomamba_jax.demo.frozen_check import same_answers
from robomamba_jax.demo.results import FrozenCheck
from robomamba_jax.training.export import export_preset
from tests.demo.small_world import write_world


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world, a model, and that model with other numbers in one part each."""
    found = tmp_path_factory.mktemp("frozen")
    write_world(found / "world")
    export_preset("tiny", found / "before", 0, None)
    for part in ("policy", "projector", "llm"):
        changed(found / "before", found / part, part)
    return found


def changed(folder: Path, out: Path, part: str) -> None:
    """Write a model whose one part has other numbers."""
    opened = open_folder(folder)
    source = opened.source()

    def other(name: str) -> np.ndarray:
        return source.read(name) * np.float32(1.5) + np.float32(0.1)

    tensors = [
        (name, info, (lambda n=name: other(n)) if name.startswith(f"{part}.") else make)
        for name, info, make in source_tensors(source)
    ]
    write_folder(out, opened.parts, opened.processor(), tensors)
    source.close()


@pytest.mark.slow
def test_another_head_changes_no_answer(root: Path) -> None:
    """Letters, logits and all other parameters are the same."""
    assert same_answers(root / "before", root / "policy", root / "world") == FrozenCheck(
        answers=12, identical=12, logits_identical=True, parameters_identical=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("part", ["projector", "llm"])
def test_another_part_is_noticed(root: Path, part: str) -> None:
    """By logits and parameters, and where the words change by those."""
    found = same_answers(root / "before", root / part, root / "world")
    assert found.answers == 12
    assert found.logits_identical is False
    assert found.parameters_identical is False
    assert part == "projector" or found.identical < 12
