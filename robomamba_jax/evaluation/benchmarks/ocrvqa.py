# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""OCR-VQA (https://ocr-vqa.github.io): questions about book covers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.sample import bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks import question_files as files
from robomamba_jax.evaluation.benchmarks.base import Benchmark, BenchmarkData, Question, Scores
from robomamba_jax.evaluation.benchmarks.prompts import PromptSpec


def load(config: EvalConfig) -> BenchmarkData:
    """The questions of one split of dataset.json: key -> book."""
    data = files.load(config, ("dataset.json",), _questions)
    if not data.questions:
        names = " and ".join(map(str, data.files))
        raise InputError(
            "no_questions",
            f"{names} has no book of split {config.ocr_split}",
            "--set ocr_split=1 (train), 2 (val) or 3 (test)",
        )
    return data


def _questions(config: EvalConfig, path: Path) -> list[Question]:
    find_image = files.image_finder(config.files, ("images",))
    questions = []
    for key, book, where in files.keyed_records(path, "book"):
        if book.get("split") != config.ocr_split:
            continue
        texts, answers = (files.texts_of(book, name, where) for name in ("questions", "answers"))
        if len(texts) != len(answers):
            raise bad_record(where, f"has {len(texts)} questions and {len(answers)} answers")
        # The file gives an address alone; the benchmark's own downloader saves its image under the
        # book's key, with the address's ending.
        ending = (
            PurePosixPath(urlsplit(files.text_of(book, "imageURL", where)).path).suffix or ".jpg"
        )
        image_name = f"{key}{ending}"
        groups = {"genre": str(book["genre"])} if book.get("genre") else {}
        questions += [
            Question(
                f"{key}_{number}",
                text,
                find_image(image_name),
                (answer,),
                groups,
                image_name=image_name,
                file=str(path),
            )
            for number, (text, answer) in enumerate(zip(texts, answers, strict=True))
        ]
    return questions


def ocr_correct(prediction: str, reference: str) -> bool:
    """Equality but for case and blanks at the ends.

    Reading is what is tested: one wrong letter in an author's name is a wrong answer.
    """
    return prediction.strip().lower() == reference.strip().lower()


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """Exact match."""
    del scoring  # there is but the standard one
    pairs = zip(questions, predictions, strict=True)
    scores = [float(ocr_correct(answer, one.references[0])) for one, answer in pairs]
    return Scores.accuracy(questions, scores, "equal but for case and blanks at the ends")


OCRVQA = Benchmark(
    "ocrvqa",
    "OCR-VQA",
    load,
    score,
    # The benchmark has no form of its own for results.
    files.answer_list("results_submission.json"),
    {"standard": PromptSpec("short", 32, "line")},
)
