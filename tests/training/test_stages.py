# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Each stage on its tiny configuration: what moves, what does not, what it costs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.data.pipeline.batch_plan import BatchShape
from robomamba_jax.errors import InputError
from robomamba_jax.models.params import leaf_paths
from robomamba_jax.training.program import build
from robomamba_jax.training.setup import Session, begin
from robomamba_jax.training.sharding import make_mesh
from tests.training.runs import QUIET, STAGES, lines, losses, run, tiny


def host(tree: Any) -> dict[str, np.ndarray]:
    return {path: np.asarray(leaf) for path, leaf in leaf_paths(tree).items()}


def steps(session: Session, count: int) -> list[dict[str, Any]]:
    """Some updates, without the loop."""
    found = []
    for batch in session.pipeline.batches(0, count):
        arrays = session.feeder.put(batch.arrays)
        session.state, metrics = session.program.step(session.state, session.frozen, arrays)
        found.append(jax.device_get(metrics))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_only_what_is_trained_moves(stage: str, tmp_path: Path) -> None:
    """With weight decay on; bit for bit; no moments of what is frozen."""
    session = begin(tiny(stage, "optim.weight_decay=0.3", *QUIET), tmp_path)
    try:
        before, frozen = host(session.state.trained), host(session.frozen)
        found = steps(session, 4)
        after, rest = host(session.state.trained), host(session.frozen)
    finally:
        session.close()
    assert all(np.array_equal(frozen[path], rest[path]) for path in frozen)
    moved = {path for path in before if not np.array_equal(before[path], after[path])}
    assert moved == set(before)
    assert not set(before) & set(frozen)
    assert all(np.isfinite(m["grad_norm"]) and not m["halted"] for m in found)
    trained = sum(array.nbytes for array in before.values())
    moments = [x for x in jax.tree.leaves(session.state.opt_state) if x.ndim]
    assert sum(x.nbytes for x in moments) == 2 * trained


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["align", "manipulate"])
def test_no_gradient_of_what_is_frozen(stage: str) -> None:
    """From the compiled program: training everything needs room for the frozen gradients more,
    and a larger frozen model costs a step of the head no more than its activations."""
    config = tiny(stage, "model.preset=nano", "model.vision=nano")
    data = dataclasses.replace(
        config.data,
        encoding=dataclasses.replace(config.data.encoding, transform="nano", tokenizer="nano"),
        batch=dataclasses.replace(config.data.batch, image_tokens=64, seq_len=160),
    )
    config = dataclasses.replace(config, data=data)
    shape = BatchShape(8, 96, 1, 160)

    def work(trainable: tuple[str, ...]) -> tuple[int, int]:
        changed = dataclasses.replace(config, trainable=trainable)
        mesh = make_mesh(changed.mesh, jax.devices()[:1])
        program = build(changed, None, mesh, steps=10)
        lowered = program.step.lower(program.state, program.frozen, program.batch(shape))
        memory = lowered.compile().memory_analysis()
        return memory.temp_size_in_bytes, program.table[-1].gradients

    part, few = work(config.trainable)
    whole, many = work(("vision/.*", "projector/.*", "llm/.*", "policy/.*"))
    assert whole - part > 0.5 * (many - few)


@pytest.mark.slow
def test_parts_of_a_batch_add_up(tmp_path: Path) -> None:
    """Four parts of two rows against one of eight: the same update, but for rounding."""
    found = []
    for number, parts in enumerate((1, 4)):
        changes = (f"optim.accumulate={parts}", "optim.clip_norm=0", *QUIET)
        session = begin(tiny("instruct", *changes), tmp_path / str(number))
        try:
            metrics = steps(session, 3)
            found.append((metrics, host(session.state.trained)))
        finally:
            session.close()
    (one, first), (four, second) = found
    for a, b in zip(one, four, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-6)
        assert a["grad_norm"] == pytest.approx(b["grad_norm"], rel=1e-5)
        assert a["count_text"] == b["count_text"]
    for path, array in first.items():
        # Adam divides by the root of the second moment: tiny gradients keep few digits.
        np.testing.assert_allclose(array, second[path], atol=3e-4, err_msg=path)


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_the_loss_falls(stage: str, tmp_path: Path) -> None:
    """A whole run; alignment alone cannot do much with a random language model."""
    summary = run(stage, tmp_path, "run.samples=1")
    found = losses(tmp_path)
    assert len(found) == summary["steps"] == 30
    if stage == "align":
        assert np.mean(found[-5:]) < np.mean(found[:5])
    else:
        assert np.mean(found[-5:]) < 0.75 * np.mean(found[:5])
    model, processor = rm.load(tmp_path)
    exported, _ = rm.load(tmp_path / "export")
    for a, b in zip(jax.tree.leaves(model), jax.tree.leaves(exported), strict=True):
        np.testing.assert_array_equal(a, b)
    assert processor.tokenizer is not None
    last = lines(tmp_path)[-1]
    assert last["step"] == 30
    assert last["eval"]
    assert lines(tmp_path, "samples.jsonl")[-1]["samples"]
    assert {"seconds", "data_wait", "tokens_per_s", "samples_per_s", "mfu", "memory_bytes"} <= set(
        lines(tmp_path, "timings.jsonl")[-1]
    )
    assert list((tmp_path / "tensorboard").iterdir())


@pytest.mark.slow
def test_a_stage_begins_with_the_one_before(tmp_path: Path) -> None:
    """Its weights, to the bit, through the workdir; only the head is stored again."""
    run("instruct", tmp_path / "one", "run.steps=6", "run.samples=0")
    run("manipulate", tmp_path / "two", "run.steps=4", *QUIET, init=tmp_path / "one")
    first, _ = rm.load(tmp_path / "one")
    second, _ = rm.load(tmp_path / "two")
    for part in ("llm", "projector", "vision"):
        for a, b in zip(
            jax.tree.leaves(first.params[part]), jax.tree.leaves(second.params[part]), strict=True
        ):
            np.testing.assert_array_equal(a, b)
    held = sum(f.stat().st_size for f in (tmp_path / "two/checkpoints/4/state").rglob("*"))
    total = sum(leaf.nbytes for leaf in jax.tree.leaves(second))
    assert held < total / 2
    third, _ = rm.load(tmp_path / "two" / "checkpoints" / "4")
    for a, b in zip(jax.tree.leaves(second), jax.tree.leaves(third), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_lora(tmp_path: Path) -> None:
    """Factors beside frozen projections; at first they change nothing; merged on export."""
    patterns = 'trainable=["projector/.*","llm/.*lora_[AB]/.*"]'
    plain = run("instruct", tmp_path / "plain", "run.steps=2", *QUIET)
    summary = run(
        "instruct", tmp_path / "lora", "model.lora_rank=3", patterns, "run.steps=12",
        "run.samples=0", "optim.learning_rate=0.01",
    )  # fmt: skip
    assert summary["first"]["loss"] == pytest.approx(plain["first"]["loss"], rel=1e-6)
    found = losses(tmp_path / "lora")
    assert found[-1] < found[0] - 0.2
    model, _ = rm.load(tmp_path / "lora" / "export")
    assert not any("lora" in path for path in leaf_paths(model.params))
    base, _ = rm.load("tiny")
    inner = model.params["llm"]["backbone"]["layers"][0]["mixer"]
    old = base.params["llm"]["backbone"]["layers"][0]["mixer"]
    assert (
        np.linalg.matrix_rank(np.asarray(inner["x_proj"]["weight"] - old["x_proj"]["weight"])) == 3
    )
    np.testing.assert_array_equal(inner["dt_proj"]["weight"], old["dt_proj"]["weight"])


@pytest.mark.slow
def test_a_loss_that_is_not_finite(tmp_path: Path) -> None:
    """The update is dropped, the state halts, and the samples are named."""
    session = begin(tiny("instruct", *QUIET), tmp_path)
    try:
        steps(session, 2)
        good = host(session.state.trained)
        table = session.frozen["vision"]["embeddings"]["position_embedding"]
        table["weight"] = table["weight"] * np.nan
        metrics = steps(session, 2)
        after = host(session.state.trained)
        assert [bool(m["halted"]) for m in metrics] == [True, True]
        assert int(session.state.step) == 2
        assert all(np.array_equal(good[path], after[path]) for path in good)
    finally:
        session.close()


@pytest.mark.slow
def test_the_loop_names_the_samples(tmp_path: Path) -> None:
    """A rate at which the weights overflow."""
    with pytest.raises(InputError) as caught:
        run("instruct", tmp_path, "optim.learning_rate=1e30", "optim.clip_norm=0", *QUIET)
    assert caught.value.kind == "not_finite"
    assert "its samples: questions:questions-" in str(caught.value)
    last = lines(tmp_path)[-1]
    assert last["halted"] is True
    assert last["samples"][0][0].startswith("questions:questions-")
