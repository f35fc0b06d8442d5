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

_ENOUGH = 3  # people who agree make an answer right


def leave_one_out(matches: Sequence[bool]) -> float:
    """The mean over the people left out of min(others who agree / 3, 1).

    Args:
      matches: whether each person's answer is the one judged.
    """
    if not matches:
        return 0.0
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
    if len(set(references)) == 1:
        prediction = one_line(answer)
        return leave_one_out([text == prediction for text in references])
    return vqa_accuracy(answer, references)


def first_answer(text: str) -> str:
    """What the repository keeps: one line, up to where the model asks itself again."""
    return text.strip().replace("\n", " ").split("Answer:")[0]


def resembles(prediction: str, reference: str) -> bool:
    """The repository's match: a prefix, or every word of the reference somewhere in the answer."""
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
    return prediction.startswith(reference) or all(word in words for word in reference.split())


def _gqa_words(text: str) -> str:
    # Within words, too: "women" becomes "woman", "segment" "segmant".
    text = text.lower().replace("men", "man")
    return text.replace("drapes", "curtains").replace("girl", "woman")
