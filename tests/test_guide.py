# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Every command of docs/checkpoints.md, run in order on small files under the same names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import robomamba_jax as rm
from robomamba_jax.cli.main import main
from robomamba_jax.data.processor import builtin_processor
from robomamba_jax.verify.random_files import hf_clip, hf_mamba, robomamba

GUIDE = Path(__file__).parents[1] / "docs" / "checkpoints.md"


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_guide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From originals to proven folders and back; heads have 64 channels, as the guide assumes."""
    monkeypatch.chdir(tmp_path)
    hf_clip(Path("clip-vit-large-patch14"))
    hf_mamba(Path("mamba-2.8b-hf"))
    robomamba(Path("robomamba.pth"), head="two_mlp_repo", embed_dim=128, num_heads=2, mlp_ratio=1)
    Path("assets").mkdir()
    builtin_processor("tiny").need_tokenizer().save(Path("assets/tokenizer.json"))
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines() if line]
    assert len(commands) == 13
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "robomamba"
        status = main(words)
        assert status == 0, (command, capsys.readouterr())
    printed = capsys.readouterr().out
    assert printed.count("agrees with torch") == 9
    assert printed.count("report found") == 2
    model, processor = rm.load("robomamba")
    assert processor.need_tokenizer().size == 300
    assert model.config.policy is not None
    assert rm.load("tongue")[0].config.vision is None
