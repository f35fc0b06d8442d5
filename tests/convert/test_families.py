# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Every family there and back, bit for bit; and every family's misfits, named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.convert.export import export
from robomamba_jax.convert.families import open_checkpoint
from robomamba_jax.convert.folder import open_folder
from robomamba_jax.convert.pth_write import write_pth
from robomamba_jax.convert.run import convert_checkpoint, convert_parts, detect_family
from robomamba_jax.convert.safetensors_file import write_safetensors
from robomamba_jax.convert.sources import open_source
from robomamba_jax.convert.tensors import NUMPY_DTYPES, TensorInfo
from robomamba_jax.errors import InputError
from robomamba_jax.verify.random_files import MAKERS, SETTINGS
from tests.state_spaces import state_spaces

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::UserWarning")]

Tensors = dict[str, np.ndarray]


def content(path: Path) -> Tensors:
    """All tensors of a checkpoint, by its own names."""
    source = open_source(path)
    held = {name: source.read(name) for name in source.names()}
    source.close()
    return held


def assert_same(ours: Tensors, theirs: Tensors) -> None:
    """Names, shapes, dtypes, bits."""
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        assert ours[name].dtype == value.dtype, name
        assert ours[name].shape == value.shape, name
        assert ours[name].tobytes() == value.tobytes(), name


def settings(family: str) -> list[str]:
    return SETTINGS if family == "robomamba" else []


def file_name(family: str) -> str:
    return "model.pth" if family == "robomamba" else "model"


ROUND_TRIPS: dict[str, tuple[str, dict[str, Any]]] = {
    **{family: (family, {}) for family in MAKERS},
    "timm siglip": ("timm-vit", {"kind": "siglip"}),
    "untied mamba in shards": ("hf-mamba", {"tied": False, "shard": "40KB", "use_bias": True}),
    **{
        f"robomamba {head}": ("robomamba", {"head": head})
        for head in ("two_mlp", "two_mlp_repo", "mlp", "ssm_mlp")
    },
    "robomamba siglip": ("robomamba", {"kind": "siglip", "prefix": "module."}),
}


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_there_and_back(name: str, dtype: str, tmp_path: Path) -> None:
    """torch -> ours -> torch: every tensor of the file, those too that the model never reads."""
    family, how = ROUND_TRIPS[name]
    path = MAKERS[family](tmp_path / file_name(family), dtype=dtype, **how)
    checkpoint = open_checkpoint(family, path, changes=settings(family))
    done = convert_checkpoint(checkpoint, tmp_path / "ours")
    actions = {row.action for row in done.rows}
    assert actions <= {"loaded", "kept", "ignored"}
    back = tmp_path / ("back.pth" if family == "robomamba" else "back")
    ours = how.get("head") == "two_mlp"  # which the published class cannot load
    export(family, done.path, back, **({"anyway": True} if ours else {}))
    want = {name.removeprefix("module."): value for name, value in content(path).items()}
    if not how.get("tied", True):
        assert "lm_head.weight" in want
    assert_same(content(back), want)


def test_transformers_loads_what_we_write(tmp_path: Path) -> None:
    """Mamba and the encoders from our export, without a missing or unexpected key."""
    import transformers

    kinds = {"hf-mamba": "MambaForCausalLM", "hf-clip": "CLIPVisionModel"}
    kinds |= {"hf-siglip": "SiglipVisionModel", "dinov2": "Dinov2Model"}
    transformers.utils.logging.disable_progress_bar()
    for family, kind in kinds.items():
        path = MAKERS[family](tmp_path / family / "in")
        folder = convert_checkpoint(open_checkpoint(family, path), tmp_path / family / "ours").path
        export(family, folder, tmp_path / family / "back")
        model, report = getattr(transformers, kind).from_pretrained(
            tmp_path / family / "back", output_loading_info=True
        )
        assert not any(report[key] for key in ("missing_keys", "unexpected_keys")), family
        first = getattr(transformers, kind).from_pretrained(path)
        theirs, ours = first.state_dict(), model.state_dict()
        assert all((ours[name] == value).all() for name, value in theirs.items()), family


def test_full_checkpoints_lose_their_text_side_only(tmp_path: Path) -> None:
    """A whole CLIP: the text tower is ignored, and said to be."""
    path = MAKERS["hf-clip"](tmp_path / "in", full=True)
    done = convert_checkpoint(open_checkpoint("hf-clip", path), tmp_path / "ours")
    reasons = {row.reason for row in done.rows if row.action == "ignored"}
    assert {"of the text encoder", "of the contrastive loss"} <= reasons
    export("hf-clip", done.path, tmp_path / "back")
    seen = {
        name.removeprefix("vision_model."): value
        for name, value in content(path).items()
        if name.startswith("vision_model.")
    }
    assert_same(content(tmp_path / "back"), seen)


def test_the_original_mamba_becomes_the_hub_one(tmp_path: Path) -> None:
    """Its one name that differs, and its head, which is the embedding."""
    path = state_spaces(tmp_path / "in")
    done = convert_checkpoint(open_checkpoint("hf-mamba", path), tmp_path / "ours")
    assert any(row.reason == "a copy of the embedding" for row in done.rows)
    export("hf-mamba", done.path, tmp_path / "back")
    want = content(path)
    want["backbone.embeddings.weight"] = want.pop("backbone.embedding.weight")
    del want["lm_head.weight"]
    assert_same(content(tmp_path / "back"), want)


def test_published_settings_come_along(tmp_path: Path) -> None:
    """A published head answers in pixels and in ManipLLM's frame."""
    path = MAKERS["robomamba"](tmp_path / "a.pth", head="two_mlp_repo")
    folder = convert_checkpoint(
        open_checkpoint("robomamba", path, changes=SETTINGS), tmp_path / "ours"
    ).path
    model, processor = rm.load(folder)
    assert (processor.contact_scale, processor.rotation_convention) == ("raw", "manipllm")
    assert processor.transform is not None
    assert processor.transform.size == 15
    assert model.config.policy is not None
    assert model.config.policy.kind == "two_mlp_repo"
    with pytest.raises(InputError, match="without a tokenizer"):
        rm.generate(model, processor, None, ["hello"])


def converted(family: str, path: Path, out: Path) -> Path:
    """Opened and written."""
    checkpoint = open_checkpoint(family, path, changes=settings(family))
    return convert_checkpoint(checkpoint, out).path


Change = Callable[[Tensors, str, str], None]


def _renamed(held: Tensors, name: str, _: str) -> None:
    held[name.replace("weight", "wieght")] = held.pop(name)


def _missing(held: Tensors, name: str, _: str) -> None:
    del held[name]


def _extra(held: Tensors, name: str, _: str) -> None:
    held[name.replace("weight", "gate")] = held[name]


def _transposed(held: Tensors, name: str, _: str) -> None:
    held[name] = np.ascontiguousarray(held[name].T)


def _integers(held: Tensors, name: str, _: str) -> None:
    held[name] = held[name].astype(np.int32)


def _another_float(held: Tensors, name: str, _: str) -> None:
    held[name] = held[name].astype(np.float16)


def _wrong_shape(held: Tensors, name: str, _: str) -> None:
    held[name] = held[name][:-1]


def _not_finite(held: Tensors, name: str, _: str) -> None:
    held[name] = held[name].copy()
    held[name].reshape(-1)[3] = np.nan


CHANGES: dict[str, Change] = {
    "renamed": _renamed,
    "missing": _missing,
    "extra": _extra,
    "transposed": _transposed,
    "integers": _integers,
    "another float": _another_float,
    "wrong shape": _wrong_shape,
    "not finite": _not_finite,
}
# A matrix that is not square, in a layer that is read.
VICTIMS = {
    "hf-mamba": "backbone.layers.1.mixer.x_proj.weight",
    "hf-clip": "encoder.layers.1.mlp.fc1.weight",
    "hf-siglip": "encoder.layers.1.mlp.fc2.weight",
    "dinov2": "encoder.layer.1.mlp.fc1.weight",
    "timm-vit": "blocks.1.attn.qkv.weight",
    "robomamba": "llm.mamba.backbone.layers.2.mixer.dt_proj.weight",
}


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One sound checkpoint of each family."""
    root = tmp_path_factory.mktemp("originals")
    return {
        family: make(root / family / file_name(family), **({"head": "mlp"} if bare else {}))
        for family, make in MAKERS.items()
        for bare in [family == "robomamba"]
    }


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("family", VICTIMS)
def test_misfits(family: str, change: str, originals: dict[str, Path], tmp_path: Path) -> None:
    """Refused in one line that names the tensor, with near names; nothing is written."""
    held, victim = content(originals[family]), VICTIMS[family]
    CHANGES[change](held, victim, family)
    path = tmp_path / file_name(family)
    entries: list[Any] = [
        (n, TensorInfo(a.shape, str(a.dtype)), lambda a=a: a) for n, a in held.items()
    ]
    if family == "robomamba":
        _write_any_pth(path, held)
    else:
        path.mkdir()
        shutil.copy(originals[family] / "config.json", path)
        write_safetensors(path / "model.safetensors", entries)
    stem = victim.rsplit(".", 1)[0].replace(".", r"\.")
    with pytest.raises(InputError, match=stem) as caught:
        converted(family, path, tmp_path / "out")
    assert "\n" not in str(caught.value)
    if change == "renamed":
        assert victim in str(caught.value)
    assert not (tmp_path / "out").exists()


def _write_any_pth(path: Path, held: Tensors) -> None:
    """By torch, which knows the dtypes that our writer has no use for."""
    import torch

    floats = {name: torch.from_numpy(value.copy()) for name, value in held.items()}
    torch.save(floats, path)


def test_an_encoder_cut_short_is_not_read_one_block_early(tmp_path: Path) -> None:
    """Without the end nobody knows which block is the last but one."""
    path = MAKERS["timm-vit"](tmp_path / "model")
    held = {
        name: value
        for name, value in content(path).items()
        if not name.startswith(("blocks.2.", "norm."))
    }
    entries: list[Any] = [
        (n, TensorInfo(a.shape, "float32"), lambda a=a: a) for n, a in held.items()
    ]
    write_safetensors(path / "model.safetensors", entries)
    with pytest.raises(InputError, match=r"norm\.weight is missing.*feature_layer=-1"):
        open_checkpoint("timm-vit", path).plan.check(path)
    checkpoint = open_checkpoint("timm-vit", path, changes=["vision.feature_layer=-1"])
    checkpoint.plan.check(path)
    checkpoint.source.close()
    assert checkpoint.parts.vision is not None
    assert checkpoint.parts.vision.built_layers == 2


def test_wrong_family_and_wrong_settings(originals: dict[str, Path]) -> None:
    """Each in one line."""
    with pytest.raises(InputError, match="did you mean"):
        open_checkpoint("hf-mmaba", originals["hf-mamba"])
    with pytest.raises(InputError, match="give a siglip checkpoint"):
        open_checkpoint("hf-siglip", originals["hf-clip"])
    with pytest.raises(InputError, match=r"embeddings\.weight is missing"):
        open_checkpoint("robomamba", originals["hf-mamba"])
    with pytest.raises(InputError, match=r"unknown field of --set vision\.haeds"):
        open_checkpoint("hf-clip", originals["hf-clip"], changes=["vision.haeds=3"])
    with pytest.raises(InputError, match="is no int"):
        open_checkpoint("hf-clip", originals["hf-clip"], changes=["vision.heads=three"])


def test_other_models_are_refused(originals: dict[str, Path], tmp_path: Path) -> None:
    """Mamba-2 and Falcon's Mamba carry other blocks under like names."""
    path = tmp_path / "model"
    shutil.copytree(originals["hf-mamba"], path)
    config = json.loads((path / "config.json").read_text())
    for change in ({"model_type": "mamba2"}, {"hidden_act": "gelu"}):
        (path / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(InputError, match=r"mamba2|hidden_act"):
            open_checkpoint("hf-mamba", path)
    (path / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
    with pytest.raises(InputError, match=r"lm_head\.weight is missing"):
        open_checkpoint("hf-mamba", path).plan.check(path)


@pytest.mark.slow
def test_a_whole_model_from_parts(originals: dict[str, Path], tmp_path: Path) -> None:
    """Straight from the originals or from folders: old weights kept, new ones by the seed."""
    assert detect_family(originals["hf-clip"]) == "hf-clip"
    assert detect_family(originals["timm-vit"]) == "timm-vit"
    done = convert_parts(originals["dinov2"], originals["hf-mamba"], tmp_path / "a", seed=3)
    new = {
        target.split(".")[0] for row in done.rows if row.action == "new" for target in row.targets
    }
    assert new == {"projector", "policy"}
    eye = convert_checkpoint(open_checkpoint("dinov2", originals["dinov2"]), tmp_path / "eye").path
    tongue = convert_checkpoint(
        open_checkpoint("hf-mamba", originals["hf-mamba"]), tmp_path / "tongue"
    ).path
    convert_parts(eye, tongue, tmp_path / "b", seed=3)
    convert_parts(eye, tongue, tmp_path / "c", seed=4)
    held = [content(tmp_path / name) for name in "abc"]
    assert_same(held[0], held[1])
    differs = {name for name, value in held[2].items() if (value != held[1][name]).any()}
    assert {name.split(".")[0] for name in differs} == {"projector", "policy"}
    model, _ = rm.load(tmp_path / "a")
    images = np.zeros((1, 15, 15, 3), np.float32)
    assert np.isfinite(rm.forward(model, np.array([[1, 2]]), images)).all()
    with pytest.raises(InputError, match="has no vision"):
        convert_parts(tongue, tongue, tmp_path / "d")
    with pytest.raises(InputError, match="it has no llm"):
        convert_parts(eye, originals["hf-clip"], tmp_path / "d")
    assert open_folder(tmp_path / "a").origin["seed"] == 3


def test_export_refuses_what_does_not_fit(originals: dict[str, Path], tmp_path: Path) -> None:
    """Another encoder, a part that is not there, a path that is taken."""
    eye = convert_checkpoint(
        open_checkpoint("hf-clip", originals["hf-clip"]), tmp_path / "eye"
    ).path
    for target, complaint in (
        ("hf-siglip", "the encoder is a clip"),
        ("dinov2", "the encoder is a clip"),
        ("hf-mamba", "has no llm"),
        ("robomamba", "has no llm"),
        ("hf-clap", "did you mean"),
    ):
        with pytest.raises(InputError, match=complaint):
            export(target, eye, tmp_path / "out")
    (tmp_path / "taken").write_text("x")
    with pytest.raises(InputError, match="exists"):
        export("hf-clip", eye, tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "x"
    export("safetensors", eye, tmp_path / "one.safetensors")
    assert all(name.startswith("vision.") for name in content(tmp_path / "one.safetensors"))


def test_dinov2_on_another_grid(originals: dict[str, Path], tmp_path: Path) -> None:
    """Resampled as torch does it, and said."""
    import torch

    checkpoint = open_checkpoint("dinov2", originals["dinov2"], changes=["vision.image_size=25"])
    assert checkpoint.notes == ("positions resampled from 3 x 3 to 5 x 5",)
    folder = convert_checkpoint(checkpoint, tmp_path / "ours").path
    table = content(folder)["vision.embeddings.position_embedding.weight"]
    original = content(originals["dinov2"])["embeddings.position_embeddings"]
    np.testing.assert_array_equal(table[0], original[0, 0])
    grid = torch.from_numpy(original[:, 1:].reshape(1, 3, 3, 36)).permute(0, 3, 1, 2)
    want = torch.nn.functional.interpolate(grid.double(), (5, 5), mode="bicubic")
    want = want.permute(0, 2, 3, 1).reshape(25, 36).numpy()
    np.testing.assert_allclose(table[1:], want, atol=1e-6)


def test_the_writer_and_its_dtypes(tmp_path: Path) -> None:
    """What is no weight has no place in a .pth of ours."""
    with pytest.raises(KeyError):
        write_pth(
            tmp_path / "a.pth", [("a", TensorInfo((1,), "int8"), lambda: np.ones(1, np.int8))]
        )
    assert set(NUMPY_DTYPES) > {"float32", "float16", "bfloat16"}
