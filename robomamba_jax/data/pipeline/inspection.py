# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What is in a data set: counts, lengths, and every sample that cannot be used."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig
from robomamba_jax.config.tree import tree_from_json
from robomamba_jax.data.cache.prepared import PreparedFolder
from robomamba_jax.data.examples import Described, Encoder
from robomamba_jax.data.pipeline.datasets import Dataset, SourceDataset
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.sample import Sample
from robomamba_jax.errors import InputError
from robomamba_jax.utils.ipc import Job, Reply
from robomamba_jax.utils.progress import OnProgress

SCHEMA = "robomamba.data inspect/1"
# Lengths are measured whole, so nothing may be cut.
_WHOLE = BatchConfig(seq_len=2**40, image_tokens=1, images=2**20)
_RANGE = 256
_BARS = 12


def inspection_config(source: SourceConfig, kind: str, encoding: EncodingConfig) -> DataConfig:
    """How to read a source for inspection; prepared data is read as it was prepared.

    Args:
      source: what to read.
      kind: its format.
      encoding: how to tokenise it.
    """
    if kind != "prepared":
        return DataConfig((source,), encoding, _WHOLE)
    folder = PreparedFolder(source.path)
    stored = tree_from_json(DataConfig, folder.manifest["config"], "manifest.json: config")
    own = str(Path(source.path) / "tokenizer.json")
    encoding = dataclasses.replace(stored.encoding, tokenizer=own)
    return DataConfig((source,), encoding, stored.batch)


def inspect_range(dataset: Dataset, numbers: Sequence[int], *, images: bool) -> Reply:
    """Look at some samples of a part.

    Args:
      dataset: whose.
      numbers: which.
      images: decode them too.

    Returns:
      {"problems": [[number, id, kind, reason, fix]], "images": [found, missing, broken],
      "text_only", "ids": of the usable ones}, and "text" and "supervised" int64[usable samples].
    """
    problems: list[list[Any]] = []
    counts, text_only, names = [0, 0, 0], 0, []
    sizes: list[tuple[int, int]] = []
    for number in numbers:
        found = _one(dataset, number, images, counts, problems)
        if found is not None:
            # An image can be broken and the text usable: both are counted for themselves.
            sizes.append((found.text, found.supervised))
            names.append(found.id)
            text_only += found.images == 0
    columns = np.array(sizes, np.int64).reshape(-1, 2)
    reply = {"problems": problems, "images": counts, "text_only": text_only, "ids": names}
    return reply, {"text": columns[:, 0].copy(), "supervised": columns[:, 1].copy()}


def _one(
    dataset: Dataset, number: int, images: bool, counts: list[int], problems: list[list[Any]]
) -> Described | None:
    """One sample's sizes; counts its images and notes each of its problems."""
    name = str(number)

    def note(error: InputError) -> None:
        """Adds a problem of this sample."""
        problems.append([number, name, error.kind, error.message, error.fix])

    try:
        if not isinstance(dataset, SourceDataset):
            found = dataset.describe(number)
            counts[0] += found.images
            if images:
                dataset.example(number)
            return found
        sample = dataset.source[number]
        name = sample.id
    except InputError as error:
        counts[1] += error.kind == "missing_image"
        note(error)
        return None
    for error in _broken_images(sample, dataset, images, counts):
        note(error)
    try:
        row = dataset.encoder.as_text().text(sample)
        if dataset.encoder.config.target == "pose":
            dataset.encoder.example(sample, pixels=False)
    except InputError as error:
        note(error)
        return None
    return Described(name, len(row.ids), len(sample.images), sum(row.supervised))


def _broken_images(
    sample: Sample, dataset: SourceDataset, images: bool, counts: list[int]
) -> list[InputError]:
    errors = []
    for ref in sample.images:
        try:
            if images:
                open_ref(ref, dataset.encoder.config.max_pixels)
            counts[0] += 1
        except InputError as error:
            counts[1 if error.kind == "missing_image" else 2] += 1
            errors.append(error)
    return errors


class OpenedData(Protocol):
    """What of ``tasks.DataTasks`` is read here."""

    @property
    def datasets(self) -> Sequence[Dataset]:
        """The opened members of the mixture."""
        ...

    @property
    def encoder(self) -> Encoder:
        """How their samples become examples."""
        ...

    @property
    def config(self) -> DataConfig:
        """What was opened."""
        ...


class InspectionPool(Protocol):
    """A ``tasks.DataPool``, which imports this module for its workers."""

    @property
    def tasks(self) -> OpenedData:
        """The data, opened in this process."""
        ...

    def map(self, jobs: Iterable[Job], /) -> Iterator[Reply]:
        """See ``ProcessPool.map``."""
        ...


def inspect(
    pool: InspectionPool,
    kind: str,
    path: str,
    *,
    images: bool = True,
    limit: int | None = None,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """The report on all parts of opened data.

    Args:
      pool: a ``DataPool``.
      kind: the format.
      path: what was opened.
      images: decode every image.
      limit: look at so many samples, evenly spread; None = at all.
      on_progress: called with (samples done, samples in all).

    Returns:
      The object of ``data inspect --json``.
    """
    datasets = pool.tasks.datasets
    jobs = list(_jobs(datasets, images, limit))
    total, done = sum(len(job["numbers"]) for job in jobs), 0
    counts, text_only = np.zeros(3, np.int64), 0
    problems: list[dict[str, Any]] = []
    texts, learned = [], []
    seen: Counter[tuple[int, str]] = Counter()
    for job, (reply, arrays) in zip(jobs, pool.map(jobs), strict=True):
        counts += reply["images"]
        text_only += reply["text_only"]
        seen.update((job["dataset"], name) for name in reply["ids"])
        problems += [
            {"id": name, "reason": reason, "fix": fix, "kind": what, "index": number}
            for number, name, what, reason, fix in reply["problems"]
        ]
        texts.append(arrays["text"])
        learned.append(arrays["supervised"])
        done += len(job["numbers"])
        if on_progress is not None:
            on_progress(done, total)
    text = np.concatenate([np.zeros(0, np.int64), *texts])
    facts = [dict(dataset.facts()) for dataset in datasets]
    return {
        "schema": SCHEMA,
        "path": path,
        "format": kind,
        "records": sum(len(dataset) for dataset in datasets),
        "inspected": total,
        "images": dict(zip(("found", "missing", "broken"), counts.tolist(), strict=True)),
        "images_decoded": images,
        "tokens": {"total": int(text.sum()), "supervised": sum(int(x.sum()) for x in learned)},
        "text_only": text_only,
        "repeated_ids": _repeated(seen),
        "lengths": lengths(text),
        "histogram": histogram(text),
        "facts": facts[0] if len(facts) == 1 else facts,
        "template": pool.tasks.encoder.template.name,
        "tokenizer": pool.tasks.config.encoding.tokenizer,
        "problems": problems,
    }


def _jobs(datasets: Sequence[Dataset], images: bool, limit: int | None) -> Iterator[dict[str, Any]]:
    """Pieces of the work, see ``inspect``."""
    for number, dataset in enumerate(datasets):
        count = len(dataset) if limit is None else min(limit, len(dataset))
        # Evenly spread: files are often sorted, by source or by difficulty, so the first N say
        # little.
        chosen = (np.arange(count) * len(dataset) // max(count, 1)).tolist()
        for at in range(0, count, _RANGE):
            numbers = chosen[at : at + _RANGE]
            yield {"op": "inspect", "dataset": number, "numbers": numbers, "images": images}


def _repeated(seen: Mapping[tuple[int, str], int]) -> dict[str, Any]:
    """Samples whose id another one of their part has, and the first such id."""
    shared = {name: count for (_, name), count in seen.items() if count > 1}
    count = sum(count for count in seen.values() if count > 1)
    return {"samples": count, "first": next(iter(shared), None)}


def lengths(text: np.ndarray) -> dict[str, int]:
    """Median, 99th percentile and greatest of some lengths: each is one of them."""
    if not len(text):
        return {"p50": 0, "p99": 0, "max": 0}
    # inverted_cdf: a length that occurs, not a mean of two.
    p50, p99 = np.quantile(text, [0.5, 0.99], method="inverted_cdf")
    return {"p50": int(p50), "p99": int(p99), "max": int(text.max())}


def histogram(text: np.ndarray) -> list[list[int]]:
    """[shortest, longest, samples] of a few ranges of equal width."""
    if not len(text):
        return []
    # -(-a // b) rounds up. Lengths from 0 to max are max + 1 numbers.
    width = -(-(int(text.max()) + 1) // _BARS)
    counts = np.bincount(text // width)
    return [[n * width, (n + 1) * width - 1, int(count)] for n, count in enumerate(counts)]
