# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the pipeline reads: named parts that give examples, made of sources or prepared data."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Protocol

from robomamba_jax.config.data import DataConfig
from robomamba_jax.data.cache.prepared import PreparedFolder
from robomamba_jax.data.examples import Described, Encoder, Example
from robomamba_jax.data.sources.formats import detect, open_source
from robomamba_jax.data.sources.sample import Source, at_most
from robomamba_jax.errors import InputError
from robomamba_jax.utils.json_types import Json

# Enough for a stage-2 data set; it is a cache, so more samples are right, too, and slower.
_KEPT = 16_384  # examples without pixels, about 2 KB each


class Dataset(Protocol):
    """Examples of one name, by number."""

    @property
    def name(self) -> str:
        """By which mixtures and messages call it."""
        ...

    @property
    def weight(self) -> float | None:
        """Its share in the mixture; None = by its size."""
        ...

    def __len__(self) -> int: ...

    def describe(self, index: int) -> Described:
        """Its size; raises InputError where ``example`` would, as far as text tells."""
        ...

    def example(self, index: int, *, pixels: bool = True, hashes: bool = True) -> Example:
        """The example, with its images and their hashes if asked for; raises InputError."""
        ...

    def facts(self) -> Mapping[str, Json]:
        """What it is and how much."""
        ...


@dataclasses.dataclass(frozen=True)
class SourceDataset:
    """A source whose samples are encoded when asked for."""

    name: str
    weight: float | None
    source: Source
    encoder: Encoder

    def __len__(self) -> int:
        return len(self.source)

    def describe(self, index: int) -> Described:
        """See ``Dataset``."""
        sample = self.source[index]
        row = self.encoder.text(sample)
        return Described(sample.id, len(row.ids), len(row.image_positions), sum(row.supervised))

    def example(self, index: int, *, pixels: bool = True, hashes: bool = True) -> Example:
        """See ``Dataset``. Without pixels it is small, and kept for the next epochs: training on
        cached features would wait for texts and hashes otherwise."""
        if not pixels:
            return self._small(index, hashes)
        return self.encoder.example(self.source[index], pixels=True, hashes=hashes)

    # The cache belongs to the object: lru_cache on the method would keep every dataset alive that
    # was ever opened. (cached_property writes into __dict__, which frozen does not forbid.)
    @functools.cached_property
    def _small(self) -> Callable[[int, bool], Example]:
        @functools.lru_cache(maxsize=_KEPT)
        def example(index: int, hashes: bool) -> Example:
            """A sample's example without pixels, remembered."""
            return self.encoder.example(self.source[index], pixels=False, hashes=hashes)

        return example

    def facts(self) -> Mapping[str, Json]:
        """The source's."""
        return self.source.facts()


def open_datasets(config: DataConfig, encoder: Encoder) -> list[Dataset]:
    """All parts of a configuration, in its order.

    Args:
      config: what to open.
      encoder: ``Encoder.open(config)``.

    Raises:
      InputError: a source cannot be opened, is empty, or two parts have one name.
    """
    datasets: list[Dataset] = []
    for number, source in enumerate(config.sources):
        kind = source.format if source.format != "auto" else detect(source.path)
        if kind == "prepared":
            if source.samples is not None:
                what = f"samples is {source.samples} for {source.path}, which is prepared already"
                raise InputError("bad_config", what, "give samples when preparing, or weight here")
            datasets.extend(PreparedFolder(source.path).datasets(encoder, source))
        else:
            # Prepared data is several datasets, one per source that went in; a source is one.
            opened = open_source(source, number)
            if source.samples is not None:
                opened = at_most(opened, source.samples)
            datasets.append(SourceDataset(source.label, source.weight, opened, encoder))
    names = [dataset.name for dataset in datasets]
    for dataset in datasets:
        if names.count(dataset.name) > 1:
            raise InputError("bad_config", f"two parts are called {dataset.name!r}", "rename one")
        if not len(dataset):
            raise InputError("empty_source", f"{dataset.name} has no samples", "leave it out")
    return datasets
