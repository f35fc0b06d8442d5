# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From parameters and a batch to losses: what the stages minimise, as sums and counts.

Sums and counts add up over the parts of a batch, over steps and over devices; a loss is a
sum over its count.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from robomamba_jax.config import RoboMambaConfig
from robomamba_jax.config.policy import KERNEL_WIDTH
from robomamba_jax.config.training import LossConfig
from robomamba_jax.convert.tensor_names import STACKS
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.losses import (
    answer_weights,
    contact_loss,
    gripper_loss,
    linear_cross_entropy,
    linear_hits,
    mixture_losses,
    rotation_loss,
)
from robomamba_jax.models.inputs import ModelInputs
from robomamba_jax.models.params import Params, abstract_params
from robomamba_jax.models.policy.head import PolicyOutput, PolicyStates
from robomamba_jax.models.robomamba import first_image_index
from robomamba_jax.models.sharding import gathered
from robomamba_jax.ops.backend import current_backend
from robomamba_jax.training.device_put import normalized

Batch = Mapping[str, jax.Array]
Sums = dict[str, tuple[jax.Array, jax.Array]]
"""Name -> (sum, count), float32[] each."""


@dataclasses.dataclass(frozen=True)
class Objective:
    """What one stage minimises.

    Attributes:
      weights: of the losses in their total, by name.
      losses: (params, batch) -> their sums and counts.
      counts: batch -> the counts alone, where they can be told without the model; else None.
      scores: (params, batch) -> what evaluation reports beside the losses.
      outputs: (params, batch) -> predicted contact and the angle to the target's rotation of
        every row; None where answers are texts.
      draws: whether the losses need random numbers: ``draw`` in the batch, uint32[B], a seed for
        each row, so that nothing depends on how rows are spread.
    """

    weights: Mapping[str, float]
    losses: Callable[[Params, Batch], Sums]
    counts: Callable[[Batch], dict[str, jax.Array]] | None
    scores: Callable[[Params, Batch], Sums]
    outputs: Callable[[Params, Batch], dict[str, jax.Array]] | None = None
    draws: bool = False


def text_objective(
    config: RoboMambaConfig,
    loss: LossConfig,
    transform: ImageTransform | None,
    row_tokens: int,
) -> Objective:
    """Next-token cross-entropy over what is learned; scored by answers that are right.

    Args:
      config: the model's.
      loss: how.
      transform: of the images.
      row_tokens: of a row, text and images together.
    """
    # The graph is static and shared by all calls; parameters come in with each.
    graph, expected = abstract_params(config, "stacked")

    def states(params: Params, batch: Batch) -> tuple[Any, jax.Array, jax.Array]:
        """The head's weight [V, D], the states before the tokens [B, T, D], and bool[B, T]: which
        of these are learned."""
        model: Any = nnx.merge(graph, complete(params, expected))
        inputs = inputs_of(batch, transform, batch.get("segment_ids"))
        hidden, valid = model.next_token_states(inputs, row_tokens)
        # Learned: a token of an answer that something of its own sample stands before.
        return model.llm.head_weight, hidden, valid & batch["loss_mask"]

    def losses(params: Params, batch: Batch) -> Sums:
        """The sum of the learned tokens' cross-entropy, and its weights' sum."""
        head, hidden, learned = states(params, batch)
        weights = answer_weights(learned, batch.get("segment_ids"), balance=loss.length_balance)
        total = _cross_entropy(hidden, head, batch["input_ids"], weights, loss)
        return {"text": (total, weights.sum())}

    def scores(params: Params, batch: Batch) -> Sums:
        """An answer is right where each of its tokens, its end included, is the likeliest:
        greedy decoding would then say it to the letter."""
        head, hidden, learned = states(params, batch)
        weights = learned.astype(jnp.float32)
        ids = batch["input_ids"]
        total = _cross_entropy(hidden, head, ids, weights, loss)
        hits = linear_hits(hidden, head, ids, chunk=loss.chunk)
        found, right = _answers(batch, learned, hits)
        tokens = jnp.sum(jnp.where(learned, hits, False), dtype=jnp.float32)
        return {
            "text": (total, weights.sum()),
            "token_accuracy": (tokens, weights.sum()),
            "answer_accuracy": (right, found),
        }

    return Objective({"text": 1.0}, losses, None, scores)


def _cross_entropy(
    hidden: jax.Array, head: jax.Array, ids: jax.Array, weights: jax.Array, loss: LossConfig
) -> jax.Array:
    """The weighted sum, see ``linear_cross_entropy``; of a device's own rows."""
    # Of a packed row of questions and answers a tenth to a third is learned: on a CPU, where the
    # head's products are a sixth of a small model's step, the others' are left out. Not measured on
    # accelerators, whose collectives along ``tensor`` would stand in a branch.
    compact = current_backend() == "cpu"
    return linear_cross_entropy(hidden, head, ids, weights, chunk=loss.chunk, compact=compact)


def _answers(batch: Batch, learned: jax.Array, hits: jax.Array) -> tuple[jax.Array, jax.Array]:
    """How many samples have learned tokens, and in how many all of them are right."""
    rows, length = learned.shape
    # [B, T]: the number of each token's sample; a row has at most as many samples as tokens.
    segments = batch.get("segment_ids")
    place = jnp.zeros((rows, length), jnp.int32) if segments is None else segments
    place = place + length * jnp.arange(rows, dtype=jnp.int32)[:, None]

    def count(where: jax.Array) -> jax.Array:
        """How many True each sample has, int32[B * T] by its number."""
        flat = jnp.zeros(rows * length, jnp.int32).at[place.reshape(-1)]
        return flat.add(where.reshape(-1).astype(jnp.int32))

    # Several samples share a packed row: what is counted is (row, segment), by a scatter-add.
    tokens, wrong = count(learned), count(learned & ~hits)
    found = tokens > 0
    return found.sum(dtype=jnp.float32), (found & (wrong == 0)).sum(dtype=jnp.float32)


def pose_objective(
    config: RoboMambaConfig,
    loss: LossConfig,
    transform: ImageTransform | None,
    contact_unit: float | None,
) -> Objective:
    """Contact, rotation and gripper losses, each the mean over the poses that say it.

    Args:
      config: the model's.
      loss: which.
      transform: of the images.
      contact_unit: what one unit of the contact is, in shares of the crop's side, for scores;
        None where it depends on the image: then that score is left out.
    """
    graph, expected = abstract_params(config, "stacked")

    def predict(params: Params, batch: Batch) -> PolicyOutput:
        """What the head says of a batch."""
        model: Any = nnx.merge(graph, complete(params, expected))
        states = _pose_states(model, batch, config, transform)
        if "draw" in batch:
            hidden = dropped(states.hidden, batch["draw"], loss.hidden_dropout)
            states = states._replace(hidden=hidden)
        if states.hidden.ndim == 2:
            return model.policy.read_pooled(states.hidden)
        return model.policy.read_states(states)

    def counts(batch: Batch) -> dict[str, jax.Array]:
        """How many poses say each of the targets."""
        weight = batch["weight"]
        # NaN: the sample does not say whether the gripper is open.
        known = weight * (~jnp.isnan(batch["gripper"])).astype(jnp.float32)
        found = {"contact": weight.sum(), "rotation": weight.sum(), "gripper": known.sum()}
        return {name: found[name] for name in names}

    def losses(params: Params, batch: Batch) -> Sums:
        """Sums and counts of the losses."""
        return summed(predict(params, batch), batch)

    def summed(output: PolicyOutput, batch: Batch) -> Sums:
        """The losses of a prediction, as sums and counts."""
        weight, total, each = batch["weight"], counts(batch), _pose_losses(output, batch, loss)
        # Not a product: a row of no weight may hold anything.
        sums = {name: jnp.sum(jnp.where(weight > 0, x * weight, 0.0)) for name, x in each.items()}
        return {name: (sums[name], total[name]) for name in sums}

    def scores(params: Params, batch: Batch) -> Sums:
        """The losses, and how many contacts and rotations are near."""
        output, weight = predict(params, batch), batch["weight"]
        found = summed(output, batch)
        if contact_unit is not None:
            apart = (output.contact - batch["contact"]) * contact_unit
            near = (jnp.linalg.norm(apart, axis=-1) < 0.05).astype(jnp.float32)
            found["contact_within_5_percent"] = (jnp.sum(near * weight), weight.sum())
        angle = rotation_loss(output.rotation6d, batch["rotation"])
        small = (angle < jnp.pi / 6).astype(jnp.float32)
        found["rotation_within_30_degrees"] = (jnp.sum(small * weight), weight.sum())
        return found

    def outputs(params: Params, batch: Batch) -> dict[str, jax.Array]:
        """Prediction and target of every row."""
        output = predict(params, batch)
        angle = rotation_loss(output.rotation6d, batch["rotation"])
        target = {"target": batch["contact"], "weight": batch["weight"]}
        return {"contact": output.contact, "angle": angle, **target}

    names = ["contact", "rotation"]
    if config.policy is not None and config.policy.gripper:
        names.append("gripper")
    given = (loss.contact_weight, loss.rotation_weight, loss.gripper_weight)
    weights = dict(zip(names, given, strict=False))
    return Objective(weights, losses, counts, scores, outputs, draws=loss.hidden_dropout > 0)


def _pose_losses(output: PolicyOutput, batch: Batch, loss: LossConfig) -> dict[str, jax.Array]:
    """float32[B] each: what every row's pose loses."""
    targets = batch["contact"], batch["rotation"], batch["gripper"]
    # A mixture's loss is of all proposals at once; the one pose that it says is read off them.
    if output.proposals is not None:
        return mixture_losses(
            output.proposals, *targets, kernel_width=KERNEL_WIDTH, kind=loss.rotation
        )
    each = {
        "contact": contact_loss(output.contact, targets[0], loss.contact),
        "rotation": rotation_loss(output.rotation6d, targets[1], loss.rotation),
    }
    if output.gripper_logit is not None:
        each["gripper"] = gripper_loss(output.gripper_logit, targets[2])[0]
    return each


def _pose_states(
    model: Any, batch: Batch, config: RoboMambaConfig, transform: ImageTransform | None
) -> PolicyStates:
    """What the policy head reads: computed, or cached."""
    features = batch.get("features")
    # Four axes are patches, [B, images, P, D], which the model takes in an image's place.
    if features is None or features.ndim == 4:
        return model.policy_states(inputs_of(batch, transform))
    image_index = None
    if config.vision is not None:
        given = batch["mask"], batch["image_positions"]
        image_index = first_image_index(*given, config.vision.num_patches)
    return _from_cached(features, image_index)


def _from_cached(features: jax.Array, image_index: jax.Array | None) -> PolicyStates:
    """Cached features as a head reads them: float[B, D], pooled, or the states at all positions,
    float[B, J, D], with the image's places among them. Padding among these is 0, which no state
    behind the final norm is; where the text begins a head that reads sequences does not ask."""
    # The cache has rows of one length and no mask of its own; see the docstring for why 0 tells.
    mask = jnp.any(features != 0, axis=-1)
    last = jnp.maximum(mask.reshape(len(mask), -1).sum(axis=1) - 1, 0)
    hidden = features.astype(jnp.float32) if features.ndim == 2 else features
    return PolicyStates(hidden, jnp.zeros_like(last), last, mask, image_index)


def dropped(hidden: jax.Array, draw: jax.Array, share: float) -> jax.Array:
    """States of which a share of numbers is 0, the others larger so that the mean stays.

    A number's lot is one byte, not the 32 bits that ``jax.random.bernoulli`` draws: on a CPU those
    take as long as all else of a step. So the share is a 256th's multiple, one of 1 to 255.

    Args:
      hidden: float[B, ..., D].
      draw: uint32[B], a seed for each row.
      share: above 0, below 1.
    """
    least = min(255, max(1, round(256 * share)))

    def row(seed: jax.Array, x: jax.Array) -> jax.Array:
        """One row's numbers, some of them 0."""
        words = jax.random.bits(jax.random.key(seed), (-(-x.size // 4),))
        lots = jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(-1)[: x.size]
        kept = lots.reshape(x.shape) >= least
        return jnp.where(kept, x * (256 / (256 - least)), jnp.zeros((), x.dtype)).astype(x.dtype)

    return jax.vmap(row)(draw, hidden)


def complete(params: Params, expected: Params) -> Params:
    """A tree with all of a model's leaves, put together from their pieces but for the layers,
    which do that one by one; parts that are not there, since cached features stand for them,
    are scalars that nobody reads."""
    filled = dict(gathered(params, "", but=STACKS))
    for name, part in expected.items():
        if name not in filled:
            filled[name] = jax.tree.map(lambda _: jnp.zeros((), jnp.float32), part)
    return filled


def inputs_of(
    batch: Batch, transform: ImageTransform | None, segment_ids: jax.Array | None = None
) -> ModelInputs:
    """What the model reads of a batch; ``segment_ids`` where its rows are packed."""
    return ModelInputs(
        batch["input_ids"],
        images_of(batch, transform),
        batch["mask"],
        batch["image_positions"],
        segment_ids,
        batch.get("features"),
    )


def images_of(batch: Batch, transform: ImageTransform | None) -> jax.Array | None:
    """The batch's images as the encoder reads them, float32; None where it has none."""
    if "images" not in batch:
        return None
    assert transform is not None
    return normalized(batch["images"], transform)


def total_loss(
    sums: Sums, counts: Mapping[str, jax.Array], weights: Mapping[str, float]
) -> jax.Array:
    """The weighted sum of the means; a loss that nothing counts for is 0."""
    return sum(
        (weights[name] * sums[name][0] / jnp.maximum(counts[name], 1.0) for name in weights),
        jnp.zeros((), jnp.float32),
    )
