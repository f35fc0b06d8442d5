# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts' trials as files, for predictions that are made elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from robomamba_jax.data.prompts import IMAGE
from robomamba_jax.errors import InputError
from robomamba_jax.world.predictions import TRIALS
from robomamba_jax.world.records import save_picture, save_truth
from robomamba_jax.world.rollout import RolloutPlan, Tell, draw_episodes, trial_facts
from robomamba_jax.world.stage import Simulator
from robomamba_jax.world.worker import write_whole


def export_episodes(
    simulator: Simulator, plan: RolloutPlan, out: Path, tell: Tell | None = None
) -> dict[str, Any]:
    """Write pictures, depth, masks, cameras, the questions in RoboMamba's maniptest form, and
    trials.json, by which a rollout of predictions that lie there knows whose they are.

    Args:
      simulator: SAPIEN.
      plan: which trials; a rollout with the same numbers meets the same ones.
      out: a new folder.
      tell: told how many are done, of how many.

    Raises:
      InputError: the folder is not empty.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError("not_empty", f"{out} is not empty", "give a new folder as --out")
    for name in ("images", "depth", "masks", "cameras"):
        (out / name).mkdir(parents=True)
    questions = []
    total = plan.episodes * len(plan.categories)
    for done, episode in enumerate(draw_episodes(simulator, plan), 1):
        save_picture(out / "images" / f"{episode.name}.png", episode.view.rgb)
        save_truth(out, episode.name, episode.view)
        episode.view.camera.to_json(out / "cameras" / f"{episode.name}.json")
        text = f"{IMAGE}\n{episode.instruction}"
        questions.append(
            {
                "image": f"{episode.name}.png",
                "conversations": [{"from": "human", "value": text}, {"from": "gpt", "value": ""}],
            }
        )
        if tell is not None:
            tell(done, total)
    write_whole(out / "maniptest.json", json.dumps(questions, indent=0) + "\n")
    about = {"schema": "robomamba.world episodes/1", **trial_facts(plan)}
    about |= {"episodes": plan.episodes, "categories": list(plan.categories)}
    write_whole(out / TRIALS, json.dumps(about, indent=1) + "\n")
    return {"episodes": total, "out": str(out)}
