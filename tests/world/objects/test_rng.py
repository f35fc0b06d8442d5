# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Draws: things in an order that the seed decides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.world.objects.rng import Rng


@given(st.lists(st.text(), max_size=8), st.integers(0, 10), st.integers(0, 2**32))
def test_mixed(things: list[str], most: int, seed: int) -> None:
    """All of them once; fewer are the beginning of the same order, and numpy's order it is."""
    whole = Rng((seed,)).shuffled(things)
    assert sorted(whole) == sorted(things)
    assert whole == [things[k] for k in Rng((seed,)).generator.permutation(len(things))]
    assert Rng((seed,)).shuffled(things, most) == whole[:most]
