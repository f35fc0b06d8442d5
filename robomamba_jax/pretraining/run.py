# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba pretrain``: data of the broad world, an encoder, a language model, both joined.

Every part does what is not done yet, so that the same command resumes after any interruption.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from robomamba_jax.config import VISION_PRESETS
from robomamba_jax.config.encoder import EncoderPlan
from robomamba_jax.config.tree import tree_to_json
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.errors import InputError
from robomamba_jax.pretraining import configs
from robomamba_jax.pretraining.labels import read_labels
from robomamba_jax.pretraining.paths import PretrainPaths
from robomamba_jax.pretraining.plan import PretrainPlan
from robomamba_jax.pretraining.runs import (
    Console,
    cache_features,
    join_new_language_model,
    loss_curve,
    train_run,
)
from robomamba_jax.utils.files import read_json, write_text
from robomamba_jax.utils.json_types import JsonObject

MAP = 56
"""Cells along each side of the labels' maps: seven of each of the nano encoder's patches."""

SCHEMA = "robomamba.pretrain/1"
NOTE = "pretrain.json"
"""What was done, in the work's folder and in the folder of what came of it."""


class Work:
    """A pre-training in hand: what is done, and what it took; kept in ``pretrain.json``.

    Attributes:
      plan: how much.
      paths: the folders.
      console: for lines and progress.
      found: by part, its result.
    """

    def __init__(self, plan: PretrainPlan, paths: PretrainPaths, console: Console) -> None:
        """Begin, or take up what an earlier call has left.

        Raises:
          InputError: the folder holds another plan.
        """
        self.plan, self.paths, self.console = plan, paths, console
        self._file = paths.root / NOTE
        # Through JSON, which has lists for tuples: as the note will be read back.
        mine = json.loads(json.dumps(tree_to_json(plan)))
        self.found: dict[str, JsonObject] = {}
        self._seconds: dict[str, float] = {}
        if self._file.is_file():
            known = read_json(self._file, fix=f"give a new folder instead of {paths.root}")
            # Fields that came later have their defaults in older notes.
            theirs = {**_defaults(plan), **known.get("plan", {})}
            changed = [key for key in mine if theirs.get(key) != mine[key]]
            if changed:
                raise InputError(
                    "plan_mismatch",
                    f"{paths.root} holds a pre-training with other {changed[0]}",
                    "give another --out, or the plan as it was",
                )
            self.found, self._seconds = known["found"], known["seconds"]
        paths.root.mkdir(parents=True, exist_ok=True)
        self._plan = mine
        self._write()

    def report(self) -> JsonObject:
        """All of it."""
        return {
            "schema": SCHEMA,
            "plan": self._plan,
            "tokens": self.plan.tokens,
            "seconds": self._seconds,
            "found": self.found,
        }

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Times a part of the work, also one that is interrupted."""
        started = time.monotonic()
        self.console.log(f"{name} ...")
        try:
            yield
        finally:
            # Added up over attempts: it must not look faster for having been interrupted.
            spent = time.monotonic() - started
            self._seconds[name] = round(self._seconds.get(name, 0.0) + spent, 1)
            self._write()
        self.console.log(f"    {name} took {self._seconds[name] / 60:.1f} minutes")

    def finish(self, name: str, result: JsonObject) -> None:
        """A part is done, with this result."""
        self.found[name] = result
        self._write()

    def _write(self) -> None:
        write_text(self._file, json.dumps(self.report(), indent=1) + "\n")


def _defaults(plan: PretrainPlan) -> JsonObject:
    """The plan's fields that have one."""
    return {
        field.name: field.default
        for field in dataclasses.fields(plan)
        if field.default is not dataclasses.MISSING
    }


def pretrain(
    plan: PretrainPlan, root: Path, console: Console, *, shared: Path | None = None
) -> JsonObject:
    """Carry out a plan, or the rest of it.

    Args:
      plan: how much.
      root: the folder; ``nano-start`` below it is what comes of it.
      console: for lines and progress.
      shared: the folder of another plan that is done, with the same images and encoder, and texts
        that this one leaves out; None = there is none.

    Returns:
      What is in ``pretrain.json``.

    Raises:
      InputError: the folder holds another plan, the shared one other images, or something that is
        needed is missing.
      KeyboardInterrupt: it was interrupted, and has saved.
    """
    if shared is not None:
        _check_shared(plan, shared)
    work = Work(plan, PretrainPaths(root, shared), console)
    for name, part in PARTS.items():
        if name in work.found:
            console.log(f"{name}: done before")
            continue
        with work.part(name):
            result = part(work)
        work.finish(name, result)
    return work.report()


# What of a plan decides its images and its encoder.
_IMAGES = ("images", "held_out", "seed", "vision", "encoder_steps", "encoder_rows", "assemblies")


def _check_shared(plan: PretrainPlan, shared: Path) -> None:
    note = read_json(shared / NOTE, fix="finish that pre-training first")
    theirs = {**_defaults(plan), **note.get("plan", {})}
    mine = tree_to_json(plan)
    changed = [key for key in _IMAGES if theirs.get(key) != mine[key]]
    if changed or "encoder" not in note.get("found", {}):
        what = f"has other {changed[0]}" if changed else "has no encoder yet"
        raise InputError("plan_mismatch", f"{shared} {what}", "share nothing, or finish it first")


def make_data(work: Work) -> JsonObject:
    """Training images and texts of the broad world, validation objects of both worlds, and the
    tokenizer."""
    from robomamba_jax.world.dataset.generate import generate
    from robomamba_jax.world.dataset.tasks import WorldPlan
    from robomamba_jax.world.objects.categories import SEEN

    plan, paths = work.plan, work.paths

    def make(out: Path, split: str, world: str, images: int, texts: int) -> None:
        """One data set."""
        world_plan = WorldPlan(
            samples=0,
            num_images=images,
            clips=0,
            seed=plan.seed + 1000,  # not the demo's scenes
            split=split,
            size=224,
            dof=6,
            categories=SEEN,
            world=world,
            texts=texts,
        )
        generate(world_plan, out, plan.workers, functools.partial(work.console.progress, out.name))

    if paths.shared is None:
        make(paths.train, "train", plan.world, plan.images, plan.texts)
        # Assemblies among them in any case: encoders with and without are read on the same images.
        make(paths.validation, "validation", "broad", plan.held_out, 0)
        make(paths.paper, "validation", "paper", plan.held_out, 0)
    # Once: a tokenizer trained again could number its tokens anew, under checkpoints that use it.
    if not paths.tokenizer.is_file():
        texts = list(configs.training_texts(plan, paths.train))
        configs.write_tokenizer(paths.tokenizer, texts, plan.vocab)
    return {"images": plan.images, "texts": plan.texts, "held_out": plan.held_out}


def make_encoder(work: Work) -> JsonObject:
    """The encoder, read at the end on validation objects of both worlds."""
    from robomamba_jax.training.encoder_pretraining import pretrain_encoder

    plan, paths, console = work.plan, work.paths, work.console
    if paths.shared is not None:
        return read_json(paths.shared / NOTE, fix="finish that pre-training")["found"]["encoder"]
    config, transform = VISION_PRESETS[plan.vision], image_transform(plan.vision)

    def progress(done: int, total: int) -> None:
        """Of reading labels."""
        console.progress("labels", done, total)

    data = read_labels(
        [paths.train], transform, MAP, paths.labels(paths.train), None, plan.workers, progress
    )
    held_out = read_labels(
        [paths.validation, paths.paper],
        transform,
        MAP,
        paths.labels(paths.validation),
        data,
        plan.workers,
        progress,
    )
    found = pretrain_encoder(
        data,
        config,
        transform,
        EncoderPlan(plan.encoder_steps, rows=plan.encoder_rows, seed=plan.seed),
        paths.encoder,
        held_out=held_out,
        on_step=lambda step, steps, loss: console.progress(
            f"encoder, loss {loss:.3f}", step, steps
        ),
        log=console.log,
    )
    if found.stopped:
        raise KeyboardInterrupt
    return {
        "steps": found.steps,
        "images_seen": found.steps * plan.encoder_rows,
        "words": found.words,
        "held_out": dict(found.held_out),
    }


def make_features(work: Work) -> JsonObject:
    """What the encoder computes of every image, once for all of the language model's run."""
    plan, paths = work.plan, work.paths
    join_new_language_model(
        paths.encoder,
        paths.first,
        preset=plan.preset,
        tokenizer=paths.tokenizer,
        seed=plan.seed,
    )
    config = configs.image_config(plan, paths)
    return {"images": cache_features(config, paths.features, "vision_patches", work.console)}


def make_language(work: Work) -> JsonObject:
    """The language model."""
    paths = work.paths
    summary = train_run(configs.language_config(work.plan, paths), paths.language, work.console)
    curve = [list(point) for point in loss_curve(paths.language)]
    return {"steps": summary["steps"], "eval": dict(summary["eval"]), "curve": curve}


def join(work: Work) -> JsonObject:
    """Encoder and language model with a new projector, as the paper begins."""
    from robomamba_jax.convert.run import convert_parts

    paths = work.paths
    convert_parts(
        paths.encoder,
        paths.language / "export",
        paths.model,
        tokenizer=paths.tokenizer,
        seed=work.plan.seed,
        overwrite=True,
    )
    # Whoever begins with the folder finds in it what its parts have learned from.
    write_text(paths.model / NOTE, json.dumps(work.report(), indent=1) + "\n")
    return {"folder": str(paths.model)}


PARTS = {
    "data": make_data,
    "encoder": make_encoder,
    "features": make_features,
    "language": make_language,
    "model": join,
}
"""Part -> its work, in order."""
