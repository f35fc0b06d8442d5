# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How large the demo is: the same phases in every mode, other numbers."""

from __future__ import annotations

import dataclasses

from robomamba_jax.errors import unknown_name

PHASES = (
    *("data", "pretraining", "features", "align", "instruct", "manipulate", "assemblies"),
    *("evaluation", "rollouts", "ablations", "report"),
)


@dataclasses.dataclass(frozen=True)
class DemoPlan:
    """One mode.

    Attributes:
      mode: its name.
      poses: training poses, each with an image.
      language: training images with captions, questions and answers.
      clips: training clips of a gripper at work.
      test_language: test images of seen categories, other objects and words.
      test_clips: test clips of seen categories.
      test_poses: test poses of seen categories.
      unseen_language: test images of the ten unseen categories.
      vision: the encoder's name in ``VISION_PRESETS``.
      policy: the policy head's kind.
      start: the shipped weights that it begins with, an encoder, a language model and their
        tokenizer; None = all three come out of the demo's own training set.
      assets: a file of ready weights for the encoder, without ``start``; None = it is pre-trained
        here.
      assembly_poses: poses of random assemblies, for a second policy head that learns from them
        beside the poses of the seen categories; 0 = no such head.
      vocab: tokens of the tokenizer, at most.
      encoder_steps: of the encoder's pre-training.
      language_steps: of the language model's pre-training.
      align_steps: of stage 1.1.
      instruct_steps: of stage 1.2.
      manipulate_epochs: of stage 2.
      rows: of a packed batch before stage 1 and in stage 1.1.
      instruct_rows: of a packed batch in stage 1.2.
      questions: of a benchmark at most; 0 = all that were written.
      probe_images: training images on which the encoder's linear probes are fitted, at most.
      benchmarks: which.
      episodes: rollouts per category, for the model and for each reference.
      references: policies beside the model.
      ablation_steps: of stage 1.2 in each ablation; 0 = no ablations.
      ablation_epochs: of stage 2 there.
      ablation_starts: whether starts are pre-trained for ablations, too.
      workers: processes that draw and decode.
      budget: minutes per phase on two cores.
    """

    mode: str
    poses: int
    language: int
    clips: int
    test_language: int
    test_clips: int
    test_poses: int
    unseen_language: int
    encoder_steps: int
    language_steps: int
    align_steps: int
    instruct_steps: int
    manipulate_epochs: float
    questions: int
    benchmarks: tuple[str, ...]
    episodes: int
    references: tuple[str, ...]
    budget: tuple[tuple[str, float], ...]
    ablation_steps: int = 0
    ablation_epochs: float = 12
    ablation_starts: bool = False
    rows: int = 8
    instruct_rows: int = 8
    vision: str = "nano"
    policy: str = "mixture"
    start: str | None = None
    assets: str | None = None
    assembly_poses: int = 0
    probe_images: int = 600
    vocab: int = 1024
    workers: int = 2

    @property
    def minutes(self) -> float:
        """All phases together."""
        return sum(minutes for _, minutes in self.budget)


def _minutes(plan: DemoPlan, **other: float) -> tuple[tuple[str, float], ...]:
    """A plan's budget with other minutes for some phases."""
    return tuple((name, other.get(name, minutes)) for name, minutes in plan.budget)


_BENCHMARKS = (
    *("pope", "vqav2", "gqa", "okvqa", "vizwiz", "mme", "mmbench", "robovqa"),
    "manipulation",
)
_QUICK = (
    *("pope", "vqav2", "okvqa", "vizwiz", "mme", "mmbench", "robovqa"),
    "manipulation",
)
_REFERENCES = ("oracle", "part-normal", "part-random", "prior", "prior-category", "random")

# Budgets are minutes on two cores, and stand in the report beside what each phase took.
_SCRATCH = DemoPlan(
    mode="scratch",
    poses=3000,
    language=2600,
    clips=100,
    test_language=200,
    test_clips=50,
    test_poses=120,
    unseen_language=60,
    encoder_steps=1050,
    language_steps=150,
    align_steps=80,
    instruct_steps=330,
    manipulate_epochs=40,
    questions=300,
    benchmarks=_QUICK,
    episodes=15,
    references=_REFERENCES,
    assembly_poses=1500,
    budget=(
        ("data", 3.2),
        ("pretraining", 6.2),
        ("features", 0.3),
        ("align", 1.2),
        ("instruct", 4.7),
        ("manipulate", 1.3),
        ("assemblies", 1.3),
        ("evaluation", 2.1),
        ("rollouts", 2.0),
        ("report", 0.1),
    ),
)
_STANDARD = dataclasses.replace(_SCRATCH, mode="standard")

MODES: dict[str, DemoPlan] = {
    "standard": _STANDARD,
    # Encoder and language model out of the demo's own training set, whatever ready parts there are.
    "scratch": _SCRATCH,
    # Enough of everything to run each line once, and too little to learn.
    "smoke": dataclasses.replace(
        _STANDARD,
        mode="smoke",
        poses=120,
        language=100,
        clips=6,
        test_language=20,
        test_clips=4,
        test_poses=20,
        unseen_language=10,
        encoder_steps=30,
        language_steps=10,
        align_steps=8,
        instruct_steps=20,
        manipulate_epochs=5,
        questions=24,
        benchmarks=("pope", "vqav2", "robovqa", "manipulation"),
        episodes=1,
        probe_images=60,
        references=("oracle", "prior", "random"),
        assembly_poses=40,
        budget=(
            ("data", 0.6),
            ("pretraining", 0.5),
            ("features", 0.2),
            ("align", 0.4),
            ("instruct", 0.6),
            ("manipulate", 0.3),
            ("assemblies", 0.3),
            ("evaluation", 0.8),
            ("rollouts", 0.4),
            ("report", 0.1),
        ),
    ),
    "full": dataclasses.replace(
        _STANDARD,
        mode="full",
        poses=9000,
        language=16000,
        clips=400,
        test_language=600,
        test_clips=150,
        test_poses=500,
        unseen_language=300,
        encoder_steps=8000,
        language_steps=1600,
        align_steps=250,
        instruct_steps=2400,
        manipulate_epochs=40,
        questions=0,
        benchmarks=_BENCHMARKS,
        episodes=50,
        probe_images=3000,
        assembly_poses=9000,
        ablation_steps=400,
        ablation_starts=True,
        budget=(
            ("data", 15.0),
            ("pretraining", 47.0),
            ("features", 1.0),
            ("align", 3.5),
            ("instruct", 33.0),
            ("manipulate", 5.0),
            ("assemblies", 8.0),
            ("evaluation", 6.0),
            ("rollouts", 6.0),
            ("ablations", 350.0),
            ("report", 0.5),
        ),
    ),
}
# What an accelerator makes of stage 1.2 in two minutes: nine times the samples of the full mode.
# The other phases are planned as on two cores.
MODES["gpu"] = dataclasses.replace(
    MODES["full"],
    mode="gpu",
    instruct_rows=32,
    instruct_steps=5400,
    ablation_steps=1500,
    workers=8,
    budget=_minutes(MODES["full"], align=1.0, instruct=3.0, ablations=105.0),
)
# A larger encoder, ready-made: its features of every image take longer, its training falls away.
# Shipped parts have an encoder of their own.
MODES["dino"] = dataclasses.replace(
    _SCRATCH,
    mode="dino",
    vision="dinov2-s14-112",
    assets="assets/dinov2_s.safetensors",
    encoder_steps=0,
    budget=_minutes(_SCRATCH, pretraining=4.2, features=4.0, evaluation=3.5),
)


def demo_plan(mode: str) -> DemoPlan:
    """A mode by its name.

    Raises:
      InputError: there is none.
    """
    if mode not in MODES:
        raise unknown_name("unknown_mode", "DEMO", mode, MODES)
    return MODES[mode]
