# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Truth beside pictures: which link a pixel shows comes back, or is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.errors import InputError
from robomamba_jax.world.dataset.records import save_ground_truth
from robomamba_jax.world.sim.simulator import CameraFrame


def test_masks_hold_every_link_or_are_refused(tmp_path: Path) -> None:
    """Links end where plain things begin, things at 255: beyond it would be another's number."""
    for name in ("depth", "masks"):
        (tmp_path / name).mkdir()
    links = np.array([[-1, 0], [7, 198]], np.int16)
    things = np.array([[55, -1], [-1, -1]], np.int16)
    K = np.array([[2.0, 0, 1], [0, 2, 1], [0, 0, 1]])
    view = CameraFrame(
        np.zeros((2, 2, 3), np.uint8), np.ones((2, 2), np.float32), links, Camera(2, 2, K), things
    )
    save_ground_truth(tmp_path, "a", view)
    mask = np.asarray(Image.open(tmp_path / "masks" / "a.png")).astype(int) - 1
    assert mask.tolist() == links.tolist()
    save_ground_truth(tmp_path, "a", view, things=True)
    mask = np.asarray(Image.open(tmp_path / "masks" / "a.png"))
    assert mask.tolist() == [[255, 1], [8, 199]]
    things[0, 0] = 56
    with pytest.raises(InputError, match="has a thing 56; masks end at 55"):
        save_ground_truth(tmp_path, "b", view, things=True)
    links[0, 0] = 199
    with pytest.raises(InputError, match="has a link 199; masks end at 198"):
        save_ground_truth(tmp_path, "b", view)
    assert not (tmp_path / "masks" / "b.png").exists()
