# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""MME (Fu et al. 2023): two questions for yes or no about each image, in fourteen sub-tasks.

One of the two is answered by yes and the other by no. A sub-task's score adds the share of right
answers to the share of images with both right ("accuracy+"), each up to 100: who always says yes
has 50 of 200, who guesses 75, and who looks 200.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks import question_files as files
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    ImageLoader,
    Metric,
    Question,
    Scores,
    group_means,
)
from robomamba_jax.evaluation.benchmarks.prompts import PromptSpec
from robomamba_jax.evaluation.metrics.intervals import bootstrap, bootstrap_sum
from robomamba_jax.evaluation.metrics.paired import Items
from robomamba_jax.evaluation.metrics.yes_no import COGNITION, PERCEPTION, mme_answer, mme_score
from robomamba_jax.utils.untrusted_text import read_text, split_lines

SUBTASKS = (*PERCEPTION, *COGNITION)
# Where the archive, extracted, has them.
_INSIDE = ("", "MME_Benchmark_release_version", "MME_Benchmark_release_version/MME_Benchmark")
_PARTS = {"perception": PERCEPTION, "cognition": COGNITION}


def load(config: EvalConfig) -> BenchmarkData:
    """All sub-tasks that are there; texts lie beside their images, or in folders of their own."""
    files.check_unused(config.files, "questions", "answers", "images")
    root = _root(Path(config.files.root))
    present = [name for name in SUBTASKS if (root / name).is_dir()]
    questions: list[Question] = []
    paths: list[Path] = []
    for name in present:
        folder = root / name
        texts = sorted(folder.glob("*.txt"))
        # The sub-tasks with famous people, scenes and artworks keep images and texts apart.
        apart = sorted((folder / "questions_answers_YN").glob("*.txt"))
        if texts and apart:
            what = f"{folder} has questions beside its images and in questions_answers_YN"
            raise InputError("bad_record", what, "keep one of the two")
        texts = texts or apart
        if not texts:
            raise InputError("missing_file", f"{folder} has no *.txt", "extract the archive again")
        find_image = files.image_finder(
            FilesConfig(str(folder), allow_roots=config.files.allow_roots)
        )
        for path in texts:
            # The text's name is the image's; some are .png, which the finder tries as well.
            questions += _questions(name, path, find_image(f"{path.stem}.jpg"))
        paths += texts
    missing = ", ".join(name for name in SUBTASKS if name not in present)
    notes = (f"not here: {missing}; sums are over what is here",) if missing else ()
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


def _questions(subtask: str, path: Path, load_images: ImageLoader) -> list[Question]:
    """Two lines "question<TAB>Yes|No"."""
    lines = [line for line in split_lines(read_text(path)) if line.strip()]
    if len(lines) != 2:
        raise bad_record(str(path), f"has {len(lines)} questions, not 2")
    image = f"{subtask}/{path.stem}"
    questions = []
    for number, line in enumerate(lines):
        text, tab, label = line.partition("\t")
        if not tab or label.strip().lower() not in ("yes", "no"):
            raise bad_record(f"{path}: line {number + 1}", "is no question<TAB>Yes|No")
        questions.append(
            Question(
                f"{image}#{number}",
                text.strip(),
                load_images,
                (label.strip(),),
                {"sub-task": subtask},
                {"image": image},
                f"{image}.jpg",
                str(path),
            )
        )
    return questions


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Per sub-task 100 x accuracy + 100 x both right; sums for perception and cognition."""
    del scoring  # there is but the standard one
    pairs: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    item_scores = []
    for question, text in zip(questions, predictions, strict=True):
        right = mme_answer(text) == question.references[0].lower()
        pairs[question.groups["sub-task"]][question.metadata["image"]].append(right)
        item_scores.append(float(right))
    # Images are the units, not questions: the two answers about one are not independent. An image
    # of which one question was left out has no "both right", and is left out, too.
    tables = {
        name: np.array([both for both in images.values() if len(both) == 2], bool).reshape(-1, 2)
        for name, images in pairs.items()
    }
    metrics: dict[str, Metric] = {}
    for part, names in _PARTS.items():
        here = [tables[name] for name in names if name in tables]
        if here:
            total = sum(mme_score(table) for table in here)
            interval = bootstrap_sum([(len(table), _score_of(table)) for table in here])
            definition = (
                f"sum over {len(here)} of {len(names)} sub-tasks, at most {200 * len(here)}"
            )
            metrics[part] = Metric(
                total, interval, sum(map(len, here)), definition, percent=False, items=_items(here)
            )
    definition = "100 x accuracy + 100 x both right"
    subtasks = {}
    for name, table in tables.items():
        interval, n = bootstrap(len(table), _score_of(table)), len(table)
        subtasks[name] = Metric(mme_score(table), interval, n, definition, percent=False)
    shares = group_means(questions, item_scores, "right answers")["sub-task"]
    groups = {"sub-task score": subtasks, "sub-task accuracy": shares}
    # Perception is the headline; a folder of cognition's sub-tasks alone has that one.
    return Scores(metrics, next(iter(metrics)), item_scores, groups)


def _items(tables: Sequence[np.ndarray]) -> Items:
    """Images as the units of a sum over sub-tasks, which are drawn apart.

    Args:
      tables: of each sub-task bool[images, 2], whether each question of an image is right.
    """
    # In columns of its sub-task's own each image has its points, and 1 for being there: the sums
    # of both make the sub-task's mean.
    own = [100 * table.mean(axis=1) + 100 * table.all(axis=1) for table in tables]
    lengths = [len(table) for table in tables]
    strata = np.repeat(np.arange(len(tables)), lengths)
    rows = np.zeros((sum(lengths), 2 * len(tables)))
    rows[np.arange(len(rows)), strata] = np.concatenate(own)
    rows[np.arange(len(rows)), len(tables) + strata] = 1
    return Items(np.concatenate(own), rows, _sum_of_means, strata)


def _sum_of_means(sums: np.ndarray) -> np.ndarray:
    """Of columns of points, and as many of counts behind them; none of a part without images."""
    points, counts = np.split(sums, 2, axis=-1)
    return (points / np.maximum(counts, 1)).sum(axis=-1)


def _score_of(table: np.ndarray) -> Callable[[np.ndarray], float]:
    """The score of drawn images."""
    return lambda drawn: mme_score(table[drawn])


def submit(folder: Path, questions: Sequence[Question], predictions: Sequence[str]) -> list[Path]:
    """What MME's tool reads: per sub-task a text of image, question, label and answer, divided by
    tabs."""
    lines: dict[str, str] = defaultdict(str)
    for question, answer in zip(questions, predictions, strict=True):
        name, _, image = question.metadata["image"].partition("/")
        # A tab or a line's end in an answer would shift the columns behind it.
        row = (image, question.text, question.references[0], " ".join(answer.split()))
        lines[name] += "\t".join(row) + "\n"
    return [files.write_text(folder / f"{name}.txt", text) for name, text in lines.items()]


MME = Benchmark("mme", "MME", load, score, submit, {"standard": PromptSpec("plain", 16, "line")})
