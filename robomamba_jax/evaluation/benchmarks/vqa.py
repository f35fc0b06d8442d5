# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""VQAv2 and OKVQA (https://visualqa.org, https://okvqa.allenai.org): questions that ten people
answered, in two JSON files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.evaluation.benchmarks import question_files as files
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    ImageFinder,
    Metric,
    Question,
    Scores,
)
from robomamba_jax.evaluation.benchmarks.prompts import PromptSpec
from robomamba_jax.evaluation.metrics.vqa_accuracy import (
    vqa_accuracy,
    vqa_accuracy_official,
    vqa_accuracy_original,
)
from robomamba_jax.evaluation.metrics.vqa_normalization import normalized_evalai
from robomamba_jax.utils.json_types import Json, JsonObject

_FOLDERS = ("val2014", "test2015", "train2014", "images/val2014")


class _Annotation(NamedTuple):
    """What people answered to a question: their answers, its groups, about which image, and where
    that stands."""

    answers: tuple[str, ...]
    groups: dict[str, str]
    image: Json
    where: str


def load(config: EvalConfig) -> BenchmarkData:
    """The questions with their people's answers."""
    paths = files.question_files(config.files) or [Path(config.files.root)]
    sources = files.answers_files(config.files)
    annotations = _annotations(sources)
    find_image = files.image_finder(config.files, _FOLDERS)
    data = files.collect(paths, partial(_questions, sources, annotations, find_image))
    notes = ()
    spare = len(annotations) - sum(int(question.id) in annotations for question in data.questions)
    if spare:
        notes = (f"{spare} annotations are of questions that are not in the files of questions",)
    return dataclasses.replace(data, files=(*paths, *sources), notes=notes)


def _questions(
    sources: Sequence[Path],
    annotations: Mapping[int, _Annotation],
    find_image: ImageFinder,
    path: Path,
) -> list[Question]:
    content = files.read_object(path)
    # Such as "val2014", which the file's names of images begin with.
    subset = str(content.get("data_subtype") or "val2014")
    questions = []
    for number, record in enumerate(files.records_in(content, "questions", path)):
        where = f"{path}: question {number}"
        key, image = (files.number_of(record, name, where) for name in ("question_id", "image_id"))
        if sources and key not in annotations:
            names = " or ".join(source.name for source in sources)
            raise bad_record(where, f"(question_id {key}) has no annotation in {names}")
        known = annotations.get(key, _Annotation((), {}, None, ""))
        if known.image not in (None, image):
            what = f"is about image {image}, but {known.where} about {known.image}"
            raise bad_record(where, what)
        name = f"COCO_{subset}_{image:012d}.jpg"
        questions.append(
            Question(
                str(key),
                files.text_of(record, "question", where),
                find_image(name),
                known.answers,
                known.groups,
                image_name=name,
                file=str(path),
            )
        )
    return questions


def _annotations(paths: Sequence[Path]) -> dict[int, _Annotation]:
    """By question_id."""
    found: dict[int, _Annotation] = {}
    for path in paths:
        for number, record in enumerate(
            files.records_in(files.read_object(path), "annotations", path)
        ):
            where = f"{path}: annotation {number}"
            key = files.number_of(record, "question_id", where)
            if key in found:
                raise bad_record(where, f"is of question {key}, as {found[key].where} is")
            found[key] = _annotation(record, where)
    return found


def _annotation(record: JsonObject, where: str) -> _Annotation:
    answers = record.get("answers")
    if not isinstance(answers, list) or not answers:
        raise bad_record(where, "has no answers")
    groups = {
        name.replace("_", " "): str(record[name])
        for name in ("answer_type", "question_type")
        if record.get(name)
    }
    texts = [
        files.text_of(part if isinstance(part, dict) else {}, "answer", f"{where}: answer {k}")
        for k, part in enumerate(answers)
    ]
    return _Annotation(tuple(texts), groups, record.get("image_id"), where)


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Leave-one-out accuracy; beside the standard one those of the challenge's own code and of
    EvalAI's processor.

    All three are in use, and papers rarely say which: the challenge's program leaves answers as
    they stand where all ten people agree, and EvalAI's splits words before it rewrites them.
    """
    pairs = list(zip(predictions, [question.references for question in questions], strict=True))
    if scoring == "official":
        scores = [vqa_accuracy_official(*pair) for pair in pairs]
        return Scores.accuracy(questions, scores, "the repository's lenient match, leave-one-out")
    others = {
        "accuracy_challenge_code": Metric.mean(
            [vqa_accuracy_original(*pair) for pair in pairs],
            "nothing normalised where people are unanimous, as the challenge's code",
        ),
        "accuracy_evalai": Metric.mean(
            [vqa_accuracy(*pair, normalized_evalai) for pair in pairs],
            "words as EvalAI and lmms-eval split them",
        ),
    }
    scores = [vqa_accuracy(*pair) for pair in pairs]
    definition = "VQA accuracy, both sides normalised, leave-one-out"
    return Scores.accuracy(questions, scores, definition, others)


def _benchmark(name: str, title: str, official_tokens: int) -> Benchmark:
    return Benchmark(
        name,
        title,
        load,
        score,
        # The challenge's ids are numbers.
        files.answer_list("results_submission.json", id_of=int),
        {
            "standard": PromptSpec("short", 16, "line"),
            "official": PromptSpec.official("plain", official_tokens),
        },
    )


VQAV2 = _benchmark("vqav2", "VQAv2", 16)
OKVQA = _benchmark("okvqa", "OKVQA", 64)
