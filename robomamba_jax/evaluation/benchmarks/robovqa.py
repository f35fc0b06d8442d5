# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA (https://robovqa.github.io): what a robot sees, does, may do and should do next."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.robovqa import RoboVqaSource
from robomamba_jax.data.sources.robovqa_json import RoboVqaJsonSource
from robomamba_jax.data.sources.sample import ImageRef, Source, bad_record, conversation, text_field
from robomamba_jax.data.sources.tfrecord import is_tfrecord
from robomamba_jax.data.text.prompts import IMAGE
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks import question_files as files
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    BenchmarkData,
    Groups,
    Metric,
    Question,
    Scores,
    group_means,
)
from robomamba_jax.evaluation.benchmarks.prompts import PromptSpec
from robomamba_jax.evaluation.benchmarks.robovqa_types import type_of
from robomamba_jax.evaluation.metrics import bleu
from robomamba_jax.evaluation.metrics.intervals import bootstrap
from robomamba_jax.evaluation.metrics.paired import Items
from robomamba_jax.utils.json_types import Json

_ANSWER = re.compile(r"^\s*A:\s*", re.IGNORECASE)
_PER_ANSWER: dict[str, Callable[[str, str], bleu.BleuScores]] = {
    "cumulative": bleu.cumulative,
    "sacrebleu": bleu.sacrebleu,
    "official": bleu.official,
    "mlcd": bleu.mlcd,
}
_DEFINITIONS = {
    "cumulative": "cumulative BLEU-{n}, not smoothed, mean over questions",
    "sacrebleu": "sacrebleu's sentence BLEU up to {n}-grams, mean over questions",
    "corpus": "cumulative BLEU-{n} of all answers as one text",
    "official": "the repository's {n}-gram score: swapped, best of ten cuts, mean over questions",
    "mlcd": "MLCD-Embodied's BLEU-{n}, mean over questions",
}
_SHORT = 4
# What a file of questions may be, as messages call it.
_TFRECORD, _CONVERSION, _CLIPS = "a TFRecord file", "the one-image conversion", "JSON of videos"


def load(config: EvalConfig) -> BenchmarkData:
    """Questions of TFRecord files, of RoboVQA's JSON files, or of the one-image conversion that
    RoboMamba's repository reads (robovqa.json); all files are of one of these kinds."""
    paths = files.question_files(config.files, ("tfrecord/val/*",))
    kinds = [_kind(path) for path in paths]
    if len(set(kinds)) > 1:
        other = next(number for number, kind in enumerate(kinds) if kind != kinds[0])
        what = f"{paths[0]} is {kinds[0]}, but {paths[other]} is {kinds[other]}"
        raise InputError("bad_record", what, "score them apart: --set files.questions=...")
    files.check_unused(config.files, "answers", *(("images",) if kinds[0] == _TFRECORD else ()))
    if kinds[0] == _TFRECORD:
        questions = _from_source(RoboVqaSource(paths, frames=config.frames))
    elif kinds[0] == _CONVERSION:
        questions = [question for path in paths for question in _conversion(config, path)]
    else:
        root = Path(config.files.root) / config.files.images
        allowed = files.allowed_roots(config.files)
        source = RoboVqaJsonSource(paths, root, frames=config.frames, allowed=allowed)
        questions = _from_source(source)
    return BenchmarkData(tuple(questions), True, tuple(paths))


def _kind(path: Path) -> str:
    if is_tfrecord(path):
        return _TFRECORD
    record, _ = next(files.read_records(path))
    return _CONVERSION if "conversations" in record else _CLIPS


def _from_source(source: RoboVqaSource | RoboVqaJsonSource) -> list[Question]:
    questions = []
    for number in range(len(source)):
        # Read anew: the frames of all clips would not fit into memory.
        load_images = partial(_frames, source, number)
        if isinstance(source, RoboVqaJsonSource):
            # Its images lie apart, and are looked for when a model is to see them.
            sample, load_images = source.without_images(number), files.LazyImages(load_images)
        else:
            sample = source[number]
        (_, text), (_, answer) = sample.turns[:2]
        # Without the places of its frames: they stand before the question.
        text = text.replace(IMAGE, "").strip("\n")
        groups, file = _groups(sample.task, text), str(source.file_of(number))
        metadata = {"raw": text}
        questions.append(
            Question(sample.id, text, load_images, (answer,), groups, metadata, file=file)
        )
    return questions


def _frames(source: Source, number: int) -> tuple[ImageRef, ...]:
    return source[number].images


def _groups(tag: Json, text: str) -> dict[str, str]:
    known = tag if isinstance(tag, str) else None
    return {"type": type_of(known, text), **({"tag": known} if known else {})}


def _conversion(config: EvalConfig, path: Path) -> list[Question]:
    """Records {id, image, conversations}; the answer is what stands behind "A:"."""
    find_image = files.image_finder(config.files)
    questions = []
    for record, where in files.read_records(path):
        turns = conversation(record.get("conversations"), where)
        if len(turns) < 2 or turns[0][0] != "human":
            raise bad_record(where, "is no question with an answer")
        raw, image_name = turns[0][1], text_field(record, "image", where)
        text = raw.replace(IMAGE, "").strip("\n")
        questions.append(
            Question(
                text_field(record, "id", where),
                text,
                find_image(image_name),
                (plain_answer(turns[1][1]),),
                _groups(record.get("task"), text),
                {"raw": raw},
                image_name,
                str(path),
            )
        )
    return questions


def plain_answer(text: str) -> str:
    """An answer without the "A:" that the data's own answers begin with."""
    return _ANSWER.sub("", text).strip()


def every_form(prediction: str, reference: str) -> dict[str, bleu.BleuScores]:
    """BLEU-1 to BLEU-4 of one answer in every form that has them."""
    # The repository takes "A:" away itself, wherever it stands.
    plain = plain_answer(prediction)
    return {
        form: of(prediction if form == "official" else plain, reference)
        for form, of in _PER_ANSWER.items()
    }


def score(questions: Sequence[Question], predictions: Sequence[str], scoring: str) -> Scores:
    """BLEU-1 to BLEU-4 in five forms, and by type; see ``bleu``.

    The paper prints BLEU without saying which. The forms differ by far more than models do, most of
    all for the many answers of one word: "yes" for "yes" has a BLEU-4 of 0 or of 1.
    """
    references = [question.references[0] for question in questions]
    plain = [plain_answer(text) for text in predictions]
    rows = [every_form(*pair) for pair in zip(predictions, references, strict=True)]
    pairs = list(zip(plain, references, strict=True))
    # By form: float64[questions, 4].
    forms = {form: np.array([row[form] for row in rows]) for form in _PER_ANSWER}
    counts = bleu.count_table(pairs)
    metrics: dict[str, Metric] = {}
    for form in bleu.FORMS:
        for n in range(1, bleu.ORDERS + 1):
            definition = _DEFINITIONS[form].format(n=n)
            if form in forms:
                metrics[f"{form}_bleu{n}"] = Metric.mean(forms[form][:, n - 1], definition)
            else:
                metrics[f"{form}_bleu{n}"] = _corpus(counts, n, definition)
    exact = [float(text.lower() == reference.lower()) for text, reference in pairs]
    metrics["exact_match"] = Metric.mean(exact, "equal but for case")
    short, n = sum(len(reference.split()) < _SHORT for reference in references), len(questions)
    definition = "references of fewer than 4 words, whose BLEU-4 is 0"
    metrics["short_references"] = Metric(short / n, None, n, definition)
    form = "official" if scoring == "official" else "cumulative"
    # Short references count 0 even where the answer is the same: what is printed is of what can be.
    metrics |= _ceiling(references, forms[form][:, 3], form)
    # sacrebleu's: of the forms it is the one by which a right answer of one word is right.
    item_scores = forms["sacrebleu"][:, 3].tolist()
    return Scores(metrics, f"{form}_bleu4", item_scores, _by_type(questions, forms[form], form))


def _ceiling(references: Sequence[str], scores: np.ndarray, form: str) -> dict[str, Metric]:
    """What BLEU-4 the references have against themselves, and the share of it that is reached.

    Args:
      references: of the questions.
      scores: float64[questions], BLEU-4 of the answers.
      form: of BLEU.
    """
    best = np.array([_PER_ANSWER[form](text, text)[3] for text in references])
    ceiling = Metric.mean(best, f"{form} BLEU-4 of the references themselves")
    # No answer has a part in it, so that there is nothing to compare.
    found = {"bleu4_ceiling": dataclasses.replace(ceiling, items=None)}
    if best.any():
        items = Items(scores, np.stack([scores, best], axis=1), _ratio)

        def share_of(drawn: np.ndarray) -> float:
            return float(_ratio(items.table[drawn].sum(axis=0)))

        interval = bootstrap(len(best), share_of)
        found["share_of_ceiling"] = Metric(
            items.value, interval, len(best), f"{form} BLEU-4 over bleu4_ceiling", items=items
        )
    return found


def _ratio(sums: np.ndarray) -> np.ndarray:
    """The first of two sums over the second; 0 where there is nothing to reach."""
    return np.where(sums[..., 1] > 0, sums[..., 0] / np.maximum(sums[..., 1], 1e-9), 0.0)


def _corpus(counts: np.ndarray, n: int, definition: str) -> Metric:
    def score_of(drawn: np.ndarray) -> float:
        return bleu.from_sums(counts[drawn].sum(axis=0))[n - 1]

    everything = np.arange(len(counts))
    interval = bootstrap(len(counts), score_of)
    items = Items(
        np.array([bleu.from_sums(row)[n - 1] for row in counts]),
        counts.astype(np.float64),
        lambda sums: bleu.from_many_sums(sums)[..., n - 1],
    )
    return Metric(score_of(everything), interval, len(counts), definition, items=items)


def _by_type(questions: Sequence[Question], table: np.ndarray, form: str) -> Groups:
    """BLEU-4 and BLEU-1 of each type and, where known, of each tag."""
    what = _DEFINITIONS[form]
    means = {n: group_means(questions, table[:, n - 1], what.format(n=n)) for n in (4, 1)}
    return {f"{kind} (BLEU-{n})": means[n][kind] for kind in means[4] for n in (4, 1)}


ROBOVQA = Benchmark(
    "robovqa",
    "RoboVQA",
    load,
    score,
    # As RoboMamba's repository keeps its results.
    files.answer_list("robovqa.json"),
    {"standard": PromptSpec("plain", 128, "eos"), "official": PromptSpec.official("plain", 128)},
)
