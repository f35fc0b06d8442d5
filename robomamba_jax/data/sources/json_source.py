# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the sources of one JSON file share: its records, and the folder of their images."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.data.sources.paths import NO_ROOTS, AllowedRoots, find_image
from robomamba_jax.data.sources.sample import check_format, check_input
from robomamba_jax.utils.json_types import Json


class JsonFileSource:
    """The base of such a source, which says what its format's records have."""

    # The format's name here and in messages, the fields that are read, those without which a
    # record is of another format, and where images lie below the root.
    _format: ClassVar[str]
    _title: ClassVar[str]
    _fields: ClassVar[tuple[str, ...]]
    _needed: ClassVar[tuple[str, ...]] = ()
    _folders: ClassVar[tuple[str, ...]]

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
        if self._needed:
            check_format(self._records, self._needed, path, self._title)

    def __len__(self) -> int:
        return len(self._records)

    def _record(self, index: int) -> tuple[dict[str, Any], str]:
        """A record whose every input is read, and where it is, for messages."""
        record, where = self._records[index], f"{self._records.path}: record {index}"
        check_input(record, self._fields, where)
        return record, where

    def _image(self, name: Json) -> Path:
        return find_image(self._root, name, self._folders, self._allowed)

    def facts(self) -> Mapping[str, Json]:
        """Format and number of records."""
        return {"format": self._format, "records": len(self)}
