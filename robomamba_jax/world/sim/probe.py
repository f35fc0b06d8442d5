# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Whether anything can be rendered here: one small image, timed."""

from __future__ import annotations

import sys
import time

import numpy as np

from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.catalog import make_object
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.sim.scenes import draw_scene
from robomamba_jax.world.sim.simulator import SimScene, Simulator


def main() -> None:
    """Render; print how long it took, or what is wrong and exit with status 1."""
    try:
        start = time.monotonic()
        scene = SimScene(Simulator(), draw_scene(make_object("Safe", "train", 0), Rng((0,)), 64))
        view = scene.render()
        # The first image compiles the shaders; ten more say what one costs from then on.
        first = time.monotonic()
        for _ in range(10):
            scene.render()
        frame = (time.monotonic() - first) / 10
    except InputError as error:
        print(error.message)
        sys.exit(1)
    if not np.any(view.links >= 0):
        print("the image is empty")
        sys.exit(1)
    print(f"first image after {first - start:.1f} s, then {1000 * frame:.1f} ms each")
