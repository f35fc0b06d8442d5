# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of other frameworks -> an inference folder, one tensor at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from flax import nnx

from robomamba_jax.checkpoints import stored_kind
from robomamba_jax.config import MambaConfig, PolicyConfig, VisionConfig
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.families import FAMILIES, ForeignCheckpoint, open_checkpoint
from robomamba_jax.convert.folder import open_folder, source_tensors
from robomamba_jax.convert.folder import write_folder as write
from robomamba_jax.convert.placement import lazy_tensors
from robomamba_jax.convert.rules import MatchedRule, TensorRow
from robomamba_jax.convert.sources import config_beside, open_source
from robomamba_jax.convert.tensors import LazyTensor, TensorInfo, has_nonfinite
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.data.processor import Processor
from robomamba_jax.data.text.prompts import prompt_template
from robomamba_jax.data.text.tokenizer import Tokenizer
from robomamba_jax.errors import InputError
from robomamba_jax.models.policy.head import PolicyHead
from robomamba_jax.models.projector import Projector
from robomamba_jax.utils.hashes import file_sha256

Progress = Callable[[int], None]


class ProcessorSettings(TypedDict, total=False):
    """Fields of ``Processor`` that no file of weights states; None = the family's."""

    template: str | None
    contact_scale: str | None
    contact_frame: str | None
    contact_side: int | None
    rotation_convention: str | None


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
    settings: ProcessorSettings | None = None,
    overwrite: bool = False,
    progress: Progress = lambda count: None,
) -> Converted:
    """Write what :func:`open_checkpoint` opened as an inference folder.

    Args:
      checkpoint: opened; it is closed in the end.
      out: the new folder.
      tokenizer: a tokenizer.json; None takes the one beside the weights, if there is one.
      settings: of the processor, where they differ from the family's.
      overwrite: replace a folder written before.
      progress: called with the number of bytes written.

    Raises:
      InputError: a tensor does not fit or is not finite, or the folder cannot be written.
    """
    try:
        checkpoint.plan.check(checkpoint.source.path)
        found, notes = _find_tokenizer(checkpoint, tokenizer)
        processor = _processor(checkpoint, found, settings or {})
        if _published_head(checkpoint):
            notes += published_notes(settings or {}, processor)
        kept = [row.name for row in checkpoint.plan.rows if row.action == "kept" and row.name]
        path = write(
            out,
            checkpoint.parts,
            processor,
            list(_loaded(checkpoint)),
            unread=source_tensors(checkpoint.source, kept),
            origin=_origin(checkpoint),
            overwrite=overwrite,
            progress=progress,
        )
    finally:
        checkpoint.source.close()
    return Converted(path, checkpoint.plan.rows, (*checkpoint.notes, *notes))


def _loaded(checkpoint: ForeignCheckpoint) -> Iterator[LazyTensor]:
    """Our tensors, in the order of the file that they come from."""
    source = checkpoint.source

    def read(name: str, match: MatchedRule, part: int) -> np.ndarray:
        """One of our tensors out of the file's."""
        array = source.read(name)
        if has_nonfinite(array):
            what = f"{source.path}: {name} holds NaN or infinity"
            fix = "take the checkpoint from before the training diverged"
            raise InputError("tensor_mismatch", what, fix)
        return match.rule.forward(array, match.shape)[part]

    for name, match in checkpoint.plan.matched.items():
        info = TensorInfo(match.shape, source.info(name).dtype)
        # A joint tensor (query, key and value in one) is read once for each of its parts: holding
        # it until the others are written would cost memory, and files stay in the page cache.
        for part, target in enumerate(match.rule.targets):
            yield target, info, partial(read, name, match, part)


def read_tensors(checkpoint: ForeignCheckpoint) -> dict[str, np.ndarray]:
    """All our tensors of a checkpoint in memory, by name, in the file's dtypes.

    Raises:
      InputError: a tensor does not fit or is not finite.
    """
    checkpoint.plan.check(checkpoint.source.path)
    return {name: make() for name, _, make in _loaded(checkpoint)}


def _origin(checkpoint: ForeignCheckpoint) -> dict[str, Any]:
    """What the manifest records of where the weights came from."""
    files = checkpoint.source.files()
    return {
        "family": checkpoint.family,
        "notes": list(checkpoint.notes),
        "lm_head": checkpoint.lm_head,
        "files": {file.name: file_sha256(file) for file in files},
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
    # Fewer ids than rows are usual: embeddings are padded to a multiple.
    if tokenizer.size > rows:
        what = f"{path} has {tokenizer.size} ids, the embedding {rows} rows"
        raise InputError("bad_tokenizer", what, "give the tokenizer of this model")
    return tokenizer, ()


def _processor(
    checkpoint: ForeignCheckpoint, tokenizer: Tokenizer | None, settings: ProcessorSettings
) -> Processor:
    """The family's conventions, changed by the settings."""
    given = {name: value for name, value in settings.items() if value is not None}
    fields: dict[str, Any] = {"template": "raw" if checkpoint.parts.vision is None else "standard"}
    # The published code never rescales contacts from pixels of the file, nor turns rotations out of
    # ManipLLM's frame, and trains poses with this template (docs/checkpoints.md).
    if _published_head(checkpoint):
        fields = {"contact_scale": "raw", "rotation_convention": "manipllm"}
        fields["template"] = "official_pose"
        # A frame is a property of raw contacts alone; shares of a crop's side have none.
        if given.get("contact_scale", "raw") == "raw":
            fields["contact_frame"] = "file"
    fields |= given
    fields["template"] = prompt_template(fields["template"])
    return Processor(tokenizer, checkpoint.transform, **fields)


def _published_head(checkpoint: ForeignCheckpoint) -> bool:
    return checkpoint.family == "robomamba" and checkpoint.parts.policy is not None


def published_notes(settings: ProcessorSettings, processor: Processor) -> tuple[str, ...]:
    """What was assumed of a published head because its file does not say it.

    Args:
      settings: what the user stated; for that there are no notes.
      processor: with the assumptions.
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
            "the head was trained on them"
        )
    if processor.contact_frame == "file" and processor.contact_side is None:
        notes.append(
            "nor how large the images were that it was trained on: its contacts are right in "
            "images of that size alone unless --contact-side gives it (ManipLLM's images are "
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
    settings: ProcessorSettings | None = None,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress = lambda count: None,
) -> Converted:
    """An encoder and a language model, with a new projector and policy head.

    Args:
      vision: an inference folder, or a checkpoint of a family that has an encoder.
      llm: the same for a language model.
      out: the new folder.
      tokenizer: a tokenizer.json; None takes the language model's own.
      policy: the new head; two_mlp if None.
      settings: of the processor, where they differ from the usual.
      seed: of the new parameters.
      overwrite: replace a folder written before.
      progress: called with the number of bytes written.

    Raises:
      InputError: a part is not what it should be, or does not load.
    """
    # Both are open until the end: tensors are read when their turn to be written comes.
    encoder, language = open_part(vision, "vision"), open_part(llm, "llm")
    assert encoder.parts.vision is not None
    assert language.parts.llm is not None
    try:
        given: dict[str, Any] = {k: v for k, v in (settings or {}).items() if v is not None}
        template = prompt_template(given.pop("template", "standard"))
        head = policy or PolicyConfig(param_dtype="float32")
        parts = ModelParts(language.parts.llm, encoder.parts.vision, head)
        new = _new_parameters(language.parts.llm, encoder.parts.vision, head, seed)
        found, notes = language.tokenizer(tokenizer)
        origin = {"vision": encoder.origin, "llm": language.origin, "seed": seed}
        path = write(
            out,
            parts,
            Processor(found, encoder.transform, template, **given),
            [*encoder.tensors, *language.tensors, *new],
            origin={"family": "parts", **origin},
            overwrite=overwrite,
            progress=progress,
        )
    finally:
        encoder.close()
        language.close()
    why = f"initialized with seed {seed}"
    fresh = (TensorRow(None, info, "new", (name,), why) for name, info, _ in new)
    rows = (*encoder.rows, *language.rows, *fresh)
    return Converted(path, rows, (*encoder.notes, *language.notes, *notes))


def _new_parameters(
    llm: MambaConfig, vision: VisionConfig, head: PolicyConfig, seed: int
) -> list[LazyTensor]:
    """Projector and policy head, initialized."""
    rngs = nnx.Rngs(seed)
    dtypes = {"dtype": llm.dtype, "param_dtype": llm.param_dtype}
    modules = {
        "projector": Projector(vision.width, llm.d_model, rngs=rngs, **dtypes),
        "policy": PolicyHead(head, llm.d_model, llm, rngs=rngs),
    }
    return lazy_tensors({n: nnx.to_pure_dict(nnx.state(module)) for n, module in modules.items()})


@dataclasses.dataclass(frozen=True)
class OpenedPart:
    """An encoder or a language model, opened to become part of a whole model.

    Attributes:
      parts: what its checkpoint holds.
      tensors: of the part, by our names.
      rows: of the table.
      notes: what was decided, in sentences.
      origin: for the manifest.
      transform: of the images; None where there is no encoder.
      tokenizer: from a path or None to the tokenizer to use, and notes.
      close: closes the checkpoint.
    """

    parts: ModelParts
    tensors: Sequence[LazyTensor]
    rows: tuple[TensorRow, ...]
    notes: tuple[str, ...]
    origin: dict[str, Any]
    transform: ImageTransform | None
    tokenizer: Callable[[str | Path | None], tuple[Tokenizer | None, tuple[str, ...]]]
    close: Callable[[], None]


def open_part(path: str | Path, part: str) -> OpenedPart:
    """Open an inference folder or a checkpoint of any family for one of its parts.

    Args:
      path: of the folder or file.
      part: "vision" or "llm".

    Raises:
      InputError: it has no such part, or its family is unknown.
    """
    if stored_kind(path) == "folder":
        folder = open_folder(path)
        if getattr(folder.parts, part) is None:
            raise InputError("no_such_part", f"{path} has no {part}", f"give one that has: {part}")
        source, processor = folder.source(), folder.processor()
        # Of a whole model its part is taken; projector and head are of another pair, and made anew.
        names = [name for name in source.names() if name.startswith(part + ".")]
        rows = tuple(TensorRow(name, source.info(name), "loaded", (name,)) for name in names)

        def own(given: str | Path | None) -> tuple[Tokenizer | None, tuple[str, ...]]:
            """The folder's tokenizer, unless another is given."""
            return (Tokenizer.load(given) if given else processor.tokenizer), ()

        tensors = source_tensors(source, names)
        origin = dict(folder.origin)
        return OpenedPart(
            folder.parts, tensors, rows, (), origin, processor.transform, own, source.close
        )
    checkpoint = open_checkpoint(detect_family(path), path)
    if getattr(checkpoint.parts, part) is None:
        checkpoint.source.close()
        raise InputError(
            "no_such_part", f"{path} is {checkpoint.family}: it has no {part}", f"give a {part}"
        )
    checkpoint.plan.check(path)
    return OpenedPart(
        checkpoint.parts,
        [entry for entry in _loaded(checkpoint) if entry[0].startswith(part + ".")],
        checkpoint.plan.rows,
        checkpoint.notes,
        _origin(checkpoint),
        checkpoint.transform,
        lambda given: _find_tokenizer(checkpoint, given),
        checkpoint.source.close,
    )


_TYPES = {"mamba": "hf-mamba", "clip": "hf-clip", "siglip": "hf-siglip", "dinov2": "dinov2"}


def detect_family(path: str | Path) -> str:
    """Which family a checkpoint is of, by its config.json or its tensors' names.

    Raises:
      InputError: neither says it.
    """
    path = Path(path)
    content = config_beside(path) or {}
    kind = str(content.get("model_type", "")).removesuffix("_vision_model")
    # transformers says it in model_type, the original Mamba by its two sizes, timm by the name of
    # an architecture.
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
    what = f"{path} has no config.json that says what it is"
    raise InputError("unknown_format", what, f"convert it first, with --from {', '.join(FAMILIES)}")
