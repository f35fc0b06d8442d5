# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Every family's files, here and in torch: weights, ops, gradients; and planted errors found."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robomamba_jax.convert.families import open_checkpoint
from robomamba_jax.convert.folder import open_folder
from robomamba_jax.convert.run import convert_checkpoint
from robomamba_jax.errors import InputError
from robomamba_jax.verify.compare import diverging
from robomamba_jax.verify.jax_side import op_of_parameter
from robomamba_jax.verify.random_files import MAKERS, SETTINGS
from robomamba_jax.verify.run import Comparison, open_comparison, perturbed, verify
from tests.state_spaces import state_spaces

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

# Measured: ops 5e-7, end to end 2e-6, gradients 2e-6.
OP, RESULT, GRADIENT = 2e-6, 1e-5, 2e-5

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "mamba": ("hf-mamba", {}),
    "mamba, untied, biased, sharded": (
        "hf-mamba",
        {"tied": False, "use_bias": True, "shard": "40KB"},
    ),
    "mamba, no conv bias": ("hf-mamba", {"use_conv_bias": False}),
    "mamba in bfloat16": ("hf-mamba", {"dtype": "bfloat16"}),
    "mamba, original": ("state-spaces", {}),
    "clip": ("hf-clip", {}),
    "clip with text": ("hf-clip", {"full": True}),
    "siglip": ("hf-siglip", {}),
    "siglip with text": ("hf-siglip", {"full": True}),
    "dinov2": ("dinov2", {}),
    "timm clip": ("timm-vit", {}),
    "timm siglip": ("timm-vit", {"kind": "siglip"}),
    "timm clip with its projection": ("timm-vit", {"classes": 7}),
    "robomamba, no head": ("robomamba", {}),
    "robomamba, the paper's head": ("robomamba", {"head": "two_mlp", "kind": "siglip"}),
    "robomamba, two heads": ("robomamba", {"head": "two_mlp_repo", "dtype": "float16"}),
    "robomamba, one head": ("robomamba", {"head": "mlp", "prefix": "module."}),
    "robomamba, ssm heads, LoRA": ("robomamba", {"head": "ssm_mlp", "lora": True}),
}


def made(name: str, folder: Path) -> tuple[str, Path, list[str]]:
    """A case's file: family, path, settings."""
    family, how = CASES[name]
    bare = family == "robomamba"
    path = folder / ("model.pth" if bare else "model")
    maker = state_spaces if family == "state-spaces" else MAKERS[family]
    maker(path, **how)
    return family.replace("state-spaces", "hf-mamba"), path, SETTINGS if bare else []


def worst(rows: list[dict[str, Any]], key: str = "error") -> float:
    return max(float(row[key]) for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_agreement(name: str, tmp_path: Path) -> None:
    """Through the files, in float32: tighter than the certificate's own bounds."""
    family, path, changes = made(name, tmp_path)
    report = verify(open_comparison(family, path, changes=changes))
    assert report["agree"], report["activations"]["diverging"]
    weights = report["weights"]
    assert weights["equal"] + weights["merged"] == weights["compared"] > 20
    assert worst(report["activations"]["ops"]) < OP
    assert worst(report["activations"]["ops"], "carried") < RESULT
    assert report["activations"]["result_error"] < RESULT
    rows = [row for row in report["gradients"]["parameters"] if not row["zero"]]
    assert worst(rows) < GRADIENT
    assert worst([{"error": e} for e in report["gradients"]["ops"].values()]) < GRADIENT
    assert json.loads(json.dumps(report)) == report
    assert all(len(digest) == 64 for digest in report["files"].values())


@pytest.mark.slow
def test_a_converted_folder_agrees_in_the_stacked_layout(tmp_path: Path) -> None:
    """The folder that was written, and the layout of training."""
    family, path, changes = made("robomamba, two heads", tmp_path)
    checkpoint = open_checkpoint(family, path, changes=changes)
    folder = convert_checkpoint(checkpoint, tmp_path / "out").path
    assert open_folder(folder).parts.llm is not None
    case = open_comparison(
        family, path, folder=folder, changes=changes, layout="stacked", output="logits"
    )
    report = verify(case, gradients=False)
    assert report["agree"]
    assert worst(report["activations"]["ops"]) < OP


@cache
def shared_case(name: str, folder: Path) -> tuple[Comparison, Any]:
    """A case and what torch says of it, loaded once for all its tensors."""
    family, path, changes = made(name, folder)
    case = open_comparison(family, path, changes=changes)
    return case, case.torch.run(case.inputs, case.output)


PERTURBED = ("robomamba, two heads", "mamba", "dinov2", "clip", "timm siglip")


@pytest.mark.slow
def test_fifty_planted_errors(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The weight report names 50 of 50, the ops report the owning op of at least 48."""
    rng, weights, ops, missed = np.random.default_rng(2026), 0, 0, []
    for name in PERTURBED:
        case, reference = shared_case(name, tmp_path_factory.mktemp("planted"))
        # float16 files hold rounded numbers, which is no matter here.
        for tensor in rng.choice(sorted(case.tensors), 10, replace=False):
            changed = perturbed(case.tensors, str(tensor), seed=int(rng.integers(1000)))
            (differs,) = [row.name for row in case.weights(changed) if not row.equal]
            weights += tensor in case.checkpoint.plan.matched[differs].rule.targets
            rows, _ = case.activations(changed, reference)
            found = diverging(rows)
            ops += found[:1] == [op_of_parameter(str(tensor))]
            missed += [] if found[:1] == [op_of_parameter(str(tensor))] else [tensor]
    assert weights == 50
    assert ops >= 48, missed


def test_only_the_faulty_op_is_named(tmp_path: Path) -> None:
    """What comes behind it works on torch's numbers, and is not blamed; two errors are two ops."""
    case, reference = shared_case("mamba", tmp_path)
    first, second = "llm.backbone.layers.0.mixer.D", "llm.backbone.layers.2.norm.weight"
    changed = perturbed(perturbed(case.tensors, first), second)
    rows, error = case.activations(changed, reference)
    assert diverging(rows) == [op_of_parameter(first), op_of_parameter(second)]
    assert error > 1e-4
    carried = [row.op for row in rows if row.carried > 1e-5]
    assert len(carried) > 10


def test_the_certificate_says_what_was_planted(tmp_path: Path) -> None:
    """By the file's name too; both reports found it."""
    family, path, _ = made("timm clip", tmp_path)
    report = verify(
        open_comparison(family, path), gradients=False, perturb="blocks.0.mlp.fc1.weight"
    )
    assert not report["agree"]
    assert report["perturbed"]["tensor"] == "vision.encoder.layers.0.mlp.fc1.weight"
    assert report["perturbed"]["weights_found"]
    assert report["perturbed"]["activations_found"]


def test_wrong_requests(tmp_path: Path) -> None:
    """An unknown tensor, an output that is not there, a folder of another model."""
    family, path, _ = made("mamba", tmp_path)
    case = open_comparison(family, path)
    with pytest.raises(InputError, match=r"did you mean .*norm_f"):
        verify(case, perturb="llm.backbone.norm_g.weight")
    zeros = {"a": np.zeros(3, np.float32)}
    with pytest.raises(InputError, match="all zeros"):
        perturbed(zeros, "a")
    with pytest.raises(InputError, match="unknown output"):
        open_comparison(family, path, output="pose")
    _, clip, _ = made("clip", tmp_path / "clip")
    folder = convert_checkpoint(open_checkpoint("hf-clip", clip), tmp_path / "eye").path
    with pytest.raises(InputError, match="another model"):
        open_comparison(family, path, folder=folder)
