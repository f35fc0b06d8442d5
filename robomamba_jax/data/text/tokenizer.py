# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Text to token ids and back: a local ``tokenizer.json``, no hub, no transformers."""

from __future__ import annotations

import codecs
import hashlib
import os
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from robomamba_jax.config.checks import path_of
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_types import not_a_file
from robomamba_jax.utils.untrusted_text import check_text, parse_json

EOS = "<|endoftext|>"
PADDING = "<|padding|>"

# Ten times the largest vocabulary of which we know.
MAX_FILE_BYTES = 128 * 2**20

# The pieces of a prompt's frame and short answers come again and again.
_SHORT, _REMEMBERED = 200, 32_768  # letters, texts

_WANTED = "give a byte-level BPE such as GPT-NeoX-20B's tokenizer.json (`make assets` fetches it)"


class Tokenizer:
    """A byte-level BPE. Immutable; any thread may use it.

    Two files with the same ``sha256`` give the same ids.

    Attributes:
      data: the bytes of its ``tokenizer.json``, as they were read, without a byte order mark.
      sha256: of ``data``, in hexadecimal digits.
      size: one more than the largest id; an embedding needs at least so many rows.
      eos_id: of ``<|endoftext|>``; 0 in GPT-NeoX's.
      pad_id: of ``<|padding|>`` (1 in GPT-NeoX's), else ``eos_id``. Masks, never ids, tell
        padding from text.
    """

    def __init__(self, data: bytes, name: str = "the tokenizer") -> None:
        """Reads a ``tokenizer.json``.

        Args:
          data: the file's bytes.
          name: what messages call it.

        Raises:
          InputError: not JSON, not a byte-level BPE, or without ``<|endoftext|>``.
        """
        data = data.removeprefix(codecs.BOM_UTF8)  # the library takes none
        self.data = data
        self.sha256 = hashlib.sha256(data).hexdigest()
        description = _parse(data, name)
        try:
            self._tokenizer = tokenizers.Tokenizer.from_buffer(data)
        except Exception as error:  # the library raises bare Exception
            reason = " ".join(str(error).split())[:200]
            raise InputError("bad_tokenizer", f"{name} does not load: {reason}", _WANTED) from error
        # A file may ask for either; rows are cut and padded elsewhere, knowingly.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        added = self._tokenizer.get_added_tokens_decoder()
        self._added = {token.content: index for index, token in added.items()}
        self._special = frozenset(index for index, token in added.items() if token.special)
        self._vocab = {str(key): int(value) for key, value in description["vocab"].items()}
        self.size = max([*self._vocab.values(), *self._added.values()]) + 1
        eos = self._tokenizer.token_to_id(EOS)
        if eos is None:
            raise InputError("bad_tokenizer", f"{name} has no {EOS} token", _WANTED)
        padding = self._tokenizer.token_to_id(PADDING)
        self.eos_id: int = eos
        self.pad_id: int = eos if padding is None else padding
        self._short = lru_cache(maxsize=_REMEMBERED)(self._ids)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Tokenizer:
        """The tokenizer in a ``tokenizer.json``, or in a folder that holds one.

        Raises:
          InputError: no such file, or not such a tokenizer.
        """
        file = path_of("tokenizer", path)
        if file.is_dir():
            file = file / "tokenizer.json"
        if not file.is_file():
            what = f"tokenizer {str(file)!r} {not_a_file(file)}"
            raise InputError("missing_tokenizer", what, _WANTED)
        if file.stat().st_size > MAX_FILE_BYTES:
            raise InputError("bad_tokenizer", f"tokenizer {str(file)!r} is too large", _WANTED)
        try:
            data = file.read_bytes()
        except OSError as error:
            what = f"tokenizer {str(file)!r} cannot be read: {error.strerror}"
            raise InputError("missing_tokenizer", what, "give a readable file") from error
        return cls(data, f"tokenizer {str(file)!r}")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the same bytes that were read."""
        Path(path).write_bytes(self.data)

    def encode(self, text: str) -> list[int]:
        """The ids of a text, with nothing added in front or behind.

        As in the published code, a special token's own text (``<|endoftext|>``) becomes that
        token. Text is first brought into Unicode's form NFC where the file says so.

        Raises:
          InputError: ``text`` is not a string, or holds half of a surrogate pair.
        """
        if not isinstance(text, str):
            raise InputError("bad_text", f"a text is a {type(text).__name__}", "give a str")
        return list(self._short(text) if len(text) <= _SHORT else self._ids(text))

    def _ids(self, text: str) -> tuple[int, ...]:
        try:
            return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)
        except (UnicodeEncodeError, TypeError) as error:  # the library's word for it is TypeError
            check_text(text, f"the text {text[:40]!r}")
            raise InputError(
                "bad_text", f"the text {text[:40]!r} is not valid Unicode", "write it again"
            ) from error

    def decode(self, ids: Iterable[int], skip_special: bool = True) -> str:
        """The text of ids; bytes that form no character become U+FFFD.

        Args:
          ids: ints; those without a token (rows that pad the embedding) spell nothing.
          skip_special: leave out ``<|endoftext|>`` and ``<|padding|>``.

        Raises:
          InputError: an id below 0.
        """
        known = [int(index) for index in ids]
        if any(index < 0 for index in known):
            raise InputError("bad_ids", f"a token id is {min(known)}", "give ids from 0 on")
        known = [index for index in known if index < self.size]
        return self._tokenizer.decode(known, skip_special_tokens=skip_special)

    @property
    def vocab(self) -> dict[str, int]:
        """The BPE's own tokens, each character standing for one byte, and their ids.

        With ``added`` and ``size`` this is what ``generation.stopping`` needs to know what
        each token spells.
        """
        return dict(self._vocab)

    @property
    def added(self) -> dict[str, int]:
        """Tokens that stand for their text as it is, special ones included, and their ids."""
        return dict(self._added)

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids that ``decode`` leaves out."""
        return self._special

    @cached_property
    def _hash(self) -> int:
        return int(self.sha256[:15], 16)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self.sha256 == other.sha256

    def __repr__(self) -> str:
        return f"Tokenizer(size={self.size}, sha256={self.sha256[:12]}...)"


def _parse(data: bytes, name: str) -> dict[str, Any]:
    """The BPE's part of the file, once it is known to be a byte-level BPE."""
    try:
        content = parse_json(data, name, unique_keys=True)
    except InputError as error:
        if error.kind == "lfs_pointer":
            raise
        raise InputError("bad_tokenizer", error.message, _WANTED) from error
    model = content.get("model") if isinstance(content, dict) else None
    if not isinstance(model, dict) or not isinstance(model.get("vocab"), dict | list):
        raise InputError("bad_tokenizer", f"{name} is not a tokenizer.json", _WANTED)
    # Old files leave the model's type out; merges then tell a BPE.
    kind = model.get("type") or ("BPE" if "merges" in model else "unknown")
    if kind != "BPE" or not model["vocab"] or "ByteLevel" not in _types(content.get("decoder")):
        raise InputError("bad_tokenizer", f"{name} is a {kind}, not byte-level BPE", _WANTED)
    return model


def _types(part: Any) -> set[str]:
    """The type names in a decoder or a sequence of decoders."""
    if not isinstance(part, dict):
        return set()
    inner = part.get("decoders")
    found = {str(part.get("type"))}
    for one in inner if isinstance(inner, list) else []:
        found |= _types(one) if isinstance(one, dict) else set()
    return found


def train_bpe(texts: Sequence[str], vocab_size: int) -> Tokenizer:
    """A small byte-level BPE of GPT-NeoX's form, the same for the same texts.

    Args:
      texts: what it learns to spell shortly.
      vocab_size: 258 or more: two special tokens (``<|endoftext|>`` = 0, ``<|padding|>``
        = 1), 256 bytes, then merges, fewer if the texts hold no more.

    Raises:
      InputError: ``vocab_size`` is too small.
    """
    if vocab_size < 258:
        raise InputError("bad_tokenizer", f"vocab_size is {vocab_size}", "give 258 or more")
    tokenizer = tokenizers.Tokenizer(models.BPE())
    # The library's typing has its classes' properties read-only, which they are not.
    parts: Any = tokenizer
    parts.normalizer = normalizers.NFC()
    parts.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    parts.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[EOS, PADDING],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return Tokenizer(tokenizer.to_str().encode(), "the trained tokenizer")
