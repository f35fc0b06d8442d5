# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Training with the scan's kernel by name, interpreted: the same losses, and resumed to the bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from robomamba_jax.errors import InputError
from robomamba_jax.ops.kernels.choice import kernel_instead
from tests.ops.kernels.kernels import INTERPRETED
from tests.training.runs import QUIET, STAGES, losses, run
from tests.training.test_resume import check_alike

KERNEL = "model.scan_method=kernel"


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_every_loss_is_that_of_the_chunked_scan(stage: str, tmp_path: Path) -> None:
    """Three steps of each stage, which differ by rounding."""
    changes = ("run.steps=3", *QUIET)
    run(stage, tmp_path / "chunked", *changes, "model.scan_method=chunked")
    with kernel_instead(INTERPRETED):
        run(stage, tmp_path / "kernel", *changes, KERNEL)
    got, want = losses(tmp_path / "kernel"), losses(tmp_path / "chunked")
    assert len(got) == 3
    np.testing.assert_allclose(got, want, rtol=2e-5)


@pytest.mark.slow
def test_a_run_that_was_stopped_resumes_to_the_same_bits(tmp_path: Path) -> None:
    """And keeps its method: another one is another run."""
    changes = ("run.steps=4", "checkpoint.every=2", "run.samples=0")
    with kernel_instead(INTERPRETED):
        run("instruct", tmp_path / "whole", *changes, KERNEL)
        run("instruct", tmp_path / "stopped", *changes, KERNEL, "run.stop_after=2")
        with pytest.raises(InputError, match="scan_method"):
            run("instruct", tmp_path / "stopped", *changes)
        run("instruct", tmp_path / "stopped", *changes, KERNEL)
    check_alike(tmp_path / "whole", tmp_path / "stopped")
    # What was trained is used elsewhere, where there may be no kernel.
    exported = next((tmp_path / "whole").rglob("export*/config.json"))
    assert json.loads(exported.read_text())["llm"]["scan_method"] == "auto"
