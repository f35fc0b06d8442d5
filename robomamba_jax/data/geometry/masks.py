# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a mask's numbers mean: link + 1 of the object, 0 for none, 200 + k for plain thing k."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FIRST_THING = 200
"""A mask's pixel is a byte: link + 1 of the object, or this + k of the scene's plain thing k."""


def links_of(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """int16[...], the index of the link that a pixel shows; -1 for none of the object."""
    return np.where(mask < FIRST_THING, mask.astype(np.int16) - 1, np.int16(-1))


def things_of(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """int16[...], the place among the scene's things of what a pixel shows; -1 for none of them."""
    return np.where(mask < FIRST_THING, np.int16(-1), mask.astype(np.int16) - FIRST_THING)
