# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of the demo: whose answers are compared with whose, and by which figure."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.config.tree import tree_to_json
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.demo import benchmarks
from robomamba_jax.demo.benchmarks import blinded, evaluate, majority_answer, shuffled
from robomamba_jax.demo.plan import MODES, DemoPlan
from robomamba_jax.demo.results import BenchmarkResult, read
from robomamba_jax.evaluation.benchmarks.base import BenchmarkData, Question
from robomamba_jax.evaluation.metrics.multiple_choice import ROTATION
from robomamba_jax.evaluation.runner import run
from robomamba_jax.evaluation.runner.run import AnswerSet
from robomamba_jax.evaluation.synthetic.benchmark_files import files_of, write_toy
from tests.evaluation.runs import right

PLAN = dataclasses.replace(MODES["smoke"], benchmarks=("pope", "vqav2"), questions=0)
NAMES = ("pope", "vqav2", "gqa", "okvqa", "vizwiz", "mme", "mmbench", "robovqa", "manipulation")
Answerer = Callable[[Question], Any]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn pictures' benchmarks, where the world writes its own."""
    root = tmp_path_factory.mktemp("bench")
    for name in NAMES:
        write_toy(EvalConfig(name, FilesConfig(""), toy=12), root / name)
    return root


def loaded(bench: Path, name: str, out: Path) -> BenchmarkData:
    """A benchmark's questions."""
    return run.load(EvalConfig(name, FilesConfig(**files_of(name, str(bench / name)))), out)[2]


def pixels(item: Question) -> np.ndarray:
    """What a question shows."""
    return np.asarray(open_ref(item.load_images()[0]).convert("RGB"))


@dataclasses.dataclass
class Script:
    """Answers instead of a model's, and a note of who was asked what."""

    sees: Answerer
    guesses: Answerer
    asked: list[tuple[str, str, bool, BenchmarkData, str]] = dataclasses.field(default_factory=list)

    def __call__(
        self,
        config: EvalConfig,
        chosen: Any,
        questions: BenchmarkData,
        checkpoint: str,
        out: Path,
        tell: Callable[[int, int], None],
    ) -> tuple[AnswerSet, float]:
        """As ``run.answer_all``."""
        blind = all((pixels(item) == 128).all() for item in questions.questions)
        self.asked.append((chosen.name, out.name, blind, questions, checkpoint))
        tell(len(questions.questions), len(questions.questions))
        said = [(self.guesses if blind else self.sees)(item) for item in questions.questions]
        return AnswerSet(said, {"path": checkpoint, "sha256": "ab"}, checkpoint, {}), 2.5


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Who sees is always right, who does not says yes."""
    made = Script(right, lambda item: "yes")
    monkeypatch.setattr(benchmarks.run, "answer_all", made)
    return made


def questions(*answers: tuple[str, ...]) -> BenchmarkData:
    """Questions with these answers, each about a gray level of its own."""

    def of(level: int) -> Callable[[], tuple[Any, ...]]:
        return lambda: (np.full((8, 8, 3), level, np.uint8),)

    items = [Question(str(k), "?", of(k), said) for k, said in enumerate(answers)]
    return BenchmarkData(tuple(items), True, ())


def test_the_majority() -> None:
    """Of first answers; nothing where nobody knows any."""
    assert majority_answer(questions(("a", "b"), ("b",), ("b", "a"), ())) == "b"
    assert majority_answer(questions(("a", "b"), ("a", "b"), ("b",))) == "a"
    assert majority_answer(questions((), ())) is None
    assert majority_answer(questions()) is None


@pytest.mark.parametrize("name", ["pope", "vqav2", "gqa", "okvqa"])
def test_no_other_constant_answer_is_better(bench: Path, tmp_path: Path, name: str) -> None:
    """Of those that are right somewhere, by the figure that the demo prints; else the baseline
    would be a straw man."""
    found = loaded(bench, name, tmp_path)
    config = EvalConfig(name, FilesConfig(**files_of(name, str(bench / name))))
    _, chosen, _ = run.load(config, tmp_path)

    def value(said: str) -> float:
        scores = chosen.score(found.questions, [said] * len(found.questions), "standard")
        return scores.metrics[benchmarks.HEADLINES.get(name, scores.headline)].value

    majority = majority_answer(found)
    assert majority is not None
    every = {text for item in found.questions for text in item.references}
    assert value(majority) == max(value(said) for said in every) > 0


def test_grey_pictures(bench: Path, tmp_path: Path) -> None:
    """For each question one; all else stays, and the questions themselves are not touched."""
    found = loaded(bench, "vqav2", tmp_path)
    before = [pixels(item) for item in found.questions]
    blind = blinded(found)
    assert all((pixels(item) == 128).all() for item in blind.questions)
    assert [pixels(item).shape for item in blind.questions] == [(224, 224, 3)] * len(
        found.questions
    )
    for ours, theirs in zip(blind.questions, found.questions, strict=True):
        assert dataclasses.replace(ours, load_images=theirs.load_images) == theirs
    assert (blind.files, blind.labelled, blind.notes) == (found.files, found.labelled, found.notes)
    for item, old in zip(found.questions, before, strict=True):
        np.testing.assert_array_equal(pixels(item), old)


@pytest.mark.parametrize("count", [2, 5, 6])
def test_each_question_gets_anothers_picture(count: int) -> None:
    """All pictures are still asked about once, none by its own question; answers stay."""
    found = questions(*[(str(k),) for k in range(count)])
    mixed = shuffled(found)
    levels = [int(pixels(item)[0, 0, 0]) for item in mixed.questions]
    assert sorted(levels) == list(range(count))
    assert all(level != k for k, level in enumerate(levels))
    assert [item.references for item in mixed.questions] == [
        item.references for item in found.questions
    ]
    assert [item.id for item in mixed.questions] == [item.id for item in found.questions]


@pytest.mark.parametrize("name", ["pope", "vqav2", "robovqa"])
def test_shuffled_benchmarks_show_other_scenes(bench: Path, tmp_path: Path, name: str) -> None:
    """Also where a picture is asked about several times: no question keeps its scene."""
    found = loaded(bench, name, tmp_path)
    own = [pixels(item).tobytes() for item in found.questions]
    shown = [pixels(item).tobytes() for item in shuffled(found).questions]
    assert Counter(own) == Counter(shown)
    assert not any(a == b for a, b in zip(own, shown, strict=True))


def test_an_entry(bench: Path, tmp_path: Path, script: Script) -> None:
    """The model's figure beside those of the two who cannot see; POPE by its accuracy."""
    told: list[Any] = []
    found = evaluate(
        PLAN, bench, tmp_path / "model", tmp_path / "out", on_progress=lambda *at: told.append(at)
    )
    assert list(found) == ["pope", "vqav2"]
    entry = found["pope"]
    assert (entry.title, entry.metric, entry.value) == ("POPE", "accuracy", 1.0)
    assert entry.n == 36
    assert entry.seconds == 2.5
    # Half of the answers are yes, so both who always say it are right half of the time.
    assert set(entry.baselines) == {"majority", "blind"}
    assert entry.baseline == 0.5
    assert {known.value for known in entry.baselines.values()} == {0.5}
    assert entry.baselines["majority"].what in ("always 'yes'", "always 'no'")
    assert entry.baselines["blind"].what == "the same model, its image replaced by grey"
    interval = entry.baselines["blind"].ci95
    assert interval is not None
    low, high = interval
    assert low < 0.5 < high
    assert set(entry.groups) == {"kind", "label"}
    assert entry.figures["f1_mean"]["value"] == 1
    asked = [(name, folder, blind) for name, folder, blind, _, _ in script.asked]
    assert asked == [
        *(("pope", "pope", False), ("pope", "blind", True)),
        *(("vqav2", "vqav2", False), ("vqav2", "blind", True)),
    ]
    assert {checkpoint for *_, checkpoint in script.asked} == {str(tmp_path / "model")}
    assert told == [("POPE", 36, 36)] * 2 + [("VQAv2", 12, 12)] * 2
    for path in ("", "majority", "blind"):
        assert (tmp_path / "out" / "pope" / path / "results.json").is_file()


def test_the_same_questions_are_compared(bench: Path, tmp_path: Path, script: Script) -> None:
    """With each baseline, by McNemar's test where answers are right or wrong; a question that one
    of the two has no answer to is left out."""
    found = evaluate(PLAN, bench, tmp_path, tmp_path / "a")["pope"]
    for name in ("majority", "blind"):
        test = found.baselines[name].paired
        assert test is not None
        # Half of them are answered by yes, or by no.
        assert (test.test, test.n, test.better, test.worse) == ("mcnemar", 36, 18, 0)
        assert test.p == pytest.approx(2 * 0.5**18)
    script.guesses = lambda item: None if item.id.endswith("-1") else "yes"
    found = evaluate(PLAN, bench, tmp_path, tmp_path / "b", names=("pope",))["pope"]
    test = found.baselines["blind"].paired
    assert test is not None
    assert test.n < 36
    script.guesses = lambda item: "yes"
    mme = evaluate(PLAN, bench, tmp_path, tmp_path / "c", names=("mme",))["mme"]
    test = mme.baselines["blind"].paired
    assert test is not None
    assert (test.test, test.n, test.worse) == ("bootstrap", mme.n, 0)
    assert read(BenchmarkResult, tree_to_json(mme)) == mme


def test_what_a_headline_does_not_say(bench: Path, tmp_path: Path, script: Script) -> None:
    """POPE's share of yes, what of BLEU is possible, and whether it is known what cannot be
    answered; of the baselines, too."""
    names = ("pope", "robovqa", "vizwiz", "vqav2")
    found = evaluate(PLAN, bench, tmp_path, tmp_path / "out", names=names)
    assert {name: tuple(entry.more) for name, entry in found.items()} == {
        **{name: benchmarks.MORE[name] for name in ("pope", "robovqa", "vizwiz")},
        "vqav2": (),
    }
    yes = found["pope"].more["yes_share"]
    assert (yes.value, yes.baselines["blind"].value, yes.n) == (0.5, 1.0, 36)
    more = found["robovqa"].more
    assert more["share_of_ceiling"].value == 1.0
    assert more["bleu4_ceiling"].value == found["robovqa"].value
    assert more["bleu4_ceiling"].baselines == {}
    # To say yes more often is neither better nor worse.
    assert yes.baselines["blind"].paired is None
    knows = found["vizwiz"].more["unanswerable_balanced"]
    assert (knows.value, knows.baselines["blind"].value) == (1.0, 0.5)
    assert knows.baselines["blind"].paired is not None
    assert knows.baselines["blind"].paired.test == "bootstrap"


def test_the_best_of_the_blind_is_the_baseline(bench: Path, tmp_path: Path, script: Script) -> None:
    """Whichever it is; and a model that sees worse than they guess is said to."""
    script.sees, script.guesses = (lambda item: "nothing"), right
    entry = evaluate(PLAN, bench, tmp_path, tmp_path / "a", names=("vqav2",))["vqav2"]
    assert (entry.value, entry.baseline) == (0.0, 1.0)
    script.guesses = lambda item: "nothing"
    entry = evaluate(PLAN, bench, tmp_path, tmp_path / "b", names=("vqav2",))["vqav2"]
    assert entry.baselines["blind"].value == 0
    assert entry.baseline == entry.baselines["majority"].value > 0


def test_poses_have_no_one_to_be_compared_with(bench: Path, tmp_path: Path, script: Script) -> None:
    """A mean pose is a rollout's reference; no text is asked of it."""
    entry = evaluate(PLAN, bench, tmp_path, tmp_path / "out", names=("manipulation",))
    assert entry["manipulation"].metric == "contact_pixels"
    assert entry["manipulation"].value == pytest.approx(0, abs=1e-9)
    assert entry["manipulation"].baselines == {}
    assert entry["manipulation"].baseline is None
    assert len(script.asked) == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_has_its_figure(
    bench: Path, tmp_path: Path, script: Script, name: str
) -> None:
    """The right answers are best; what counts questions together is asked whole."""
    plan = dataclasses.replace(PLAN, questions=5)
    entry = evaluate(plan, bench, tmp_path, tmp_path / "out", names=(name,), blind=False)[name]
    assert entry.metric in entry.figures
    asked = len(script.asked[0][3].questions)
    whole = len(loaded(bench, name, tmp_path).questions)
    if name == "mmbench":
        # Whole circles up to twice as many rows, of which the last one may exceed them.
        rows = Counter(item.metadata["index"] % ROTATION for item in script.asked[0][3].questions)
        assert 10 <= asked < 10 + max(rows.values()) <= whole
        assert all(
            count == item.metadata["rotations"]
            for item in script.asked[0][3].questions
            for count in [rows[item.metadata["index"] % ROTATION]]
        )
    else:
        assert asked == (whole if name == "mme" else 5)
    assert "blind" not in entry.baselines
    if name != "manipulation":
        assert entry.value is not None
        assert entry.baseline is not None
        assert entry.value > entry.baseline


def test_questions_that_are_changed_first(bench: Path, tmp_path: Path, script: Script) -> None:
    """An ablation's are asked, of the model and of nobody else."""
    seen: list[BenchmarkData] = []

    def altered(found: BenchmarkData) -> BenchmarkData:
        seen.append(found)
        return shuffled(found)

    evaluate(PLAN, bench, tmp_path, tmp_path, names=("pope",), blind=False, altered=altered)
    (asked,) = script.asked
    for item, own in zip(asked[3].questions, seen[0].questions, strict=True):
        assert (pixels(item) != pixels(own)).any()


def test_modes_ask_what_they_can_write(bench: Path) -> None:
    """Every mode's benchmarks are known, and its poses are asked last."""
    plans: list[DemoPlan] = list(MODES.values())
    for plan in plans:
        assert set(plan.benchmarks) <= set(NAMES)
        assert plan.benchmarks[-1] == "manipulation"
