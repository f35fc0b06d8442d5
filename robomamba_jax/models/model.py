# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A model as one value: parameters and what they mean, a registered pytree."""

from __future__ import annotations

import dataclasses
from typing import cast

import jax
from flax import nnx

from robomamba_jax.config import RoboMambaConfig
from robomamba_jax.models.params import Params, abstract_params, fitted
from robomamba_jax.models.robomamba import RoboMamba


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Model:
    """What ``rm.load`` gives. Its leaves are the parameters; the rest is static.

    Attributes:
      params: nested plain dicts of arrays; paths are the torch keys.
      config: the whole model's configuration.
      layout: "list" or "stacked", how ``params`` hold the language model's layers.
    """

    # A plain tree and not a module: jit, grad and device_put then take a model as it is, and an
    # optimizer sees torch's names.
    params: Params
    config: RoboMambaConfig = dataclasses.field(metadata={"static": True})
    layout: str = dataclasses.field(default="list", metadata={"static": True})

    def module(self) -> RoboMamba:
        """The NNX module around these parameters, to call inside jit.

        Raises:
          InputError: they do not fit the configuration.
        """
        graph, expected = abstract_params(self.config, self.layout)
        return cast("RoboMamba", nnx.merge(graph, fitted(self.params, expected)))
