# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Reading a benchmark's files, with one clear line where something is wrong."""

from __future__ import annotations

import base64
import binascii
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.config.evaluation import FilesConfig
from robomamba_jax.data.sources.paths import AllowedRoots, check_name, find_image
from robomamba_jax.data.sources.sample import ImageRef, bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.base import ImageLoader, Question
from robomamba_jax.utils.file_names import find_files
from robomamba_jax.utils.files import read_json as read_any_json
from robomamba_jax.utils.files import replacing
from robomamba_jax.utils.untrusted_text import encode_text, writable

_MISSING = (
    "download it there, or say where it lies: --set files.root=DIR, --set files.questions=..."
)


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
        found += find_files(name, files.root, missing="is not there", fix=_MISSING)
    twice = [path for number, path in enumerate(found) if path in found[:number]]
    if twice:
        raise InputError(
            "bad_config", f"files.questions names {twice[0]} twice", "name each file once"
        )
    return found


def missing(path: Path) -> InputError:
    """An error for a file that is not there."""
    return InputError("missing_file", f"{path} is not there", _MISSING)


def answers_files(files: FilesConfig) -> list[Path]:
    """The files of answers; none for a test split.

    Raises:
      InputError: one is named and not there.
    """
    if not files.answers:
        return []
    fix = "download it there; for a test split without answers: --set files.answers="
    return find_files(files.answers, files.root, missing="is not there", fix=fix)


def check_unused(files: FilesConfig, *names: str) -> None:
    """Whether what a benchmark has no use for is left out of its configuration.

    Args:
      files: where the benchmark lies.
      names: fields of it that its reader would pass over.

    Raises:
      InputError: one of them is set.
    """
    for name in names:
        if getattr(files, name):
            empty = "[]" if name == "questions" else ""
            what = f"files.{name} is set, but these files hold their {name} themselves"
            raise InputError("bad_config", what, f"leave it out: --set files.{name}={empty}")


def read_json(path: Path, kind: type[dict] | type[list]) -> Any:
    """A JSON file's content; see ``utils.files.read_json``.

    Raises:
      InputError: it is missing, broken, too large, or of another kind.
    """
    if not path.is_file():
        raise missing(path)
    return read_any_json(path, kind=kind, fix="give the benchmark's own file")


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


def same_labels(labelled: Sequence[tuple[Path, bool]]) -> bool:
    """Whether the files' questions have answers.

    Args:
      labelled: each file, and whether its questions have them.

    Raises:
      InputError: those of one file have, and those of another have not.
    """
    flags = dict(labelled)
    if len(set(flags.values())) > 1:
        have = next(path for path, flag in labelled if flag)
        lack = next(path for path, flag in labelled if not flag)
        what = f"{lack} has no answers, but {have} has"
        raise InputError("bad_record", what, "score them apart: --set files.questions=...")
    return any(flags.values())


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


class LazyImages:
    """Images that are looked for when they are asked for, which costs no reading."""

    def __init__(self, find: ImageLoader) -> None:
        """Keep how to find them."""
        self._find = find
        self._found: tuple[ImageRef, ...] = ()

    def __call__(self) -> tuple[ImageRef, ...]:
        """Where they are.

        Raises:
          InputError: one is missing.
        """
        self._found = self._found or self._find()
        return self._found


def check_images_exist(questions: Sequence[Question]) -> None:
    """Find all images that are files, before a model is asked the first question.

    Raises:
      InputError: one is missing.
    """
    for question in questions:
        if isinstance(question.load_images, LazyImages):
            try:
                question.load_images()
            except InputError as error:
                fix = f"{error.fix}; or --set on_error=skip"
                message = f"question {question.id!r}: {error.message}"
                raise InputError(error.kind, message, fix) from error


def image_finder(files: FilesConfig, folders: tuple[str, ...] = ()) -> Callable[[str], ImageLoader]:
    """How to find images by name, each once. What no image may be called is an error at once;
    whether it is there is asked when a model is to see it.

    Args:
      files: where the benchmark lies.
      folders: below its root, where its images usually are.
    """
    root, places = Path(files.root), (*folders, "", "images")
    if files.images:
        root, places = root / files.images, ("",)
    allowed = allowed_roots(files)

    def find(name: str) -> tuple[ImageRef, ...]:
        try:
            return (find_image(root, name, places, allowed),)
        except InputError as error:
            if error.kind != "missing_image":
                raise
            fix = "extract the images there, or --set files.images=DIR"
            raise InputError(error.kind, error.message, fix) from error

    @functools.cache
    def named(name: str) -> ImageLoader:
        check_name(name)
        return LazyImages(functools.partial(find, name))

    return named


def allowed_roots(files: FilesConfig) -> AllowedRoots:
    """Where links among a benchmark's files may lead.

    Raises:
      InputError: an allowed root is not a folder.
    """
    return AllowedRoots.of(files.allow_roots, "--set files.allow_roots={roots}")


def embedded(cell: Callable[[], str], where: str) -> ImageLoader:
    """An image that a table holds in base64; found there and decoded when asked for."""

    def decode() -> tuple[ImageRef, ...]:
        text = cell()
        try:
            return (base64.b64decode(text, validate=True),)
        except (ValueError, binascii.Error) as error:
            raise bad_record(where, "holds an image that is not base64") from error

    return decode


def write_json(path: Path, content: Any) -> Path:
    """A JSON file, whole or not at all."""
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    return write_text(path, writable(text, in_json=True))


def write_text(path: Path, text: str) -> Path:
    """A text file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_bytes(encode_text(text))
    return path
