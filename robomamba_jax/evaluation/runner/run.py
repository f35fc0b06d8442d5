# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One benchmark from its files to a result: answered or read, scored, written down."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.config.tree import tree_to_json
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.answers_file import check_header, read_answers
from robomamba_jax.evaluation.answers.fields import FieldNames
from robomamba_jax.evaluation.answers.predictions import ReadOptions, read_predictions
from robomamba_jax.evaluation.benchmarks.base import (
    Answer,
    Benchmark,
    BenchmarkData,
    Question,
    metrics_to_json,
)
from robomamba_jax.evaluation.benchmarks.prompts import prompt_spec_of
from robomamba_jax.evaluation.benchmarks.question_files import write_json, write_text
from robomamba_jax.evaluation.benchmarks.registry import benchmark
from robomamba_jax.evaluation.runner import paper
from robomamba_jax.evaluation.runner.page import write_page
from robomamba_jax.evaluation.synthetic.benchmark_files import toy_config, write_toy
from robomamba_jax.utils.hashes import file_sha256
from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.progress import OnProgress
from robomamba_jax.utils.untrusted_text import parse_json, read_bytes
from robomamba_jax.utils.version import __version__

SCHEMA = "robomamba.eval/1"
_NEEDED = ("benchmark", "answers_from", "scoring", "headline", "figures")  # of a result in a table


@dataclasses.dataclass(frozen=True)
class AnswerSet:
    """Answers, and whose they are.

    Attributes:
      answers: per question; None where there is none.
      checkpoint: {"path", "sha256"}; None for a file of predictions.
      source: in one word or path, for tables.
      problems: id -> why it has no answer.
      notes: what was left out, in whole sentences.
      raw: of poses per question the head's own numbers; None for texts and for a file of
        predictions.
      raw_meaning: what those are, in a sentence.
    """

    answers: Sequence[Answer | None]
    checkpoint: dict[str, str] | None
    source: str
    problems: dict[str, str]
    notes: tuple[str, ...] = ()
    raw: Sequence[list[float] | None] | None = None
    raw_meaning: str = ""


def load(
    config: EvalConfig, out: Path, *, write: bool = True
) -> tuple[EvalConfig, Benchmark, BenchmarkData]:
    """The benchmark's questions, as many as are asked for.

    Args:
      config: of the evaluation; with ``toy`` its questions are drawn and written first.
      out: where such go.
      write: whether this process writes them; another one has.

    Raises:
      InputError: a file is missing or wrong.
    """
    chosen = benchmark(config.benchmark)
    prompt_spec_of(config, chosen.prompt_specs)  # a wrong name is an error before anything is read
    if config.toy:
        config = (write_toy if write else toy_config)(config, out / "toy")
    if config.judge and config.benchmark != "mmvet":
        what = f"judge={config.judge} is for mmvet, and {config.benchmark} has none"
        raise InputError("bad_config", what, "leave it out: --set judge=")
    data = chosen.load(config)
    if not data.questions:
        names = " and ".join(map(str, data.files))
        raise InputError("no_questions", f"{names} has no questions", "give another file")
    _check_unique(data.questions)
    whole = len(data.questions)
    if config.limit and config.limit < whole:
        if config.benchmark in ("mmbench", "mme"):
            raise InputError(
                "bad_config",
                f"limit={config.limit} would tear apart what {chosen.title} counts together",
                "leave limit out",
            )
        kept = tuple(data.questions[k] for k in sample_indices(whole, config.limit))
        note = f"limit: {len(kept)} of {whole} questions; a server wants them all"
        data = dataclasses.replace(
            data, questions=kept, notes=(*data.notes, note), before_limit=data.questions
        )
    return config, chosen, data


def _check_unique(questions: Sequence[Question]) -> None:
    known: dict[str, Question] = {}
    for question in questions:
        first = known.setdefault(question.id, question)
        if first is question:
            continue
        what, fix = f"{question.file} has two questions {question.id!r}", "fix the file"
        if first.file != question.file:
            what = f"{first.file} and {question.file} both have a question {question.id!r}"
            fix = "score them apart: --set files.questions=..."
        raise InputError("bad_record", what, fix)


def sample_indices(whole: int, limit: int) -> list[int]:
    """Places of ``limit`` questions out of ``whole``, the same each time, in order.

    Not every n-th: POPE's labels alternate, and every second question would be answered by no.
    """
    return sorted(np.random.default_rng(0).permutation(whole)[:limit].tolist())


def from_predictions(config: EvalConfig, path: Path, data: BenchmarkData) -> AnswerSet:
    """Answers that somebody else has made.

    Raises:
      InputError: questions are left out, and may not be; or see ``read_predictions``.
    """
    chosen = benchmark(config.benchmark)

    def check(file: Path, header: Mapping[str, Json]) -> None:
        check_header(header, file, chosen.name, _questions_sha256(data.files))

    options = ReadOptions(
        FieldNames(config.answer_field, config.id_field),
        skip_extra=config.on_extra == "skip",
        skip_bad=config.on_error == "skip",
        check_echoes=config.check_echoes,
        check_header=check,
    )
    read = read_predictions(path, data.all_questions, options, poses=chosen.poses)
    ids = [question.id for question in data.all_questions]
    predictions = dict(zip(ids, read.answers, strict=True))
    answers = {question.id: predictions[question.id] for question in data.questions}
    missing = [key for key, answer in answers.items() if answer is None]
    if missing and config.on_error == "raise":
        raise InputError(
            "missing_answers",
            f"{path} leaves {len(missing)} of {len(answers)} questions out, first {missing[0]!r}",
            "answer them, or leave them out of the score with --set on_error=skip",
        )
    problems = {key: read.problems.get(key, "the file has no answer to it") for key in missing}
    notes = list(read.notes)
    # Answers in the file, less those that are scored: all are of this benchmark, not of this
    # sample.
    spare = sum(text is not None for text in predictions.values()) + len(missing) - len(answers)
    if spare:
        notes.append(f"{spare} answers are to questions of these files that limit leaves out")
    return AnswerSet(list(answers.values()), None, str(path), problems, tuple(notes))


def check_against(path: Path, chosen: Benchmark, data: BenchmarkData) -> None:
    """Whether another run's file of answers is to these questions.

    Raises:
      InputError: it is missing, broken, or answers others.
    """
    check_header(read_answers(path)[0], path, chosen.name, _questions_sha256(data.files))


def finish(
    config: EvalConfig,
    chosen: Benchmark,
    data: BenchmarkData,
    answered: AnswerSet,
    out: Path,
    *,
    seconds: float = 0.0,
) -> dict[str, Any]:
    """Score the answers and write everything down.

    Returns:
      What results.json has.

    Raises:
      InputError: no question was answered.
    """
    kept = [k for k, answer in enumerate(answered.answers) if answer is not None]
    if not kept:
        raise InputError("no_answers", "no question was answered", "see the problems above")
    questions = [data.questions[k] for k in kept]
    predictions = submitted = [answer for answer in answered.answers if answer is not None]
    notes = [*data.notes, *answered.notes]
    if answered.raw is not None and config.scoring == "official":
        submitted = [answered.raw[k] for k in kept]
        notes.append(answered.raw_meaning)
    written: list[Path] = []
    try:
        written = chosen.submit(out, questions, submitted)
    except InputError as error:
        # An answer that is too long for a cell, say. The score is had all the same.
        if not data.labelled:
            raise
        notes.append(f"no submission was written: {error.message}")
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "package": __version__,
        "benchmark": chosen.name,
        "scoring": config.scoring,
        "checkpoint": answered.checkpoint,
        "answers_from": answered.source,
        "config": tree_to_json(config),
        "recipe": prompt_spec_of(config, chosen.prompt_specs).to_json(),
        "questions": len(data.questions),
        "answered": len(questions),
        "problems": answered.problems,
        "notes": notes,
        "seconds": round(seconds, 3),
        "headline": None,
        "figures": {},
        "groups": {},
        "also": {},
        "submission": [path.name for path in written],
    }
    if data.labelled:
        scores = chosen.score(questions, predictions, config.scoring)
        result["headline"] = scores.headline
        result["figures"] = metrics_to_json(scores.metrics)
        result["groups"] = {kind: metrics_to_json(rows) for kind, rows in scores.groups.items()}
        result["also"] = _other_scoring(chosen, questions, predictions, config.scoring)
        write_page(out / "wrong.html", chosen.title, questions, predictions, scores)
    else:
        result["notes"].append("these questions have no answers here: a submission was written")
    write_json(out / "results.json", result)
    if result["headline"] is not None and not chosen.poses:
        write_text(out / "table.md", paper.markdown(answered.source, {chosen.name: result}))
    return result


def _other_scoring(
    chosen: Benchmark, questions: Sequence[Question], predictions: Sequence[Any], scoring: str
) -> dict[str, Json]:
    """The same answers by the other scorer, where there is one."""
    other = "standard" if scoring == "official" else "official"
    if chosen.poses or other not in chosen.prompt_specs:
        return {}
    scores = chosen.score(questions, predictions, other)
    head = scores.metrics[scores.headline]
    return {other: {"headline": scores.headline, **head.to_json()}}


def answer_all(
    config: EvalConfig,
    chosen: Benchmark,
    data: BenchmarkData,
    checkpoint: str,
    out: Path,
    on_progress: OnProgress | None = None,
) -> tuple[AnswerSet, float]:
    """Let a checkpoint answer what it has not answered yet.

    Args:
      config: of the evaluation.
      chosen: the benchmark.
      data: its questions.
      checkpoint: as ``rm.load`` takes it.
      out: where answers.jsonl lies.
      on_progress: called with (answered, questions).

    Returns:
      The answers, and the seconds that it took now.

    Raises:
      InputError: the checkpoint or an image is wrong, or the file of answers is another's.
    """
    # Here, so that scoring a file of predictions loads no jax.
    from robomamba_jax.evaluation.runner.answer_cache import ask

    started = time.monotonic()
    # With the checkpoint's hash these say what an answer depends on. Any other value makes the file
    # of answers another one; batch size and mesh are not here: the answers are the same whatever
    # they are.
    facts = {
        "benchmark": chosen.name,
        "recipe": prompt_spec_of(config, chosen.prompt_specs).to_json(),
        "frames": config.frames,
        "dtype": config.dtype,
        "questions": _questions_sha256(data.files),
    }
    path = out / "answers.jsonl"
    done, sha, meaning = ask(config, chosen, data, checkpoint, path, facts, on_progress)
    replies = [done.get(question.id) for question in data.questions]
    return (
        AnswerSet(
            [reply and reply.answer for reply in replies],
            {"path": checkpoint, "sha256": sha},
            checkpoint,
            {reply.id: reply.reason for reply in replies if reply and reply.answer is None},
            raw=[reply and reply.raw for reply in replies] if chosen.poses else None,
            raw_meaning=meaning,
        ),
        time.monotonic() - started,
    )


def _questions_sha256(files: Sequence[Path]) -> str:
    """One hash of the questions' files."""
    hashes = [file_sha256(path) for path in files]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def collect(folder: Path) -> dict[str, dict[str, Any]]:
    """The results of several benchmarks, one folder each, below a folder.

    Raises:
      InputError: there are none, or one is broken.
    """
    found: dict[str, dict[str, Any]] = {}
    sources: dict[str, Path] = {}
    for path in sorted(folder.glob("*/results.json")):
        content = parse_json(read_bytes(path), str(path))
        lacking = [name for name in _NEEDED if not isinstance(content, dict) or name not in content]
        if lacking:
            what = f"{path} is no result: it has no {lacking[0]}"
            raise InputError("bad_json", what, "run it again")
        name = str(content["benchmark"])
        if name in found:
            what = f"{sources[name]} and {path} are both results of {name}"
            raise InputError("surplus_input", what, "leave one of them below the folder")
        found[name], sources[name] = content, path
    if not found:
        raise InputError(
            "missing_file", f"{folder} has no */results.json", "give the folder of eval.py's --out"
        )
    return found
