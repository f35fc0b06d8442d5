# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What each part is worth: the same run without it, everything else alike.

Runs that train anything anew are shorter than the demo's own, so a whole one of that length stands
first among them. What only changes the questions is asked of the finished model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from robomamba_jax.demo import configs
from robomamba_jax.demo.benchmarks import evaluate, shuffled
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.demo.report.verdicts import BETTER, WORSE, Estimate, compare
from robomamba_jax.demo.results import AblationRow, BenchmarkResult, PolicyResult, Score
from robomamba_jax.demo.rollouts import roll_out
from robomamba_jax.demo.train_stages import manipulate
from robomamba_jax.pretraining.runs import Console, train_run

FIGURES = ("pope", "vqav2", "robovqa")
# Fewer than the demo's own: eight rows are trained and asked, and an interval of .05 suffices to
# see a component that matters.
_QUESTIONS, _EPISODES = 400, 20


@dataclasses.dataclass(frozen=True)
class Ablation:
    """A run with something left out.

    Attributes:
      name: of its folder, and in the table.
      what: in a sentence.
      without: sources of stage 1.2 that it does not see.
      align: whether it starts from stage 1.1.
      policy: the policy head's kind; None = the demo's.
      instruct: whether stage 1.2 is trained anew; else the demo's own is taken.
      epochs: of stage 2, at most; None = as many as all others have.
    """

    name: str
    what: str
    without: tuple[str, ...] = ()
    align: bool = True
    policy: str | None = None
    instruct: bool = True
    epochs: float | None = None


TRAINED = (
    Ablation("whole, shorter", "all parts, as long as the runs below"),
    Ablation("without stage 1.1", "the projector enters stage 1.2 untrained", align=False),
    Ablation("without robot data", "no RoboVQA clips, no contact points", without=configs.ROBOT),
    Ablation("without negatives", "no questions about what is not there", without=("lrv",)),
)
HEADS = (
    Ablation(
        "own head, shorter",
        "the demo's own policy head on its own stage 1.2, as long as the next two",
        instruct=False,
    ),
    Ablation(
        "two MLPs, the paper's pooling",
        "stage 2 reads the mean of the first text state and the last one",
        policy="two_mlp",
        instruct=False,
    ),
    Ablation(
        "one pose from four queries",
        "stage 2 reads what learned queries find among all states, and regresses one pose",
        policy="attn_mlp",
        instruct=False,
    ),
    Ablation(
        "two Mamba blocks and MLPs",
        "stage 2 reads the mean of all states behind blocks of its own; 4 epochs, as they are slow",
        policy="ssm_mlp",
        instruct=False,
        epochs=4,
    ),
)


def run_ablations(
    plan: DemoPlan,
    paths: DemoPaths,
    console: Console,
    benchmarks: Mapping[str, BenchmarkResult],
    rollouts: PolicyResult,
) -> tuple[AblationRow, ...]:
    """All rows of the table.

    Args:
      plan: the demo's.
      paths: the demo's.
      console: for progress.
      benchmarks: of the finished model.
      rollouts: of the finished model.

    Returns:
      The first row is the finished model itself.
    """
    # The model's own scores, on all questions and trials; the other rows have fewer of both.
    own = {name: benchmarks[name].score for name in FIGURES}
    whole = AblationRow("whole", "the demo's own model", {**own, **rollouts.scores()})
    smaller = shorter_plan(plan)
    rows = [
        whole,
        beside(_shuffled_images(smaller, paths, console), whole),
        beside(_shuffled_words(smaller, paths, console), whole),
    ]
    for group in (HEADS, TRAINED):
        # The first of a group is whole, and was trained as long as the others.
        shorter = _trained(group[0], smaller, paths, console)
        rows.append(shorter)
        rows += [beside(_trained(one, smaller, paths, console), shorter) for one in group[1:]]
    return tuple(rows)


def shorter_plan(plan: DemoPlan) -> DemoPlan:
    """The demo's with fewer questions, trials and epochs, as all rows but the first have."""
    return dataclasses.replace(
        plan, questions=_QUESTIONS, episodes=_EPISODES, manipulate_epochs=plan.ablation_epochs
    )


def _shuffled_images(plan: DemoPlan, paths: DemoPaths, console: Console) -> AblationRow:
    found = evaluate(
        plan,
        paths.test / "bench",
        paths.model,
        paths.root / "ablations" / "shuffled",
        names=FIGURES,
        blind=False,
        altered=shuffled,
        on_progress=console.progress,
    )
    figures = {name: found[name].score for name in FIGURES}
    # The same confusion for poses.
    figures |= _rolled(plan, paths, console, "shuffled-images")
    what = "each question about another question's image, each pose from another trial's"
    return AblationRow("images shuffled", what, figures)


def _shuffled_words(plan: DemoPlan, paths: DemoPaths, console: Console) -> AblationRow:
    figures = _rolled(plan, paths, console, "shuffled-words")
    what = "each pose by the instruction for another category's object"
    return AblationRow("instructions shuffled", what, figures)


def _rolled(plan: DemoPlan, paths: DemoPaths, console: Console, policy: str) -> dict[str, Score]:
    """Rollouts of the finished model with shuffled inputs."""
    out = paths.root / "ablations" / "rollouts"
    return _scores(plan, paths, paths.model, out, console, policy)


def _scores(
    plan: DemoPlan, paths: DemoPaths, model: Path, out: Path, console: Console, policy: str
) -> dict[str, Score]:
    found = roll_out(
        plan, paths.train, model, out, policies=(policy,), on_progress=console.progress
    )
    return found[policy].scores()


def _trained(ablation: Ablation, plan: DemoPlan, paths: DemoPaths, console: Console) -> AblationRow:
    """Stage 1.2 and stage 2 without something, then questions and rollouts."""
    # The table's name as a folder's.
    name = ablation.name.replace(" ", "-").replace(",", "").replace("'", "")
    folder = paths.root / "ablations" / name
    base, features = paths.root / "instruct", None
    if ablation.instruct:
        # Another language model has other states: they must not land in the demo's own cache.
        base, features = folder / "instruct", folder / "features"
        config = configs.instruct_config(
            plan,
            paths,
            init=None if ablation.align else paths.start,
            steps=plan.ablation_steps,
            without=ablation.without,
        )
        train_run(config, base, console)
    if ablation.epochs is not None:
        epochs = min(ablation.epochs, plan.manipulate_epochs)
        plan = dataclasses.replace(plan, manipulate_epochs=epochs)
    manipulate(
        plan,
        paths,
        console,
        folder / "manipulate",
        init=base,
        policy=ablation.policy,
        features=features,
    )
    model = folder / "manipulate" / "export"
    found: dict[str, BenchmarkResult] = {}
    if ablation.instruct:  # a head changes no answer
        found = evaluate(
            plan,
            paths.test / "bench",
            model,
            folder / "eval",
            names=FIGURES,
            blind=False,
            on_progress=console.progress,
        )
    figures = {name: result.score for name, result in found.items()}
    figures |= _scores(plan, paths, model, folder / "rollouts", console, "nano")
    return AblationRow(ablation.name, ablation.what, figures)


def beside(row: AblationRow, whole: AblationRow) -> AblationRow:
    """A row with the name of the one that it is compared with, and the verdict."""
    drop = significant_drop(row.figures, whole.figures)
    return dataclasses.replace(row, compared_with=whole.name, significant_drop=drop)


def significant_drop(figures: Mapping[str, Score], whole: Mapping[str, Score]) -> bool:
    """Whether some score is lower, its interval apart, and none is higher so.

    Args:
      figures: of the ablation.
      whole: of what it is compared with; what is not in both says nothing.
    """
    found = {
        compare(Estimate(score.value, score.ci95), Estimate(whole[name].value, whole[name].ci95))
        for name, score in figures.items()
        if name in whole and whole[name].ci95 is not None
    }
    # One score for another is a trade, and not a drop.
    return WORSE in found and BETTER not in found
