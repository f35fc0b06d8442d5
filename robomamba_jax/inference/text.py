# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From tokens to text: what each token spells, where an answer ends, and how it grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from robomamba_jax.data.text.tokenizer import Tokenizer
from robomamba_jax.generation.stopping import byte_level_spelling


@lru_cache(maxsize=4)
def token_bytes(tokenizer: Tokenizer, size: int) -> list[bytes]:
    """What each token spells, as stop strings are searched for.

    Args:
      tokenizer: a byte-level BPE.
      size: rows of the embedding, which may be more than the tokenizer has tokens.

    Returns:
      ``size`` byte strings, b"" for ids without a token. The list is shared: don't change it.
    """
    return byte_level_spelling(tokenizer.vocab, tokenizer.added, size)


def until_stop(text: str, stops: Sequence[str]) -> str:
    """``text`` up to the first stop string in it.

    The decode loop stops at the token that completes a stop string. That token may spell more,
    and the ones before it have spelled the string's beginning, so the text is cut here.
    """
    found = [index for stop in stops if (index := text.find(stop)) >= 0]
    return text[: min(found, default=len(text))]


class AnswerText:
    """A growing answer as text of which nothing has to be taken back.

    Held back until more is known: the bytes of an unfinished character, which ``decode`` gives as
    U+FFFD, and an end that may become a stop string.
    """

    def __init__(self, decode: Callable[[list[int]], str], stops: Sequence[str]) -> None:
        self._decode, self._stops = decode, stops
        self._tokens: list[int] = []
        self._sent = 0

    def add(self, tokens: Sequence[int], *, ended: bool) -> str:
        """The text that is new with some tokens.

        Args:
          tokens: the next ids.
          ended: whether these are the last, so that nothing is held back any more.
        """
        self._tokens += tokens
        # All tokens again: a character may be spread over several, and a decoder may treat the
        # first token of a text differently, so pieces decoded alone need not add up to the whole.
        text = self._decode(self._tokens)
        if ended:
            text = until_stop(text, self._stops)
        else:
            # The replacement character stands for bytes that the next token may complete.
            text = text.rstrip("\ufffd")
            text = text[: len(text) - self._held(text)]
        new, self._sent = text[self._sent :], max(self._sent, len(text))
        return new

    def _held(self, text: str) -> int:
        """How many characters at the end of ``text`` begin a stop string."""
        longest = max((len(stop) - 1 for stop in self._stops), default=0)
        return next(
            (
                count
                for count in range(min(longest, len(text)), 0, -1)
                if any(stop.startswith(text[-count:]) for stop in self._stops)
            ),
            0,
        )
