# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Policies with trained numbers: a model, and the mean pose of its training set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.data.sources.manipulation import Action, parse_action
from robomamba_jax.data.sources.sample import conversation, text_field
from robomamba_jax.data.text.prompts import as_record
from robomamba_jax.errors import InputError
from robomamba_jax.utils.untrusted_text import parse_json, read_bytes
from robomamba_jax.world.policies.interface import Observation, Proposal
from robomamba_jax.world.sim.view_geometry import rotation_for


class PriorPolicy:
    """The training set's mean pose, whatever the image shows: what a blind model would learn.

    Attributes:
      name: "prior", or "prior-category" for one mean per category.
      parameters: numbers in it: eight per mean.
      sha: there is no checkpoint.
    """

    sha: str | None = None

    def __init__(self, folder: Path, *, by_category: bool = False) -> None:
        """Average the training set's poses.

        Args:
          folder: one that ``world generate`` wrote, or its manip.json.
          by_category: a mean per category; a category without poses gets the overall mean.

        Raises:
          InputError: the training set is missing or broken.
        """
        file = folder / "manip.json" if folder.is_dir() else folder
        size = _size(file.parent)
        groups: dict[str, list[tuple[Action, str]]] = {"": []}
        for name, action in _poses(file):
            groups[""].append((action, name))
            if by_category:
                # "StorageFurniture_000012": the category and the item.
                groups.setdefault(name.rpartition("_")[0], []).append((action, name))
        self._means = {
            name: _mean([action for action, _ in found], size) for name, found in groups.items()
        }
        self.name = "prior-category" if by_category else "prior"
        self.parameters = 8 * len(self._means)  # x, y, and two directions

    def propose(self, observation: Observation) -> Proposal:
        """The mean, scaled to the image."""
        share, rotation = self._means.get(observation.category, self._means[""])
        height, width = observation.view.depth.shape
        return Proposal((float(share[0] * width), float(share[1] * height)), rotation)


def _poses(file: Path) -> Iterator[tuple[str, Action]]:
    """Ids and poses of a training set; its images are not read."""
    records = JsonRecords(file)
    try:
        for number in range(len(records)):
            record, where = records[number], f"{file}: record {number}"
            turns = conversation(record.get("conversations"), where)
            answer = next(text for role, text in turns if role == "gpt")
            name = text_field(record, "id" if "id" in record else "image", where)
            yield name, parse_action(answer, where, pixel_order="xy", frame="manipllm")
    finally:
        records.close()


def _size(folder: Path) -> int:
    """The side of a training set's images, in pixels."""
    path = folder / "plan.json"
    plan = parse_json(read_bytes(path), str(path))
    size = plan.get("size") if isinstance(plan, dict) else None
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise InputError(
            "bad_record", f"{path} has the size {size!r}", "give world generate's folder"
        )
    return size


def _mean(actions: list[Action], size: int) -> tuple[np.ndarray, np.ndarray]:
    # A mean of unit vectors is shorter than 1; rotation_for makes axes of it.
    contact = np.mean([action.contact_xy for action in actions], axis=0) / size
    approach = np.mean([action.approach for action in actions], axis=0)
    return contact, rotation_for(approach, np.mean([action.left for action in actions], axis=0))


class ModelPolicy:
    """A checkpoint, used as ``rm.predict_pose`` uses it.

    Attributes:
      name: its path.
      parameters: of the policy head, which is what stage 2 trains.
      sha: sha256 of all parameters, in the order of their names.
      batch_size: trials per forward pass.
    """

    batch_size = 8

    def __init__(self, checkpoint: str) -> None:
        """Load it.

        Raises:
          InputError: it cannot be loaded, or has no policy head.
        """
        import jax

        from robomamba_jax import api
        from robomamba_jax.evaluation.runner.params_hash import parameters_sha256
        from robomamba_jax.inference.engine import Engine

        self.name = str(checkpoint)
        model, processor = api.load(checkpoint)
        self._engine = Engine(model, processor)
        head = model.params.get("policy")
        if not head:
            raise InputError(
                "no_policy",
                f"{checkpoint} has no policy head",
                "give a checkpoint of stage 2 (configs/stage2_manipulation.py)",
            )
        self.parameters = int(sum(leaf.size for leaf in jax.tree.leaves(head)))
        self.sha: str | None = parameters_sha256(model.params)

    def propose(self, observation: Observation) -> Proposal:
        """What the model predicts from image and instruction alone."""
        return self.propose_batch([observation])[0]

    def propose_batch(self, observations: Sequence[Observation]) -> list[Proposal]:
        """As ``propose``, in one forward pass."""
        engine = self._engine
        # A short batch is filled up with its last trial: always the same shape is always the same
        # compiled program, so that a trial's numbers do not depend on how many are asked at once.
        filled = [*observations, *[observations[-1]] * (self.batch_size - len(observations))]
        images = [Image.fromarray(each.view.rgb) for each in filled]
        asked = [as_record(each.instruction, engine.processor.template) for each in filled]
        poses = engine.predict_poses(images, asked)[: len(observations)]
        return [
            Proposal(pose.contact_xy, np.asarray(pose.rotation, np.float64), pose.gripper_open)
            for pose in poses
        ]
