# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the encoder is taught: words that are true of a picture, and what its pixels show."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robomamba_jax.data.images.files import open_image
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.data.pipeline.labelled import GROUPS, UNIT, Labelled
from robomamba_jax.errors import InputError
from robomamba_jax.pretraining.labels import read_labels, read_maps, words_of
from robomamba_jax.world.language.facts import PartState
from tests.demo.small_world import CAMERA, facts, write_world

TRANSFORM = image_transform("tiny")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Twelve scenes and eight poses."""
    write_world(tmp_path / "world")
    return tmp_path / "world"


def test_words_that_are_true() -> None:
    """All of a scene's, and no other."""
    assert words_of(dataclasses.asdict(facts(4))) == {
        *("object safe", "color red", "surface table", "surface table brown"),
        *("visible door", "visible handle", "1 doors"),
        *("part door", "door slightly open", "joint revolute", "door with handle"),
        *("thing ball", "thing green ball", "thing ball left"),
        *("only thing left", "only thing green"),
    }
    alone = words_of(dataclasses.asdict(facts(3)))
    assert "door closed" in alone
    assert not any("thing" in word for word in alone)
    assert "door with handle" not in alone


def test_no_only_thing_among_two() -> None:
    """With two things nothing is said of the only one."""
    (ball,) = facts(4).things
    cone = dataclasses.replace(ball, shape="cone", color="red", side="right")
    words = words_of(dataclasses.asdict(dataclasses.replace(facts(4), things=(ball, cone))))
    assert {"thing green ball", "thing red cone", "thing cone right"} <= words
    assert not any(word.startswith("only") for word in words)


@pytest.mark.parametrize("opened", [0.0, 0.07, 0.08, 0.081, 0.29, 0.3, 0.31, 1.0])
def test_states_are_those_of_the_facts(opened: float) -> None:
    """The thresholds stand in two places and are one."""
    part = PartState("lid", 2, "revolute", opened, False, False)
    scene = dataclasses.replace(facts(0), parts=(part,))
    found = {word for word in words_of(dataclasses.asdict(scene)) if word.startswith("lid ")}
    assert found == {f"lid {part.state}"}


def read(world: Path, grid: int = 6, like: Labelled | None = None, **more: Any) -> Labelled:
    """Its labels, beside it."""
    return read_labels([world], TRANSFORM, grid, world.with_name("labels"), like, 1, **more)


def test_what_is_read(world: Path) -> None:
    """Crops, words and maps, each in its place; seldom words are left out."""
    told: list[tuple[int, int]] = []
    found = read(world, on_progress=lambda *at: told.append(at))
    assert found.images.shape == (20, 15, 15, 3)
    assert found.images.dtype == np.uint8
    for number, name in ((0, "000000.jpg"), (7, "000007.jpg"), (12, "Safe_000000.png")):
        picture = open_image(world / "images" / name)
        np.testing.assert_array_equal(found.images[number], TRANSFORM.crop(picture))
        assert found.names[number] == f"world/{Path(name).stem}"
    assert found.described.tolist() == [True] * 12 + [False] * 8
    # Half of the scenes each: not frequent enough, as are the states; the rest is in all of them.
    assert "object safe" not in found.vocabulary
    assert list(found.vocabulary) == sorted(found.vocabulary)
    assert {"visible door", "1 doors", "thing green ball", "surface table brown"} <= set(
        found.vocabulary
    )
    for number in range(12):
        true = words_of(dataclasses.asdict(facts(number)))
        row = {w for w, on in zip(found.vocabulary, found.words[number], strict=True) if on}
        assert row == true & set(found.vocabulary)
    assert told == [(20, 20)]
    assert found.pixel_names == (
        *("nothing", "body", "bolt", "door", "other part"),
        *("cube", "ball", "cylinder", "cone", "ring", "other thing"),
    )
    assert [GROUPS[k] for k in found.pixel_groups] == [
        *("nothing", "body", *["moving part"] * 3),
        *["thing"] * 6,
    ]


def test_read_once(world: Path) -> None:
    """What is whole is opened; what is not is read anew, whichever process makes it."""
    found = read(world)
    digest = found.digest
    shutil.rmtree(world / "images")
    assert read(world).digest == digest
    again = world.with_name("again")
    write_world(again / "world")
    folder = again / "labels"
    folder.mkdir()
    (folder / "images.npy").write_bytes(b"half of a file")
    assert read_labels([again / "world"], TRANSFORM, 6, folder, None, 2).digest == digest


def test_labels_like_others(world: Path) -> None:
    """Held-out pictures are read for the words and names of the training set, in their order."""
    words, names = ("object safe", "no such word", "color blue"), ("nothing", "body", "other part")
    like = read(world)._replace(
        vocabulary=words, pixel_names=(*names, "other thing"), pixel_groups=(0, 1, 2, 3)
    )
    out = world.with_name("held-out")
    found = read_labels([world], TRANSFORM, 6, out, like, 1)
    assert (found.vocabulary, found.pixel_groups) == (words, (0, 1, 2, 3))
    for number in range(12):
        wanted = [number % 2 == 0, False, number // 2 % 2 == 1]
        assert found.words[number].tolist() == wanted
    assert np.unique(found.pixels).tolist() == [0, 1, 2, 3]


def test_a_world_without_poses(tmp_path: Path) -> None:
    """As pre-training draws it; and one of poses alone, beside it."""
    write_world(tmp_path / "one", poses=0)
    write_world(tmp_path / "other", scenes=0)
    worlds = [tmp_path / "one", tmp_path / "other"]
    found = read_labels(worlds, TRANSFORM, 6, tmp_path / "labels", None, 1)
    assert found.described.tolist() == [True] * 12 + [False] * 8
    assert found.names[:13:12] == ("one/000000", "other/Safe_000000")


@pytest.mark.parametrize("grid", [6, 24, 3])
def test_maps_are_what_stands_in_the_middle_of_each_cell(world: Path, grid: int) -> None:
    """Names; depth in metres, 0 where nothing is; flow of the parts, and no flow elsewhere: of
    pictures with words and of poses' pictures."""
    found = read(world, grid)
    step = 24 // grid
    for place, number in ((0, 0), (12, 0), (7, 7), (17, 5)):
        for row in range(grid):
            for column in range(grid):
                y, x = row * step + step // 2, column * step + step // 2
                link = 0 if y < 8 else 1 if x < 12 else 2 if y < 16 else 3
                name = ("nothing", "body", "door", "bolt")[link]
                if number % 3 and y < 8 and x < 8:
                    # A pose says nothing of things.
                    link, name = 201, "ball" if place < 12 else "other thing"
                assert found.pixel_names[found.pixels[place, row, column]] == name
                metres = (4000 + 10 * number + link) / 1000 if link else 0
                assert found.depth[place, row, column] == pytest.approx(metres, abs=0.002)
                flow = found.motion[place, row, column] / UNIT
                if name == "bolt":
                    np.testing.assert_allclose(flow, (1, 0, 0), atol=0.005)
                elif name == "door":
                    # About the axis y through x = 0, z = 4: what lies behind it moves to the
                    # right, what lies right of it towards the camera.
                    assert flow[2] < 0
                    assert flow[1] == 0
                else:
                    assert not flow.any()


def test_a_plain_thing_is_itself(world: Path) -> None:
    """Where a cube is all that a scene is about, its pixels are a cube's, not a body's."""
    line = {"camera": CAMERA, "axes": [], "things": [], "body": "cube"}
    names = ("nothing", "body", "other part", "cube", "other thing")
    found = read_maps(world, "000000", line, 24, names)
    assert {names[k] for k in np.unique(found.pixels)} == {"nothing", "body", "cube"}
    assert names[found.pixels[20, 3]] == "cube"
    plain = dataclasses.replace(facts(0), category="Plain", noun="cube")
    assert {"object cube", "thing cube", "thing red cube"} <= words_of(dataclasses.asdict(plain))
    nameless = dataclasses.replace(facts(0), category="Assembly", noun="gadget")
    assert "object gadget" not in words_of(dataclasses.asdict(nameless))


def test_maps_that_do_not_divide(world: Path) -> None:
    """Said in one line; a grid finer than the picture too."""
    for grid in (5, 48):
        with pytest.raises(InputError, match=f"images of 24 pixels have no grid of {grid}"):
            read_maps(world, "Safe_000000", {}, grid, ())


@pytest.mark.parametrize("content", [None, '{"id": 1', b"\xff\xfe"])
@pytest.mark.parametrize("name", ["scenes.jsonl", "poses.jsonl"])
def test_a_file_that_cannot_be_read(world: Path, name: str, content: Any) -> None:
    """Missing, cut off, or not text."""
    if content is None:
        (world / name).unlink()
    else:
        (world / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read(world)
    assert str(world / name) in str(caught.value)
    assert caught.value.fix == "generate the data again"


@pytest.mark.parametrize("kind", ["masks", "depth"])
def test_a_missing_map(world: Path, kind: str) -> None:
    """Of an older data set, say."""
    (world / kind / "000003.png").unlink()
    with pytest.raises(InputError, match=f"{kind}/000003.png"):
        read(world)


def test_a_missing_picture(world: Path) -> None:
    """As any picture that is not there."""
    lines = (world / "poses.jsonl").read_text().splitlines()
    name = json.loads(lines[3])["id"]
    (world / "images" / f"{name}.png").unlink()
    with pytest.raises(InputError, match=name):
        read(world)
