# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Cross products of single vectors against numpy's, bit by bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from robomamba_jax.world.objects.vectors import cross, face_normal

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(hnp.arrays(np.float64, (2, 3), elements=NUMBERS))
def test_cross_has_the_bits_of_numpy(pair: np.ndarray) -> None:
    a, b = pair
    assert cross(a, b).tobytes() == np.cross(a, b).tobytes()


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 40), st.just(3)), elements=NUMBERS))
def test_a_face_has_the_normal_of_numpys_sum(corners: np.ndarray) -> None:
    wanted = np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0)
    assert face_normal(corners).tobytes() == wanted.tobytes()


def test_a_square_seen_from_above_looks_up() -> None:
    square = np.array([(0.0, 0, 0), (2, 0, 0), (2, 2, 0), (0, 2, 0)])
    np.testing.assert_array_equal(face_normal(square), [0, 0, 8])
