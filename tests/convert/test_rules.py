# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rule tables cover every model, and plans name every misfit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.config import (
    PRESETS,
    VISION_PRESETS,
    PolicyConfig,
    preset,
    vision_preset,
)
from robomamba_jax.config.policy import POLICY_KINDS
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert import tables
from robomamba_jax.convert.rules import (
    TensorRule,
    UnreadTensors,
    keeps_float32,
    make_plan,
    match_rules,
)
from robomamba_jax.convert.tensor_names import tensor_shapes
from robomamba_jax.convert.tensors import TensorInfo
from robomamba_jax.errors import InputError


class Fake:
    """A source that knows names, shapes and dtypes only."""

    path, extras = Path("fake.bin"), {}

    def __init__(self, infos: dict[str, TensorInfo]) -> None:
        self._infos = infos

    def names(self) -> list[str]:
        return list(self._infos)

    def info(self, name: str) -> TensorInfo:
        return self._infos[name]

    def read(self, name: str, out: Any = None) -> np.ndarray:
        raise AssertionError("planning reads nothing")

    def files(self) -> list[Path]:
        return []

    def close(self) -> None:
        pass


MAMBA = ModelParts(llm=preset("tiny"))
SHAPES = tensor_shapes(MAMBA)


def whole(dtype: str = "float32") -> dict[str, TensorInfo]:
    """A file that fits the tiny language model."""
    matched = match_rules(tables.HF_MAMBA, SHAPES)
    return {n: TensorInfo(s.rule.source_shape(s.shape), dtype) for n, s in matched.items()}


def plan(infos: dict[str, TensorInfo], unread: list[UnreadTensors] | None = None) -> Any:
    return make_plan(Fake(infos), tables.HF_MAMBA, unread or [], SHAPES)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_mamba_tables_cover_every_preset(name: str) -> None:
    """Every parameter has exactly one rule, with and without its options."""
    for changes in ({}, {"tie_embeddings": False, "bias": True}, {"conv_bias": False}):
        parts = ModelParts(llm=preset(name, **changes))
        match_rules(tables.HF_MAMBA, tensor_shapes(parts))


@pytest.mark.parametrize("name", VISION_PRESETS)
def test_encoder_tables_cover_every_preset(name: str) -> None:
    """Each kind of encoder by the tables of its families."""
    config = vision_preset(name)
    shapes = tensor_shapes(ModelParts(vision=config))
    if config.layer_scale:
        match_rules(tables.dinov2(False), shapes)
        match_rules(tables.dinov2(True), shapes)
    else:
        match_rules(tables.HF_VIT, shapes)
        match_rules(tables.TIMM_VIT, shapes)


PUBLISHED_HEADS = ("two_mlp", "two_mlp_repo", "mlp", "ssm_mlp")


@pytest.mark.parametrize("kind", [*PUBLISHED_HEADS, None])
@pytest.mark.parametrize("gripper", [False, True])
def test_the_published_table_covers_every_head(kind: str | None, gripper: bool) -> None:
    """All heads, with a gripper and without."""
    policy = None if kind is None else PolicyConfig(kind, gripper=gripper)
    parts = ModelParts(preset("tiny"), vision_preset("tiny"), policy)
    match_rules(tables.robomamba(parts.policy), tensor_shapes(parts))


@pytest.mark.parametrize("kind", sorted(set(POLICY_KINDS) - set(PUBLISHED_HEADS)))
def test_heads_of_ours_have_no_published_table(kind: str) -> None:
    """An error of one line, and not the assertion of a table with a hole."""
    with pytest.raises(InputError, match=f"know no {kind} head"):
        tables.robomamba(PolicyConfig(kind))


def test_a_table_with_a_hole_is_found() -> None:
    """A rule too few or too many is our own mistake, and an assertion."""
    with pytest.raises(AssertionError, match="norm_f"):
        match_rules([r for r in tables.HF_MAMBA if "norm_f" not in r.source], SHAPES)
    twice = (*tables.HF_MAMBA, TensorRule("other", ("llm.backbone.norm_f.weight",)))
    with pytest.raises(AssertionError):
        match_rules(twice, SHAPES)


def test_a_fitting_file() -> None:
    """Every row is loaded."""
    made = plan(whole())
    assert {row.action for row in made.rows} == {"loaded"}
    assert len(made.matched) == len(SHAPES)
    made.check("x")


A_LOG = "backbone.layers.1.mixer.A_log"
IN = "backbone.layers.2.mixer.in_proj.weight"
MISFITS: dict[str, tuple[dict[str, TensorInfo | None], str]] = {
    "renamed": (
        {A_LOG: None, "backbone.layers.1.mixer.A_lag": whole()[A_LOG]},
        "A_lag is unknown.*A_log",
    ),
    "missing": ({A_LOG: None}, f"{A_LOG} is missing"),
    "extra": ({"backbone.layers.3.norm.weight": whole()[A_LOG]}, "layers.3.norm.weight is unknown"),
    "transposed": ({IN: TensorInfo(whole()[IN].shape[::-1], "float32")}, "looks transposed"),
    "wrong shape": ({IN: TensorInfo((191, 48), "float32")}, r"\[191, 48\], not \[192, 48\]"),
    "wrong rank": ({A_LOG: TensorInfo((96, 8, 1), "float32")}, r"\[96, 8, 1\]"),
    "integers": ({IN: TensorInfo(whole()[IN].shape, "int8")}, "is int8"),
    "doubles": ({IN: TensorInfo(whole()[IN].shape, "float64")}, "is float64"),
    "another float": ({IN: TensorInfo(whole()[IN].shape, "bfloat16")}, "bfloat16 among float32"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_misfits_are_named(misfit: str) -> None:
    """One line with the tensor and the mend, and a row in the table."""
    changes, complaint = MISFITS[misfit]
    infos: dict[str, Any] = {**whole(), **changes}
    made = plan({name: info for name, info in infos.items() if info is not None})
    with pytest.raises(InputError, match=complaint) as caught:
        made.check("file.bin")
    assert "\n" not in str(caught.value)
    assert any(row.action == "problem" for row in made.rows)


def test_a_missing_tensor_has_near_names() -> None:
    """What the file has instead is said, and how many more misfit."""
    infos = whole()
    infos["backbone.norm_g.weight"] = infos.pop("backbone.norm_f.weight")
    reasons = [row.reason for row in plan(infos).rows if row.action == "problem"]
    assert any("norm_f.weight is missing; the file's backbone.norm_g.weight" in r for r in reasons)
    with pytest.raises(InputError, match="and 1 more"):
        plan(infos).check("x")


def test_another_family() -> None:
    """A file of which nothing fits asks whether --from is right."""
    with pytest.raises(InputError):
        plan({"vision.x": TensorInfo((2,), "float32")}).check("x")
    rows = plan({"vision.x": TensorInfo((2,), "float32")}).rows
    assert any("is --from right?" in row.reason for row in rows)


def test_unread_and_kept() -> None:
    """Stated reasons, and no rule for it."""
    infos = {**whole(), "rope.freqs": TensorInfo((4,), "float32"), "n": TensorInfo((), "int64")}
    made = plan(
        infos, [UnreadTensors(r"rope\..+", "a table", keep=True), UnreadTensors("n", "a counter")]
    )
    rows = {row.name: row for row in made.rows}
    assert (rows["rope.freqs"].action, rows["n"].action) == ("kept", "ignored")
    assert rows["n"].reason == "a counter"
    assert not {"rope.freqs", "n"} & set(made.matched)


def test_float32_islands_may_stand_in_smaller_files() -> None:
    """A_log, D, dt bias and norms in float32 among bfloat16; nothing else."""
    infos = {
        name: info._replace(dtype="float32") if keeps_float32("llm." + name) else info
        for name, info in whole("bfloat16").items()
    }
    plan(infos).check("x")
    islands = {name.split(".", 3)[-1] for name in infos if infos[name].dtype == "float32"}
    assert {"mixer.A_log", "mixer.D", "mixer.dt_proj.bias", "norm.weight"} <= islands


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 2), st.integers(1, 3))
def test_rules_invert(shape: list[int], leading_ones: int, parts: int) -> None:
    """forward, then backward, is the identity, and shapes are told beforehand."""
    rule = TensorRule("a", tuple("bcd"[:parts]), leading_ones)
    want = rule.source_shape(tuple(shape))
    array = np.arange(np.prod(want)).reshape(want)
    ours = rule.forward(array, tuple(shape))
    assert [part.shape for part in ours] == [tuple(shape)] * parts
    np.testing.assert_array_equal(rule.backward(ours), array)
