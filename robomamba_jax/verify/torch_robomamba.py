# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The published RoboMamba in torch, out of timm's and transformers' own modules.

Written from the description of its checkpoints and code, to be compared with: names of
parameters are those of the published files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from robomamba_jax.convert.infer_config import TIMM_MODELS
from robomamba_jax.utils.json_types import Json
from robomamba_jax.verify.timm_import import import_timm
from robomamba_jax.verify.torch_capture import Hook, mamba_block_hooks, mamba_hooks, timm_hooks
from robomamba_jax.verify.torch_types import StateDict, TorchModule

if TYPE_CHECKING:
    import torch

_PEFT = "llm.mamba.base_model.model."
_FACTOR = re.compile(r"(.+)\.lora_A(\.default)?\.weight")


def plain_state(state: StateDict, alpha: float) -> dict[str, torch.Tensor]:
    """A state dict without ``module.``, without peft's names, LoRA added in float64.

    Args:
      state: as the file holds it.
      alpha: of LoRA.
    """
    if all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): value for name, value in state.items()}
    names = {name: name.replace(_PEFT, "llm.mamba.") for name in state}
    plain = {new: state[old] for old, new in names.items()}
    for name in list(plain):
        found = _FACTOR.fullmatch(name)
        if not found:
            continue
        a = plain.pop(name)
        b = plain.pop(name.replace("lora_A", "lora_B"))
        base = f"{found[1]}.base_layer.weight"
        base = base if base in plain else f"{found[1]}.weight"
        weight = plain[base]
        # B A has the weight's shape: A is [r, in], B is [out, r]. In float64, so that our float32
        # sum is held against something better than itself.
        plain[base] = (weight.double() + alpha / len(a) * (b.double() @ a.double())).to(
            weight.dtype
        )
    return {
        name.replace(".base_layer.", ".").replace("backbone.embedding.", "backbone.embeddings."): v
        for name, v in plain.items()
    }


def build(state: StateDict, arguments: Mapping[str, Json]) -> TorchModule:
    """The module with these weights, in float32.

    Args:
      state: from :func:`plain_state`; sizes are read from its shapes.
      arguments: of timm's constructor, where shapes do not tell: num_heads, act_layer.
    """
    from torch import nn
    from transformers.models.mamba.modeling_mamba import MambaBlock

    width = state["llm.mamba.backbone.embeddings.weight"].shape[1]
    model = nn.Module()
    for name in ("vision", "projector", "llm"):
        model.add_module(name, nn.Module())
    parts: Any = dict(model.named_children())
    parts["vision"].model = encoder(_under(state, "vision.model."), arguments)
    into = state["projector.projector.0.weight"].shape
    parts["projector"].projector = nn.Sequential(
        nn.Linear(into[1], into[0]),
        nn.GELU(),
        nn.Linear(into[0], width),
        nn.GELU(),
        nn.Linear(width, width),
    )
    wanted = dict(state)
    head, embedding = "llm.mamba.lm_head.weight", "llm.mamba.backbone.embeddings.weight"
    if head not in wanted or not wanted[head].any():  # stage 2 files hold zeros there
        wanted[head] = wanted[embedding]
    # By values: a tied module has one parameter under both names, and takes one of the tensors.
    tied = bool((wanted[head] == wanted[embedding]).all())
    parts["llm"].mamba = language_model(_under(wanted, "llm.mamba."), tie_word_embeddings=tied)
    for name in ("ssm1", "ssm2"):
        if f"{name}.norm.weight" in state:
            model.add_module(name, MambaBlock(parts["llm"].mamba.config, layer_idx=0))
    for name in ("action_head", "action_head1", "action_head2", "gripper_head"):
        if f"{name}.fc1.weight" in state:
            model.add_module(name, _head(state, name))
    # Strict, unlike the published loader: a name that it did not know would leave random weights in
    # what we compare with.
    model.load_state_dict({name: value.float() for name, value in wanted.items()}, strict=True)
    return model.float().eval()


def _under(state: StateDict, prefix: str) -> dict[str, torch.Tensor]:
    return {name[len(prefix) :]: v for name, v in state.items() if name.startswith(prefix)}


def encoder(state: StateDict, arguments: Mapping[str, Json]) -> TorchModule:
    """timm's encoder of the sizes that the tensors have."""
    timm = import_timm()
    width, _, patch, _ = state["patch_embed.proj.weight"].shape
    # Of the two encoders that the published code can make, CLIP alone has a class token.
    clip = "cls_token" in state
    # pos_embed is [1, P (+ 1), D], P = side * side patches.
    side = int((state["pos_embed"].shape[1] - clip) ** 0.5)
    depth = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks."))
    given = {
        "img_size": side * patch,
        "patch_size": patch,
        "embed_dim": width,
        "depth": depth,
        "num_heads": width // 64,
        "mlp_ratio": state["blocks.0.mlp.fc1.weight"].shape[0] / width,
        "act_layer": "quick_gelu" if clip else "gelu",
        **arguments,
    }
    name = TIMM_MODELS["clip" if clip else "siglip"]
    return timm.create_model(name, pretrained=False, num_classes=0, **given)


def language_model(state: StateDict, *, tie_word_embeddings: bool) -> TorchModule:
    """transformers' Mamba of the sizes that the tensors have."""
    import transformers

    mixer = "backbone.layers.0.mixer."
    vocab, width = state["backbone.embeddings.weight"].shape
    inner, states = state[mixer + "A_log"].shape
    given = {
        "vocab_size": vocab,
        "hidden_size": width,
        "state_size": states,
        "expand": inner // width,
        "num_hidden_layers": sum(name.endswith("mixer.A_log") for name in state),
        "conv_kernel": state[mixer + "conv1d.weight"].shape[-1],
        "time_step_rank": state[mixer + "dt_proj.weight"].shape[1],
        "use_mambapy": False,
        "use_associative_scan": False,
        "tie_word_embeddings": tie_word_embeddings,
    }
    return transformers.MambaForCausalLM(transformers.MambaConfig(**given))


def _head(state: StateDict, name: str) -> Any:
    from torch import nn

    sizes = [state[f"{name}.fc{n}.weight"].shape for n in (1, 2, 3)]
    head: Any = nn.Module()
    for number, (out, into) in enumerate(sizes, 1):
        head.add_module(f"fc{number}", nn.Linear(into, out, bias=number < 3))
    return head


def hooks_of(model: TorchModule, built: int, output: str) -> tuple[list[Hook], list[str]]:
    """Hooks of all its ops, and the paths of its scans in the order of execution."""
    hooks = timm_hooks(model.vision.model, built)
    hooks += [Hook((f"projector.fc{n + 1}",), model.projector.projector[2 * n]) for n in range(3)]
    more, scans = mamba_hooks(model.llm.mamba)
    hooks += more
    if output != "pose":
        return hooks, scans
    for name in ("ssm1", "ssm2"):
        if hasattr(model, name):
            hooks += mamba_block_hooks(getattr(model, name), f"policy.{name}")
            scans.append(f"policy.{name}.mixer.dt_proj")
    for name in ("action_head", "action_head1", "action_head2", "gripper_head"):
        if hasattr(model, name):
            head = getattr(model, name)
            hooks += [Hook((f"policy.{name}.fc{n}",), getattr(head, f"fc{n}")) for n in (1, 2, 3)]
    return hooks, scans


def forward(
    model: TorchModule, input_ids: torch.Tensor, images: torch.Tensor, output: str
) -> torch.Tensor:
    """Logits float32[B, T, V] at the text positions, or the pose float32[B, 8].

    Args:
      model: from :func:`build`.
      input_ids: int64[B, T].
      images: float32[B, 3, S, S], normalised.
      output: "logits" or "pose".
    """
    import torch

    encoder = model.vision.model
    # RoboMamba reads the last block but one, as LLaVA does.
    patches = encoder.get_intermediate_layers(images, n={len(encoder.blocks) - 2})[0]
    states, count = joint_states(model, patches, input_ids)
    if output == "logits":
        return model.llm.mamba.lm_head(states[:, count:])
    if hasattr(model, "ssm1"):
        contact, rotation = (getattr(model, name)(states).mean(1) for name in ("ssm1", "ssm2"))
    else:
        # The first token of the text, and the last: the image's stand before both.
        contact = rotation = (states[:, count] + states[:, -1]) / 2
    if hasattr(model, "action_head"):
        return read_head(model.action_head, contact)
    heads = ((model.action_head1, contact), (model.action_head2, rotation))
    return torch.cat([read_head(head, pooled) for head, pooled in heads], 1)


def joint_states(
    model: TorchModule, patches: torch.Tensor, input_ids: torch.Tensor
) -> tuple[torch.Tensor, int]:
    """The language model's states [B, T, D] over image and text, and how many are the image's.

    Args:
      model: from :func:`build`.
      patches: float32[B, P, width], the encoder's.
      input_ids: int64[B, T], which follow the image.
    """
    import torch

    image = model.projector.projector(patches)
    backbone = model.llm.mamba.backbone
    joint = torch.cat([image, backbone.embeddings(input_ids)], dim=1)
    return backbone(inputs_embeds=joint, use_cache=False).last_hidden_state, image.shape[1]


def read_head(head: TorchModule, x: torch.Tensor) -> torch.Tensor:
    """A head's three layers on float32[B, D]."""
    import torch

    return head.fc3(torch.relu(head.fc2(torch.relu(head.fc1(x)))))
