# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The simulator's speed: pictures of one scene, and whole trials of many."""

from __future__ import annotations

from typing import Any

from robomamba_jax.bench.worker import Work
from robomamba_jax.world.objects.categories import SEEN
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.policies.registry import choose_policy
from robomamba_jax.world.rollout.run import RolloutPlan, act, draw_episodes, observe
from robomamba_jax.world.sim.scenes import draw_scene
from robomamba_jax.world.sim.simulator import Simulator, Stage


def build(side: str, case: dict[str, Any]) -> Work:
    """A picture: colour, depth and links; a trial: scene, picture, grip, physics, verdict."""
    simulator = Simulator()
    size, samples = case["size"], case["samples"]
    if case["kind"] == "picture":
        return _pictures(simulator, side, size, samples)
    policy = choose_policy("part-normal")
    plan = RolloutPlan(SEEN, samples // len(SEEN), size=size)

    def run() -> int:
        held = 0
        for episode in draw_episodes(simulator, plan):
            proposal = policy.propose(observe(episode, policy, plan))
            held += act(episode, proposal, plan.thresholds)[0] is not None
        return held

    return Work(run, {})


def _pictures(simulator: Simulator, side: str, size: int, samples: int) -> Work:
    model = simulator.objects.draw("StorageFurniture", "train", Rng((0,)))
    scene = draw_scene(model, Rng((1,)), size, things=2, surface="floor")
    if side == "world":
        stage = Stage(simulator, scene)
        return Work(lambda: [stage.look() for _ in range(samples)], {})
    simulator.sapien.render.set_camera_shader_dir("default")
    stage = Stage(simulator, scene)
    camera = stage.camera

    def run() -> None:
        for _ in range(samples):
            stage.scene.update_render()
            camera.take_picture()
            for name in ("Color", "Position", "Segmentation"):
                camera.get_picture(name)

    return Work(run, {})
