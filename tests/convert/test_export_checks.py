# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the other side would not load, would lose or read otherwise: refused, or said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robomamba_jax.cli.main import main
from robomamba_jax.config import PolicyConfig
from robomamba_jax.convert.families import open_checkpoint
from robomamba_jax.convert.run import convert_checkpoint, convert_parts
from robomamba_jax.convert.sources import open_source
from robomamba_jax.data.processor import builtin_processor
from robomamba_jax.verify.random_files import MAKERS, SETTINGS

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::UserWarning")]

WIDTH = 48


def run(capsys: pytest.CaptureFixture[str], *words: Any) -> tuple[int, dict[str, Any]]:
    """Exit status, and the object on stdout."""
    status = main([*(str(word) for word in words), "--json"])
    return status, json.loads(capsys.readouterr().out)


def export(
    capsys: pytest.CaptureFixture[str], to: str, source: Path, out: Path, *more: str
) -> tuple[int, dict[str, Any]]:
    """``convert --to``."""
    return run(capsys, "convert", "--to", to, "--in", source, "--out", out, *more)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder and a Mamba, of which whole models are made."""
    found = tmp_path_factory.mktemp("elsewhere")
    MAKERS["timm-vit"](found / "eye")
    MAKERS["hf-mamba"](found / "tongue")
    builtin_processor("tiny").need_tokenizer().save(found / "tokenizer.json")
    return found


def whole(root: Path, out: Path, kind: str, tongue: str = "tongue", **how: Any) -> Path:
    """A folder with a head of a kind."""
    head, tokenizer = PolicyConfig(kind, **how), root / "tokenizer.json"
    convert_parts(root / "eye", root / tongue, out, policy=head, tokenizer=tokenizer)
    return out


def published_heads() -> Any:
    """Modules with the names and widths of RoboMamba's class at this width; the rest left out."""
    from torch import nn

    model = nn.Module()
    for name, outputs in (("action_head1", 2), ("action_head2", 6)):
        head = nn.Module()
        head.fc1 = nn.Linear(WIDTH, WIDTH // 2)
        head.fc2 = nn.Linear(WIDTH // 2, WIDTH // 4)
        head.fc3 = nn.Linear(WIDTH // 4, outputs, bias=False)
        model.add_module(name, head)
    return model


def heads_of(path: Path) -> dict[str, Any]:
    """The heads' tensors, as torch reads the file."""
    import torch

    state = torch.load(path, weights_only=True)
    return {name: value for name, value in state.items() if name.startswith("action_head")}


def test_a_head_that_the_published_class_cannot_load(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused by name, with what to do; written without it, or as it is where that is wanted."""
    ours = whole(root, tmp_path / "ours", "two_mlp")
    status, told = export(capsys, "robomamba", ours, tmp_path / "a.pth")
    assert status == 2
    assert "two_mlp head" in told["error"]["message"]
    for way in ("two_mlp_repo", "--without-policy", "safetensors", "--anyway"):
        assert way in told["error"]["fix"]
    assert not (tmp_path / "a.pth").exists()

    status, told = export(capsys, "robomamba", ours, tmp_path / "b.pth", "--without-policy")
    assert status == 0
    assert not heads_of(tmp_path / "b.pth")
    left = {row["name"] for row in told["table"] if row["action"] == "ignored"}
    assert len(left) == 10
    assert "policy.action_head1.fc1.weight" in left
    assert any("LinearVLM" in note for note in told["notes"])

    status, told = export(capsys, "robomamba", ours, tmp_path / "c.pth", "--anyway")
    assert status == 0
    with pytest.raises(RuntimeError, match="size mismatch"):
        published_heads().load_state_dict(heads_of(tmp_path / "c.pth"), strict=False)
    assert export(capsys, "safetensors", ours, tmp_path / "d.safetensors")[0] == 0


def test_a_published_head_loads(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Strictly; what its numbers mean otherwise than there is said."""
    folder = whole(root, tmp_path / "whole", "two_mlp_repo")
    status, told = export(capsys, "robomamba", folder, tmp_path / "a.pth")
    assert status == 0
    published_heads().load_state_dict(heads_of(tmp_path / "a.pth"), strict=True)
    notes = " ".join(told.get("notes", []))
    for part in ("shares of the crop's side", "OpenCV's frame", "template standard", "no language"):
        assert part in notes
    # A head as published says nothing of these.
    head = MAKERS["robomamba"](tmp_path / "b.pth", head="two_mlp_repo")
    back = convert_checkpoint(open_checkpoint("robomamba", head, changes=SETTINGS), tmp_path / "b")
    notes = " ".join(export(capsys, "robomamba", back.path, tmp_path / "c.pth")[1]["notes"])
    assert "of this size" in notes
    assert "contacts" not in notes
    assert "directions" not in notes
    assert "whatever the file says" not in notes


@pytest.mark.parametrize(("kind", "word"), [("mlp", "'mlp'"), ("ssm_mlp", "'ssm+mlp'")])
def test_heads_that_its_create_model_does_not_make(
    kind: str, word: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They load by another head_type, which is said."""
    folder = whole(root, tmp_path / "whole", kind)
    status, told = export(capsys, "robomamba", folder, tmp_path / "a.pth")
    assert status == 0
    assert any(f"head_type={word}" in note for note in told.get("notes", []))


LOST: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a gripper": ({}, {"gripper": True}, "no gripper head"),
    "a head of its own": ({"tied": False}, {}, "is not the embedding"),
    "biases": ({"use_bias": True}, {}, "biases of in_proj"),
    "no bias": ({"use_conv_bias": False}, {}, "a bias in its convolutions"),
}


@pytest.mark.parametrize("name", LOST)
def test_what_would_be_lost_without_a_word(
    name: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The published code loads with strict=False."""
    tongue, head, word = LOST[name]
    MAKERS["hf-mamba"](root / name, **tongue)
    folder = whole(root, tmp_path / "whole", "two_mlp_repo", name, **head)
    status, told = export(capsys, "robomamba", folder, tmp_path / "a.pth")
    assert status == 2
    assert word in told["error"]["message"]
    assert not (tmp_path / "a.pth").exists()
    assert export(capsys, "robomamba", folder, tmp_path / "a.pth", "--anyway")[0] == 0


def test_zeros_never_take_the_embeddings_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of stage 2 has a zero lm_head; the class without a policy head ties it."""
    import torch

    head = MAKERS["robomamba"](tmp_path / "a.pth", head="two_mlp")
    folder = convert_checkpoint(
        open_checkpoint("robomamba", head, changes=SETTINGS), tmp_path / "a"
    )
    assert export(capsys, "robomamba", folder.path, tmp_path / "b.pth")[0] == 2
    out = tmp_path / "c.pth"
    assert export(capsys, "robomamba", folder.path, out, "--without-policy")[0] == 0
    state = torch.load(out, weights_only=True)
    embedding = state["llm.mamba.backbone.embeddings.weight"]
    assert torch.equal(state["llm.mamba.lm_head.weight"], embedding)


def test_what_a_layout_has_no_place_for(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Parts, the image transform, blocks that are not there: each is said."""
    folder = whole(root, tmp_path / "whole", "two_mlp")
    wanted = {
        "hf-mamba": ("vision, projector, policy",),
        "timm-vit": ("projector, llm, policy", "image transform", "block 2 and the last norm"),
        "safetensors": ("processor.json",),
    }
    for to, parts in wanted.items():
        status, told = export(capsys, to, folder, tmp_path / to)
        assert status == 0
        for part in parts:
            assert any(part in note for note in told.get("notes", [])), (to, part)
    # An encoder's own family has kept its last block.
    eye = convert_checkpoint(open_checkpoint("timm-vit", root / "eye"), tmp_path / "eye").path
    notes = export(capsys, "timm-vit", eye, tmp_path / "back")[1]["notes"]
    assert not any("norm" in note for note in notes)


def test_a_language_models_config_has_both_families_names(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """RoboMamba's class reads d_model and n_layer; transformers and verify go on as before."""
    import transformers

    folder = convert_checkpoint(open_checkpoint("hf-mamba", root / "tongue"), tmp_path / "a").path
    assert export(capsys, "hf-mamba", folder, tmp_path / "back")[0] == 0
    config = json.loads((tmp_path / "back" / "config.json").read_text())
    assert (config.get("d_model"), config.get("n_layer")) == (WIDTH, 3)
    transformers.utils.logging.disable_progress_bar()
    model = transformers.MambaForCausalLM.from_pretrained(tmp_path / "back")
    assert (model.config.hidden_size, model.config.num_hidden_layers) == (WIDTH, 3)
    words = ("--in", tmp_path / "back", "--no-gradients", "--out", tmp_path / "v.json")
    status, told = run(capsys, "verify", "--from", "hf-mamba", *words)
    assert (status, told.get("agree")) == (0, True)


IDLE = {
    "a template of a preset": (
        ["--from", "preset", "--in", "tiny", "--template", "raw"],
        "--template",
    ),
    "a head of a preset": (["--from", "preset", "--in", "tiny", "--policy", "mlp"], "--policy"),
    "a contact scale on the way out": (["--to", "TO", "--contact-scale", "raw"], "--contact-scale"),
    "overwriting on the way out": (["--to", "TO", "--overwrite"], "--overwrite"),
    "settings on the way out": (["--to", "TO", "--set", "vision.heads=3"], "--set"),
    "LoRA of a language model": (["--from", "hf-mamba", "--lora-alpha", "16"], "--lora-alpha"),
    "a tokenizer of an encoder": (
        ["--from", "timm-vit", "--tokenizer", "TOKENIZER"],
        "--tokenizer",
    ),
}


@pytest.mark.parametrize("name", IDLE)
def test_flags_that_would_change_nothing(
    name: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are not passed over."""
    flags, word = IDLE[name]
    source = {"hf-mamba": root / "tongue", "timm-vit": root / "eye"}.get(flags[1])
    if flags[1] == "TO":
        source = whole(root, tmp_path / "whole", "two_mlp_repo")
    places = {"TO": "safetensors", "TOKENIZER": str(root / "tokenizer.json")}
    words = [places.get(flag, flag) for flag in flags]
    words += [] if source is None else ["--in", str(source)]
    status, told = run(capsys, "convert", *words, "--out", tmp_path / "out")
    assert status == 2
    assert word in told["error"]["message"]
    assert not (tmp_path / "out").exists()


def test_what_is_written_is_what_was_read(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--anyway changes no number, and is no flag of other layouts."""
    ours = whole(root, tmp_path / "ours", "two_mlp")
    assert export(capsys, "robomamba", ours, tmp_path / "a.pth")[0] == 2
    assert export(capsys, "robomamba", ours, tmp_path / "a.pth", "--anyway")[0] == 0
    source = open_source(ours / "params")
    kept = {name: source.read(name) for name in source.names() if name.startswith("policy.")}
    source.close()
    written = heads_of(tmp_path / "a.pth")
    assert len(written) == len(kept) == 10
    assert all(
        np.array_equal(written[n.removeprefix("policy.")].numpy(), v) for n, v in kept.items()
    )
    for flag in ("--anyway", "--without-policy"):
        assert export(capsys, "safetensors", ours, tmp_path / "b.safetensors", flag)[0] == 2
