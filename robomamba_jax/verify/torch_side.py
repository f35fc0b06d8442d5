# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint in torch, loaded by transformers, timm or torch and never by our converter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from robomamba_jax.convert.lora import ALPHA
from robomamba_jax.convert.sources import config_beside
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.json_types import Json
from robomamba_jax.verify import torch_robomamba
from robomamba_jax.verify.log_filter import quiet
from robomamba_jax.verify.timm_import import import_timm
from robomamba_jax.verify.torch_capture import Hook, Recorder, hf_vit_hooks, mamba_hooks, timm_hooks
from robomamba_jax.verify.torch_types import TorchModule


class TorchSide:
    """A torch model in float32 on the CPU: run it, take its gradients, name its ops.

    Attributes:
      module: the torch module.
      outputs: which results it has: "features", "logits", "pose".
    """

    def __init__(
        self,
        family: str,
        module: TorchModule,
        built: int,
        rename: Callable[[str], str] | None = None,
    ) -> None:
        """Wrap a loaded module.

        Args:
          family: of the checkpoint.
          module: loaded, in eval mode.
          built: blocks of the encoder that are read; 0 without one.
          rename: from the module's parameter names to those of its files.
        """
        self.family, self.module, self._built = family, module, built
        self._rename = rename or (lambda name: name)
        # A checkpoint of the stages before the policy head has logits alone.
        heads = any(name.startswith("action_head") for name, _ in module.named_children())
        self.outputs = {"hf-mamba": ("logits",), "robomamba": ("logits", "pose")[: 1 + heads]}.get(
            family, ("features",)
        )

    def parameters(self) -> dict[str, np.ndarray]:
        """float32 by the file's names, as they stand after loading."""
        return {
            self._rename(name): value.detach().float().numpy()
            for name, value in self.module.named_parameters()
        }

    def run(
        self, inputs: Mapping[str, np.ndarray], output: str
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The result and every op's output, float32; arguments as for ``JaxSide.run``."""
        import torch

        with torch.no_grad():
            result, recorder = self._recorded(inputs, output)
        return result.numpy(), self._at_text(recorder.values(), result, output)

    def gradients(
        self, inputs: Mapping[str, np.ndarray], output: str, weight: np.ndarray
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Gradients of sum(result * weight): by the file's names, and by op."""
        import torch

        self.module.zero_grad(set_to_none=True)
        result, recorder = self._recorded(inputs, output)
        (result * torch.from_numpy(weight)).sum().backward()
        params = {
            self._rename(name): value.grad.numpy()
            for name, value in self.module.named_parameters()
            if value.grad is not None
        }
        return params, self._at_text(recorder.gradients(), result, output)

    def _recorded(self, inputs: Mapping[str, np.ndarray], output: str) -> tuple[Any, Recorder]:
        import torch

        ids = inputs.get("input_ids")
        ids = None if ids is None else torch.from_numpy(np.asarray(ids, np.int64))
        images = inputs.get("images")
        if images is not None:
            # [B, S, S, 3] -> [B, 3, S, S].
            images = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        recorder = Recorder()
        hooks, scans = self._hooks(output)
        with quiet(), recorder.watching(hooks, scans):
            if self.family == "hf-mamba":
                result = self.module(ids, use_cache=False).logits
            elif self.family == "robomamba":
                assert ids is not None
                assert images is not None
                result = torch_robomamba.forward(self.module, ids, images, output)
            else:
                call = getattr(self.module, "forward_features", self.module)
                call(images)
                result = recorder.tensor(f"vision.encoder.layers.{self._built - 1}")
                # Patches alone: RoboMamba drops the class token, as LLaVA does.
                result = result[:, self._prefix_tokens() :]
        return result, recorder

    def _prefix_tokens(self) -> int:
        names = ("cls_token", "embeddings.cls_token", "embeddings.class_embedding")
        return int(any(name in names for name, _ in self.module.named_parameters()))

    def _hooks(self, output: str) -> tuple[list[Hook], list[str]]:
        if self.family == "hf-mamba":
            return mamba_hooks(self.module)
        if self.family == "robomamba":
            return torch_robomamba.hooks_of(self.module, self._built, output)
        hooks = timm_hooks if self.family == "timm-vit" else hf_vit_hooks
        return hooks(self.module, self._built), []

    @staticmethod
    def _at_text(found: dict[str, np.ndarray], result: Any, output: str) -> dict[str, np.ndarray]:
        """We take the final norm at the text positions alone where logits are asked for."""
        name = "llm.backbone.norm_f"
        if output == "logits" and name in found:
            found[name] = found[name][:, -result.shape[1] :]
        return found


def load_torch(
    family: str,
    path: str | Path,
    *,
    built: int = 0,
    lora_alpha: float = ALPHA,
    arguments: Mapping[str, Json] | None = None,
) -> TorchSide:
    """Load a checkpoint by the libraries that it was made for.

    Args:
      family: hf-mamba, hf-clip, hf-siglip, dinov2, timm-vit or robomamba.
      path: a file, or a folder as the hub holds it.
      built: blocks of the encoder that are read.
      lora_alpha: of LoRA factors in a RoboMamba checkpoint.
      arguments: of timm's constructor, where neither shapes nor a config.json tell:
        num_heads, act_layer, img_size.

    Raises:
      InputError: torch, transformers or timm is missing or refuses the file.
    """
    path, given = Path(path), dict(arguments or {})
    loaders: dict[str, Callable[[], TorchModule]] = {
        "hf-mamba": lambda: _hf_mamba(path),
        "hf-clip": lambda: _hf_vit(path, "CLIPVisionModel"),
        "hf-siglip": lambda: _hf_vit(path, "SiglipVisionModel"),
        "dinov2": lambda: _hf_vit(path, "Dinov2Model"),
        "timm-vit": lambda: _timm_vit(path, given),
        "robomamba": lambda: torch_robomamba.build(
            torch_robomamba.plain_state(_state(path), lora_alpha), given
        ),
    }
    if family not in loaders:
        raise unknown_name("unknown_format", "checkpoint family", family, loaders)
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            "missing_package", f"{error.name} is not installed", "pip install torch==2.13.0"
        ) from error
    with quiet():
        module = loaders[family]()
    rename = _dinov2_file_name if family == "dinov2" else None
    return TorchSide(family, module.float().eval(), built, rename)


def _hf_mamba(path: Path) -> TorchModule:
    import transformers

    folder = path if path.is_dir() else path.parent
    content = config_beside(path) or {}
    # The original repository, or nothing but weights; the hub's own files have both families' keys.
    if content.get("model_type") != "mamba" and ("d_model" in content or not content):
        state = _state(folder / "pytorch_model.bin" if path.is_dir() else path)
        state = {
            k.replace("backbone.embedding.", "backbone.embeddings."): v for k, v in state.items()
        }
        embedding = state["backbone.embeddings.weight"]
        head = state.setdefault("lm_head.weight", embedding)
        tied = bool((head == embedding).all())
        model = torch_robomamba.language_model(state, tie_word_embeddings=tied)
        model.load_state_dict({name: value.float() for name, value in state.items()}, strict=True)
        return model
    return transformers.MambaForCausalLM.from_pretrained(
        folder, **_local(), use_mambapy=False, use_associative_scan=False
    )


def _local() -> dict[str, Any]:
    import torch

    return {"local_files_only": True, "dtype": torch.float32}


def _hf_vit(path: Path, kind: str) -> TorchModule:
    import transformers

    # "eager" is the plain product and softmax; what "sdpa" runs depends on the machine.
    return getattr(transformers, kind).from_pretrained(
        path if path.is_dir() else path.parent, **_local(), attn_implementation="eager"
    )


def _timm_vit(path: Path, arguments: Mapping[str, Json]) -> TorchModule:
    timm = import_timm()
    folder = path if path.is_dir() else path.parent
    content = config_beside(path) or {}
    if path.is_dir():
        found = [folder / n for n in ("model.safetensors", "pytorch_model.bin")]
        path = next((file for file in found if file.is_file()), found[0])
    state = _state(path)
    if "architecture" not in content:
        model = torch_robomamba.encoder(state, arguments)
    else:
        stated = content.get("model_args")
        given = {**(stated if isinstance(stated, dict) else {}), **arguments}
        name = str(content["architecture"])
        model = timm.create_model(name, pretrained=False, num_classes=0, **given)
    # OpenAI's projection or a classifier: nobody reads it here.
    state = {name: value for name, value in state.items() if not name.startswith("head.")}
    # load_state_dict would say so in forty lines of a traceback.
    odd, missing = set(state) - set(model.state_dict()), set(model.state_dict()) - set(state)
    if odd or missing:
        what = f"{path}: timm's model and the file differ in {sorted(odd | missing)[0]}"
        raise InputError("tensor_mismatch", what, "give the file of a CLIP or SigLIP encoder")
    model.load_state_dict(state, strict=True)
    return model


def _state(path: Path) -> dict[str, Any]:
    """A state dict by torch's safe loader, or by the safetensors library."""
    import torch

    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    # weights_only: the file is a stranger's here, too.
    state = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("model", "state_dict", "module", "model_state_dict"):
        if isinstance(state.get(key), Mapping):
            return dict(state[key])
    return dict(state)


# transformers names modules otherwise in memory than in its files.
_DINOV2_FILE = {
    "q": "attention.query",
    "k": "attention.key",
    "v": "attention.value",
    "o": "output.dense",
}


def _dinov2_file_name(name: str) -> str:
    return re.sub(r"(?<=attention\.)([qkvo])_proj", lambda found: _DINOV2_FILE[found[1]], name)
