# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Stop strings found on the device, exactly, however the tokens cut them.

The strings become one automaton over bytes (Aho and Corasick, 1975). Running every
token's bytes through it from every state beforehand gives a table
``state, token -> state``: one look-up per step, no text and no host in the loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from robomamba_jax.errors import InputError


def stop_table(stops: Sequence[str], token_bytes: Sequence[bytes]) -> np.ndarray:
    """Next state per state and token; the last state means that a string was seen.

    Args:
      stops: the strings; none of them empty.
      token_bytes: what each token of the vocabulary spells; b"" for one that spells
        nothing.

    Returns:
      int32[states, V]. Row 0 is the start; the last row is absorbing.

    Raises:
      InputError: an empty string.
    """
    if any(not stop for stop in stops):
        raise InputError("bad_settings", "a stop string is empty", "leave it out")
    # UTF-8 bytes, not letters: a token may hold half a letter, and the table must still follow it.
    step = _byte_automaton([stop.encode() for stop in stops])
    count, longest = len(token_bytes), max((len(t) for t in token_bytes), default=0)
    table = np.repeat(np.arange(len(step), dtype=np.int32)[:, None], count, axis=1)
    lengths = np.array([len(t) for t in token_bytes])
    codes = np.zeros((count, longest), np.uint8)
    for token, spelled in enumerate(token_bytes):
        codes[token, : len(spelled)] = np.frombuffer(spelled, np.uint8)
    # Byte by byte for all tokens and all states at once: a loop over the vocabulary's 50,000 tokens
    # in Python would take longer than the answer.
    for place in range(longest):
        alive = np.flatnonzero(lengths > place)
        table[:, alive] = step[table[:, alive], codes[alive, place]]
    return table


def _byte_automaton(words: Sequence[bytes]) -> np.ndarray:
    """int32[states, 256]: longest suffix that begins a word; the last state absorbs."""
    children: list[dict[int, int]] = [{}]
    final = {0: False}
    for word in words:
        state = 0
        for byte in word:
            if byte not in children[state]:
                children[state][byte] = len(children)
                final[len(children)] = False
                children.append({})
            state = children[state][byte]
        final[state] = True
    seen = len(children)
    step = np.zeros((seen + 1, 256), np.int32)
    fallback = [0] * seen
    queue = [0]
    for state in queue:
        # Breadth first: the fallback state is shorter, so its row is already complete.
        if state:
            step[state] = step[fallback[state]]
            final[state] = final[state] or final[fallback[state]]
        for byte, child in children[state].items():
            fallback[child] = int(step[fallback[state], byte]) if state else 0
            queue.append(child)
        for byte, child in children[state].items():
            step[state, byte] = child
    # Whatever the state, a transition into the end of a word leads to the absorbing state: how the
    # text goes on does not matter any more.
    ends = np.array([final[state] for state in range(seen)] + [True])
    step[ends[step]] = seen
    step[seen] = seen
    return step


def byte_level_spelling(
    vocab: Mapping[str, int], added: Mapping[str, int], size: int
) -> list[bytes]:
    """What each token of a byte-level BPE (GPT-2's, GPT-NeoX's) spells.

    Args:
      vocab: the BPE's own tokens, each character standing for one byte.
      added: tokens that stand for their text as it is.
      size: rows of the embedding; ids without a token spell nothing.

    Returns:
      ``size`` byte strings.
    """
    # GPT-2's table: printable Latin-1 letters stand for their own byte, and the other 68 bytes, in
    # order, for the letters from U+0100 on.
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if byte not in printable)
    letters.update({chr(256 + place): byte for place, byte in enumerate(others)})
    spelled = [b""] * size
    for token, index in vocab.items():
        if index < size and all(letter in letters for letter in token):
            spelled[index] = bytes(letters[letter] for letter in token)
    for token, index in added.items():
        if index < size:
            spelled[index] = token.encode()
    return spelled
