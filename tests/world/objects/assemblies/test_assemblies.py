# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Assemblies: well made, never the same, and made without any builder of a category."""

import ast
import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import robomamba_jax
from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.assemblies import CATEGORY, INSTANCES, fronts, make_assembly
from robomamba_jax.world.objects.assemblies.nouns import GENERIC, draw_noun, nonce
from robomamba_jax.world.objects.assemblies.paint import Paint
from robomamba_jax.world.objects.assemblies.sites import Body, box_sites
from robomamba_jax.world.objects.categories import ALL, CATEGORIES, SEEN, UNSEEN, choose_categories
from robomamba_jax.world.objects.colors import COLORS
from robomamba_jax.world.objects.library import EMBEDDED
from robomamba_jax.world.objects.model import Assembly, ObjectModel
from robomamba_jax.world.objects.rng import Rng

PACKAGE = Path(robomamba_jax.__file__).parent


def digest(model: ObjectModel) -> str:
    """Of geometry, colors, joints and names."""
    found = hashlib.sha256(repr((model.noun, model.lacks, model.resembles)).encode())
    for link in model.links:
        found.update(f"{link.name} {link.joint}".encode())
        for solid in link.solids:
            found.update(f"{solid.label} {solid.color}".encode())
            found.update(solid.mesh.vertices.tobytes() + solid.mesh.triangles.tobytes())
    return found.hexdigest()


@pytest.fixture(scope="module")
def models() -> list[ObjectModel]:
    """Some of training's."""
    return [make_assembly("train", number) for number in range(60)]


def test_assemblies_are_well_made(models: list[ObjectModel]) -> None:
    """Parents first, rest inside the limits, everything finite, of size 1, one part at least."""
    for model in models:
        low, high = model.bounds()
        assert_allclose(np.linalg.norm(high - low), 2, rtol=1e-9)
        assert_allclose(low + high, 0, atol=1e-9)
        assert 1 <= len(model.movable) <= 8
        for index, link in enumerate(model.links):
            assert link.parent < index
            assert len(link.mesh().triangles)
            assert_allclose(np.linalg.norm(link.mesh().normals, axis=1), 1, atol=1e-6)
            if link.joint is not None:
                assert link.joint.lower < link.joint.upper
                assert link.joint.lower <= link.closed <= link.joint.upper
                assert_allclose(np.linalg.norm(link.joint.axis), 1)
        assert len({link.name for link in model.links}) == len(model.links)
        assert not set(model.lacks) & set(model.parts())
        assert not set(model.resembles) & {*model.parts(), *model.lacks}
        # What it might be called is not said to be absent; something else still can be.
        assert len({ALL[name].noun for name in SEEN} - set(model.resembles)) > 4
    assert len({digest(model) for model in models}) == len(models)


def test_parts_do_not_hang_in_the_air(models: list[ObjectModel]) -> None:
    """At rest each part touches what carries it, by the frames around both."""
    for model in models:
        for link in model.links[1:]:
            mine, its = link.mesh().vertices, model.links[link.parent].mesh().vertices
            gap = np.maximum(its.min(axis=0) - mine.max(axis=0), mine.min(axis=0) - its.max(axis=0))
            assert gap.max() < 0.02, (model.instance, link.name)


def test_they_have_one_color_above_all(models: list[ObjectModel]) -> None:
    """More of the surface than any other: "which color is it" has an answer."""
    for model in models:
        areas: dict[str, float] = {}
        for solid in (solid for link in model.links for solid in link.solids):
            a, b, c = np.moveaxis(solid.mesh.corners(), 1, 0)
            area = float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())
            areas[solid.color.name] = areas.get(solid.color.name, 0.0) + area
        assert max(areas, key=lambda name: areas[name]) == model.color.name


def test_parts_vary() -> None:
    """Many names, both kinds of joints, axes of all directions, one to four parts."""
    links = [link for n in range(60, 140) for link in make_assembly("train", n).links if link.joint]
    assert len({link.part for link in links}) >= 20
    kinds = Counter(link.joint.kind for link in links if link.joint)
    assert min(kinds.values()) > 0.3 * len(links)
    axes = np.array([link.joint.axis for link in links if link.joint])
    slanted = np.abs(axes).max(axis=1) < 0.999
    assert 0.2 < slanted.mean() < 0.9
    assert (np.abs(axes[:, 2]) > 0.9).mean() > 0.15


@pytest.mark.parametrize("make", [fronts.drawer, fronts.tray])
def test_what_slides_out_has_room_inside(make: object) -> None:
    """A drawer's box starts in a hole of the body: they share next to nothing."""
    for seed in range(20):
        a = Assembly()
        body = Body(a, COLORS["red"])
        body.add_box((0.6, 0.8, 0.5), (0, 0, 0.25))
        site = box_sites(body, (0.6, 0.8, 0.5), (0, 0, 0.25))["front"].grid(1, 2, 0.02)[0]
        rng = Rng((seed,))
        make(rng, a, site, Paint.draw(rng, body.color, 0.4))  # type: ignore[operator]
        shared = 0.0
        for solid in a.made[1].solids:
            low, high = solid.mesh.vertices.min(axis=0), solid.mesh.vertices.max(axis=0)
            for at, to in body.boxes:
                common = np.minimum(high, to) - np.maximum(low, at)
                shared += float(np.prod(common.clip(0)))
        assert shared < 1e-4  # cubic metres, of 0.24
        whole = sum(float(np.prod(to - at)) for at, to in body.boxes)
        assert 0.05 < whole < 0.24


def test_the_same_seed_is_the_same_assembly_in_another_process() -> None:
    """Nothing may depend on the order of a set of strings, or on how BLAS rounds."""
    code = (
        "from tests.world.objects.assemblies.test_assemblies import digest\n"
        "from robomamba_jax.world.objects.assemblies import make_assembly\n"
        "print(*(digest(make_assembly('validation', n)) for n in range(12)))"
    )
    change = {"PYTHONPATH": ".", "PYTHONHASHSEED": "1", "OPENBLAS_CORETYPE": "Prescott"}
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **change},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.split() == [digest(make_assembly("validation", n)) for n in range(12)]


def test_splits_share_none_and_the_test_split_has_none() -> None:
    """Other seeds, other assemblies; and one clear line for what is not there."""
    train, other = ({digest(make_assembly(split, n)) for n in range(15)} for split in INSTANCES)
    assert not train & other
    assert make_assembly("train", 999_999).instance == "train-Assembly-0999999"
    for split, number in (("train", 1_000_000), ("validation", -1), ("test", 0)):
        with pytest.raises(InputError, match=f"no object {number} of Assembly"):
            make_assembly(split, number)
    with pytest.raises(InputError, match="no object 0 of Assembly in the split 'test'"):
        EMBEDDED.draw(CATEGORY, "test", Rng((0,)))


def test_only_who_names_them_gets_them() -> None:
    """No list of categories has them; training and validation take their name, the test split does
    not."""
    assert CATEGORY not in {*SEEN, *UNSEEN, *CATEGORIES}
    for split in ("train", "validation"):
        assert choose_categories(None, split) == SEEN
        assert choose_categories([CATEGORY, "Safe"], split) == ("Safe", CATEGORY)
        assert EMBEDDED.draw(CATEGORY, split, Rng((1,))).category == CATEGORY
    with pytest.raises(InputError, match="the test split has no Assembly"):
        choose_categories([CATEGORY], "test")


def test_half_have_words_that_nobody_knows() -> None:
    """No noun of a category, no generic one, nothing like them; pronounceable, and many."""
    nouns = [draw_noun(Rng((number,))) for number in range(200)]
    assert any(make_assembly("train", number).noun in GENERIC for number in range(12))
    strange = [noun for noun in nouns if noun not in GENERIC]
    assert 0.35 < len(strange) / len(nouns) < 0.65
    assert len(set(strange)) > 0.95 * len(strange)
    known = {category.noun for category in ALL.values()} | {*GENERIC, "thing"}
    for seed in range(500):
        word = nonce(Rng((seed,)))
        assert word not in known
        assert 2 <= len(re.findall("[aeiou]+", word)) <= 3
        assert re.fullmatch("[a-z]{5,16}", word)


def imported(module: str) -> set[str]:
    """The package's modules that a module imports, wherever in its file."""
    path = PACKAGE.parent / (module.replace(".", "/") + ".py")
    path = path if path.is_file() else path.with_suffix("") / "__init__.py"
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    names = {name for name in found if name.startswith("robomamba_jax")}
    return {name for name in names if is_module(name)}


def is_module(name: str) -> bool:
    """Whether a dotted name is a file of the package's."""
    path = PACKAGE.parent / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_no_builder_of_a_category_is_imported() -> None:
    """Not by the generator, nor by anything that it imports: it cannot know how they are built."""
    folder = PACKAGE / "world" / "objects" / "assemblies"
    waiting = {
        f"robomamba_jax.world.objects.assemblies.{path.stem}" for path in folder.glob("*.py")
    }
    waiting = {name.removesuffix(".__init__") for name in waiting}
    assert len(waiting) >= 8
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        seen.add(module)
        waiting |= imported(module) - seen
    assert "robomamba_jax.world.objects.meshes" in seen
    assert not [name for name in seen if "catalog" in name]
    # The walk would see it: the library imports both.
    assert "robomamba_jax.world.objects.catalog" in imported("robomamba_jax.world.objects.library")
