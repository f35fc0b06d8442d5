# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The simulator's speed: images of one scene, and whole trials of many."""

from __future__ import annotations

from robomamba_jax.bench.records import WorldWork
from robomamba_jax.bench.worker import Workload
from robomamba_jax.world.objects.categories import SEEN
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.policies.registry import choose_policy
from robomamba_jax.world.rollout.run import RolloutPlan, draw_episodes, observe, run_trial
from robomamba_jax.world.sim.scenes import draw_scene
from robomamba_jax.world.sim.simulator import SimScene, Simulator


def build(side: str, case: WorldWork) -> Workload:
    """An image: colour, depth and links; a trial: scene, image, grasp, physics, evaluation."""
    simulator = Simulator()
    size, samples = case["size"], case["samples"]
    if case["kind"] == "picture":
        return _images(simulator, side, size, samples)
    policy = choose_policy("part-normal")
    plan = RolloutPlan(SEEN, samples // len(SEEN), size=size)

    def run() -> int:
        held = 0
        for episode in draw_episodes(simulator, plan):
            proposal = policy.propose(observe(episode, policy, plan))
            held += run_trial(episode, proposal, plan.thresholds)[0] is not None
        return held

    return Workload(run, {})


def _images(simulator: Simulator, side: str, size: int, samples: int) -> Workload:
    model = simulator.objects.draw("StorageFurniture", "train", Rng((0,)))
    scene_spec = draw_scene(model, Rng((1,)), size, things=2, surface="floor")
    if side == "world":
        scene = SimScene(simulator, scene_spec)
        return Workload(lambda: [scene.render() for _ in range(samples)], {})
    # Before the scene is made: a camera takes the shaders that are set when it is created.
    simulator.sapien.render.set_camera_shader_dir("default")
    scene = SimScene(simulator, scene_spec)
    camera = scene.camera

    def run() -> None:
        for _ in range(samples):
            scene.sapien_scene.update_render()
            camera.take_picture()
            for name in ("Color", "Position", "Segmentation"):
                camera.get_picture(name)

    return Workload(run, {})
