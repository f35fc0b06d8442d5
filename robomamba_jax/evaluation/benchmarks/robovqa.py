# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA (https://robovqa.github.io): what a robot sees, does, may do and should do next."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.data.sources.robovqa import RoboVqaSource
from robomamba_jax.data.sources.robovqa_json import RoboVqaJsonSource
from robomamba_jax.data.sources.sample import (
    ImageRef,
    Sample,
    Source,
    bad_record,
    conversation,
    text_field,
)
from robomamba_jax.data.sources.tfrecord import is_tfrecord
from robomamba_jax.data.text.prompts import IMAGE
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.aggregate import Groups, by_group, mean_figure
from robomamba_jax.evaluation.benchmarks.base import (
    Benchmark,
    Figure,
    Item,
    Loaded,
    Pictures,
    Recipe,
    Scores,
    repository,
)
from robomamba_jax.evaluation.benchmarks.question_files import (
    Lookup,
    allowed_roots,
    check_unread,
    finder,
    question_files,
    write_json,
)
from robomamba_jax.evaluation.benchmarks.robovqa_types import type_of
from robomamba_jax.evaluation.metrics import bleu
from robomamba_jax.evaluation.metrics.intervals import bootstrap

_ANSWER = re.compile(r"^\s*A:\s*", re.IGNORECASE)
_PER_ANSWER: dict[str, Callable[[str, str], bleu.Four]] = {
    "cumulative": bleu.cumulative,
    "sacrebleu": bleu.sacrebleu,
    "official": bleu.official,
    "mlcd": bleu.mlcd,
}
_WHAT = {
    "cumulative": "cumulative BLEU-{n}, not smoothed, mean over questions",
    "sacrebleu": "sacrebleu's sentence BLEU up to {n}-grams, mean over questions",
    "corpus": "cumulative BLEU-{n} of all answers as one text",
    "official": "the repository's {n}-gram score: swapped, best of ten cuts, mean over questions",
    "mlcd": "MLCD-Embodied's BLEU-{n}, mean over questions",
}
_SHORT = 4
# What a file of questions may be, as messages call it.
_TFRECORD, _CONVERSION, _CLIPS = "a TFRecord file", "the one-image conversion", "JSON of videos"


def load(config: EvalConfig) -> Loaded:
    """Questions of TFRecord files, of RoboVQA's JSON files, or of the one-image conversion that
    RoboMamba's repository reads (robovqa.json); all files are of one of these kinds."""
    paths = question_files(config.files, ("tfrecord/val/*",))
    kinds = [_kind(path) for path in paths]
    if len(set(kinds)) > 1:
        other = next(number for number, kind in enumerate(kinds) if kind != kinds[0])
        what = f"{paths[0]} is {kinds[0]}, but {paths[other]} is {kinds[other]}"
        raise InputError("bad_record", what, "score them apart: --set files.questions=...")
    check_unread(config.files, "answers", *(("images",) if kinds[0] == _TFRECORD else ()))
    if kinds[0] == _TFRECORD:
        items = _of_clips(RoboVqaSource(paths, frames=config.frames))
    elif kinds[0] == _CONVERSION:
        items = [item for path in paths for item in _conversion(path, config)]
    else:
        root = Path(config.files.root) / config.files.images
        allowed = allowed_roots(config.files)
        source = RoboVqaJsonSource(paths, root, frames=config.frames, allowed=allowed)
        items = _of_videos(source)
    return Loaded(tuple(items), True, tuple(paths))


def _kind(path: Path) -> str:
    if is_tfrecord(path):
        return _TFRECORD
    records = JsonRecords(path)
    try:
        return _CONVERSION if "conversations" in records[0] else _CLIPS
    finally:
        records.close()


def _of_clips(source: RoboVqaSource) -> list[Item]:
    return [
        _item(source[number], _pictures(source, number), source.file_of(number))
        for number in range(len(source))
    ]


def _of_videos(source: RoboVqaJsonSource) -> list[Item]:
    """Their images lie apart, and are looked for when a model is to see them."""
    return [
        _item(
            source.without_images(number),
            Lookup(_pictures(source, number)),
            source.file_of(number),
        )
        for number in range(len(source))
    ]


def _pictures(source: Source, number: int) -> Callable[[], tuple[ImageRef, ...]]:
    # Read anew: the frames of all clips would not fit into memory.
    return lambda: source[number].images


def _item(sample: Sample, pictures: Pictures, file: Path) -> Item:
    """A clip's question, without the places of its frames, which stand before it."""
    question = sample.turns[0][1].replace(IMAGE, "").strip("\n")
    return _made(sample.id, question, sample.turns[1][1], sample.task, pictures, str(file))


def _made(
    key: str,
    text: str,
    answer: str,
    tag: str | None,
    pictures: Pictures,
    file: str,
    image: str = "",
) -> Item:
    question = text.replace(IMAGE, "").strip("\n")
    groups = {"type": type_of(tag, question), **({"tag": tag} if tag else {})}
    return Item(key, question, pictures, (answer,), groups, {"raw": text}, image, file)


def _conversion(path: Path, config: EvalConfig) -> list[Item]:
    """Records {id, image, conversations}; the answer is what stands behind "A:"."""
    find = finder(config.files)
    records = JsonRecords(path)
    found = []
    try:
        for number in range(len(records)):
            record, where = records[number], f"{path}: record {number}"
            turns = conversation(record.get("conversations"), where)
            if len(turns) < 2 or turns[0][0] != "human":
                raise bad_record(where, "is no question with an answer")
            tag, image = record.get("task"), text_field(record, "image", where)
            found.append(
                _made(
                    text_field(record, "id", where),
                    turns[0][1],
                    _ANSWER.sub("", turns[1][1]).strip(),
                    tag if isinstance(tag, str) else None,
                    find(image),
                    str(path),
                    image,
                )
            )
    finally:
        records.close()
    return found


def plain_answer(text: str) -> str:
    """What was said, without the "A:" that the data's own answers begin with."""
    return _ANSWER.sub("", text).strip()


def every_form(said: str, wanted: str) -> dict[str, bleu.Four]:
    """BLEU-1 to BLEU-4 of one answer in every form that has them."""
    # The repository takes "A:" away itself, wherever it stands.
    plain = plain_answer(said)
    return {
        form: of(said if form == "official" else plain, wanted) for form, of in _PER_ANSWER.items()
    }


def score(items: Sequence[Item], said: Sequence[str], scoring: str) -> Scores:
    """BLEU-1 to BLEU-4 in five forms, and by type; see ``bleu``."""
    wanted = [item.answers[0] for item in items]
    plain = [plain_answer(text) for text in said]
    rows = [every_form(*pair) for pair in zip(said, wanted, strict=True)]
    forms = {form: np.array([row[form] for row in rows]) for form in _PER_ANSWER}
    counts = _counts(plain, wanted)
    figures: dict[str, Figure] = {}
    for form in bleu.FORMS:
        for n in range(1, bleu.ORDERS + 1):
            what = _WHAT[form].format(n=n)
            if form in forms:
                figures[f"{form}_bleu{n}"] = mean_figure(forms[form][:, n - 1].tolist(), what)
            else:
                figures[f"{form}_bleu{n}"] = _corpus(counts, n, what)
    figures["exact_match"] = mean_figure(
        [float(text.lower() == right.lower()) for text, right in zip(plain, wanted, strict=True)],
        "equal but for case",
    )
    short = sum(len(right.split()) < _SHORT for right in wanted)
    figures["short_references"] = Figure(
        short / len(items), None, len(items), "references of fewer than 4 words, whose BLEU-4 is 0"
    )
    form = "official" if scoring == "official" else "cumulative"
    credit = forms["sacrebleu"][:, 3].tolist()
    return Scores(figures, f"{form}_bleu4", credit, _by_type(items, forms[form], form))


def _counts(said: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """int64[answers, 10]: what corpus BLEU adds up."""
    counts = [
        bleu.ngram_counts(text.split(), right.split())
        for text, right in zip(said, wanted, strict=True)
    ]
    return np.array([[*one.matches, *one.totals, one.length, one.wanted] for one in counts])


def _corpus(counts: np.ndarray, n: int, what: str) -> Figure:
    def drawn(chosen: np.ndarray) -> float:
        sums = counts[chosen].sum(axis=0).tolist()
        return bleu.from_counts(bleu.Counts(tuple(sums[:4]), tuple(sums[4:8]), *sums[8:]))[n - 1]

    value = drawn(np.arange(len(counts)))
    return Figure(value, bootstrap(len(counts), drawn), len(counts), what)


def _by_type(items: Sequence[Item], table: np.ndarray, form: str) -> Groups:
    """BLEU-4 and BLEU-1 of each type and, where known, of each tag."""
    means = {n: by_group(items, table[:, n - 1].tolist(), _WHAT[form].format(n=n)) for n in (4, 1)}
    return {f"{kind} (BLEU-{n})": means[n][kind] for kind in means[4] for n in (4, 1)}


def submit(folder: Path, items: Sequence[Item], said: Sequence[str]) -> list[Path]:
    """A list of {"question_id", "answer"}, as RoboMamba's repository keeps its results."""
    rows = [
        {"question_id": item.id, "answer": text} for item, text in zip(items, said, strict=True)
    ]
    return [write_json(folder / "robovqa.json", rows)]


ROBOVQA = Benchmark(
    "robovqa",
    "RoboVQA",
    load,
    score,
    submit,
    {"standard": Recipe("plain", 128, "eos"), "official": repository("plain", 128)},
)
