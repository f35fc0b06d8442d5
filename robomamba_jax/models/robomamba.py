# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The whole RoboMamba: encoder, projector, language model, policy head (figure 3)."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from robomamba_jax.config import RoboMambaConfig
from robomamba_jax.errors import InputError
from robomamba_jax.models.lm import Cache, MambaLM
from robomamba_jax.models.mamba import Rows
from robomamba_jax.models.policy.head import PolicyHead, PolicyOutput, PolicyStates
from robomamba_jax.models.projector import Projector
from robomamba_jax.models.vision import VisionTower
from robomamba_jax.shapes import check_shape


class Joint(NamedTuple):
    """Image and text tokens in one row, padding at its end.

    Attributes:
      x: float[B, J, D].
      lengths: int32[B], real positions per row.
      text_at: int32[B, T], where each text position stands in the row.
      text_mask: bool[B, T].
      segment_ids: int32[B, J] of packed rows, or None.
      image_at: int32[B, P], where the patches of each row's first image stand in it, -1 where it
        has none; None without images.
    """

    x: jax.Array
    lengths: jax.Array
    text_at: jax.Array
    text_mask: jax.Array
    segment_ids: jax.Array | None
    image_at: jax.Array | None

    @property
    def rows(self) -> Rows:
        """What the blocks must know of the rows."""
        return Rows(self.segment_ids, self.lengths)


class RoboMamba(nnx.Module):
    """``vision``, ``projector``, ``llm``, ``policy``; those the config leaves out are None."""

    def __init__(
        self, config: RoboMambaConfig, *, layout: str = "list", rngs: nnx.Rngs | None = None
    ) -> None:
        rngs = nnx.Rngs(0) if rngs is None else rngs
        self.config = config
        llm, vision = config.llm, config.vision
        self.llm = MambaLM(llm, layout=layout, rngs=rngs)
        self.vision = None if vision is None else VisionTower(vision, rngs=rngs)
        self.projector = None if vision is None else _projector(config, vision.width, rngs)
        policy = config.policy
        self.policy = None if policy is None else PolicyHead(policy, llm.d_model, llm, rngs=rngs)

    def __call__(
        self,
        input_ids: jax.Array,
        images: jax.Array | None = None,
        mask: jax.Array | None = None,
        image_positions: jax.Array | None = None,
        segment_ids: jax.Array | None = None,
    ) -> jax.Array:
        """Next-token logits at the text positions.

        Args:
          input_ids: int[B, T].
          images: float[B, S, S, 3] or [B, M, S, S, 3], already transformed.
          mask: bool[B, T], True = real.
          image_positions: int[B, M], the text index before which each image stands, 0..T;
            -1 = no image there. None = 0: before all text, as published.
          segment_ids: int[B, T], for several samples packed in one row, which do not see
            each other. An image belongs to the text that it stands before.

        Returns:
          logits_dtype[B, T, V]; 0 at padding.
        """
        return self.llm.logits(self.hidden(input_ids, images, mask, image_positions, segment_ids))

    def hidden(
        self,
        input_ids: jax.Array,
        images: jax.Array | None = None,
        mask: jax.Array | None = None,
        image_positions: jax.Array | None = None,
        segment_ids: jax.Array | None = None,
    ) -> jax.Array:
        """dtype[B, T, D] after the final norm, at the text positions; 0 at padding."""
        joint = self.join(input_ids, images, mask, image_positions, segment_ids)
        x, _ = self.llm.backbone.run(joint.x, joint.rows)
        return self._read(x, joint.text_at, joint.text_mask)

    def before(
        self,
        input_ids: jax.Array,
        images: jax.Array | None = None,
        mask: jax.Array | None = None,
        image_positions: jax.Array | None = None,
        segment_ids: jax.Array | None = None,
        row_tokens: int | None = None,
        features: jax.Array | None = None,
    ) -> tuple[jax.Array, jax.Array]:
        """The states from which each text token is predicted, for training.

        The one before a text token is the text token or the image token that stands there:
        the first word of a caption is predicted from its image.

        Args:
          input_ids, images, mask, image_positions, segment_ids: as in a call.
          row_tokens: the most real tokens of a row, text and images together; rows are cut
            to it before the blocks. None = T + M * P.
          features: instead of images, what the encoder says of them: float[B, M, P, W].

        Returns:
          dtype[B, T, D] after the final norm, and bool[B, T], False at padding and at the
          first token of a sample, which nothing stands before; the state is 0 there.
        """
        joint = self.join(input_ids, images, mask, image_positions, segment_ids, features)
        if row_tokens is not None and row_tokens < joint.x.shape[1]:
            ids = joint.segment_ids
            joint = joint._replace(
                x=joint.x[:, :row_tokens], segment_ids=None if ids is None else ids[:, :row_tokens]
            )
        x, _ = self.llm.backbone.run(joint.x, joint.rows)
        at = jnp.clip(joint.text_at - 1, 0, x.shape[1] - 1)
        valid = joint.text_mask & (joint.text_at > 0)
        if joint.segment_ids is not None and segment_ids is not None:
            valid &= jnp.take_along_axis(joint.segment_ids, at, axis=1) == segment_ids
        return self._read(x, at, valid), valid

    def _read(self, x: jax.Array, at: jax.Array, valid: jax.Array) -> jax.Array:
        """The normed states at positions int[B, T]; 0 where they are not valid."""
        at = jnp.minimum(at, x.shape[1] - 1)
        x = self.llm.backbone.normed(jnp.take_along_axis(x, at[:, :, None], axis=1))
        return jnp.where(valid[:, :, None], x, jnp.zeros((), x.dtype))

    def pose(
        self,
        input_ids: jax.Array,
        images: jax.Array | None = None,
        mask: jax.Array | None = None,
        image_positions: jax.Array | None = None,
        features: jax.Array | None = None,
    ) -> PolicyOutput:
        """The policy head's reading; arguments as in ``before``.

        Raises:
          InputError: the model has no policy head.
        """
        states = self.policy_states(input_ids, images, mask, image_positions, features)
        return self._head.read_states(states)

    def pooled(
        self,
        input_ids: jax.Array,
        images: jax.Array | None = None,
        mask: jax.Array | None = None,
        image_positions: jax.Array | None = None,
        features: jax.Array | None = None,
    ) -> jax.Array:
        """float32[B, D]: all that a head of MLPs sees of each row; arguments as in ``before``.

        Raises:
          InputError: the model has no policy head, or one that reads whole sequences.
        """
        states = self.policy_states(input_ids, images, mask, image_positions, features)
        return self._head.pool(states)

    def policy_states(
        self,
        input_ids: jax.Array,
        images: jax.Array | None = None,
        mask: jax.Array | None = None,
        image_positions: jax.Array | None = None,
        features: jax.Array | None = None,
    ) -> PolicyStates:
        """What the policy head reads; arguments as in ``before``."""
        joint = self.join(input_ids, images, mask, image_positions, None, features)
        x, _ = self.llm.backbone.run(joint.x, joint.rows)
        # The first real text token; text_mask is true from there on or, in an empty row, nowhere.
        first = jnp.argmax(joint.text_mask, axis=1)[:, None]
        return PolicyStates(
            self.llm.backbone.normed(x),
            first_text=jnp.take_along_axis(joint.text_at, first, axis=1)[:, 0],
            last=jnp.maximum(joint.lengths - 1, 0),
            mask=jnp.arange(x.shape[1]) < joint.lengths[:, None],
            image_at=joint.image_at,
        )

    @property
    def _head(self) -> PolicyHead:
        if self.policy is None:
            raise InputError("no_policy", "this model has no policy head", "use one that has")
        return self.policy

    def prefill(
        self,
        input_ids: jax.Array,
        mask: jax.Array | None = None,
        images: jax.Array | None = None,
        image_positions: jax.Array | None = None,
    ) -> tuple[jax.Array, Cache]:
        """logits_dtype[B, V] after each row's last real position, and the cache there."""
        joint = self.join(input_ids, images, mask, image_positions)
        x, cache = self.llm.backbone.run(joint.x, joint.rows, return_cache=True)
        last = jnp.maximum(joint.lengths - 1, 0)[:, None, None]
        x = jnp.take_along_axis(x, last, axis=1)[:, 0]
        assert cache is not None
        return self.llm.logits(self.llm.backbone.normed(x)), cache

    def step(self, input_ids: jax.Array, cache: Cache) -> tuple[jax.Array, Cache]:
        """Read one token per row: int[B] -> logits_dtype[B, V] and the new cache."""
        return self.llm.step(input_ids, cache)

    def image_features(self, images: jax.Array) -> jax.Array:
        """float[B, M, S, S, 3] -> dtype[B, M, P, D], projected.

        Raises:
          InputError: the model has no encoder.
        """
        if self.vision is None or self.projector is None:
            raise InputError("no_vision", "this model reads text only", "leave images out")
        flat = images.reshape(-1, *images.shape[2:])
        x = self.projector(self.vision(flat))
        return x.reshape(*images.shape[:2], *x.shape[1:])

    def _patches(self, images: Any, features: jax.Array | None) -> jax.Array:
        """dtype[B, M, P, D] of images, or of what the encoder has said of them."""
        if features is None:
            return self.image_features(images)
        if self.projector is None:
            raise InputError("no_vision", "this model reads text only", "leave features out")
        return self.projector(features)

    def join(
        self,
        input_ids: jax.Array,
        images: jax.Array | None,
        mask: jax.Array | None,
        image_positions: jax.Array | None,
        segment_ids: jax.Array | None = None,
        features: jax.Array | None = None,
    ) -> Joint:
        """Image and text embeddings in reading order, padding and absent images last.

        One stable sort of integer keys per row decides the order, so rows with images in
        front, between, several or none stand in one batch, and each computes what it
        computes alone.
        """
        sizes: dict[str, int] = {}
        check_shape("input_ids", input_ids, "B T", sizes)
        real = jnp.ones(input_ids.shape, bool)
        if mask is not None:
            check_shape("mask", mask, "B T", sizes)
            real = mask.astype(bool)
        if segment_ids is not None:
            check_shape("segment_ids", segment_ids, "B T", sizes)
        text, dtype = self.llm.embed(input_ids), self.llm.backbone.residual_dtype
        if images is None and features is None:
            images_none = jnp.zeros((text.shape[0], 0), jnp.int32)
            return _arrange(text.astype(dtype), real, images_none, None, segment_ids)
        if images is not None and images.ndim == 4:
            images = images[:, None]
        given: Any = images if features is None else features
        if image_positions is None:
            image_positions = jnp.zeros(given.shape[:2], jnp.int32)
        if features is None:
            check_shape("images", images, "B M S S 3", {**sizes, "3": 3})
        else:
            check_shape("features", features, "B M P W", sizes)
        check_shape("image_positions", image_positions, "B M", {**sizes, "M": given.shape[1]})
        patches = self._patches(images, features).astype(dtype)
        return _arrange(text.astype(dtype), real, image_positions, patches, segment_ids)


def first_image_at(mask: jax.Array, image_positions: jax.Array, patches: int) -> jax.Array:
    """int32[B, P], where the patches of each row's first image stand in its joint row; -1 where it
    has none.

    Args:
      mask: bool[B, T], True = real text.
      image_positions: int32[B, M], as in a call.
      patches: P, tokens of an image.
    """
    first = image_positions[:, :1]
    text = jnp.sum(mask & (jnp.arange(mask.shape[1]) < first), axis=1, dtype=jnp.int32)
    others = (image_positions >= 0) & (image_positions < first)
    start = text + patches * jnp.sum(others, axis=1, dtype=jnp.int32)
    at = start[:, None] + jnp.arange(patches, dtype=jnp.int32)
    return jnp.where(first >= 0, at, -1)


def _projector(config: RoboMambaConfig, width: int, rngs: nnx.Rngs) -> Projector:
    llm = config.llm
    return Projector(width, llm.d_model, rngs=rngs, dtype=llm.dtype, param_dtype=llm.param_dtype)


def _arrange(
    text: jax.Array,
    text_mask: jax.Array,
    image_positions: jax.Array,
    patches: jax.Array | None,
    segment_ids: jax.Array | None,
) -> Joint:
    """The joint rows of text [B, T, D] and patches [B, M, P, D], of one dtype."""
    batch, length, width = text.shape
    images = image_positions.shape[1]
    count = 0 if patches is None else patches.shape[2]
    ahead = images * count  # image tokens per row; text follows them in the unsorted row
    place = jnp.arange(length, dtype=jnp.int32)
    # Before text index t come the image tokens of images at t, in their order, then the text.
    text_key = jnp.broadcast_to(place * (ahead + 1) + ahead, (batch, length))
    position = jnp.repeat(image_positions.astype(jnp.int32), count, axis=1)
    image_key = position * (ahead + 1) + jnp.arange(ahead, dtype=jnp.int32)
    real = jnp.concatenate([position >= 0, text_mask], axis=1)
    key = jnp.concatenate([image_key, text_key], axis=1)
    order = jnp.argsort(jnp.where(real, key, jnp.iinfo(jnp.int32).max), axis=1, stable=True)
    x = text
    if patches is not None:
        x = jnp.concatenate([patches.reshape(batch, ahead, width), text], axis=1)
    x = jnp.take_along_axis(x, order[:, :, None], axis=1)
    lengths = real.sum(axis=1, dtype=jnp.int32)
    inside = jnp.arange(x.shape[1]) < lengths[:, None]
    x = jnp.where(inside[:, :, None], x, jnp.zeros((), x.dtype))
    at = jnp.argsort(order, axis=1).astype(jnp.int32)
    text_at, image_at = at[:, ahead:], None
    if count:
        image_at = jnp.where(position[:, :count] >= 0, at[:, :count], -1)
    if segment_ids is not None:
        # Wherever it stands, a text follows its image: a sample ends with an answer.
        before = jnp.clip(image_positions, 0, length - 1).astype(jnp.int32)
        of_images = jnp.repeat(jnp.take_along_axis(segment_ids, before, axis=1), count, axis=1)
        joined = jnp.concatenate([of_images, segment_ids], axis=1)
        segment_ids = jnp.take_along_axis(joined, order, axis=1).astype(jnp.int32)
    return Joint(x, lengths, text_at, text_mask, segment_ids, image_at)
