# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What fields were called before goes on working: in Python, by --set, in JSON; it says so once."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.config import aliases
from robomamba_jax.config.aliases import FIELDS, feature_kind, old_paths, with_old_names
from robomamba_jax.config.data import BatchConfig, DataConfig, SourceConfig
from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
from robomamba_jax.config.files import load_data_config
from robomamba_jax.config.provenance import origin_of, ours
from robomamba_jax.config.serial import with_changes
from robomamba_jax.config.training import LossConfig, OptimConfig, RunConfig
from robomamba_jax.config.tree import tree_from_json, tree_to_json
from robomamba_jax.data.pipeline.batch_plan import Plan
from robomamba_jax.errors import InputError
from robomamba_jax.utils import renamed
from tests.data.pipeline.test_batch_plan import table

CLASSES = (BatchConfig, DataConfig, EvalConfig, LossConfig, OptimConfig, RunConfig)
DATA = DataConfig((SourceConfig("x.json"),))


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has warned of nothing yet."""
    monkeypatch.setattr(renamed, "_SAID", set())


def test_table_names_fields() -> None:
    """Every new name is a field, no old one is."""
    assert set(FIELDS) == {kind.__name__ for kind in CLASSES}
    for kind in CLASSES:
        fields = {field.name for field in dataclasses.fields(kind)}
        assert set(FIELDS[kind.__name__].values()) <= fields
        assert not set(FIELDS[kind.__name__]) & fields


def test_python(capsys: pytest.CaptureFixture[str]) -> None:
    """Constructed, replaced and read; a line for each name, once."""
    old: Any = {"rows": 4, "row_tokens": 96}
    batch = BatchConfig(**old, image_tokens=9)
    assert batch == BatchConfig(4, False, 96, image_tokens=9)
    changed: Any = dataclasses.replace(batch, rows=6)
    assert (changed.batch_size, changed.rows, changed.seq_len) == (6, 6, 96)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" now")[0] for line in lines] == [
        "warning: BatchConfig.rows is called batch_size",
        "warning: BatchConfig.row_tokens is called seq_len",
    ]
    with pytest.raises(TypeError, match="unexpected keyword argument 'row'"):
        BatchConfig(row=4)
    with pytest.raises(TypeError, match="multiple values"):
        BatchConfig(4, rows=4)


def test_values(capsys: pytest.CaptureFixture[str]) -> None:
    """An old value by its old and by its new name, and by its place."""
    old: Any = {"on_bad": "error"}
    assert dataclasses.replace(DATA, **old).on_error == "raise"
    assert dataclasses.replace(DATA, on_error="error").on_error == "raise"
    assert EvalConfig("pope", FilesConfig("x"), on_error="error").on_error == "raise"
    assert len(capsys.readouterr().err.splitlines()) == 3
    with pytest.raises(InputError, match="on_error"):
        dataclasses.replace(DATA, on_error="stop")


def test_set(capsys: pytest.CaptureFixture[str]) -> None:
    """By --set, at any depth."""
    config = with_changes(DATA, ["batch.rows=4", "on_bad=skip"])
    assert (config.batch.batch_size, config.on_error) == (4, "skip")
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A user's file is warned of, a recorded one is not; what is written has the new names."""
    content = {"sources": [{"path": "x"}], "batch": {"rows": 4}, "on_bad": "error"}
    config = tree_from_json(DataConfig, content, "config")
    assert (config.batch.batch_size, config.on_error) == (4, "raise")
    assert capsys.readouterr().err == ""
    (tmp_path / "data.json").write_text(json.dumps(content))
    assert load_data_config(tmp_path / "data.json") == config
    assert len(capsys.readouterr().err.splitlines()) == 3
    written = tree_to_json(config)
    assert written["batch"]["batch_size"] == 4
    assert "rows" not in written["batch"]
    assert with_old_names(BatchConfig, written["batch"])["rows"] == 4


def test_plan_hash() -> None:
    """The hash of a plan that 72c6413 computed."""
    batch = BatchConfig(4, seq_len=64, image_tokens=9)
    plan = Plan(table({"a": 5, "b": 3}), batch, seed=1)
    assert plan.sha256 == "817f60d2d658a0b0c2c48772db757be5694ad8761af02536e82cbd3fa131114d"


def test_origins() -> None:
    """A user's pattern of an old name still says where a value comes from."""
    assert old_paths("data/batch/batch_size") == ["data/batch/rows", "data/batch/rows"]
    assert old_paths("seed") == []
    origin = ours("as before")
    assert origin_of("data/batch/batch_size", {"data/batch/(rows|row_tokens)": origin}) == origin
    assert origin_of("data/batch/images", {"data/batch/(rows|row_tokens)": origin}) is None


def test_feature_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    """Old kinds of cached features."""
    assert feature_kind("patches", warn=True) == "vision_patches"
    assert feature_kind("hidden_states", warn=True) == "hidden_states"
    assert set(aliases.OLD_FEATURE_KINDS) == {"patches", "pooled", "states"}
    assert len(capsys.readouterr().err.splitlines()) == 1
