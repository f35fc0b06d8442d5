# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One simulator per test process: its first picture takes seconds."""

import os

import pytest

from robomamba_jax.errors import InputError
from robomamba_jax.world.stage import Simulator

os.environ.setdefault("LP_NUM_THREADS", "1")  # test processes share the cores


@pytest.fixture(scope="session")
def simulator() -> Simulator:
    """SAPIEN with the embedded objects; skipped by name where nothing can draw."""
    try:
        return Simulator()
    except InputError as error:
        if os.environ.get("ROBOMAMBA_NEED_RENDERER"):
            raise
        pytest.skip(f"{error.message}: {error.fix}")
