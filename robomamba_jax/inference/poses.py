# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The policy head as a jitted function."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
from flax import nnx

from robomamba_jax.config import RoboMambaConfig
from robomamba_jax.models.inputs import ModelInputs
from robomamba_jax.models.params import Params, abstract_params, fitted
from robomamba_jax.models.policy.head import PolicyOutput


@cache
def pose_function(config: RoboMambaConfig, layout: str) -> Callable[..., PolicyOutput]:
    """The jitted head, one for all models of a shape.

    Args:
      config: with a policy head.
      layout: of the parameters, "list" or "stacked".

    Returns:
      (params, ModelInputs) -> ``PolicyOutput`` of as many rows.
    """
    # Outside of the jitted function, since deriving the graph takes longer than a forward pass of a
    # small model; cached, since a function made anew would be compiled anew.
    graph, expected = abstract_params(config, layout)

    def read(params: Params, inputs: ModelInputs) -> PolicyOutput:
        """The head's output for a batch."""
        model: Any = nnx.merge(graph, fitted(params, expected))
        return model.pose(inputs)

    return jax.jit(read)
