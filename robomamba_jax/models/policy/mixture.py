# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A mixture of poses: every image position proposes one near itself, and says how likely it is.

Where an object can be moved in several ways, the poses that work have several centres, and a
regression learns a point between them that belongs to none. Here the likelihood of the whole
mixture is trained (a mixture density network, Bishop 1994), and the densest place is taken.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from robomamba_jax.config.policy import CONTACT_SIZE, QUERIES, ROTATION_SIZE, SPREAD, PolicyConfig
from robomamba_jax.errors import InputError
from robomamba_jax.models.policy.layers import PolicyMLP, Queries, xavier


class Proposals(NamedTuple):
    """What the P image positions of each row propose, all float32.

    Attributes:
      log_weight: float32[B, P], their exponentials sum to 1 over P.
      contact: float32[B, P, 2], (x, y) in shares of the crop's side.
      rotation6d: float32[B, P, 6], for ``ops.rotation.rotation_from_6d``.
      gripper_logit: float32[B, P], above 0 for an open gripper; None without that output.
    """

    log_weight: jax.Array
    contact: jax.Array
    rotation6d: jax.Array
    gripper_logit: jax.Array | None


class Mixture(nnx.Module):
    """``from_patch`` of the state at an image position plus ``from_all`` of what ``queries`` find
    among all positions, ReLU, ``mlp``: a logit, an offset from the position's own centre in
    widths of a patch, a rotation, and with a gripper its logit. Computed in float32."""

    def __init__(self, config: PolicyConfig, d_model: int, *, rngs: nnx.Rngs) -> None:
        """Make it with fresh parameters.

        Args:
          config: its widths, whether there is a gripper, and the parameters' dtype.
          d_model: D, of the states.
          rngs: a ``params`` stream.
        """
        widths, dtype = config.hidden_widths(d_model), config.param_dtype
        self.queries = Queries(d_model, dtype, rngs=rngs)
        self.from_all = xavier(QUERIES * d_model, widths[0], True, rngs, dtype)
        self.from_patch = xavier(d_model, widths[0], False, rngs, dtype)
        outputs = 1 + CONTACT_SIZE + ROTATION_SIZE + config.gripper
        self.mlp = PolicyMLP(widths[0], widths, outputs, rngs=rngs, param_dtype=dtype)

    def __call__(
        self, hidden: jax.Array, mask: jax.Array | None, image_index: jax.Array
    ) -> Proposals:
        """Let every image position propose.

        Args:
          hidden: float32[B, T, D].
          mask: bool[B, T], True = real; None = all.
          image_index: int32[B, P], where the image's patches stand among the T, by rows from the
            upper left; one outside the row proposes from a state of 0.

        Raises:
          InputError: P is no square.
        """
        centres, width = grid_centres(image_index.shape[1])
        patches = states_at(hidden, image_index)
        everything = self.from_all(self.queries(hidden, mask))
        out = self.mlp(jax.nn.relu(self.from_patch(patches) + everything[:, None]))
        return Proposals(
            jax.nn.log_softmax(out[..., 0], axis=-1),
            jnp.asarray(centres) + width * out[..., 1:3],
            out[..., 3:9],
            out[..., 9] if out.shape[-1] > 9 else None,
        )


def grid_centres(patches: int) -> tuple[np.ndarray, float]:
    """float32[P, 2], the centres (x, y) of a square image's patches, by rows from the upper left,
    and a patch's width, in shares of the image's side.

    Raises:
      InputError: P is no square.
    """
    side = math.isqrt(patches)
    if side * side != patches or not patches:
        raise InputError(
            "bad_config",
            f"{patches} image tokens are no square, and the mixture head asks where each stands",
            "use an encoder with one token per patch, or another policy head",
        )
    along = ((np.arange(side) + 0.5) / side).astype(np.float32)
    return np.stack([np.tile(along, side), np.repeat(along, side)], axis=1), 1 / side


def states_at(hidden: jax.Array, at: jax.Array) -> jax.Array:
    """float[B, P, D]: the states at positions int32[B, P] of [B, T, D]; 0 outside the row."""
    rows = jnp.arange(hidden.shape[0])[:, None]
    return hidden.at[rows, at].get(mode="fill", fill_value=0, wrap_negative_indices=False)


def densest(proposals: Proposals) -> jax.Array:
    """int32[B]: the proposal at whose contact the contacts' density is highest.

    The density is that of the trained likelihood: Laplace kernels of ``SPREAD`` in x and in y.
    """
    contact = proposals.contact
    apart = jnp.abs(contact[:, :, None] - contact[:, None]).sum(axis=-1) / SPREAD
    return jnp.argmax(
        jax.nn.logsumexp(proposals.log_weight[:, None] - apart, axis=-1), axis=-1
    ).astype(jnp.int32)
