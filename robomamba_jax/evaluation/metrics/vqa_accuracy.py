# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The accuracy of an answer that several people gave, and of GQA's single one.

Standard: Antol et al. 2015. Official: as RoboMamba's repository scores
(https://github.com/lmzpai/roboMamba, src/test.py and src/judger.py), which calls an answer
right that begins with a wanted one or holds all its words somewhere, even inside of others.
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
    answer: str, wanted: Sequence[str], normalize: Callable[[str], str] = normalized
) -> float:
    """From 0 to 1; both sides normalised whether or not people agree, as EvalAI does.

    Args:
      answer: the model's.
      wanted: what each person said, usually ten.
      normalize: how words are compared.
    """
    said = normalize(answer)
    return leave_one_out([normalize(text) == said for text in wanted])


def vqa_accuracy_original(answer: str, wanted: Sequence[str]) -> float:
    """As the challenge's code: nothing is normalised where all people said the same."""
    wanted = [one_line(text) for text in wanted]
    if len(set(wanted)) == 1:
        said = one_line(answer)
        return leave_one_out([text == said for text in wanted])
    return vqa_accuracy(answer, wanted)


def first_answer(text: str) -> str:
    """What the repository keeps: one line, up to where the model asks itself again."""
    return text.strip().replace("\n", " ").split("Answer:")[0]


def resembles(said: str, wanted: str) -> bool:
    """The repository's match: a prefix, or every wanted word somewhere in the answer."""
    return said.startswith(wanted) or all(word.lower() in said for word in wanted.split())


def vqa_accuracy_official(answer: str, wanted: Sequence[str]) -> float:
    """VQAv2 and OKVQA as the repository scores them."""
    said = normalized(first_answer(answer))
    return leave_one_out([resembles(said, normalized(text)) for text in wanted])


_VIZWIZ_MARKS = ';/[]"{}()=+\\_-><@`,?!:'


def _vizwiz_words(text: str) -> str:
    for mark in _VIZWIZ_MARKS:
        text = text.replace(mark, " ")
    return one_line(text)


def vizwiz_accuracy_official(answer: str, wanted: Sequence[tuple[str, str]]) -> float:
    """VizWiz as the repository scores it.

    Answers have no number there, and it leaves out all that equal the one left out, confidence
    included: ten people who agree make an answer wrong.

    Args:
      answer: the model's.
      wanted: (answer, confidence) of each person.
    """
    said = _vizwiz_words(first_answer(answer).lower())
    people = [(_vizwiz_words(text), confidence) for text, confidence in wanted]
    total = 0.0
    for left_out in people:
        count = sum(resembles(said, other[0]) for other in people if other != left_out)
        total += min(1.0, count / _ENOUGH)
    return total / len(people) if people else 0.0


def gqa_correct(answer: str, wanted: str) -> bool:
    """Equality, after the case and a final period are dropped as LLaVA does."""
    return answer.strip().lower().rstrip(".").strip() == wanted.strip().lower()


def gqa_correct_official(answer: str, wanted: str) -> bool:
    """GQA as the repository scores it: "nothing" answers "no"."""
    said, right = (_gqa_words(text) for text in (answer.strip().replace("\n", " "), wanted))
    words = said.split()
    return said.startswith(right) or all(word in words for word in right.split())


def _gqa_words(text: str) -> str:
    # Within words, too: "women" becomes "woman", "segment" "segmant".
    text = text.lower().replace("men", "man")
    return text.replace("drapes", "curtains").replace("girl", "woman")
