# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Parts: what is read again in each epoch, and what is not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig
from robomamba_jax.data.examples import Encoder
from robomamba_jax.data.pipeline.datasets import open_datasets
from robomamba_jax.errors import InputError
from tests.data.samples import poses


def test_an_example_without_pixels_is_read_once(tmp_path: Path) -> None:
    """Its file may even be gone; with pixels it is read each time, and without it is the same."""
    path = str(poses(tmp_path, 4))
    source = SourceConfig(path, "poses", "robomamba-poses", pixel_order="xy", frame="manipllm")
    config = DataConfig((source,), EncodingConfig("tiny", "tiny", target="pose"), BatchConfig(2))
    (part,) = open_datasets(config, Encoder.open(config))
    whole, small = part.example(1), part.example(1, pixels=False)
    assert whole.images is not None
    assert small.images is None
    for name in ("ids", "supervised", "image_positions", "image_sha256"):
        np.testing.assert_array_equal(getattr(small, name), getattr(whole, name))
    assert small.pose is not None
    assert whole.pose is not None
    for found, wanted in zip(small.pose, whole.pose, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert not part.example(1, pixels=False, hashes=False).image_sha256.any()
    for picture in tmp_path.rglob("*.png"):
        picture.unlink()
    assert part.example(1, pixels=False) is small
    for index, pixels in ((1, True), (2, False)):
        with pytest.raises(InputError, match=r"\.png"):
            part.example(index, pixels=pixels)


def test_so_many_samples_spread_evenly(tmp_path: Path) -> None:
    """At most so many, of all of the files; more than there are is all; prepared data refuses."""
    path = str(poses(tmp_path, 5))
    source = SourceConfig(path, "poses", "robomamba-poses", pixel_order="xy", frame="manipllm")
    config = DataConfig((source,), EncodingConfig("tiny", "tiny", target="pose"), BatchConfig(2))
    encoder = Encoder.open(config)

    def ids(samples: int | None) -> list[str]:
        one = dataclasses.replace(source, samples=samples)
        (part,) = open_datasets(dataclasses.replace(config, sources=(one,)), encoder)
        return [part.describe(index).id for index in range(len(part))]

    whole = ids(None)
    assert ids(3) == [whole[0], whole[1], whole[3]]
    assert ids(9) == ids(5) == whole
    with pytest.raises(InputError, match="samples"):
        ids(0)
    prepared = dataclasses.replace(source, format="prepared", samples=3)
    with pytest.raises(InputError, match="when preparing"):
        open_datasets(dataclasses.replace(config, sources=(prepared,)), encoder)
