# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The tokenizer: a BPE trained here, the real GPT-NeoX one where it is, and wrong files."""

import hashlib
import json
import subprocess
import sys
import unicodedata
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as RustTokenizer
from tokenizers import models

from robomamba_jax.data.text.tokenizer import Tokenizer, train_bpe
from robomamba_jax.data.text.tokenizer_corpus import SEED_TEXT
from robomamba_jax.errors import InputError
from robomamba_jax.generation.stopping import byte_level_spelling

NEOX = Path(__file__).resolve().parents[3] / "assets" / "tokenizer.json"
NEOX_SHA256 = "56ac4821e129d2c520fdaba60abd920fa852ada51b45c0dd52bbb6bd8c985ade"

NFC_TEXT = st.text(
    st.characters(codec="utf-8", categories=("Ll", "Lu", "Nd", "Po", "Zs", "So", "Cc"))
).map(partial(unicodedata.normalize, "NFC"))


@cache
def trained() -> Tokenizer:
    """A small one."""
    return train_bpe(SEED_TEXT, 400)


@cache
def neox() -> Tokenizer:
    """The real one; skips where `make assets` has not been run."""
    if not NEOX.is_file():
        pytest.skip(f"{NEOX} is absent: run `make assets`")
    return Tokenizer.load(NEOX)


def test_trained_form() -> None:
    """Special ids first, then bytes, then merges; sizes as asked."""
    tokenizer = trained()
    assert tokenizer.eos_id == 0
    assert tokenizer.pad_id == 1
    assert tokenizer.size == 400
    assert tokenizer.special_ids == {0, 1}
    assert tokenizer.added == {"<|endoftext|>": 0, "<|padding|>": 1}
    assert sorted({**tokenizer.vocab, **tokenizer.added}.values()) == list(range(400))
    assert tokenizer.encode("<|endoftext|>") == [0]
    assert len(tokenizer.encode("The robot can open the door.")) < 12


@given(NFC_TEXT)
def test_round_trip(text: str) -> None:
    """Any text in form NFC comes back, and no special token slips in."""
    tokenizer = trained()
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert not tokenizer.special_ids & set(ids)
    assert all(0 <= index < tokenizer.size for index in ids)


@given(NFC_TEXT)
def test_vocab_and_added_spell_each_token(text: str) -> None:
    """What stop strings are compiled from agrees with decoding."""
    tokenizer = trained()
    spelled = byte_level_spelling(tokenizer.vocab, tokenizer.added, tokenizer.size + 3)
    assert b"".join(spelled[index] for index in tokenizer.encode(text)).decode() == text
    assert spelled[0] == b"<|endoftext|>"
    assert spelled[-1] == b""


def test_decoding_edges() -> None:
    """Special tokens kept or not, ids without a token, half a character, wrong ids."""
    tokenizer = trained()
    ids = [0, *tokenizer.encode("open"), 1, tokenizer.size, 99_999]
    assert tokenizer.decode(ids) == "open"
    assert tokenizer.decode(ids, skip_special=False) == "<|endoftext|>open<|padding|>"
    assert tokenizer.decode(tokenizer.encode("é")[:1]) == "\ufffd"
    assert tokenizer.decode([]) == ""
    with pytest.raises(InputError, match="-1"):
        tokenizer.decode([-1])
    for text in (None, b"a", "\ud800"):
        with pytest.raises(InputError, match="text"):
            tokenizer.encode(text)  # type: ignore[arg-type]


def test_save_load_is_the_same_file(tmp_path: Path) -> None:
    """Byte by byte; a folder stands for its tokenizer.json; the hash is the file's."""
    tokenizer = trained()
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    again = Tokenizer.load(path)
    assert again == tokenizer == Tokenizer.load(tmp_path)
    assert hash(again) == hash(tokenizer)
    assert again.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert again != train_bpe(SEED_TEXT, 300)


def test_training_is_the_same_everywhere() -> None:
    """Another process, with other hash seeds and threads, finds the same merges."""
    code = (
        "from robomamba_jax.data.text.tokenizer import *; "
        "from robomamba_jax.data.text.tokenizer_corpus import *; "
        "print(train_bpe(SEED_TEXT, 400).sha256)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == trained().sha256


def test_padding_and_truncation_in_the_file_are_ignored(tmp_path: Path) -> None:
    """A file may carry either from its last use; rows are made elsewhere."""
    raw = RustTokenizer.from_buffer(trained().data)
    raw.enable_padding(length=50)
    raw.enable_truncation(2)
    path = tmp_path / "tokenizer.json"
    raw.save(str(path))
    text = "Describe the image in a few words."
    assert Tokenizer.load(path).encode(text) == trained().encode(text)


def without(change: dict[str, Any]) -> bytes:
    """The trained tokenizer's file with some parts changed."""
    content = json.loads(trained().data)
    return json.dumps({**content, **change}).encode()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "is empty, not JSON"),
        (b"not json", "is not JSON"),
        (b"\xff\xfe", "is UTF-16 text, not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "not a tokenizer.json"),
        (b'{"model": "x"}', "not a tokenizer.json"),
        (b'{"a": 0, "b": 1}', "not a tokenizer.json"),
        (RustTokenizer(models.WordPiece({"a": 0}, unk_token="a")).to_str().encode(), "WordPiece"),
        (RustTokenizer(models.BPE({"a": 0}, [])).to_str().encode(), "byte-level"),
        (b'{"model": {"type": "BPE", "vocab": {}, "merges": []}}', "byte-level"),
    ],
)
def test_wrong_files(data: bytes, complaint: str, tmp_path: Path) -> None:
    """Each is named in one line, with what to give instead."""
    path = tmp_path / "tokenizer.json"
    path.write_bytes(data)
    with pytest.raises(InputError, match=complaint) as caught:
        Tokenizer.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "NeoX" in caught.value.fix


def test_inner_faults(tmp_path: Path) -> None:
    """A file of the right kind that the library refuses, or without an end of text."""
    model = json.loads(trained().data)["model"]
    with pytest.raises(InputError, match="does not load"):
        Tokenizer(without({"model": {**model, "merges": [["zz", "qq"]]}}))
    with pytest.raises(InputError, match="does not load"):
        Tokenizer(without({"added_tokens": [{"id": "x"}]}))
    vocab = {key: value for key, value in model["vocab"].items() if value > 1}
    with pytest.raises(InputError, match="endoftext"):
        Tokenizer(without({"added_tokens": [], "model": {**model, "vocab": vocab}}))
    with pytest.raises(InputError, match=r"no-such\.json.* does not exist"):
        Tokenizer.load(tmp_path / "no-such.json")
    with pytest.raises(InputError, match="does not exist"):
        Tokenizer.load(tmp_path)
    with pytest.raises(InputError, match="258"):
        train_bpe(["a"], 257)


def test_neox_ids() -> None:
    """The ids that Mamba and RoboMamba were trained with."""
    tokenizer = neox()
    assert tokenizer.sha256 == NEOX_SHA256
    assert tokenizer.size == 50_277
    assert (tokenizer.eos_id, tokenizer.pad_id) == (0, 1)
    known = {
        "Hello world": [12092, 1533],
        "Hello world!": [12092, 1533, 2],
        "\n": [187],
        "###": [4118],
        "###Human: ": [4118, 22705, 27, 209],
        "<image>": [29, 5695, 31],
        "A photo of a robot arm opening a drawer.": [
            *(34, 7512, 273, 247, 15688, 4430, 5909, 247, 31579, 15),
        ],
        "<|endoftext|><|padding|>": [0, 1],
        "": [],
    }
    for text, ids in known.items():
        assert tokenizer.encode(text) == ids, text
        assert tokenizer.decode(ids, skip_special=False) == text
    assert tokenizer.decode([50_277, 50_279, 187]) == "\n"


def test_neox_round_trip_and_spelling() -> None:
    """Accents, Chinese, emoji, runs of blanks, which are tokens of their own."""
    tokenizer = neox()
    spelled = byte_level_spelling(tokenizer.vocab, tokenizer.added, 50_280)
    for text in ("Müller sagt: déjà vu", "机器人打开抽屉", "🤖🦾 ok", "a" + " " * 30 + "b\t\t\r\n"):
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text
        assert b"".join(spelled[index] for index in ids).decode() == text
