# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Prompt templates by name, and which tokens of a conversation are learned.

Ids and labels grow together, piece by piece. No finished text is ever tokenised a second
time to find where an answer begins, so that a mask cannot slip off its tokens.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from robomamba_jax.config.checks import one_of
from robomamba_jax.data.text.tokenizer import Tokenizer
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.json_types import JsonObject

IMAGE = "<image>"
ROLES = ("human", "gpt")
LOSSES = ("standard", "official")

Turn = tuple[str, str]


class Encoded(NamedTuple):
    """A conversation, or a prompt, as tokens.

    Attributes:
      ids: the text's token ids.
      supervised: one bool per id, True = the model learns to say it.
      image_positions: for each placeholder of a template that has them, the index into
        ``ids`` before which the image stands; empty where images go before all text.
    """

    ids: list[int]
    supervised: list[bool]
    image_positions: list[int]


@dataclasses.dataclass(frozen=True)
class PromptTemplate:
    """How questions and answers become one text.

    Attributes:
      name: by which checkpoints and configurations call it.
      start: once, before everything.
      question: what stands before and after each question; None leaves questions out.
      answer_prefix: where the model begins to speak; the end of every prompt.
      answer: what stands before and after each answer.
      eos: whether ``<|endoftext|>`` ends the conversation.
      placeholders: whether ``<image>`` outside of answers is the place of an image. If not,
        it is plain text, and images stand before all text, as published.
    """

    name: str
    start: str = ""
    question: tuple[str, str] | None = ("", "")
    answer_prefix: str = ""
    answer: tuple[str, str] = ("", "")
    eos: bool = True
    placeholders: bool = False

    def __post_init__(self) -> None:
        for name in ("name", "start", "answer_prefix"):
            if not isinstance(getattr(self, name), str):
                raise _bad_field(name, getattr(self, name), "text")
        for name in ("eos", "placeholders"):
            if not isinstance(getattr(self, name), bool):
                raise _bad_field(name, getattr(self, name), "true or false")
        for name in ("question", "answer"):
            value = getattr(self, name)
            if name == "question" and value is None:
                continue
            pair = tuple(value) if isinstance(value, list | tuple) else ()
            if len(pair) != 2 or not all(isinstance(part, str) for part in pair):
                raise _bad_field(name, value, "the two texts around it")
            object.__setattr__(self, name, pair)

    def format_prompt(self, question: str) -> str:
        """The text after which the model answers ``question``.

        Raises:
          InputError: ``question`` is no string.
        """
        if not isinstance(question, str):
            raise InputError("bad_text", f"a prompt is a {type(question).__name__}", "give a str")
        return self.start + self._around(question) + self.answer_prefix

    def encode_prompt(self, tokenizer: Tokenizer, question: str) -> Encoded:
        """``format_prompt`` as tokens, placeholders turned into positions; none supervised."""
        row = Encoded([], [], [])
        self._add(row, tokenizer, self.format_prompt(question))
        return row

    def encode_turns(
        self, tokenizer: Tokenizer, turns: Sequence[Turn], *, loss: str = "standard"
    ) -> tuple[list[int], list[bool]]:
        """A conversation's ids and its labels' mask; see ``encode``, which says more."""
        row = self.encode(tokenizer, turns, loss=loss)
        return row.ids, row.supervised

    def encode(
        self, tokenizer: Tokenizer, turns: Sequence[Turn], *, loss: str = "standard"
    ) -> Encoded:
        """A conversation as tokens, for training.

        Args:
          tokenizer: for the text's pieces, each by itself.
          turns: (role, text), role "human" or "gpt", in any order that has an answer.
          loss: which tokens are supervised: "standard", each answer with what stands around
            it and ``<|endoftext|>``; "official", the prefix before the answer as well, as
            the published code does. The ids are the same.

        Raises:
          InputError: an unknown role or loss, a text that is no string, or no answer that
            says anything.
        """
        one_of("loss", loss, LOSSES)
        row = Encoded([], [], [])
        self._add(row, tokenizer, self.start)
        for role, text in turns:
            one_of("role", role, ROLES)
            if not isinstance(text, str):
                raise InputError("bad_text", f"a turn is a {type(text).__name__}", "give a str")
            if role == "human":
                self._add(row, tokenizer, self._around(text))
                continue
            _extend(row, tokenizer.encode(self.answer_prefix), loss == "official")
            _extend(row, tokenizer.encode(self.answer[0] + text + self.answer[1]), True)
        if not any(role == "gpt" and text.strip() for role, text in turns):
            raise InputError(
                "no_answer", "the conversation has no answer to learn from", "leave it out"
            )
        if self.eos:
            _extend(row, [tokenizer.eos_id], True)
        return row

    def to_json(self) -> JsonObject:
        """The fields as JSON values; ``from_json`` takes them back."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_json(cls, value: Any) -> PromptTemplate:
        """The template that ``to_json`` wrote.

        Raises:
          InputError: a field is missing, unknown or not allowed.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(value, Mapping) or set(value) != set(known):
            raise InputError(
                "bad_config",
                "the prompt template does not have the fields it should",
                f"give exactly {', '.join(known)}",
            )
        return cls(**value)

    def _around(self, question: str) -> str:
        if self.question is None:
            return ""
        before, after = self.question
        return before + question + after

    def _add(self, row: Encoded, tokenizer: Tokenizer, text: str) -> None:
        """Appends text that is not learned, its placeholders as positions."""
        pieces = text.split(IMAGE) if self.placeholders else [text]
        for number, piece in enumerate(pieces):
            if number:
                row.image_positions.append(len(row.ids))
            _extend(row, tokenizer.encode(piece), False)


def as_record(instruction: str, template: PromptTemplate) -> str:
    """An instruction as a record of training has it: behind ``<image>`` and a line break where a
    template takes that for text, alone where it takes it for the image's place.

    Args:
      instruction: such as "Open the drawer."
      template: the checkpoint's.
    """
    return instruction if template.placeholders else f"{IMAGE}\n{instruction}"


def _extend(row: Encoded, ids: list[int], supervised: bool) -> None:
    row.ids.extend(ids)
    row.supervised.extend([supervised] * len(ids))


def _bad_field(name: str, value: object, expected: str) -> InputError:
    return InputError("bad_config", f"the template's {name} is {value!r}", f"give {expected}")


# The markers and <image> are ordinary text; the tokenizer knows none of them.
_OFFICIAL_TRAIN = PromptTemplate(
    "official_train",
    question=("<|user|> ", "\n"),
    answer_prefix="<|assistant|>",
    answer=(" ", "\n"),
)

TEMPLATES: dict[str, PromptTemplate] = {
    template.name: template
    for template in (
        # The markers of official_train, and images where the text says so.
        dataclasses.replace(_OFFICIAL_TRAIN, name="standard", placeholders=True),
        _OFFICIAL_TRAIN,
        # The published code only asks with this one; the answer's part is ours.
        PromptTemplate(
            "official_test", start=IMAGE, question=("Question:", " Answer:"), answer=(" ", "\n")
        ),
        # What the published code reads a pose from: a record's question as it stands, <image> and
        # all, and nothing where an answer would begin. The answer's part is official_train's.
        PromptTemplate(
            "official_pose", question=("<|user|> ", "\n"), answer=("<|assistant|> ", "\n")
        ),
        # LLaVA's first stage: the caption follows the image; the instruction is left out.
        PromptTemplate(
            "llava_plain",
            start=IMAGE,
            question=None,
            answer=("", "\n"),
            eos=False,
            placeholders=True,
        ),
        # For a language model alone: what is given goes in as it is.
        PromptTemplate("raw"),
    )
}


def prompt_template(name: str) -> PromptTemplate:
    """The template called ``name``.

    Raises:
      InputError: no such template; the message names the near ones.
    """
    if name not in TEMPLATES:
        raise unknown_name("unknown_template", "prompt template", name, TEMPLATES)
    return TEMPLATES[name]
