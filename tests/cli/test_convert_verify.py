# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The two commands as a user types them: what they print, write and return."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.cli.main import main
from robomamba_jax.data.processor import builtin_processor
from robomamba_jax.verify.random_files import MAKERS

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::UserWarning")]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an original of three families and a tokenizer."""
    root = tmp_path_factory.mktemp("files")
    MAKERS["hf-mamba"](root / "mamba")
    MAKERS["hf-clip"](root / "clip")
    MAKERS["robomamba"](root / "robomamba.pth", head="two_mlp_repo", lora=True)
    builtin_processor("tiny").need_tokenizer().save(root / "tokenizer.json")
    return root


def run(capsys: pytest.CaptureFixture[str], *words: Any) -> tuple[int, str, str]:
    """Exit status, stdout, stderr."""
    status = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.slow
def test_from_files_to_answers(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The guide's way: parts in, joined, loaded, asked, written back."""
    for family, name in (("hf-mamba", "mamba"), ("hf-clip", "clip")):
        status, out, _ = run(
            capsys, "convert", "--from", family, "--in", files / name, "--out", tmp_path / name
        )
        assert status == 0
        assert "loaded" in out
    status, out, _ = run(
        *(capsys, "convert", "--from", "parts", "--vision", tmp_path / "clip"),
        *("--llm", tmp_path / "mamba", "--tokenizer", files / "tokenizer.json"),
        *("--out", tmp_path / "whole", "--json"),
    )
    assert status == 0
    report = json.loads(out)
    assert report["schema"] == "robomamba.convert/1"
    assert report["tensors"]["new"] == 16
    model, processor = rm.load(tmp_path / "whole")
    picture = np.zeros((20, 30, 3), np.uint8)
    assert isinstance(rm.generate(model, processor, [picture], ["Is it open?"], 4)[0], str)
    assert rm.predict_pose(model, processor, picture, "open the drawer").contact_xy
    status, out, _ = run(
        capsys,
        "convert",
        "--to",
        "robomamba",
        "--in",
        tmp_path / "whole",
        "--out",
        tmp_path / "b.pth",
        "--anyway",
    )
    assert status == 0
    assert "78 tensors" in out


@pytest.mark.slow
def test_a_converted_folder_is_proven(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """verify --checkpoint, its certificate, and --hashes."""
    common = ["--from", "robomamba", "--in", files / "robomamba.pth", "--set", "vision.heads=3"]
    status, out, _ = run(capsys, "convert", *common, "--out", tmp_path / "rm")
    assert status == 0
    assert "LoRA of rank 4 merged into 12 weights with alpha 32" in out
    assert "24 merged" in out
    certificate = tmp_path / "certificate.json"
    status, out, _ = run(
        *(capsys, "verify", *common, "--checkpoint", tmp_path / "rm"),
        *("--no-gradients", "--out", certificate),
    )
    assert status == 0
    assert "robomamba (pose): agrees with torch" in out
    content = json.loads(certificate.read_text())
    assert content["agree"] is True
    assert len(content["files"]["robomamba.pth"]) == 64
    assert content["versions"]["torch"]
    assert run(capsys, "verify", "--hashes", tmp_path / "rm")[0] == 0
    shard = next((tmp_path / "rm" / "params").glob("model-*"))
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(data)
    status, _, err = run(capsys, "verify", "--hashes", tmp_path / "rm")
    assert status == 2
    assert "sha256 differs" in err
    status, out, _ = run(
        *(capsys, "verify", *common, "--checkpoint", tmp_path / "rm"),
        *("--no-gradients", "--out", certificate, "--json"),
    )
    assert status == 1
    assert json.loads(out)["agree"] is False


@pytest.mark.slow
def test_a_planted_error_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 0: it was found; nothing but the object on stdout."""
    status, out, _ = run(
        *(capsys, "verify", "--random", "tiny", "--from", "hf-clip", "--no-gradients", "--json"),
        *("--perturb", "encoder.layers.0.self_attn.k_proj.bias", "--out", tmp_path / "v.json"),
    )
    assert status == 0
    report = json.loads(out)["families"]["hf-clip"]
    assert report["perturbed"]["op"] == "vision.encoder.layers.0.self_attn.k_proj"
    assert report["agree"] is False


@pytest.mark.slow
def test_a_misfit_prints_its_row(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table on stderr, one line at its end, status 2, nothing written."""
    held = tmp_path / "mamba"
    held.mkdir()
    for file in (files / "mamba").iterdir():
        (held / file.name).write_bytes(file.read_bytes())
    model = held / "model.safetensors"
    model.write_bytes(model.read_bytes().replace(b"norm_f.weight", b"norm_g.weight"))
    status, out, err = run(
        capsys, "convert", "--from", "hf-mamba", "--in", held, "--out", tmp_path / "out"
    )
    assert (status, out) == (2, "")
    assert "backbone.norm_g.weight is unknown" in err
    last = err.strip().splitlines()[-1]
    assert last.startswith("robomamba: ")
    assert "norm_f.weight" in last
    assert not (tmp_path / "out").exists()


WRONG = {
    "no way": ["convert", "--out", "x"],
    "both ways": ["convert", "--from", "hf-mamba", "--to", "hf-mamba", "--out", "x"],
    "no source": ["convert", "--from", "hf-mamba", "--out", "x"],
    "parts without parts": ["convert", "--from", "parts", "--out", "x"],
    "a part too many": ["convert", "--from", "hf-mamba", "--in", "y", "--llm", "z", "--out", "x"],
    "an unknown family": ["convert", "--from", "hf-mumba", "--in", "y", "--out", "x"],
    "a missing file": ["convert", "--from", "hf-mamba", "--in", "nothing", "--out", "x"],
    "an unknown layout": ["convert", "--to", "hf-mumba", "--in", "y", "--out", "x"],
    "a folder that is none": ["convert", "--to", "hf-mamba", "--in", "nothing", "--out", "x"],
    "verify nothing": ["verify"],
    "verify a size": ["verify", "--random", "huge"],
    "verify a family": ["verify", "--random", "tiny", "--from", "hf-mumba"],
    "hashes of nothing": ["verify", "--hashes", "nothing"],
    "a near flag": ["verify", "--hash", "x"],
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_words(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, one line on stderr, one object on stdout with --json, nothing written."""
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, *WRONG[wrong], "--json")
    assert status == 2
    assert set(json.loads(out)["error"]) == {"kind", "message", "fix"}
    assert err.startswith("robomamba: ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
