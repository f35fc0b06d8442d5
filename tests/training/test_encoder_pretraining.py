# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The small encoder's pre-training: it learns, it goes on, and what it writes is an encoder."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import robomamba_jax as rm
from robomamba_jax.checkpoints import stored_kind
from robomamba_jax.convert.folder import open_folder
from robomamba_jax.convert.run import convert_parts
from robomamba_jax.convert.tensor_names import abstract_tower, tensor_shapes
from robomamba_jax.data.pipeline.labelled import LabelledBatches
from robomamba_jax.errors import InputError
from robomamba_jax.models.vision import VisionTower
from robomamba_jax.training import encoder_pretraining
from robomamba_jax.training.device_put import normalized
from robomamba_jax.training.encoder_objective import Cells, Heads, LabelSizes, encoder_objective
from robomamba_jax.training.encoder_pretraining import EncoderRun, pretrain_encoder, standardized
from robomamba_jax.training.export import export_preset
from robomamba_jax.training.failpoints import FAILPOINT
from robomamba_jax.training.objectives import total_loss
from tests.counting import PATIENCE
from tests.data.labelled_images import CONFIG, WORDS, labelled
from tests.training.encoder_process import PLAN, TRANSFORM
from tests.training.runs import lines, losses

ROOT = Path(__file__).resolve().parents[2]


LOSSES = ("words", "groups", "named", "depth", "normals", "motion", "size")
SCORES = {"object", "color", "words_f1", "part_iou", "motion_30"}


class KilledError(Exception):
    """What a killed run looks like from within."""


def content(folder: Path) -> dict[str, bytes]:
    """The bytes of every tensor."""
    source = open_folder(folder).source()
    held = {name: source.read(name).tobytes() for name in source.names()}
    source.close()
    return held


def pretrain(out: Path, plan: Any = PLAN, **more: Any) -> EncoderRun:
    """The run of all these tests, in this process."""
    more = {"held_out": labelled(10, 1), **more}
    return pretrain_encoder(labelled(12, 0), CONFIG, TRANSFORM, plan, out, **more)


def process(out: Path, data: int, fsdp: int, **env: str) -> int:
    """The same in a process of its own; its exit status."""
    script = ROOT / "tests" / "training" / "encoder_process.py"
    return subprocess.run(
        [sys.executable, str(script), str(out), str(data), str(fsdp)],
        cwd=ROOT,
        env={**os.environ, **env},
        timeout=PATIENCE,
        check=False,
    ).returncode


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, EncoderRun]:
    """A run that nobody stops: its folder, and what it says."""
    out = tmp_path_factory.mktemp("encoder") / "whole"
    return out, pretrain(out)


def same(found: EncoderRun, out: Path, whole: tuple[Path, EncoderRun]) -> None:
    """Weights, curve, scores and every line of metrics of the run that nobody stopped."""
    for name in ("curve", "held_out", "words", "steps", "stopped"):
        assert getattr(found, name) == getattr(whole[1], name)
    assert content(out) == content(whole[0])
    first, second = (
        path.with_name(f"{path.name}.run") / "metrics.jsonl" for path in (out, whole[0])
    )
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.slow
def test_the_loss_falls(whole: tuple[Path, EncoderRun]) -> None:
    """By more than a half, and what it says of itself is so."""
    out, found = whole
    steps, curve = zip(*found.curve, strict=True)
    assert steps == (0, 10, 20, 30)
    assert curve[-1] < 0.5 * curve[0]
    assert (found.steps, found.words, found.stopped) == (31, 7, "")
    assert found.seconds > 0
    assert set(found.held_out) == SCORES
    workdir = out.with_name("whole.run")
    assert [round(loss, 4) for loss in losses(workdir)[::10]] == list(curve)
    first, *_, last = lines(workdir)
    assert {f"loss_{name}" for name in LOSSES} | {"grad_norm"} <= set(first)
    assert all(name.startswith("image-") for row in first["samples"] for name in row)
    assert set(last["eval"]) == {*LOSSES, *SCORES}
    assert lines(workdir, "timings.jsonl")[-1]["mfu"] > 0
    assert list((workdir / "tensorboard").iterdir())


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_bits(
    whole: tuple[Path, EncoderRun], tmp_path: Path
) -> None:
    """Killed twice between two saves, the second time before the next one."""
    out, told = tmp_path / "killed", []

    def tell(step: int, steps: int, loss: float) -> None:
        assert steps == 31
        told.append(step)
        if step == 21 and told.count(21) < 3:
            raise KilledError

    for _ in range(2):
        with pytest.raises(KilledError):
            pretrain(out, on_step=tell)
        assert (tmp_path / "killed.run" / "checkpoints" / "16").is_dir()
        assert stored_kind(out) != "folder"
    found = pretrain(out, on_step=tell)
    # The first one from the start, the others from the 16 steps that were saved.
    assert told == [1, 11, 21, 21, 21, 31]
    same(found, out, whole)
    assert {path.name for path in tmp_path.iterdir()} == {"killed", "killed.run"}


@pytest.mark.slow
def test_killed_by_the_system(whole: tuple[Path, EncoderRun], tmp_path: Path) -> None:
    """SIGKILL while a step is committed: that step is lost, and nothing else."""
    out = tmp_path / "out"
    assert process(out, 1, 1, **{FAILPOINT: "commit:16"}) == -signal.SIGKILL
    steps = tmp_path / "out.run" / "checkpoints"
    assert {path.name for path in steps.iterdir()} == {"8", ".partial-16"}
    assert process(out, 1, 1) == 0
    same(pretrain(out), out, whole)


@pytest.mark.slow
def test_a_signal_asks_it_to_stop(whole: tuple[Path, EncoderRun], tmp_path: Path) -> None:
    """It saves and says so; the same call goes on."""
    out = tmp_path / "out"

    def tell(step: int, steps: int, loss: float) -> None:
        if step == 11:
            os.kill(os.getpid(), signal.SIGTERM)

    found = pretrain(out, on_step=tell)
    assert found.stopped == "interrupted"
    assert 11 < found.steps < 16
    assert stored_kind(out) != "folder"
    assert (tmp_path / "out.run" / "checkpoints" / str(found.steps)).is_dir()
    same(pretrain(out), out, whole)


@pytest.mark.slow
def test_killed_after_the_last_step(
    whole: tuple[Path, EncoderRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All steps are saved and the folder is not written: no step is made again."""
    told: list[Any] = []
    with monkeypatch.context() as patch:

        def killed(*arguments: Any) -> None:
            raise KilledError

        patch.setattr(encoder_pretraining, "_write", killed)
        with pytest.raises(KilledError):
            pretrain(tmp_path / "out")
    found = pretrain(tmp_path / "out", on_step=lambda *at: told.append(at))
    assert told == []
    same(found, tmp_path / "out", whole)


@pytest.mark.slow
def test_on_a_mesh(whole: tuple[Path, EncoderRun], tmp_path: Path) -> None:
    """Rows over eight devices, parameters over four of them: the same losses but for rounding."""
    assert process(tmp_path / "out", 2, 4, JAX_NUM_CPU_DEVICES="8") == 0
    found, wanted = losses(tmp_path / "out.run"), losses(whole[0].with_name("whole.run"))
    np.testing.assert_allclose(found[:8], wanted[:8], rtol=1e-4)
    np.testing.assert_allclose(found, wanted, rtol=0.05)
    assert set(content(tmp_path / "out")) == set(content(whole[0]))


@pytest.mark.slow
def test_another_seed_is_another_encoder(whole: tuple[Path, EncoderRun], tmp_path: Path) -> None:
    """Weights and order come out of it."""
    found = pretrain(tmp_path / "out", dataclasses.replace(PLAN, seed=1), held_out=None)
    assert found.curve != whole[1].curve
    assert found.held_out == {}
    first = content(whole[0])
    assert all(first[name] != value for name, value in content(tmp_path / "out").items())


@pytest.mark.slow
def test_a_workdir_holds_one_run(whole: tuple[Path, EncoderRun], tmp_path: Path) -> None:
    """Another plan, another size, other images; and its steps are no model."""
    out, workdir = tmp_path / "out", whole[0].with_name("whole.run")

    def refused(kind: str, config: Any = CONFIG, plan: Any = PLAN, data: Any = None) -> None:
        data = labelled(12, 0) if data is None else data
        with pytest.raises(InputError) as caught:
            pretrain_encoder(data, config, TRANSFORM, plan, out, workdir=workdir)
        assert caught.value.kind == kind

    refused("run_mismatch", plan=dataclasses.replace(PLAN, shift=2))
    refused("base_mismatch", config=CONFIG.replace(norm_eps=1e-4))
    refused("data_mismatch", data=labelled(12, 5))
    with pytest.raises(InputError) as caught:
        rm.load(workdir)
    assert caught.value.kind == "no_language_model"


@pytest.mark.slow
def test_a_loss_that_is_not_finite(tmp_path: Path) -> None:
    """The images of the step are named."""
    with pytest.raises(InputError, match="its samples: image-") as caught:
        pretrain(tmp_path / "out", dataclasses.replace(PLAN, learning_rate=1e30))
    assert caught.value.kind == "not_finite"


@pytest.mark.slow
def test_what_it_writes_is_an_encoder(whole: tuple[Path, EncoderRun], tmp_path: Path) -> None:
    """Opened as one, and put before a language model, which sees standard patches; what read it
    while it learned is gone."""
    folder = open_folder(whole[0])
    assert folder.parts.vision == CONFIG
    assert folder.parts.llm is None
    assert folder.parts.policy is None
    assert folder.processor().transform == TRANSFORM
    recipe = ("steps", "rows", "learning_rate", "shift", "mirrors", "seed")
    assert folder.origin == {
        "family": "robomamba_jax",
        "stage": "encoder",
        **{name: getattr(PLAN, name) for name in recipe},
    }
    source = folder.source()
    assert {n: source.info(n).shape for n in source.names()} == tensor_shapes(folder.parts)
    export_preset("tiny", tmp_path / "tongue", 0, None)
    convert_parts(whole[0], tmp_path / "tongue", tmp_path / "both")
    model, _ = rm.load(tmp_path / "both")
    tower = nnx.merge(abstract_tower(CONFIG)[0], model.params["vision"])
    patches = np.asarray(tower(normalized(jnp.asarray(labelled(12, 0).images), TRANSFORM)))
    assert np.abs(patches.mean(axis=(0, 1))).max() < 0.01
    assert np.median(patches.std(axis=(0, 1))) == pytest.approx(1, abs=0.01)
    joined = open_folder(tmp_path / "both").source()
    for name in source.names():
        np.testing.assert_array_equal(joined.read(name), source.read(name))
    joined.close()
    source.close()


class Tower(nnx.Module):
    """Patches are the image's own pixels."""

    def __call__(self, images: jax.Array) -> jax.Array:
        return images.reshape(len(images), 9, -1)


class Reader(nnx.Module):
    """Says of every image, which is known by its pixels' sum, what it was told to say."""

    def __init__(self, sums: np.ndarray, logits: np.ndarray) -> None:
        self.sums, self.logits = nnx.Param(sums), nnx.Param(logits)

    def read_words(self, patches: jax.Array) -> jax.Array:
        near = jnp.abs(patches.sum(axis=(1, 2))[:, None] - self.sums[...]).argmin(axis=1)
        return self.logits[...][near]

    def read_names(self, patches: jax.Array) -> jax.Array:
        return jnp.zeros((*patches.shape[:2], 3))

    def read_cells(self, patches: jax.Array) -> Cells:
        shape = (*patches.shape[:2], 25)
        # Everything is a moving part that moves down and to the right, and faces the camera.
        moves, faces = (jnp.broadcast_to(jnp.array(v), (*shape, 3)) for v in (MOVES, FACES))
        groups = jnp.broadcast_to(jnp.array([0.0, 0.0, 1.0, 0.0]), (*shape, 4))
        return Cells(groups, jnp.zeros(shape), faces, moves)


MOVES, FACES = (1.0, 0.3, 0.0), (0.0, 0.0, -1.0)


class Network(nnx.Module):
    """What the objective expects."""

    def __init__(self, sums: np.ndarray, logits: np.ndarray) -> None:
        self.vision, self.readout = Tower(), Reader(sums, logits)


@pytest.mark.slow
def test_scores_by_hand() -> None:
    """A reader whose logits are known: which colours and objects are right, and F1 of all words;
    and each loss against a plain mean."""
    data = labelled(6, 2, words_of=5)
    logits = np.where(data.words > 0, 1.0, -1.0).astype(np.float32)
    logits[0, :3] = np.roll(logits[0, :3], 1)  # a wrong colour: one word too many, one missing
    logits[1, 5] = -logits[1, 5]  # left for right: one word too many, or one missing
    logits[5] = 1  # of an image whose words are not known: nothing that is said of it counts
    images = normalized(jnp.asarray(data.images), TRANSFORM)
    graph: Any
    graph, state = nnx.split(Network(np.asarray(images.sum(axis=(1, 2, 3))), logits))
    params = nnx.to_pure_dict(state)
    objective = encoder_objective(graph, params, TRANSFORM, WORDS)
    batch = LabelledBatches(data, grid=3, batch_size=6, seed=0, shuffle=False).batch(0).arrays
    arrays = {name: jnp.asarray(array) for name, array in batch.items()}
    sums = objective.scores(params, arrays)
    found = {name: float(total / count) for name, (total, count) in sums.items()}
    assert found["color"] == pytest.approx(4 / 5)
    assert found["object"] == 1
    words = data.words[:5].astype(float)
    total = int(words.sum())
    said, right = int((logits[:5] > 0).sum()), int(((logits[:5] > 0) * words).sum())
    assert right < total
    assert found["words_f1"] == pytest.approx(2 * right / (said + total))
    moving = batch["groups"] == 2
    assert found["part_iou"] == pytest.approx(moving.mean())
    # atan(.3) is 17 degrees.
    assert found["motion_30"] == 1
    each = np.logaddexp(0, np.where(words > 0, -logits[:5], logits[:5]))
    there = batch["depth"] > 0
    # A softmax over (0, 0, 1, 0).
    log_total = np.log(3 + np.e)
    expected = {
        "words": each.sum(axis=1).mean(),
        "groups": (log_total - moving).mean(),
        "named": 3 * np.log(2),
        "depth": np.abs((batch["depth"][there] - 5) / 0.5).mean(),
        "normals": 0,
        "motion": 0.3,
        "size": np.mean(np.square(images)),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(float(value), rel=1e-4, abs=1e-6)
    assert objective.counts is not None
    loss = total_loss(objective.losses(params, arrays), objective.counts(arrays), objective.weights)
    weights = {"words": 0.1, "groups": 4.0, "named": 0.5, "depth": 0.2, "normals": 0.5}
    weights |= {"motion": 2.0, "size": 1e-3}
    assert float(loss) == pytest.approx(sum(w * expected[n] for n, w in weights.items()), rel=1e-4)


@pytest.mark.slow
def test_patches_are_made_standard() -> None:
    """The tower says what the trained one says, shifted and scaled as a projector likes it: mean 0
    in every channel, a standard deviation of 1 in the middle one."""
    data = labelled(12, 0)
    graph, state = nnx.split(VisionTower(CONFIG, rngs=nnx.Rngs(3)))
    params = nnx.to_pure_dict(state)
    run = jax.jit(lambda p, x: nnx.merge(graph, p)(normalized(x, TRANSFORM)))
    before = np.asarray(run(params, data.images), np.float64)
    kept = jax.tree.map(np.asarray, params)
    made = standardized(params, CONFIG, data.images, TRANSFORM)
    after = np.asarray(run(made, data.images), np.float64)
    scale = 1 / np.median(before.std(axis=(0, 1)))
    wanted = scale * (before - before.mean(axis=(0, 1)))
    np.testing.assert_allclose(after, wanted, atol=1e-3 * np.abs(wanted).max())
    assert abs(scale - 1) > 0.1
    jax.tree.map(np.testing.assert_array_equal, params, kept)


def test_heads_read_each_patch_for_itself() -> None:
    """Of cells a patch says its own; of words all patches together, in whatever order."""
    heads = Heads(8, LabelSizes(5, 3, 4), rngs=nnx.Rngs(0))
    patches = jax.random.normal(jax.random.key(1), (2, 9, 8))
    found = heads.read_cells(patches)
    shapes = [x.shape for x in found]
    assert shapes == [(2, 9, 4, 4), (2, 9, 4), (2, 9, 4, 3), (2, 9, 4, 3)]
    assert heads.read_names(patches).shape == (2, 9, 3)
    changed = heads.read_cells(patches.at[:, 4].add(1.0)).groups
    same = np.isclose(changed, found.groups, atol=1e-6).all(axis=(0, 2, 3))
    assert same.tolist() == [k != 4 for k in range(9)]
    words = heads.read_words(patches)
    assert words.shape == (2, 5)
    np.testing.assert_allclose(heads.read_words(patches[:, ::-1]), words, atol=1e-5)
    assert np.abs(heads.read_words(patches.at[:, 4].add(1.0)) - words).min() > 1e-6
