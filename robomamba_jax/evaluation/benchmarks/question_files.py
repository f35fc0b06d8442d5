# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Reading a benchmark's files, with one clear line where something is wrong."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.data.sources.paths import AllowedRoots, check_name, find_image
from robomamba_jax.data.sources.sample import ImageRef, bad_record
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.base import (
    Answer,
    BenchmarkData,
    ImageFinder,
    ImageLoader,
    Question,
    Submit,
)
from robomamba_jax.utils.file_names import find_files
from robomamba_jax.utils.files import read_json, replacing
from robomamba_jax.utils.json_types import Json, JsonObject
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


def read_object(path: Path) -> JsonObject:
    """A JSON file's object; see ``utils.files.read_json``.

    Raises:
      InputError: it is missing, broken, too large, or something else.
    """
    return _read(path, dict)


def read_list(path: Path) -> list[Json]:
    """Likewise, a JSON file's list."""
    return _read(path, list)


def _read(path: Path, kind: type[dict] | type[list]) -> Any:
    if not path.is_file():
        raise missing(path)
    return read_json(path, kind=kind, fix="give the benchmark's own file")


def read_records(path: Path, unit: str = "record") -> Iterator[tuple[JsonObject, str]]:
    """The objects of a JSON list or of JSON lines, each with its place for messages.

    Args:
      path: of the file.
      unit: what an object is called there.

    Raises:
      InputError: see ``JsonRecords``.
    """
    with contextlib.closing(JsonRecords(path)) as records:
        for number in range(len(records)):
            yield records[number], f"{path}: {unit} {number}"


def keyed_records(path: Path, unit: str) -> Iterator[tuple[str, JsonObject, str]]:
    """The objects of a JSON object, each with its key and its place for messages.

    Args:
      path: of the file.
      unit: what an object is called there.

    Raises:
      InputError: it is no such file.
    """
    for key, value in read_object(path).items():
        where = f"{path}: {unit} {key!r}"
        yield key, object_of(value, where), where


def records_in(content: Mapping[str, Json], name: str, path: Path) -> list[JsonObject]:
    """The list of objects under a key.

    Raises:
      InputError: there is no such list.
    """
    value = content.get(name)
    if isinstance(value, list):
        records = [part for part in value if isinstance(part, dict)]
        if len(records) == len(value):
            return records
    what = f"{path} has no list {name!r} of objects"
    raise InputError("bad_json", what, "give the benchmark's own file")


def object_of(value: Json, where: str) -> JsonObject:
    """A record that must be an object.

    Raises:
      InputError: it is something else.
    """
    if not isinstance(value, dict):
        raise bad_record(where, "is not an object")
    return value


def text_of(record: Mapping[str, Json], name: str, where: str) -> str:
    """A field that must be text.

    Raises:
      InputError: it is missing or something else.
    """
    value = record.get(name)
    if not isinstance(value, str):
        raise bad_record(where, f"has no text {name!r}")
    return value


def number_of(record: Mapping[str, Json], name: str, where: str) -> int:
    """A field that must be a whole number.

    Raises:
      InputError: it is missing or something else.
    """
    value = record.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise bad_record(where, f"has no whole number {name!r}")
    return value


def texts_of(record: Mapping[str, Json], name: str, where: str) -> list[str]:
    """A field that must be a list of texts.

    Raises:
      InputError: it is missing or something else.
    """
    value = record.get(name)
    if isinstance(value, list):
        texts = [part for part in value if isinstance(part, str)]
        if len(texts) == len(value):
            return texts
    raise bad_record(where, f"has no list of texts {name!r}")


def load(
    config: EvalConfig,
    default: Sequence[str],
    read: Callable[[EvalConfig, Path], Sequence[Question]],
    *,
    unit: str = "question",
) -> BenchmarkData:
    """A benchmark whose files of questions hold their answers, too.

    Args:
      config: of the evaluation.
      default: the files' names where the configuration has none.
      read: one of them -> its questions.
      unit: what a question is called there: "record", "row", ...

    Raises:
      InputError: a file is missing, or see :func:`collect`.
    """
    check_unused(config.files, "answers")
    paths = question_files(config.files, default)
    return collect(paths, functools.partial(read, config), unit=unit)


def collect(
    paths: Sequence[Path],
    read: Callable[[Path], Sequence[Question]],
    *,
    unit: str = "question",
    first: int = 0,
) -> BenchmarkData:
    """The questions of all files. They are labelled if they have references.

    A half-labelled benchmark is an error, since its score would be of another set of questions than
    everybody's, and nobody would see it.

    Args:
      paths: of the files.
      read: one of them -> its questions.
      unit: what a question is called there: "record", "row", ...
      first: the first one's number.

    Raises:
      InputError: some have references and others have not.
    """
    questions: list[Question] = []
    labelled: dict[Path, bool] = {}
    for path in paths:
        here = read(path)
        flags = [bool(question.references) for question in here]
        if any(flags) and not all(flags):
            where = f"{path}: {unit} {flags.index(False) + first}"
            raise bad_record(where, "has no answer, as others have")
        labelled[path] = any(flags)
        questions += here
    if len(set(labelled.values())) > 1:
        have, lack = (
            next(path for path in paths if labelled[path] is flag) for flag in (True, False)
        )
        what = f"{lack} has no answers, but {have} has"
        raise InputError("bad_record", what, "score them apart: --set files.questions=...")
    return BenchmarkData(tuple(questions), any(labelled.values()), tuple(paths))


# A benchmark has up to half a million questions about images that may lie on a network's disk:
# looking for all of them can take minutes, and scoring somebody's answers needs none.
class LazyImages:
    """Images that are looked for when they are asked for, which costs no reading."""

    def __init__(self, find: ImageLoader) -> None:
        """Keep how to find them."""
        self._find = functools.cache(find)

    def __call__(self) -> tuple[ImageRef, ...]:
        """Where they are.

        Raises:
          InputError: one is missing.
        """
        return self._find()


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
                raise with_question(question.id, error) from error


def with_question(key: str, error: InputError) -> InputError:
    """An error with the question that it is about, and how to go on without that."""
    message = f"question {key!r}: {error.message}"
    return InputError(error.kind, message, f"{error.fix}; or --set on_error=skip")


def image_finder(files: FilesConfig, folders: tuple[str, ...] = ()) -> ImageFinder:
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

    # Questions about one image (POPE has 18 of each) share its loader, too.
    @functools.cache
    def loader(name: str) -> ImageLoader:
        check_name(name)
        return LazyImages(functools.partial(find, name))

    return loader


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
        except ValueError as error:
            raise bad_record(where, "holds an image that is not base64") from error

    return decode


def answer_list(
    file_name: str,
    id_key: str = "question_id",
    answer_key: str = "answer",
    *,
    id_of: Callable[[str], str | int] = str,
    answer_of: Callable[[Answer], Answer] = lambda answer: answer,
) -> Submit:
    """A submission that is a JSON list of {id_key: id, answer_key: answer}.

    Args:
      file_name: of the list.
      id_key: the key of a question's id.
      answer_key: the key of an answer.
      id_of: our id -> the benchmark's.
      answer_of: an answer -> what the benchmark's own scorer compares as it stands.
    """

    def submit(
        folder: Path, questions: Sequence[Question], predictions: Sequence[Answer]
    ) -> list[Path]:
        rows: list[Json] = [
            {id_key: id_of(question.id), answer_key: answer_of(answer)}
            for question, answer in zip(questions, predictions, strict=True)
        ]
        return [write_json(folder / file_name, rows)]

    return submit


def write_json(path: Path, content: Json) -> Path:
    """A JSON file, whole or not at all."""
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    return write_text(path, writable(text, in_json=True))


def write_text(path: Path, text: str) -> Path:
    """A text file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_bytes(encode_text(text))
    return path
