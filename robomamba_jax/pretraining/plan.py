# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How much is pre-trained: the plan of ``robomamba pretrain`` as data."""

from __future__ import annotations

import dataclasses

from robomamba_jax.errors import unknown_name

VALIDATION_CATEGORIES = ("Refrigerator", "Bottle", "Pliers", "Dispenser")
"""Of the twenty seen categories those that are left out when something is chosen for categories
that training never sees: the ten of the test are never looked at for that. A box with a door, a
round thing with a cap, a tool with two jaws and a head to press: no two move alike."""


@dataclasses.dataclass(frozen=True)
class PretrainPlan:
    """One plan.

    Attributes:
      name: of it.
      images: of the broad world, with words and questions.
      texts: conversations in words alone; 0 = the language model reads about images alone.
      held_out: images of validation objects, in the broad world and in the paper's, each.
      seed: of data, weights and order.
      preset: the language model's size, by its name in ``config.mamba.PRESETS``.
      vision: the encoder's, by its name in ``VISION_PRESETS``.
      encoder_steps: updates of the encoder.
      encoder_rows: images of each.
      vocab: tokens of the tokenizer, at most.
      language_steps: updates of the language model.
      rows: of a packed batch.
      row_tokens: of a row.
      workers: processes that draw and decode.
      assemblies: whether the images show random assemblies beside the seen categories and plain
        things.
      hours: what is planned on two idle cores, for the encoder and for the language model.
    """

    name: str
    images: int
    texts: int
    held_out: int
    encoder_steps: int
    language_steps: int
    hours: tuple[float, float]
    seed: int = 0
    preset: str = "nano"
    vision: str = "nano"
    encoder_rows: int = 32
    vocab: int = 1024
    rows: int = 8
    row_tokens: int = 768
    workers: int = 2
    assemblies: bool = True

    @property
    def world(self) -> str:
        """The training images' world, by its name in ``world.dataset.tasks.WORLDS``."""
        return "broad" if self.assemblies else "broad-categories"

    @property
    def tokens(self) -> int:
        """What the language model reads at most; a few in a hundred of a row stay empty."""
        return self.language_steps * self.rows * self.row_tokens


# For ablations of what the full plan is made of: a short one, whole and without something.
_SHORT = PretrainPlan(
    name="short",
    images=12_000,
    texts=24_000,
    held_out=300,
    encoder_steps=3000,
    language_steps=2500,
    hours=(0.5, 0.8),
)

PLANS: dict[str, PretrainPlan] = {
    "full": PretrainPlan(
        name="full",
        images=60_000,
        texts=120_000,
        held_out=600,
        encoder_steps=16_000,
        language_steps=12_000,
        hours=(2, 4),
    ),
    "short": _SHORT,
    # As many images, of the seen categories and plain things alone.
    "short-no-assemblies": dataclasses.replace(
        _SHORT, name="short-no-assemblies", assemblies=False
    ),
    # As many steps, about images alone.
    "short-no-texts": dataclasses.replace(_SHORT, name="short-no-texts", texts=0),
    # Each line once; nothing is learned.
    "smoke": PretrainPlan(
        name="smoke",
        images=96,
        texts=64,
        held_out=32,
        encoder_steps=6,
        language_steps=6,
        hours=(0.02, 0.02),
    ),
}


def pretrain_plan(name: str) -> PretrainPlan:
    """A plan by its name.

    Raises:
      InputError: there is none.
    """
    if name not in PLANS:
        raise unknown_name("unknown_plan", "plan", name, PLANS)
    return PLANS[name]
