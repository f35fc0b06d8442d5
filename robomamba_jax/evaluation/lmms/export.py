# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA and OCR-VQA as tasks of lmms-eval, which has neither: a folder for --include_path."""

from __future__ import annotations

import glob
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TypedDict

from robomamba_jax.data.images.rgb import encoded
from robomamba_jax.data.sources.bare_files import without_metadata
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.sample import ImageRef
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.evaluation.benchmarks.base import BenchmarkData
from robomamba_jax.evaluation.benchmarks.question_files import write_text

TASKS = ("robovqa", "ocrvqa")
# What stands in the task file for the data's path, which the datasets library takes for a pattern.
_DATA = "DATA_FILE"


class ExportedTask(TypedDict):
    """What was written: the task's name, its folder, the number of its questions, and of those that
    were left out the ids and reasons."""

    task: str
    folder: str
    questions: int
    left_out: list[dict[str, str]]


def export_task(
    name: str, data: BenchmarkData, folder: Path, *, skip: bool = False
) -> ExportedTask:
    """Write the task file, its functions, its questions and its images.

    Args:
      name: one of ``TASKS``.
      data: the benchmark's questions.
      folder: where the task's own folder goes.
      skip: leave out questions whose image cannot be read, and say which.

    Raises:
      InputError: lmms-eval has this benchmark itself, or an image cannot be read.
    """
    if name not in TASKS:
        raise unknown_name("bad_arguments", "benchmark for --lmms-task", name, TASKS)
    home = folder / name
    (home / "images").mkdir(parents=True, exist_ok=True)
    known: dict[Path | int, str] = {}
    rows, left_out = [], []
    for number, question in enumerate(data.questions):
        try:
            ref = question.load_images()[-1]
            # Questions about one file share its copy; images that are no files have no name to
            # share by.
            key = ref if isinstance(ref, Path) else number
            if key not in known:
                image = f"{len(known):06d}.jpg"
                _write_image(ref, home / "images" / image)
                known[key] = image
        except InputError as error:
            if not skip or error.kind == "cannot_write":
                message = f"question {question.id!r}: {error.message}"
                raise InputError(error.kind, message, error.fix) from error
            left_out.append({"id": question.id, "reason": error.message})
            continue
        row = {"id": question.id, "image": known[key], "question": question.text}
        groups = {kind.replace(" ", "_"): text for kind, text in question.groups.items()}
        rows.append({**row, "answer": question.references[0], **groups})
    path = home / f"{name}.jsonl"
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    source = resources.files("robomamba_jax.evaluation.lmms").joinpath("tasks", name)
    task = source.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    # JSON's strings are YAML's, too.
    pattern = json.dumps(glob.escape(str(path.resolve())))
    write_text(home / f"{name}.yaml", task.replace(_DATA, pattern))
    write_text(home / "utils.py", source.joinpath("utils.py").read_text(encoding="utf-8"))
    return {
        "task": f"{name}_robomamba",
        "folder": str(folder),
        "questions": len(rows),
        "left_out": left_out,
    }


def _write_image(ref: ImageRef, path: Path) -> None:
    """A JPEG without its metadata, any other image as one."""
    image = open_ref(ref)
    data = ref.read_bytes() if isinstance(ref, Path) else ref
    bare = None
    if isinstance(data, bytes) and data.startswith(b"\xff\xd8"):
        # Its own bytes: a JPEG that is encoded once more is not the one that eval.py reads.
        bare = without_metadata(data)
    try:
        path.write_bytes(encoded(image, "JPEG", quality=95) if bare is None else bare)
    except OSError as error:
        raise InputError("cannot_write", f"{path}: {error}", "give another folder") from error


def doc_to_text(
    doc: Mapping[str, str], lmms_eval_specific_kwargs: Mapping[str, str] | None = None
) -> str:
    """A task's question in the model's prompt; lmms-eval calls it."""
    more = lmms_eval_specific_kwargs or {}
    return f"{more.get('pre_prompt', '')}{doc['question']}{more.get('post_prompt', '')}"
