# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The pre-training of a small encoder as data: how long, how fast, how images are changed."""

from __future__ import annotations

import dataclasses

from robomamba_jax.config.checks import positive
from robomamba_jax.config.training import CheckpointConfig, MeshConfig, RunConfig


@dataclasses.dataclass(frozen=True)
class EncoderPlan:
    """How long and how.

    Attributes:
      steps: updates.
      rows: images of one.
      learning_rate: the highest, of AdamW's and of Muon's updates alike.
      shift: how far images are moved, at most, each time that they are seen: cells of the maps.
      mirrors: half of the images are mirrored, left and right in their words too.
      seed: of weights and order.
      mesh: over which devices.
      checkpoint: what is saved.
      run: what is said on the way; ``steps`` above is its length, and it has no text to say.
    """

    steps: int
    rows: int = 32
    learning_rate: float = 4e-3
    shift: int = 4
    mirrors: bool = True
    seed: int = 0
    mesh: MeshConfig = dataclasses.field(default_factory=MeshConfig)
    checkpoint: CheckpointConfig = dataclasses.field(
        default_factory=lambda: CheckpointConfig(every=100)
    )
    # All held-out images that there are: a demo's are few.
    run: RunConfig = dataclasses.field(default_factory=lambda: RunConfig(eval_steps=1000))

    def __post_init__(self) -> None:
        positive("steps", self.steps)
        positive("rows", self.rows)
        # One length, whoever asks: the loop and the file of the run read ``run.steps``.
        run = dataclasses.replace(self.run, steps=self.steps, samples=0, export=False)
        object.__setattr__(self, "run", run)

    @property
    def batch_size(self) -> int:
        """Rows of a batch's arrays."""
        return self.rows
