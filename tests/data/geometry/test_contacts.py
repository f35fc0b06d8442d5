# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A contact's numbers and back, whatever they count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.config.data import EncodingConfig
from robomamba_jax.data.geometry.crop import CropTransform
from robomamba_jax.data.processor import builtin_processor
from robomamba_jax.errors import InputError
from robomamba_jax.pose import make_pose

KINDS = [
    ("unit", "crop", None),
    ("raw", "crop", None),
    ("raw", "file", None),
    ("raw", "file", 336),
    ("raw", "file", 7),
]
SHARES = st.floats(0, 1)


@given(st.sampled_from(KINDS), st.integers(1, 900), st.integers(1, 900), SHARES, SHARES)
def test_there_and_back(kind: Any, width: int, height: int, x: float, y: float) -> None:
    """What training is given is what a pose says, in any image and any of the units."""
    with pytest.raises(InputError, match="contact_scale"):
        EncodingConfig(contact_scale="share")
    scale, frame, side = kind
    processor = builtin_processor("tiny").replace(
        contact_scale=scale, contact_frame=frame, contact_side=side
    )
    geometry = CropTransform(width, height, 224)
    pixel = geometry.contact_to_pixel((x, y))
    numbers = processor.contacts.of_pixel(pixel, geometry)
    pose = make_pose(
        numbers,
        np.array([1, 0, 0, 0, 1, 0]),
        None,
        geometry=geometry,
        contact_scale=scale,
        rotation_convention="opencv",
        contact_frame=frame,
        contact_side=side,
    )
    np.testing.assert_allclose(pose.contact_xy, pixel, atol=1e-9 * (width + height))


@pytest.mark.parametrize("kind", KINDS)
def test_beyond_the_edge_and_no_number(kind: Any) -> None:
    """Brought to the crop's edge, as before; what is not a number is an error."""
    with pytest.raises(InputError, match="contact_scale"):
        EncodingConfig(contact_scale="share")
    scale, frame, side = kind
    contacts = (
        builtin_processor("tiny")
        .replace(contact_scale=scale, contact_frame=frame, contact_side=side)
        .contacts
    )
    geometry = CropTransform(640, 427, 224)
    edges = geometry.contact_to_pixel([(0, 0), (1, 1)])
    np.testing.assert_allclose(contacts.to_pixel((-1e4, -1e4), geometry), edges[0])
    np.testing.assert_allclose(contacts.to_pixel((1e4, 1e4), geometry), edges[1])
    with pytest.raises(InputError, match="not finite"):
        contacts.to_pixel((np.nan, 1), geometry)
    with pytest.raises(InputError, match="outside the crop"):
        contacts.of_pixel((1, 1), geometry)
