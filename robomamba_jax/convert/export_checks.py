# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the reader of an exported file would not load, would lose, or would misinterpret.

The published RoboMamba loads with ``strict=False``: it skips tensors that it does not know and
keeps its initial values for those that are missing, both silently. What would be lost in that way,
or does not fit its classes at any size, is refused unless the user insists; everything else is a
note.
"""

from __future__ import annotations

from robomamba_jax.config import MambaConfig, VisionConfig, preset, vision_preset
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.folder import Folder
from robomamba_jax.data.images.transforms import TRANSFORMS
from robomamba_jax.data.processor import Processor
from robomamba_jax.errors import InputError

_LLMS = ("370m", "790m", "1.4b", "2.8b")
# Whose sizes the published code knows: its own table of Mamba models, and timm's names.
_TOWERS = ("clip-l14-224", "clip-l14-336", "siglip-l16-256", "siglip-l16-384")
_HEAD_FIX = (
    "train it with model.policy=two_mlp_repo, leave it out with --without-policy, take --to "
    "safetensors, or write it anyway with --anyway"
)
_FIX = "take --to safetensors, or write it anyway with --anyway"


def check_published(folder: Folder, *, policy: bool) -> None:
    """Refuse what the published RoboMamba's classes cannot hold.

    Args:
      folder: whose parts are to be written.
      policy: whether its head is.

    Raises:
      InputError: something would not load there, or would be lost silently.
    """
    parts = folder.parts
    heads, others = _head_problems(parts) if policy else [], _llm_problems(parts.llm)
    # The head first, since leaving it out is a way to write the file all the same.
    problems = [*heads, *others]
    if problems:
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise InputError(
            "not_published", f"{folder.path}: {problems[0]}{more}", _HEAD_FIX if heads else _FIX
        )


def _head_problems(parts: ModelParts) -> list[str]:
    if parts.policy is None:
        return []
    problems = {
        "its two_mlp head has hidden widths of 1/4 and 1/8 of the model's; RoboMamba's class "
        "has 1/2 and 1/4 and cannot load it": parts.policy.kind == "two_mlp",
        "RoboMamba's class has no gripper head and would ignore this one": parts.policy.gripper,
    }
    return [what for what, there in problems.items() if there]


def _llm_problems(llm: MambaConfig | None) -> list[str]:
    if llm is None:
        return []
    problems = {
        "its output head is not the embedding; RoboMamba's class ties the two, and the head "
        "would take the embedding's place": not llm.tie_embeddings,
        "RoboMamba's class has no biases of in_proj and out_proj: they would be lost": llm.bias,
        "RoboMamba's class has a bias in its convolutions, which this model lacks": (
            not llm.conv_bias
        ),
    }
    return [what for what, there in problems.items() if there]


def export_notes(to: str, folder: Folder, *, policy: bool = True) -> list[str]:
    """What the user of a written file should know, in sentences.

    Args:
      to: the layout.
      folder: what was written.
      policy: whether its head was.
    """
    parts = folder.parts
    if to == "safetensors":
        return [
            f"weights alone, under our names: config.json, processor.json and the tokenizer stay "
            f"in {folder.path}"
        ]
    if to == "robomamba":
        return _published_notes(folder, policy)
    held = [name for name in ("vision", "llm", "policy") if getattr(parts, name) is not None]
    if {"vision", "llm"} <= set(held):
        held.insert(1, "projector")
    lost = [name for name in held if name != ("llm" if to == "hf-mamba" else "vision")]
    notes = [f"{to} has no place for: {', '.join(lost)}"] if lost else []
    if to == "hf-mamba":
        return notes
    assert parts.vision is not None
    return [*notes, *_tower_notes(to, folder, parts.vision)]


def _tower_notes(to: str, folder: Folder, vision: VisionConfig) -> list[str]:
    size = f"{vision.image_size} px"
    notes = [f"the image transform ({size}) is not in these files; it stays in processor.json"]
    kept = folder.origin.get("family") == to and folder.unread() is not None
    if not kept:
        behind = [f"block {number}" for number in range(vision.built_layers, vision.depth)]
        notes.append(
            f"{' and '.join([*behind, 'the last norm'])}, which RoboMamba never reads, are not in "
            "the folder: another program fills them with its own"
        )
    # timm's own of the two architectures, CLIP and SigLIP.
    usual = 1e-5 if vision.cls_token else 1e-6
    if to == "timm-vit" and vision.norm_eps != usual:
        notes.append(
            f"timm's config has no place for norm_eps {vision.norm_eps:g}; it has {usual:g}"
        )
    return notes


def _published_notes(folder: Folder, policy: bool) -> list[str]:
    parts, processor = folder.parts, folder.processor()
    assert parts.llm is not None
    assert parts.vision is not None
    notes = _size_notes(parts.llm, parts.vision)
    notes += _setting_notes(parts.llm, parts.vision, processor)
    if parts.policy is None:
        return notes
    if not policy:
        return ["the policy head was left out: a file for RoboMamba's LinearVLM", *notes]
    kinds = {"mlp": "mlp", "ssm_mlp": "ssm+mlp"}
    if parts.policy.kind in kinds:
        notes.append(
            f"RoboMamba's LinearManip takes this head with head_type={kinds[parts.policy.kind]!r}; "
            "its create_model makes two MLPs alone"
        )
    if (processor.contact_scale, processor.contact_frame) != ("raw", "file"):
        notes.append(
            f"this head gives contacts in {processor.contacts}; RoboMamba's programs take them for "
            "pixels of the image file"
        )
    if processor.rotation_convention != "manipllm":
        notes.append(
            "this head gives directions in OpenCV's frame; RoboMamba's programs take them for "
            "ManipLLM's (forward, left, up)"
        )
    if processor.template.name != "official_pose":
        notes.append(
            f"this head was trained with the template {processor.template.name}; RoboMamba trains "
            "poses with official_pose and asks with official_test"
        )
    return notes


def _size_notes(llm: MambaConfig, vision: VisionConfig) -> list[str]:
    """Sizes for which the published code has no name."""
    # What the published table of models states; its programs take a name and build from that.
    names = ("d_model", "n_layer", "vocab_size", "d_state", "d_conv", "expand", "dt_rank")
    sizes = [tuple(getattr(model, name) for name in names) for model in map(preset, _LLMS)]
    mine = tuple(getattr(llm, name) for name in names)
    notes = []
    if mine not in sizes:
        sizes_text = ", ".join(f"{name} {value}" for name, value in zip(names, mine, strict=True))
        notes.append(f"RoboMamba's code names no language model of this size ({sizes_text})")
    fields = ("image_size", "patch_size", "width", "depth", "heads", "mlp_dim", "cls_token")
    towers = [tuple(getattr(tower, n) for n in fields) for tower in map(vision_preset, _TOWERS)]
    if tuple(getattr(vision, name) for name in fields) not in towers:
        notes.append(
            f"RoboMamba's code names no encoder of this size ({vision.image_size} px, patches of "
            f"{vision.patch_size}, width {vision.width}, {vision.depth} blocks, "
            f"{vision.heads} heads)"
        )
    return notes


def _setting_notes(llm: MambaConfig, vision: VisionConfig, processor: Processor) -> list[str]:
    """Settings that no tensor shows and that differ from those of RoboMamba's code."""
    clip = vision.cls_token
    usual = TRANSFORMS["clip-l14-224" if clip else "siglip-l16-256"]
    seen = processor.transform
    pairs = [
        ("norm_eps of the language model", llm.norm_eps, 1e-5),
        ("residual_in_fp32", llm.residual_in_fp32, True),
        ("the encoder's activation", vision.activation, "quick_gelu" if clip else "gelu_erf"),
        ("norm_eps of the encoder", vision.norm_eps, 1e-5 if clip else 1e-6),
        ("the block that is read", vision.built_layers, vision.depth - 1),
    ]
    if seen is not None:
        pairs += [
            (f"the image transform's {name}", getattr(seen, name), getattr(usual, name))
            for name in ("mode", "mean", "std", "background")
        ]
    return [
        f"{what} is {mine} here; RoboMamba's code has {theirs}, whatever the file says"
        for what, mine, theirs in pairs
        if mine != theirs
    ]
