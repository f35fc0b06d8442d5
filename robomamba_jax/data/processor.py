# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Images and questions in, padded numpy arrays out; saved beside the weights it belongs to."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.config.checks import Replaceable, one_of
from robomamba_jax.data.geometry.contacts import Contacts
from robomamba_jax.data.images.files import MAX_PIXELS, open_image
from robomamba_jax.data.images.transforms import ImageSource, ImageTransform, image_transform
from robomamba_jax.data.text.prompts import IMAGE, Encoded, PromptTemplate, prompt_template
from robomamba_jax.data.text.tokenizer import Tokenizer, train_bpe
from robomamba_jax.data.text.tokenizer_corpus import SEED_TEXT
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.file_types import not_a_file
from robomamba_jax.utils.files import read_json
from robomamba_jax.utils.untrusted_text import encode_text

SCHEMA = "robomamba.processor/1"

# The camera frame in which its rotation is: x right, y down, z forward, or ManipLLM's
# forward, left, up (the published weights). Columns 1 and 2 are approach and left in both.
ROTATION_CONVENTIONS = ("opencv", "manipllm")

# What folders of before these two were known mean.
_LATER: dict[str, Any] = {"contact_frame": "crop", "contact_side": None}
_MAX_JSON_BYTES = 2**20
_FIX = "convert or export it again"

ImageRow = ImageSource | Sequence[ImageSource] | None


@dataclasses.dataclass(frozen=True)
class ProcessedBatch:
    """One batch in numpy. B rows, M = most images of a row, T = most tokens of a row.

    Attributes:
      input_ids: int32[B, T], padded on the right.
      mask: bool[B, T], True = real.
      images: float32[B, M, S, S, 3], zeros where there is none; None if no row has one.
      image_positions: int32[B, M]: the text index before which image m stands, 0 = before
        all text, -1 = absent.
      image_sizes: int32[B, M, 2], (width, height) of the originals in pixels, 0 = absent;
        with the transform's ``geometry`` they lead from the crop back to the original.
    """

    input_ids: np.ndarray
    mask: np.ndarray
    images: np.ndarray | None
    image_positions: np.ndarray
    image_sizes: np.ndarray


@dataclasses.dataclass(frozen=True)
class Processor(Replaceable):
    """What a checkpoint must know beside its weights. Immutable; any thread may use it. A
    tokenizer may be given as a path, transform and template by name or as JSON.

    Attributes:
      tokenizer: of the language model; None where a checkpoint came without one.
      transform: of the image encoder; None for a language model alone.
      template: how questions are put.
      contact_scale: of the policy head's contacts, "unit" or "raw", see ``data.geometry.contacts``.
      rotation_convention: "opencv" or "manipllm", see ``ROTATION_CONVENTIONS``.
      contact_frame: of raw contacts: pixels of the "crop", or of the image's "file", as the
        published heads have them.
      contact_side: with "file": the side of the square images whose pixels they are; None =
        those of each image itself.
      max_pixels: of any image, before it is decoded; a matter of the machine, not saved.
    """

    tokenizer: Tokenizer | None
    transform: ImageTransform | None
    template: PromptTemplate
    contact_scale: str = "unit"
    rotation_convention: str = "opencv"
    contact_frame: str = "crop"
    contact_side: int | None = None
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        kinds: tuple[tuple[str, Any, Any], ...] = (
            ("tokenizer", Tokenizer, Tokenizer.load),
            ("transform", ImageTransform, _transform),
            ("template", PromptTemplate, _template),
        )
        for name, kind, read in kinds:
            value: Any = getattr(self, name)
            if not isinstance(value, kind) and (value is not None or name == "template"):
                # Frozen, so fields are set around its own __setattr__; only here, before anybody
                # has it.
                object.__setattr__(self, name, read(value))  # type: ignore[arg-type]
        _ = self.contacts  # which checks the three
        one_of("rotation_convention", self.rotation_convention, ROTATION_CONVENTIONS)

    @property
    def contacts(self) -> Contacts:
        """How the policy head's contacts are to be read."""
        return Contacts(self.contact_scale, self.contact_frame, self.contact_side)

    def need_tokenizer(self) -> Tokenizer:
        """The tokenizer.

        Raises:
          InputError: there is none.
        """
        if self.tokenizer is None:
            raise InputError(
                "missing_tokenizer",
                "this checkpoint came without a tokenizer",
                "give rm.load(..., tokenizer=PATH) or robomamba convert --tokenizer PATH",
            )
        return self.tokenizer

    def __call__(self, images: Sequence[ImageRow] | None, prompts: Sequence[str]) -> ProcessedBatch:
        """A batch for ``forward`` and ``generate``; each row as it would be alone.

        Args:
          images: for each prompt an image (see ``open_image``), a list of them, or None;
            None if no prompt has any.
          prompts: what is asked, before the template.

        Raises:
          InputError: an image or prompt is wrong (the message names its row), the lists
            differ in length, a row's images do not match its placeholders, or a row has
            neither text nor image.
        """
        rows = self._image_rows(images, prompts)
        encoded = [self._text(number, prompt) for number, prompt in enumerate(prompts)]
        # At least 1: a batch of images alone still has a text axis.
        count, length = len(prompts), max(1, *(len(row.ids) for row in encoded))
        most = max(len(row) for row in rows)
        batch = ProcessedBatch(
            input_ids=np.full((count, length), self.need_tokenizer().pad_id, np.int32),
            mask=np.zeros((count, length), bool),
            images=self._canvas(count, most),
            image_positions=np.full((count, most), -1, np.int32),
            image_sizes=np.zeros((count, most, 2), np.int32),
        )
        for number, (text, row_images) in enumerate(zip(encoded, rows, strict=True)):
            if not text.ids and not row_images:
                raise InputError("empty_prompt", f"prompts[{number}] is empty", "ask something")
            batch.input_ids[number, : len(text.ids)] = text.ids
            batch.mask[number, : len(text.ids)] = True
            positions = _image_positions(number, text.image_positions, len(row_images))
            batch.image_positions[number, : len(row_images)] = positions
            for slot, image in enumerate(row_images):
                self._fill(batch, number, slot, image)
        return batch

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes ``processor.json`` and, if there is one, ``tokenizer.json`` into ``folder``,
        made if missing."""
        root = Path(folder)
        root.mkdir(parents=True, exist_ok=True)
        content = {
            "schema": SCHEMA,
            "transform": None if self.transform is None else self.transform.to_json(),
            "template": self.template.to_json(),
            "contact_scale": self.contact_scale,
            "contact_frame": self.contact_frame,
            "contact_side": self.contact_side,
            "rotation_convention": self.rotation_convention,
            "tokenizer_sha256": None if self.tokenizer is None else self.tokenizer.sha256,
        }
        if self.tokenizer is not None:
            self.tokenizer.save(root / "tokenizer.json")
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        (root / "processor.json").write_bytes(encode_text(text, in_json=True))

    @classmethod
    def load(
        cls,
        folder: str | os.PathLike[str],
        tokenizer: str | os.PathLike[str] | Tokenizer | None = None,
    ) -> Processor:
        """The processor that ``save`` wrote.

        Args:
          folder: where it lies.
          tokenizer: one, or its tokenizer.json, for a processor that was saved without.

        Raises:
          InputError: a file is missing or broken, of another schema, or the tokenizer is
            not the one that it was saved with; or one is given where the folder has its own.
        """
        file = Path(folder) / "processor.json"
        content = _read_json(file)
        known = {field.name for field in dataclasses.fields(cls)} - {"tokenizer", "max_pixels"}
        if not _LATER.keys() & content.keys():
            content = {**content, **_LATER}
        if content.get("schema") != SCHEMA:
            raise _bad_file(file, f"has schema {content.get('schema')!r}, not {SCHEMA!r}")
        if set(content) != known | {"schema", "tokenizer_sha256"}:
            different = sorted(set(content) ^ (known | {"schema", "tokenizer_sha256"}))
            raise _bad_file(file, f"has missing or unknown fields: {', '.join(different)[:200]}")
        read = _read_tokenizer(file, content["tokenizer_sha256"], tokenizer)
        transform = content["transform"]
        try:
            return cls(
                tokenizer=read,
                transform=None if transform is None else ImageTransform.from_json(transform),
                template=PromptTemplate.from_json(content["template"]),
                contact_scale=content["contact_scale"],
                rotation_convention=content["rotation_convention"],
                contact_frame=content["contact_frame"],
                contact_side=content["contact_side"],
            )
        except InputError as error:
            raise InputError(error.kind, f"{str(file)!r}: {error.message}", error.fix) from error

    def _image_rows(
        self, images: Sequence[ImageRow] | None, prompts: Sequence[str]
    ) -> list[list[ImageSource]]:
        """The images of each prompt, as a list of lists."""
        if not isinstance(prompts, list | tuple) or not prompts:
            what = "empty" if isinstance(prompts, list | tuple) else f"a {type(prompts).__name__}"
            raise InputError(
                "bad_text", f"prompts is not a list of texts: it is {what}", "give one text per row"
            )
        if images is None:
            return [[] for _ in prompts]
        if not isinstance(images, list | tuple) or len(images) != len(prompts):
            what = f"{len(images)}" if isinstance(images, list | tuple) else "not a list"
            raise InputError(
                "bad_image",
                f"images is {what} for {len(prompts)} prompts",
                "give a list with an image, a list of images or None for each prompt",
            )
        rows = [_as_list(row) for row in images]
        if self.transform is None and any(rows):
            raise InputError("bad_image", "this model reads no images", "give prompts alone")
        return rows

    def _text(self, number: int, prompt: str) -> Encoded:
        try:
            return self.template.encode_prompt(self.need_tokenizer(), prompt)
        except InputError as error:
            message = f"prompts[{number}]: {error.message}"
            raise InputError(error.kind, message, error.fix) from error

    def _canvas(self, count: int, most: int) -> np.ndarray | None:
        if self.transform is None or not most:
            return None
        side = self.transform.size
        return np.zeros((count, most, side, side, 3), np.float32)

    def _fill(self, batch: ProcessedBatch, row: int, slot: int, source: ImageSource) -> None:
        """Puts one image and its size into the batch."""
        assert self.transform is not None
        assert batch.images is not None
        try:
            image = open_image(source, max_pixels=self.max_pixels)
            batch.images[row, slot] = self.transform(image, max_pixels=self.max_pixels)
        except InputError as error:
            where = f"images[{row}]" if slot == 0 else f"images[{row}][{slot}]"
            raise InputError(error.kind, f"{where}: {error.message}", error.fix) from error
        batch.image_sizes[row, slot] = image.size


def _read_tokenizer(
    file: Path, sha256: Any, given: str | os.PathLike[str] | Tokenizer | None
) -> Tokenizer | None:
    """The tokenizer beside ``file``; the one given where none was saved."""
    if isinstance(given, Tokenizer):
        tokenizer = given
    elif sha256 is None and given is None:
        return None
    else:
        tokenizer = Tokenizer.load(file.parent / "tokenizer.json" if given is None else given)
    if sha256 is None:
        return tokenizer
    if tokenizer.sha256 != sha256:
        raise _bad_file(file, "was saved with another tokenizer.json than the one beside it")
    return tokenizer


def _transform(value: Any) -> ImageTransform:
    return image_transform(value) if isinstance(value, str) else ImageTransform.from_json(value)


def _template(value: Any) -> PromptTemplate:
    return prompt_template(value) if isinstance(value, str) else PromptTemplate.from_json(value)


def _as_list(row: Any) -> list[ImageSource]:
    """One row's images: none, one, or several."""
    if row is None:
        return []
    return list(row) if isinstance(row, list | tuple) else [row]


def _image_positions(row: int, placeholders: list[int], count: int) -> list[int]:
    """The position of each image of a row: its placeholder's, or before all text."""
    if placeholders and len(placeholders) != count:
        raise InputError(
            "bad_image",
            f"prompts[{row}] has {len(placeholders)} {IMAGE} for {count} images",
            f"write one {IMAGE} per image, or none to have all images before the text",
        )
    return placeholders or [0] * count


def _bad_file(file: Path, what: str) -> InputError:
    return InputError("bad_processor", f"{str(file)!r} {what}", _FIX)


def _read_json(file: Path) -> dict[str, Any]:
    """The object in a small JSON file."""
    if not file.is_file():
        what = f"{str(file)!r} {not_a_file(file)}"
        raise InputError("missing_processor", what, "give a checkpoint folder that has it")
    try:
        return read_json(file, max_bytes=_MAX_JSON_BYTES)
    except InputError as error:
        if error.kind == "lfs_pointer":
            raise
        raise InputError("bad_processor", error.message, _FIX) from error


# Tokens at most; "tiny" fits the language model's preset of that name.
_VOCAB_SIZES = {"tiny": 300, "nano": 512}
BUILTIN_PROCESSORS = tuple(_VOCAB_SIZES)


@functools.cache
def builtin_processor(name: str) -> Processor:
    """The processor of the "tiny" or "nano" preset, made without any file.

    Its tokenizer is trained on a few built-in sentences in some milliseconds, and is the
    same on every machine. A trained ``nano`` checkpoint carries a tokenizer of its own.

    Raises:
      InputError: no such name.
    """
    if name not in _VOCAB_SIZES:
        raise unknown_name("unknown_preset", "built-in processor", name, _VOCAB_SIZES)
    return Processor(
        tokenizer=train_bpe(SEED_TEXT, _VOCAB_SIZES[name]),
        transform=image_transform(name),
        template=prompt_template("standard"),
    )
