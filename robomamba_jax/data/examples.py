# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From a sample to the numbers of a training example: tokens, pixels, a pose."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig
from robomamba_jax.data.geometry.contacts import Contacts
from robomamba_jax.data.geometry.crop import CropTransform
from robomamba_jax.data.images.transforms import ImageTransform, image_transform
from robomamba_jax.data.processor import BUILTIN_PROCESSORS, builtin_processor
from robomamba_jax.data.sources.image_refs import open_ref, ref_sha256
from robomamba_jax.data.sources.manipulation import Action, PoseSample
from robomamba_jax.data.sources.sample import ImageRef, Sample
from robomamba_jax.data.text.prompts import IMAGE, Encoded, PromptTemplate, Turn, prompt_template
from robomamba_jax.data.text.tokenizer import Tokenizer
from robomamba_jax.errors import InputError


class PoseTarget(NamedTuple):
    """What the policy head learns.

    Attributes:
      contact: float32[2], (x, y), shares of the crop's side or pixels (``data.geometry.contacts``).
      rotation: float32[3, 3], columns approach, left, their cross product; OpenCV frame.
      gripper: float32[], 1 = open, 0 = closed, NaN = unknown.
    """

    contact: np.ndarray
    rotation: np.ndarray
    gripper: np.ndarray


@dataclasses.dataclass(frozen=True)
class Example:
    """A sample in numbers. T tokens, M images.

    Attributes:
      id: the sample's.
      ids: int32[T].
      supervised: bool[T], True = the model learns to say it.
      image_positions: int32[M], the text index before which each image stands.
      images: uint8[M, S, S, 3], resized and cropped; None where they are not read.
      image_sha256: uint8[M, 32], of the pictures' files.
      pose: for the policy head.
    """

    id: str
    ids: np.ndarray
    supervised: np.ndarray
    image_positions: np.ndarray
    images: np.ndarray | None
    image_sha256: np.ndarray
    pose: PoseTarget | None = None


class Described(NamedTuple):
    """How large an example is, without its images.

    Attributes:
      id: the sample's.
      text: tokens of text.
      images: how many.
      supervised: tokens that are learned.
    """

    id: str
    text: int
    images: int
    supervised: int


def open_tokenizer(name: str) -> Tokenizer:
    """A tokenizer.json, the one in a folder, or that of the built-in "tiny" or "nano"."""
    if name in BUILTIN_PROCESSORS and not Path(name).exists():
        return builtin_processor(name).need_tokenizer()
    return Tokenizer.load(name)


@dataclasses.dataclass(frozen=True)
class Encoder:
    """How samples become examples. Immutable; any thread may use it."""

    config: EncodingConfig
    batch: BatchConfig
    tokenizer: Tokenizer
    template: PromptTemplate
    transform: ImageTransform | None

    @classmethod
    def open(cls, config: DataConfig) -> Encoder:
        """Read the tokenizer and look the names up.

        Raises:
          InputError: a file is missing or a name is unknown.
        """
        encoding = config.encoding
        return cls(
            encoding,
            config.batch,
            open_tokenizer(encoding.tokenizer),
            prompt_template(encoding.template),
            None if encoding.transform is None else image_transform(encoding.transform),
        )

    def as_text(self) -> Encoder:
        """The same for whole conversations, where this one reads a pose's prompt alone."""
        return dataclasses.replace(self, config=dataclasses.replace(self.config, target="text"))

    def identity(self) -> dict[str, Any]:
        """All that decides what an example holds, as JSON values; not where files lie."""
        config, transform = self.config, self.transform
        return {
            "tokenizer_sha256": self.tokenizer.sha256,
            "transform": None if transform is None else transform.to_json(),
            "template": self.template.to_json(),
            **{
                name: getattr(config, name)
                for name in ("loss", "image_place", "target", "max_tokens", "too_long")
            },
            "contact_scale": config.contact_scale if config.target == "pose" else None,
            # Not in what was prepared before there was a choice, which still fits.
            **(
                {"contact_frame": config.contact_frame, "contact_side": config.contact_side}
                if config.target == "pose" and config.contact_frame != "crop"
                else {}
            ),
        }

    def text(self, sample: Sample) -> Encoded:
        """A sample's tokens; no image is opened.

        Raises:
          InputError: nothing of it is learned, its placeholders do not match its images, or
            it is longer than a row.
        """
        turns = self._turns(sample)
        if self.config.target == "pose":
            if not isinstance(sample, PoseSample) or sample.action is None:
                raise _bad(sample, "has no pose to learn")
            question = next((text for role, text in turns if role == "human"), "")
            row = self.template.encode_prompt(self.tokenizer, question)
        else:
            row = self.template.encode(self.tokenizer, turns, loss=self.config.loss)
        row = self._placed(sample, row)
        return self._fitted(sample, row)

    def _turns(self, sample: Sample) -> tuple[Turn, ...]:
        """The conversation; for images in front, without their placeholders."""
        asked = sum(text.count(IMAGE) for role, text in sample.turns if role == "human")
        if asked not in (0, len(sample.images)):
            raise _bad(sample, f"has {asked} {IMAGE} for {len(sample.images)} images")
        if not self.template.placeholders or self.config.image_place == "text":
            return sample.turns
        return tuple(
            (role, without_placeholders(text) if role == "human" else text)
            for role, text in sample.turns
        )

    def _placed(self, sample: Sample, row: Encoded) -> Encoded:
        """The row with one position per image."""
        positions, count = row.image_positions, len(sample.images)
        if self.template.placeholders and len(positions) not in (0, count):
            raise _bad(sample, f"has {len(positions)} {IMAGE} for {count} images")
        return row._replace(image_positions=positions or [0] * count)

    def _fitted(self, sample: Sample, row: Encoded) -> Encoded:
        """The row, cut to what fits where that is wanted."""
        batch, count = self.batch, len(row.image_positions)
        if count > batch.image_limit:
            raise _bad(sample, f"has {count} images, a row holds {batch.image_limit}")
        limit = min(self.config.max_tokens, batch.text_limit)
        limit = min(limit, batch.seq_len - count * batch.image_tokens)
        if len(row.ids) > limit:
            if self.config.too_long == "error" or self.config.target == "pose" or limit < 1:
                raise _bad(sample, f"has {len(row.ids)} tokens, {limit} fit", kind="too_long")
            if any(position >= limit for position in row.image_positions):
                raise _bad(sample, f"has an image behind token {limit}, its cut", kind="too_long")
            row = Encoded(row.ids[:limit], row.supervised[:limit], row.image_positions)
        if self.config.target == "text" and not any(row.supervised):
            raise _bad(sample, "has no token to learn from", kind="no_supervised")
        return row

    def example(self, sample: Sample, *, pixels: bool = True, hashes: bool = True) -> Example:
        """The whole example.

        Args:
          sample: what to encode.
          pixels: decode its images.
          hashes: hash its images' files; zeros if not.

        Raises:
          InputError: as in ``text``, or an image is missing or broken, or a contact lies
            outside of its crop.
        """
        row = self.text(sample)
        pixels = pixels and self.transform is not None
        crops, geometry = self._crops(sample, pixels)
        keys = np.zeros((len(sample.images), 32), np.uint8)
        for number, ref in enumerate(sample.images if hashes else ()):
            keys[number] = np.frombuffer(self._hash(sample, ref), np.uint8)
        pose = None
        if self.config.target == "pose":
            assert isinstance(sample, PoseSample)
            assert sample.action is not None
            try:
                pose = pose_target(sample.action, geometry, contacts_of(self.config))
            except InputError as error:
                raise _about(sample, error) from error
        return Example(
            sample.id,
            np.array(row.ids, np.int32),
            np.array(row.supervised, bool),
            np.array(row.image_positions, np.int32),
            crops,
            keys,
            pose,
        )

    def _crops(
        self, sample: Sample, pixels: bool
    ) -> tuple[np.ndarray | None, CropTransform | None]:
        """uint8[M, S, S, 3], and the first picture's geometry where a pose needs it."""
        wanted = self.transform is not None and self.config.target == "pose"
        if self.transform is None or not (pixels or wanted):
            return None, None
        side, geometry = self.transform.size, None
        crops = np.zeros((len(sample.images), side, side, 3), np.uint8)
        for number, ref in enumerate(sample.images):
            try:
                picture = open_ref(ref, self.config.max_pixels)
                if geometry is None:
                    geometry = self.transform.geometry(*picture.size)
                if pixels:
                    crops[number] = self.transform.crop(picture, max_pixels=self.config.max_pixels)
            except InputError as error:
                raise _about(sample, error) from error
        return (crops if pixels else None), geometry

    @staticmethod
    def _hash(sample: Sample, ref: ImageRef) -> bytes:
        try:
            return ref_sha256(ref)
        except InputError as error:
            raise _about(sample, error) from error


def contacts_of(config: EncodingConfig) -> Contacts:
    """How a run's contacts are written.

    Raises:
      InputError: its settings contradict each other.
    """
    return Contacts(config.contact_scale, config.contact_frame, config.contact_side)


def pose_target(action: Action, geometry: CropTransform | None, contacts: Contacts) -> PoseTarget:
    """An action as the policy head's numbers.

    Args:
      action: contact in pixels of the original image, unit directions.
      geometry: of the original's way into the encoder.
      contacts: what the first two numbers shall mean.

    Raises:
      InputError: there is no image, or the contact is cut off.
    """
    if geometry is None:
        raise InputError("bad_record", "a pose without an image", "give the image")
    contact = contacts.of_pixel(action.contact_xy, geometry)
    gripper = math.nan if action.gripper_open is None else action.gripper_open
    return PoseTarget(
        contact.astype(np.float32),
        action.rotation().astype(np.float32),
        np.array(gripper, np.float32),
    )


def without_placeholders(text: str) -> str:
    """A question without its placeholders and the line breaks that set them off."""
    for piece in (f"{IMAGE}\n", f"\n{IMAGE}", IMAGE):
        text = text.replace(piece, "")
    return text


def _bad(sample: Sample, what: str, kind: str = "bad_record") -> InputError:
    return InputError(kind, f"sample {sample.id!r} {what}", "mend the record, or leave it out")


def _about(sample: Sample, error: InputError) -> InputError:
    """The same error, naming the sample."""
    return InputError(error.kind, f"sample {sample.id!r}: {error.message}", error.fix)
