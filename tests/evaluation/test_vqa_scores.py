# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""VQA's and GQA's scores beside lmms-eval's, the repository's beside its written rules."""

import random
import re
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.evaluation.metrics.vqa_accuracy import (
    gqa_correct,
    gqa_correct_official,
    leave_one_out,
    vizwiz_accuracy_official,
    vqa_accuracy,
    vqa_accuracy_official,
    vqa_accuracy_original,
)
from robomamba_jax.evaluation.metrics.vqa_normalization import normalized, normalized_evalai
from tests.evaluation import others


def test_words_are_rewritten_as_by_both_processors() -> None:
    """Five thousand answers with marks, numbers, contractions, line ends."""
    evalai, challenge = others.evalai(), others.vqa_eval()
    for text in others.texts(5000):
        assert normalized_evalai(text) == evalai(text), repr(text)
        assert normalized(text) == challenge(text), repr(text)


@given(st.text(alphabet="ab 1.,'?!-/\n\u00a0A'snot", max_size=30))
def test_words_of_any_text(text: str) -> None:
    """The same for texts that nobody thought of."""
    assert normalized_evalai(text) == others.evalai()(text)
    assert normalized(text) == others.vqa_eval()(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A Dog.", "dog"),
        ("two", "2"),
        ("dont", "don't"),
        ("1,000", "1000"),
        ("the red-cup!", "red cup"),
        ("Yes, it is", "yes it is"),
    ],
)
def test_known_words(text: str, wanted: str) -> None:
    """Answers whose reading is written down."""
    assert normalized_evalai(text) == wanted
    assert normalized(text) == wanted


def test_at_most_32_periods_go() -> None:
    """The challenge's code gives a flag where a count is due; so does lmms-eval's."""
    text = "a." * 40
    assert normalized(text) == others.vqa_eval()(text)
    assert normalized(text).count(".") == 8


def _people(rng: random.Random, pool: list[str]) -> list[str]:
    few = rng.sample(pool, rng.randint(1, 4))
    return [rng.choice(few) for _ in range(10)]


def test_accuracy_is_that_of_lmms_eval() -> None:
    """VizWiz' scorer of lmms-eval, word for word: it leaves people out by their number."""
    processor, rng, pool = others.evalai(), random.Random(3), others.texts(300, 5)
    for _ in range(1500):
        wanted = _people(rng, pool)
        said = rng.choice([*wanted, rng.choice(pool)])
        people = [processor(text) for text in wanted]
        mine = processor(said)
        scores = [
            min(1, sum(other == mine for j, other in enumerate(people) if j != i) / 3)
            for i in range(10)
        ]
        found = vqa_accuracy(said, wanted, normalized_evalai)
        assert found == pytest.approx(statistics.mean(scores), abs=1e-12)


@pytest.mark.parametrize(
    ("count", "wanted"), [(0, 0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1), (10, 1)]
)
def test_the_usual_accuracies(count: int, wanted: float) -> None:
    """Of ten people, as the challenge's page has them."""
    assert leave_one_out([k < count for k in range(10)]) == pytest.approx(wanted)


def test_the_challenge_code_normalises_only_where_people_differ() -> None:
    """All said "yes": "Yes." is wrong there, and right elsewhere."""
    same = ["yes"] * 10
    assert vqa_accuracy("Yes.", same) == 1
    assert vqa_accuracy_original("Yes.", same) == 0
    assert vqa_accuracy_original("yes ", same) == 1
    assert vqa_accuracy_original("Yes.", ["yes"] * 9 + ["no"]) == 1


def _literal_vqa(said: str, wanted: list[str]) -> float:
    """The repository's judger.py by its rules, with lmms-eval's rewriting of words."""
    process = others.vqa_eval()
    said = said.strip().replace("\n", " ").split("Answer:")[0]
    said = process(said)
    answers = [process(text) for text in wanted]
    total = []
    for left in range(len(answers)):
        matching = 0
        for other in range(len(answers)):
            if other == left:
                continue
            prefix = said[: len(answers[other])] == answers[other]
            words = True
            for word in answers[other].split():
                if word.lower() not in said:
                    words = False
            if prefix or words:
                matching += 1
        total.append(min(1, matching / 3))
    return sum(total) / len(total)


def _literal_vizwiz(said: str, wanted: list[tuple[str, str]]) -> float:
    """The repository's judge_viz by its rules."""
    marks = [";", "/", "[", "]", '"', "{", "}", "(", ")", "=", "+", "\\", "_", "-", ">", "<", "@"]
    marks += ["`", ",", "?", "!", ":"]

    def clean(text: str) -> str:
        for mark in marks:
            text = text.replace(mark, " ")
        return text.replace("\n", " ").replace("\t", " ").strip()

    said = clean(said.strip().replace("\n", " ").split("Answer:")[0].lower())
    rows = [{"answer": clean(text), "answer_confidence": sure} for text, sure in wanted]
    total = []
    for left in rows:
        rest = [row["answer"] for row in rows if row != left]
        good = [
            text
            for text in rest
            if said[: len(text)] == text or all(word.lower() in said for word in text.split())
        ]
        total.append(min(1, len(good) / 3))
    return sum(total) / len(total)


def _literal_gqa(said: str, wanted: str) -> bool:
    """The repository's judge_gqa by its rules."""
    both = []
    for text in (wanted, said.strip().replace("\n", " ")):
        text = re.sub("men", "man", text.lower())
        text = re.sub("drapes", "curtains", text)
        both.append(re.sub("girl", "woman", text))
    right, mine = both
    if mine[: len(right)] == right:
        return True
    return not [word for word in right.split() if word not in mine.split()]


def test_official_scores_are_the_rules() -> None:
    """Two thousand answers each."""
    rng, pool = random.Random(7), others.texts(400, 9)
    for _ in range(2000):
        wanted = _people(rng, pool)
        said = rng.choice([*wanted, rng.choice(pool), rng.choice(wanted) + rng.choice(pool)])
        sure = [(text, rng.choice(("yes", "maybe"))) for text in wanted]
        assert vqa_accuracy_official(said, wanted) == pytest.approx(_literal_vqa(said, wanted))
        assert vizwiz_accuracy_official(said, sure) == pytest.approx(_literal_vizwiz(said, sure))
        assert gqa_correct_official(said, wanted[0]) == _literal_gqa(said, wanted[0])


def test_what_the_official_scorers_let_pass() -> None:
    """And what they do not: unanimous people make VizWiz' answers wrong."""
    assert gqa_correct_official("nothing", "no")
    assert not gqa_correct("nothing", "no")
    assert gqa_correct("No.", "no")
    assert vqa_accuracy_official("yes and then some junk", ["yes"] * 10) == 1
    assert vqa_accuracy("yes and then some junk", ["yes"] * 10) == 0
    assert vqa_accuracy_official("a categorical answer", ["cat"] * 10) == 1
    assert vizwiz_accuracy_official("yes", [("yes", "yes")] * 10) == 0
    assert vqa_accuracy("yes", ["yes"] * 10) == 1
