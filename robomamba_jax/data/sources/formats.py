# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which format a path holds, and the source that reads it."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from robomamba_jax.config.data import SourceConfig
from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.data.sources.lerobot import LeRobotSource
from robomamba_jax.data.sources.lerobot_info import is_lerobot
from robomamba_jax.data.sources.llava import LlavaSource
from robomamba_jax.data.sources.lrv import LrvSource
from robomamba_jax.data.sources.manipulation import ManipLlmPoses, RoboMambaPoses, parse_action
from robomamba_jax.data.sources.paths import AllowedRoots
from robomamba_jax.data.sources.rlds import RldsSource, field_names
from robomamba_jax.data.sources.robovqa import RoboVqaSource
from robomamba_jax.data.sources.robovqa_json import RoboVqaJsonSource
from robomamba_jax.data.sources.sample import Source
from robomamba_jax.data.sources.tfrecord import TfRecords, feature_lists, is_tfrecord
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_names import find_files
from robomamba_jax.utils.file_types import is_tfrecord_head, other_file, read_head

PREPARED_MANIFEST = "manifest.json"
"""What a folder of prepared data is known by, beside its shards."""

# How a user lets the links of a source lead elsewhere, see ``AllowedRoots``.
_ALLOW = (
    "--allow-root {root} (robomamba data), or "
    "--set data.sources.{number}.allow_roots={roots} (train.py)"
)
_KNOWN = (
    "LLaVA, LRV, RoboVQA, RoboMamba or ManipLLM files, a TFDS or LeRobot folder, or prepared data"
)


def detect(path: str) -> str:
    """The format's name, see ``config.data.FORMATS``.

    Raises:
      InputError: nothing is there, or it is none of them.
    """
    paths = find_files(path)
    return _detect_folder(paths[0]) if paths[0].is_dir() else _detect_file(paths[0])


def _detect_folder(folder: Path) -> str:
    if (folder / "dataset_info.json").is_file() and (folder / "features.json").is_file():
        return "rlds"
    if is_lerobot(folder):
        return "lerobot"
    if (folder / PREPARED_MANIFEST).is_file() and any(folder.glob("*.array_record")):
        return "prepared"
    if any(folder.glob("*/result.json")):
        return "manipllm"
    files = _tfrecords(folder)
    if files:
        return _detect_file(files[0])
    raise InputError(
        "unknown_format", f"{folder} holds no data that we know", f"give a file: {_KNOWN}"
    )


def _tfrecords(folder: Path) -> list[Path]:
    """By their content: RoboVQA's are called train-00000 and the like."""
    return sorted(path for path in folder.iterdir() if path.is_file() and is_tfrecord(path))


def _detect_file(path: Path) -> str:
    try:
        head = read_head(path)
    except OSError as error:
        what = f"{path} cannot be read: {error.strerror}"
        raise InputError("unreadable_file", what, "give a readable file") from error
    # A byte order mark and blanks may come first.
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
        records = JsonRecords(path)
        try:
            return _detect_records(records, path)
        finally:
            records.close()
    if not is_tfrecord_head(head):
        expected = "neither JSON nor TFRecord"
        raise other_file("unknown_format", str(path), head, expected, f"give {_KNOWN}")
    record = TfRecords(path)[0]  # whose own error tells of damage
    try:
        # RoboVQA is told by its fields; any other TFRecord file is of no use without a description.
        lists = feature_lists(record, str(path))
    except InputError:
        lists = {}
    if {"images", "texts"} <= set(lists):
        return "robovqa"
    raise InputError(
        "unknown_format",
        f"{path} is a TFRecord file, but not RoboVQA's: its records lack images and texts",
        "give RoboVQA's files; of a TFDS data set the folder with dataset_info.json",
    )


def _detect_records(records: JsonRecords, path: Path) -> str:
    """By the first record that is of a format: one before it may be damaged."""
    errors = []
    for index in range(min(len(records), 10)):
        try:
            return _detect_record(records[index], path)
        except InputError as error:
            errors.append(error)
    raise errors[0]


def _detect_record(record: dict[str, Any], path: Path) -> str:
    if "conversations" in record:
        turns = record["conversations"] if isinstance(record["conversations"], list) else []
        texts = [turn.get("value") for turn in turns if isinstance(turn, dict)]
        try:
            # The same fields as LLaVA's; an answer that is a pose makes the difference. The
            # conventions given here only serve to parse it.
            parse_action(str(texts[-1]), "", pixel_order="xy", frame="opencv")
        except (InputError, IndexError):
            return "llava"
        return "robomamba-poses"
    if {"image_id", "question", "answer"} <= set(record):
        return "lrv"
    if "text" in record and ("video" in record or "uid" in record):
        return "robovqa-json"
    what = f"{path} has records of {', '.join(list(record)[:8]) or 'nothing'}"
    raise InputError("unknown_format", what, f"give {_KNOWN}")


def open_source(config: SourceConfig, number: int = 0) -> Source:
    """The source of a configuration; prepared data is no source, see ``data.cache.prepared``.

    Args:
      config: what to open.
      number: its index among a configuration's sources, for messages.

    Raises:
      InputError: the path, its format or a needed setting is missing or wrong.
    """
    name = config.format if config.format != "auto" else detect(config.path)
    if name == "custom":
        return _custom(config)
    path, root = config.path, config.root
    if name not in ("robovqa", "robovqa-json"):
        path = _only(path, name)
    allowed = AllowedRoots.of(config.allow_roots, _ALLOW.replace("{number}", str(number)))
    if name == "llava":
        return LlavaSource(path, root, allowed=allowed)
    if name == "lrv":
        return LrvSource(path, root, allowed=allowed)
    if name == "robovqa":
        files = [file for found in find_files(path) for file in _files(found)]
        return RoboVqaSource(files, frames=config.frames, split=config.split)
    if name == "robovqa-json":
        files = find_files(path)
        return RoboVqaJsonSource(
            files, root, frames=config.frames, split=config.split, allowed=allowed
        )
    if name == "manipllm":
        return ManipLlmPoses(path, allowed=allowed)
    if name == "robomamba-poses":
        order = _needed(config, "pixel_order", "xy or rowcol; the files do not say it")
        frame = config.frame or "manipllm"
        return RoboMambaPoses(path, root, pixel_order=order, frame=frame, allowed=allowed)
    if name == "rlds":
        if config.fields is None:
            listed = ", ".join(field_names(path))
            raise InputError(
                "bad_config",
                f"{path} needs a field map",
                "say which of its fields are image, question, answer, by fields in a configuration "
                f"or data inspect --fields FILE: {listed}"[:600],
            )
        return RldsSource(
            path,
            config.fields,
            split=config.tfds_split,
            pixel_order=config.pixel_order,
            frame=config.frame,
        )
    if name == "lerobot":
        return LeRobotSource(
            path,
            config.fields,
            root=root,
            split=config.tfds_split,
            pixel_order=config.pixel_order,
            frame=config.frame,
            allowed=allowed,
        )
    raise InputError("bad_config", f"{path} is prepared already", "give it to training as it is")


def _only(path: str, name: str) -> str:
    """The one file or folder that a path or a pattern names, where a format has one."""
    found = find_files(path)
    if len(found) > 1:
        what = f"{path} names {len(found)} files, and a source of format {name} is one"
        raise InputError("several_files", what, "give a source for each of them")
    return path if os.path.lexists(path) else str(found[0])


def _files(path: Path) -> list[Path]:
    return _tfrecords(path) if path.is_dir() else [path]


def _needed(config: SourceConfig, name: str, what: str) -> Any:
    value = getattr(config, name)
    if value is None:
        raise InputError("bad_config", f"{config.path} needs {name}", f"give {name}: {what}")
    return value


def _custom(config: SourceConfig) -> Source:
    """A user's own source: what "package.module:function" returns."""
    module, colon, function = (config.factory or "").partition(":")
    if not colon or not module or not function:
        what = f"{config.path}: factory is {config.factory!r}"
        raise InputError("bad_config", what, "give package.module:name")
    try:
        make = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise InputError("bad_config", f"factory: {error}", "give package.module:name") from error
    return make(config.path, config.root)
