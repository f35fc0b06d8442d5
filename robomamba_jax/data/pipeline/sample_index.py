# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The sizes of all samples: what a plan is made of."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from robomamba_jax.data.cache.prepared import PreparedPart
from robomamba_jax.data.cache.string_array import Names
from robomamba_jax.data.pipeline.datasets import Part
from robomamba_jax.data.pipeline.ledger import Problem
from robomamba_jax.errors import InputError

_COLUMNS = ("part", "index", "text", "images", "supervised")


@dataclasses.dataclass(frozen=True)
class SampleTable:
    """All usable samples, numbered from 0. N samples.

    Attributes:
      parts: the parts' names.
      part: int32[N], each sample's part.
      index: int64[N], its number there.
      text: int32[N], tokens of text.
      images: int32[N].
      supervised: int32[N], tokens that are learned.
      names: ids.
      problems: samples that are left out, in order.
    """

    parts: tuple[str, ...]
    part: np.ndarray
    index: np.ndarray
    text: np.ndarray
    images: np.ndarray
    supervised: np.ndarray
    names: Names
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return len(self.part)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Its columns by name, without parts and problems; ``from_arrays`` takes them back."""
        columns = {name: getattr(self, name) for name in _COLUMNS}
        return {**columns, "name_bytes": self.names.data, "name_ends": self.names.ends}

    @classmethod
    def from_arrays(cls, parts: tuple[str, ...], arrays: Mapping[str, np.ndarray]) -> SampleTable:
        """The table that ``to_arrays`` took apart."""
        part, index, *sizes = (arrays[name] for name in _COLUMNS)
        names = Names(arrays["name_bytes"], arrays["name_ends"])
        return make_table(parts, part, index, sizes, names)

    @cached_property
    def sha256(self) -> str:
        """Of all but the problems."""
        digest = hashlib.sha256("\0".join(self.parts).encode(errors="surrogatepass"))
        for column in self.to_arrays().values():
            digest.update(f"{column.dtype.str}{column.shape}".encode())
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def sample_id(self, number: int) -> str:
        """Its part's name and its id there, which together are unique where ids are."""
        return f"{self.parts[int(self.part[number])]}:{self.names[number]}"


def scan(
    parts: Sequence[Part], part: int, start: int, stop: int
) -> tuple[SampleTable, list[Problem]]:
    """The table of a range of one part's samples.

    Args:
      parts: all.
      part: which.
      start: first sample.
      stop: behind the last.

    Returns:
      The usable ones, and the others.
    """
    chosen = parts[part]
    if isinstance(chosen, PreparedPart):
        return _from_index([x.name for x in parts], part, chosen, start, stop), []
    columns: list[tuple[int, int, int, int]] = []
    names: list[str] = []
    problems: list[Problem] = []
    for index in range(start, stop):
        try:
            name, text, images, supervised = chosen.describe(index)
        except InputError as error:
            about = (chosen.name, index, str(index), error.kind, error.message)
            problems.append(Problem(*about, fix=error.fix))
            continue
        columns.append((index, text, images, supervised))
        names.append(name)
    sizes = np.array(columns, np.int64).reshape(-1, 4)
    listed = tuple(x.name for x in parts)
    owner = np.full(len(names), part, np.int32)
    return make_table(listed, owner, sizes[:, 0], sizes.T[1:], Names.of(names)), problems


def _from_index(
    names: Sequence[str], part: int, prepared: PreparedPart, start: int, stop: int
) -> SampleTable:
    """What the folder's index says; nothing is read sample by sample."""
    here = slice(prepared.start + start, prepared.start + stop)
    index, ends = prepared.data.index, prepared.data.names.ends
    first = int(ends[here.start - 1]) if here.start else 0
    data = prepared.data.names.data[first : int(ends[here.stop - 1]) if stop > start else first]
    sizes = [index[name][here] for name in ("text", "images", "supervised")]
    owner, numbers = np.full(stop - start, part, np.int32), np.arange(start, stop)
    return make_table(tuple(names), owner, numbers, sizes, Names(data, ends[here] - first))


def joined(tables: Sequence[SampleTable], problems: Sequence[Problem]) -> SampleTable:
    """Several, one behind the other."""
    part, index, *sizes = (np.concatenate([getattr(x, name) for x in tables]) for name in _COLUMNS)
    names = Names.joined([table.names for table in tables])
    return make_table(tables[0].parts, part, index, sizes, names, problems)


def make_table(
    parts: tuple[str, ...],
    part: np.ndarray,
    index: np.ndarray,
    sizes: Sequence[np.ndarray] | np.ndarray,
    names: Names,
    problems: Sequence[Problem] = (),
) -> SampleTable:
    """A table whose columns have their types; ``sizes`` are text, images and supervised."""
    return SampleTable(
        parts,
        np.ascontiguousarray(part, np.int32),
        np.ascontiguousarray(index, np.int64),
        np.ascontiguousarray(sizes[0], np.int32),
        np.ascontiguousarray(sizes[1], np.int32),
        np.ascontiguousarray(sizes[2], np.int32),
        names,
        tuple(problems),
    )
