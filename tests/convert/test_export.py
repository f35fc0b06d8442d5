# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The way back for what nobody has published: refused where there is no place, else unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.config import PolicyConfig
from robomamba_jax.convert.export import export
from robomamba_jax.convert.families import open_checkpoint
from robomamba_jax.convert.run import convert_parts
from robomamba_jax.convert.sources import open_source
from robomamba_jax.errors import InputError
from robomamba_jax.verify.random_files import MAKERS, SETTINGS

pytestmark = pytest.mark.torch
HEAD = PolicyConfig("attn_mlp", gripper=True)


def content(path: Path) -> dict[str, np.ndarray]:
    """All tensors of a checkpoint, by its own names."""
    source = open_source(path)
    held = {name: source.read(name) for name in source.names()}
    source.close()
    return held


def same(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> bool:
    """Names, dtypes, bits."""
    return ours.keys() == theirs.keys() and all(
        ours[name].dtype == value.dtype and np.array_equal(ours[name], value)
        for name, value in theirs.items()
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A timm encoder and a Mamba, which would make a RoboMamba, behind them our own head."""
    found = tmp_path_factory.mktemp("export")
    for family in ("timm-vit", "hf-mamba"):
        MAKERS[family](found / family)
    convert_parts(found / "timm-vit", found / "hf-mamba", found / "whole", policy=HEAD)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_robomambas_files_know_no_such_head(root: Path, tmp_path: Path, ending: str) -> None:
    """One line with what to do instead, and no file."""
    with pytest.raises(InputError) as caught:
        export("robomamba", root / "whole", tmp_path / f"out.{ending}")
    assert str(caught.value) == (
        "RoboMamba's files know no attn_mlp head (only two_mlp, two_mlp_repo, mlp, ssm_mlp were "
        "published; safetensors takes any)"
    )
    assert not list(tmp_path.iterdir())


def test_no_such_head_is_read_out_of_them(tmp_path: Path) -> None:
    """Neither by force."""
    published = MAKERS["robomamba"](tmp_path / "published.pth", head="two_mlp")
    with pytest.raises(InputError, match="know no attn_mlp head"):
        open_checkpoint("robomamba", published, changes=[*SETTINGS, "policy.kind=attn_mlp"])


def test_everything_else_takes_it(root: Path, tmp_path: Path) -> None:
    """One file under our names; its own folder, which is read back; the parts by themselves."""
    rows = export("safetensors", root / "whole", tmp_path / "one.safetensors")
    held = content(tmp_path / "one.safetensors")
    assert same(held, content(root / "whole" / "params"))
    assert {row.name for row in rows} == held.keys() >= {"policy.attn1.weight"}
    model, _ = rm.load(root / "whole")
    assert model.config.policy == HEAD
    for name in ("attn1", "attn2"):
        queries = model.params["policy"][name]["weight"]
        assert np.array_equal(queries, held[f"policy.{name}.weight"])
    for family in ("timm-vit", "hf-mamba"):
        export(family, root / "whole", tmp_path / family)
        written, given = content(tmp_path / family), content(root / family)
        assert written
        assert same(written, {name: given[name] for name in written})
