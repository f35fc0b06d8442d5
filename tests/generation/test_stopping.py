# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Stop strings: the table against a plain search, and the spelling against a real tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from robomamba_jax.errors import InputError
from robomamba_jax.generation.stopping import byte_level_spelling, stop_table

# Few characters, so that random stops do occur; é is two bytes and 🤖 four, which tokens may cut.
LETTERS = "abé🤖"
BYTES = sorted(set(LETTERS.encode()))
STOPS = st.lists(st.text(LETTERS, min_size=1, max_size=5), min_size=1, max_size=4)
SPELLINGS = st.lists(
    st.one_of(
        st.lists(st.sampled_from(BYTES), max_size=5).map(bytes),
        st.text(LETTERS, max_size=3).map(str.encode),
    ),
    min_size=1,
    max_size=6,
)


def first_stop(table: np.ndarray, tokens: Sequence[int]) -> int | None:
    """The place of the token after which the table says stop."""
    state = 0
    for place, token in enumerate(tokens):
        state = int(table[state, token])
        if state == len(table) - 1:
            return place
    return None


def searched(stops: Sequence[str], spellings: Sequence[bytes], tokens: Sequence[int]) -> int | None:
    """The same by looking for every stop in everything written so far."""
    written = b""
    for place, token in enumerate(tokens):
        written += spellings[token]
        if any(stop.encode() in written for stop in stops):
            return place
    return None


@given(data=st.data(), stops=STOPS, spellings=SPELLINGS)
def test_random_strings(data: st.DataObject, stops: list[str], spellings: list[bytes]) -> None:
    """Any stops, any tokens, some of which spell nothing, half a character or several."""
    tokens = data.draw(st.lists(st.integers(0, len(spellings) - 1), max_size=30))
    table = stop_table(stops, spellings)
    assert first_stop(table, tokens) == searched(stops, spellings, tokens)


@given(stops=STOPS, tokens=st.lists(st.sampled_from(BYTES), max_size=40))
@example(stops=["aab", "ab"], tokens=list(b"aaab"))
@example(stops=["abab", "ba"], tokens=list(b"aabab"))
@example(stops=["aé", "éa"], tokens=list("aaéb".encode()))
def test_one_byte_per_token(stops: list[str], tokens: list[int]) -> None:
    """Every border between tokens is inside a stop."""
    spellings = [bytes([byte]) for byte in range(256)]
    table = stop_table(stops, spellings)
    assert first_stop(table, tokens) == searched(stops, spellings, tokens)
    assert table.shape[1] == 256
    assert len(table) <= sum(len(stop.encode()) for stop in stops) + 2


CASES: dict[str, tuple[list[str], list[bytes], int | None]] = {
    "across tokens": (["END"], [b"xE", b"N", b"", b"Dy", b"END"], 3),
    "inside a token": (["b"], [b"a", b"abc", b"b"], 1),
    "a cut character": (["🤖"], [b"\xf0\x9f", b"\xa4", b"\x96"], 2),
    "half a character": (["é"], [b"\xc3", b"a", b"\xa9"], None),
    "a false start": (["aab"], [b"a", b"a", b"a", b"b"], 3),
    "the shorter of two": (["abcd", "bc"], [b"a", b"b", b"c", b"d"], 2),
    "a suffix of another": (["abcde", "cx"], [b"abc", b"x"], 1),
    "the same twice": (["ab", "ab"], [b"ab"], 0),
    "none": (["abc"], [b"ab", b"b", b"c"], None),
    "overlapping itself": (["abac"], [b"aba", b"bac"], 1),
    "case counts": (["end"], [b"END"], None),
    "newlines": (["\n\nUser:"], [b"ok\n", b"\nUs", b"er", b":"], 3),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    """Each token is used once, in order."""
    stops, spellings, expected = CASES[name]
    assert first_stop(stop_table(stops, spellings), range(len(spellings))) == expected


def test_seen_is_for_good() -> None:
    """The last state absorbs, even tokens that spell nothing."""
    table = stop_table(["ab", "c"], [b"a", b"b", b"", b"c", b"zz"])
    assert (table[-1] == len(table) - 1).all()
    assert (table[:, 2] == np.arange(len(table))).all()
    assert (table[:-1, 4] == 0).all()
    assert table.dtype == np.int32


@pytest.mark.parametrize("stops", [[""], ["a", ""]])
def test_an_empty_stop_is_refused(stops: list[str]) -> None:
    """It would end every text at once."""
    with pytest.raises(InputError) as caught:
        stop_table(stops, [b"a"])
    assert str(caught.value) == "a stop string is empty (leave it out)"


SENTENCES = [
    "The robot opens the drawer, then it closes the door.",
    "  Two  spaces, a\ttab and\nnew lines\r\n\n   and 12345 numbers.",
    "Où est le café? Der Bär läuft über die Straße. 机器人打开抽屉 🤖🦾!",
    "\u00a0non-breaking\u00ad soft hyphen \x00\x7f control",
]


@cache
def trained() -> tuple[Any, list[bytes]]:
    """A byte-level BPE trained here, with tokens added as GPT-NeoX adds runs of spaces."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    tokenizer.add_tokens(["    ", "<image>", "über alles"])
    added = {token.content: at for at, token in tokenizer.get_added_tokens_decoder().items()}
    vocab = tokenizer.get_vocab(with_added_tokens=False)
    return tokenizer, byte_level_spelling(vocab, added, 420)


def test_spelling_is_the_tokenizers() -> None:
    """Every token alone, as its decoder writes it; rows without a token spell nothing."""
    tokenizer, spelled = trained()
    size = tokenizer.get_vocab_size()
    assert 256 < size < len(spelled) == 420
    for token in range(size):
        decoded = tokenizer.decode([token], skip_special_tokens=False)
        assert spelled[token].decode(errors="replace") == decoded, token
    assert sorted(b for b in spelled if len(b) == 1) == [bytes([b]) for b in range(256)]
    assert not any(spelled[size:])


@pytest.mark.parametrize("text", [*SENTENCES, "<image>    x<|endoftext|>", "unseen: ŷøü ™ 𓀀"])
def test_tokens_spell_their_text(text: str) -> None:
    """A text's tokens joined are its bytes, characters cut by tokens included."""
    tokenizer, spelled = trained()
    assert b"".join(spelled[token] for token in tokenizer.encode(text).ids) == text.encode()


@given(
    text=st.text(st.sampled_from("the robotcafé 🤖机\n"), max_size=40),
    stops=st.lists(st.text(st.sampled_from("the robé🤖\n"), min_size=1, max_size=3), min_size=1),
)
def test_stops_on_real_tokens(text: str, stops: list[str]) -> None:
    """The table stops a text's tokens where the search in its bytes does."""
    tokenizer, spelled = trained()
    tokens = tokenizer.encode(text).ids
    assert first_stop(stop_table(stops, spelled), tokens) == searched(stops, spelled, tokens)


def test_a_smaller_model_than_tokenizer() -> None:
    """Tokens beyond the embedding's rows are left out, not wrapped around."""
    assert byte_level_spelling({"a": 0, "b": 5}, {"<x>": 1, "<y>": 9}, 3) == [b"a", b"<x>", b""]
