# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Cached features come back as they were, for their own picture only, or not at all."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from robomamba_jax.data.cache import features as feature_cache
from robomamba_jax.data.cache.features import FeatureReader, FeatureWriter, feature_key
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.data.pipeline.loader import BatchLoader
from robomamba_jax.data.pipeline.tasks import DataTasks
from robomamba_jax.errors import InputError
from tests.data.samples import mixture

TRANSFORM = image_transform("tiny")
RNG = np.random.default_rng(0)
KEYS = [RNG.bytes(32) for _ in range(20)]
ROWS = RNG.standard_normal((20, 4, 6)).astype(np.float32)


def writer(folder: Path, **changes: Any) -> FeatureWriter:
    facts = {"kind": "vision_patches", "network": "ab", "shape": (4, 6), "dtype": "float32"}
    return FeatureWriter(folder, transform=TRANSFORM, **{**facts, **changes})


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_cache, "SHARD_BYTES", 7 * 100)


def full(folder: Path, **changes: Any) -> FeatureReader:
    made = writer(folder, **changes)
    for key, row in zip(KEYS, ROWS, strict=True):
        made.add(key, row)
    made.finish()
    return FeatureReader(folder)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_there_and_back(dtype: str, tmp_path: Path) -> None:
    """To the bit, over several files."""
    reader = full(tmp_path, dtype=dtype)
    assert len(reader) == 20
    assert len(list(tmp_path.glob("features-*.bin"))) > 1
    kind = np.float32 if dtype == "float32" else ml_dtypes.bfloat16
    for key, row in zip(KEYS, ROWS, strict=True):
        found = reader.get(key)
        assert found.dtype == kind
        np.testing.assert_array_equal(found, row.astype(kind))
    with pytest.raises(InputError, match="no such picture"):
        reader.get(bytes(32))


def test_keys_are_of_everything_that_counts() -> None:
    """Network, transform, picture, prompt."""
    base = feature_key("ab", TRANSFORM, KEYS[0])
    others = [
        feature_key("ac", TRANSFORM, KEYS[0]),
        feature_key("ab", image_transform("nano"), KEYS[0]),
        feature_key("ab", TRANSFORM, KEYS[1]),
        feature_key("ab", TRANSFORM, KEYS[0], [1, 2]),
        feature_key("ab", TRANSFORM, KEYS[0], [1, 3]),
    ]
    assert len({base, *others}) == 6
    assert base == feature_key("ab", dataclasses.replace(TRANSFORM), KEYS[0])


def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """After a stop between a row and its key; after it was finished; never with another kind."""
    first = writer(tmp_path)
    for key, row in zip(KEYS[:9], ROWS[:9], strict=True):
        first.add(key, row)
    with pytest.raises(InputError, match=r"manifest\.json does not exist"):
        FeatureReader(tmp_path)
    with (tmp_path / "keys.partial").open("ab") as log:
        log.write(KEYS[9][:11])  # killed within the key
    second = writer(tmp_path)
    assert len(second) == 9
    assert KEYS[8] in second
    assert KEYS[9] not in second
    second.add(KEYS[0], ROWS[1])  # there already: left as it is
    second.finish()
    np.testing.assert_array_equal(FeatureReader(tmp_path).get(KEYS[0]), ROWS[0])
    reader = full(tmp_path)
    for key, row in zip(KEYS, ROWS, strict=True):
        np.testing.assert_array_equal(reader.get(key), row)
    for change in (
        {"network": "cd"},
        {"dtype": "bfloat16"},
        {"shape": (24,), "kind": "pooled_hidden"},
    ):
        with pytest.raises(InputError, match="has other features"):
            writer(tmp_path, **change)
    assert len(FeatureReader(tmp_path)) == 20


def test_damage(tmp_path: Path) -> None:
    """A flipped bit in a row, a cut file, a manifest of something else."""
    full(tmp_path)
    shard = tmp_path / "features-00000.bin"
    data = bytearray(shard.read_bytes())
    data[10] ^= 1
    shard.write_bytes(data)
    with pytest.raises(InputError, match=r"features-00000\.bin: row 0 is damaged"):
        FeatureReader(tmp_path).get(KEYS[0])
    os.truncate(shard, len(data) - 1)
    with pytest.raises(InputError, match=r"features-00000\.bin has \d+ bytes, not \d+"):
        FeatureReader(tmp_path)
    for content in ("[]", "{}", "no", '{"schema": "robomamba.features/2"}'):
        (tmp_path / "manifest.json").write_text(content)
        with pytest.raises(InputError, match=r"manifest\.json"):
            FeatureReader(tmp_path)
    with pytest.raises(InputError, match="finite"):
        writer(tmp_path / "other").add(KEYS[0], np.full((4, 6), np.nan, np.float32))


def fake(example: Any) -> np.ndarray:
    """Stands for a tower: numbers that only this crop has."""
    assert example.images is not None
    flat = example.images.reshape(len(example.images), 15 * 15 * 3).astype(np.float32)
    return np.stack([flat[:, n : n + 6] for n in range(4)], axis=1)


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_with_features_instead_of_pixels(workers: int, tmp_path: Path) -> None:
    """Each picture's own, in its place, and nothing else in the batch has changed."""
    config = mixture(tmp_path, {"talk": 12}, packing=True)
    made = writer(tmp_path / "cache")
    with BatchLoader(config) as pipeline:
        plain = list(pipeline.batches(0, 3))
        part = pipeline._pool.tasks.datasets[0]
        for number in range(12):
            example = part.example(number)
            for place, row in enumerate(fake(example)):
                made.add(made.key(example.image_sha256[place].tobytes()), row)
    made.finish()
    cached = dataclasses.replace(config, features=str(tmp_path / "cache"))
    with BatchLoader(cached, workers=workers) as pipeline:
        found = list(pipeline.batches(0, 3))
    for one, other in zip(found, plain, strict=True):
        images = other.arrays.pop("images")
        features = one.arrays.pop("features")
        assert features.shape == (*images.shape[:2], 4, 6)
        flat = images.reshape(*images.shape[:2], -1).astype(np.float32)
        expected = np.stack([flat[..., n : n + 6] for n in range(4)], axis=2)
        np.testing.assert_array_equal(features, expected)
        assert list(one.arrays) == list(other.arrays)
        for name, array in other.arrays.items():
            np.testing.assert_array_equal(one.arrays[name], array)


@pytest.mark.parametrize(("kind", "shape"), [("pooled_hidden", (5,)), ("hidden_states", (7, 5))])
def test_what_is_said_of_a_prompt_belongs_to_it(
    kind: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    """One row a sample, [W] or [J, W]; a sample without one is an error that names it, or zeros
    that count for nothing."""
    config = mixture(tmp_path, {"talk": 6}, batch_size=2)
    made = writer(tmp_path / "cache", kind=kind, shape=shape, dtype="bfloat16")
    part = DataTasks(config).datasets[0]
    for number in range(5):
        example = part.example(number)
        key = made.key(example.image_sha256.tobytes(), example.ids)
        made.add(key, np.full(shape, 1 + number, np.float32))
    made.finish()
    cached = dataclasses.replace(config, features=str(tmp_path / "cache"))
    with BatchLoader(dataclasses.replace(cached, on_error="skip"), workers=1) as pipeline:
        for batch in pipeline.batches(0, 3):
            assert batch.arrays["features"].shape == (2, *shape)
            for row, (number,) in enumerate(batch.samples):
                index = int(pipeline.sample_index.index[number])
                expected = 0 if index == 5 else 1 + index
                assert np.all(batch.arrays["features"][row].astype(np.float32) == expected)
                assert bool(batch.arrays["mask"][row].any()) == (index != 5)
    with (
        BatchLoader(cached) as pipeline,
        pytest.raises(InputError, match="talk, sample 5: the cache"),
    ):
        list(pipeline.batches(0, 3))
    facts = json.loads((tmp_path / "cache" / "manifest.json").read_text())
    assert facts["kind"] == kind
    with pytest.raises(InputError, match="has other features"):
        writer(tmp_path / "cache", kind=kind, shape=(*shape[:-1], 6), dtype="bfloat16")
