# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The work of a demo's phases: each a function of the demo and of what is done, to its result.

A phase that was interrupted is called again, and does what is not there yet.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from robomamba_jax.checkpoints import stored_kind
from robomamba_jax.config import VISION_PRESETS
from robomamba_jax.config.tree import tree_to_json
from robomamba_jax.convert.run import convert_checkpoint, convert_parts
from robomamba_jax.demo import configs, results
from robomamba_jax.demo.ablations import run_ablations
from robomamba_jax.demo.benchmarks import evaluate
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.demo.results import Results, Spent, StageResult
from robomamba_jax.demo.rollouts import roll_out
from robomamba_jax.demo.start import shipped_start, start_note
from robomamba_jax.demo.start_ablations import run_start_ablations
from robomamba_jax.demo.train_stages import manipulate, stage_result
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.question_files import write_json
from robomamba_jax.pretraining.configs import write_tokenizer
from robomamba_jax.pretraining.runs import (
    Console,
    cache_features,
    join_new_language_model,
    loss_curve,
    train_run,
)
from robomamba_jax.released import start_path


class Demo(NamedTuple):
    """What every phase is given.

    Attributes:
      plan: the mode.
      paths: the folders.
      console: for lines and progress.
      spent: what the phases took so far.
    """

    plan: DemoPlan
    paths: DemoPaths
    console: Console
    spent: Spent


Phase = Callable[[Demo, Results], object]


def run_data(demo: Demo, done: Results) -> results.DataResult:
    """The world's data, training and test, and the tokenizer."""
    from robomamba_jax.world.dataset.generate import generate
    from robomamba_jax.world.dataset.tasks import WorldPlan
    from robomamba_jax.world.objects.assemblies import CATEGORY as ASSEMBLY
    from robomamba_jax.world.objects.categories import SEEN, UNSEEN

    plan, paths = demo.plan, demo.paths

    def make(
        out: Path, split: str, counts: tuple[int, int, int], categories: tuple[str, ...]
    ) -> dict[str, object]:
        """One data set of (poses, images with language, clips); how many trials it took."""
        # One right answer per scene ("center"): of many a small head learns the mean, which may be
        # no place to touch at all. Seed 0, 224 pixels, suction.
        world = WorldPlan(*counts, 0, split, 224, 6, categories, contact_sampling="center")
        progress = functools.partial(demo.console.progress, out.name)
        return dict(generate(world, out, plan.workers, progress)["poses"])

    train = make(paths.train, "train", (plan.poses, plan.language, plan.clips), SEEN)
    assemblies = None
    if plan.assembly_poses:
        assemblies = make(paths.assemblies, "train", (plan.assembly_poses, 0, 0), (ASSEMBLY,))
    counts = (plan.test_poses, plan.test_language, plan.test_clips)
    test = make(paths.test, "test", counts, SEEN)
    unseen = make(paths.unseen, "test", (0, plan.unseen_language, 0), UNSEEN)
    # Once: a tokenizer trained again could number its tokens anew, under checkpoints that use it.
    if plan.start is not None:
        paths.tokenizer.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(start_path() / "tokenizer.json", paths.tokenizer)
    elif not paths.tokenizer.is_file():
        write_tokenizer(paths.tokenizer, configs.training_texts(paths), plan.vocab)
    return results.DataResult(train, test, unseen, assemblies)


def run_pretraining(demo: Demo, done: Results) -> results.Pretraining:
    """The encoder by itself; a new language model, which learns to say what it sees; and both
    joined by a new projector."""
    plan, paths = demo.plan, demo.paths
    if plan.start is not None:
        return _begin_with(plan.start, demo)
    vision = pretrain_vision(demo)
    join_new_language_model(
        paths.encoder, paths.first, preset="nano", tokenizer=paths.tokenizer, seed=0
    )
    # The encoder is frozen from here on: each image goes through it once for all epochs and stages.
    config = configs.language_config(plan, paths)
    cache_features(config, paths.features, "vision_patches", demo.console)
    summary = train_run(config, paths.language, demo.console)
    language = results.LanguagePretraining(summary["steps"], loss_curve(paths.language))
    if stored_kind(paths.start) != "folder":
        exported = paths.language / "export"
        convert_parts(paths.encoder, exported, paths.start, tokenizer=paths.tokenizer)
    return results.Pretraining(vision, language)


def _begin_with(name: str, demo: Demo) -> results.Pretraining:
    """Shipped parts with a projector and a policy head of this demo's own: what the paper begins
    with."""
    paths, ready = demo.paths, start_path()
    if stored_kind(paths.start) != "folder":
        convert_parts(ready, ready, paths.start, tokenizer=paths.tokenizer, seed=1, overwrite=True)
    found = start_note(ready)["found"]
    encoder, language = (found[part] for part in ("encoder", "language"))
    curve = tuple((int(step), float(loss)) for step, loss in language["curve"])
    return results.Pretraining(
        results.VisionPretraining(
            0,
            0.0,
            (),
            f"{name}: ready, after {encoder['images_seen']:,} images of random assemblies, seen "
            "categories and plain things",
            encoder["words"],
            encoder["held_out"],
        ),
        results.LanguagePretraining(language["steps"], curve),
        shipped_start(name, ready),
    )


def pretrain_vision(demo: Demo) -> results.VisionPretraining:
    """The encoder: trained on the world's images, or somebody else's; ``encoder.json`` beside it
    says how, and that it is done."""
    note = demo.paths.encoder.with_name("encoder.json")
    # The note comes last: a folder without one may be half of an encoder.
    if stored_kind(demo.paths.encoder) == "folder" and note.is_file():
        return results.read(results.VisionPretraining, json.loads(note.read_bytes()))
    if demo.plan.assets is None:
        from robomamba_jax.demo.encoder import pretrain_on_world

        found = pretrain_on_world(demo.plan, demo.paths, demo.console)
    else:
        found = _ready_encoder(demo)
    write_json(note, tree_to_json(found))
    return found


def _ready_encoder(demo: Demo) -> results.VisionPretraining:
    """An encoder that somebody else has trained: a file that ``make assets`` fetches."""
    from robomamba_jax.convert.families import open_checkpoint

    plan, encoder = demo.plan, demo.paths.encoder
    assert plan.assets is not None
    file = Path(plan.assets)
    if not file.is_file():
        raise InputError(
            "missing_file", f"{file} is not there", "fetch it: make assets ASSETS_ARGS=--dino"
        )
    # A conversion that was interrupted may have left half of a folder.
    shutil.rmtree(encoder, ignore_errors=True)
    # Its position table is for larger images: it is resampled, as torch does.
    size = f"vision.image_size={VISION_PRESETS[plan.vision].image_size}"
    convert_checkpoint(open_checkpoint("dinov2", file, changes=(size,)), encoder)
    return results.VisionPretraining(0, 0.0, (), f"the weights of {file.name}, frozen")


def run_features(demo: Demo, done: Results) -> results.FeaturesResult:
    """What the frozen encoder computes of the other training images."""
    config = configs.image_config(demo.plan, demo.paths)
    count = cache_features(config, demo.paths.features, "vision_patches", demo.console)
    return results.FeaturesResult(count)


def run_align(demo: Demo, done: Results) -> StageResult:
    """Stage 1.1."""
    config, workdir = configs.align_config(demo.plan, demo.paths), demo.paths.root / "align"
    return stage_result(train_run(config, workdir, demo.console), workdir)


def run_instruct(demo: Demo, done: Results) -> StageResult:
    """Stage 1.2."""
    config, workdir = configs.instruct_config(demo.plan, demo.paths), demo.paths.root / "instruct"
    return stage_result(train_run(config, workdir, demo.console), workdir)


def run_manipulate(demo: Demo, done: Results) -> StageResult:
    """Stage 2."""
    return manipulate(demo.plan, demo.paths, demo.console, demo.paths.root / "manipulate")


def run_assemblies(demo: Demo, done: Results) -> StageResult:
    """Stage 2 with poses of random assemblies among those of the seen categories."""
    workdir = demo.paths.assemblies_model.parent
    return manipulate(demo.plan, demo.paths, demo.console, workdir, assemblies=True)


def run_evaluation(demo: Demo, done: Results) -> results.EvaluationResult:
    """Every benchmark on test objects; yes-or-no and short answers on unseen categories too."""
    from robomamba_jax.demo.frozen_check import same_answers

    plan, paths, progress = demo.plan, demo.paths, demo.console.progress
    found = evaluate(
        plan, paths.test / "bench", paths.model, paths.root / "eval", on_progress=progress
    )
    # Two suffice to see how much is left on unseen categories: whether, and what.
    unseen = evaluate(
        plan,
        paths.unseen / "bench",
        paths.model,
        paths.root / "eval-unseen",
        names=("pope", "vqav2"),
        on_progress=progress,
    )
    check = same_answers(paths.root / "instruct" / "export", paths.model, paths.test)
    return results.EvaluationResult(found, unseen, check, probe_encoder(demo))


def probe_encoder(demo: Demo) -> dict[str, results.Probe]:
    """What can be read off the frozen encoder's patches by a linear model that is fitted on
    training images: on test objects, and on categories that nobody has seen."""
    from robomamba_jax.evaluation.probes.run import run_probes

    paths = demo.paths
    found = run_probes(
        paths.model,
        paths.train,
        {"seen": paths.test, "unseen": paths.unseen},
        lambda done, total: demo.console.progress("probes", done, total),
        train_limit=demo.plan.probe_images,
        # The smoke mode has too few images for some.
        skip_small=True,
    )
    probes: dict[str, results.Probe] = {}
    for score in found["scores"]:
        key = f"{score['probe']}, {str(score['metric']).replace('_', ' ')}"
        figure = {**score, "ci95": (score["low"], score["high"])}
        kept = {name: figure[name] for name in ("value", "ci95", "n", "unit", "chance")}
        half = {str(score["data"]): results.read(results.ProbeFigure, kept)}
        if key not in probes:
            probes[key] = results.Probe(str(score["probe"]), str(score["metric"]), None, None)
        probes[key] = dataclasses.replace(probes[key], **half)
    return probes


def run_rollouts(demo: Demo, done: Results) -> dict[str, results.PolicyResult]:
    """The model and the reference policies on the same trials."""
    paths = demo.paths
    return roll_out(
        demo.plan,
        paths.train,
        paths.model,
        paths.root / "rollouts",
        assemblies=paths.assemblies_model if demo.plan.assembly_poses else None,
        on_progress=demo.console.progress,
    )


def run_ablation_table(demo: Demo, done: Results) -> tuple[results.AblationRow, ...]:
    """What each part is worth."""
    assert done.evaluation is not None
    assert done.rollouts is not None
    plan, paths, console = demo.plan, demo.paths, demo.console
    rows = run_ablations(plan, paths, console, done.evaluation.benchmarks, done.rollouts["nano"])
    if not plan.ablation_starts:
        return rows

    def begin(other: DemoPlan, own: DemoPaths) -> None:
        """Tokenizer, encoder and language model out of the demo's own training set."""
        if not own.tokenizer.is_file():
            write_tokenizer(own.tokenizer, configs.training_texts(own), other.vocab)
        run_pretraining(demo._replace(plan=other, paths=own), Results())

    return (*rows, *run_start_ablations(plan, paths, console, begin))


def run_report(demo: Demo, done: Results) -> None:
    """report.json, and report.html from it alone."""
    from robomamba_jax.demo.report.collect import make_report
    from robomamba_jax.demo.report.page import write_report_page

    report = make_report(demo.plan, demo.paths, done, demo.spent)
    write_json(demo.paths.root / "report.json", report)
    write_report_page(report, demo.paths.root / "report.html")


WORK: dict[str, Phase] = {
    "data": run_data,
    "pretraining": run_pretraining,
    "features": run_features,
    "align": run_align,
    "instruct": run_instruct,
    "manipulate": run_manipulate,
    "assemblies": run_assemblies,
    "evaluation": run_evaluation,
    "rollouts": run_rollouts,
    "ablations": run_ablation_table,
    "report": run_report,
}
"""Phase -> its work, in order."""
