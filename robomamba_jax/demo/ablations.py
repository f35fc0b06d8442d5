# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What each part is worth: the same run without it, everything else alike.

Runs that train anything anew are shorter than the demo's own, so a whole one of that length stands
first among them. What only changes the questions is asked of the finished model.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from robomamba_jax.demo import stages
from robomamba_jax.demo.acting import act
from robomamba_jax.demo.asking import evaluate, shuffled
from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.demo.report.verdicts import BETTER, WORSE, compare
from robomamba_jax.demo.stages import Places

FIGURES = ("pope", "vqav2", "robovqa")
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
    Ablation("without robot data", "no RoboVQA clips, no contact points", without=stages.ROBOT),
    Ablation("without negatives", "no questions about what is not there", without=("lrv",)),
)
HEADS = (
    Ablation(
        "own head, shorter",
        "the demo's own policy head on its own stage 1.2, as long as the next two",
        instruct=False,
    ),
    Ablation(
        "two MLPs, the article's pooling",
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
    plan: DemoPlan, places: Places, console: Any, journal: Any
) -> list[dict[str, Any]]:
    """All rows of the table; the first one is the finished model itself."""
    own = journal.done["evaluation"]["benchmarks"]
    rolled = journal.done["rollouts"]["nano"]
    rows = [
        {
            "name": "whole",
            "what": "the demo's own model",
            "figures": {
                **{name: _figure(own[name]) for name in FIGURES},
                **_rates(rolled),
            },
            "beside": None,
            "hurts": None,
        }
    ]
    smaller = dataclasses.replace(
        plan, questions=_QUESTIONS, episodes=_EPISODES, manipulate_epochs=plan.ablation_epochs
    )
    rows.append(_shuffled_pictures(smaller, places, console, rows[0]))
    rows.append(_shuffled_words(smaller, places, console, rows[0]))
    for group in (HEADS, TRAINED):
        shorter = None
        for ablation in group:
            row = _trained(ablation, smaller, places, console)
            rows.append(_beside(row, shorter))
            shorter = shorter or row
    return rows


def _shuffled_pictures(
    plan: DemoPlan, places: Places, console: Any, whole: dict[str, Any]
) -> dict[str, Any]:
    found = evaluate(
        plan,
        places.test / "bench",
        places.model,
        places.root / "ablations" / "shuffled",
        names=FIGURES,
        blind=False,
        altered=shuffled,
        tell=console.bar,
    )
    figures = {name: _figure(found[name]) for name in FIGURES}
    figures |= _rolled(plan, places, console, "pictures")
    what = "each question about another question's picture, each pose from another trial's"
    row = {"name": "pictures shuffled", "what": what, "figures": figures}
    return _beside(row, whole)


def _shuffled_words(
    plan: DemoPlan, places: Places, console: Any, whole: dict[str, Any]
) -> dict[str, Any]:
    what = "each pose by the instruction for another category's object"
    figures = _rolled(plan, places, console, "words")
    row = {"name": "instructions shuffled", "what": what, "figures": figures}
    return _beside(row, whole)


def _rolled(plan: DemoPlan, places: Places, console: Any, confused: str) -> dict[str, Any]:
    """Rollouts of the finished model that gets another trial's picture or words."""
    name = f"shuffled-{confused}"
    rolled = act(
        plan,
        places.train,
        places.model,
        places.root / "ablations" / "rollouts",
        policies=(name,),
        tell=console.bar,
    )[name]
    return _rates(rolled)


def _trained(ablation: Ablation, plan: DemoPlan, places: Places, console: Any) -> dict[str, Any]:
    """Stage 1.2 and stage 2 without something, then questions and rollouts."""
    from robomamba_jax.demo.run import manipulate, train_run

    folder = (
        places.root
        / "ablations"
        / ablation.name.replace(" ", "-").replace(",", "").replace("'", "")
    )
    base, features = places.root / "instruct", None
    if ablation.instruct:
        base, features = folder / "instruct", folder / "features"
        config = stages.instruct_config(
            plan,
            places,
            init=None if ablation.align else places.start,
            steps=plan.ablation_steps,
            without=ablation.without,
        )
        train_run(config, base, console)
    if ablation.epochs is not None:
        epochs = min(ablation.epochs, plan.manipulate_epochs)
        plan = dataclasses.replace(plan, manipulate_epochs=epochs)
    manipulate(
        plan,
        places,
        console,
        folder / "manipulate",
        init=base,
        policy=ablation.policy,
        features=features,
    )
    model = folder / "manipulate" / "export"
    found: dict[str, Any] = {}
    if ablation.instruct:  # a head changes no answer
        found = evaluate(
            plan,
            places.test / "bench",
            model,
            folder / "eval",
            names=FIGURES,
            blind=False,
            tell=console.bar,
        )
    rolled = act(
        plan, places.train, model, folder / "rollouts", policies=("nano",), tell=console.bar
    )["nano"]
    figures = {name: _figure(entry) for name, entry in found.items()}
    figures |= _rates(rolled)
    return {"name": ablation.name, "what": ablation.what, "figures": figures}


def _figure(entry: dict[str, Any]) -> dict[str, Any]:
    return {"value": entry["value"], "ci95": entry["ci95"]}


def _rates(rolled: dict[str, Any]) -> dict[str, Any]:
    """Of seen and unseen categories."""
    splits = {split: rolled[split] for split in ("seen", "unseen")}
    return {split: {"value": mean["rate"], "ci95": mean["ci95"]} for split, mean in splits.items()}


def _beside(row: dict[str, Any], whole: dict[str, Any] | None) -> dict[str, Any]:
    """A row with the name of the one that it is compared with, and the verdict."""
    if whole is None:
        return {**row, "beside": None, "hurts": None}
    return {**row, "beside": whole["name"], "hurts": _hurts(row, whole)}


def _hurts(row: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Whether some figure is lower, its interval apart, and none is higher so."""
    others = whole["figures"]
    found = {
        compare(figure, others[name])
        for name, figure in row["figures"].items()
        if name in others and others[name]["ci95"] is not None
    }
    return WORSE in found and BETTER not in found
