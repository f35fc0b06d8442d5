# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""POPE (https://github.com/RUCAIBox/POPE): is an object there? Three ways to choose the absent.

Li et al. 2023 ask about objects that COCO's annotations have, and as often about objects that they
have not, so that always saying yes is right half of the time. The absent ones of a file are drawn
at random, or are the data set's most frequent ones ("popular"), or those that most often stand
beside what is there ("adversarial"): the more a model guesses from habit, the worse it does there.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.sample import bad_record, text_field
from robomamba_jax.evaluation.benchmarks import question_files as files
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    Metric,
    Question,
    Scores,
    group_means,
)
from robomamba_jax.evaluation.benchmarks.prompts import PromptSpec
from robomamba_jax.evaluation.metrics.intervals import bootstrap, wilson
from robomamba_jax.evaluation.metrics.paired import Items
from robomamba_jax.evaluation.metrics.yes_no import (
    POPE_CATEGORIES,
    pope_answer,
    pope_answer_official,
    yes_no_scores,
)
from robomamba_jax.utils.file_names import fitting

FILES = tuple(f"coco_pope_{category}.json" for category in POPE_CATEGORIES)
_FOLDERS = ("val2014", "images/val2014")


def load(config: EvalConfig) -> BenchmarkData:
    """The questions of three files, each JSON lines (as published) or a JSON list (as the
    RoboMamba repository keeps them)."""
    return files.load(config, FILES, _questions)


def _questions(config: EvalConfig, path: Path) -> list[Question]:
    find_image = files.image_finder(config.files, _FOLDERS)
    category = next((name for name in POPE_CATEGORIES if name in path.stem), path.stem)
    questions = []
    for record, where in files.read_records(path, "question"):
        label = files.text_of(record, "label", where).strip().lower()
        if label not in ("yes", "no"):
            raise bad_record(where, f"has the label {label!r}, not yes or no")
        key = text_field(record, "question_id", where)
        image_name = files.text_of(record, "image", where)
        questions.append(
            Question(
                # Every file counts its questions from 1 again.
                f"{path.name}-{key}",
                files.text_of(record, "text", where),
                find_image(image_name),
                (label,),
                {"kind": category, "label": label},
                {"file": path.name, "question_id": record["question_id"]},
                image_name,
                str(path),
            )
        )
    return questions


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Accuracy, precision, recall, F1 and the share of yes, per file and over all.

    The headline is what is usually quoted: the mean F1 of the files; for "official" the F1 of
    all questions together, as the repository prints it.
    """
    official = scoring == "official"
    read = pope_answer_official if official else pope_answer
    yes = np.array([read(text) == "yes" for text in predictions])  # bool[n], as is the next
    truth = np.array([question.references[0] == "yes" for question in questions])
    categories = np.array([question.groups["kind"] for question in questions])
    # Files of other names come behind the known three.
    order = (*POPE_CATEGORIES, *categories.tolist())
    names = sorted(set(categories.tolist()), key=order.index)
    metrics: dict[str, Metric] = {}

    def mean_f1(drawn: np.ndarray) -> float:
        parts = [drawn[categories[drawn] == name] for name in names]
        return float(np.mean([yes_no_scores(yes[part], truth[part]).f1 for part in parts]))

    n = len(questions)
    if not official:
        # F1 is not linear: the mean of the files' is not the F1 of their questions together. The
        # bootstrap draws questions of all files at once, as another test set would have them.
        definition = f"mean F1 of {len(names)} files"
        metrics["f1_mean"] = Metric(mean_f1(np.arange(n)), bootstrap(n, mean_f1), n, definition)
    metrics |= _metrics("", yes, truth)
    for name in names:
        metrics |= _metrics(f"{name}_", yes[categories == name], truth[categories == name])
    item_scores = (yes == truth).astype(float).tolist()
    groups = group_means(questions, item_scores, "right answers")
    return Scores(metrics, "f1" if official else "f1_mean", item_scores, groups)


def _metrics(prefix: str, yes: np.ndarray, truth: np.ndarray) -> dict[str, Metric]:
    whole, n = yes_no_scores(yes, truth), len(yes)
    hits, right = int((yes & truth).sum()), int((yes == truth).sum())
    answered_yes, present = int(yes.sum()), int(truth.sum())

    def f1(drawn: np.ndarray) -> float:
        return yes_no_scores(yes[drawn], truth[drawn]).f1

    # Each share has its own trials: precision those answered yes, recall those whose answer is yes.
    metrics = {
        "accuracy": Metric(
            whole.accuracy,
            wilson(right, n),
            n,
            "right answers",
            items=Items.of_mean(yes == truth),
        ),
        "precision": Metric(
            whole.precision, wilson(hits, answered_yes), answered_yes, "right answers yes"
        ),
        "recall": Metric(
            whole.recall, wilson(hits, present), present, "of what is there, what is seen"
        ),
        "f1": Metric(whole.f1, bootstrap(n, f1), n, "harmonic mean of precision and recall"),
        # The labels are half yes. More than that is a model that agrees with whatever is asked,
        # which F1 rewards: always yes has an F1 of 2/3.
        "yes_share": Metric(whole.yes_share, wilson(answered_yes, n), n, "answers yes"),
    }
    return {f"{prefix}{name}": metric for name, metric in metrics.items()}


def submit(folder: Path, questions: Sequence[Question], predictions: Sequence[str]) -> list[Path]:
    """Per file JSON lines of {"question", "answer"}, which POPE's evaluate.py reads in the
    questions' order."""
    lines: dict[str, str] = defaultdict(str)
    for question, answer in zip(questions, predictions, strict=True):
        # evaluate.py knows no ids: it pairs line with line. The id is there for everybody else.
        key = question.metadata["question_id"]
        row = {"question_id": key, "question": question.text, "answer": answer}
        lines[question.metadata["file"]] += json.dumps(row, ensure_ascii=False) + "\n"
    return [
        files.write_text(folder / fitting(f"answers_{Path(name).stem}", Path(name).suffix), text)
        for name, text in sorted(lines.items())
    ]


POPE = Benchmark(
    "pope",
    "POPE",
    load,
    score,
    submit,
    {"standard": PromptSpec("short", 16, "line"), "official": PromptSpec.official("plain", 2)},
)
