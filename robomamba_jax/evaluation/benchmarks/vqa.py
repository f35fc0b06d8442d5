# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""VQAv2 and OKVQA (https://visualqa.org, https://okvqa.allenai.org): questions that ten people
answered, in two JSON files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.evaluation.benchmarks.aggregate import by_group, mean_metric
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    ImageLoader,
    PromptSpec,
    Question,
    Scores,
    official_spec,
)
from robomamba_jax.evaluation.benchmarks.question_files import (
    answers_files,
    image_finder,
    number_of,
    question_files,
    read_json,
    records_in,
    text_of,
    write_json,
)
from robomamba_jax.evaluation.metrics.vqa_accuracy import (
    vqa_accuracy,
    vqa_accuracy_official,
    vqa_accuracy_original,
)
from robomamba_jax.evaluation.metrics.vqa_normalization import normalized_evalai

_FOLDERS = ("val2014", "test2015", "train2014", "images/val2014")


def load(config: EvalConfig) -> BenchmarkData:
    """The questions with their people's answers."""
    paths = question_files(config.files) or [Path(config.files.root)]
    sources = answers_files(config.files)
    people = _people(sources)
    find_image = image_finder(config.files, _FOLDERS)
    questions = [
        question for path in paths for question in _questions(path, sources, people, find_image)
    ]
    notes = ()
    spare = len(people) - sum(question.metadata["question_id"] in people for question in questions)
    if spare:
        notes = (f"{spare} annotations are of questions that are not in the files of questions",)
    return BenchmarkData(tuple(questions), bool(sources), (*paths, *sources), notes)


def _questions(
    path: Path,
    sources: Sequence[Path],
    people: Mapping[int, Mapping[str, Any]],
    find_image: Callable[[str], ImageLoader],
) -> Iterator[Question]:
    content = read_json(path, dict)
    # Such as "val2014", which the file's names of images begin with.
    subset = str(content.get("data_subtype") or "val2014")
    for number, record in enumerate(records_in(content, "questions", path)):
        where = f"{path}: question {number}"
        key, image = (number_of(record, name, where) for name in ("question_id", "image_id"))
        if sources and key not in people:
            names = " or ".join(source.name for source in sources)
            raise bad_record(where, f"(question_id {key}) has no annotation in {names}")
        annotation = people.get(key, {})
        if annotation.get("image_id", image) != image:
            what = (
                f"is about image {image}, but {annotation['where']} about {annotation['image_id']}"
            )
            raise bad_record(where, what)
        name = f"COCO_{subset}_{image:012d}.jpg"
        yield Question(
            str(key),
            text_of(record, "question", where),
            find_image(name),
            tuple(annotation.get("answers", ())),
            annotation.get("groups", {}),
            {"question_id": key},
            name,
            str(path),
        )


def _people(paths: Sequence[Path]) -> dict[int, dict[str, Any]]:
    """question_id -> people's answers, the types of question and answer, and about which image."""
    found: dict[int, dict[str, Any]] = {}
    for path in paths:
        for number, record in enumerate(records_in(read_json(path, dict), "annotations", path)):
            where = f"{path}: annotation {number}"
            key = number_of(record, "question_id", where)
            if key in found:
                raise bad_record(where, f"is of question {key}, as {found[key]['where']} is")
            found[key] = {**_annotation(record, where), "where": where}
    return found


def _annotation(record: Mapping[str, Any], where: str) -> dict[str, Any]:
    answers = record.get("answers")
    if not isinstance(answers, list) or not answers:
        raise bad_record(where, "has no answers")
    groups = {
        name.replace("_", " "): str(record[name])
        for name in ("answer_type", "question_type")
        if record.get(name)
    }
    texts = [
        text_of(part if isinstance(part, dict) else {}, "answer", f"{where}: answer {k}")
        for k, part in enumerate(answers)
    ]
    image = {"image_id": record["image_id"]} if record.get("image_id") is not None else {}
    return {"answers": texts, "groups": groups, **image}


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Leave-one-out accuracy; beside the standard one those of the challenge's own code and of
    EvalAI's processor."""
    pairs = list(zip(questions, predictions, strict=True))
    if scoring == "official":
        item_scores = [vqa_accuracy_official(text, question.references) for question, text in pairs]
        what = "the repository's lenient match, leave-one-out"
        return Scores(
            {"accuracy": mean_metric(item_scores, what)},
            "accuracy",
            item_scores,
            by_group(questions, item_scores, what),
        )
    item_scores = [vqa_accuracy(text, question.references) for question, text in pairs]
    what = "VQA accuracy, both sides normalised, leave-one-out"
    original = [vqa_accuracy_original(text, question.references) for question, text in pairs]
    evalai = [
        vqa_accuracy(text, question.references, normalized_evalai) for question, text in pairs
    ]
    metrics = {
        "accuracy": mean_metric(item_scores, what),
        "accuracy_challenge_code": mean_metric(
            original, "nothing normalised where people are unanimous, as the challenge's code"
        ),
        "accuracy_evalai": mean_metric(evalai, "words as EvalAI and lmms-eval split them"),
    }
    return Scores(metrics, "accuracy", item_scores, by_group(questions, item_scores, what))


def submit(folder: Path, questions: Sequence[Question], predictions: Sequence[str]) -> list[Path]:
    """The challenge's result file: a list of {"question_id", "answer"}."""
    rows: list[Mapping[str, Any]] = [
        {"question_id": question.metadata["question_id"], "answer": text}
        for question, text in zip(questions, predictions, strict=True)
    ]
    return [write_json(folder / "results_submission.json", rows)]


VQAV2 = Benchmark(
    "vqav2",
    "VQAv2",
    load,
    score,
    submit,
    {"standard": PromptSpec("short", 16, "line"), "official": official_spec("plain", 16)},
)
OKVQA = Benchmark(
    "okvqa",
    "OKVQA",
    load,
    score,
    submit,
    {"standard": PromptSpec("short", 16, "line"), "official": official_spec("plain", 64)},
)
