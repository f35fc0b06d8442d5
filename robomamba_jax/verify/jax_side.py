# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Our side of the comparison: what a model makes of a batch, op by op, with paths as names."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.tensor_names import abstract_tower, leaves, put
from robomamba_jax.models.inputs import ModelInputs
from robomamba_jax.models.params import Params, abstract_params, leaf_paths
from robomamba_jax.verify.capture import Namer, ProbedFunction
from robomamba_jax.verify.compare import Arrays

OUTPUTS = ("logits", "pose", "features")

_VISION = {
    "patch_embedding": "embeddings.patch_embedding",
    "vision_embeddings": "embeddings",
    "pre_layrnorm": "pre_layrnorm",
}
_LAYER_OPS = ("layer_norm", "layer_scale", "self_attn.", "mlp.")


def op_namer(parts: ModelParts) -> Namer:
    """The path of each probe of a model: the name of the module or op, as in checkpoints."""
    # Probes inside a layer carry no number. They are met in the order of execution, once in each
    # layer, so that how often one has been met before is its layer's number.
    depth = 0 if parts.llm is None else parts.llm.n_layer
    heads = [] if parts.policy is None else list(parts.policy.outputs)

    def path(name: str, count: int) -> str:
        """Of a probe, by its name and how often it has been met before."""
        if name in _VISION:
            return f"vision.{_VISION[name]}"
        if name == "vision_block" or name.startswith(_LAYER_OPS):
            return f"vision.encoder.layers.{count}" + ("" if name == "vision_block" else f".{name}")
        if name in ("embeddings", "norm_f"):
            return f"llm.backbone.{name}"
        if name == "lm_head":
            return "llm.lm_head"
        if name.startswith("projector."):
            return name
        if name.startswith("policy."):
            return f"policy.{heads[count]}{name.removeprefix('policy')}"
        # A block of the language model or, after all of them, of the policy head.
        block = f"llm.backbone.layers.{count}"
        if count >= depth:
            block = f"policy.ssm{count - depth + 1}"
        return block if name == "block" else f"{block}.{name}"

    return path


def op_of_parameter(parameter: str) -> str:
    """The op at which an error in a parameter first shows.

    Args:
      parameter: one of our tensors, such as ``llm.backbone.layers.0.mixer.A_log``.
    """
    if re.search(r"mixer\.(A_log|D|dt_proj\.bias)$", parameter):
        return re.sub(r"mixer\..*", "mixer.scan", parameter)
    if parameter.startswith("vision.embeddings.") and "patch" not in parameter:
        return "vision.embeddings"
    return re.sub(r"\.(weight|bias|lambda1)$", "", parameter)


class JaxSide:
    """A model as :class:`verify.torch_side.TorchSide` is one: run it, take its gradients.

    Computes in float32 with float32 products, in the ``list`` or ``stacked`` layout.
    """

    def __init__(self, parts: ModelParts, tensors: Mapping[str, np.ndarray], layout: str) -> None:
        """Take the weights.

        Args:
          parts: what it is; computed in float32 whatever they say.
          tensors: float, by our names.
          layout: of the language model's layers.
        """
        self._namer = op_namer(parts)
        if parts.model is not None:
            self._graph, expected = abstract_params(parts.model, layout)
        else:
            assert parts.vision is not None
            self._graph, tower = abstract_tower(parts.vision)
            expected = {"vision": tower}
        self._expected = expected
        self.params = _tree(expected, tensors)
        self._watched = {
            output: ProbedFunction(self._function(output), self._namer) for output in OUTPUTS
        }

    def with_tensors(self, tensors: Mapping[str, np.ndarray]) -> JaxSide:
        """The same model with other weights; what is compiled is shared."""
        # Compiled functions take the parameters as arguments, so that other weights cost nothing.
        other = copy.copy(self)
        other.params = _tree(self._expected, tensors)
        return other

    def run(
        self, inputs: Arrays, output: str, forced: Arrays | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The result and every op's output, float32.

        Args:
          inputs: ``input_ids`` int[B, T] and ``images`` float32[B, S, S, 3], as needed.
          output: "logits", "pose" (contact and rotation joined, float32[B, 8]) or
            "features" of an encoder.
          forced: values that flow on instead of ours.
        """
        with jax.default_matmul_precision("highest"):
            # "highest": TPUs and newer GPUs would make float32 products of bfloat16 or TF32 ones.
            result, seen = self._watched[output](self.params, dict(inputs), forced=forced)
        return np.asarray(result), {path: np.asarray(value) for path, value in seen.items()}

    def gradients(
        self, inputs: Arrays, output: str, weight: np.ndarray
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Gradients of sum(result * weight): by our tensors' names, and by op."""
        with jax.default_matmul_precision("highest"):
            params, ops = self._watched[output].gradients(weight, self.params, dict(inputs))
        flat = leaf_paths(params)
        by_name: dict[str, np.ndarray] = {}
        for leaf in leaves(self._expected):
            array = np.asarray(flat[leaf.path])
            # A stack [L, ...] has a tensor per layer in the file.
            rows = array if leaf.stacked else array[None]
            by_name.update(zip(leaf.names, rows, strict=True))
        return by_name, {path: np.asarray(value) for path, value in ops.items()}

    def _function(self, output: str) -> Callable[[Params, Mapping[str, Any]], jax.Array]:
        graph = self._graph

        def call(params: Params, inputs: Mapping[str, jax.Array]) -> jax.Array:
            """One result of the model, of the parameters and the inputs."""
            if output == "features":
                tower: Any = nnx.merge(graph, params["vision"])
                return tower(inputs["images"])
            model: Any = nnx.merge(graph, params)
            ids, images = inputs["input_ids"], inputs.get("images")
            if output == "logits":
                return model(ids, images)
            pose = model.pose(ModelInputs(ids, images))
            # [B, 2] and [B, 6], in the order of the published heads.
            return jnp.concatenate([pose.contact, pose.rotation6d], axis=1)

        return call


def _tree(expected: Params, tensors: Mapping[str, np.ndarray]) -> Params:
    """The parameter tree in float32."""
    tree: Params = {}
    for leaf in leaves(expected):
        rows = [np.asarray(tensors[name], np.float32) for name in leaf.names]
        put(tree, leaf.path, jnp.asarray(np.stack(rows) if leaf.stacked else rows[0]))
    return tree
