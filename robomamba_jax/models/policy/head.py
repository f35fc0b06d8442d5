# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The policy head: from the language model's states to a contact point and a rotation."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from robomamba_jax.config.mamba import MambaConfig
from robomamba_jax.config.policy import CONTACT_SIZE, QUERIES, PolicyConfig
from robomamba_jax.errors import InputError
from robomamba_jax.models.mamba import MambaBlock, Rows
from robomamba_jax.models.policy.layers import PolicyMLP, Queries
from robomamba_jax.models.policy.mixture import Mixture, Proposals, densest
from robomamba_jax.ops.segments import compaction
from robomamba_jax.shapes import check_shape


class PolicyOutput(NamedTuple):
    """What the head says of each row, all float32 and as the last layer gives it.

    Attributes:
      contact: float32[B, 2], the contact's (x, y) in the unit that the head was trained
        in: shares of the crop's side, or pixels for the published weights.
      rotation6d: float32[B, 6], for ``ops.rotation.rotation_from_6d``.
      gripper_logit: float32[B], above 0 for an open gripper; None without that head.
      proposals: of a ``mixture`` head, from which the three above were chosen; else None.
    """

    contact: jax.Array
    rotation6d: jax.Array
    gripper_logit: jax.Array | None
    proposals: Proposals | None = None


class PolicyStates(NamedTuple):
    """What the head reads; fields as in a call."""

    hidden: jax.Array
    first_text: jax.Array
    last: jax.Array
    mask: jax.Array | None
    image_index: jax.Array | None = None


class PolicyHead(nnx.Module):
    """One or two MLPs over pooled states, behind Mamba blocks for ``ssm_mlp``.

    Parameters are named as in the published checkpoints: ``action_head1`` (contact) and
    ``action_head2`` (rotation), or ``action_head`` (both); ``ssm1`` and ``ssm2`` before the
    first two; ``gripper_head``, which is ours, reads the pooled states of the language
    model itself. ``attn1`` and ``attn2`` are the queries of ``attn_mlp``, the gripper's MLP reads
    what the second ones find. ``mixture`` is all of that head. Everything is computed in float32.
    """

    def __init__(
        self,
        config: PolicyConfig,
        d_model: int,
        mamba_config: MambaConfig | None = None,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        """Make the head with fresh parameters.

        Args:
          config: which head.
          d_model: D, the language model's width.
          mamba_config: the language model's; the blocks of ``ssm_mlp`` have its sizes.
          rngs: a ``params`` stream.

        Raises:
          InputError: ``ssm_mlp`` without a Mamba configuration, or with one of another width.
        """
        self.config, self.d_model = config, d_model
        mixed = config.kind == "mixture"
        self.mixture = Mixture(config, d_model, rngs=rngs) if mixed else None
        block = _block_config(config, d_model, mamba_config) if config.uses_ssm else None
        self.ssm1 = None if block is None else MambaBlock(block, rngs=rngs)
        self.ssm2 = None if block is None else MambaBlock(block, rngs=rngs)
        widths, outputs = config.hidden_widths(d_model), config.outputs
        attends = config.pooling == "attention"
        self.attn1 = Queries(d_model, config.param_dtype, rngs=rngs) if attends else None
        self.attn2 = Queries(d_model, config.param_dtype, rngs=rngs) if attends else None
        d_in = QUERIES * d_model if attends else d_model

        def mlp(name: str) -> PolicyMLP | None:
            if name not in outputs:
                return None
            return PolicyMLP(d_in, widths, outputs[name], rngs=rngs, param_dtype=config.param_dtype)

        self.action_head = mlp("action_head")
        self.action_head1 = mlp("action_head1")
        self.action_head2 = mlp("action_head2")
        self.gripper_head = mlp("gripper_head")

    def __call__(
        self,
        hidden: jax.Array,
        *,
        first_text: jax.Array,
        last: jax.Array,
        mask: jax.Array | None = None,
        image_index: jax.Array | None = None,
    ) -> PolicyOutput:
        """Read a pose from each row.

        Args:
          hidden: float[B, T, D], the states after ``norm_f``; those at padding are never
            used, even if they are NaN.
          first_text: int32[B], the position of the first text token (pooling "official").
          last: int32[B], the position of the last real one (pooling "official"). A
            position outside the row, as -1 is, gives NaN.
          mask: bool[B, T], True = real, for pooling "mean"; padding may lie anywhere. None
            means all real.
          image_index: int32[B, P], where the patches of the image stand that the pose is in,
            row by row from the upper left; needed by ``mixture``, which gives NaN for a row
            without image (-1 everywhere).

        Raises:
          InputError: an argument has the wrong shape, or image_index is needed and missing.
        """
        return self.read_states(PolicyStates(hidden, first_text, last, mask, image_index))

    def read_states(self, states: PolicyStates) -> PolicyOutput:
        """As a call, of arguments in one piece."""
        if not self.config.reads_sequences:
            return self.read_pooled(self.pool(states))
        self._check(states)
        if self.mixture is not None:
            return _read_mixture(self.mixture, states)
        hidden, mask = states.hidden.astype(jnp.float32), states.mask
        with jax.default_matmul_precision("highest"):
            if self.config.pooling == "attention":
                assert self.attn1 is not None
                assert self.attn2 is not None
                first, second = self.attn1(hidden, mask), self.attn2(hidden, mask)
                return self._read(first, second, second)
            assert self.ssm1 is not None
            assert self.ssm2 is not None
            rows, real = Rows(), None
            if mask is not None:
                packing = compaction(mask)
                hidden, real = packing.pack(hidden), packing.mask
                rows = Rows(lengths=packing.lengths)
            first, second = self.ssm1(hidden, rows)[0], self.ssm2(hidden, rows)[0]
            return self._read(*(pool_mean(x, real) for x in (first, second, hidden)))

    def pool(self, states: PolicyStates) -> jax.Array:
        """float32[B, D]: all that the MLPs see of each row.

        Raises:
          InputError: the head reads whole sequences.
        """
        if self.config.reads_sequences:
            raise InputError(
                "no_pooled",
                f"the {self.config.kind} head reads sequences",
                "cache vision_patches or hidden_states instead",
            )
        self._check(states)
        return pool_official(states.hidden.astype(jnp.float32), states.first_text, states.last)

    def read_pooled(self, pooled: jax.Array) -> PolicyOutput:
        """The MLPs over what ``pool`` gives, float32[B, D]."""
        # Tensor cores would round float32 products to fewer bits.
        with jax.default_matmul_precision("highest"):
            return self._read(pooled, pooled, pooled)

    def _read(self, contact: jax.Array, rotation: jax.Array, gripper: jax.Array) -> PolicyOutput:
        """The MLPs over their pooled states, each float32[B, D]."""
        if self.action_head is not None:
            both = self.action_head(contact)
            contact, rotation = both[:, :CONTACT_SIZE], both[:, CONTACT_SIZE:]
        else:
            assert self.action_head1 is not None
            assert self.action_head2 is not None
            contact, rotation = self.action_head1(contact), self.action_head2(rotation)
        logit = None if self.gripper_head is None else self.gripper_head(gripper)[:, 0]
        return PolicyOutput(contact, rotation, logit)

    def _check(self, states: PolicyStates) -> None:
        sizes = {"D": self.d_model}
        check_shape("hidden", states.hidden, "B T D", sizes)
        check_shape("first_text", states.first_text, "B", sizes)
        check_shape("last", states.last, "B", sizes)
        if states.mask is not None:
            check_shape("mask", states.mask, "B T", sizes)
        if states.image_index is not None:
            check_shape("image_index", states.image_index, "B P", sizes)


def _read_mixture(mixture: Mixture, states: PolicyStates) -> PolicyOutput:
    """The densest of the proposals; NaN for a row without image."""
    if states.image_index is None:
        raise InputError(
            "no_image", "the mixture head reads image positions, and got none", "give an image"
        )
    with jax.default_matmul_precision("highest"):
        found = mixture(states.hidden.astype(jnp.float32), states.mask, states.image_index)
    chosen, seen = densest(found), jnp.any(states.image_index >= 0, axis=1)

    def of_chosen(x: jax.Array) -> jax.Array:
        at = chosen.reshape(-1, *[1] * (x.ndim - 1))
        x = jnp.take_along_axis(x, at, axis=1)[:, 0]
        return jnp.where(seen.reshape(-1, *[1] * (x.ndim - 1)), x, jnp.nan)

    logit = None if found.gripper_logit is None else of_chosen(found.gripper_logit)
    return PolicyOutput(of_chosen(found.contact), of_chosen(found.rotation6d), logit, found)


def pool_official(hidden: jax.Array, first_text: jax.Array, last: jax.Array) -> jax.Array:
    """The published pooling: (state at the first text token + state at the last position) / 2.

    Args:
      hidden: float[B, T, D].
      first_text: int32[B].
      last: int32[B]; a position outside the row gives NaN, and so does a negative one.

    Returns:
      float[B, D] in hidden's dtype.
    """
    rows = jnp.arange(hidden.shape[0])

    def state(position: jax.Array) -> jax.Array:
        return hidden.at[rows, position].get(
            mode="fill", fill_value=jnp.nan, wrap_negative_indices=False
        )

    return (state(first_text) + state(last)) / 2


def pool_mean(hidden: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """The mean over the real positions; 0 for a row that has none.

    Args:
      hidden: float[B, T, D].
      mask: bool[B, T], True = real; None means all.

    Returns:
      float[B, D] in hidden's dtype.
    """
    if mask is None:
        return hidden.mean(axis=1)
    total = jnp.where(mask[..., None], hidden, 0).sum(axis=1)
    return total / jnp.maximum(mask.sum(axis=1), 1)[:, None].astype(hidden.dtype)


def _block_config(
    config: PolicyConfig, d_model: int, mamba_config: MambaConfig | None
) -> MambaConfig:
    """The language model's block sizes in float32, for a block that stands alone."""
    if mamba_config is None or mamba_config.d_model != d_model:
        given = "none" if mamba_config is None else f"one of width {mamba_config.d_model}"
        raise InputError(
            "bad_config",
            f"ssm_mlp needs a Mamba configuration of width {d_model}, got {given}",
            "give the language model's configuration",
        )
    return mamba_config.replace(dtype="float32", param_dtype=config.param_dtype, n_layer=1)
