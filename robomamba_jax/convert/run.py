# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of other frameworks -> an inference folder, one tensor at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from flax import nnx

from robomamba_jax.checkpoints import stored_kind
from robomamba_jax.config import MambaConfig, PolicyConfig, VisionConfig
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.families import FAMILIES, ForeignCheckpoint, open_checkpoint
from robomamba_jax.convert.folder import open_folder, source_tensors
from robomamba_jax.convert.folder import write_folder as write
from robomamba_jax.convert.placement import tree_tensors
from robomamba_jax.convert.rules import TensorRow
from robomamba_jax.convert.sources import open_source
from robomamba_jax.convert.tensors import TensorInfo, has_nonfinite
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.data.processor import Processor
from robomamba_jax.data.text.prompts import prompt_template
from robomamba_jax.data.text.tokenizer import Tokenizer
from robomamba_jax.errors import InputError
from robomamba_jax.models.policy.head import PolicyHead
from robomamba_jax.models.projector import Projector
from robomamba_jax.utils.files import read_json
from robomamba_jax.utils.hashes import file_sha256

Progress = Callable[[int], None]


@dataclasses.dataclass(frozen=True)
class Converted:
    """What a conversion did.

    Attributes:
      path: of the folder.
      rows: of the table, one per tensor; new ones of ours come last.
      notes: what was decided, in sentences.
    """

    path: Path
    rows: tuple[TensorRow, ...]
    notes: tuple[str, ...]


def convert_checkpoint(
    checkpoint: ForeignCheckpoint,
    out: str | Path,
    *,
    tokenizer: str | Path | None = None,
    settings: dict[str, Any] | None = None,
    overwrite: bool = False,
    hash_source: bool = True,
    progress: Progress = lambda count: None,
) -> Converted:
    """Write what :func:`open_checkpoint` opened as an inference folder.

    Args:
      checkpoint: opened; it is closed in the end.
      out: the new folder.
      tokenizer: a tokenizer.json; None takes the one beside the weights, if there is one.
      settings: fields of ``Processor`` that shall differ: template, contact_scale,
        contact_frame, contact_side, rotation_convention; None = the family's.
      overwrite: replace a folder written before.
      hash_source: note the sha256 of the files read.
      progress: told of the bytes written.

    Raises:
      InputError: a tensor does not fit or is not finite, or the folder cannot be written.
    """
    try:
        checkpoint.plan.check(checkpoint.source.path)
        found, notes = _find_tokenizer(checkpoint, tokenizer)
        processor = _processor(checkpoint, found, settings or {})
        if _published_head(checkpoint):
            notes += published_notes(settings or {}, processor)
        path = write(
            out,
            checkpoint.parts,
            processor,
            list(_loaded(checkpoint)),
            unread=source_tensors(checkpoint.source, _kept(checkpoint)),
            origin=_origin(checkpoint, hash_source),
            overwrite=overwrite,
            progress=progress,
        )
    finally:
        checkpoint.source.close()
    return Converted(path, checkpoint.plan.rows, (*checkpoint.notes, *notes))


def _loaded(
    checkpoint: ForeignCheckpoint,
) -> Iterator[tuple[str, TensorInfo, Callable[[], np.ndarray]]]:
    """Our tensors, in the order of the file that they come from."""
    for name, match in checkpoint.plan.matched.items():
        info = TensorInfo(match.shape, checkpoint.source.info(name).dtype)
        for part, target in enumerate(match.rule.targets):
            yield target, info, _reader(checkpoint, name, part)


def _reader(checkpoint: ForeignCheckpoint, name: str, part: int) -> Callable[[], np.ndarray]:
    match = checkpoint.plan.matched[name]

    def read() -> np.ndarray:
        array = checkpoint.source.read(name)
        if has_nonfinite(array):
            raise InputError(
                "tensor_mismatch",
                f"{checkpoint.source.path}: {name} holds NaN or infinity",
                "take the checkpoint from before the training diverged",
            )
        return match.rule.forward(array, match.shape)[part]

    return read


def read_tensors(checkpoint: ForeignCheckpoint) -> dict[str, np.ndarray]:
    """All our tensors of a checkpoint in memory, by name, in the file's dtypes.

    Raises:
      InputError: a tensor does not fit or is not finite.
    """
    checkpoint.plan.check(checkpoint.source.path)
    return {name: make() for name, _, make in _loaded(checkpoint)}


def _kept(checkpoint: ForeignCheckpoint) -> list[str]:
    return [row.name for row in checkpoint.plan.rows if row.action == "kept" and row.name]


def _origin(checkpoint: ForeignCheckpoint, hashes: bool) -> dict[str, Any]:
    """What the manifest remembers of where the weights came from."""
    files = checkpoint.source.files()
    return {
        "family": checkpoint.family,
        "notes": list(checkpoint.notes),
        "lm_head": checkpoint.lm_head,
        "files": {file.name: file_sha256(file) if hashes else None for file in files},
    }


def _find_tokenizer(
    checkpoint: ForeignCheckpoint, given: str | Path | None
) -> tuple[Tokenizer | None, tuple[str, ...]]:
    if checkpoint.parts.llm is None:
        return None, ()
    folder = checkpoint.source.path
    beside = (folder if folder.is_dir() else folder.parent) / "tokenizer.json"
    path = Path(given) if given is not None else beside
    if given is None and not path.is_file():
        return None, ("no tokenizer.json beside the weights: give --tokenizer to add one",)
    tokenizer = Tokenizer.load(path)
    rows = checkpoint.parts.llm.vocab_size
    if tokenizer.size > rows:
        raise InputError(
            "bad_tokenizer",
            f"{path} has {tokenizer.size} ids, the embedding {rows} rows",
            "give the tokenizer of this model",
        )
    return tokenizer, ()


def _processor(
    checkpoint: ForeignCheckpoint, tokenizer: Tokenizer | None, settings: dict[str, Any]
) -> Processor:
    """A published head answers in pixels of the file and in ManipLLM's frame, and is asked as it
    was trained; a language model alone reads what it is given."""
    given = {name: value for name, value in settings.items() if value is not None}
    fields: dict[str, Any] = {"template": "raw" if checkpoint.parts.vision is None else "standard"}
    if _published_head(checkpoint):
        fields = {"contact_scale": "raw", "rotation_convention": "manipllm"}
        fields["template"] = "official_pose"
        if given.get("contact_scale", "raw") == "raw":
            fields["contact_frame"] = "file"
    fields |= given
    fields["template"] = prompt_template(fields["template"])
    return Processor(tokenizer, checkpoint.transform, **fields)


def _published_head(checkpoint: ForeignCheckpoint) -> bool:
    return checkpoint.family == "robomamba" and checkpoint.parts.policy is not None


def published_notes(settings: Mapping[str, Any], processor: Processor) -> tuple[str, ...]:
    """What was taken for granted of a published head, and what its file does not say.

    Args:
      settings: what was asked for; of that nothing needs to be said.
      processor: what came of it.
    """
    notes = []
    if settings.get("template") is None:
        notes.append(
            f"template {processor.template.name}, the prompt that the published code trains its "
            "heads with, <image> being text in it; its test program asks poses with official_test; "
            "--template standard for answers in words"
        )
    if processor.contact_scale == "raw":
        notes.append(
            f"contacts are {processor.contacts}, as (x, y): the file does not say in which order "
            "the head was taught them"
        )
    if processor.contact_frame == "file" and processor.contact_side is None:
        notes.append(
            "nor how large the pictures were that it was taught with: its contacts are right in "
            "pictures of that size alone unless --contact-side says it (ManipLLM's pictures are "
            "336 x 336)"
        )
    return tuple(notes)


def convert_parts(
    vision: str | Path,
    llm: str | Path,
    out: str | Path,
    *,
    tokenizer: str | Path | None = None,
    policy: PolicyConfig | None = None,
    settings: dict[str, Any] | None = None,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress = lambda count: None,
) -> Converted:
    """An encoder and a language model, and a new projector and policy head between them.

    Args:
      vision: an inference folder, or a checkpoint of a family that has an encoder.
      llm: the same for a language model.
      out: the new folder.
      tokenizer: a tokenizer.json; None takes the language model's own.
      policy: the new head; two_mlp if None.
      settings: fields of ``Processor`` that shall differ.
      seed: of the new parameters.
      overwrite: replace a folder written before.
      progress: told of the bytes written.

    Raises:
      InputError: a part is not what it should be, or does not load.
    """
    eye, tongue = open_part(vision, "vision"), open_part(llm, "llm")
    assert eye.parts.vision is not None
    assert tongue.parts.llm is not None
    try:
        head = policy or PolicyConfig(param_dtype="float32")
        parts = ModelParts(tongue.parts.llm, eye.parts.vision, head)
        new = _new_parameters(parts.llm, parts.vision, head, seed)
        found, notes = tongue.tokenizer(tokenizer)
        processor = Processor(
            found,
            eye.transform,
            prompt_template((settings or {}).get("template") or "standard"),
            **{
                key: value
                for key, value in (settings or {}).items()
                if value is not None and key != "template"
            },
        )
        path = write(
            out,
            parts,
            processor,
            [*eye.tensors, *tongue.tensors, *new],
            origin={"family": "parts", "vision": eye.origin, "llm": tongue.origin, "seed": seed},
            overwrite=overwrite,
            progress=progress,
        )
    finally:
        eye.close()
        tongue.close()
    why = f"drawn with seed {seed}"
    fresh = tuple(TensorRow(None, info, "new", (name,), why) for name, info, _ in new)
    return Converted(path, (*eye.rows, *tongue.rows, *fresh), (*eye.notes, *tongue.notes, *notes))


def _new_parameters(llm: Any, vision: Any, head: PolicyConfig, seed: int) -> list[Any]:
    """Fresh projector and policy head, as tensors."""
    assert isinstance(llm, MambaConfig)
    assert isinstance(vision, VisionConfig)
    rngs = nnx.Rngs(seed)
    dtypes = {"dtype": llm.dtype, "param_dtype": llm.param_dtype}
    modules = {
        "projector": Projector(vision.width, llm.d_model, rngs=rngs, **dtypes),
        "policy": PolicyHead(head, llm.d_model, llm, rngs=rngs),
    }
    tree = {name: nnx.to_pure_dict(nnx.state(module)) for name, module in modules.items()}
    found = []
    for name, make in tree_tensors(tree).items():
        array = make()
        found.append((name, TensorInfo(array.shape, str(array.dtype)), make))
    return found


@dataclasses.dataclass(frozen=True)
class Part:
    """An encoder or a language model on its way into a whole model."""

    parts: ModelParts
    tensors: Sequence[Any]
    rows: tuple[TensorRow, ...]
    notes: tuple[str, ...]
    origin: dict[str, Any]
    transform: ImageTransform | None
    tokenizer: Callable[[str | Path | None], tuple[Tokenizer | None, tuple[str, ...]]]
    close: Callable[[], None]


def open_part(path: str | Path, part: str) -> Part:
    """Open an inference folder or a checkpoint of any family for one of its parts.

    Args:
      path: of the folder or file.
      part: "vision" or "llm".

    Raises:
      InputError: it has no such part, or its family cannot be told.
    """
    if stored_kind(path) == "folder":
        folder = open_folder(path)
        if getattr(folder.parts, part) is None:
            raise InputError("no_such_part", f"{path} has no {part}", f"give one that has: {part}")
        source, processor = folder.source(), folder.processor()
        names = [name for name in source.names() if name.startswith(part + ".")]
        rows = tuple(TensorRow(name, source.info(name), "loaded", (name,)) for name in names)

        def own(given: str | Path | None) -> tuple[Tokenizer | None, tuple[str, ...]]:
            return (Tokenizer.load(given) if given else processor.tokenizer), ()

        tensors = source_tensors(source, names)
        origin = dict(folder.origin)
        return Part(folder.parts, tensors, rows, (), origin, processor.transform, own, source.close)
    checkpoint = open_checkpoint(detect_family(path), path)
    if getattr(checkpoint.parts, part) is None:
        checkpoint.source.close()
        raise InputError(
            "no_such_part", f"{path} is {checkpoint.family}: it has no {part}", f"give a {part}"
        )
    checkpoint.plan.check(path)
    return Part(
        checkpoint.parts,
        [entry for entry in _loaded(checkpoint) if entry[0].startswith(part + ".")],
        checkpoint.plan.rows,
        checkpoint.notes,
        _origin(checkpoint, True),
        checkpoint.transform,
        lambda given: _find_tokenizer(checkpoint, given),
        checkpoint.source.close,
    )


_TYPES = {"mamba": "hf-mamba", "clip": "hf-clip", "siglip": "hf-siglip", "dinov2": "dinov2"}


def detect_family(path: str | Path) -> str:
    """Which family's checkpoint lies there, by its config.json or its ending.

    Raises:
      InputError: nothing tells it.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    content = read_json(folder / "config.json") if (folder / "config.json").is_file() else {}
    kind = str(content.get("model_type", "")).removesuffix("_vision_model")
    if kind in _TYPES:
        return _TYPES[kind]
    if {"d_model", "n_layer"} <= set(content):
        return "hf-mamba"
    if "architecture" in content:
        return "timm-vit"
    if path.suffix.lower() in (".safetensors", ".onnx"):  # a file alone, as make assets writes
        source = open_source(path)
        source.close()
        if {"embeddings.position_embeddings", "layernorm.weight"} <= set(source.names()):
            return "dinov2"
    raise InputError(
        "unknown_format",
        f"{path}: no config.json says what it is",
        f"convert it first, with --from {', '.join(FAMILIES)}",
    )
