# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One reader per checkpoint family: from named tensors to a configuration and a conversion plan."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from robomamba_jax.config import VisionConfig
from robomamba_jax.config.checks import one_of
from robomamba_jax.config.serial import ModelParts, with_changes
from robomamba_jax.convert import tables
from robomamba_jax.convert.infer_config import (
    dinov2_from_shapes,
    mamba_from_json,
    mamba_from_shapes,
    policy_from_shapes,
    shapes_under,
    square_grid,
    timm_from_shapes,
    vit_from_json,
)
from robomamba_jax.convert.lora import ALPHA, LORA, LoraMerged
from robomamba_jax.convert.rules import (
    ConversionPlan,
    TensorRow,
    TensorRule,
    UnreadTensors,
    make_plan,
)
from robomamba_jax.convert.sources import RenamedSource, config_beside, open_source
from robomamba_jax.convert.tensor_names import tensor_shapes
from robomamba_jax.convert.tensors import TensorSource
from robomamba_jax.data.images.transforms import TRANSFORMS, ImageTransform
from robomamba_jax.errors import InputError, unknown_name

_CLIP, _SIGLIP, _DINOV2 = (
    TRANSFORMS[name] for name in ("clip-l14-224", "siglip-l16-256", "dinov2-s14-224")
)


@dataclasses.dataclass(frozen=True)
class ForeignCheckpoint:
    """A checkpoint of another framework, opened and planned; no weight is read yet.

    Attributes:
      family: a key of ``FAMILIES``.
      source: its tensors, by the names that the plan uses.
      parts: the configuration of what it holds.
      plan: what becomes of every tensor.
      transform: how its images are prepared; None without an encoder.
      notes: what was decided, in sentences for a person.
      lm_head: "untied", "tied" (absent or a copy of the embedding) or "zero" in the file;
        None without a language model.
    """

    family: str
    source: TensorSource
    parts: ModelParts
    plan: ConversionPlan
    transform: ImageTransform | None = None
    notes: tuple[str, ...] = ()
    lm_head: str | None = None


class LoraChoice(NamedTuple):
    """What becomes of LoRA factors: scaled with ``alpha`` and added, or left out."""

    alpha: float
    merge: bool


Reader = Callable[[TensorSource, Sequence[str], LoraChoice], ForeignCheckpoint]


def open_checkpoint(
    family: str,
    path: str | os.PathLike[str],
    *,
    changes: Sequence[str] = (),
    lora_alpha: float = ALPHA,
    lora: str = "merge",
) -> ForeignCheckpoint:
    """Open a checkpoint and plan its conversion.

    Args:
      family: hf-mamba, hf-clip, hf-siglip, timm-vit, dinov2 or robomamba.
      path: a file, or a folder as the hub holds it.
      changes: of the configuration that it comes with, such as "vision.heads=3".
      lora_alpha: of LoRA factors in a RoboMamba checkpoint.
      lora: what becomes of those: "merge", or "base", which leaves them out.

    Raises:
      InputError: no such family or file, or the file is broken. Tensors that do not fit
        are problems in the plan; ``plan.check`` raises them.
    """
    if family not in FAMILIES:
        raise unknown_name("unknown_format", "checkpoint family", family, FAMILIES)
    one_of("lora", lora, LORA)
    source = open_source(path)
    try:
        return FAMILIES[family](source, changes, LoraChoice(lora_alpha, lora == "merge"))
    # Ctrl-C, too: the file must not stay open.
    except BaseException:
        source.close()
        raise


def _hf_mamba(source: TensorSource, changes: Sequence[str], _: LoraChoice) -> ForeignCheckpoint:
    # The original repository's name lacks the s.
    original = "backbone.embedding.weight" in source.names()
    if original:
        source = RenamedSource(
            source, lambda name: name.replace("backbone.embedding.", "backbone.embeddings.")
        )
    shapes = shapes_under(source, "")
    content = config_beside(source.path)
    if content is None:
        llm = mamba_from_shapes(shapes, source.path)
    else:
        rows = shapes.get("backbone.embeddings.weight", (None,))[0]
        llm = mamba_from_json(content, rows, source.path)
    head, unread = _language_head(source, "", llm.tie_embeddings if content else None)
    # The tensors decide and not the config.json: a copy of the embedding is stored once.
    llm = llm.replace(tie_embeddings=head != "untied")
    parts = with_changes(ModelParts(llm=llm), changes)
    notes = ("the original repository's names",) if original else ()
    return _planned(
        "hf-mamba", source, parts, tables.HF_MAMBA, unread, changes, lm_head=head, notes=notes
    )


def _language_head(
    source: TensorSource, prefix: str, tied: bool | None
) -> tuple[str, list[UnreadTensors]]:
    """How the output head stands in the file, and what the plan should leave out.

    Args:
      source: the checkpoint.
      prefix: of the language model's names.
      tied: what its config.json says; None if it has none.
    """
    head, embedding = prefix + "lm_head.weight", prefix + "backbone.embeddings.weight"
    names = source.names()
    if head not in names:
        return ("tied" if tied in (True, None) else "untied"), []
    if tied is False or embedding not in names:
        return "untied", []
    if source.info(head) == source.info(embedding):
        values = source.read(head)
        # Stage 2 of the published code never uses the head and saves it as zeros.
        if prefix and not np.any(values):
            return "zero", [UnreadTensors(re.escape(head), "zeros; the head is the embedding")]
        if np.array_equal(_bits(values), _bits(source.read(embedding))):
            return "tied", [UnreadTensors(re.escape(head), "a copy of the embedding")]
    if tied:
        raise InputError(
            "tensor_mismatch",
            f"{source.path}: {head} is not the embedding, which config.json ties it to",
            'say "tie_word_embeddings": false in config.json if it is a head of its own',
        )
    return "untied", []


def _bits(array: np.ndarray) -> np.ndarray:
    # Compared as bytes: equal values are not enough for a file that is to come back bit for bit
    # (0.0 == -0.0), and NaN equals nothing.
    return array.reshape(-1).view(np.uint8)


def _encoder(
    family: str,
    source: TensorSource,
    vision: VisionConfig,
    changes: Sequence[str],
    rules: Sequence[TensorRule],
    unread: Callable[[VisionConfig], list[UnreadTensors]],
    notes: Sequence[str] = (),
) -> ForeignCheckpoint:
    """A checkpoint that is an encoder alone."""
    parts = with_changes(ModelParts(vision=vision), changes)
    assert parts.vision is not None
    transform = _transform(parts.vision)
    left = unread(parts.vision)
    return _planned(family, source, parts, rules, left, changes, transform=transform, notes=notes)


def _transform(vision: VisionConfig) -> ImageTransform:
    """How the kind of encoder wants its images, at the size of this one."""
    usual = _DINOV2 if vision.layer_scale else _CLIP if vision.cls_token else _SIGLIP
    return dataclasses.replace(usual, size=vision.image_size)


def _hf_vit(kind: str) -> Reader:
    def read(source: TensorSource, changes: Sequence[str], _: LoraChoice) -> ForeignCheckpoint:
        """Opens and plans one checkpoint."""
        source = _without_prefix(source, "vision_model.")
        content = config_beside(source.path)
        if content is None:
            what = f"{source.path} has no config.json beside it"
            raise InputError("missing_file", what, "give the whole folder as the hub holds it")
        vision = vit_from_json(kind, content, source.path)
        unread = tables.hf_vit_unread
        return _encoder(f"hf-{kind}", source, vision, changes, tables.HF_VIT, unread)

    return read


def _without_prefix(source: TensorSource, prefix: str) -> TensorSource:
    """A whole model's file has its encoder's names behind the part's, an encoder's has not."""
    if any(name.startswith(prefix) for name in source.names()):
        return RenamedSource(source, lambda name: name.removeprefix(prefix))
    return source


def _dinov2(source: TensorSource, changes: Sequence[str], _: LoraChoice) -> ForeignCheckpoint:
    source = _without_prefix(source, "dinov2.")
    shapes = shapes_under(source, "")
    table = "embeddings.position_embeddings"
    grid = square_grid(shapes[table], source.path) if len(shapes.get(table, ())) == 3 else 0
    content = config_beside(source.path)
    if content is None:
        vision = dinov2_from_shapes(shapes, 224, source.path)
    else:
        vision = vit_from_json("dinov2", content, source.path)
    # The size may be changed by the user, too: positions belong to the grid that is asked for.
    changed = with_changes(ModelParts(vision=vision), changes).vision
    assert changed is not None
    resample = grid not in (0, changed.grid)
    new = changed.grid
    notes = (f"positions resampled from {grid} x {grid} to {new} x {new}",) if resample else ()
    rules, unread = tables.dinov2(resample), tables.dinov2_unread
    return _encoder("dinov2", source, vision, changes, rules, unread, notes)


def _timm_vit(source: TensorSource, changes: Sequence[str], _: LoraChoice) -> ForeignCheckpoint:
    arguments = (config_beside(source.path) or {}).get("model_args")
    arguments = arguments if isinstance(arguments, dict) else {}
    vision = timm_from_shapes(shapes_under(source, ""), source.path, arguments)
    return _encoder("timm-vit", source, vision, changes, tables.TIMM_VIT, tables.timm_unread)


_PEFT = "llm.mamba.base_model.model."


def _robomamba(source: TensorSource, changes: Sequence[str], lora: LoraChoice) -> ForeignCheckpoint:
    notes = []
    module = all(name.startswith("module.") for name in source.names())
    if module:
        notes.append("names without their module. prefix")

    def rename(name: str) -> str:
        """A name without what wrappers have put in front of it."""
        name = name.removeprefix("module.") if module else name
        if name.startswith(_PEFT):
            name = "llm.mamba." + name.removeprefix(_PEFT).replace(".base_layer.", ".")
        return name.replace("llm.mamba.backbone.embedding.", "llm.mamba.backbone.embeddings.")

    renamed = RenamedSource(source, rename)
    source = LoraMerged(renamed, lora.alpha, merge=lora.merge)
    notes += _lora_notes(source, lora.alpha)
    head, unread = _language_head(source, "llm.mamba.", None)
    tied = head != "untied"
    # A .pth has no config.json: sizes come from shapes, and what shapes do not say is as the
    # published code runs it.
    llm = mamba_from_shapes(shapes_under(source, "llm.mamba."), source.path, tied)
    vision = timm_from_shapes(shapes_under(source, "vision.model."), source.path)
    policy = policy_from_shapes(shapes_under(source, ""), llm.d_model, source.path)
    parts = with_changes(ModelParts(llm, vision, policy), changes)
    assert parts.vision is not None
    unread += tables.timm_unread(parts.vision, "vision.model.")
    return _planned(
        "robomamba",
        source,
        parts,
        tables.robomamba(parts.policy),
        unread,
        changes,
        transform=_transform(parts.vision),
        notes=notes,
        lm_head=head,
    )


def _lora_notes(source: LoraMerged, alpha: float) -> list[str]:
    """What becomes of the factors, and what the published code does with them."""
    if not source.ranks:
        return []
    ranks = "/".join(str(rank) for rank in sorted(set(source.ranks.values())))
    count = len(source.ranks)
    if source.merged:
        first = f"LoRA of rank {ranks} merged into {count} weights with alpha {alpha:g}"
        other = "--lora base leaves them out"
    else:
        first = f"LoRA of rank {ranks} left out of {count} weights"
        other = "--lora merge adds them, as peft does"
    why = (
        "the published code reads the base weights of these layers in training and for poses, "
        f"where the factors do nothing, and some of the factors in decoding; {other}"
    )
    idle = ["every lora_B is zero: merged or not, the weights are the same"]
    return [first, why, *(idle if source.idle() else [])]


FAMILIES: dict[str, Reader] = {
    "hf-mamba": _hf_mamba,
    "hf-clip": _hf_vit("clip"),
    "hf-siglip": _hf_vit("siglip"),
    "timm-vit": _timm_vit,
    "dinov2": _dinov2,
    "robomamba": _robomamba,
}


# The tensor at each encoder's end. Features are read before the last block; a file that lacks its
# end may lack blocks too, and then nothing says which block was the last but one.
_ENDS = {
    "hf-clip": "post_layernorm.weight",
    "hf-siglip": "post_layernorm.weight",
    "timm-vit": "norm.weight",
    "dinov2": "layernorm.weight",
    "robomamba": "vision.model.norm.weight",
}
# Blocks of the published ViTs by width: L, B and S.
_VIT_DEPTHS = {1024: 24, 768: 12, 384: 12}


def _end_problems(
    family: str, source: TensorSource, vision: VisionConfig | None, changes: Sequence[str]
) -> list[TensorRow]:
    """Why the encoder may be incomplete: it would be read one block too early, and silently."""
    if vision is None or vision.built_layers == vision.depth:
        return []
    problems = []
    end = _ENDS[family]
    if end not in source.names():
        problems.append(
            f"{end} is missing; give the whole encoder, or --set vision.feature_layer=-1 if the "
            "file ends at the features"
        )
    usual = _VIT_DEPTHS.get(vision.width, vision.depth)
    stated = any(change.startswith("vision.depth=") for change in changes)
    if vision.depth != usual and family in ("timm-vit", "robomamba") and not stated:
        problems.append(
            f"the encoder has {vision.depth} blocks, one of its width {usual}; give the whole "
            f"encoder, or --set vision.depth={vision.depth} if it is right"
        )
    return [TensorRow(None, None, "problem", (), problem) for problem in problems]


def _planned(
    family: str,
    source: TensorSource,
    parts: ModelParts,
    rules: Sequence[TensorRule],
    unread: Sequence[UnreadTensors],
    changes: Sequence[str],
    *,
    transform: ImageTransform | None = None,
    notes: Sequence[str] = (),
    lm_head: str | None = None,
) -> ForeignCheckpoint:
    plan = make_plan(source, rules, unread, tensor_shapes(parts))
    factors = _factor_rows(source, plan) if isinstance(source, LoraMerged) else []
    extras = [TensorRow(name, None, "ignored", (), why) for name, why in source.extras.items()]
    # Rows of all that the file holds, whatever became of it: nothing is passed over in silence.
    ends = _end_problems(family, source, parts.vision, changes)
    plan = dataclasses.replace(plan, rows=(*plan.rows, *factors, *extras, *ends))
    parts = _stored_dtypes(parts, source, plan)
    return ForeignCheckpoint(family, source, parts, plan, transform, tuple(notes), lm_head)


def _factor_rows(source: LoraMerged, plan: ConversionPlan) -> list[TensorRow]:
    """A row for every LoRA tensor, also where the weight that it belongs to is not read."""
    rows = []
    for name, weight in source.factors.items():
        targets = plan.matched[weight].rule.targets if weight in plan.matched else ()
        how = ("merged", targets, "LoRA") if source.merged else ("ignored", (), "LoRA, --lora base")
        rows.append(TensorRow(name, source.info(name), *how))
    return rows


def _stored_dtypes(parts: ModelParts, source: TensorSource, plan: ConversionPlan) -> ModelParts:
    """Every part in the dtype of its widest matrix."""
    changes: dict[str, Any] = {}
    for name, under in (("llm", ("llm.", "projector.")), ("vision", ("vision.",))):
        found = [
            source.info(key).dtype
            for key, match in plan.matched.items()
            # Vectors do not count: A_log, D and norms are float32 in any file.
            if match.rule.targets[0].startswith(under) and len(match.shape) > 1
        ]
        config = getattr(parts, name)
        if config is not None and found:
            stored = (
                # float64 and the like are refused by the plan; until it is checked float32 stands
                # for them.
                max(found, key=_WIDTHS.__getitem__) if set(found) <= set(_WIDTHS) else "float32"
            )
            # Mamba's activations leave float16's range (65,504): stored so, computed in float32.
            dtype = "float32" if stored == "float16" else stored
            changes[name] = config.replace(param_dtype=stored, dtype=dtype)
    return dataclasses.replace(parts, **changes)


_WIDTHS = {"float16": 0, "bfloat16": 1, "float32": 2}
