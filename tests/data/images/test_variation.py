# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures that are moved and mirrored, and what stays true of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.data.images.variation import Variation, mirrored_places, mirrored_words, moved

VOCABULARY = ("left button", "object box", "only thing left", "right button", "only thing right")


@given(st.integers(-12, 12), st.integers(-12, 12), st.integers(0, 2**32 - 1))
def test_every_pixel_moves_alike(down: int, right: int, seed: int) -> None:
    """Against a loop; what comes in over a border is the border's own pixel."""
    pixels = np.random.default_rng(seed).integers(256, size=(9, 9, 3)).astype(np.uint8)
    found = moved(pixels, down, right)
    for row in range(9):
        for column in range(9):
            source = pixels[min(max(row - down, 0), 8), min(max(column - right, 0), 8)]
            assert np.array_equal(found[row, column], source)


@given(st.lists(st.booleans(), min_size=5, max_size=5))
def test_left_and_right_change_places(true: list[bool]) -> None:
    """Other words stay, and twice mirrored is as before."""
    words, places = np.asarray(true, np.float32), mirrored_places(VOCABULARY)
    found = mirrored_words(words, places)
    assert found.tolist() == [true[k] for k in (3, 1, 4, 0, 2)]
    assert np.array_equal(mirrored_words(found, places), words)


def test_a_word_without_a_counterpart() -> None:
    """It is not known whether it is true of the mirrored picture: too few had the other one."""
    places = mirrored_places(("object box", "on the left"))
    assert mirrored_words(np.ones(2, np.float32), places).tolist() == [1, 0]


@given(st.integers(0, 2**32 - 1), st.integers(0, 3), st.booleans())
def test_a_map_moves_with_its_picture(seed: int, most: int, mirrors: bool) -> None:
    """A cell of the map is a square of the picture before and after."""
    draw = np.random.default_rng(seed)
    cells = draw.integers(3, size=(8, 8)).astype(np.uint8)
    change = Variation(draw, most, mirrors)
    assert max(abs(change.down), abs(change.right)) <= most
    assert mirrors or not change.mirrored
    picture = change.apply(cells.repeat(4, axis=0).repeat(4, axis=1), 4)
    assert np.array_equal(picture, change.apply(cells).repeat(4, axis=0).repeat(4, axis=1))


@pytest.mark.parametrize("mirrors", [False, True])
def test_all_changes_are_drawn(mirrors: bool) -> None:
    """Both ways, and about half of them mirrored."""
    draw = np.random.default_rng(0)
    changes = [Variation(draw, 2, mirrors) for _ in range(400)]
    assert {change.down for change in changes} == set(range(-2, 3))
    assert {change.right for change in changes} == set(range(-2, 3))
    share = sum(change.mirrored for change in changes) / len(changes)
    assert (0.4 < share < 0.6) if mirrors else share == 0
