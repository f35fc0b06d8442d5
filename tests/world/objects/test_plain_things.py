# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Plain things: each shape stands on its place in its size, and is an object without joints."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.colors import COLORS
from robomamba_jax.world.objects.plain_things import (
    MORE_SHAPES,
    RESEMBLES,
    SHAPES,
    draw_plain,
    plain_model,
    thing_mesh,
)
from robomamba_jax.world.objects.rng import Rng


@pytest.mark.parametrize("shape", [*SHAPES, *MORE_SHAPES])
def test_shapes_stand_in_their_size(shape: str) -> None:
    """On z = 0, twice the size wide or nearly so, with unit normals that point outwards."""
    mesh = thing_mesh(shape, 0.2)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert_allclose(low[2], 0, atol=1e-9)
    assert 0.2 < (high - low).max() < 0.6
    assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-6)
    # By the divergence theorem: triangles that look outwards enclose a positive volume.
    a, b, c = np.moveaxis(mesh.corners(), 1, 0)
    assert np.einsum("mk,mk->", a, np.cross(b, c)) > 0


def test_a_shape_is_an_object() -> None:
    """Called by its shape, of one color, with nothing that moves; other shapes may be meant."""
    model = plain_model("cube", COLORS["red"], "x")
    assert (model.category, model.noun, model.color.name) == ("Plain", "cube", "red")
    assert not model.movable
    assert model.resembles == RESEMBLES["cube"]
    low, high = model.bounds()
    assert_allclose(np.linalg.norm(high - low), 2)


def test_splits_have_their_own() -> None:
    """The same random numbers give other things in the other split; the test split has none."""
    train, other = (
        [draw_plain(Rng((n,)), split) for n in range(30)] for split in ("train", "validation")
    )
    looks = [[(m.noun, m.color.rgb) for m in models] for models in (train, other)]
    assert not set(looks[0]) & set(looks[1])
    assert {noun for noun, _ in looks[0]} >= set(SHAPES)
    assert train[0].instance.startswith("train-Plain-")
    with pytest.raises(InputError, match="no object of Plain in the split 'test'"):
        draw_plain(Rng((0,)), "test")
