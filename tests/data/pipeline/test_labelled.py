# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Batches of labelled images: what is in a step, and that labels follow their images."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robomamba_jax.data.pipeline.labelled import (
    UNIT,
    Labelled,
    LabelledBatches,
    array_file,
    close_labels,
    has_labels,
    names_of_patches,
    open_labels,
)
from robomamba_jax.errors import InputError
from tests.data.labelled_images import CELLS, CONFIG, GROUPS, labelled


def batches(seed: int = 0, **changes: Any) -> LabelledBatches:
    settings: dict[str, Any] = {"grid": CONFIG.grid, "batch_size": 4, "seed": 0, **changes}
    return LabelledBatches(labelled(12, seed), **settings)


def test_images_of_a_step_depend_on_the_step_alone() -> None:
    """Each map is cut into its patches' cells."""
    data = labelled(12, 0)
    one, again, other = (batches().batch(step).arrays for step in (3, 3, 4))
    cells = CELLS**2
    assert {name: (x.shape, str(x.dtype)) for name, x in one.items()} == {
        "images": ((4, 15, 15, 3), "uint8"),
        "words": ((4, 7), "float32"),
        "described": ((4,), "float32"),
        "groups": ((4, 9, cells), "int32"),
        "named": ((4, 9, 3), "float32"),
        "depth": ((4, 9, cells), "float32"),
        "normals": ((4, 9, cells, 3), "int8"),
        "motion": ((4, 9, cells, 3), "int8"),
    }
    for name in one:
        np.testing.assert_array_equal(one[name], again[name])
    assert any((one[name] != other[name]).any() for name in one)
    for row, (number,) in enumerate(batches().batch(3).samples):
        np.testing.assert_array_equal(one["images"][row], data.images[number])
        np.testing.assert_array_equal(one["words"][row], data.words[number])
        for patch in range(9):
            y, x = CELLS * (patch // 3), CELLS * (patch % 3)
            here = np.s_[number, y : y + CELLS, x : x + CELLS]
            shown = data.pixels[here].reshape(-1)
            groups = [GROUPS[k] for k in shown]
            assert one["groups"][row, patch].tolist() == groups
            # Two cells at least, of doors, other parts and balls.
            named = [(shown == k).sum() >= 2 for k in (2, 3, 4)]
            assert one["named"][row, patch].tolist() == named
            for name in ("depth", "normals", "motion"):
                wanted = getattr(data, name)[here].reshape(cells, -1).squeeze()
                np.testing.assert_array_equal(one[name][row, patch], wanted)


def whole_map(cells: np.ndarray) -> np.ndarray:
    """[P, cells, ...] -> [G, G, ...], patches put together again."""
    rest = cells.shape[2:]
    return cells.reshape(3, 3, CELLS, CELLS, *rest).swapaxes(1, 2).reshape(15, 15, *rest)


def test_words_and_maps_follow_their_images() -> None:
    """Moved and mirrored: the bright half is where the words and the maps say, and a door that
    opens to the right opens to the left in a mirror."""
    seen = set()
    for step in range(8):
        batch = batches(shift=3, mirrors=True)
        found = batch.batch(step)
        changes = batch._drawn(step)
        for row, image in enumerate(found.arrays["images"]):
            shown = image.max(axis=-1) == 250
            left = bool(shown[:, 0].any())
            assert found.arrays["words"][row, 5:].tolist() == [left, not left]
            groups, depth, motion, normals = (
                whole_map(found.arrays[name][row])
                for name in ("groups", "depth", "motion", "normals")
            )
            # The half that is not drawn on has one column more on the right.
            assert (shown & (groups == 0)).sum() <= 15
            assert np.array_equal(depth > 0, groups > 0)
            assert np.array_equal((normals != 0).any(axis=-1), groups > 0)
            assert np.array_equal((motion != 0).any(axis=-1), groups == 2)
            way = -1 if changes[row][1].mirrored else 1
            assert set(motion[groups == 2][:, 0]) <= {way * UNIT}
            seen.add((left, way, int(groups[0].argmax())))
    assert len({entry[:2] for entry in seen}) == 4


def test_images_without_words() -> None:
    """They say so, whichever comes first."""
    data = labelled(12, 0, words_of=5)
    found = LabelledBatches(data, grid=3, batch_size=12, seed=0, shuffle=False).batch(0).arrays
    assert found["described"].tolist() == [1] * 5 + [0] * 7
    assert found["words"][5:].sum() == 0


def test_names_of_patches_by_hand() -> None:
    """Two cells are needed, of patches of one cell one; "nothing" and "body" are not named."""
    shown = np.array([[[0, 1, 2, 2], [3, 3, 3, 2]]], np.uint8)
    assert names_of_patches(shown, 4).tolist() == [[[1, 0], [0, 1]]]
    one = np.array([[[2], [0]]], np.uint8)
    assert names_of_patches(one, 4).tolist() == [[[1, 0], [0, 0]]]


def write(folder: Path, data: Labelled) -> None:
    """Labels as a folder has them."""
    folder.mkdir()
    for name, array in data.arrays.items():
        np.save(array_file(folder, name), array)
    close_labels(folder, data.vocabulary, data.pixel_names, data.pixel_groups, data.names)


def test_labels_in_a_folder(tmp_path: Path) -> None:
    """Read as they were written, batch by batch; their digest stands for them."""
    data = labelled(12, 0)
    assert not has_labels(tmp_path / "labels")
    write(tmp_path / "labels", data)
    assert has_labels(tmp_path / "labels")
    found = open_labels(tmp_path / "labels")
    assert isinstance(found.images, np.memmap)
    settings: Any = {"grid": 3, "batch_size": 4, "seed": 0, "shift": 2, "mirrors": True}
    one, other = (LabelledBatches(which, **settings) for which in (data, found))
    for name, array in one.batch(3).arrays.items():
        np.testing.assert_array_equal(array, other.batch(3).arrays[name])
    state = other.state(5)
    write(tmp_path / "again", data)
    assert LabelledBatches(open_labels(tmp_path / "again"), **settings).state(5) == state
    write(tmp_path / "changed", labelled(12, 1))
    with pytest.raises(InputError, match="another data"):
        LabelledBatches(open_labels(tmp_path / "changed"), **settings).restore(state)


@pytest.mark.parametrize("what", ["missing", "short", "pickle", "torn"])
def test_labels_that_cannot_be_read(tmp_path: Path, what: str) -> None:
    """One line with the file, and what to do."""
    folder = tmp_path / "labels"
    write(folder, labelled(12, 0))
    path = array_file(folder, "depth")
    if what == "missing":
        path.unlink()
    elif what == "short":
        np.save(path, np.load(path)[:7])
    elif what == "pickle":
        np.save(path, np.array([{}] * 12, object), allow_pickle=True)
    else:
        path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match=str(folder)) as caught:
        open_labels(folder)
    assert (caught.value.kind, caught.value.fix) == (
        "bad_labels",
        "remove the folder: it is made again",
    )


def test_processes_share_the_rows_of_a_step() -> None:
    """Each reads its own; names and contents are those of all."""
    whole = batches(shift=2, mirrors=True)
    parts = [batches(shift=2, mirrors=True, rows=rows) for rows in ([0, 2], [1, 3])]
    for one in parts:
        assert one.sample_ids(5) == whole.sample_ids(5)
        assert one.contents(5) == whole.contents(5) == (36, 4, 4)
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
    assert found == [[[k] for k in range(5)], [[k] for k in range(5, 10)]]


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
