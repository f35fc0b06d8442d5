# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA and OCR-VQA as tasks of lmms-eval, which has neither: a folder for --include_path."""

from __future__ import annotations

import glob
import json
import shutil
from importlib import resources
from pathlib import Path
from typing import Any

from robomamba_jax.data.image_refs import open_ref
from robomamba_jax.data.images import to_rgb
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.evaluation.files import write_text
from robomamba_jax.evaluation.items import Loaded

TASKS = ("robovqa", "ocrvqa")
# What stands in the task file for the data's path, which the datasets library takes for a pattern.
_DATA = "DATA_FILE"


def export_task(name: str, loaded: Loaded, folder: Path) -> dict[str, Any]:
    """Write the task file, its functions, its questions and its pictures.

    Args:
      name: one of ``TASKS``.
      loaded: the benchmark's questions.
      folder: where the task's own folder goes.

    Raises:
      InputError: lmms-eval has this benchmark itself, or a picture cannot be read.
    """
    if name not in TASKS:
        raise unknown_name("bad_arguments", "benchmark for --lmms-task", name, TASKS)
    home = folder / name
    (home / "images").mkdir(parents=True, exist_ok=True)
    known: dict[Any, str] = {}
    rows = []
    for number, item in enumerate(loaded.items):
        refs = item.pictures()
        ref = refs[-1]
        key = ref if isinstance(ref, Path) else number
        if key not in known:
            known[key] = f"{len(known):06d}.jpg"
            _put(ref, home / "images" / known[key])
        row = {"id": item.id, "image": known[key], "question": item.question}
        groups = {kind.replace(" ", "_"): text for kind, text in item.groups.items()}
        rows.append({**row, "answer": item.answers[0], **groups})
    data = home / f"{name}.jsonl"
    write_text(data, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    source = resources.files("robomamba_jax.evaluation").joinpath("lmms_tasks", name)
    task = source.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    write_text(
        home / f"{name}.yaml", task.replace(_DATA, json.dumps(glob.escape(str(data.resolve()))))
    )
    write_text(home / "utils.py", source.joinpath("utils.py").read_text(encoding="utf-8"))
    return {"task": f"{name}_robomamba", "folder": str(folder), "questions": len(rows)}


def _put(ref: Any, path: Path) -> None:
    """A JPEG as it is, any other picture as one."""
    try:
        if isinstance(ref, bytes) and ref.startswith(b"\xff\xd8"):
            path.write_bytes(ref)
        elif isinstance(ref, Path) and ref.suffix.lower() in (".jpg", ".jpeg"):
            shutil.copyfile(ref, path)
        else:
            to_rgb(open_ref(ref)).save(path, quality=95)
    except OSError as error:
        raise InputError("cannot_write", f"{path}: {error}", "give another folder") from error
