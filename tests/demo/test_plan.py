# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Modes: the same phases, other numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from robomamba_jax.config import VISION_PRESETS
from robomamba_jax.config.evaluation import BENCHMARKS
from robomamba_jax.config.policy import POLICY_KINDS
from robomamba_jax.demo.plan import MODES, PHASES, demo_plan
from robomamba_jax.errors import InputError
from robomamba_jax.world.policies.policy_names import POLICIES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", MODES)
def test_a_mode_is_whole(name: str) -> None:
    """Minutes for every phase that it has, in order; names of things that there are."""
    plan = demo_plan(name)
    assert plan.mode == name
    named = [phase for phase, _ in plan.budget]
    assert named == [phase for phase in PHASES if phase in named]
    sizes = {"ablations": plan.ablation_steps, "assemblies": plan.assembly_poses}
    assert set(PHASES) - set(named) == {phase for phase, size in sizes.items() if not size}
    assert all(minutes > 0 for _, minutes in plan.budget)
    assert plan.minutes == pytest.approx(sum(minutes for _, minutes in plan.budget))
    assert set(plan.benchmarks) <= set(BENCHMARKS)
    assert set(plan.references) <= set(POLICIES)
    assert plan.vision in VISION_PRESETS
    assert plan.policy in POLICY_KINDS
    assert (plan.encoder_steps == 0) == (plan.assets is not None or plan.start is not None)
    assert plan.assets is None or plan.start is None
    for count in (plan.poses, plan.language, plan.clips, plan.test_poses, plan.test_language):
        assert count > 0


def test_larger_modes_are_larger() -> None:
    """In data, in steps, in time."""
    smoke, standard, full = (MODES[name] for name in ("smoke", "standard", "full"))
    for field in ("poses", "language", "encoder_steps", "instruct_steps", "episodes", "minutes"):
        sizes = [getattr(plan, field) for plan in (smoke, standard, full)]
        assert sizes == sorted(set(sizes))
    assert set(smoke.benchmarks) <= set(standard.benchmarks) <= set(full.benchmarks)


def test_from_scratch() -> None:
    """As the standard mode, without shipped parts; DINOv2's encoder has no part in those either."""
    scratch = MODES["scratch"]
    assert scratch.start is None
    assert MODES["dino"].start is None
    assert scratch.encoder_steps > 0 < scratch.language_steps
    standard = MODES["standard"]
    for field in ("poses", "language", "benchmarks", "episodes", "references", "probe_images"):
        assert getattr(scratch, field) == getattr(standard, field)


def test_ablations_have_their_benchmarks() -> None:
    """What they compare with is asked in the same mode."""
    from robomamba_jax.demo.ablations import FIGURES

    for plan in MODES.values():
        assert plan.ablation_steps == 0 or set(FIGURES) <= set(plan.benchmarks)


def test_the_makefile_names_all_modes() -> None:
    """In the line on what DEMO may be."""
    text = (ROOT / "Makefile").read_text()
    (line,) = re.findall(r"^#   DEMO  .*$", text, re.MULTILINE)
    assert all(re.search(rf"\b{name}\b", line) for name in MODES)


def test_a_mode_that_is_none() -> None:
    """Comes with a near one."""
    with pytest.raises(InputError, match="did you mean standard"):
        demo_plan("standart")


def test_the_page_has_these_numbers() -> None:
    """The table of docs/demo.md, row by row."""
    table = (ROOT / "docs" / "demo.md").read_text().partition("## Modes")[2].partition("## ")[0]
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line[:2] == "| "]
    modes = lines[0]
    assert sorted(modes) == sorted(MODES)
    rows = {name: dict(zip(modes, cells, strict=True)) for name, *cells in lines[1:]}
    for mode, plan in MODES.items():
        tests = (plan.test_poses, plan.test_language, plan.test_clips)
        ready = f"{plan.start}, ready" if plan.start else ""
        encoder = ready or f"{plan.encoder_steps:,} steps"
        ablations = f"{plan.ablation_steps:,} steps, {plan.ablation_epochs:g} epochs"
        expected = {
            "training: poses, each with an image": f"{plan.poses:,}",
            "poses of random assemblies": f"{plan.assembly_poses:,}",
            "images with language": f"{plan.language:,}",
            "clips": f"{plan.clips:,}",
            "test, seen categories: poses, images, clips": ", ".join(map(str, tests)),
            "unseen categories: images": str(plan.unseen_language),
            "encoder": "DINOv2-S, ready" if plan.assets else encoder,
            "language model before stage 1": ready or f"{plan.language_steps:,} steps",
            "stage 1.1": f"{plan.align_steps:,} steps",
            "stage 1.2": f"{plan.instruct_steps:,} steps",
            "rows in a batch of stage 1.2": str(plan.instruct_rows),
            "stage 2": f"{plan.manipulate_epochs:g} epochs",
            "benchmarks": str(len(plan.benchmarks)),
            "questions of each, at most": str(plan.questions or "all"),
            "trials per category and policy": str(plan.episodes),
            "reference policies": str(len(plan.references)),
            "ablations": ablations if plan.ablation_steps else "-",
            "minutes planned": f"{plan.minutes:.0f}",
        }
        assert {name: row[mode] for name, row in rows.items()} == expected
