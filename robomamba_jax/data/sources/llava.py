# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""LLaVA's files: the 558K captions of the first stage and the 665K mix of the second.

https://github.com/haotian-liu/LLaVA: a JSON list of ``{"id", "image", "conversations"}``;
without ``image`` (or with null) the record is text alone. ``<image>`` stands before or
after the first question, which the prompt template turns into the image's place.
"""

from __future__ import annotations

from robomamba_jax.data.sources.json_source import JsonFileSource
from robomamba_jax.data.sources.sample import (
    Sample,
    bad_record,
    conversation,
    image_field,
    text_field,
)
from robomamba_jax.data.text.prompts import IMAGE


class LlavaSource(JsonFileSource):
    """Samples of a LLaVA file."""

    _format, _title = "llava", "LLaVA"
    _fields, _needed = ("id", "image", "conversations"), ("conversations",)
    _folders = ("", "images")  # beside the JSON, or where images.zip is often extracted to

    def __getitem__(self, index: int) -> Sample:
        """One sample.

        Raises:
          InputError: the record lacks something, or its image is missing.
        """
        record, where = self._record(index)
        name = text_field(record, "id", where) if "id" in record else str(index)
        image = image_field(record, where)
        turns = conversation(record.get("conversations"), where, image=image is not None)
        if image is not None:
            return Sample(name, (self._image(image),), turns)
        if any(IMAGE in text for role, text in turns if role == "human"):
            raise bad_record(where, f"asks about an {IMAGE} that it does not have")
        return Sample(name, (), turns)
