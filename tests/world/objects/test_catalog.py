# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Thirty kinds of objects: well made, the same for the same seed, others in the other split."""

import hashlib
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.catalog import BUILDERS, INSTANCES, make_object
from robomamba_jax.world.objects.categories import CATEGORIES, SEEN, UNSEEN, choose_categories
from robomamba_jax.world.objects.model import ObjectModel
from robomamba_jax.world.sim.scenes import rest_value


def digest(model: ObjectModel) -> str:
    """Of geometry, colours, joints and names."""
    found = hashlib.sha256(repr([(link.name, link.joint) for link in model.links]).encode())
    for link in model.links:
        for solid in link.solids:
            found.update(f"{solid.label} {solid.color}".encode())
            found.update(solid.mesh.vertices.tobytes() + solid.mesh.triangles.tobytes())
    return found.hexdigest()


def test_the_articles_categories() -> None:
    """Twenty to learn, ten to be surprised by; a builder for each."""
    assert (len(SEEN), len(UNSEEN)) == (20, 10)
    assert tuple(BUILDERS) == tuple(CATEGORIES)
    assert SEEN[0] == "Safe"
    assert UNSEEN[-1] == "Phone"


@pytest.mark.parametrize("category", BUILDERS)
def test_objects_are_well_made(category: str) -> None:
    """Parents first, limits in order, rest inside them, everything finite, of size 1."""
    names = set()
    for number in range(6):
        model = make_object(category, "train", number)
        low, high = model.bounds()
        assert_allclose(np.linalg.norm(high - low), 2, rtol=1e-9)
        assert_allclose(low + high, 0, atol=1e-9)
        assert model.movable
        for index, link in enumerate(model.links):
            assert link.parent < index
            assert link.solids
            assert len(link.mesh().triangles)
            assert np.all(np.isfinite(link.mesh().normals))
            if link.joint is not None:
                assert link.joint.lower < link.joint.upper
                assert link.joint.lower <= rest_value(model, index, 1.0) <= link.joint.upper
                assert_allclose(np.linalg.norm(link.joint.axis), 1)
        assert len({link.name for link in model.links}) == len(model.links)
        assert not set(model.lacks) & set(model.parts())
        names.add(digest(model))
    assert len(names) == 6


def test_the_same_seed_is_the_same_object_in_another_process() -> None:
    """Nothing may depend on the order of a set of strings, or on how BLAS rounds."""
    code = (
        "from tests.world.objects.test_catalog import digest\n"
        "from robomamba_jax.world.objects.catalog import BUILDERS, make_object\n"
        "print(*(digest(make_object(name, 'test', 3)) for name in BUILDERS))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PYTHONPATH": ".",
                "PYTHONHASHSEED": seed,
                "OPENBLAS_CORETYPE": core,
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, core in (("1", "Prescott"), ("2", "Haswell"))
    ]
    assert (
        said[0] == said[1] == " ".join(digest(make_object(n, "test", 3)) for n in BUILDERS) + "\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("category", ["Microwave", "Switch", "Phone"])
def test_splits_share_no_object(category: str) -> None:
    """Neither by name nor by shape, over all that the splits have."""
    shapes = {
        split: {digest(make_object(category, split, n)) for n in range(count)}
        for split, count in INSTANCES.items()
    }
    for one, other in itertools.combinations(INSTANCES, 2):
        assert not shapes[one] & shapes[other]
    assert {split: len(found) for split, found in shapes.items()} == INSTANCES
    assert make_object(category, "test", 0).instance.startswith("test-")


def test_unknown_names() -> None:
    """One clear line each."""
    with pytest.raises(InputError, match=r"unknown category 'Dor'.*Door"):
        make_object("Dor", "train", 0)
    with pytest.raises(InputError, match="no object 200 of Door"):
        make_object("Door", "train", 200)
    with pytest.raises(InputError, match="category of the train split"):
        choose_categories(["Toilet"], "train")
    with pytest.raises(InputError, match="category of the validation split"):
        choose_categories(["Toilet"], "validation")
    assert choose_categories(None, "validation") == SEEN
    assert choose_categories(["Phone", "Safe"], "test") == ("Safe", "Phone")
