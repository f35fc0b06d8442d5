# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Models as pure functions over plain dictionaries of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from flax import nnx

from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.models.build import AnyConfig, build
from robomamba_jax.models.lm import MambaLM
from robomamba_jax.models.trees import Params, abstract_params, check_params

OUTPUTS = ("logits", "hidden", "before", "pose")


def functional(
    config: AnyConfig, *, layout: str = "stacked"
) -> tuple[Callable[..., Params], Callable[..., Any]]:
    """A model as two pure functions, for jit, vmap and grad over its parameters.

    Reverse mode, its repetition and forward over reverse (Hessian-vector products)
    work as they are; plain forward mode (jax.jvp, jax.jacfwd) needs
    ``config.replace(scan_method="associative")``, since the chunked scan's derivative
    is written by hand.

    Args:
      config: the whole model (RoboMambaConfig), or a language model alone (MambaConfig).
      layout: "stacked" (layers under jax.lax.scan) or "list" (unrolled).

    Returns:
      init: ``init(key) -> params``, a tree of plain dicts whose paths are the torch
        keys; under ``jax.eval_shape`` it costs nothing.
      apply: ``apply(params, input_ids, images=None, mask=None, *, image_positions=None,
        segment_ids=None, features=None, output="logits")`` -> logits_dtype[B, T, V],
        dtype[B, T, D] for "hidden", a ``PolicyOutput`` for "pose", or for "before" the
        states from which each text token is predicted and where there are any
        (``RoboMamba.before``). Images as ``rm.forward`` takes them; segment_ids are for
        packed rows, of which no pose is read; features [B, M, P, W] stand instead of images
        for "before" and "pose". It raises InputError where params do not fit the config.
    """
    graph, expected = abstract_params(config, layout)

    def init(key: jax.Array) -> Params:
        return nnx.to_pure_dict(nnx.state(build(config, layout, nnx.Rngs(key))))

    def apply(
        params: Params,
        input_ids: jax.Array,
        images: jax.Array | None = None,
        mask: jax.Array | None = None,
        *,
        image_positions: jax.Array | None = None,
        segment_ids: jax.Array | None = None,
        features: jax.Array | None = None,
        output: str = "logits",
    ) -> Any:
        if output not in OUTPUTS:
            raise unknown_name("bad_arguments", "output", output, OUTPUTS)
        check_params(params, expected)
        model: Any = nnx.merge(graph, params)
        if isinstance(model, MambaLM):
            return _apply_text(model, input_ids, images, mask, segment_ids, output)
        if output == "pose":
            if segment_ids is not None:
                raise InputError("bad_arguments", "a pose of packed rows", "give one per row")
            return model.pose(input_ids, images, mask, image_positions, features)
        if output == "before":
            given = (input_ids, images, mask, image_positions, segment_ids)
            return model.before(*given, features=features)
        if features is not None:
            raise InputError("bad_arguments", f"features for {output}", "use before or pose")
        call = model if output == "logits" else model.hidden
        return call(input_ids, images, mask, image_positions, segment_ids)

    return init, apply


def _apply_text(
    model: MambaLM,
    input_ids: jax.Array,
    images: jax.Array | None,
    mask: jax.Array | None,
    segment_ids: jax.Array | None,
    output: str,
) -> jax.Array:
    if images is not None:
        raise InputError("no_vision", "this model reads text only", "leave images out")
    if output == "pose":
        raise InputError("no_policy", "this model has no policy head", "use one that has")
    if output == "before":
        raise InputError("bad_arguments", "a language model alone has no joint rows", "use hidden")
    call = model.hidden if output == "hidden" else model
    return call(input_ids, mask, segment_ids)
