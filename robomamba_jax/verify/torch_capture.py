# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a torch model makes of a batch, op by op, under the paths that our own ops have."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from robomamba_jax.verify.torch_types import TorchModule

if TYPE_CHECKING:
    import torch


class Hook(NamedTuple):
    """Where one or several ops' outputs can be had.

    Attributes:
      paths: the ops' paths.
      module: the torch module to watch.
      at: "in" or "out": its first input, or its output.
      view: from the tensor there to one array per path, channels last; applied to
        gradients too. None = as it is.
    """

    paths: tuple[str, ...]
    module: TorchModule | None
    at: str = "out"
    view: Callable[[np.ndarray], Sequence[np.ndarray]] | None = None


def channels_last(array: np.ndarray) -> list[np.ndarray]:
    """A convolution's [B, D, h, w] -> [B, h * w, D]."""
    return [array.reshape(*array.shape[:2], -1).swapaxes(1, 2)]


def thirds(array: np.ndarray) -> list[np.ndarray]:
    """A joint query, key and value, apart."""
    return np.split(array, 3, axis=-1)


class Recorder:
    """The tensors that hooks saw, in the order of execution."""

    def __init__(self) -> None:
        self._seen: list[tuple[Hook, torch.Tensor]] = []

    @contextlib.contextmanager
    def watching(self, hooks: Sequence[Hook], scans: Sequence[str] = ()) -> Iterator[None]:
        """Hooks are set inside the context and removed after it, whatever happens.

        Args:
          hooks: what to watch.
          scans: paths of Mamba's step-size projections in the order of execution; they
            are no module's output, but an argument of the scan.
        """
        with contextlib.ExitStack() as stack:
            for hook in hooks:
                assert hook.module is not None
                register = (
                    hook.module.register_forward_hook
                    if hook.at == "out"
                    else hook.module.register_forward_pre_hook
                )
                # A model that is compared twice must not record twice.
                stack.callback(register(self._noting(hook)).remove)
            if scans:
                stack.enter_context(self._scans(list(scans)))
            yield

    def _noting(self, hook: Hook) -> Callable[..., None]:
        def note(_: TorchModule, inputs: object, output: object = None) -> None:
            """Called by torch with the module, its inputs and its output."""
            value = inputs if hook.at == "in" else output
            self._note(hook, value[0] if isinstance(value, tuple) else value)

        return note

    def _note(self, hook: Hook, tensor: Any) -> None:
        if tensor.requires_grad:
            # torch keeps gradients for leaves of its graph alone.
            tensor.retain_grad()
        self._seen.append((hook, tensor))

    @contextlib.contextmanager
    def _scans(self, paths: list[str]) -> Iterator[None]:
        from transformers.models.mamba import modeling_mamba

        # The scan is a function of the module, not a submodule: it is replaced while we watch.
        scan = modeling_mamba.mamba_selective_scan

        def watched(x: torch.Tensor, dt: torch.Tensor, *args: object, **kwargs: object) -> object:
            """The scan itself, whose step sizes are noted."""
            view = lambda array: [array.swapaxes(1, 2)]  # noqa: E731
            # [B, I, T] -> [B, T, I]: torch's scan has time last. It is called once in each block,
            # in their order.
            self._note(Hook((paths.pop(0),), None, view=view), dt)
            return scan(x, dt, *args, **kwargs)

        modeling_mamba.mamba_selective_scan = watched
        try:
            yield
        finally:
            modeling_mamba.mamba_selective_scan = scan

    def tensor(self, path: str) -> torch.Tensor:
        """The torch tensor itself of an op that is alone in its hook."""
        return next(tensor for hook, tensor in self._seen if hook.paths == (path,))

    def values(self) -> dict[str, np.ndarray]:
        """Every op's output, float32."""
        return self._arrays(lambda tensor: tensor.detach())

    def gradients(self) -> dict[str, np.ndarray]:
        """The gradient at every op which the result depends on."""
        return self._arrays(lambda tensor: tensor.grad)

    def _arrays(self, get: Callable[[Any], Any]) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for hook, tensor in self._seen:
            value = get(tensor)
            if value is None:
                continue
            array = value.float().numpy()
            views = [array] if hook.view is None else hook.view(array)
            found.update(zip(hook.paths, (np.ascontiguousarray(v) for v in views), strict=True))
        return found


def mamba_block_hooks(block: TorchModule, path: str) -> list[Hook]:
    """A transformers MambaBlock: norm, mixer and the block itself."""
    mixer = block.mixer
    return [
        Hook((f"{path}.norm",), block.norm),
        Hook((f"{path}.mixer.in_proj",), mixer.in_proj),
        # The convolution and its activation are functions: what they give is x_proj's input.
        Hook((f"{path}.mixer.conv1d",), mixer.x_proj, "in"),
        Hook((f"{path}.mixer.x_proj",), mixer.x_proj),
        Hook((f"{path}.mixer.scan",), mixer.out_proj, "in"),
        Hook((f"{path}.mixer.out_proj",), mixer.out_proj),
        Hook((path,), block),
    ]


def mamba_hooks(model: TorchModule) -> tuple[list[Hook], list[str]]:
    """A transformers MambaForCausalLM: its hooks, and the paths for ``watching``'s scans."""
    backbone, layers = model.backbone, "llm.backbone.layers"
    hooks = [Hook(("llm.backbone.embeddings",), backbone.embeddings)]
    for number, block in enumerate(backbone.layers):
        hooks += mamba_block_hooks(block, f"{layers}.{number}")
    hooks += [
        Hook(("llm.backbone.norm_f",), backbone.norm_f),
        Hook(("llm.lm_head",), model.lm_head),
    ]
    return hooks, [f"{layers}.{n}.mixer.dt_proj" for n in range(len(backbone.layers))]


_JOINT = tuple(f"self_attn.{part}_proj" for part in "qkv")
# The ops of an encoder block, as we and transformers' CLIP call them, in the order of execution.
# What is a function there and no module ("in X") is had as the input of the module behind it.
_VIT_BLOCK = {
    "layer_norm1": "layer_norm1",
    **{op: op for op in _JOINT},
    "self_attn.attention": "in self_attn.out_proj",
    "self_attn.out_proj": "self_attn.out_proj",
    "layer_scale1": "layer_scale1",
    "layer_norm2": "layer_norm2",
    "mlp.fc1": "mlp.fc1",
    "mlp.activation": "in mlp.fc2",
    "mlp.fc2": "mlp.fc2",
    "layer_scale2": "layer_scale2",
}
# From those names to the ones of DINOv2 and of timm, whose query, key and value are one module.
_DINOV2_NAMES = {"layer_norm": "norm", "self_attn.out": "attention.o", "self_attn": "attention"}
_TIMM_NAMES = {"layer_norm": "norm", "self_attn.out_proj": "attn.proj"}


def _vit_block(
    block: TorchModule, path: str, renamed: Mapping[str, str], without: tuple[str, ...]
) -> list[Hook]:
    """Hooks of an encoder block; ``without`` has the beginnings of the ops that it lacks."""
    hooks = []
    for op, name in _VIT_BLOCK.items():
        if op.startswith(without):
            continue
        for ours, theirs in renamed.items():
            name = name.replace(ours, theirs)
        at, _, dotted = name.rpartition(" ")
        hooks.append(Hook((f"{path}.{op}",), block.get_submodule(dotted), at or "out"))
    return [*hooks, Hook((path,), block)]


def hf_vit_hooks(model: TorchModule, built: int) -> list[Hook]:
    """transformers' CLIPVisionModel, SiglipVisionModel or Dinov2Model.

    Args:
      model: the module.
      built: how many of its blocks are read.
    """
    dinov2 = hasattr(model.encoder, "layer")
    embed = model.embeddings
    patch = embed.patch_embeddings.projection if dinov2 else embed.patch_embedding
    hooks = [
        Hook(("vision.embeddings.patch_embedding",), patch, view=channels_last),
        Hook(("vision.embeddings",), embed),
    ]
    if hasattr(model, "pre_layrnorm"):
        hooks.append(Hook(("vision.pre_layrnorm",), model.pre_layrnorm))
    blocks = model.encoder.layer if dinov2 else model.encoder.layers
    renamed, without = (_DINOV2_NAMES, ()) if dinov2 else ({}, ("layer_scale",))
    for number in range(built):
        path = f"vision.encoder.layers.{number}"
        hooks += _vit_block(blocks[number], path, renamed, without)
    return hooks


def timm_hooks(model: TorchModule, built: int) -> list[Hook]:
    """timm's VisionTransformer."""
    hooks = [
        Hook(("vision.embeddings.patch_embedding",), model.patch_embed.proj, view=channels_last),
        # SigLIP's norm_pre is an identity.
        Hook(("vision.embeddings",), model.norm_pre, "in"),
    ]
    # timm calls it everywhere; CLIP alone has parameters in it, and we build it for CLIP alone.
    if any(True for _ in model.norm_pre.parameters()):
        hooks.append(Hook(("vision.pre_layrnorm",), model.norm_pre))
    for number in range(built):
        block, path = model.blocks[number], f"vision.encoder.layers.{number}"
        joint = tuple(f"{path}.{op}" for op in _JOINT)
        hooks.append(Hook(joint, block.attn.qkv, view=thirds))
        hooks += _vit_block(block, path, _TIMM_NAMES, (*_JOINT, "layer_scale"))
    return hooks
