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
from robomamba_jax.evaluation.answers.predictions import Rules, read_checked
from robomamba_jax.evaluation.benchmarks.aggregate import figures_to_json
from robomamba_jax.evaluation.benchmarks.base import Benchmark, Item, Loaded, Scores
from robomamba_jax.evaluation.benchmarks.prompts import recipe_of
from robomamba_jax.evaluation.benchmarks.question_files import write_json, write_text
from robomamba_jax.evaluation.benchmarks.registry import benchmark
from robomamba_jax.evaluation.runner import paper
from robomamba_jax.evaluation.runner.page import write_page
from robomamba_jax.evaluation.synthetic.benchmark_files import at_toy, write_toy
from robomamba_jax.utils.hashes import file_sha256
from robomamba_jax.utils.progress import OnProgress
from robomamba_jax.utils.untrusted_text import parse_json, read_bytes
from robomamba_jax.utils.version import __version__

SCHEMA = "robomamba.eval/1"
_NEEDED = ("benchmark", "answers_from", "scoring", "headline", "figures")  # of a result in a table


@dataclasses.dataclass(frozen=True)
class Answered:
    """What was said, and who said it.

    Attributes:
      answers: per item; None where there is none.
      checkpoint: {"path", "sha256"}; None for a file of predictions.
      source: in one word or path, for tables.
      problems: id -> why it has no answer.
      notes: what was left out, in whole sentences.
      raw: of poses per item the head's own numbers; None for texts and for a file of predictions.
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
) -> tuple[EvalConfig, Benchmark, Loaded]:
    """The benchmark's questions, as many as are wanted.

    Args:
      config: of the evaluation; with ``toy`` its questions are drawn and written first.
      out: where such go.
      write: whether this process writes them; another one has.

    Raises:
      InputError: a file is missing or wrong.
    """
    chosen = benchmark(config.benchmark)
    recipe_of(config, chosen)  # a wrong name is said before anything is read
    if config.toy:
        config = (write_toy if write else at_toy)(config, out / "toy")
    if config.judge and config.benchmark != "mmvet":
        what = f"judge={config.judge} is for mmvet, and {config.benchmark} has none"
        raise InputError("bad_config", what, "leave it out: --set judge=")
    loaded = chosen.load(config)
    if not loaded.items:
        names = " and ".join(map(str, loaded.files))
        raise InputError("no_questions", f"{names} has no questions", "give another file")
    _check_unique(loaded.items)
    whole = len(loaded.items)
    if config.limit and config.limit < whole:
        if config.benchmark in ("mmbench", "mme"):
            raise InputError(
                "bad_config",
                f"limit={config.limit} would tear apart what {chosen.title} counts together",
                "leave limit out",
            )
        kept = tuple(loaded.items[k] for k in drawn(whole, config.limit))
        note = f"limit: {len(kept)} of {whole} questions; a server wants them all"
        everything = loaded.items
        loaded = dataclasses.replace(
            loaded, items=kept, notes=(*loaded.notes, note), whole=everything
        )
    return config, chosen, loaded


def _check_unique(items: Sequence[Item]) -> None:
    known: dict[str, Item] = {}
    for item in items:
        first = known.setdefault(item.id, item)
        if first is item:
            continue
        if first.file == item.file:
            what, fix = f"{item.file} has two questions {item.id!r}", "fix the file"
        else:
            what = f"{first.file} and {item.file} both have a question {item.id!r}"
            fix = "score them apart: --set files.questions=..."
        raise InputError("bad_record", what, fix)


def drawn(whole: int, limit: int) -> list[int]:
    """Places of ``limit`` items out of ``whole``, the same each time, in order.

    Not every n-th: POPE's labels alternate, and every second question would be answered by no.
    """
    return sorted(np.random.default_rng(0).permutation(whole)[:limit].tolist())


def from_predictions(config: EvalConfig, path: Path, loaded: Loaded) -> Answered:
    """Answers that somebody else has made.

    Raises:
      InputError: questions are left out, and may not be; or see ``read_checked``.
    """
    chosen = benchmark(config.benchmark)

    def ours(file: Path, header: Mapping[str, Any]) -> None:
        check_header(header, file, chosen.name, _digest(loaded.files))

    read = read_checked(path, loaded.known, Rules.of(config, ours), poses=chosen.poses)
    said = {item.id: answer for item, answer in zip(loaded.known, read.answers, strict=True)}
    answers = [said[item.id] for item in loaded.items]
    missing = [item.id for item, text in zip(loaded.items, answers, strict=True) if text is None]
    if missing and config.on_error == "raise":
        raise InputError(
            "missing_answers",
            f"{path} leaves {len(missing)} of {len(answers)} questions out, first {missing[0]!r}",
            "answer them, or leave them out of the score with --set on_error=skip",
        )
    problems = {key: read.problems.get(key, "the file has no answer to it") for key in missing}
    notes = list(read.notes)
    spare = sum(text is not None for text in said.values()) + len(missing) - len(answers)
    if spare:
        notes.append(f"{spare} answers are to questions of these files that limit leaves out")
    return Answered(answers, None, str(path), problems, tuple(notes))


def check_against(path: Path, chosen: Benchmark, loaded: Loaded) -> None:
    """Whether another run's file of answers is to these questions.

    Raises:
      InputError: it is missing, broken, or answers others.
    """
    check_header(read_answers(path)[0], path, chosen.name, _digest(loaded.files))


def finish(
    config: EvalConfig,
    chosen: Benchmark,
    loaded: Loaded,
    answered: Answered,
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
        (item, said)
        for item, said in zip(loaded.items, answered.answers, strict=True)
        if said is not None
    ]
    if not pairs:
        raise InputError("no_answers", "no question was answered", "see the problems above")
    items, said = [item for item, _ in pairs], [text for _, text in pairs]
    told, notes = said, [*loaded.notes, *answered.notes]
    if answered.raw is not None and config.scoring == "official":
        pairs = zip(answered.raw, answered.answers, strict=True)
        told = [numbers for numbers, answer in pairs if answer is not None]
        notes.append(answered.raw_meaning)
    written, unwritten = _submitted(chosen, loaded, items, told, out)
    result: dict[str, Any] = {
        "schema": SCHEMA,
        "package": __version__,
        "benchmark": chosen.name,
        "scoring": config.scoring,
        "checkpoint": answered.checkpoint,
        "answers_from": answered.source,
        "config": tree_to_json(config),
        "recipe": recipe_of(config, chosen).to_json(),
        "questions": len(loaded.items),
        "answered": len(items),
        "problems": answered.problems,
        "notes": [*notes, *unwritten],
        "seconds": round(seconds, 3),
        "headline": None,
        "figures": {},
        "groups": {},
        "also": {},
        "submission": [path.name for path in written],
    }
    if loaded.labelled:
        scores = chosen.score(items, said, config.scoring)
        result |= _as_json(scores)
        result["also"] = _other(chosen, items, said, config.scoring)
        write_page(out / "wrong.html", chosen.title, items, said, scores)
    else:
        result["notes"].append("these questions have no answers here: a submission was written")
    write_json(out / "results.json", result)
    if result["headline"] is not None and not chosen.poses:
        write_text(out / "table.md", paper.markdown(answered.source, {chosen.name: result}))
    return result


def _submitted(
    chosen: Benchmark, loaded: Loaded, items: Sequence[Item], said: Sequence[Any], out: Path
) -> tuple[list[Path], list[str]]:
    """The submission's files; or a note, where answers do not fit into one and a score is had."""
    try:
        return chosen.submit(out, items, said), []
    except InputError as error:
        if not loaded.labelled:
            raise
        return [], [f"no submission was written: {error.message}"]


def _as_json(scores: Scores) -> dict[str, Any]:
    return {
        "headline": scores.headline,
        "figures": figures_to_json(scores.figures),
        "groups": {kind: figures_to_json(rows) for kind, rows in scores.groups.items()},
    }


def _other(
    chosen: Benchmark, items: Sequence[Item], said: Sequence[Any], scoring: str
) -> dict[str, Any]:
    """The same answers by the other scorer, where there is one."""
    other = "standard" if scoring == "official" else "official"
    if chosen.poses or other not in chosen.recipes:
        return {}
    scores = chosen.score(items, said, other)
    head = scores.figures[scores.headline]
    return {other: {"headline": scores.headline, **head.to_json()}}


def answer_all(
    config: EvalConfig,
    chosen: Benchmark,
    loaded: Loaded,
    checkpoint: str,
    out: Path,
    tell: OnProgress | None = None,
) -> tuple[Answered, float]:
    """Let a checkpoint answer what it has not answered yet.

    Args:
      config: of the evaluation.
      chosen: the benchmark.
      loaded: its questions.
      checkpoint: as ``rm.load`` takes it.
      out: where answers.jsonl lies.
      tell: told how many are answered, of how many.

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
        "recipe": recipe_of(config, chosen).to_json(),
        "frames": config.frames,
        "dtype": config.dtype,
        "questions": _digest(loaded.files),
    }
    done, sha, meaning = ask(config, chosen, loaded, checkpoint, out / "answers.jsonl", facts, tell)
    answers = [done[item.id].answer if item.id in done else None for item in loaded.items]
    asked = {item.id for item in loaded.items}
    problems = {
        key: reply.reason for key, reply in done.items() if reply.answer is None and key in asked
    }
    identity = {"path": checkpoint, "sha256": sha}
    raw = None
    if chosen.poses:
        raw = [done[item.id].raw if item.id in done else None for item in loaded.items]
    answered = Answered(answers, identity, checkpoint, problems, raw=raw, raw_meaning=meaning)
    return answered, time.monotonic() - started


def _digest(files: Sequence[Path]) -> str:
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
