# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The sizes of all samples: what a plan is made of."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from robomamba_jax.data.cache.prepared import PreparedDataset
from robomamba_jax.data.cache.string_array import StringArray
from robomamba_jax.data.pipeline.datasets import Dataset
from robomamba_jax.data.pipeline.ledger import Problem
from robomamba_jax.errors import InputError

_COLUMNS = ("dataset", "index", "text", "images", "supervised")


@dataclasses.dataclass(frozen=True)
class SampleIndex:
    """All usable samples, numbered from 0. N samples.

    Attributes:
      datasets: the parts' names.
      dataset: int32[N], each sample's part.
      index: int64[N], its number there.
      text: int32[N], tokens of text.
      images: int32[N].
      supervised: int32[N], tokens that are learned.
      names: ids.
      problems: samples that are left out, in order.
    """

    datasets: tuple[str, ...]
    dataset: np.ndarray
    index: np.ndarray
    text: np.ndarray
    images: np.ndarray
    supervised: np.ndarray
    names: StringArray
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return len(self.dataset)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Its columns by name, without parts and problems; ``from_arrays`` takes them back."""
        columns = {name: getattr(self, name) for name in _COLUMNS}
        return {**columns, "name_bytes": self.names.data, "name_ends": self.names.ends}

    @classmethod
    def from_arrays(
        cls, datasets: tuple[str, ...], arrays: Mapping[str, np.ndarray]
    ) -> SampleIndex:
        """The table that ``to_arrays`` took apart."""
        dataset, index, *sizes = (arrays[name] for name in _COLUMNS)
        names = StringArray(arrays["name_bytes"], arrays["name_ends"])
        return make_index(datasets, dataset, index, sizes, names)

    @cached_property
    def sha256(self) -> str:
        """Of all but the problems."""
        digest = hashlib.sha256("\0".join(self.datasets).encode(errors="surrogatepass"))
        for column in self.to_arrays().values():
            digest.update(f"{column.dtype.str}{column.shape}".encode())
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def sample_id(self, number: int) -> str:
        """Its part's name and its id there, which together are unique where ids are."""
        return f"{self.datasets[int(self.dataset[number])]}:{self.names[number]}"


def scan(
    datasets: Sequence[Dataset], dataset: int, start: int, stop: int
) -> tuple[SampleIndex, list[Problem]]:
    """The table of a range of one part's samples.

    Args:
      datasets: all.
      dataset: which.
      start: first sample.
      stop: behind the last.

    Returns:
      The usable ones, and the others.
    """
    chosen = datasets[dataset]
    if isinstance(chosen, PreparedDataset):
        return _from_index([x.name for x in datasets], dataset, chosen, start, stop), []
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
    listed = tuple(x.name for x in datasets)
    owner = np.full(len(names), dataset, np.int32)
    return make_index(listed, owner, sizes[:, 0], sizes.T[1:], StringArray.of(names)), problems


def _from_index(
    names: Sequence[str], dataset: int, prepared: PreparedDataset, start: int, stop: int
) -> SampleIndex:
    """What the folder's index says; nothing is read sample by sample."""
    here = slice(prepared.start + start, prepared.start + stop)
    index, ends = prepared.data.index, prepared.data.names.ends
    first = int(ends[here.start - 1]) if here.start else 0
    data = prepared.data.names.data[first : int(ends[here.stop - 1]) if stop > start else first]
    sizes = [index[name][here] for name in ("text", "images", "supervised")]
    owner, numbers = np.full(stop - start, dataset, np.int32), np.arange(start, stop)
    return make_index(tuple(names), owner, numbers, sizes, StringArray(data, ends[here] - first))


def joined(indexes: Sequence[SampleIndex], problems: Sequence[Problem]) -> SampleIndex:
    """Several, one behind the other."""
    dataset, index, *sizes = (
        np.concatenate([getattr(x, name) for x in indexes]) for name in _COLUMNS
    )
    names = StringArray.joined([sample_index.names for sample_index in indexes])
    return make_index(indexes[0].datasets, dataset, index, sizes, names, problems)


def make_index(
    datasets: tuple[str, ...],
    dataset: np.ndarray,
    index: np.ndarray,
    sizes: Sequence[np.ndarray] | np.ndarray,
    names: StringArray,
    problems: Sequence[Problem] = (),
) -> SampleIndex:
    """A table whose columns have their types; ``sizes`` are text, images and supervised."""
    return SampleIndex(
        datasets,
        np.ascontiguousarray(dataset, np.int32),
        np.ascontiguousarray(index, np.int64),
        np.ascontiguousarray(sizes[0], np.int32),
        np.ascontiguousarray(sizes[1], np.int32),
        np.ascontiguousarray(sizes[2], np.int32),
        names,
        tuple(problems),
    )
