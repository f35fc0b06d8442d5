# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts' trials as files, for predictions that are made elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from robomamba_jax.data.text.prompts import IMAGE
from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import write_text
from robomamba_jax.utils.progress import OnProgress
from robomamba_jax.world.dataset.records import save_ground_truth, save_image
from robomamba_jax.world.failures import Skips
from robomamba_jax.world.policies.predictions import TRIALS
from robomamba_jax.world.rollout.run import RolloutPlan, draw_trial, trial_facts, trial_name
from robomamba_jax.world.sim.simulator import Simulator


def export_episodes(
    simulator: Simulator, plan: RolloutPlan, out: Path, on_progress: OnProgress | None = None
) -> dict[str, Any]:
    """Write images, depth, masks, cameras, the questions in RoboMamba's maniptest form, and
    trials.json, by which a rollout of predictions that lie there knows whose they are.

    Args:
      simulator: SAPIEN.
      plan: which trials; a rollout with the same numbers meets the same ones.
      out: a new folder.
      on_progress: told how many are done, of how many.

    Raises:
      InputError: the folder is not empty; or a trial's scene cannot be made and is not to be
        skipped.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError("not_empty", f"{out} is not empty", "give a new folder as --out")
    for name in ("images", "depth", "masks", "cameras"):
        (out / name).mkdir(parents=True)
    questions = []
    skips, trials = Skips(plan.on_error), plan.trials()
    simulator.objects.remarks()  # those of an earlier run are told
    for done, (category, number) in enumerate(trials, 1):
        with skips.item(trial_name(category, number)):
            episode = draw_trial(simulator, plan, category, number)
            save_ground_truth(out, episode.name, episode.view)
            save_image(out / "images" / f"{episode.name}.png", episode.view.rgb)
            episode.view.camera.to_json(out / "cameras" / f"{episode.name}.json")
            text = f"{IMAGE}\n{episode.instruction}"
            # The form of the training file, with the answer left empty.
            turns = [{"from": "human", "value": text}, {"from": "gpt", "value": ""}]
            questions.append({"image": f"{episode.name}.png", "conversations": turns})
        if on_progress is not None:
            on_progress(done, len(trials))
    skips.check_any(len(trials), "trials")
    write_text(out / "maniptest.json", json.dumps(questions, indent=0) + "\n")
    about = {"schema": "robomamba.world episodes/1", **trial_facts(plan)}
    about |= {"episodes": plan.episodes, "categories": list(plan.categories)}
    write_text(out / TRIALS, json.dumps(about, indent=1) + "\n")
    remarks = simulator.objects.remarks().to_json()
    return {"episodes": len(questions), "out": str(out), "skipped": skips.found, **remarks}
