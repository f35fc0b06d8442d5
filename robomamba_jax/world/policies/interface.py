# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a policy is: it gets observations and gives poses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.sim.grasps import Grasp
from robomamba_jax.world.sim.gripper import GraspCommand
from robomamba_jax.world.sim.simulator import CameraFrame, SimScene
from robomamba_jax.world.sim.view_geometry import pixel_of, rotation_for, to_camera

Array = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Observation:
    """What a policy is given.

    Attributes:
      episode: its name, such as "Microwave_0003".
      category: of the object.
      instruction: in words.
      view: image, depth, camera, and which pixel shows which link (which a model may not use).
      scene: the scene itself, for policies that know the truth.
      random: its own random numbers.
      dof: 6 for suction, 7 for a hand.
    """

    episode: str
    category: str
    instruction: str
    view: CameraFrame
    scene: SimScene
    random: np.random.Generator
    dof: int = 6


@dataclasses.dataclass(frozen=True, eq=False)
class Proposal:
    """A pose.

    Attributes:
      contact_xy: (x, y) in pixels, centres at +0.5.
      rotation: float64[3, 3], the gripper's axes in the camera frame: approach, closing, third.
      gripper_open: whether fingers arrive open; None for suction.
      pull: whether to pull after touching.
      steer: world direction to pull in, asked again and again; None = straight back.
    """

    contact_xy: tuple[float, float]
    rotation: Array
    gripper_open: float | None = None
    pull: bool = True
    steer: Callable[[SimScene, int, Array], Array] | None = None

    def in_world(self, view: CameraFrame, point: Array) -> GraspCommand:
        """What the gripper is to do.

        Args:
          view: the camera, with its pose.
          point: float64[3], world: what the contact pixel shows, see ``view_geometry.lift``.
        """
        assert view.camera.camera_to_world is not None
        axes = view.camera.camera_to_world[:3, :3] @ self.rotation
        return GraspCommand(point, axes[:, 0], axes[:, 1], self.gripper_open, self.pull, self.steer)


def grasp_proposal(view: CameraFrame, grasp: Grasp) -> Proposal:
    """A grasp as a pose: the pixel between the fingers, which arrive open."""
    axes = (to_camera(view, axis) for axis in (grasp.command.approach, grasp.command.closing))
    return Proposal(pixel_of(view, grasp.contact.point), rotation_for(*axes), 1.0)


class Policy(Protocol):
    """What decides on a pose.

    Attributes:
      name: for tables.
      parameters: how many numbers were trained for it.
      sha: sha256 of a checkpoint's parameters; None for all others.
    """

    name: str
    parameters: int
    sha: str | None

    def propose(self, observation: Observation) -> Proposal | None:
        """A pose, or None where it has nothing to say, which counts as a failure."""
        ...


@runtime_checkable
class BatchPolicy(Policy, Protocol):
    """A policy that is faster on several trials at once, as a model is.

    Attributes:
      batch_size: at how many.
    """

    batch_size: int

    def propose_batch(self, observations: Sequence[Observation]) -> list[Proposal | None]:
        """As ``propose``, one by one: what else is in the batch must not change an answer."""
        ...


def propose_all(policy: Policy, observations: Sequence[Observation]) -> list[Proposal | None]:
    """A pose for each observation, in batches where the policy can."""
    if isinstance(policy, BatchPolicy):
        return policy.propose_batch(observations)
    return [policy.propose(observation) for observation in observations]
