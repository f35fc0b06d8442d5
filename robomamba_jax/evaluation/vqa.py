# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""VQAv2 and OKVQA (https://visualqa.org, https://okvqa.allenai.org): questions that ten people
answered, in two JSON files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.records import bad_record
from robomamba_jax.evaluation.files import (
    answers_file,
    finder,
    number_of,
    question_files,
    read_json,
    records_in,
    text_of,
    write_json,
)
from robomamba_jax.evaluation.items import Benchmark, Item, Loaded, Recipe, Scores, repository
from robomamba_jax.evaluation.means import by_group, mean_figure
from robomamba_jax.evaluation.vqa_accuracy import (
    vqa_accuracy,
    vqa_accuracy_official,
    vqa_accuracy_original,
)
from robomamba_jax.evaluation.vqa_words import normalized_evalai

_FOLDERS = ("val2014", "test2015", "train2014", "images/val2014")


def load(config: EvalConfig) -> Loaded:
    """The questions with their people's answers."""
    (path,) = question_files(config.files)[:1] or [Path(config.files.root)]
    content = read_json(path, dict)
    source = answers_file(config.files)
    people = {} if source is None else _people(source)
    find = finder(config.files, _FOLDERS)
    # Such as "val2014", which the file's names of pictures begin with.
    subset = str(content.get("data_subtype") or "val2014")
    items = []
    for number, record in enumerate(records_in(content, "questions", path)):
        where = f"{path}: question {number}"
        key = number_of(record, "question_id", where)
        if source is not None and key not in people:
            raise bad_record(where, f"(question_id {key}) has no annotation in {source.name}")
        said = people.get(key, {})
        image = f"COCO_{subset}_{number_of(record, 'image_id', where):012d}.jpg"
        items.append(
            Item(
                str(key),
                text_of(record, "question", where),
                find(image),
                tuple(said.get("answers", ())),
                said.get("groups", {}),
                {"question_id": key},
            )
        )
    return Loaded(tuple(items), source is not None, (path,) if source is None else (path, source))


def _people(path: Path) -> dict[int, dict[str, Any]]:
    """question_id -> what people said, and the kinds of question and answer."""
    found = {}
    for number, record in enumerate(records_in(read_json(path, dict), "annotations", path)):
        where = f"{path}: annotation {number}"
        answers = record.get("answers")
        if not isinstance(answers, list) or not answers:
            raise bad_record(where, "has no answers")
        groups = {
            name.replace("_", " "): str(record[name])
            for name in ("answer_type", "question_type")
            if record.get(name)
        }
        found[number_of(record, "question_id", where)] = {
            "answers": [
                text_of(part if isinstance(part, dict) else {}, "answer", f"{where}: answer {k}")
                for k, part in enumerate(answers)
            ],
            "groups": groups,
        }
    return found


def score(items: Sequence[Item], said: Sequence[str], scoring: str) -> Scores:
    """Leave-one-out accuracy; beside the standard one those of the challenge's own code and of
    EvalAI's processor."""
    pairs = list(zip(items, said, strict=True))
    if scoring == "official":
        credit = [vqa_accuracy_official(text, item.answers) for item, text in pairs]
        what = "the repository's lenient match, leave-one-out"
        return Scores(
            {"accuracy": mean_figure(credit, what)},
            "accuracy",
            credit,
            by_group(items, credit, what),
        )
    credit = [vqa_accuracy(text, item.answers) for item, text in pairs]
    what = "VQA accuracy, both sides normalised, leave-one-out"
    original = [vqa_accuracy_original(text, item.answers) for item, text in pairs]
    evalai = [vqa_accuracy(text, item.answers, normalized_evalai) for item, text in pairs]
    figures = {
        "accuracy": mean_figure(credit, what),
        "accuracy_challenge_code": mean_figure(
            original, "nothing normalised where people are unanimous, as the challenge's code"
        ),
        "accuracy_evalai": mean_figure(evalai, "words as EvalAI and lmms-eval split them"),
    }
    return Scores(figures, "accuracy", credit, by_group(items, credit, what))


def submit(folder: Path, items: Sequence[Item], said: Sequence[str]) -> list[Path]:
    """The challenge's result file: a list of {"question_id", "answer"}."""
    rows: list[Mapping[str, Any]] = [
        {"question_id": item.facts["question_id"], "answer": text}
        for item, text in zip(items, said, strict=True)
    ]
    return [write_json(folder / "results_submission.json", rows)]


VQAV2 = Benchmark(
    "vqav2",
    "VQAv2",
    load,
    score,
    submit,
    {"standard": Recipe("short", 16, "line"), "official": repository("plain", 16)},
)
OKVQA = Benchmark(
    "okvqa",
    "OKVQA",
    load,
    score,
    submit,
    {"standard": Recipe("short", 16, "line"), "official": repository("plain", 64)},
)
