# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of labelled images: what is in a step, and that labels follow their images."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from robomamba_jax.data.pipeline.labelled import LabelledBatches
from robomamba_jax.errors import InputError
from tests.data.labelled_images import CELLS, CONFIG, labelled


def batches(seed: int = 0, **changes: Any) -> LabelledBatches:
    settings: dict[str, Any] = {"grid": CONFIG.grid, "batch_size": 4, "seed": 0, **changes}
    return LabelledBatches(labelled(12, seed), **settings)


def test_images_of_a_step_depend_on_the_step_alone() -> None:
    """Two halves, and each map cut into its patches' cells."""
    data = labelled(12, 0)
    one, again, other = (batches().batch(step).arrays for step in (3, 3, 4))
    assert {name: x.shape for name, x in one.items()} == {
        "described": (4, 15, 15, 3),
        "words": (4, 7),
        "mapped": (4, 15, 15, 3),
        "classes": (4, 9, CELLS**2),
        "depth": (4, 9, CELLS**2),
    }
    for name in one:
        np.testing.assert_array_equal(one[name], again[name])
    assert any((one[name] != other[name]).any() for name in one)
    for row, (first, second) in enumerate(batches().batch(3).samples):
        np.testing.assert_array_equal(one["described"][row], data.described[first])
        np.testing.assert_array_equal(one["words"][row], data.words[first])
        np.testing.assert_array_equal(one["mapped"][row], data.mapped[second])
        for patch in range(9):
            y, x = CELLS * (patch // 3), CELLS * (patch % 3)
            here = np.s_[second, y : y + CELLS, x : x + CELLS]
            np.testing.assert_array_equal(
                one["classes"][row, patch], data.classes[here].reshape(-1)
            )
            np.testing.assert_array_equal(one["depth"][row, patch], data.depth[here].reshape(-1))


def test_words_and_maps_follow_their_images() -> None:
    """Moved and mirrored: the bright half is where the words and the classes say."""
    seen = set()
    for step in range(8):
        batch = batches(shift=3, mirrors=True).batch(step).arrays
        bright = [image.max(axis=(0, 2)) == 250 for image in batch["described"]]
        left = [bool(columns[0]) for columns in bright]
        assert [bool(words[5]) for words in batch["words"]] == left
        assert [bool(words[6]) for words in batch["words"]] == [not x for x in left]
        for image, classes, depth in zip(
            *(batch[name] for name in ("mapped", "classes", "depth")), strict=True
        ):
            cells = classes.reshape(3, 3, CELLS, CELLS).transpose(0, 2, 1, 3).reshape(15, 15)
            far = depth.reshape(3, 3, CELLS, CELLS).transpose(0, 2, 1, 3).reshape(15, 15)
            shown = image.max(axis=-1) == 250
            # The half that is not drawn on has one column more on the right.
            assert (shown & (cells == 0)).sum() <= 15
            assert np.array_equal(far > 0, cells > 0)
            seen.add((bool(shown[0, 0]), int(cells[0].argmax())))
    assert len(seen) > 2


def test_processes_share_the_rows_of_a_step() -> None:
    """Each reads its own; names and contents are those of all."""
    whole = batches(shift=2, mirrors=True)
    parts = [batches(shift=2, mirrors=True, rows=rows) for rows in ([0, 2], [1, 3])]
    for one in parts:
        assert one.sample_ids(5) == whole.sample_ids(5)
        assert one.contents(5) == whole.contents(5) == (72, 8, 8)
        assert one.state(5) == whole.state(5)
    arrays = whole.batch(5).arrays
    for rows, one in zip(([0, 2], [1, 3]), parts, strict=True):
        for name, array in one.batch(5).arrays.items():
            np.testing.assert_array_equal(array, arrays[name][rows])
    data = labelled(12, 0)
    names = [[data.names[number] for number in row] for row in whole.batch(5).samples]
    assert names == whole.sample_ids(5)


def test_in_order_every_image_comes_once() -> None:
    """As held-out images are read; what does not fill the last batch is left out."""
    ordered = batches(batch_size=5, shuffle=False)
    assert ordered.epoch_steps == 2
    found = [batch.samples for batch in ordered.batches(0, ordered.epoch_steps)]
    assert found == [[[k, k] for k in range(5)], [[k, k] for k in range(5, 10)]]


def test_the_state_knows_its_data() -> None:
    """Other labels, other settings, another seed: none of them goes on from it."""
    state = batches().state(7)
    assert batches().restore(state) == 7
    words = labelled(12, 0).words.copy()
    words[3, 2] = 1 - words[3, 2]
    other = LabelledBatches(labelled(12, 0)._replace(words=words), grid=3, batch_size=4, seed=0)
    for wrong in (other, batches(shift=1), batches(seed=1)):
        with pytest.raises(InputError, match="another data, batches or mixture") as caught:
            wrong.restore(state)
        assert caught.value.kind == "data_mismatch"
    assert dataclasses.asdict(batches().batch(0))["problems"] == []
