# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From an inference folder to the files of other frameworks, bit for bit."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from robomamba_jax.config import MambaConfig, VisionConfig
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert import tables
from robomamba_jax.convert.export_checks import check_published
from robomamba_jax.convert.folder import Folder, open_folder, source_tensors
from robomamba_jax.convert.infer_config import (
    HF_ACTIVATIONS,
    HF_MAMBA_FIELDS,
    HF_VIT_FIELDS,
    TIMM_ACTIVATIONS,
    TIMM_MODELS,
)
from robomamba_jax.convert.pth_write import write_pth
from robomamba_jax.convert.rules import TensorRow, TensorRule, match_rules
from robomamba_jax.convert.safetensors_file import write_safetensors
from robomamba_jax.convert.tensors import NUMPY_DTYPES, LazyTensor, TensorInfo, TensorSource
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.files import writing
from robomamba_jax.utils.json_types import JsonObject

TARGETS = ("hf-mamba", "hf-clip", "hf-siglip", "timm-vit", "dinov2", "robomamba", "safetensors")
_PARTS = {"hf-mamba": "llm", "robomamba": "llm"}


def export(
    to: str,
    folder: Folder | str | Path,
    out: str | Path,
    *,
    policy: bool = True,
    anyway: bool = False,
) -> list[TensorRow]:
    """Write what a folder holds in another framework's layout.

    Args:
      to: one of ``TARGETS``. hf-mamba and the encoders become a folder with config.json and
        model.safetensors; robomamba a .pth (or .safetensors, by ``out``'s ending);
        safetensors one file under our own names.
      folder: an inference folder, or its path.
      out: a new folder or file.
      policy: False leaves the policy head out of robomamba.
      anyway: write for robomamba what its published classes cannot load or would lose.

    Returns:
      A row for every tensor written, and for those of the head that was left out.

    Raises:
      InputError: the folder lacks what the layout needs, the published classes have no place for
        what it holds, or ``out`` exists.
    """
    if to not in TARGETS:
        raise unknown_name("unknown_format", "layout", to, TARGETS)
    opened = folder if isinstance(folder, Folder) else open_folder(folder)
    out = Path(out)
    # An empty folder is as good as none.
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError("exists", f"{out} exists", "give another path")
    if to != "robomamba" and (anyway or not policy):
        raise InputError(
            "bad_arguments", f"the layout {to} has no policy head to decide about", "for robomamba"
        )
    source = opened.source()
    unread = opened.unread()
    try:
        entries = _entries(to, opened, source, unread, policy)
        if to == "robomamba" and not anyway:
            check_published(opened, policy=policy)
        rows = [TensorRow(name, info, "written") for name, info, _ in entries]
        if not policy:
            rows += [
                TensorRow(name, source.info(name), "ignored", (), "--without-policy")
                for name in source.names()
                if name.startswith("policy.")
            ]
        _write(to, opened, entries, out)
    finally:
        source.close()
        if unread is not None:
            unread.close()
    return rows


def _entries(
    to: str, folder: Folder, source: TensorSource, unread: TensorSource | None, policy: bool
) -> list[LazyTensor]:
    """Every tensor of the new file, in its own names."""
    if to == "safetensors":
        return source_tensors(source)
    part = _PARTS.get(to, "vision")
    parts = folder.parts
    if getattr(parts, part) is None or (to == "robomamba" and parts.vision is None):
        raise InputError(
            "no_such_part", f"{folder.path} has no {part}", f"{to} needs one: give another folder"
        )
    whole = to == "robomamba"
    if to != "hf-mamba":
        _check_encoder(to, parts)
    under = ("",) if whole else (part + ".",)
    shapes = {n: source.info(n).shape for n in source.names() if n.startswith(under)}
    if not policy:
        parts = dataclasses.replace(parts, policy=None)
        shapes = {name: shape for name, shape in shapes.items() if not name.startswith("policy.")}
    entries = [
        _joined(source, match.rule, to) for match in match_rules(_rules(to, parts), shapes).values()
    ]
    if whole:
        entries += _output_head(folder, source, policy)
    # Kept tensors have the names of the family that they came from, and fit nowhere else.
    if unread is not None and folder.origin.get("family") == to:
        entries += source_tensors(unread)
    return entries


def _check_encoder(to: str, parts: ModelParts) -> None:
    """Refuse a layout of another kind of encoder."""
    assert parts.vision is not None
    kind = "siglip"
    if parts.vision.cls_token:
        kind = "dinov2" if parts.vision.layer_scale else "clip"
    fits = {"hf-clip": "clip", "hf-siglip": "siglip", "dinov2": "dinov2"}.get(to, kind)
    # timm's layout takes CLIP and SigLIP; DINOv2's names there are not among our tables.
    if fits != kind or (kind == "dinov2" and to != "dinov2"):
        raise InputError("no_such_part", f"the encoder is a {kind}", f"{to} has no place for it")


def _rules(to: str, parts: ModelParts) -> Sequence[TensorRule]:
    if to == "robomamba":
        return tables.robomamba(parts.policy)
    return {
        "dinov2": tables.dinov2(False),
        "hf-mamba": tables.HF_MAMBA,
        "hf-clip": tables.HF_VIT,
        "hf-siglip": tables.HF_VIT,
        "timm-vit": tables.TIMM_VIT,
    }[to]


def _joined(source: TensorSource, rule: TensorRule, to: str) -> LazyTensor:
    # What the layout joins (query, key and value) it holds in one dtype.
    infos = {source.info(target) for target in rule.targets}
    if len(infos) != 1:
        raise InputError(
            "tensor_mismatch", f"the parts of {rule.source} differ in dtype", f"{to} needs one"
        )
    (info,) = infos

    def make() -> np.ndarray:
        """The joined values."""
        return rule.backward([source.read(target) for target in rule.targets])

    return rule.source, TensorInfo(rule.source_shape(info.shape), info.dtype), make


def _output_head(folder: Folder, source: TensorSource, policy: bool) -> list[LazyTensor]:
    """The output head of the published layout, which always has one."""
    # Stage 2 files hold zeros there. Without a policy head the file is for a class that ties the
    # head to the embedding, which zeros would replace: it gets a copy instead.
    if "llm.lm_head.weight" in source.names():
        return []
    embedding = "llm.backbone.embeddings.weight"
    info = source.info(embedding)
    name = "llm.mamba.lm_head.weight"
    if folder.origin.get("lm_head") == "zero" and policy:
        return [(name, info, lambda: np.zeros(info.shape, NUMPY_DTYPES[info.dtype]))]
    return [(name, info, lambda: source.read(embedding))]


def _write(to: str, folder: Folder, entries: Sequence[LazyTensor], out: Path) -> None:
    one_file = to in ("robomamba", "safetensors")
    with writing(out):
        (out.parent if one_file else out).mkdir(parents=True, exist_ok=True)
    if one_file:
        if to == "robomamba" and out.suffix != ".safetensors":
            write_pth(out, entries)
        else:
            write_safetensors(out, entries)
        return
    write_safetensors(out / "model.safetensors", entries)
    content = _config(to, folder)
    (out / "config.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    tokenizer = folder.path / "tokenizer.json"
    # An encoder has no use for one, and RoboMamba's own files come without.
    if to == "hf-mamba" and tokenizer.is_file():
        (out / "tokenizer.json").write_bytes(tokenizer.read_bytes())


def _config(to: str, folder: Folder) -> JsonObject:
    parts = folder.parts
    if to == "hf-mamba":
        assert parts.llm is not None
        tokenizer = folder.processor().tokenizer
        # MambaConfig has one id for all three; GPT-NeoX's end of text is 0.
        return _mamba_json(parts.llm, 0 if tokenizer is None else tokenizer.eos_id)
    assert parts.vision is not None
    if to == "timm-vit":
        return _timm_json(parts.vision)
    return _vit_json(to.removeprefix("hf-"), parts.vision)


def _mamba_json(llm: MambaConfig, eos: int = 0) -> JsonObject:
    """transformers' MambaConfig, with the two names that RoboMamba's own class asks for."""
    fields = {theirs: getattr(llm, ours) for ours, (theirs, *_) in HF_MAMBA_FIELDS.items()}
    return {
        "d_model": llm.d_model,
        "n_layer": llm.n_layer,
        "architectures": ["MambaForCausalLM"],
        "model_type": "mamba",
        **fields,
        "intermediate_size": llm.d_inner,
        "time_step_rank": llm.rank,  # a number, also where ours says None for a sixteenth
        "hidden_act": "silu",
        **dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), eos),
        "dtype": llm.param_dtype,
    }


def _vit_json(kind: str, vision: VisionConfig) -> JsonObject:
    content: JsonObject = {
        "model_type": "dinov2" if kind == "dinov2" else f"{kind}_vision_model",
        **{theirs: getattr(vision, ours) for ours, theirs in HF_VIT_FIELDS.items()},
        "hidden_act": HF_ACTIVATIONS[vision.activation],
        "dtype": vision.param_dtype,
    }
    if kind != "dinov2":
        return {**content, "intermediate_size": vision.mlp_dim}
    if vision.mlp_dim % vision.width:
        what = f"an MLP of {vision.mlp_dim} is not a multiple of the width {vision.width}"
        fix = "transformers' Dinov2Config takes whole ratios only"
        raise InputError("no_such_part", what, fix)
    return {**content, "mlp_ratio": vision.mlp_dim // vision.width}


def _timm_json(vision: VisionConfig) -> JsonObject:
    return {
        "architecture": TIMM_MODELS["clip" if vision.cls_token else "siglip"],
        "num_classes": 0,
        "model_args": {
            "img_size": vision.image_size,
            "patch_size": vision.patch_size,
            "embed_dim": vision.width,
            "depth": vision.depth,
            "num_heads": vision.heads,
            "mlp_ratio": vision.mlp_dim / vision.width,
            "act_layer": TIMM_ACTIVATIONS[vision.activation],
        },
    }
