# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The accuracy of an answer that several people gave, and of GQA's single one.

Standard: Antol et al. 2015. Official: as RoboMamba's repository scores
(https://github.com/lmzpai/roboMamba, src/test.py and src/judger.py), which calls an answer
right that begins with a reference or holds all its words somewhere, even inside of others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from robomamba_jax.evaluation.metrics.vqa_normalization import normalized, one_line

# People who agree make an answer right (Antol et al. 2015): of ten people seldom all say the same,
# and "couch" and "sofa" may both be right.
_ENOUGH = 3


def leave_one_out(matches: Sequence[bool]) -> float:
    """The mean over the people left out of min(others who agree / 3, 1).

    Args:
      matches: whether each person's answer is the one judged.
    """
    if not matches:
        return 0.0
    # All but one person judge the answer, each one left out in turn, so that people's own answers
    # can be scored by the same rule. If 3 of 10 agree, the three see 2 others and give 2/3, the
    # seven give 1: .9 in all, and not 1 as the min(n / 3, 1) of most papers says. 4 of 10 are
    # enough for 1.
    count = sum(matches)
    without = [min(1.0, (count - match) / _ENOUGH) for match in matches]
    return sum(without) / len(without)


def vqa_accuracy(
    answer: str, references: Sequence[str], normalize: Callable[[str], str] = normalized
) -> float:
    """From 0 to 1; both sides normalised whether or not people agree, as EvalAI does.

    Args:
      answer: the model's.
      references: each person's answer, usually ten.
      normalize: how words are compared.
    """
    prediction = normalize(answer)
    return leave_one_out([normalize(text) == prediction for text in references])


def vqa_accuracy_original(answer: str, references: Sequence[str]) -> float:
    """As the challenge's code: nothing is normalised where all people agree."""
    references = [one_line(text) for text in references]
    # vqaEval.py normalises to bring people together, and sees no need where they are: "Yes." is
    # then wrong for ten times "yes".
    if len(set(references)) == 1:
        prediction = one_line(answer)
        return leave_one_out([text == prediction for text in references])
    return vqa_accuracy(answer, references)


def first_answer(text: str) -> str:
    """What the repository keeps: one line, up to where the model asks itself again."""
    # Its prompts end with "Answer:" and generation does not stop at the end of text, so that a
    # model goes on with another question and answer of its own.
    return text.strip().replace("\n", " ").split("Answer:")[0]


def resembles(prediction: str, reference: str) -> bool:
    """The repository's match: a prefix, or every word of the reference somewhere in the answer."""
    # "in" is a test of letters and not of words: "nothing" holds "no", and "12" the answer "2".
    return prediction.startswith(reference) or all(
        word.lower() in prediction for word in reference.split()
    )


def vqa_accuracy_official(answer: str, references: Sequence[str]) -> float:
    """VQAv2 and OKVQA as the repository scores them."""
    prediction = normalized(first_answer(answer))
    return leave_one_out([resembles(prediction, normalized(text)) for text in references])


_VIZWIZ_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!:'


def _vizwiz_words(text: str) -> str:
    for mark in _VIZWIZ_PUNCTUATION:
        text = text.replace(mark, " ")
    return one_line(text)


def vizwiz_accuracy_official(answer: str, references: Sequence[tuple[str, str]]) -> float:
    """VizWiz as the repository scores it.

    Answers have no number there, and it leaves out all that equal the one left out, confidence
    included: ten people who agree make an answer wrong.

    Args:
      answer: the model's.
      references: (answer, confidence) of each person.
    """
    prediction = _vizwiz_words(first_answer(answer).lower())
    people = [(_vizwiz_words(text), confidence) for text, confidence in references]
    total = 0.0
    # VQAv2's annotations have an answer_id, by which one record differs from all others; VizWiz'
    # have none. So the same code takes everybody away who gave the same answer as surely.
    for left_out in people:
        count = sum(resembles(prediction, other[0]) for other in people if other != left_out)
        total += min(1.0, count / _ENOUGH)
    return total / len(people) if people else 0.0


def without_case_and_period(answer: str) -> str:
    """In small letters, without a final period, as LLaVA hands GQA's answers in."""
    return answer.strip().lower().rstrip(".").strip()


def gqa_correct(answer: str, reference: str) -> bool:
    """Equality but for case and the answer's final period."""
    return without_case_and_period(answer) == reference.strip().lower()


def gqa_correct_official(answer: str, reference: str) -> bool:
    """GQA as the repository scores it: "nothing" answers "no"."""
    prediction = _gqa_words(answer.strip().replace("\n", " "))
    reference = _gqa_words(reference)
    words = prediction.split()
    # The prefix is one of letters: "nothing" begins with "no", and answers it.
    return prediction.startswith(reference) or all(word in words for word in reference.split())


def _gqa_words(text: str) -> str:
    # Within words, too: "women" becomes "woman", "segment" "segmant".
    text = text.lower().replace("men", "man")
    return text.replace("drapes", "curtains").replace("girl", "woman")
