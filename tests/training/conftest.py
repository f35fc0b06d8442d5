# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Steps of training are large programs on tiny arrays: compiling them is these tests' time."""

from collections.abc import Iterator

import pytest

from tests.compiling import quick_compilation


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Before every other fixture of the module, which may train."""
    with quick_compilation():
        yield
