# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Models as pure functions over plain dictionaries of arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from robomamba_jax.config.serial import model_config
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.models.any_config import AnyConfig
from robomamba_jax.models.build import build
from robomamba_jax.models.inputs import ModelInputs, read_inputs
from robomamba_jax.models.lm import MambaLM
from robomamba_jax.models.params import Params, abstract_params, fitted

OUTPUTS = ("logits", "hidden", "next_token_states", "pose")


def functional(
    config: AnyConfig | Mapping[str, Any], *, layout: str = "stacked"
) -> tuple[Callable[..., Params], Callable[..., Any]]:
    """A model as two pure functions, for jit, vmap and grad over its parameters.

    Reverse mode, its repetition and forward over reverse (Hessian-vector products)
    work as they are; plain forward mode (jax.jvp, jax.jacfwd) needs
    ``config.replace(scan_method="associative")``, since the chunked scan's derivative
    is written by hand.

    Args:
      config: the whole model (RoboMambaConfig), or a language model alone (MambaConfig); or
        either as JSON: the content of a config.json, or the fields.
      layout: "stacked" (layers under jax.lax.scan) or "list" (unrolled).

    Returns:
      init: ``init(key) -> params``, a tree of plain dicts whose paths are the torch
        keys; under ``jax.eval_shape`` it costs nothing. A whole number is a seed.
      apply: ``apply(params, input_ids, images=None, mask=None, *, image_positions=None,
        segment_ids=None, features=None, output="logits")`` -> logits_dtype[B, T, V],
        dtype[B, T, D] for "hidden", a ``PolicyOutput`` for "pose", or for "next_token_states"
        the states from which each text token is predicted and where there are any
        (``RoboMamba.next_token_states``). Inputs as in ``ModelInputs``, as anything that numpy
        can read; no pose is read of packed rows, and features stand instead of images for
        "next_token_states" and "pose" alone. It raises InputError where params do not fit the
        config, or an input is not what it should be.

    Raises:
      InputError: no such configuration or layout.
    """
    config = model_config(config)
    graph, expected = abstract_params(config, layout)

    def init(key: jax.Array | int) -> Params:
        return nnx.to_pure_dict(nnx.state(build(config, layout, nnx.Rngs(_key(key)))))

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
        output = _renamed(output)
        if output not in OUTPUTS:
            raise unknown_name("bad_arguments", "output", output, OUTPUTS)
        model: Any = nnx.merge(graph, fitted(params, expected))
        arrays = input_ids, images, mask, image_positions, segment_ids, features
        given = read_inputs(config, *arrays)
        if isinstance(model, MambaLM):
            return _apply_text(model, given, output)
        if output == "pose":
            return model.pose(given)
        if output == "next_token_states":
            return model.next_token_states(given)
        if features is not None:
            fix = "use next_token_states or pose"
            raise InputError("bad_arguments", f"features for {output}", fix)
        return model.logits(given) if output == "logits" else model.hidden(given)

    return init, apply


def _renamed(output: str) -> str:
    """Today's name of an output; an older one is taken with a warning."""
    if output == "before":
        print('output="before" is now called "next_token_states"', file=sys.stderr)
        return "next_token_states"
    return output


def _key(key: Any) -> Any:
    """A random key, or the whole number that one is made of."""
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        return int(key)
    if isinstance(key, np.ndarray) and key.dtype == np.uint32:
        key = jnp.asarray(key)
    if isinstance(key, jax.Array):
        made = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
        if key.shape == () if made else key.ndim == 1 and key.dtype == jnp.uint32:
            return key
        what = f"{key.dtype}{list(key.shape)}"
    else:
        what = f"a {type(key).__name__}"
    raise InputError(
        "bad_arguments", f"key is {what}, not one random key", "give jax.random.key(0)"
    )


def _apply_text(model: MambaLM, given: ModelInputs, output: str) -> jax.Array:
    if output == "pose":
        raise InputError("no_policy", "this model has no policy head", "use one that has")
    if output == "next_token_states":
        raise InputError("bad_arguments", "a language model alone has no joint rows", "use hidden")
    call = model.hidden if output == "hidden" else model
    return call(given.input_ids, given.mask, given.segment_ids)
