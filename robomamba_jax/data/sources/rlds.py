# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RLDS and other TFDS data sets from a local folder, TFRecord or ArrayRecord, without TensorFlow.

The folder is what ``tfds.builder_from_directory`` takes: dataset_info.json, features.json
and the files. Which field means what is said by a ``FieldMap``, never guessed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.config.data import FieldMap
from robomamba_jax.data.sources.field_maps import asked_turns, check_contact, field_action
from robomamba_jax.data.sources.manipulation import PoseSample, answer_text
from robomamba_jax.data.sources.robovqa_text import parse_questions
from robomamba_jax.data.sources.sample import ImageRef, Sample, bad_record
from robomamba_jax.data.sources.tfrecord import TfRecords
from robomamba_jax.data.text.prompts import ROLES, Turn
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.file_names import lasting_plain_path
from robomamba_jax.utils.file_types import not_a_file
from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.untrusted_text import check_text, decode_text, parse_json, read_bytes


class RldsSource:
    """Samples of a data set in TFDS's format."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        fields: FieldMap,
        *,
        split: str = "train",
        pixel_order: str | None = None,
        frame: str | None = None,
    ) -> None:
        """Open it. Episodes are read once where their steps or questions must be counted.

        Args:
          path: the folder with dataset_info.json.
          fields: which fields mean what.
          split: of the data set.
          pixel_order: of ``fields.contact``, "xy" or "rowcol"; needed with it.
          frame: of ``fields.approach``, "manipllm" or "opencv"; needed with it.

        Raises:
          InputError: it is no such folder, or lacks the split, a field or a setting.
        """
        self.path, self._fields = Path(path), fields
        self._how: dict[str, Any] = {"pixel_order": pixel_order, "frame": frame}
        if not (fields.tagged or fields.turns or fields.answer or fields.contact):
            fix = "give fields.answer, fields.turns, fields.tagged or fields.contact"
            raise InputError("bad_config", "the field map has no answer", fix)
        check_contact(fields, self._how)
        builder = _builder(self.path)
        if split not in builder.info.splits:
            raise unknown_name("unknown_split", "split", split, builder.info.splits)
        self._features = builder.info.features
        self._records = _records(builder, split)
        names = [*_paths(self._features, fields.steps)]
        for name in _named(fields):
            # A sequence of {role, text} is listed as two sequences.
            if name not in names and f"{name}/text" not in names:
                raise unknown_name("unknown_field", f"field of {self.path}:", name, names)
        self._decoders = _keep_encoded(self._features)
        self._spans = self._find()

    def _find(self) -> np.ndarray:
        """int64[samples, 3]: record, step (-1 = none), question."""
        fields, count = self._fields, len(self._records)
        if not fields.tagged and (fields.step != "all" or not fields.steps):
            one_each = np.zeros((count, 3), np.int64)
            one_each[:, 0] = np.arange(count)
            # -1 = the last step, known when the episode is read. One sample per record needs no
            # reading at all here.
            one_each[:, 1] = {"first": 0, "last": -1, "all": 0}[fields.step]
            return one_each
        spans: list[tuple[int, int, int]] = []
        errors = []
        for record in range(count):
            try:
                spans += self._samples(record)
            except InputError as error:
                # One sample, whose reading says why.
                spans.append((record, 0, 0))
                errors.append(error)
        if len(errors) == count and errors:
            raise errors[0]
        return np.array(spans, np.int64).reshape(-1, 3)

    def _samples(self, record: int) -> list[tuple[int, int, int]]:
        """The samples of one record."""
        fields, steps = self._fields, self._episode(record)
        chosen = range(len(steps)) if fields.step == "all" else [0]
        if fields.step == "last":
            chosen = [len(steps) - 1]
        found = []
        for step in chosen:
            asked = 1
            if fields.tagged:
                where = f"{self.path}: record {record}"
                text = _text(steps[step][fields.tagged], f"{where}, {fields.tagged}")
                asked = len(parse_questions(text, where))
            found += [(record, step, which) for which in range(asked)]
        return found

    def _episode(self, record: int) -> list[dict[str, Any]]:
        """The fields of each of a record's steps by path, with the record's own; one step for
        a record that has none."""
        where = f"{self.path}: record {record}"
        try:
            example = self._features.deserialize_example_np(
                self._records[record], decoders=self._decoders
            )
            nested = list(example.pop(self._fields.steps)) if self._fields.steps else [{}]
        except InputError:
            raise
        except Exception as error:  # protobuf, numpy and tfds each raise their own on damage
            raise bad_record(where, f"cannot be read: {' '.join(str(error).split())}") from error
        own = dict(_flat(example))
        if not nested:
            raise bad_record(where, "has no steps")
        return [{**own, **dict(_flat(step))} for step in nested]

    def __len__(self) -> int:
        return len(self._spans)

    def __getitem__(self, index: int) -> Sample:
        """One sample.

        Raises:
          InputError: the record is damaged, or a field has another type than its meaning.
        """
        record, step, which = (int(value) for value in self._spans[index])
        where = f"{self.path}: record {record}"
        steps = self._episode(record)
        values, fields = steps[step], self._fields
        number = step if step >= 0 else len(steps) - 1

        def text(name: str) -> str:
            """A field as text."""
            return _text(values[name], f"{where}, {name}")

        name = _name(values[fields.id], f"{where}, {fields.id}") if fields.id else str(record)
        if fields.steps and fields.step == "all":
            name = f"{name}/{number}"
        images = _images(values[fields.image], where) if fields.image else ()
        task = text(fields.task) if fields.task else None
        if fields.tagged:
            question = parse_questions(text(fields.tagged), where)[which]
            name, task = f"{name}.{which}", question.task
            turns = asked_turns(images, question.question, question.answer)
        elif fields.turns:
            turns = _turns(values, fields.turns, where)
        else:
            asked = fields.ask if fields.question is None else text(fields.question)
            answer = text(fields.answer) if fields.answer else ""
            turns = asked_turns(images, asked or "", answer)
        if not fields.contact:
            return Sample(name, images, turns, task)
        action = field_action(values, fields, where, self._how)
        if not turns[-1][1]:
            turns = (*turns[:-1], ("gpt", answer_text(action)))
        return PoseSample(name, images, turns, task, action)

    def facts(self) -> Mapping[str, Json]:
        """Format, samples, records (episodes, where there are steps) and all fields."""
        return {
            "format": "rlds",
            "records": len(self),
            "episodes": len(self._records),
            "fields": list(_paths(self._features, self._fields.steps)),
        }


def field_names(path: str | os.PathLike[str]) -> list[str]:
    """The fields of a data set, by which a ``FieldMap`` names them.

    Raises:
      InputError: it is no such folder.
    """
    features = _builder(Path(path)).info.features
    return list(_paths(features, "steps" if "steps" in features else ""))


def _builder(path: Path) -> Any:
    if not (path / "dataset_info.json").is_file() or not (path / "features.json").is_file():
        fix = "give a TFDS data set's folder, such as robot_vqa/1.0.0"
        raise InputError("missing_file", f"{path} has no dataset_info.json and features.json", fix)
    # By our own reader first, whose messages say what a broken file is.
    for name in ("dataset_info.json", "features.json"):
        parse_json(read_bytes(path / name), str(path / name), unique_keys=True)
    import tensorflow_datasets as tfds

    try:
        return tfds.builder_from_directory(path)
    except Exception as error:  # tfds raises nearly anything on a damaged description
        text = " ".join(str(error).split())[:200]
        what = f"{path} cannot be opened: {text}"
        raise InputError("bad_dataset", what, "download it again") from error


class _Files:
    """The records of TFRecord files, one behind the other."""

    def __init__(self, paths: Sequence[Any]) -> None:
        self._files = [TfRecords(str(path)) for path in paths]
        self._ends = np.cumsum([len(file) for file in self._files])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> bytes:
        number = int(np.searchsorted(self._ends, index, side="right"))
        # ends[number] - len(file) is where the file begins.
        return self._files[number][index - int(self._ends[number]) + len(self._files[number])]


def _records(builder: Any, split: str) -> Any:
    """Random access to a split's serialised examples."""
    info = builder.info
    paths = info.splits[split].filepaths
    for path in paths:
        if not Path(path).is_file():
            what = f"{path} {not_a_file(path)}"
            raise InputError("missing_file", what, "download the data set again")
    records = _open_files(info.file_format.value, paths)
    # A missing shard would make the data smaller without a word.
    stated = info.splits[split].num_examples
    if len(records) != stated:
        raise InputError(
            "bad_dataset",
            f"dataset_info.json says that {split} has {stated:,} records; its files hold "
            f"{len(records):,}",
            "download the data set again, all of its files",
        )
    return records


def _open_files(kind: str, paths: Sequence[Any]) -> Any:
    if kind == "tfrecord":
        return _Files(paths)
    if kind == "array_record":
        from array_record.python.array_record_data_source import ArrayRecordDataSource

        return ArrayRecordDataSource([str(lasting_plain_path(path)) for path in paths])
    raise InputError(
        "bad_dataset", f"files of format {kind} are not read", "write array_record or tfrecord"
    )


def _paths(features: Any, steps: str) -> dict[str, Any]:
    """Path -> feature, with those of the steps as if they were the record's own."""
    found: dict[str, Any] = {}

    def walk(prefix: str, feature: Any) -> None:
        """Adds the fields of a feature below a path."""
        for name, part in feature.items():
            path = f"{prefix}{name}"
            if path == steps:
                walk("", part.feature)
            elif hasattr(part, "items"):
                walk(f"{path}/", part)
            else:
                found[path] = part

    if steps and steps not in features:
        raise unknown_name("unknown_field", "field of steps:", steps, features)
    walk("", features)
    return found


def _named(fields: FieldMap) -> list[str]:
    """The fields that the map names."""
    keys = ("image", "question", "answer", "tagged", "id", "task", "turns", "contact")
    values = [getattr(fields, key) for key in (*keys, "approach", "left", "gripper")]
    return [value for value in values if value]


def _keep_encoded(features: Any) -> Any:
    """Decoders that leave every image as its file's bytes: workers decode with care."""
    import tensorflow_datasets as tfds

    class KeepEncoded(tfds.decode.SkipDecoding):
        """As its base, for sequences of images too."""

        def decode_batch_example_np(self, serialized_example: Any) -> Any:
            """The files' bytes, untouched."""
            return serialized_example

    def walk(feature: Any) -> Any:
        """The decoders of a feature; None where it has no image."""
        if isinstance(feature, tfds.features.Image):
            return KeepEncoded()
        inner = getattr(feature, "feature", None)
        if inner is not None and not hasattr(feature, "items"):
            return walk(inner)
        if not hasattr(feature, "items"):
            return None
        parts = {name: walk(part) for name, part in feature.items()}
        return {name: part for name, part in parts.items() if part is not None} or None

    return walk(features)


def _flat(value: Mapping[str, Any], prefix: str = "") -> Any:
    """Nested fields by path."""
    for name, part in value.items():
        if isinstance(part, Mapping):
            yield f"{prefix}{name}", part
            yield from _flat(part, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", part


def _text(value: Any, where: str) -> str:
    """Text out of bytes or text."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bytes):
        return decode_text(value, where)
    if not isinstance(value, str):
        raise bad_record(where, f"is not text: {value!r:.80}")
    return check_text(value, where)


def _name(value: Any, where: str) -> str:
    """A record's id, which may be a whole number, too."""
    if isinstance(value, np.ndarray | np.generic) and not value.ndim:
        value = value.item()
    return str(value) if type(value) is int else _text(value, where)


def _images(value: Any, where: str) -> tuple[ImageRef, ...]:
    """Encoded bytes, pixels, or several of either."""
    if isinstance(value, bytes):
        return (value,)
    if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim == 3:
        return (value,)
    if isinstance(value, np.ndarray | list | tuple):
        # An empty sequence is a sample of text alone.
        return tuple(image for part in value for image in _images(part, where))
    raise bad_record(where, "has no image where the field map says one")


def _turns(values: Mapping[str, Any], name: str, where: str) -> tuple[Turn, ...]:
    """A sequence of {role, text}: a list of them, or lists of each."""
    roles, texts = values.get(f"{name}/role"), values.get(f"{name}/text")
    if roles is None or texts is None or len(roles) != len(texts) or not len(roles):
        raise bad_record(where, f"has no roles and texts as {name}")
    turns = tuple(
        (_text(role, f"{where}, {name}/role"), _text(text, f"{where}, {name}/text"))
        for role, text in zip(roles, texts, strict=True)
    )
    if any(role not in ROLES for role, _ in turns):
        raise bad_record(where, f"has a role in {name} that is not one of {', '.join(ROLES)}")
    return turns
