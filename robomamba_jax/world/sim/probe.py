# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Whether anything can be drawn here: one small picture, timed."""

from __future__ import annotations

import sys
import time

import numpy as np

from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.catalog import make_object
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.sim.scenes import draw_scene
from robomamba_jax.world.sim.simulator import Simulator, Stage


def main() -> None:
    """Rng; say how long it took, or what is wrong and leave with status 1."""
    try:
        start = time.monotonic()
        stage = Stage(Simulator(), draw_scene(make_object("Safe", "train", 0), Rng((0,)), 64))
        view = stage.look()
        first = time.monotonic()
        for _ in range(10):
            stage.look()
        frame = (time.monotonic() - first) / 10
    except InputError as error:
        print(error.message)
        sys.exit(1)
    if not np.any(view.links >= 0):
        print("the picture is empty")
        sys.exit(1)
    print(f"first picture after {first - start:.1f} s, then {1000 * frame:.1f} ms each")
