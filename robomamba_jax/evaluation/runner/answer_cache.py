# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint on all devices, asked what it has not answered yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax

from robomamba_jax import api
from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.text.prompts import PromptTemplate, prompt_template
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.answers_file import AnswersFile, Reply
from robomamba_jax.evaluation.benchmarks.base import Benchmark, Item, Loaded, Recipe
from robomamba_jax.evaluation.benchmarks.prompts import recipe_of, styled
from robomamba_jax.evaluation.benchmarks.question_files import look_for_pictures
from robomamba_jax.evaluation.runner.batches import Reader, Request
from robomamba_jax.evaluation.runner.params_hash import parameters_sha256
from robomamba_jax.evaluation.runner.predictor import PosePredictor, TextPredictor, settings_of
from robomamba_jax.inference.engine import Engine
from robomamba_jax.training.distributed import check_alike
from robomamba_jax.training.sharding import make_mesh


class Asked:
    """A checkpoint made ready for one benchmark and recipe.

    Attributes:
      sha256: of its parameters.
      recipe: budget, style, stop rule.
      template: around the questions.
    """

    def __init__(self, config: EvalConfig, chosen: Benchmark, checkpoint: str) -> None:
        """Load it onto the mesh.

        Raises:
          InputError: the checkpoint, the mesh or the recipe is wrong.
        """
        self.recipe = recipe_of(config, chosen)
        mesh = None
        if jax.device_count() > 1:
            mesh = make_mesh(config.mesh)
            places = mesh.shape["data"] * mesh.shape["fsdp"]
            if config.batch_size % places:
                raise InputError(
                    "bad_mesh",
                    f"{config.batch_size} rows over {places} places (data x fsdp)",
                    f"--set batch_size= to a multiple of {places}",
                )
        model, processor = api.load(checkpoint, dtype=config.dtype or None, mesh=mesh)
        self.model, self.processor = model, processor
        self.sha256 = parameters_sha256(model.params)
        template = processor.template
        if self.recipe.template != "checkpoint":
            template = prompt_template(self.recipe.template)
        self.template = template
        self.reader = Reader(
            processor,
            template,
            rows=config.batch_size,
            pictures=config.frames,
            mesh=mesh,
            skip=config.on_error == "skip",
        )
        self.answer: Any = _answerer(chosen, Engine(model, processor, mesh=mesh), self.recipe, mesh)

    def reads(self) -> dict[str, Any]:
        """How questions and images become numbers, which the parameters' hash does not know: a
        folder that was converted again may have the same parameters and another template."""
        transform = self.processor.transform
        return {
            "template": self.template.to_json(),
            "transform": None if transform is None else transform.to_json(),
            "tokenizer_sha256": self.processor.need_tokenizer().sha256,
        }


def _answerer(chosen: Benchmark, engine: Engine, recipe: Recipe, mesh: Any) -> Any:
    if chosen.poses:
        return PosePredictor(engine, mesh)
    settings = settings_of(engine, recipe)
    return TextPredictor(engine, settings, mesh, clean_up=recipe.clean_up_spaces)


def requests_of(
    items: tuple[Item, ...], recipe: Recipe, template: PromptTemplate | None = None
) -> list[Request]:
    """Questions as they are put.

    The repository puts a record's text as it stands, in its test program and in training, and so
    do its templates, to which ``<image>`` is text; elsewhere it was taken out, since images have
    places of their own.

    Args:
      items: the benchmark's.
      recipe: how they are asked.
      template: the one that the recipe's name stands for; None looks it up, and takes a
        checkpoint's own for one that gives images places.
    """
    if template is None and recipe.template != "checkpoint":
        template = prompt_template(recipe.template)
    raw = template is not None and not template.placeholders
    texts = [str(item.facts.get("raw", item.question)) if raw else item.question for item in items]
    return [
        Request(item.id, styled(text, recipe.style), item.pictures)
        for item, text in zip(items, texts, strict=True)
    ]


def ask(
    config: EvalConfig,
    chosen: Benchmark,
    loaded: Loaded,
    checkpoint: str,
    path: Path,
    facts: dict[str, Any],
    tell: Any = None,
) -> tuple[dict[str, Reply], str, str]:
    """Answer everything that the file of answers does not have yet.

    Args:
      config: of the evaluation.
      chosen: the benchmark.
      loaded: its questions.
      checkpoint: as ``rm.load`` takes it.
      path: of the file of answers.
      facts: for the file's first line, beside the checkpoint's hash.
      tell: told how many are answered, of how many.

    Returns:
      id -> reply, the checkpoint's hash, and of poses what the head's own numbers mean, else "".

    Raises:
      InputError: see ``Asked``, ``AnswersFile`` and ``Reader``; or the configuration says how
        contacts are counted, which is a matter of the checkpoint.
    """
    if config.on_error == "raise":
        look_for_pictures(loaded.items)
    if config.contact_frame:
        raise InputError(
            "bad_config",
            "contact_frame and contact_side are of --predictions; a checkpoint says them itself",
            "leave them out; robomamba convert --contact-frame states a checkpoint's",
        )
    asked = Asked(config, chosen, checkpoint)
    header = {"checkpoint": asked.sha256, **facts, "processor": asked.reads()}
    if chosen.poses:
        # The parameters' hash knows neither of them.
        header["convention"] = {**asked.answer.facts(), "template": asked.template.to_json()}
    known = {item.id for item in loaded.known}
    file = AnswersFile(path, header, write=jax.process_index() == 0, known=known)
    waiting = [
        request
        for request in requests_of(loaded.items, asked.recipe, asked.template)
        if request.id not in file.done
    ]
    check_alike({"file of answers (is --out shared?)": "\n".join(r.id for r in waiting)})
    total = len(loaded.items)
    done = total - len(waiting)
    if tell is not None:
        tell(done, total)
    for batch in asked.reader.batches(waiting):
        file.add(asked.answer(batch))
        done += len(batch.requests)
        if tell is not None:
            tell(done, total)
    return file.done, asked.sha256, asked.answer.raw_meaning() if chosen.poses else ""
