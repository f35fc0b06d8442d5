# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Patterns: two colors, the same for the same numbers, lying flat on every side."""

import dataclasses
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from robomamba_jax.world.objects.meshes import box
from robomamba_jax.world.objects.patterns import KINDS, Pattern

PLAIN = Pattern("checks", (0.2, 0.4, 0.6), (0.8, 0.6, 0.4), 0.5, 0.0, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_images_lie_between_two_colors(kind: str) -> None:
    """And hold both, or most of the way between them; another seed gives other noise."""
    pattern = dataclasses.replace(PLAIN, kind=kind)
    image = pattern.image()
    assert image.shape == (64, 64, 4)
    assert np.all(image[..., 3] == 255)
    red = image[..., 0] / 255
    assert red.min() >= 0.2 - 0.01
    assert red.max() <= 0.8 + 0.01
    assert np.ptp(red) > 0.3
    assert np.array_equal(image, pattern.image())
    other = dataclasses.replace(pattern, seed=4).image()
    assert np.array_equal(image, other) == (kind in ("stripes", "checks", "dots"))


def test_places_are_metres_over_the_scale() -> None:
    """On each side of a box one image covers ``scale`` metres, whatever its angle."""
    mesh = box((1.0, 2.0, 3.0))
    for angle in (0.0, 0.7, math.pi / 2):
        places = dataclasses.replace(PLAIN, angle=angle).places(mesh)
        assert places.shape == (len(mesh.vertices), 2)
        for triangle in mesh.triangles:
            # Flat faces along the axes are not distorted: edges keep their lengths.
            for a, b in ((0, 1), (1, 2)):
                edge = mesh.vertices[triangle[a]] - mesh.vertices[triangle[b]]
                there = places[triangle[a]] - places[triangle[b]]
                assert_allclose(np.linalg.norm(there), np.linalg.norm(edge) / 0.5, rtol=1e-5)
