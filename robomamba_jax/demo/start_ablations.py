# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the start is worth: short ones, whole and without something, and none at all.

Each is pre-trained anew, far shorter than the shipped one, and then goes through all three stages
on the demo's own data.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

from robomamba_jax.checkpoints import stored_kind
from robomamba_jax.convert.run import convert_parts
from robomamba_jax.demo import configs
from robomamba_jax.demo.ablations import FIGURES, beside, shorter_plan
from robomamba_jax.demo.benchmarks import evaluate
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.demo.results import AblationRow
from robomamba_jax.demo.rollouts import roll_out
from robomamba_jax.demo.train_stages import manipulate
from robomamba_jax.pretraining.paths import PretrainPaths
from robomamba_jax.pretraining.plan import pretrain_plan
from robomamba_jax.pretraining.run import pretrain
from robomamba_jax.pretraining.runs import Console, cache_features, train_run

Begin = Callable[[DemoPlan, DemoPaths], object]
"""Pre-trains encoder and language model on a demo's own training set."""


@dataclasses.dataclass(frozen=True)
class StartAblation:
    """A start.

    Attributes:
      name: of its folder, ``start-NAME``, and of the pre-training's plan, if it has one.
      title: in the table.
      what: in a sentence.
      shared: the start before it whose images and encoder it has.
    """

    name: str
    title: str
    what: str
    shared: str | None = None


SCRATCH = "scratch"
STARTS = (
    StartAblation("short", "start, shorter", "pre-trained as the shipped start, far shorter"),
    StartAblation(
        "short-no-assemblies",
        "start without assemblies",
        "the same, its images of seen categories and plain things alone",
    ),
    StartAblation(
        "short-no-texts",
        "start without words alone",
        "the same, its language model about images alone",
        shared="short",
    ),
    StartAblation(
        SCRATCH,
        "from scratch",
        "encoder and language model pre-trained for as many steps, on the demo\u2019s own training "
        "set",
    ),
)


def run_start_ablations(
    plan: DemoPlan, paths: DemoPaths, console: Console, begin: Begin
) -> tuple[AblationRow, ...]:
    """All rows, the first of which is what the others are compared with.

    Args:
      plan: the demo's.
      paths: the demo's.
      console: for progress.
      begin: pre-trains from scratch; given another plan, and folders with the demo's data.
    """
    rows: list[AblationRow] = []
    for one in STARTS:
        own = DemoPaths(_folder(paths, one.name), paths.data)
        if one.name == SCRATCH:
            length = pretrain_plan(STARTS[0].name)
            begin(
                dataclasses.replace(
                    plan,
                    start=None,
                    encoder_steps=length.encoder_steps,
                    language_steps=length.language_steps,
                ),
                own,
            )
        else:
            _pretrained(one, plan, paths, own, console)
        row = _judged(one, shorter_plan(plan), own, console)
        rows.append(beside(row, rows[0]) if rows else row)
    return tuple(rows)


def _folder(paths: DemoPaths, name: str) -> Path:
    return paths.root / "ablations" / f"start-{name}"


def _pretrained(
    one: StartAblation, plan: DemoPlan, paths: DemoPaths, own: DemoPaths, console: Console
) -> None:
    """Carry out the start's own plan, and join its parts as a demo joins shipped ones."""
    shared = None if one.shared is None else _folder(paths, one.shared) / "pretrain"
    length = dataclasses.replace(pretrain_plan(one.name), workers=plan.workers)
    pretrain(length, own.root / "pretrain", console, shared=shared)
    done = PretrainPaths(own.root / "pretrain", shared)
    own.tokenizer.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(done.tokenizer, own.tokenizer)
    if stored_kind(own.start) != "folder":
        convert_parts(
            done.model, done.model, own.start, tokenizer=own.tokenizer, seed=1, overwrite=True
        )


def _judged(one: StartAblation, plan: DemoPlan, own: DemoPaths, console: Console) -> AblationRow:
    """All three stages from a start, then questions and rollouts."""
    cache_features(configs.image_config(plan, own), own.features, "vision_patches", console)
    train_run(configs.align_config(plan, own), own.root / "align", console)
    instruct = configs.instruct_config(plan, own, steps=plan.ablation_steps)
    train_run(instruct, own.root / "instruct", console)
    manipulate(plan, own, console, own.root / "manipulate")
    found = evaluate(
        plan,
        own.test / "bench",
        own.model,
        own.root / "eval",
        names=FIGURES,
        blind=False,
        on_progress=console.progress,
    )
    figures = {name: result.score for name, result in found.items()}
    rolled = roll_out(
        plan,
        own.train,
        own.model,
        own.root / "rollouts",
        policies=("nano",),
        on_progress=console.progress,
    )
    return AblationRow(one.title, one.what, {**figures, **rolled["nano"].scores()})
