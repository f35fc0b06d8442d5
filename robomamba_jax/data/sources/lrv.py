# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""LRV-Instruction: questions about images, many of them about what is not there.

https://github.com/FuxiaoLiu/LRV-Instruction: a JSON list of ``{"image_id", "question",
"answer", "task"}``. In the files about photos ``image_id`` is a number to which .jpg
belongs; in the file about charts it is a whole file name. All files, with boxes and
without, are of this form.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.data.sources.paths import NO_ROOTS, AllowedRoots, find_image
from robomamba_jax.data.sources.sample import (
    Sample,
    bad_record,
    check_format,
    check_input,
    text_field,
)
from robomamba_jax.data.text.prompts import IMAGE
from robomamba_jax.utils.json_types import Json

# As the authors' archives unpack, beside the JSON file or below it.
_FOLDERS = ("", "image", "images", "chart_image", "lrv-vg", "lrv-chart")
_FIELDS = ("image_id", "question", "answer", "task")


class LrvSource:
    """Samples of an LRV file."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        root: str | os.PathLike[str] | None = None,
        *,
        allowed: AllowedRoots = NO_ROOTS,
    ) -> None:
        """Find the records; arguments and errors as for ``LlavaSource``."""
        self._records = JsonRecords(path)
        self._root = Path(path).parent if root is None else Path(root)
        self._allowed = allowed
        check_format(self._records, ("image_id", "question", "answer"), path, "LRV")

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Sample:
        """One sample; the image stands before the question, as in other users' conversions.

        Raises:
          InputError: the record lacks something, or its image is missing.
        """
        record = self._records[index]
        where = f"{self._records.path}: record {index}"
        check_input(record, _FIELDS, where)
        image = text_field(record, "image_id", where)
        question = text_field(record, "question", where).strip()
        answer = text_field(record, "answer", where).strip()
        if not answer or not question:
            raise bad_record(where, f"has an empty {'question' if answer else 'answer'}")
        file = image if Path(image).suffix else f"{image}.jpg"
        turns = (("human", f"{IMAGE}\n{question}"), ("gpt", answer))
        task = record.get("task")
        # Several questions share an image: the record's number tells them apart.
        return Sample(
            f"{image}#{index}",
            (find_image(self._root, file, _FOLDERS, self._allowed),),
            turns,
            task if isinstance(task, str) else None,
        )

    def facts(self) -> Mapping[str, Json]:
        """Format and number of records."""
        return {"format": "lrv", "records": len(self)}
