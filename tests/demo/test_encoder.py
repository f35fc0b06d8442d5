# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The small encoder's pre-training: it learns, it goes on, and what it writes is an encoder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import robomamba_jax as rm
from robomamba_jax.checkpoints import stored_kind
from robomamba_jax.config import VISION_PRESETS
from robomamba_jax.convert.folder import open_folder
from robomamba_jax.convert.run import convert_parts
from robomamba_jax.convert.tensor_names import abstract_tower, tensor_shapes
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.demo import encoder
from robomamba_jax.demo.encoder import EncoderPlan, Heads, pretrain_encoder
from robomamba_jax.demo.labels import Labelled
from robomamba_jax.training.export import export_preset

# The tiny sizes in the form of the demo's encoder.
CONFIG = VISION_PRESETS["tiny"].replace(
    cls_token=False, pre_norm=False, patch_bias=True, feature_layer=-1
)
TRANSFORM = image_transform("tiny")
PLAN = EncoderPlan(steps=31, rows=8, shift=1)
CELLS = 5  # of a patch, along each side: as many as pixels
WORDS = (
    *("color blue", "color green", "color red", "object box", "object safe"),
    *("on the left", "on the right"),
)


def labelled(count: int, seed: int) -> Labelled:
    """Pictures with a square of one of three colours, on the left and near, or right and far."""
    draw = np.random.default_rng(seed)
    side, grid = CONFIG.image_size, CELLS * CONFIG.grid
    color, left = draw.integers(3, size=count), draw.integers(2, size=count)
    pictures = draw.integers(90, 110, size=(count, side, side, 3)).astype(np.uint8)
    classes = np.zeros((count, grid, grid), np.uint8)
    depth = np.zeros((count, grid, grid), np.float32)
    words = np.zeros((count, len(WORDS)), np.float32)
    for number in range(count):
        half = slice(0, side // 2) if left[number] else slice(side // 2 + 1, side)
        cells = slice(0, grid // 2) if left[number] else slice(grid // 2, grid)
        pictures[number, :, half, [2, 1, 0][color[number]]] = 250
        classes[number, :, cells] = 2
        classes[number, grid // 2 :, cells] = 1
        depth[number, :, cells] = 4.0 if left[number] else 6.0
        words[number, [color[number], 3 + number % 2]] = 1
        words[number, 6 - left[number]] = 1
    return Labelled(pictures, classes, depth.astype(np.float16), words, WORDS)


class KilledError(Exception):
    """What a killed run looks like from within."""


def content(folder: Path) -> dict[str, bytes]:
    """The bytes of every tensor."""
    source = open_folder(folder).source()
    held = {name: source.read(name).tobytes() for name in source.names()}
    source.close()
    return held


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A run that nobody stops: its folder, and what it says."""
    out = tmp_path_factory.mktemp("encoder") / "whole"
    found = pretrain_encoder(
        labelled(12, 0), CONFIG, TRANSFORM, PLAN, out, held_out=labelled(10, 1)
    )
    return out, found


def test_the_loss_falls(whole: tuple[Path, dict[str, Any]]) -> None:
    """By more than a half, and what it says of itself is so."""
    _, found = whole
    steps, losses = zip(*found["curve"], strict=True)
    assert steps == (0, 10, 20, 30)
    assert losses[-1] < 0.5 * losses[0]
    assert (found["steps"], found["words"]) == (31, 7)
    assert found["seconds"] > 0
    assert set(found["held_out"]) == {"object", "color", "words_f1"}


def test_a_killed_run_ends_with_the_same_bits(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KilledError twice between two saves, the second time before the next one: weights, curve and
    scores of the run that nobody stopped, and nothing is left beside the folder."""
    monkeypatch.setattr(encoder, "_SAVE_EVERY", 8)
    out, kept = tmp_path / "killed", tmp_path / "killed.partial.safetensors"
    told: list[int] = []

    def tell(step: int, steps: int, loss: float) -> None:
        assert steps == 31
        told.append(step)
        if step == 21 and told.count(21) < 3:
            raise KilledError

    def go_on() -> dict[str, Any]:
        return pretrain_encoder(
            labelled(12, 0), CONFIG, TRANSFORM, PLAN, out, held_out=labelled(10, 1), tell=tell
        )

    for _ in range(2):
        with pytest.raises(KilledError):
            go_on()
        assert kept.is_file()
        assert stored_kind(out) != "folder"
    found = go_on()
    # The first one from the start, the others from the 16 steps that were saved.
    assert told == [1, 11, 21, 21, 21, 31]
    for name in ("curve", "held_out", "words", "steps"):
        assert found[name] == whole[1][name]
    assert content(out) == content(whole[0])
    assert [path.name for path in tmp_path.iterdir()] == ["killed"]


def test_killed_after_the_last_step(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All steps are saved and the folder is not written: no step is made again."""
    monkeypatch.setattr(encoder, "_SAVE_EVERY", 31)
    write, told = encoder._write, []

    def killed(*arguments: Any) -> None:
        raise KilledError

    monkeypatch.setattr(encoder, "_write", killed)
    with pytest.raises(KilledError):
        pretrain_encoder(labelled(12, 0), CONFIG, TRANSFORM, PLAN, tmp_path / "out")
    monkeypatch.setattr(encoder, "_write", write)
    found = pretrain_encoder(
        labelled(12, 0), CONFIG, TRANSFORM, PLAN, tmp_path / "out", tell=lambda *at: told.append(at)
    )
    assert told == []
    assert found["curve"] == whole[1]["curve"]
    assert found["held_out"] == {}
    assert content(tmp_path / "out") == content(whole[0])


def test_another_seed_is_another_encoder(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """Weights and order come out of it."""
    plan = dataclasses.replace(PLAN, seed=1)
    found = pretrain_encoder(labelled(12, 0), CONFIG, TRANSFORM, plan, tmp_path / "out")
    assert found["curve"] != whole[1]["curve"]
    same = content(whole[0])
    assert all(same[name] != value for name, value in content(tmp_path / "out").items())


def test_what_it_writes_is_an_encoder(whole: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """Opened as one, and put before a language model, which sees standard patches; what read it
    while it learned is gone."""
    folder = open_folder(whole[0])
    assert folder.parts.vision == CONFIG
    assert folder.parts.llm is None
    assert folder.parts.policy is None
    assert folder.processor().transform == TRANSFORM
    assert folder.origin["stage"] == "encoder"
    assert folder.origin["steps"] == 31
    source = folder.source()
    assert {n: source.info(n).shape for n in source.names()} == tensor_shapes(folder.parts)
    export_preset("tiny", tmp_path / "tongue", 0, None)
    convert_parts(whole[0], tmp_path / "tongue", tmp_path / "both")
    model, _ = rm.load(tmp_path / "both")
    tower = nnx.merge(abstract_tower(CONFIG)[0], model.params["vision"])
    patches = np.asarray(tower(encoder.normalized(labelled(12, 0).described, TRANSFORM)))
    assert np.abs(patches.mean(axis=(0, 1))).max() < 0.01
    assert np.median(patches.std(axis=(0, 1))) == pytest.approx(1, abs=0.01)
    joined = open_folder(tmp_path / "both").source()
    for name in source.names():
        np.testing.assert_array_equal(joined.read(name), source.read(name))
    joined.close()
    source.close()


def test_pictures_of_a_step_depend_on_the_step_alone() -> None:
    """Two halves, and each map cut into its patches' cells."""
    data, plan = labelled(12, 0), dataclasses.replace(PLAN, shift=0, mirrors=False)
    one, again, other = (encoder._batch(data, CONFIG, plan, step) for step in (3, 3, 4))
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
    for row in range(4):
        (number,) = {
            k for k in range(12) if np.array_equal(data.described[k], one["described"][row])
        }
        np.testing.assert_array_equal(one["words"][row], data.words[number])
        (number,) = {k for k in range(12) if np.array_equal(data.mapped[k], one["mapped"][row])}
        for patch in range(9):
            y, x = CELLS * (patch // 3), CELLS * (patch % 3)
            here = np.s_[number, y : y + CELLS, x : x + CELLS]
            np.testing.assert_array_equal(
                one["classes"][row, patch], data.classes[here].reshape(-1)
            )
            np.testing.assert_array_equal(one["depth"][row, patch], data.depth[here].reshape(-1))


def test_words_and_maps_follow_their_pictures() -> None:
    """Moved and mirrored: the bright half is where the words and the classes say."""
    data, plan = labelled(12, 0), dataclasses.replace(PLAN, shift=3)
    seen = set()
    for step in range(8):
        batch = encoder._batch(data, CONFIG, plan, step)
        bright = [picture.max(axis=(0, 2)) == 250 for picture in batch["described"]]
        left = [bool(columns[0]) for columns in bright]
        assert [bool(words[5]) for words in batch["words"]] == left
        assert [bool(words[6]) for words in batch["words"]] == [not x for x in left]
        for picture, classes, depth in zip(
            *(batch[name] for name in ("mapped", "classes", "depth")), strict=True
        ):
            cells = classes.reshape(3, 3, CELLS, CELLS).transpose(0, 2, 1, 3).reshape(15, 15)
            far = depth.reshape(3, 3, CELLS, CELLS).transpose(0, 2, 1, 3).reshape(15, 15)
            shown = picture.max(axis=-1) == 250
            # The half that is not drawn on has one column more on the right.
            assert (shown & (cells == 0)).sum() <= 15
            assert np.array_equal(far > 0, cells > 0)
            seen.add((bool(shown[0, 0]), int(cells[0].argmax())))
    assert len(seen) > 2


def test_scores_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader whose logits are known: which colours and objects are right, and F1 of all words;
    pictures that do not fill the last hundred are left out."""
    data = labelled(6, 2)
    logits = np.where(data.words > 0, 1.0, -1.0).astype(np.float32)
    logits[0, :3] = np.roll(logits[0, :3], 1)  # a wrong colour: one word too many, one missing
    logits[1, 5] = -logits[1, 5]  # left for right: one word too many, or one missing

    # No two pictures are alike: each is known by its pixels' sum.
    sums = np.asarray(encoder.normalized(data.described, TRANSFORM)).sum(axis=(1, 2, 3))

    class Tower(nnx.Module):
        def __call__(self, images: jax.Array) -> jax.Array:
            return images.reshape(len(images), 9, -1)

    class Reader(nnx.Module):
        def read_words(self, patches: jax.Array) -> jax.Array:
            near = jnp.abs(patches.sum(axis=(1, 2))[:, None] - sums).argmin(axis=1)
            return jnp.asarray(logits)[near]

    graph, params = {}, {}
    for name, module in (("tower", Tower()), ("heads", Reader())):
        graph[name], state = nnx.split(module)
        params[name] = nnx.to_pure_dict(state)
    found = encoder.scores(params, graph, data, TRANSFORM)
    assert found["color"] == round(5 / 6, 4)
    assert found["object"] == 1
    total = int(data.words.sum())
    said, right = int((logits > 0).sum()), int(((logits > 0) * data.words).sum())
    assert right < total
    assert found["words_f1"] == round(2 * right / (said + total), 4)
    monkeypatch.setattr(encoder, "_READ", 5)
    assert encoder.scores(params, graph, data, TRANSFORM)["color"] == round(4 / 5, 4)


def test_patches_are_made_standard() -> None:
    """The tower says what the trained one says, shifted and scaled as a projector likes it: mean 0
    in every channel, a standard deviation of 1 in the middle one."""
    data = labelled(12, 0)
    graph, params = encoder._new_params(data, CONFIG, 3)
    run = jax.jit(lambda p, x: nnx.merge(graph["tower"], p)(encoder.normalized(x, TRANSFORM)))
    before = np.asarray(run(params["tower"], data.described), np.float64)
    kept = jax.tree.map(np.asarray, params["tower"])
    made = encoder.standardized(params["tower"], graph["tower"], data.described, TRANSFORM)
    after = np.asarray(run(made, data.described), np.float64)
    scale = 1 / np.median(before.std(axis=(0, 1)))
    wanted = scale * (before - before.mean(axis=(0, 1)))
    np.testing.assert_allclose(after, wanted, atol=1e-3 * np.abs(wanted).max())
    assert abs(scale - 1) > 0.1
    jax.tree.map(np.testing.assert_array_equal, params["tower"], kept)


def test_heads_read_each_patch_for_itself() -> None:
    """Of cells a patch says its own; of words all patches together, in whatever order."""
    heads = Heads(8, 5, 2, rngs=nnx.Rngs(0))
    patches = jax.random.normal(jax.random.key(1), (2, 9, 8))
    classes, depth = heads.read_cells(patches)
    assert (classes.shape, depth.shape) == ((2, 9, 4, 3), (2, 9, 4))
    changed = heads.read_cells(patches.at[:, 4].add(1.0))[0]
    same = np.isclose(changed, classes, atol=1e-6).all(axis=(0, 2, 3))
    assert same.tolist() == [k != 4 for k in range(9)]
    words = heads.read_words(patches)
    assert words.shape == (2, 5)
    np.testing.assert_allclose(heads.read_words(patches[:, ::-1]), words, atol=1e-5)
    assert np.abs(heads.read_words(patches.at[:, 4].add(1.0)) - words).min() > 1e-6
