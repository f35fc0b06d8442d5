# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which samples stand in which row of which step: a pure function of the seed and the step.

An epoch takes from every source its share of samples, from an endless stream of that
source's permutations, so that none comes again before all others have come. The samples of
an epoch become rows (one each, or packed), the rows are put in an order of their own, and
every step takes the next ones. The last step of an epoch, or of a length bucket, may have
empty rows; nothing is dropped.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from robomamba_jax.config.aliases import with_old_names
from robomamba_jax.config.data import BatchConfig
from robomamba_jax.config.tree import tree_to_json
from robomamba_jax.data.pipeline.ledger import nothing_usable
from robomamba_jax.data.pipeline.packing import pack
from robomamba_jax.data.pipeline.sample_index import SampleIndex
from robomamba_jax.data.pipeline.shuffle import permutation
from robomamba_jax.errors import InputError

VERSION = 1


class BatchShape(NamedTuple):
    """The sizes of a batch's arrays.

    Attributes:
      rows: B.
      text: T, text tokens of a row.
      images: M, images of a row.
      tokens: of text and images together; no row has more.
    """

    rows: int
    text: int
    images: int
    tokens: int


class Layout(NamedTuple):
    """One step's samples.

    Attributes:
      epoch: from 0.
      shape: of the whole batch.
      rows: sample numbers, row by row; [] = an empty row.
    """

    epoch: int
    shape: BatchShape
    rows: list[list[int]]


class _Epoch(NamedTuple):
    """An epoch's rows. ``steps`` int32[steps, B] are numbers of rows, -1 = empty."""

    rows: list[list[int]]
    steps: np.ndarray
    tokens: np.ndarray  # int32[steps], the row length of each step
    used: int  # tokens of all samples


class BatchPlan:
    """The order of everything. Any thread may ask."""

    def __init__(
        self,
        sample_index: SampleIndex,
        batch: BatchConfig,
        seed: int = 0,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        """Check that every sample fits.

        Args:
          sample_index: the samples.
          batch: how they fill batches.
          seed: of every order.
          weights: by part's name, for all parts; None = by their sizes.

        Raises:
          InputError: there is no sample, one is larger than a row, or weights lack a part.
        """
        self.sample_index, self.batch, self.seed = sample_index, batch, seed
        self._check()
        self._members = [
            np.flatnonzero(sample_index.dataset == number).astype(np.int64)
            for number in range(len(sample_index.datasets))
        ]
        self.weights = (
            None if weights is None else {name: weights[name] for name in sample_index.datasets}
        )
        self.quotas = self._quotas()
        content = {
            "version": VERSION,
            "batch": with_old_names(BatchConfig, tree_to_json(batch)),
            "weights": self.weights,
            "table": sample_index.sha256,
        }
        text = json.dumps(content, sort_keys=True)
        self.sha256 = hashlib.sha256(text.encode()).hexdigest()
        self.epoch = lru_cache(maxsize=2)(self._epoch)
        self._starts = [0]  # the first step of each epoch that is known
        self._lock = threading.RLock()

    def _check(self) -> None:
        sample_index, batch = self.sample_index, self.batch
        if not len(sample_index):
            raise nothing_usable(sample_index.problems)
        joint = self._joint()
        over = (joint > batch.seq_len) | (sample_index.text > batch.text_limit)
        over |= sample_index.images > batch.image_limit
        if np.any(over):
            worst = int(np.flatnonzero(over)[0])
            raise InputError(
                "too_long",
                f"sample {sample_index.sample_id(worst)!r} has {sample_index.text[worst]} tokens "
                f"and {sample_index.images[worst]} images, a row holds {batch.text_limit} and "
                f"{batch.image_limit}, {batch.seq_len} tokens together",
                "raise batch.seq_len, or encode with a smaller max_tokens",
            )

    def _joint(self) -> np.ndarray:
        return self.sample_index.text + self.sample_index.images * self.batch.image_tokens

    def _quotas(self) -> list[int]:
        """Samples of each part in an epoch: the largest remainders are rounded up."""
        sizes = np.array([len(members) for members in self._members], np.float64)
        shares = sizes if self.weights is None else np.array([*self.weights.values()])
        shares = np.where(sizes > 0, shares, 0.0)
        total = self.batch.epoch_samples or len(self.sample_index)
        exact = shares / shares.sum() * total
        quotas = np.floor(exact).astype(np.int64)
        order = np.argsort(-(exact - quotas), kind="stable")
        quotas[order[: total - int(quotas.sum())]] += 1
        return [int(quota) for quota in quotas]

    def samples(self, epoch: int) -> np.ndarray:
        """int64[samples]: an epoch's sample numbers in their mixed order."""
        chosen = []
        for number, (members, quota) in enumerate(zip(self._members, self.quotas, strict=True)):
            name, taken = self.sample_index.datasets[number], epoch * quota
            while quota:
                turn, start = divmod(taken, len(members))
                order = permutation(len(members), self.seed, "part", name, turn)
                piece = members[order[start : start + quota]]
                chosen.append(piece)
                taken, quota = taken + len(piece), quota - len(piece)
        mixed = np.concatenate(chosen)
        return mixed[permutation(len(mixed), self.seed, "mix", epoch)]

    def _epoch(self, number: int) -> _Epoch:
        samples = self.samples(number)
        used = int(self._joint()[samples].sum())
        if self.batch.packing:
            rows, lengths = self._packed(samples), [self.batch.seq_len]
            kinds = [np.arange(len(rows))]
        else:
            rows = [[sample] for sample in samples.tolist()]
            lengths = list(self.batch.buckets) or [self.batch.seq_len]
            if lengths[-1] < self.batch.seq_len:
                lengths.append(self.batch.seq_len)
            bucket = np.searchsorted(lengths, self._joint()[samples])
            kinds = [np.flatnonzero(bucket == which) for which in range(len(lengths))]
        steps, tokens = [], []
        for length, kind in zip(lengths, kinds, strict=True):
            order = kind[permutation(len(kind), self.seed, "rows", number, length)]
            empty = np.full(-len(order) % self.batch.batch_size, -1, np.int64)
            found = np.concatenate([order, empty]).reshape(-1, self.batch.batch_size)
            steps.append(found)
            tokens.append(np.full(len(found), length, np.int32))
        together = np.concatenate(steps).astype(np.int32)
        order = np.arange(len(together))
        if len(lengths) > 1:
            order = permutation(len(together), self.seed, "steps", number)
        return _Epoch(rows, together[order], np.concatenate(tokens)[order], used)

    def _packed(self, samples: np.ndarray) -> list[list[int]]:
        batch = self.batch
        places = pack(
            self.sample_index.text[samples],
            self.sample_index.images[samples],
            row_tokens=batch.seq_len,
            text_limit=batch.text_limit,
            image_limit=batch.image_limit,
            image_tokens=batch.image_tokens,
        )
        return [samples[row].tolist() for row in places]

    def start_of(self, epoch: int) -> int:
        """The first step of an epoch."""
        with self._lock:
            while len(self._starts) <= epoch:
                before = len(self._starts) - 1
                self._starts.append(self._starts[-1] + len(self.epoch(before).steps))
            return self._starts[epoch]

    def locate(self, step: int) -> tuple[int, int]:
        """(epoch, step in it) of a step."""
        epoch = 0
        while self.start_of(epoch + 1) <= step:
            epoch += 1
        return epoch, step - self.start_of(epoch)

    def layout(self, step: int) -> Layout:
        """One step's samples.

        Args:
          step: from 0.
        """
        with self._lock:  # threads that read ahead would each compute an epoch's rows
            epoch, place = self.locate(step)
            content = self.epoch(epoch)
        rows = [content.rows[row] if row >= 0 else [] for row in content.steps[place].tolist()]
        return Layout(epoch, self.shape(int(content.tokens[place])), rows)

    def shape(self, tokens: int) -> BatchShape:
        """Of the batches whose rows have at most ``tokens`` tokens."""
        batch = self.batch
        images = min(batch.image_limit, tokens // batch.image_tokens)
        if not self.sample_index.images.any():
            images = 0
        return BatchShape(batch.batch_size, min(batch.text_limit, tokens), images, tokens)

    def facts(self, epoch: int = 0) -> dict[str, object]:
        """How an epoch fills its batches: steps, rows, tokens, and the share that is real."""
        content = self.epoch(epoch)
        room = int(content.tokens.astype(np.int64).sum()) * self.batch.batch_size
        filled = [len(row) for row in content.rows]
        return {
            "plan_hash": self.sha256,
            "steps": len(content.steps),
            "rows": len(content.rows),
            "samples": int(sum(filled)),
            "samples_by_part": dict(zip(self.sample_index.datasets, self.quotas, strict=True)),
            "tokens": content.used,
            "efficiency": content.used / room,
            "supervised": int(self.sample_index.supervised[self.samples(epoch)].sum()),
        }


def local_rows(
    rows: Sequence[list[int]], process_id: int, num_processes: int
) -> Sequence[list[int]]:
    """One process's rows: all processes' in their order make the global batch.

    Raises:
      InputError: the rows cannot be shared out evenly.
    """
    if len(rows) % num_processes or not 0 <= process_id < num_processes:
        raise InputError(
            "bad_config",
            f"{len(rows)} rows for {num_processes} processes, of which this is {process_id}",
            "choose batch.batch_size as a multiple of the processes",
        )
    count = len(rows) // num_processes
    return rows[process_id * count : (process_id + 1) * count]
