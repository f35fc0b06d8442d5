# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From a trained step to an inference folder: the base's tensors and the trained ones, in files.

The base is read from where it lies, tensor by tensor, in the numbers that it has there: what
training held in fewer bits is exported in all of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from robomamba_jax.config import RoboMambaConfig
from robomamba_jax.config.serial import ModelParts, parts_from_json
from robomamba_jax.config.training import ModelChoice
from robomamba_jax.convert.folder import Folder, source_tensors, write_folder
from robomamba_jax.convert.tensors import TensorSource
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.data.processor import BUILTIN_PROCESSORS, Processor, builtin_processor
from robomamba_jax.data.text.prompts import prompt_template
from robomamba_jax.data.text.tokenizer import Tokenizer
from robomamba_jax.errors import InputError
from robomamba_jax.models.params import Params
from robomamba_jax.training.checkpoint import read_meta
from robomamba_jax.training.weights import base_source, find_step, open_base, step_source
from robomamba_jax.utils.hashes import file_sha256


def trained_parts(
    config: RoboMambaConfig, base: ModelParts, choice: ModelChoice, trained: Params
) -> ModelParts:
    """The parts of the model that comes out: LoRA merged, parts that nothing was trained of in
    the base's numbers.

    Args:
      config: of training.
      base: what it began with.
      choice: of numbers.
      trained: the trained tree.
    """
    # Whole weights that were trained are exported in the dtype in which they were. Factors are
    # merged into the base's weights, which keep theirs, as do parts that were not trained at all.
    lora = choice.lora_rank > 0
    llm, vision, policy = config.llm, config.vision, config.policy
    stored = base.llm.param_dtype if base.llm and (lora or "llm" not in trained) else None
    llm = llm.replace(remat="none", lora_rank=0, param_dtype=stored or choice.trained_dtype)
    # A method that was chosen by name is for the run's device; the model is used on others.
    if choice.scan_method != "auto":
        llm = llm.replace(scan_method=base.llm.scan_method if base.llm else "auto")
    if vision is not None and base.vision is not None and "vision" not in trained:
        vision = vision.replace(param_dtype=base.vision.param_dtype)
    if policy is not None and base.policy is not None and "policy" not in trained:
        policy = policy.replace(param_dtype=base.policy.param_dtype)
    return ModelParts(llm, vision, policy)


@dataclasses.dataclass(frozen=True)
class TrainedFolder(Folder):
    """A trained step, read as if it were an inference folder."""

    def source(self) -> TensorSource:
        """The base's tensors with the trained ones in their place."""
        return step_source(self.path)

    def unread(self) -> TensorSource | None:
        """Nothing."""
        return None


def open_trained(path: str | Path) -> TrainedFolder:
    """A run's workdir (its newest good step) or a step's folder.

    Raises:
      InputError: there is none, or it is damaged.
    """
    step = find_step(path)
    meta = read_meta(step)
    parts = parts_from_json(meta["parts"], f"{step}/meta.json: parts")
    return TrainedFolder(step, parts, origin_of(step, meta), {})


def origin_of(step: Path, meta: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest of an exported folder says of where it came from."""
    return {
        "family": "robomamba_jax",
        "stage": meta["stage"],
        "step": meta["step"],
        "step_sha256": file_sha256(step / "manifest.json"),
        "base": {name: value for name, value in meta["base"].items() if name != "path"},
        "version": meta["version"],
    }


def export_folder(
    path: str | Path,
    out: str | Path,
    *,
    overwrite: bool = False,
    progress: Callable[[int], None] = lambda count: None,
) -> Path:
    """Write a trained model as an inference folder.

    Args:
      path: a run's workdir or a step's folder.
      out: the new folder.
      overwrite: replace a folder written before.
      progress: told of the bytes written.

    Raises:
      InputError: there is no good step, its base is gone or changed, or ``out`` exists.
    """
    trained = open_trained(path)
    source = trained.source()
    try:
        return write_folder(
            out,
            trained.parts,
            Processor.load(trained.path),
            source_tensors(source),
            origin=trained.origin,
            overwrite=overwrite,
            progress=progress,
        )
    finally:
        source.close()


def export_preset(
    name: str,
    out: str | Path,
    seed: int,
    tokenizer: str | Path | None,
    progress: Callable[[int], None] = lambda count: None,
    *,
    overwrite: bool = False,
) -> Path:
    """Write a preset with random weights as an inference folder.

    Args:
      name: of the preset.
      out: the new folder.
      seed: of the weights.
      tokenizer: a tokenizer.json; None = the built-in one of "tiny" and "nano".
      progress: told of the bytes written.
      overwrite: replace a folder written before.

    Raises:
      InputError: no such preset, no tokenizer, or ``out`` exists.
    """
    choice = ModelChoice(preset=name, dtype="float32", frozen_dtype="float32")
    base = open_base(None, choice, seed)
    assert base.parts.vision is not None
    if name in BUILTIN_PROCESSORS and tokenizer is None:
        processor = builtin_processor(name)
    elif tokenizer is None:
        raise InputError(
            "missing_tokenizer", f"preset {name!r} brings no tokenizer", "give --tokenizer FILE"
        )
    else:
        encoder = name if name in BUILTIN_PROCESSORS else "clip-l14-224"
        found = Tokenizer.load(tokenizer)
        processor = Processor(found, image_transform(encoder), prompt_template("standard"))
    return write_folder(
        out,
        base.parts,
        processor,
        source_tensors(base_source(base, seed)),
        origin={"family": "random", "preset": name, "seed": seed},
        overwrite=overwrite,
        progress=progress,
    )
