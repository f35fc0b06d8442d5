# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The checkpoint that comes with the package."""

from pathlib import Path

import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.released import released_path

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "microwave.png"


@pytest.mark.slow
def test_the_released_nano_knows_its_world() -> None:
    """It is small, names the object in a picture that it was not trained on, and points at it."""
    folder = released_path()
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 25e6
    model, processor = rm.load(folder)
    (answer,) = rm.generate(
        model, processor, [PICTURE], ["What object is this?"], max_new_tokens=16
    )
    assert "microwave" in str(answer)
    pose = rm.predict_pose(model, processor, PICTURE, "Where should the gripper touch it?")
    assert all(40 < place < 190 for place in pose.contact_xy)
    np.testing.assert_allclose(pose.rotation.T @ pose.rotation, np.eye(3), atol=1e-5)
