# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Our side of ``bench control``: poses, first tokens, decoding, reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from robomamba_jax.bench.lm_jax import weight_facts
from robomamba_jax.bench.records import ControlWork
from robomamba_jax.bench.worker import Workload
from robomamba_jax.config import model_preset, preset
from robomamba_jax.generation import decode
from robomamba_jax.generation.generator import Generator, pad_prompts
from robomamba_jax.generation.sampling import make_sampler
from robomamba_jax.generation.settings import PerRequest
from robomamba_jax.inference.poses import pose_function
from robomamba_jax.models.any_config import language_config
from robomamba_jax.models.functional import functional
from robomamba_jax.models.inputs import ModelInputs
from robomamba_jax.models.params import Params, abstract_params


def build(side: str, case: ControlWork) -> Workload:
    """``case["kind"]``: "pose", "first", "decode" or "prefill"."""
    del side
    # The curve's contexts are read by a language model alone.
    dtypes: dict[str, Any] = {"dtype": case["dtype"], "param_dtype": case["dtype"]}
    config: Any = preset(case["preset"], **dtypes)
    if case["patches"]:
        config = model_preset(case["preset"], vision=case["encoder"], **dtypes)
    params = jax.jit(functional(config, layout="list")[0])(jax.random.key(0))
    facts = weight_facts(params)
    rng = np.random.default_rng(0)
    ids = rng.integers(0, language_config(config).vocab_size, (case["batch"], case["text"]))
    images, positions = None, None
    if case["patches"]:
        side_px = config.vision.image_size
        pixels = rng.normal(size=(case["batch"], 1, side_px, side_px, 3)).astype(np.float32)
        images, positions = jnp.asarray(pixels), jnp.zeros((case["batch"], 1), jnp.int32)
    # Padded as a real prompt: what the padding costs is a part of the answer's time.
    tokens, mask = pad_prompts(ids.tolist())
    inputs = ModelInputs(tokens, images, mask, positions)
    if case["kind"] == "pose":
        read = pose_function(config, "list")
        return Workload(lambda: jax.device_get(read(params, inputs)), facts, repeat=False)
    generator = Generator(config, params)
    if case["kind"] == "decode":
        run = _decode(config, generator, inputs, case)
    else:
        run = _first(generator, inputs)
    return Workload(run, facts, repeat=False)


def _first(generator: Generator, inputs: ModelInputs) -> Callable[[], Any]:
    """From the arrays of image and prompt to the first token on the host."""

    def run() -> np.ndarray:
        """One prefill, and the likeliest token of each row."""
        logits, _ = generator.prefill(generator.params, inputs)
        return np.asarray(jnp.argmax(logits, axis=-1))

    return run


def _decode(
    config: Any, generator: Generator, inputs: ModelInputs, case: ControlWork
) -> Callable[[], Any]:
    """Some tokens behind a prompt that is read beforehand."""
    count, new = case["batch"], case["new_tokens"]
    values: PerRequest = {
        "max_new_tokens": [new] * count,
        "temperature": [0.0] * count,
        "top_k": [0] * count,
        "top_p": [1.0] * count,
    }
    sampler, mode = make_sampler(0, values)
    # One more than is asked for, so that nothing ends early.
    limits = decode.Limits(jnp.full(count, new + 2, jnp.int32), jnp.zeros(0, jnp.int32), None)
    logits, cache = generator.prefill(generator.params, inputs)
    state = decode.begin(logits, cache, sampler, limits, capacity=new + 2, mode=mode)
    graph, _ = abstract_params(config, "list")

    # The generator's own gives its state away; here it is started from again and again.
    def advance(params: Params, state: decode.DecodeState) -> decode.DecodeState:
        """As many tokens as are asked for, from the state behind the prompt."""
        until = jnp.asarray(new + 1, jnp.int32)
        return decode.advance(nnx.merge(graph, params), state, sampler, limits, until, mode=mode)

    compiled = jax.jit(advance)
    return lambda: jax.device_get(compiled(generator.params, state).tokens)
