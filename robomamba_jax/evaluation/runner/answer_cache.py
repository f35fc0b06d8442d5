# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint on all devices, asked what it has not answered yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax

from robomamba_jax import api
from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.text.prompts import PromptTemplate, prompt_template
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.answers_file import AnswersFile, Reply
from robomamba_jax.evaluation.benchmarks.base import Benchmark, BenchmarkData, Question
from robomamba_jax.evaluation.benchmarks.prompts import PromptSpec, apply_style, prompt_spec_of
from robomamba_jax.evaluation.benchmarks.question_files import check_images_exist
from robomamba_jax.evaluation.runner.batches import BatchReader, Request
from robomamba_jax.evaluation.runner.params_hash import parameters_sha256
from robomamba_jax.evaluation.runner.predictor import PosePredictor, TextPredictor, settings_of
from robomamba_jax.inference.engine import Engine
from robomamba_jax.training.distributed import check_alike
from robomamba_jax.training.sharding import make_mesh
from robomamba_jax.utils.json_types import JsonObject
from robomamba_jax.utils.progress import OnProgress


class PreparedCheckpoint:
    """A checkpoint made ready for one benchmark and prompt spec.

    Attributes:
      sha256: of its parameters.
      prompt_spec: budget, style, stop rule.
      template: around the questions.
      reader: makes batches of requests.
      predictor: answers batches.
    """

    def __init__(self, config: EvalConfig, chosen: Benchmark, checkpoint: str) -> None:
        """Load it onto the mesh.

        Raises:
          InputError: the checkpoint, the mesh or the prompt spec is wrong.
        """
        self.prompt_spec = spec = prompt_spec_of(config, chosen.prompt_specs)
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
        self.processor = processor
        self.sha256 = parameters_sha256(model.params)
        own = spec.template == "checkpoint"
        self.template = processor.template if own else prompt_template(spec.template)
        self.reader = BatchReader(
            processor,
            self.template,
            batch_size=config.batch_size,
            max_images=config.frames,
            mesh=mesh,
            skip=config.on_error == "skip",
        )
        engine = Engine(model, processor, mesh=mesh)
        self.predictor: Any
        if chosen.poses:
            self.predictor = PosePredictor(engine, mesh)
        else:
            settings = settings_of(engine, spec)
            self.predictor = TextPredictor(engine, settings, mesh, clean_up=spec.clean_up_spaces)

    def preprocessing(self) -> JsonObject:
        """How questions and images become numbers, which the parameters' hash does not know: a
        folder that was converted again may have the same parameters and another template."""
        transform = self.processor.transform
        return {
            "template": self.template.to_json(),
            "transform": None if transform is None else transform.to_json(),
            "tokenizer_sha256": self.processor.need_tokenizer().sha256,
        }


def requests_of(
    questions: Sequence[Question], prompt_spec: PromptSpec, template: PromptTemplate | None = None
) -> list[Request]:
    """Questions as they are put.

    The repository puts a record's text as it stands, in its test program and in training, and so
    do its templates, to which ``<image>`` is text; elsewhere it was taken out, since images have
    places of their own.

    Args:
      questions: the benchmark's.
      prompt_spec: how they are asked.
      template: the one that the spec's name stands for; None looks it up, and takes a
        checkpoint's own for one that gives images places.
    """
    if template is None and prompt_spec.template != "checkpoint":
        template = prompt_template(prompt_spec.template)
    raw = template is not None and not template.placeholders
    requests = []
    for question in questions:
        text = question.metadata.get("raw", question.text) if raw else question.text
        styled = apply_style(text, prompt_spec.style)
        requests.append(Request(question.id, styled, question.load_images))
    return requests


def ask(
    config: EvalConfig,
    chosen: Benchmark,
    data: BenchmarkData,
    checkpoint: str,
    path: Path,
    facts: JsonObject,
    on_progress: OnProgress | None = None,
) -> tuple[dict[str, Reply], str, str]:
    """Answer everything that the file of answers does not have yet.

    Args:
      config: of the evaluation.
      chosen: the benchmark.
      data: its questions.
      checkpoint: as ``rm.load`` takes it.
      path: of the file of answers.
      facts: for the file's first line, beside the checkpoint's hash.
      on_progress: called with (answered, questions).

    Returns:
      id -> reply, the checkpoint's hash, and of poses what the head's own numbers mean, else "".

    Raises:
      InputError: see ``PreparedCheckpoint``, ``AnswersFile`` and ``BatchReader``; or the
        configuration says how contacts are counted, which is a matter of the checkpoint.
    """
    if config.on_error == "raise":
        check_images_exist(data.questions)
    if config.contact_frame:
        raise InputError(
            "bad_config",
            "contact_frame and contact_side are of --predictions; a checkpoint says them itself",
            "leave them out; robomamba convert --contact-frame states a checkpoint's",
        )
    prepared = PreparedCheckpoint(config, chosen, checkpoint)
    header = {"checkpoint": prepared.sha256, **facts, "processor": prepared.preprocessing()}
    if chosen.poses:
        # The parameters' hash knows neither of them.
        convention = prepared.predictor.facts()
        header["convention"] = {**convention, "template": prepared.template.to_json()}
    known = {question.id for question in data.all_questions}
    file = AnswersFile(path, header, write=jax.process_index() == 0, known=known)
    requests = requests_of(data.questions, prepared.prompt_spec, prepared.template)
    waiting = [request for request in requests if request.id not in file.done]
    # A process that sees another file would ask other questions, and all would wait for ever.
    check_alike({"file of answers (is --out shared?)": "\n".join(r.id for r in waiting)})
    on_progress = on_progress or (lambda done, total: None)
    done, total = len(requests) - len(waiting), len(requests)
    on_progress(done, total)
    for batch in prepared.reader.batches(waiting):
        file.add(prepared.predictor(batch))
        done += len(batch.requests)
        on_progress(done, total)
    return file.done, prepared.sha256, prepared.predictor.raw_meaning() if chosen.poses else ""
