# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""LLaVA's files: the 558K captions of the first stage and the 665K mix of the second.

https://github.com/haotian-liu/LLaVA: a JSON list of ``{"id", "image", "conversations"}``;
without ``image`` (or with null) the record is text alone. ``<image>`` stands before or
after the first question, which the prompt template turns into the image's place.
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
    conversation,
    image_field,
    text_field,
)
from robomamba_jax.data.text.prompts import IMAGE
from robomamba_jax.utils.json_types import Json

# Beside the JSON, or in the folder that images.zip is often extracted to.
_FOLDERS = ("", "images")
_FIELDS = ("id", "image", "conversations")


class LlavaSource:
    """Samples of a LLaVA file."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        root: str | os.PathLike[str] | None = None,
        *,
        allowed: AllowedRoots = NO_ROOTS,
    ) -> None:
        """Find the records.

        Args:
          path: the JSON file.
          root: the folder of the images; None = the file's own.
          allowed: where links below it may lead.

        Raises:
          InputError: the file is missing or broken, or its records are of another format.
        """
        self._records = JsonRecords(path)
        self._root = Path(path).parent if root is None else Path(root)
        self._allowed = allowed
        check_format(self._records, ("conversations",), path, "LLaVA")

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Sample:
        """One sample.

        Raises:
          InputError: the record lacks something, or its image is missing.
        """
        record = self._records[index]
        where = f"{self._records.path}: record {index}"
        name = text_field(record, "id", where) if "id" in record else str(index)
        check_input(record, _FIELDS, where)
        image = image_field(record, where)
        turns = conversation(record.get("conversations"), where, image=image is not None)
        if image is None:
            self._check_text(turns, where)
            return Sample(name, (), turns)
        return Sample(name, (find_image(self._root, image, _FOLDERS, self._allowed),), turns)

    @staticmethod
    def _check_text(turns: tuple[tuple[str, str], ...], where: str) -> None:
        if any(IMAGE in text for role, text in turns if role == "human"):
            raise bad_record(where, f"asks about an {IMAGE} that it does not have")

    def facts(self) -> Mapping[str, Json]:
        """Format and number of records."""
        return {"format": "llava", "records": len(self)}
