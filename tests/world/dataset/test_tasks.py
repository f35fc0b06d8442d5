# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Plans: whose turn it is, what they hash to, and which cannot be."""

import dataclasses
from collections import Counter
from pathlib import Path

import pytest

from robomamba_jax.errors import InputError
from robomamba_jax.world.dataset.samples import find_sample
from robomamba_jax.world.dataset.tasks import WorldPlan, check_plan, run_job
from robomamba_jax.world.objects.categories import SEEN
from robomamba_jax.world.sim.simulator import Simulator

PAPER = WorldPlan(60, 120, 10, 3, "train", 96, 6, SEEN)
BROAD = dataclasses.replace(PAPER, world="broad")


def test_the_papers_categories_take_turns() -> None:
    """In every kind, one after the other."""
    for kind in ("poses", "language", "clips"):
        assert [PAPER.category_of(kind, k) for k in range(40)] == [*SEEN, *SEEN]


def test_assemblies_and_plain_things_take_theirs() -> None:
    """Half and a sixth of the images, half of the poses, none of the clips; the plan's categories
    share the rest alike."""
    images = Counter(BROAD.category_of("language", k) for k in range(120))
    assert (images["Assembly"], images["Plain"]) == (60, 20)
    assert {images[name] for name in SEEN} == {2}
    poses = Counter(BROAD.category_of("poses", k) for k in range(80))
    assert poses["Assembly"] == 40
    assert {poses[name] for name in SEEN} == {2}
    assert [BROAD.category_of("clips", k) for k in range(20)] == list(SEEN)


def test_digests_of_the_papers_world_stay() -> None:
    """The field is there for another world alone."""
    assert PAPER.digest() == dataclasses.replace(PAPER, world="paper").digest()
    assert BROAD.digest() != PAPER.digest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"world": "wide"}, "--world is 'wide'"),
        ({"world": "broad", "split": "test"}, "--world broad with --split test"),
        ({"world": "broad", "assets": "/x"}, "--world broad with --assets"),
        ({"categories": ("Safe", "Plain")}, "--categories Plain with poses or clips"),
    ],
)
def test_plans_that_cannot_be(change: dict, message: str) -> None:
    """One line each, before anything is drawn."""
    with pytest.raises(InputError, match=message):
        check_plan(dataclasses.replace(PAPER, **change))
    check_plan(BROAD)
    check_plan(dataclasses.replace(PAPER, categories=("Plain",), samples=0, clips=0))


@pytest.mark.slow
def test_broad_items_do_not_depend_on_their_job(simulator: Simulator, tmp_path: Path) -> None:
    """The same images, facts and poses, in whatever company they are made."""
    for name in ("one", "two"):
        for folder in ("images", "depth", "masks", "failed"):
            (tmp_path / name / folder).mkdir(parents=True)
    whole = run_job(simulator, BROAD, tmp_path / "one", "language", 0, 6)["items"]
    for start in (3, 0):
        part = run_job(simulator, BROAD, tmp_path / "two", "language", start, 3)["items"]
        assert part == whole[start : start + 3]
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 18
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    categories = [item["facts"]["category"] for item in whole]
    assert (categories.count("Assembly"), categories.count("Plain")) == (3, 1)


@pytest.mark.slow
def test_assemblies_can_be_pulled(simulator: Simulator) -> None:
    """In a few trials, as the categories can."""
    attempts = [
        find_sample(simulator, (2, 5, 0, 1, k), "Assembly", "train", 96, 6).attempt
        for k in range(20)
    ]
    assert sum(attempts) < 40
