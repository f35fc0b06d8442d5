# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The order of samples: a function of the seed and the step, whoever asks, and fair to sources."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robomamba_jax.config.data import BatchConfig
from robomamba_jax.data.cache.string_array import StringArray
from robomamba_jax.data.pipeline.batch_plan import BatchPlan, local_rows
from robomamba_jax.data.pipeline.sample_index import SampleIndex, make_index
from robomamba_jax.errors import InputError


def table(sizes: dict[str, int], seed: int = 0, text: int = 30) -> SampleIndex:
    """Samples of random lengths."""
    rng, count = np.random.default_rng(seed), sum(sizes.values())
    part = np.repeat(np.arange(len(sizes)), list(sizes.values()))
    index = np.concatenate([np.arange(size) for size in sizes.values()])
    columns = (rng.integers(2, text, count), rng.integers(0, 2, count), np.ones(count))
    names = StringArray.of([f"s{n}" for n in range(count)])
    return make_index(tuple(sizes), part, index, columns, names)


KINDS = {
    "one each": BatchConfig(batch_size=4, seq_len=64, image_tokens=9),
    "buckets": BatchConfig(batch_size=4, seq_len=64, image_tokens=9, buckets=(16, 24)),
    "packed": BatchConfig(batch_size=4, seq_len=64, image_tokens=9, packing=True),
}
SIZES = {"a": 40, "b": 13, "c": 1}


def flat(plan: BatchPlan, epoch: int) -> list[int]:
    steps = range(plan.start_of(epoch), plan.start_of(epoch + 1))
    return [n for step in steps for row in plan.layout(step).rows for n in row]


@pytest.mark.parametrize("kind", KINDS)
def test_an_epoch_has_every_sample_once(kind: str) -> None:
    """Without weights: nothing twice, nothing dropped, another order in the next."""
    plan = BatchPlan(table(SIZES), KINDS[kind], seed=3)
    first, second = flat(plan, 0), flat(plan, 1)
    assert sorted(first) == sorted(second) == list(range(54))
    assert first != second
    assert first != flat(BatchPlan(table(SIZES), KINDS[kind], seed=4), 0)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_fit_their_batches(kind: str) -> None:
    """Every batch has the rows it should; every row fits the shape its batch says."""
    plan = BatchPlan(table(SIZES), KINDS[kind])
    lengths = set()
    for step in range(plan.start_of(2)):
        layout = plan.layout(step)
        lengths.add(layout.shape.tokens)
        assert len(layout.rows) == layout.shape.rows == 4
        for row in layout.rows:
            text, images = plan.sample_index.text[row].sum(), plan.sample_index.images[row].sum()
            assert text <= layout.shape.text
            assert images <= layout.shape.images
            assert text + 9 * images <= layout.shape.tokens
    assert lengths == ({16, 24, 64} if kind == "buckets" else {64})
    if kind == "packed":
        assert any(len(row) > 1 for row in plan.layout(0).rows)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_in_any_order(kind: str) -> None:
    """A fresh plan asked for one late step gives what a used one gives."""
    used = BatchPlan(table(SIZES), KINDS[kind], seed=7)
    layouts = [used.layout(step) for step in range(used.start_of(3))]
    for step in reversed(range(len(layouts))):
        assert BatchPlan(table(SIZES), KINDS[kind], seed=7).layout(step) == layouts[step]


WEIGHTS = {"a": 0.2, "b": 0.5, "c": 0.3}


def test_weights_are_kept_and_sources_go_round() -> None:
    """Shares by largest remainder; no sample a second time before all others of its source."""
    config = BatchConfig(batch_size=4, seq_len=64, image_tokens=9, epoch_samples=33)
    plan = BatchPlan(table(SIZES), config, weights=WEIGHTS)
    assert plan.quotas == [7, 16, 10]
    stream: dict[int, list[int]] = {0: [], 1: [], 2: []}
    for epoch in range(12):
        chosen = plan.samples(epoch)
        counts = Counter(plan.sample_index.dataset[chosen].tolist())
        assert [counts[n] for n in range(3)] == [7, 16, 10]
        for number in range(3):
            stream[number] += sorted(chosen[plan.sample_index.dataset[chosen] == number].tolist())
    for number, (name, size) in enumerate(SIZES.items()):
        seen = Counter(stream[number])
        assert len(seen) == min(size, len(stream[number])), name
        assert max(seen.values()) - min(seen.values()) <= 1


@settings(max_examples=15)
@given(
    st.dictionaries(st.sampled_from("abcd"), st.floats(0.01, 10), min_size=1),
    st.integers(1, 200),
)
def test_quotas_sum_up(weights: dict[str, float], total: int) -> None:
    """To the stated length of the epoch, each within one of its exact share."""
    config = BatchConfig(batch_size=2, seq_len=64, image_tokens=9, epoch_samples=total)
    plan = BatchPlan(table(dict.fromkeys(weights, 5)), config, weights=weights)
    assert sum(plan.quotas) == total == len(plan.samples(0))
    for quota, weight in zip(plan.quotas, weights.values(), strict=True):
        assert abs(quota - total * weight / sum(weights.values())) <= 1


def test_the_hash_says_what_decides_the_order() -> None:
    """Data, batches and weights; not the seed, which is kept beside it."""
    base = BatchPlan(table(SIZES), KINDS["packed"])
    assert BatchPlan(table(SIZES), KINDS["packed"], seed=1).sha256 == base.sha256
    others = [
        BatchPlan(table(SIZES, seed=1), KINDS["packed"]),
        BatchPlan(table({**SIZES, "c": 2}), KINDS["packed"]),
        BatchPlan(table(SIZES), KINDS["buckets"]),
        BatchPlan(table(SIZES), KINDS["packed"], weights=WEIGHTS),
    ]
    assert len({plan.sha256 for plan in [base, *others]}) == 5


def test_facts() -> None:
    """What an epoch costs, counted by hand."""
    plan = BatchPlan(table(SIZES), KINDS["packed"])
    facts = plan.facts()
    tokens = int((plan.sample_index.text + 9 * plan.sample_index.images).sum())
    assert (facts["samples"], facts["tokens"], facts["supervised"]) == (54, tokens, 54)
    steps = plan.start_of(1)
    assert facts["steps"] == steps
    assert facts["efficiency"] == pytest.approx(tokens / (steps * 4 * 64))


def test_processes_share_the_rows() -> None:
    """In their order, and only evenly."""
    rows = [[n] for n in range(8)]
    for processes in (1, 2, 4, 8):
        parts = [local_rows(rows, p, processes) for p in range(processes)]
        assert [row for part in parts for row in part] == rows
    with pytest.raises(InputError, match="8 rows for 3 processes"):
        local_rows(rows, 0, 3)


def test_wrong_plans() -> None:
    """Samples that are too long are named; no sample at all; wrong settings."""
    with pytest.raises(InputError, match=r"sample 'a:s\d+' has .*\(raise batch.seq_len"):
        BatchPlan(table(SIZES), BatchConfig(batch_size=1, seq_len=16, image_tokens=9))
    with pytest.raises(InputError, match="no sample is usable"):
        BatchPlan(table({"a": 0}), KINDS["packed"])
    for wrong in ({"buckets": (9, 3)}, {"buckets": (99,)}, {"rows": 0}, {"images": -1}):
        with pytest.raises(InputError):
            BatchConfig(**{"seq_len": 64, **wrong})
    with pytest.raises(InputError, match="packing and buckets"):
        BatchConfig(packing=True, buckets=(8,))
