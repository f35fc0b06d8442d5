# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Data that ``robomamba data prepare`` wrote: ArrayRecord shards with an index.

A folder of ``manifest.json`` (schema, how it was made, sha256 and bytes of every file),
``index.safetensors`` (part, text, images, supervised: a number per sample, and the samples'
ids), ``tokenizer.json``, ``ledger.jsonl`` (what was left out) and the shards.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from robomamba_jax.config.data import SourceConfig
from robomamba_jax.data.cache.record_format import from_record
from robomamba_jax.data.cache.string_array import StringArray
from robomamba_jax.data.examples import Described, Encoder, Example
from robomamba_jax.data.sources.formats import PREPARED_MANIFEST
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.file_names import lasting_plain_path
from robomamba_jax.utils.file_types import not_a_file
from robomamba_jax.utils.hashes import file_sha256
from robomamba_jax.utils.untrusted_text import parse_json, read_bytes

SCHEMA = "robomamba.prepared/1"
MANIFEST, INDEX, LEDGER = PREPARED_MANIFEST, "index.safetensors", "ledger.jsonl"
_INDEX_COLUMNS = ("part", "text", "images", "supervised", "name_ends")
_FIX = "run robomamba data prepare again"


class PreparedFolder:
    """A prepared folder.

    Attributes:
      path: where it lies.
      manifest: the parsed manifest.json.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Read the manifest; nothing else is opened yet.

        Raises:
          InputError: it is no such folder, or of another version.
        """
        self.path = Path(path)
        self.manifest = read_manifest(self.path)

    @cached_property
    def index(self) -> dict[str, np.ndarray]:
        """Arrays by name: part, text, images, supervised, name_bytes, name_ends."""
        file = self.path / INDEX
        try:
            index = safetensors.numpy.load(file.read_bytes())
            counts = {name: len(index[name]) for name in _INDEX_COLUMNS}
        except Exception as error:  # safetensors raises its own kinds
            raise InputError("damaged_file", f"{file}: {error}", _FIX) from error
        told = sum(dataset["samples"] for dataset in self.manifest["parts"])
        for name, count in counts.items():
            if count != told:
                what = f"{file} has {count:,} samples ({name}), manifest.json tells of {told:,}"
                raise InputError("damaged_file", what, _FIX)
        return index

    @cached_property
    def records(self) -> Any:
        """Random access to all records, in the index's order."""
        from array_record.python.array_record_data_source import ArrayRecordDataSource

        paths = [str(self.path / shard["file"]) for shard in self.manifest["shards"]]
        for path in paths:
            if not Path(path).is_file():
                raise InputError("missing_file", f"{path} is missing", _FIX)
        records = ArrayRecordDataSource([str(lasting_plain_path(path)) for path in paths])
        if len(records) != len(self.index["text"]):
            what = f"{self.path}: its shards hold {len(records):,} samples, its index "
            what += f"{len(self.index['text']):,}"
            raise InputError("damaged_file", what, _FIX)
        return records

    @cached_property
    def names(self) -> StringArray:
        """The samples' ids."""
        return StringArray(self.index["name_bytes"], self.index["name_ends"])

    @property
    def side(self) -> int | None:
        """S, of the images."""
        transform = self.manifest["identity"]["transform"]
        return None if transform is None else int(transform["size"])

    def datasets(self, encoder: Encoder, source: SourceConfig) -> list[PreparedDataset]:
        """The parts that a source of a configuration names: all, or the one of its name.

        Raises:
          InputError: they were prepared in another way than ``encoder`` encodes.
        """
        self._check(encoder)
        ends = np.cumsum([dataset["samples"] for dataset in self.manifest["parts"]])
        found = [
            PreparedDataset(
                dataset["name"],
                dataset["weight"] if source.weight is None else source.weight,
                self,
                int(end) - dataset["samples"],
                dataset["samples"],
            )
            for dataset, end in zip(self.manifest["parts"], ends, strict=True)
        ]
        if not source.name:
            return found
        names = [dataset.name for dataset in found]
        if source.name not in names:
            raise unknown_name("unknown_source", f"part of {self.path}:", source.name, names)
        return [found[names.index(source.name)]]

    def _check(self, encoder: Encoder) -> None:
        wanted, have = encoder.identity(), self.manifest["identity"]
        odd = [name for name in wanted if wanted[name] != have.get(name)]
        if odd:
            raise InputError(
                "other_encoding",
                f"{self.path} was prepared with another {' and '.join(odd)}",
                "set the same encoding, or prepare it again",
            )


@dataclasses.dataclass(frozen=True)
class PreparedDataset:
    """One of the parts of a prepared folder."""

    name: str
    weight: float | None
    data: PreparedFolder
    start: int
    count: int

    def __len__(self) -> int:
        return self.count

    def describe(self, index: int) -> Described:
        """See ``datasets.Dataset``."""
        at, columns = self._at(index), self.data.index
        sizes = (int(columns[name][at]) for name in ("text", "images", "supervised"))
        return Described(self.data.names[at], *sizes)

    def example(self, index: int, *, pixels: bool = True, hashes: bool = True) -> Example:
        """See ``datasets.Dataset``; the hashes are stored and always there."""
        at = self._at(index)
        where = f"{self.data.path}: sample {self.data.names[at]!r}"
        try:
            record = self.data.records[at]
        except (RuntimeError, ValueError, OSError) as error:  # damaged, as array_record says it
            raise InputError(
                "damaged_record", f"{where}: {error}", "robomamba data verify finds what else"
            ) from error
        return from_record(record, where, self.data.side, pixels=pixels)

    def facts(self) -> Mapping[str, Any]:
        """Format and samples."""
        return {"format": "prepared", "records": self.count}

    def _at(self, index: int) -> int:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return self.start + index


def read_manifest(folder: Path) -> dict[str, Any]:
    """A prepared folder's manifest.

    Raises:
      InputError: there is none, or it is not such a manifest.
    """
    file = folder / MANIFEST
    if not file.is_file():
        what = f"{file} {not_a_file(file)}"
        raise InputError("missing_file", what, "give a prepared folder")
    try:
        manifest = parse_json(read_bytes(file), str(file), unique_keys=True, stray_bytes=True)
    except InputError as error:
        if error.kind == "lfs_pointer":
            raise
        raise InputError("damaged_file", error.message, _FIX) from error
    needed = ("parts", "shards", "files", "identity")
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise InputError("bad_dataset", f"{file} is not {SCHEMA}", "give a prepared folder")
    if any(name not in manifest for name in needed):
        raise InputError("damaged_file", f"{file} lacks {needed}", _FIX)
    return manifest


def verify_files(folder: Path, on_bytes: Any = None) -> list[dict[str, str]]:
    """Every file against the manifest's hashes.

    Args:
      folder: a prepared one.
      on_bytes: called with the bytes that are done.

    Returns:
      {"file", "reason"} for each that is missing, of another length or content, or unknown.
    """
    manifest = read_manifest(folder)
    problems = []
    for name, facts in sorted(manifest["files"].items()):
        path = folder / name
        if not path.is_file():
            problems.append({"file": name, "reason": "missing"})
        elif path.stat().st_size != facts["bytes"]:
            reason = f"{path.stat().st_size} bytes, not {facts['bytes']}"
            problems.append({"file": name, "reason": reason})
        elif file_sha256(path, on_bytes) != facts["sha256"]:
            problems.append({"file": name, "reason": "its content has changed"})
    known = {MANIFEST, *manifest["files"]}
    others = sorted(path.name for path in folder.iterdir() if path.name not in known)
    return problems + [{"file": name, "reason": "not in the manifest"} for name in others]
