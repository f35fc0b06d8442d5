# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A LeRobot data set's info.json and the lines of its other text files, checked."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from robomamba_jax.errors import InputError
from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.untrusted_text import parse_json, read_text, split_lines

INFO = "meta/info.json"
VERSIONS = ("v2.1", "v3.0")
AGAIN = "download the whole data set again"

_OLD_INFO = "meta_data/info.json"  # of v1
_NUMBER = re.compile(r"(0?[1-9])?d?")
_KEYS = {
    "data_path": ("episode_chunk", "episode_index", "chunk_index", "file_index"),
    "video_path": ("video_key", "episode_chunk", "episode_index", "chunk_index", "file_index"),
}


def is_lerobot(folder: Path) -> bool:
    """Whether a folder has the description of a LeRobot data set, of whatever version."""
    for name in (INFO, _OLD_INFO):
        if (folder / name).is_file():
            try:
                return "codebase_version" in _json(folder / name)
            except InputError:
                return name == INFO  # whose opening says what is wrong
    return False


def fill_template(template: Json, key: str, values: Mapping[str, int | str], where: str) -> str:
    """A path of info.json with its fields filled in.

    Python's own ``format`` reads attributes and items of what it is given, and pads to any length:
    here a field is one of the known names, with nothing behind it but a number's width.

    Args:
      template: such as "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet".
      key: "data_path" or "video_path".
      values: field -> number or text.
      where: the file, for messages.

    Raises:
      InputError: it is not such a template, or a field has no value in this version.
    """
    if not isinstance(template, str) or not template:
        raise InputError("bad_dataset", f"{where} has no {key}", AGAIN)
    text = ""
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise InputError("bad_dataset", f"{where}: {key} {template!r}: {error}", AGAIN) from error
    for literal, name, form, conversion in pieces:
        text += literal
        if name is None:
            continue
        value = values.get(name)
        plain = not form if isinstance(value, str) else _NUMBER.fullmatch(form or "")
        if value is None or not plain or conversion:
            raise InputError(
                "bad_dataset",
                f"{where}: {key} has the field {{{name}{':' if form else ''}{form or ''}}}"[:200],
                f"use {', '.join(name for name in _KEYS[key] if name in values)}, e.g. as :03d",
            )
        text += format(value, form or "")
    return text


def read_info(path: Path) -> dict[str, Any]:
    """info.json, with the fields that are used checked.

    Raises:
      InputError: it is missing or broken, or its version is not one of ``VERSIONS``.
    """
    where = path / INFO
    if not where.is_file() and (path / _OLD_INFO).is_file():
        where = path / _OLD_INFO
    info = _json(where)
    version = info.get("codebase_version")
    if version not in VERSIONS:
        raise InputError(
            "unknown_version",
            f"{where} has codebase_version {str(version)[:40]!r}",
            f"give a data set of {' or '.join(VERSIONS)}; LeRobot's own scripts convert to them",
        )

    def wrong(name: str, what: str) -> InputError:
        """The error of a field that is something else."""
        shown = repr(info.get(name))[:80]
        return InputError("bad_dataset", f"{where}: {name} is {shown}, not {what}", AGAIN)

    fps = info.get("fps")
    if not isinstance(fps, int | float) or isinstance(fps, bool) or not 0 < fps < math.inf:
        raise wrong("fps", "a number above 0")
    for name in ("total_episodes", "total_frames"):
        if not is_count(info.get(name)):
            raise wrong(name, "a count")
    if version == "v2.1" and not (is_count(info.get("chunks_size")) and info["chunks_size"]):
        raise wrong("chunks_size", "a count above 0")
    features = info.get("features")
    if not isinstance(features, dict) or not all(
        isinstance(how, dict) and isinstance(how.get("dtype"), str) for how in features.values()
    ):
        raise wrong("features", "columns with a dtype each")
    return info


def _json(path: Path) -> dict[str, Any]:
    need_file(path)
    info = parse_json(read_text(path, 2**28), str(path), unique_keys=True)
    if not isinstance(info, dict):
        raise InputError("bad_dataset", f"{path} is not a JSON object", AGAIN)
    return info


def need_file(path: Path) -> None:
    """Raise ``InputError`` unless the file is there."""
    if not path.is_file():
        raise InputError("missing_file", f"{path} does not exist", "download the whole data set")


def read_lines(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """(where it is, object) of each line of a .jsonl file that is not empty.

    Raises:
      InputError: it is missing, or a line is not a JSON object.
    """
    need_file(path)
    found = []
    for number, line in enumerate(split_lines(read_text(path)), 1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        value = parse_json(line, where, unique_keys=True)
        if not isinstance(value, dict):
            raise InputError("bad_dataset", f"{where} is not a JSON object", AGAIN)
        found.append((where, value))
    return found


def is_count(value: object) -> TypeGuard[int]:
    """Whether a value of JSON or Parquet is a whole number from 0 on."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
