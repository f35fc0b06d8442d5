# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""MME (Fu et al. 2023): two questions for yes or no about each image, in fourteen sub-tasks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.aggregate import by_group
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    Metric,
    PromptSpec,
    Question,
    Scores,
)
from robomamba_jax.evaluation.benchmarks.question_files import (
    check_unused,
    image_finder,
    write_text,
)
from robomamba_jax.evaluation.metrics.intervals import bootstrap, bootstrap_sum
from robomamba_jax.evaluation.metrics.yes_no import COGNITION, PERCEPTION, mme_answer, mme_score
from robomamba_jax.utils.untrusted_text import read_text, split_lines

SUBTASKS = (*PERCEPTION, *COGNITION)
# Where the archive, extracted, has them.
_INSIDE = ("", "MME_Benchmark_release_version", "MME_Benchmark_release_version/MME_Benchmark")
_PARTS = {"perception": PERCEPTION, "cognition": COGNITION}


def load(config: EvalConfig) -> BenchmarkData:
    """All sub-tasks that are there; texts lie beside their images, or in folders of their own."""
    check_unused(config.files, "questions", "answers", "images")
    root = _root(Path(config.files.root))
    questions: list[Question] = []
    paths: list[Path] = []
    missing = []
    for name in SUBTASKS:
        folder = root / name
        if not folder.is_dir():
            missing.append(name)
            continue
        texts = sorted(folder.glob("*.txt"))
        apart = sorted((folder / "questions_answers_YN").glob("*.txt"))
        if texts and apart:
            what = f"{folder} has questions beside its images and in questions_answers_YN"
            raise InputError("bad_record", what, "keep one of the two")
        texts = texts or apart
        if not texts:
            raise InputError("missing_file", f"{folder} has no *.txt", "extract the archive again")
        find_image = image_finder(FilesConfig(str(folder), allow_roots=config.files.allow_roots))
        for path in texts:
            questions += _questions(name, path, find_image(f"{path.stem}.jpg"))
        paths += texts
    notes = (f"not here: {', '.join(missing)}; sums are over what is here",) if missing else ()
    return BenchmarkData(tuple(questions), True, tuple(paths), notes)


def _root(given: Path) -> Path:
    for inside in _INSIDE:
        if any((given / inside / name).is_dir() for name in SUBTASKS):
            return given / inside
    raise InputError(
        "missing_file",
        f"{given} has none of MME's sub-tasks, such as {given}/existence",
        "extract the archive there, or --set files.root=DIR",
    )


def _questions(subtask: str, path: Path, load_images: object) -> list[Question]:
    """Two lines "question<TAB>Yes|No"."""
    lines = [line for line in split_lines(read_text(path)) if line.strip()]
    if len(lines) != 2:
        raise bad_record(str(path), f"has {len(lines)} questions, not 2")
    questions = []
    for number, line in enumerate(lines):
        question, tab, label = line.partition("\t")
        if not tab or label.strip().lower() not in ("yes", "no"):
            raise bad_record(f"{path}: line {number + 1}", "is no question<TAB>Yes|No")
        questions.append(
            Question(
                f"{subtask}/{path.stem}#{number}",
                question.strip(),
                load_images,  # type: ignore[arg-type]
                (label.strip(),),
                {"sub-task": subtask},
                {"image": f"{subtask}/{path.stem}"},
                f"{subtask}/{path.stem}.jpg",
                str(path),
            )
        )
    return questions


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Per sub-task 100 x accuracy + 100 x both right; sums for perception and cognition."""
    del scoring  # there is but the standard one
    right = [
        mme_answer(text) == question.references[0].lower()
        for question, text in zip(questions, predictions, strict=True)
    ]
    pairs: dict[str, dict[str, list[bool]]] = {}
    for question, good in zip(questions, right, strict=True):
        images = pairs.setdefault(question.groups["sub-task"], {})
        images.setdefault(question.metadata["image"], []).append(good)
    tables = {
        name: np.array([found for found in images.values() if len(found) == 2], bool).reshape(-1, 2)
        for name, images in pairs.items()
    }
    metrics: dict[str, Metric] = {}
    for part, names in _PARTS.items():
        here = [name for name in names if name in tables]
        if here:
            parts = [(len(tables[name]), _resampled_score(tables[name])) for name in here]
            total = sum(mme_score(tables[name]) for name in here)
            images = sum(len(tables[name]) for name in here)
            what = f"sum over {len(here)} of {len(names)} sub-tasks, at most {200 * len(here)}"
            metrics[part] = Metric(total, bootstrap_sum(parts), images, what, percent=False)
    subtasks = {
        name: Metric(
            mme_score(table),
            bootstrap(len(table), _resampled_score(table)),
            len(table),
            "100 x accuracy + 100 x both right",
            percent=False,
        )
        for name, table in tables.items()
    }
    item_scores = [float(good) for good in right]
    shares = by_group(questions, item_scores, "right answers")["sub-task"]
    groups = {"sub-task score": subtasks, "sub-task accuracy": shares}
    return Scores(metrics, next(iter(metrics)), item_scores, groups)


def _resampled_score(table: np.ndarray):
    return lambda chosen: mme_score(table[chosen])


def submit(folder: Path, questions: Sequence[Question], predictions: Sequence[str]) -> list[Path]:
    """What MME's tool reads: per sub-task a text of image, question, label and answer, divided by
    tabs."""
    lines: dict[str, list[str]] = {}
    for question, text in zip(questions, predictions, strict=True):
        name, _, image = question.metadata["image"].partition("/")
        answer = " ".join(text.split())
        row = "\t".join((image, question.text, question.references[0], answer))
        lines.setdefault(name, []).append(row + "\n")
    return [write_text(folder / f"{name}.txt", "".join(rows)) for name, rows in lines.items()]


MME = Benchmark("mme", "MME", load, score, submit, {"standard": PromptSpec("plain", 16, "line")})
