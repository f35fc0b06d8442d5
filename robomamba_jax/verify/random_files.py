# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Small checkpoints with random weights, written by the libraries whose formats they have.

Sizes are odd on purpose, and no parameter has its initial value: norms, biases and steps
are random too, scaled so that signals keep their size through the layers.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from robomamba_jax.convert.infer_config import TIMM_MODELS
from robomamba_jax.utils.json_types import Json
from robomamba_jax.verify.log_filter import quiet
from robomamba_jax.verify.timm_import import import_timm
from robomamba_jax.verify.torch_types import TorchModule

MAMBA: dict[str, Any] = {
    "vocab_size": 300,
    "hidden_size": 48,
    "state_size": 8,
    "num_hidden_layers": 3,
    "time_step_rank": 5,
}
TOWER: dict[str, Any] = {
    "hidden_size": 36,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "image_size": 15,
    "patch_size": 5,
}
TIMM: dict[str, Any] = {
    "img_size": 15,
    "patch_size": 5,
    "embed_dim": 36,
    "depth": 3,
    "num_heads": 3,
    "mlp_ratio": 50 / 36,
}
SETTINGS = ["vision.heads=3"]
"""What a bare timm or RoboMamba file of these sizes does not say."""
_MLP = 50
_ACTS = {"clip": "quick_gelu", "siglip": "gelu"}


def randomise(model: TorchModule, seed: int = 0) -> TorchModule:
    """Give every parameter of a torch module a random value."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(_drawn(name, torch.randn(value.shape, generator=generator)))
    return model.eval()


def _drawn(name: str, draw: Any) -> Any:
    """One parameter's values out of normal ones."""
    import torch

    if name.endswith("A_log"):
        # Around its usual start, log(1 ... N), so that decays stay between 0 and 1 in a useful
        # range.
        return torch.log(torch.arange(1.0, draw.shape[1] + 1)) + 0.3 * draw
    if ("norm" in name and name.endswith("weight")) or "lambda1" in name:
        return 1 + 0.2 * draw
    if name.endswith("mixer.D"):
        return 1 + 0.2 * draw
    if name.endswith("dt_proj.bias"):  # steps from about 0.005 to 0.3
        return draw - 3
    if name.endswith("bias"):
        return 0.1 * draw
    if draw.dim() < 2 or re.search(r"token|pos|embeddings\.weight", name):
        return draw
    # By the square root of the inputs, which keeps a signal's size through a layer.
    return draw / math.sqrt(draw[0].numel())


def _typed(model: Any, dtype: str) -> Any:
    import torch

    return model.to(getattr(torch, dtype))


def hf_mamba(
    folder: Path, *, dtype: str = "float32", tied: bool = True, shard: str = "5GB", **config: Json
) -> Path:
    """transformers' MambaForCausalLM by save_pretrained.

    Args:
      folder: of the checkpoint.
      dtype: of every weight.
      tied: whether the head is the embedding.
      shard: the size above which the file is split.
      **config: fields of MambaConfig.
    """
    model = randomise(mamba_model(tie_word_embeddings=tied, **config))
    with quiet():
        _typed(model, dtype).save_pretrained(folder, max_shard_size=shard)
    return folder


def mamba_model(**config: Json) -> TorchModule:
    """transformers' MambaForCausalLM of the small sizes, with fields of MambaConfig changed."""
    import transformers

    given = {**MAMBA, "use_mambapy": False, "use_associative_scan": False, **config}
    with quiet():
        return transformers.MambaForCausalLM(transformers.MambaConfig(**given))


def _hf_vit(kind: str) -> Callable[..., Path]:
    def make(folder: Path, *, dtype: str = "float32", full: bool = False) -> Path:
        """transformers' encoder by save_pretrained; ``full`` with its text side."""
        import transformers

        get = transformers
        if kind == "dinov2":
            model = get.Dinov2Model(get.Dinov2Config(**TOWER, mlp_ratio=2))
        elif not full:
            config = getattr(get, f"{kind}VisionConfig")(**TOWER, intermediate_size=_MLP)
            model = getattr(get, f"{kind}VisionModel")(config)
        else:
            config = getattr(get, f"{kind}Config")(
                vision_config={**TOWER, "intermediate_size": _MLP},
                text_config={
                    "hidden_size": 36,
                    "num_hidden_layers": 1,
                    "num_attention_heads": 3,
                    "intermediate_size": 40,
                    "vocab_size": 60,
                    "eos_token_id": 2,
                },
            )
            model = getattr(get, f"{kind}Model")(config)
        with quiet():
            _typed(randomise(model), dtype).save_pretrained(folder)
        return folder

    return make


hf_clip, hf_siglip, dinov2 = (_hf_vit(kind) for kind in ("CLIP", "Siglip", "dinov2"))


def timm_tower(kind: str = "clip", **arguments: Json) -> TorchModule:
    """timm's encoder as RoboMamba makes it, random."""
    given = {**TIMM, "act_layer": _ACTS[kind], "num_classes": 0, **arguments}
    return randomise(import_timm().create_model(TIMM_MODELS[kind], pretrained=False, **given))


def timm_vit(folder: Path, *, dtype: str = "float32", kind: str = "clip", classes: int = 0) -> Path:
    """timm's encoder as its hub folders are: model.safetensors and config.json.

    Args:
      folder: of the checkpoint.
      dtype: of every weight.
      kind: clip or siglip.
      classes: outputs of a last layer, such as CLIP's projection; 0 = none.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    model = _typed(timm_tower(kind, num_classes=classes), dtype)
    save_file(model.state_dict(), folder / "model.safetensors")
    content = {
        "architecture": TIMM_MODELS[kind],
        "num_classes": 0,
        "model_args": {**TIMM, "act_layer": _ACTS[kind]},
    }
    (folder / "config.json").write_text(json.dumps(content))
    return folder


def robomamba(
    path: Path,
    *,
    dtype: str = "float32",
    kind: str = "clip",
    head: str | None = None,
    lora: bool = False,
    prefix: str = "",
    **tower: Json,
) -> Path:
    """A .pth with the published repository's keys, by torch.save of a module's state dict.

    Args:
      path: of the file.
      dtype: of every weight.
      kind: of the encoder, clip or siglip.
      head: two_mlp, two_mlp_repo, mlp, ssm_mlp, or None for the stages before.
      lora: the language model wrapped as peft does it, with factors of rank 4.
      prefix: such as "module.".
      **tower: of timm's constructor, such as embed_dim=128, num_heads=2.
    """
    import torch
    from torch import nn

    mamba = mamba_model()
    encoder_width = {**TIMM, **tower}["embed_dim"]
    width, inner = MAMBA["hidden_size"], 4 * encoder_width
    model = nn.Module()
    for name in ("vision", "projector", "llm"):
        model.add_module(name, nn.Module())
    parts: Any = dict(model.named_children())
    parts["vision"].model = timm_tower(kind, **tower)
    layers = [nn.Linear(encoder_width, inner), nn.GELU(), nn.Linear(inner, width), nn.GELU()]
    parts["projector"].projector = nn.Sequential(*layers, nn.Linear(width, width))
    parts["llm"].mamba = mamba
    for name, module in _heads(head, mamba.config):
        model.add_module(name, module)
    state = {name: v.clone() for name, v in _typed(randomise(model), dtype).state_dict().items()}
    if head is not None:
        # So the published code saves it in stage 2, which never uses it.
        state["llm.mamba.lm_head.weight"].zero_()
    if lora:
        state = _with_lora(state)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({prefix + name: value for name, value in state.items()}, path)
    return path


def _heads(head: str | None, config: Any) -> list[tuple[str, Any]]:
    from torch import nn
    from transformers.models.mamba.modeling_mamba import MambaBlock

    if head is None:
        return []
    width = MAMBA["hidden_size"]
    first, second = (width // 4, width // 8) if head == "two_mlp" else (width // 2, width // 4)

    def mlp(out: int) -> TorchModule:
        """Three layers, as the published heads have them."""
        module: Any = nn.Module()
        module.fc1, module.fc2 = nn.Linear(width, first), nn.Linear(first, second)
        module.fc3 = nn.Linear(second, out, bias=False)
        return module

    if head == "mlp":
        return [("action_head", mlp(8))]
    blocks = [("ssm1", MambaBlock(config, 0)), ("ssm2", MambaBlock(config, 0))]
    mlps = [("action_head1", mlp(2)), ("action_head2", mlp(6))]
    return [*(blocks if head == "ssm_mlp" else []), *mlps]


def _with_lora(state: dict[str, Any], rank: int = 4) -> dict[str, Any]:
    """As peft names a wrapped model's tensors: a base layer and two factors."""
    import torch

    # Factors of their own: with peft's own start, B = 0, merging could not be seen.
    generator = torch.Generator().manual_seed(7)
    wrapped = {}
    for name, value in state.items():
        if not name.startswith("llm.mamba."):
            wrapped[name] = value
            continue
        name = name.replace("llm.mamba.", "llm.mamba.base_model.model.")
        stem, _, last = name.rpartition(".")
        if not stem.endswith(("in_proj", "x_proj", "dt_proj", "out_proj")):
            wrapped[name] = value
            continue
        wrapped[f"{stem}.base_layer.{last}"] = value
        if last == "weight":
            out, into = value.shape
            factors = {"A": (rank, into), "B": (out, rank)}
            for letter, shape in factors.items():
                draw = 0.05 * torch.randn(shape, generator=generator)
                wrapped[f"{stem}.lora_{letter}.default.weight"] = draw.to(value.dtype)
    return wrapped


MAKERS: dict[str, Callable[..., Path]] = {
    "hf-mamba": hf_mamba,
    "hf-clip": hf_clip,
    "hf-siglip": hf_siglip,
    "dinov2": dinov2,
    "timm-vit": timm_vit,
    "robomamba": robomamba,
}
"""Family -> its maker; every one takes a path and a dtype."""
