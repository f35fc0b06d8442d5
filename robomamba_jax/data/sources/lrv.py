# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""LRV-Instruction: questions about images, many of them about what is not there.

https://github.com/FuxiaoLiu/LRV-Instruction: a JSON list of ``{"image_id", "question",
"answer", "task"}``. In the files about photos ``image_id`` is a number to which .jpg
belongs; in the file about charts it is a whole file name. All files, with boxes and
without, are of this form.
"""

from __future__ import annotations

from pathlib import Path

from robomamba_jax.data.sources.json_source import JsonFileSource
from robomamba_jax.data.sources.sample import Sample, bad_record, text_field
from robomamba_jax.data.text.prompts import IMAGE


class LrvSource(JsonFileSource):
    """Samples of an LRV file."""

    _format, _title = "lrv", "LRV"
    _fields = ("image_id", "question", "answer", "task")
    _needed = ("image_id", "question", "answer")
    # As the authors' archives unpack, beside the JSON file or below it.
    _folders = ("", "image", "images", "chart_image", "lrv-vg", "lrv-chart")

    def __getitem__(self, index: int) -> Sample:
        """One sample; the image stands before the question, as in other users' conversions.

        Raises:
          InputError: the record lacks something, or its image is missing.
        """
        record, where = self._record(index)
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
            (self._image(file),),
            turns,
            task if isinstance(task, str) else None,
        )
