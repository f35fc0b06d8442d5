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
from robomamba_jax.evaluation.answers.predictions import ReadOptions, read_checked
from robomamba_jax.evaluation.benchmarks.aggregate import metrics_to_json
from robomamba_jax.evaluation.benchmarks.base import Benchmark, BenchmarkData, Question, Scores
from robomamba_jax.evaluation.benchmarks.prompts import prompt_spec_of
from robomamba_jax.evaluation.benchmarks.question_files import write_json, write_text
from robomamba_jax.evaluation.benchmarks.registry import benchmark
from robomamba_jax.evaluation.runner import paper
from robomamba_jax.evaluation.runner.page import write_page
from robomamba_jax.evaluation.synthetic.benchmark_files import toy_config, write_toy
from robomamba_jax.utils.hashes import file_sha256
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

    answers: list[Any]
    checkpoint: dict[str, str] | None
    source: str
    problems: dict[str, str]
    notes: tuple[str, ...] = ()
    raw: list[Any] | None = None
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
    prompt_spec_of(config, chosen)  # a wrong name is said before anything is read
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
        if first.file == question.file:
            what, fix = f"{question.file} has two questions {question.id!r}", "fix the file"
        else:
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
      InputError: questions are left out, and may not be; or see ``read_checked``.
    """
    chosen = benchmark(config.benchmark)

    def ours(file: Path, header: Mapping[str, Any]) -> None:
        check_header(header, file, chosen.name, _questions_sha256(data.files))

    read = read_checked(path, data.all_questions, ReadOptions.of(config, ours), poses=chosen.poses)
    predictions = {
        question.id: answer
        for question, answer in zip(data.all_questions, read.answers, strict=True)
    }
    answers = [predictions[question.id] for question in data.questions]
    missing = [
        question.id for question, text in zip(data.questions, answers, strict=True) if text is None
    ]
    if missing and config.on_error == "raise":
        raise InputError(
            "missing_answers",
            f"{path} leaves {len(missing)} of {len(answers)} questions out, first {missing[0]!r}",
            "answer them, or leave them out of the score with --set on_error=skip",
        )
    problems = {key: read.problems.get(key, "the file has no answer to it") for key in missing}
    notes = list(read.notes)
    spare = sum(text is not None for text in predictions.values()) + len(missing) - len(answers)
    if spare:
        notes.append(f"{spare} answers are to questions of these files that limit leaves out")
    return AnswerSet(answers, None, str(path), problems, tuple(notes))


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
    pairs = [
        (question, predictions)
        for question, predictions in zip(data.questions, answered.answers, strict=True)
        if predictions is not None
    ]
    if not pairs:
        raise InputError("no_answers", "no question was answered", "see the problems above")
    questions, predictions = [question for question, _ in pairs], [text for _, text in pairs]
    submitted, notes = predictions, [*data.notes, *answered.notes]
    if answered.raw is not None and config.scoring == "official":
        pairs = zip(answered.raw, answered.answers, strict=True)
        submitted = [numbers for numbers, answer in pairs if answer is not None]
        notes.append(answered.raw_meaning)
    written, unwritten = _submitted(chosen, data, questions, submitted, out)
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "package": __version__,
        "benchmark": chosen.name,
        "scoring": config.scoring,
        "checkpoint": answered.checkpoint,
        "answers_from": answered.source,
        "config": tree_to_json(config),
        "recipe": prompt_spec_of(config, chosen).to_json(),
        "questions": len(data.questions),
        "answered": len(questions),
        "problems": answered.problems,
        "notes": [*notes, *unwritten],
        "seconds": round(seconds, 3),
        "headline": None,
        "figures": {},
        "groups": {},
        "also": {},
        "submission": [path.name for path in written],
    }
    if data.labelled:
        scores = chosen.score(questions, predictions, config.scoring)
        result |= _as_json(scores)
        result["also"] = _other_scoring(chosen, questions, predictions, config.scoring)
        write_page(out / "wrong.html", chosen.title, questions, predictions, scores)
    else:
        result["notes"].append("these questions have no answers here: a submission was written")
    write_json(out / "results.json", result)
    if result["headline"] is not None and not chosen.poses:
        write_text(out / "table.md", paper.markdown(answered.source, {chosen.name: result}))
    return result


def _submitted(
    chosen: Benchmark,
    data: BenchmarkData,
    questions: Sequence[Question],
    predictions: Sequence[Any],
    out: Path,
) -> tuple[list[Path], list[str]]:
    """The submission's files; or a note, where answers do not fit into one and a score is had."""
    try:
        return chosen.submit(out, questions, predictions), []
    except InputError as error:
        if not data.labelled:
            raise
        return [], [f"no submission was written: {error.message}"]


def _as_json(scores: Scores) -> dict[str, Any]:
    return {
        "headline": scores.headline,
        "figures": metrics_to_json(scores.metrics),
        "groups": {kind: metrics_to_json(rows) for kind, rows in scores.groups.items()},
    }


def _other_scoring(
    chosen: Benchmark, questions: Sequence[Question], predictions: Sequence[Any], scoring: str
) -> dict[str, Any]:
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
    facts = {
        "benchmark": chosen.name,
        "recipe": prompt_spec_of(config, chosen).to_json(),
        "frames": config.frames,
        "dtype": config.dtype,
        "questions": _questions_sha256(data.files),
    }
    done, sha, meaning = ask(
        config, chosen, data, checkpoint, out / "answers.jsonl", facts, on_progress
    )
    answers = [
        done[question.id].answer if question.id in done else None for question in data.questions
    ]
    question_ids = {question.id for question in data.questions}
    problems = {
        key: reply.reason
        for key, reply in done.items()
        if reply.answer is None and key in question_ids
    }
    identity = {"path": checkpoint, "sha256": sha}
    raw = None
    if chosen.poses:
        raw = [
            done[question.id].raw if question.id in done else None for question in data.questions
        ]
    answered = AnswerSet(answers, identity, checkpoint, problems, raw=raw, raw_meaning=meaning)
    return answered, time.monotonic() - started


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
