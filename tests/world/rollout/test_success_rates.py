# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Counts, and the two averages."""

from robomamba_jax.world.rollout.success_rates import CategoryCounts, averages, table
from robomamba_jax.world.sim.episodes import TrialVerdict


def test_tallies_and_averages() -> None:
    """Off the part is a failure; a split's average by trials and by categories differ."""
    big, small = CategoryCounts(), CategoryCounts()
    for k in range(8):
        big.add(TrialVerdict(k < 6, True, k < 2, paper=k < 4), "did not move")
    big.add(None, "off_part")
    big.add(TrialVerdict(False, False, False), "tilted")
    small.add(TrialVerdict(False, True, False), "blocked")
    small.add(TrialVerdict(False, False, False), "blocked")
    categories = {"Safe": big.to_json("Safe"), "Door": small.to_json("Door")}
    assert categories["Safe"]["rate"] == 0.6
    assert categories["Safe"]["off_part"] == 1
    assert categories["Safe"]["failures"] == {"did not move": 2, "tilted": 1}
    assert categories["Safe"]["at_0.1"]["rate"] == 0.4
    seen = averages(categories, "seen")
    assert seen["at_0.1"]["by_sample"] == 4 / 12
    assert seen["at_0.1"]["by_category"] == 0.2
    assert seen["by_sample"] == 0.5
    assert seen["by_category"] == 0.3
    assert averages(categories, "unseen")["by_sample"] is None
    none = {"n": 0}
    lines = table({"categories": categories, "seen": seen, "unseen": none})
    assert "6/10" in lines[1]
    assert lines[-1].startswith("seen: 0.500 by sample")
    assert lines[-1].endswith("joints moved by more than 0.1: 0.333, 0.200")
