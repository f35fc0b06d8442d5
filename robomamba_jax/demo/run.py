# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``make demo``: data, pre-training, three stages, benchmarks, rollouts, a report.

A phase does what is not done yet, so that the same command goes on after any interruption; what
it took is added up in ``phases.json``.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from robomamba_jax.checkpoints import stored_kind
from robomamba_jax.config import VISION_PRESETS
from robomamba_jax.convert.run import convert_checkpoint, convert_parts
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.demo import ablations, stages
from robomamba_jax.demo.acting import act
from robomamba_jax.demo.asking import evaluate
from robomamba_jax.demo.labels import json_lines
from robomamba_jax.demo.plan import PHASES, DemoPlan
from robomamba_jax.demo.stages import Places
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.question_files import write_json


class Console(Protocol):
    """Where a demo speaks."""

    def say(self, line: str) -> None:
        """A line."""
        ...

    def bar(self, what: str, done: int, total: int) -> None:
        """How far something is."""
        ...

    def terminal(self) -> Any:
        """A ``training.report.Terminal`` for a run of ``train.py``."""
        ...


class Journal:
    """What is done, and what it took: phases.json."""

    def __init__(self, root: Path) -> None:
        """Read what an earlier call has left."""
        self._path = root / "phases.json"
        self.done: dict[str, Any] = {}
        self.seconds: dict[str, float] = {}
        self.peak_rss = 0
        if self._path.is_file():
            content = json.loads(self._path.read_bytes())
            self.done, self.seconds = content["done"], content["seconds"]
            self.peak_rss = content["peak_rss"]

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Times a phase, also one that is interrupted."""
        started = time.monotonic()
        try:
            yield
        finally:
            spent = time.monotonic() - started
            self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 2)
            self.peak_rss = max(self.peak_rss, peak_rss())
            self.write()

    def finish(self, name: str, result: Any) -> None:
        """A phase is done, with this for the report."""
        self.done[name] = result
        self.write()

    def write(self) -> None:
        """Keep it."""
        content = {"done": self.done, "seconds": self.seconds, "peak_rss": self.peak_rss}
        write_json(self._path, content)


def peak_rss() -> int:
    """Bytes of the largest process so far, this one and those that it has started."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) * 1024


def run_demo(plan: DemoPlan, root: Path, console: Console) -> dict[str, Any]:
    """Carry out a plan, or the rest of it.

    Args:
      plan: the mode.
      root: the demo's folder.
      console: told what happens.

    Returns:
      The report, which lies in ``report.json`` and ``report.html`` too.

    Raises:
      InputError: the folder holds another demo, or something that is needed is missing.
    """
    _claim(plan, root)
    journal, places = Journal(root), Places(root)
    budget = dict(plan.budget)
    work = {
        "data": _data,
        "pretraining": _pretraining,
        "features": _features,
        "align": _align,
        "instruct": _instruct,
        "manipulate": _manipulate,
        "evaluation": _evaluation,
        "rollouts": _rollouts,
        "ablations": ablations.run_ablations,
        "report": _report,
    }
    for number, name in enumerate(PHASES, 1):
        if name not in budget:
            continue
        if name in journal.done and name != "report":
            console.say(f"[{number}/{len(PHASES)}] {name}: done before")
            continue
        console.say(f"[{number}/{len(PHASES)}] {name}: about {budget[name]:g} minutes")
        with journal.phase(name):
            result = work[name](plan, places, console, journal)
        journal.finish(name, result)
        console.say(f"    {name} took {journal.seconds[name] / 60:.1f} minutes")
    return json.loads((root / "report.json").read_bytes())


def _claim(plan: DemoPlan, root: Path) -> None:
    """One folder, one plan."""
    note, content = root / "plan.json", json.loads(json.dumps(dataclasses.asdict(plan)))
    if note.is_file():
        known = json.loads(note.read_bytes())
        if known != content:
            keys = known.keys() | content.keys()
            changed = sorted(key for key in keys if known.get(key) != content.get(key))
            raise InputError(
                "other_demo",
                f"{root} holds a demo of mode {known.get('mode')!r} with other {changed[0]}",
                f"remove it, or give another folder: make demo DEMO={plan.mode} DEMO_DIR=DIR",
            )
        return
    write_json(note, content)


def _data(plan: DemoPlan, places: Places, console: Console, journal: Journal) -> dict[str, Any]:
    """The world's data, training and test, and the tokenizer."""
    from robomamba_jax.world.dataset.generate import generate
    from robomamba_jax.world.dataset.tasks import WorldPlan
    from robomamba_jax.world.objects.categories import SEEN, UNSEEN

    def make(out: Path, split: str, counts: tuple[int, int, int], names: tuple[str, ...]) -> Any:
        poses, language, clips = counts
        world = WorldPlan(poses, language, clips, 0, split, 224, 6, names, contacts="middle")
        return generate(
            world, out, plan.workers, lambda done, total: console.bar(out.name, done, total)
        )

    train = make(places.train, "train", (plan.poses, plan.language, plan.clips), SEEN)
    test_counts = (plan.test_poses, plan.test_language, plan.test_clips)
    test = make(places.test, "test", test_counts, SEEN)
    unseen = make(places.unseen, "test", (0, plan.unseen_language, 0), UNSEEN)
    if not places.tokenizer.is_file():
        stages.write_tokenizer(places, stages.training_texts(places), plan.vocab)
    return {"train": train["poses"], "test": test["poses"], "unseen": unseen["poses"]}


def _pretraining(
    plan: DemoPlan, places: Places, console: Console, journal: Journal
) -> dict[str, Any]:
    """The encoder by itself; a new language model, which learns to say what it sees; and both
    joined by a new projector."""
    from robomamba_jax.training.export import export_preset

    result = {"vision": _encoder(plan, places, console)}
    if stored_kind(places.first) != "folder":
        new = places.first.with_name("new")
        export_preset("nano", new, 0, places.tokenizer, overwrite=True)
        convert_parts(places.encoder, new, places.first, tokenizer=places.tokenizer, seed=1)
        shutil.rmtree(new)
    config = stages.language_config(plan, places)
    _cache(config, places.features, "vision_patches", console)
    summary = train_run(config, places.language, console)
    result["language"] = {"steps": summary["steps"], "curve": _curve(places.language)}
    if stored_kind(places.start) != "folder":
        convert_parts(
            places.encoder, places.language / "export", places.start, tokenizer=places.tokenizer
        )
    return result


def _cache(config: Any, folder: Path, kind: str, console: Console) -> int:
    """What a run's frozen parts say of its data, once; how many rows the folder then has."""
    from robomamba_jax.training.features import compute_features

    data = dataclasses.replace(config.data, features=None)
    written = compute_features(
        dataclasses.replace(config, data=data),
        folder,
        kind=kind,
        batch=64,
        tell=lambda done, total: console.bar(folder.name, done, total),
    )
    return written.rows


def _encoder(plan: DemoPlan, places: Places, console: Console) -> dict[str, Any]:
    from robomamba_jax.demo.encoder import EncoderPlan, pretrain_encoder
    from robomamba_jax.demo.labels import read_labelled

    note = places.encoder.with_name("encoder.json")
    if stored_kind(places.encoder) == "folder" and note.is_file():
        return json.loads(note.read_bytes())
    if plan.assets is not None:
        return _ready_encoder(plan, places, note)
    config, transform = VISION_PRESETS[plan.vision], image_transform(plan.vision)
    started = time.monotonic()
    data = read_labelled(
        places.train,
        transform,
        56,
        tell=lambda done, total: console.bar("labels", done, total),
    )
    test = read_labelled(places.test, transform, 56, data.vocabulary)
    found = pretrain_encoder(
        data,
        config,
        transform,
        EncoderPlan(plan.encoder_steps),
        places.encoder,
        held_out=test,
        tell=lambda step, steps, loss: console.bar(f"encoder, loss {loss:.3f}", step, steps),
    )
    found["seconds"] = round(time.monotonic() - started, 1)
    found["note"] = (
        "trained from scratch on the world's training pictures: which words are true of a "
        f"picture ({found['words']}), what its pixels show, and their depth"
    )
    write_json(note, found)
    return found


def _ready_encoder(plan: DemoPlan, places: Places, note: Path) -> dict[str, Any]:
    """An encoder that somebody else has trained: a file that ``make assets`` fetches."""
    from robomamba_jax.convert.families import open_checkpoint

    assert plan.assets is not None
    file = Path(plan.assets)
    if not file.is_file():
        raise InputError(
            "missing_file", f"{file} is not there", "fetch it: make assets ASSETS_ARGS=--dino"
        )
    shutil.rmtree(places.encoder, ignore_errors=True)
    # Its position table is for larger pictures: it is resampled, as torch does.
    size = f"vision.image_size={VISION_PRESETS[plan.vision].image_size}"
    convert_checkpoint(open_checkpoint("dinov2", file, changes=(size,)), places.encoder)
    found = {"steps": 0, "seconds": 0.0, "curve": [], "note": f"the weights of {file.name}, frozen"}
    write_json(note, found)
    return found


def _features(plan: DemoPlan, places: Places, console: Console, journal: Journal) -> dict[str, Any]:
    """What the frozen encoder says of the other training pictures."""
    config = stages.picture_config(plan, places)
    return {"pictures": _cache(config, places.features, "vision_patches", console)}


def _align(plan: DemoPlan, places: Places, console: Console, journal: Journal) -> dict[str, Any]:
    workdir = places.root / "align"
    return _stage(train_run(stages.align_config(plan, places), workdir, console), workdir)


def _instruct(plan: DemoPlan, places: Places, console: Console, journal: Journal) -> dict[str, Any]:
    workdir = places.root / "instruct"
    return _stage(train_run(stages.instruct_config(plan, places), workdir, console), workdir)


def _manipulate(
    plan: DemoPlan, places: Places, console: Console, journal: Journal
) -> dict[str, Any]:
    workdir = places.root / "manipulate"
    return manipulate(plan, places, console, workdir)


def manipulate(
    plan: DemoPlan,
    places: Places,
    console: Console,
    workdir: Path,
    *,
    init: Path | None = None,
    policy: str | None = None,
    features: Path | None = None,
) -> dict[str, Any]:
    """Stage 2 on cached states of the frozen language model.

    Args:
      plan: the demo's.
      places: the demo's.
      console: told what happens.
      workdir: of the run.
      init: where it starts; None = stage 1.2.
      policy: the head's kind; None = the demo's.
      features: where the states are kept; None = the demo's own place.
    """
    config = stages.manipulate_config(plan, places, init=init, policy=policy, features=features)
    assert config.data.features is not None
    kind = stages.cache_kind(config.model.policy)
    _cache(config, Path(config.data.features), kind, console)
    return _stage(train_run(config, workdir, console), workdir)


def _evaluation(
    plan: DemoPlan, places: Places, console: Console, journal: Journal
) -> dict[str, Any]:
    """Every benchmark on test objects; yes-or-no and short answers on unseen categories too."""
    from robomamba_jax.demo.frozen import same_answers

    found = evaluate(
        plan, places.test / "bench", places.model, places.root / "eval", tell=console.bar
    )
    unseen = evaluate(
        plan,
        places.unseen / "bench",
        places.model,
        places.root / "eval-unseen",
        names=("pope", "vqav2"),
        tell=console.bar,
    )
    check = same_answers(places.root / "instruct" / "export", places.model, places.test)
    return {"benchmarks": found, "unseen": unseen, "frozen_check": check}


def _rollouts(plan: DemoPlan, places: Places, console: Console, journal: Journal) -> dict[str, Any]:
    return act(plan, places.train, places.model, places.root / "rollouts", tell=console.bar)


def _report(plan: DemoPlan, places: Places, console: Console, journal: Journal) -> None:
    from robomamba_jax.demo.report.collect import make_report
    from robomamba_jax.demo.report.page import write_report_page

    report = make_report(plan, places, journal)
    write_json(places.root / "report.json", report)
    write_report_page(report, places.root / "report.html")


def train_run(config: Any, workdir: Path, console: Console) -> dict[str, Any]:
    """A run of ``train.py``.

    Raises:
      KeyboardInterrupt: it was told to stop, and has saved; a demo ends there, too.
    """
    from robomamba_jax.training.run import train

    summary = train(config, workdir, terminal=console.terminal())
    if summary["stopped"]:
        raise KeyboardInterrupt
    return summary


def _stage(summary: dict[str, Any], workdir: Path) -> dict[str, Any]:
    """A run as report.json has it."""
    lines = _metrics(workdir)
    trained = [row for row in summary["table"] if row["part"] != "total"]
    count = sum(row["trained"] for row in trained)
    return {
        "loss_first": lines[0]["loss"],
        "loss_last": _mean([line["loss"] for line in lines[-10:]]),
        "trained_params": count,
        "bytes": sum(row["bytes"] for row in trained if row["trained"]),
        "steps": summary["steps"],
        "curve": _curve(workdir),
        "eval": summary["eval"],
    }


def _metrics(workdir: Path) -> list[dict[str, Any]]:
    return [line for line in json_lines(workdir / "metrics.jsonl") if "loss" in line]


def _curve(workdir: Path, points: int = 60) -> list[list[float]]:
    """The loss, averaged over as many stretches."""
    lines = _metrics(workdir)
    width = max(1, len(lines) // points)
    pieces = [lines[k : k + width] for k in range(0, len(lines), width)]
    return [[piece[-1]["step"], round(_mean([x["loss"] for x in piece]), 4)] for piece in pieces]


def _mean(values: list[float]) -> float:
    return float(sum(values) / len(values))
