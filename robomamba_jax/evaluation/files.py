# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Reading a benchmark's files, with one clear line where something is wrong."""

from __future__ import annotations

import base64
import binascii
import functools
import glob
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.config.evaluation import FilesConfig
from robomamba_jax.convert.files import replacing
from robomamba_jax.data.paths import AllowedRoots, find_image
from robomamba_jax.data.records import ImageRef, bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.items import Pictures

MAX_JSON_BYTES = 2**31


def question_files(files: FilesConfig, default: Sequence[str] = ()) -> list[Path]:
    """The files of questions, patterns resolved, in the order given.

    Args:
      files: where the benchmark lies.
      default: names where the configuration has none.

    Raises:
      InputError: one is missing.
    """
    found: list[Path] = []
    for name in files.questions or default:
        matches = sorted(glob.glob(str(Path(files.root) / name)))  # noqa: PTH207 (absolute, too)
        if not matches:
            raise missing(Path(files.root) / name)
        found += [Path(match) for match in matches]
    return found


def missing(path: Path) -> InputError:
    """An error for a file that is not there."""
    return InputError(
        "missing_file",
        f"{path} is not there",
        "download it there, or say where it lies: --set files.root=DIR, --set files.questions=...",
    )


def answers_file(files: FilesConfig) -> Path | None:
    """The file of answers; None for a test split.

    Raises:
      InputError: it is named and not there.
    """
    if not files.answers:
        return None
    path = Path(files.root) / files.answers
    if not path.is_file():
        raise InputError(
            "missing_file",
            f"{path} is not there",
            "download it there; for a test split without answers: --set files.answers=",
        )
    return path


def read_json(path: Path, kind: type[dict] | type[list]) -> Any:
    """A JSON file's content.

    Raises:
      InputError: it is missing, broken, too large, or of another kind.
    """
    if not path.is_file():
        raise missing(path)
    if path.stat().st_size > MAX_JSON_BYTES:
        raise InputError("bad_json", f"{path} has more than 2 GiB", "give the benchmark's own file")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        what = str(error)[:200]
        raise InputError("bad_json", f"{path} is no JSON: {what}", "download it again") from error
    if not isinstance(content, kind):
        wanted = "an object" if kind is dict else "a list"
        fix = "give the benchmark's own file"
        raise InputError(
            "bad_json", f"{path} holds no {wanted.split()[1]}, but {wanted} is due", fix
        )
    return content


def records_in(content: Mapping[str, Any], name: str, path: Path) -> list[dict[str, Any]]:
    """The list of objects under a key.

    Raises:
      InputError: there is no such list.
    """
    found = content.get(name)
    if not isinstance(found, list) or not all(isinstance(part, dict) for part in found):
        raise InputError(
            "bad_json", f"{path} has no list {name!r} of objects", "give the benchmark's own file"
        )
    return found


def text_of(record: Mapping[str, Any], name: str, where: str) -> str:
    """A field that must be text.

    Raises:
      InputError: it is missing or something else.
    """
    value = record.get(name)
    if not isinstance(value, str):
        raise bad_record(where, f"has no text {name!r}")
    return value


def number_of(record: Mapping[str, Any], name: str, where: str) -> int:
    """A field that must be a whole number.

    Raises:
      InputError: it is missing or something else.
    """
    value = record.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise bad_record(where, f"has no whole number {name!r}")
    return value


def text_list(value: Any, where: str, name: str) -> list[str]:
    """A field that must be a list of texts.

    Raises:
      InputError: it is something else.
    """
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise bad_record(where, f"has no list of texts {name!r}")
    return value


def all_or_none(labelled: Sequence[bool], path: Path, what: str, first: int = 0) -> bool:
    """Whether a file's questions have answers.

    Args:
      labelled: of each.
      path: of the file.
      what: what its questions are called there: "record", "row", ...
      first: the first one's number.

    Raises:
      InputError: some have, and some have not.
    """
    if any(labelled) and not all(labelled):
        where = f"{path}: {what} {labelled.index(False) + first}"
        raise bad_record(where, "has no answer, as others have")
    return any(labelled)


def finder(files: FilesConfig, folders: tuple[str, ...] = ()) -> Callable[[str], Pictures]:
    """How to find pictures by name; each name is looked for once.

    Args:
      files: where the benchmark lies.
      folders: below its root, where its pictures usually are.
    """
    root, places = Path(files.root), (*folders, "", "images")
    if files.images:
        root, places = root / files.images, ("",)
    allowed = allowed_roots(files)

    @functools.cache
    def find(name: str) -> Pictures:
        try:
            path = find_image(root, name, places, allowed)
        except InputError as error:
            if error.kind != "missing_image":
                raise
            fix = "extract the pictures there, or --set files.images=DIR"
            raise InputError(error.kind, error.message, fix) from error
        return functools.partial(_one, path)

    return find


def allowed_roots(files: FilesConfig) -> AllowedRoots:
    """Where links among a benchmark's files may lead.

    Raises:
      InputError: an allowed root is not a folder.
    """
    return AllowedRoots.of(files.allow_roots, "--set files.allow_roots={roots}")


def _one(ref: ImageRef) -> tuple[ImageRef, ...]:
    return (ref,)


def embedded(text: str, where: str) -> Pictures:
    """A picture that a table holds in base64; decoded when asked for."""

    def decode() -> tuple[ImageRef, ...]:
        try:
            return (base64.b64decode(text, validate=True),)
        except (ValueError, binascii.Error) as error:
            raise bad_record(where, "holds a picture that is no base64") from error

    return decode


def write_json(path: Path, content: Any) -> Path:
    """A JSON file, whole or not at all."""
    return write_text(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def write_text(path: Path, text: str) -> Path:
    """A text file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
    return path
