# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The whole RoboMamba: encoder, projector, language model, policy head (figure 3)."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from robomamba_jax.config import RoboMambaConfig
from robomamba_jax.errors import InputError
from robomamba_jax.models.inputs import ModelInputs
from robomamba_jax.models.lm import Cache, MambaLM
from robomamba_jax.models.mamba import Rows
from robomamba_jax.models.policy.head import PolicyHead, PolicyOutput, PolicyStates
from robomamba_jax.models.projector import Projector
from robomamba_jax.models.vision import VisionTower
from robomamba_jax.shapes import check_shape, check_shapes


class Joint(NamedTuple):
    """Image and text tokens in one row, padding at its end.

    Attributes:
      x: float[B, J, D].
      lengths: int32[B], real positions per row.
      text_index: int32[B, T], where each text position stands in the row.
      text_mask: bool[B, T].
      segment_ids: int32[B, J] of packed rows, or None.
      image_index: int32[B, P], where the patches of each row's first image stand in it, -1 where
        it has none; None without images.
    """

    x: jax.Array
    lengths: jax.Array
    text_index: jax.Array
    text_mask: jax.Array
    segment_ids: jax.Array | None
    image_index: jax.Array | None

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
        """Next-token logits at the text positions; arguments as in ``ModelInputs``.

        Returns:
          logits_dtype[B, T, V]; 0 at padding.
        """
        return self.logits(ModelInputs(input_ids, images, mask, image_positions, segment_ids))

    def logits(self, inputs: ModelInputs) -> jax.Array:
        """logits_dtype[B, T, V], the next token's at the text positions; 0 at padding."""
        return self.llm.logits(self.hidden(inputs))

    def hidden(self, inputs: ModelInputs) -> jax.Array:
        """dtype[B, T, D] after the final norm, at the text positions; 0 at padding."""
        joint = self.join(inputs)
        x, _ = self.llm.backbone.run(joint.x, joint.rows)
        return self._read(x, joint.text_index, joint.text_mask)

    def next_token_states(
        self, inputs: ModelInputs, row_tokens: int | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """The states from which each text token is predicted, for training.

        The one before a text token is the text token or the image token that stands there:
        the first word of a caption is predicted from its image.

        Args:
          inputs: a batch.
          row_tokens: the most real tokens of a row, text and images together; rows are cut
            to it before the blocks. None = T + M * P.

        Returns:
          dtype[B, T, D] after the final norm, and bool[B, T], False at padding and at the
          first token of a sample, which nothing stands before; the state is 0 there.
        """
        joint = self.join(inputs)
        if row_tokens is not None and row_tokens < joint.x.shape[1]:
            # Absent images and padding stand last, so what is cut off is never real, if the
            # batch plan kept to row_tokens; the blocks then compute no position for nothing.
            ids = joint.segment_ids
            joint = joint._replace(
                x=joint.x[:, :row_tokens], segment_ids=None if ids is None else ids[:, :row_tokens]
            )
        x, _ = self.llm.backbone.run(joint.x, joint.rows)
        index = jnp.clip(joint.text_index - 1, 0, x.shape[1] - 1)
        valid = joint.text_mask & (joint.text_index > 0)
        if joint.segment_ids is not None and inputs.segment_ids is not None:
            # The last state of one sample must not predict the first token of the next one.
            valid &= jnp.take_along_axis(joint.segment_ids, index, axis=1) == inputs.segment_ids
        return self._read(x, index, valid), valid

    def _read(self, x: jax.Array, index: jax.Array, valid: jax.Array) -> jax.Array:
        """The normed states at positions int[B, T]; 0 where they are not valid."""
        index = jnp.minimum(index, x.shape[1] - 1)
        # Gathered before the norm: that then runs over T text positions, not over all J.
        x = self.llm.backbone.normed(jnp.take_along_axis(x, index[:, :, None], axis=1))
        return jnp.where(valid[:, :, None], x, jnp.zeros((), x.dtype))

    def pose(self, inputs: ModelInputs) -> PolicyOutput:
        """The policy head's reading.

        Raises:
          InputError: the model has no policy head, or rows are packed.
        """
        return self._head.read_states(self.policy_states(inputs))

    def pooled(self, inputs: ModelInputs) -> jax.Array:
        """float32[B, D]: all that a head of MLPs sees of each row.

        Raises:
          InputError: the model has no policy head, or one that reads whole sequences; or rows
            are packed.
        """
        return self._head.pool(self.policy_states(inputs))

    def policy_states(self, inputs: ModelInputs) -> PolicyStates:
        """What the policy head reads.

        Raises:
          InputError: rows are packed, and a head reads one pose of a row.
        """
        if inputs.segment_ids is not None:
            raise InputError("bad_arguments", "a pose of packed rows", "give one per row")
        joint = self.join(inputs)
        x, _ = self.llm.backbone.run(joint.x, joint.rows)
        # The first real text token; text_mask is true from there on or, in an empty row, nowhere.
        first = jnp.argmax(joint.text_mask, axis=1)[:, None]
        return PolicyStates(
            self.llm.backbone.normed(x),
            first_text=jnp.take_along_axis(joint.text_index, first, axis=1)[:, 0],
            last=jnp.maximum(joint.lengths - 1, 0),
            mask=jnp.arange(x.shape[1]) < joint.lengths[:, None],
            image_index=joint.image_index,
        )

    @property
    def _head(self) -> PolicyHead:
        if self.policy is None:
            raise InputError("no_policy", "this model has no policy head", "use one that has")
        return self.policy

    def prefill(self, inputs: ModelInputs) -> tuple[jax.Array, Cache]:
        """logits_dtype[B, V] after each row's last real position, and the cache there."""
        joint = self.join(inputs)
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

    def join(self, inputs: ModelInputs) -> Joint:
        """Image and text embeddings in reading order, padding and absent images last.

        One stable sort of integer keys per row decides the order, so rows with images in
        front, between, several or none stand in one batch, and each computes what it
        computes alone.
        """
        sizes: dict[str, int] = {}
        check_shape("input_ids", inputs.input_ids, "B T", sizes)
        check_shapes(
            sizes, ("mask", inputs.mask, "B T"), ("segment_ids", inputs.segment_ids, "B T")
        )
        real = jnp.ones(inputs.input_ids.shape, bool)
        if inputs.mask is not None:
            real = inputs.mask.astype(bool)
        dtype = self.llm.backbone.residual_dtype
        text = self.llm.embed(inputs.input_ids)
        patches = self._patches(inputs, sizes)
        positions = inputs.image_positions
        if patches is None:
            positions = jnp.zeros((text.shape[0], 0), jnp.int32)
        elif positions is None:
            positions = jnp.zeros(patches.shape[:2], jnp.int32)
        else:
            check_shape("image_positions", positions, "B M", {**sizes, "M": patches.shape[1]})
        patches = None if patches is None else patches.astype(dtype)
        return _arrange(text.astype(dtype), real, positions, patches, inputs.segment_ids)

    def _patches(self, inputs: ModelInputs, sizes: dict[str, int]) -> jax.Array | None:
        """dtype[B, M, P, D] of images, or of what the encoder has said of them, if any."""
        images, features = inputs.images, inputs.features
        if features is not None:
            check_shape("features", features, "B M P W", sizes)
            if self.projector is None:
                raise InputError("no_vision", "this model reads text only", "leave features out")
            return self.projector(features)
        if images is None:
            return None
        images = images[:, None] if images.ndim == 4 else images
        check_shape("images", images, "B M S S 3", {**sizes, "3": 3})
        return self.image_features(images)


def first_image_index(mask: jax.Array, image_positions: jax.Array, patches: int) -> jax.Array:
    """int32[B, P], where the patches of each row's first image stand in its joint row; -1 where it
    has none.

    Args:
      mask: bool[B, T], True = real text.
      image_positions: int32[B, M], as in ``ModelInputs``.
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
    """The joint rows of text [B, T, D] and patches [B, M, P, D], of one dtype.

    Every token gets an integer key, and sorting by it is reading order. With S = M * P image
    tokens, text index t has the key t * (S + 1) + S, and the S keys below it, down to
    t * (S + 1), are those of the image tokens that stand before it. Of M = 1 image of P = 2
    patches before text index 1 (S = 2): text has 2, 5, 8, ..., the patches 3 and 4.
    """
    batch, length, width = text.shape
    images = image_positions.shape[1]
    count = 0 if patches is None else patches.shape[2]
    ahead = images * count  # S; image tokens precede text in the unsorted row
    place = jnp.arange(length, dtype=jnp.int32)
    text_key = jnp.broadcast_to(place * (ahead + 1) + ahead, (batch, length))
    position = jnp.repeat(image_positions.astype(jnp.int32), count, axis=1)
    image_key = position * (ahead + 1) + jnp.arange(ahead, dtype=jnp.int32)
    real = jnp.concatenate([position >= 0, text_mask], axis=1)
    key = jnp.concatenate([image_key, text_key], axis=1)
    # What is absent sorts behind everything, so that the blocks see padding at the end only.
    order = jnp.argsort(jnp.where(real, key, jnp.iinfo(jnp.int32).max), axis=1, stable=True)
    x = text
    if patches is not None:
        x = jnp.concatenate([patches.reshape(batch, ahead, width), text], axis=1)
    x = jnp.take_along_axis(x, order[:, :, None], axis=1)
    lengths = real.sum(axis=1, dtype=jnp.int32)
    inside = jnp.arange(x.shape[1]) < lengths[:, None]
    # An absent image is whatever the caller filled its place with, NaN too: 0 from here on.
    x = jnp.where(inside[:, :, None], x, jnp.zeros((), x.dtype))
    # The inverse permutation: unsorted position -> joint position.
    index = jnp.argsort(order, axis=1).astype(jnp.int32)
    text_index, image_index = index[:, ahead:], None
    if count:
        image_index = jnp.where(position[:, :count] >= 0, index[:, :count], -1)
    if segment_ids is not None:
        # Wherever it stands, a text follows its image: a sample ends with an answer.
        following = jnp.clip(image_positions, 0, length - 1).astype(jnp.int32)
        of_images = jnp.repeat(jnp.take_along_axis(segment_ids, following, axis=1), count, axis=1)
        joined = jnp.concatenate([of_images, segment_ids], axis=1)
        segment_ids = jnp.take_along_axis(joined, order, axis=1).astype(jnp.int32)
    return Joint(x, lengths, text_index, text_mask, segment_ids, image_index)
