# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The README.md of an inference folder: what lies there, for a person who finds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.tensor_names import abstract_parts
from robomamba_jax.data.processor import Processor
from robomamba_jax.models.params import count_params
from robomamba_jax.utils.untrusted_text import printable


def model_card(
    name: str, parts: ModelParts, processor: Processor, origin: Mapping[str, Any]
) -> str:
    """Markdown: contents, use, origin.

    Args:
      name: of the folder.
      parts: what it holds.
      processor: what it needs beside the weights.
      origin: as in the manifest.
    """
    tree = abstract_parts(parts)
    rows = [f"| {part} | {count_params(params):,} |" for part, params in tree.items()]
    lines = [
        f"# {name}",
        "",
        "A checkpoint folder of robomamba_jax (RoboMamba, arXiv 2406.04339, in JAX).",
        "",
        "| part | parameters |",
        "|---|---|",
        *rows,
        "",
        *_sizes(parts),
        *_reading(processor),
        "",
        "## Use",
        "",
        *_use(parts, processor),
        "",
        "## Origin",
        "",
        *(_origin(origin) or ["Not stated."]),
        "",
        "`manifest.json` has the sha256 of every file; `robomamba verify --hashes DIR` checks.",
        "The licence of the weights is that of the checkpoint that they come from.",
    ]
    return "\n".join(lines) + "\n"


def _sizes(parts: ModelParts) -> list[str]:
    lines = []
    if parts.vision is not None:
        v = parts.vision
        lines.append(
            f"- encoder: {v.image_size} px, patches of {v.patch_size}, width {v.width}, "
            f"{v.built_layers} of {v.depth} blocks, stored in {v.param_dtype}"
        )
    if parts.llm is not None:
        m = parts.llm
        lines.append(
            f"- language model: Mamba, width {m.d_model}, {m.n_layer} layers, "
            f"{m.vocab_size} tokens, stored in {m.param_dtype}"
        )
    if parts.policy is not None:
        lines.append(f"- policy head: {parts.policy.kind}")
    return lines


def _reading(processor: Processor) -> list[str]:
    lines = [f"- prompt template: {processor.template.name}"]
    if processor.tokenizer is None:
        lines.append("- tokenizer: none; give one to `rm.load(..., tokenizer=PATH)`")
    raw = ""
    if processor.contact_scale == "raw":
        raw = f"contact_frame: {processor.contact_frame}; contact_side: {processor.contact_side}; "
    lines.append(
        f"- contact_scale: {processor.contact_scale}; {raw}"
        f"rotation_convention: {processor.rotation_convention}"
    )
    if raw:
        lines.append(f"- contacts are {processor.contacts}")
    return lines


def _use(parts: ModelParts, processor: Processor) -> list[str]:
    if parts.llm is None:
        return [
            "An encoder alone. Join it with a language model:",
            "",
            "```",
            "robomamba convert --from parts --vision THIS --llm PATH --tokenizer PATH --out DIR",
            "```",
        ]
    extra = "" if processor.tokenizer else ', tokenizer="tokenizer.json"'
    image = '["photo.png"]' if parts.vision is not None else "None"
    lines = [
        "```python",
        "import robomamba_jax as rm",
        f'model, processor = rm.load("DIR"{extra})',
        f'print(rm.generate(model, processor, {image}, ["What can the robot open?"]))',
    ]
    if parts.policy is not None and parts.vision is not None:
        lines.append('print(rm.predict_pose(model, processor, "photo.png", "open the drawer"))')
    return [*lines, "```"]


def _origin(origin: Mapping[str, Any]) -> list[str]:
    shown = {key: value for key, value in origin.items() if key != "files" and value}
    texts = {k: "; ".join(v) if isinstance(v, list) else v for k, v in shown.items()}
    return [f"- {key}: {printable(str(text))}" for key, text in texts.items()]
