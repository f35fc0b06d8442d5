# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint in torch and here compared: weights, ops and gradients, in one certificate."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.convert.families import ForeignCheckpoint, open_checkpoint
from robomamba_jax.convert.folder import open_folder
from robomamba_jax.convert.infer_config import TIMM_ACTIVATIONS
from robomamba_jax.convert.lora import ALPHA
from robomamba_jax.convert.run import read_tensors
from robomamba_jax.convert.tensor_names import tensor_shapes
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.hashes import file_sha256
from robomamba_jax.utils.version import installed_version
from robomamba_jax.verify.compare import (
    GRADIENT_TOLERANCE,
    LOCAL_TOLERANCE,
    OpRow,
    WeightRow,
    compare_gradients,
    compare_ops,
    compare_weights,
    diverging,
    error_of_scale,
    to_json,
)
from robomamba_jax.verify.jax_side import JaxSide, op_of_parameter
from robomamba_jax.verify.torch_side import TorchSide, load_torch

SCHEMA = "robomamba.verify/1"
PERTURBATION = 0.01
"""Of a tensor's root mean square."""
_PACKAGES = ("jax", "jaxlib", "flax", "numpy", "torch", "transformers", "timm", "robomamba-jax")

Tensors = dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A checkpoint loaded on both sides.

    Attributes:
      checkpoint: opened; its rules map names.
      tensors: ours, in the dtype of the file or folder.
      ours: our model with these tensors.
      torch: torch's.
      inputs: what both are given.
      output: which result is compared.
    """

    checkpoint: ForeignCheckpoint
    tensors: Tensors
    ours: JaxSide
    torch: TorchSide
    inputs: Mapping[str, np.ndarray]
    output: str

    def weights(self, tensors: Tensors) -> list[WeightRow]:
        """Every tensor of the file that is loaded, ours turned back into its layout."""
        ours = self.in_file_layout(tensors)
        theirs = self.torch.parameters()
        return compare_weights(ours, {n: value for n, value in theirs.items() if n in ours})

    def in_file_layout(self, tensors: Mapping[str, np.ndarray]) -> Tensors:
        """Our tensors, or their gradients, as the file has them, float32, by its names.

        Resampled ones are left out: the way back is not exact.
        """
        return {
            name: match.rule.backward([tensors[t].astype(np.float32) for t in match.rule.targets])
            for name, match in self.checkpoint.plan.matched.items()
            if match.rule.resample is None
        }

    def activations(
        self, tensors: Tensors, reference: tuple[np.ndarray, Mapping[str, np.ndarray]]
    ) -> tuple[list[OpRow], float]:
        """Every op, and the result's error; gradients are left out."""
        ours = self.ours.with_tensors(tensors)
        result, carried = ours.run(self.inputs, self.output)
        _, local = ours.run(self.inputs, self.output, reference[1])
        return compare_ops(local, carried, reference[1]), error_of_scale(result, reference[0])


def open_comparison(
    family: str,
    path: str | Path,
    *,
    folder: str | Path | None = None,
    output: str | None = None,
    changes: Sequence[str] = (),
    lora_alpha: float = ALPHA,
    lora: str = "merge",
    seed: int = 0,
    batch: int = 2,
    length: int = 16,
    layout: str = "list",
) -> Comparison:
    """Load a checkpoint on both sides.

    Args:
      family: of the checkpoint.
      path: the original, for torch.
      folder: the inference folder made of it; None converts in memory.
      output: features, logits or pose; None takes the last that the checkpoint has.
      changes: of the configuration, as for ``open_checkpoint``.
      lora_alpha: of LoRA factors.
      lora: "merge", or "base", which leaves them out on both sides.
      seed: of the inputs.
      batch: rows.
      length: text tokens per row.
      layout: of our language model's layers, "list" or "stacked".

    Raises:
      InputError: it does not load on either side, or the folder is of another model.
    """
    checkpoint = open_checkpoint(family, path, changes=changes, lora_alpha=lora_alpha, lora=lora)
    try:
        tensors = read_tensors(checkpoint) if folder is None else _of_folder(folder, checkpoint)
    finally:
        checkpoint.source.close()
    # After the tensors are read, which have the dtypes of the file.
    checkpoint = _in_float32(checkpoint)
    vision, llm = checkpoint.parts.vision, checkpoint.parts.llm
    # torch's encoders have all their blocks, of which the last is not read.
    built = 0 if vision is None else vision.built_layers
    arguments: dict[str, Any] = {}
    if vision is not None and family in ("timm-vit", "robomamba"):
        arguments = {
            "num_heads": vision.heads,
            "act_layer": TIMM_ACTIVATIONS[vision.activation],
            "img_size": vision.image_size,
        }
    alpha = lora_alpha if lora == "merge" else 0.0  # by which torch's side adds nothing
    side = load_torch(family, path, built=built, lora_alpha=alpha, arguments=arguments)
    output = output or side.outputs[-1]
    if output not in side.outputs:
        raise unknown_name("bad_arguments", "output", output, side.outputs)
    rng = np.random.default_rng(seed)
    inputs: dict[str, np.ndarray] = {}
    if llm is not None:
        inputs["input_ids"] = rng.integers(0, llm.vocab_size, (batch, length))
    if vision is not None:
        size = vision.image_size
        # Of the size that normalised images have; what they show plays no part.
        inputs["images"] = rng.standard_normal((batch, size, size, 3), np.float32)
    ours = JaxSide(checkpoint.parts, tensors, layout)
    return Comparison(checkpoint, tensors, ours, side, inputs, output)


def _of_folder(folder: str | Path, checkpoint: ForeignCheckpoint) -> Tensors:
    opened = open_folder(folder)
    # Names and shapes decide; dtypes may differ, since both sides compute in float32.
    if tensor_shapes(opened.parts) != tensor_shapes(checkpoint.parts):
        what = f"{folder} holds another model than {checkpoint.source.path}"
        raise InputError("tensor_mismatch", what, "give the folder that was converted from it")
    source = opened.source()
    try:
        return {name: source.read(name) for name in source.names()}
    finally:
        source.close()


def _in_float32(checkpoint: ForeignCheckpoint) -> ForeignCheckpoint:
    """Stored numbers are exact in float32; both sides compute in it."""
    parts = checkpoint.parts
    float32 = {"dtype": "float32", "param_dtype": "float32"}
    changed = {
        name: getattr(parts, name).replace(**float32)
        for name in ("llm", "vision")
        if getattr(parts, name) is not None
    }
    return dataclasses.replace(checkpoint, parts=dataclasses.replace(parts, **changed))


def perturbed(tensors: Tensors, name: str, seed: int = 0) -> Tensors:
    """A copy in which one tensor has normal noise of 1 % of its root mean square.

    Raises:
      InputError: there is no such tensor, or it is zero everywhere.
    """
    if name not in tensors:
        raise unknown_name("unknown_parameter", "tensor", name, tensors)
    value = tensors[name].astype(np.float32)
    rms = float(np.sqrt(np.mean(np.square(value, dtype=np.float64))))
    if not rms:
        raise InputError("bad_arguments", f"{name} is all zeros: 1 % of it is nothing", "another")
    # Noise and not a factor, which a norm behind it would divide out again.
    noise = np.random.default_rng(seed).standard_normal(value.shape, np.float32)
    return {**tensors, name: value + np.float32(PERTURBATION * rms) * noise}


def verify(
    comparison: Comparison,
    *,
    gradients: bool = True,
    perturb: str | None = None,
    hashes: bool = True,
) -> dict[str, Any]:
    """Compare both sides.

    Args:
      comparison: from :func:`open_comparison`.
      gradients: compare them too.
      perturb: a tensor, by our name or the file's, in which to plant an error.
      hashes: note the sha256 of the files.

    Returns:
      The certificate: JSON values; ``agree`` says whether everything lies within bounds.
    """
    tensors, planted = comparison.tensors, None
    if perturb is not None:
        planted = _our_name(comparison, perturb)
        tensors = perturbed(tensors, planted)
    weights = comparison.weights(tensors)
    reference = comparison.torch.run(comparison.inputs, comparison.output)
    ops, error = comparison.activations(tensors, reference)
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "family": comparison.checkpoint.family,
        "output": comparison.output,
        "source": str(comparison.checkpoint.source.path),
        "files": {f.name: file_sha256(f) for f in comparison.checkpoint.source.files()}
        if hashes
        else {},
        "versions": {
            "python": platform.python_version(),
            **{name: installed_version(name) for name in _PACKAGES},
        },
        "inputs": {name: list(value.shape) for name, value in comparison.inputs.items()},
        "weights": _weights_report(weights, comparison),
        "activations": {
            "tolerance": LOCAL_TOLERANCE,
            "ops": [to_json(row) for row in ops],
            "result_error": to_json(error),
            "diverging": diverging(ops),
            "first_diverging": next(iter(diverging(ops)), None),
        },
    }
    sound = not report["weights"]["differing"] and not report["activations"]["diverging"]
    # End to end as well: ops that are each within bounds might add up.
    sound = sound and error <= LOCAL_TOLERANCE
    if gradients:
        report["gradients"] = _gradients(comparison, tensors, reference[0].shape)
        sound = sound and not report["gradients"]["diverging"]
    report["agree"] = bool(sound)
    if planted is not None:
        report["perturbed"] = _found(planted, comparison, report)
    return report


def _our_name(comparison: Comparison, name: str) -> str:
    """Our tensor behind either name."""
    matched = comparison.checkpoint.plan.matched
    return matched[name].rule.targets[0] if name in matched else name


def _weights_report(rows: Sequence[WeightRow], comparison: Comparison) -> dict[str, Any]:
    matched = comparison.checkpoint.plan.matched
    resampled = [name for name, match in matched.items() if match.rule.resample is not None]
    # Both sides merge LoRA, each in its own arithmetic: equal but for rounding.
    merged = getattr(comparison.checkpoint.source, "merged", {})
    differing = [row for row in rows if not row.equal and not _rounded(row, merged)]
    return {
        "compared": len(rows),
        "equal": sum(row.equal for row in rows),
        "merged": sum(_rounded(row, merged) for row in rows),
        "not_comparable": resampled,
        "differing": [to_json(row) for row in differing],
    }


def _rounded(row: WeightRow, merged: Mapping[str, Any]) -> bool:
    # 2**-8 = 0.0039 is one step of bfloat16, the coarsest dtype that merged weights are stored in.
    return not row.equal and row.name in merged and row.error < 4e-3


def _gradients(comparison: Comparison, tensors: Tensors, shape: tuple[int, ...]) -> dict[str, Any]:
    # A random combination of the outputs: under a plain sum all have the same gradient, and one
    # that is taken for another would not show.
    weight = np.random.default_rng(1).standard_normal(shape, np.float32)
    theirs, their_ops = comparison.torch.gradients(comparison.inputs, comparison.output, weight)
    ours = comparison.ours.with_tensors(tensors)
    by_name, our_ops = ours.gradients(comparison.inputs, comparison.output, weight)
    named = comparison.in_file_layout(by_name)
    rows = compare_gradients(named, {n: value for n, value in theirs.items() if n in named})
    at_ops = {
        op: error_of_scale(our_ops[op], value) for op, value in their_ops.items() if op in our_ops
    }
    off = [row.name for row in rows if not row.zero and not row.error <= GRADIENT_TOLERANCE]
    return {
        "tolerance": GRADIENT_TOLERANCE,
        "parameters": [to_json(row) for row in rows],
        "zero_by_mathematics": [row.name for row in rows if row.zero],
        "ops": to_json(at_ops),
        "diverging": off,
    }


def _found(planted: str, comparison: Comparison, report: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the two reports found a planted error, of which neither has been informed."""
    file_name = next(
        name
        for name, match in comparison.checkpoint.plan.matched.items()
        if planted in match.rule.targets
    )
    # The one tensor and no other, and the op that reads it before any behind it.
    named = [row["name"] for row in report["weights"]["differing"]]
    first = report["activations"]["first_diverging"]
    return {
        "tensor": planted,
        "file_name": file_name,
        "op": op_of_parameter(planted),
        "weights_found": named == [file_name],
        "activations_found": first == op_of_parameter(planted),
    }
