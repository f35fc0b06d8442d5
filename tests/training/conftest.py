# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Steps of training are large programs on tiny arrays: compiling them is these tests' time."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def quick(quick_compiling: None) -> None:
    """Before every other fixture of the module, which may train."""
