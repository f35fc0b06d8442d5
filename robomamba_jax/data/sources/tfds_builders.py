# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Any of our sources as a TFDS data set of its own, in ArrayRecord files, without TensorFlow.

What is written can be read by ``tfds.builder_from_directory`` with anybody's tools, and by
``RldsSource`` with ``CONVERSATIONS`` or ``POSES``.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.config.data import FieldMap
from robomamba_jax.data.images.rgb import encoded
from robomamba_jax.data.sources.bare_files import without_metadata
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.manipulation import PoseSample
from robomamba_jax.data.sources.sample import ImageRef, Sample, Source
from robomamba_jax.errors import InputError

CONVERSATIONS = FieldMap(image="images", turns="turns", id="id", task="task")
POSES = dataclasses.replace(
    CONVERSATIONS, contact="contact_pixel", approach="approach", left="left", gripper="gripper"
)
VERSION = "1.0.0"


@functools.cache
def _builder_class() -> Any:
    """The builder, made when tfds is first needed."""
    import tensorflow_datasets as tfds

    features = tfds.features

    class RobomambaSamples(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        """Conversations about images; poses also have a contact pixel and two directions."""

        VERSION = tfds.core.Version(VERSION)

        def __init__(self, *, samples: Mapping[str, Source], kind: str, **kwargs: Any) -> None:
            self._samples, self._kind = samples, kind
            super().__init__(**kwargs)

        def _info(self) -> Any:
            turn = {"role": features.Text(), "text": features.Text()}
            fields: dict[str, Any] = {
                "id": features.Text(),
                "task": features.Text(),
                "images": features.Sequence(features.Image(shape=(None, None, 3))),
                "turns": features.Sequence(turn),
            }
            if self._kind == "poses":
                fields["contact_pixel"] = features.Tensor(shape=(2,), dtype=np.float64)
                fields["approach"] = features.Tensor(shape=(3,), dtype=np.float64)
                fields["left"] = features.Tensor(shape=(3,), dtype=np.float64)
                fields["gripper"] = features.Scalar(dtype=np.float64)
            return tfds.core.DatasetInfo(builder=self, features=features.FeaturesDict(fields))

        def _split_generators(self, dl_manager: Any) -> Any:
            return {name: self._generate_examples(name) for name in self._samples}

        def _generate_examples(self, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
            source = self._samples[split]
            for index in range(len(source)):
                # The number is part of the key: ids need not be unique, keys must be.
                yield f"{index:09d}", _example(source[index], self._kind)

    return RobomambaSamples


def write_tfds(
    splits: Mapping[str, Source],
    folder: str | os.PathLike[str],
    *,
    name: str = "robomamba_samples",
) -> Path:
    """Write sources as the splits of a TFDS data set in ArrayRecord format.

    Args:
      splits: split name -> source; all give poses, or none.
      folder: under which ``<name>/1.0.0/`` is made.
      name: of the data set, in small letters and underscores.

    Returns:
      The folder for ``RldsSource`` or ``tfds.builder_from_directory``.

    Raises:
      InputError: a sample is bad, sources are mixed, or the folder has this data set already.
    """
    kinds = {isinstance(source[0], PoseSample) for source in splits.values()}
    if len(kinds) != 1:
        raise InputError("bad_config", "poses and other samples in one data set", "write two")
    target = Path(folder) / name / VERSION
    if target.exists():
        raise InputError("exists", f"{target} is there already", "give another folder or name")
    kind = "poses" if kinds.pop() else "conversations"
    base = _builder_class()
    make: Callable[..., Any] = type(base)(name, (base,), {"name": name}, skip_registration=True)
    builder = make(samples=splits, kind=kind, data_dir=str(folder), file_format="array_record")
    try:
        builder.download_and_prepare()
    except Exception as error:
        raise _own_error(error) from error
    return target


def _own_error(error: BaseException) -> BaseException:
    """The InputError that tfds may have wrapped."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, InputError):
            return inner
        inner = inner.__cause__ or inner.__context__
    return error


def _example(sample: Sample, kind: str) -> dict[str, Any]:
    example: dict[str, Any] = {
        "id": sample.id,
        "task": sample.task or "",
        "images": [io.BytesIO(_encoded(ref)) for ref in sample.images],
        "turns": [{"role": role, "text": text} for role, text in sample.turns],
    }
    if kind == "poses":
        assert isinstance(sample, PoseSample)
        assert sample.action is not None
        action = sample.action
        # Files count whole pixels from 0; the half is added again when they are read.
        example["contact_pixel"] = np.array(action.contact_xy, np.float64) - 0.5
        example["approach"] = np.array(action.approach, np.float64)
        example["left"] = np.array(action.left, np.float64)
        unknown = action.gripper_open is None
        example["gripper"] = np.float64("nan" if unknown else action.gripper_open)
    return example


def _encoded(ref: ImageRef) -> bytes:
    """An image's PNG or JPEG bytes without their metadata; anything else as PNG. All are decoded
    once, so that no broken one is written."""
    decoded = open_ref(ref)
    data = ref.read_bytes() if isinstance(ref, Path) else ref
    bare = without_metadata(data) if isinstance(data, bytes) else None
    return encoded(decoded, "PNG") if bare is None else bare
