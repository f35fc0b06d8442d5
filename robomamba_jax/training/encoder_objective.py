# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a small encoder's pre-training minimises, as sums and counts; see ``objectives``.

The tower learns two things at once, half a batch each. Of an image with words: which of them
are true of it, read by a few learned queries over the patches (as classifying captions by their
words does, arXiv 2411.03313). Of an image with maps: what each pixel shows, and how far away it
is, read from each patch alone. What reads is thrown away afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from robomamba_jax.config import VisionConfig
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.models.graphs import abstract, plain_dicts
from robomamba_jax.models.params import Params
from robomamba_jax.models.vision import VisionTower
from robomamba_jax.training.device_put import normalized
from robomamba_jax.training.objectives import Batch, Objective, Sums, complete

# Several, so that one may look for the object while another looks for what stands beside it; with
# the mean of the patches alone a small thing's colour drowns in the background.
_QUERIES = 8
_FAR = 5.0  # metres: the middle of the world's distances
_NEAR_ONE = 0.5  # metres that count as 1
# The patches' mean square has a small weight: the heads do not ask how large patches are, so
# nothing else keeps them from growing.
_WEIGHTS = {"words": 0.1, "classes": 2.0, "depth": 0.5, "size": 1e-3}
# Words "object box", "color red": of an image exactly one of each kind is true.
_CHOICES = ("object", "color")


class Heads(nnx.Module):
    """What reads the tower while it learns."""

    def __init__(self, width: int, words: int, classes: int, cells: int, *, rngs: nnx.Rngs) -> None:
        """For patches of ``width`` numbers, each of ``cells`` map cells of so many classes."""
        key = rngs.params
        self.queries = nnx.Param(0.02 * jax.random.normal(key(), (width, _QUERIES)))
        self.words = nnx.Param(
            0.1 * jax.random.normal(key(), (_QUERIES * width, words)) / math.sqrt(_QUERIES * width)
        )
        self.words_bias = nnx.Param(jnp.full((words,), -3.0))  # most words are false
        outputs = cells * (classes + 1)
        self.cells = nnx.Param(jax.random.normal(key(), (width, outputs)) / math.sqrt(width))
        self.cells_bias = nnx.Param(jnp.zeros((outputs,)))
        self.outputs = classes + 1

    def read_words(self, patches: jax.Array) -> jax.Array:
        """float32[B, P, D] -> float32[B, W], logits."""
        x = _unit(patches)
        # [B, P, Q]: each query's shares of the patches; then [B, Q, D], what each has found.
        weights = jax.nn.softmax(x @ self.queries[...], axis=1)
        pooled = jnp.einsum("bpq,bpd->bqd", weights, x)
        return pooled.reshape(len(x), -1) @ self.words[...] + self.words_bias[...]

    def read_cells(self, patches: jax.Array) -> tuple[jax.Array, jax.Array]:
        """float32[B, P, D] -> class logits float32[B, P, cells, classes] and depth
        float32[B, P, cells] in units of half a metre from five."""
        y = _unit(patches) @ self.cells[...] + self.cells_bias[...]
        y = y.reshape(*y.shape[:2], -1, self.outputs)
        return y[..., :-1], y[..., -1]


def _unit(x: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-6)


class EncoderNetwork(nnx.Module):
    """The tower, under the name that it has in a whole model, and what reads it."""

    def __init__(
        self, config: VisionConfig, words: int, classes: int, cells: int, *, rngs: nnx.Rngs
    ) -> None:
        # The tower first: the order of the draws is part of the released encoder's recipe.
        self.vision = VisionTower(config, rngs=rngs)
        self.readout = Heads(config.width, words, classes, cells, rngs=rngs)


def encoder_objective(
    graph: nnx.GraphDef[EncoderNetwork],
    expected: Params,
    transform: ImageTransform,
    vocabulary: Sequence[str],
) -> Objective:
    """Words of half of the images, classes and depth of the other half, and the patches' size.

    Args:
      graph: of an ``EncoderNetwork``.
      expected: its parameters as shapes.
      transform: of the images.
      vocabulary: the words, in the order of the batch's columns.
    """

    def read(params: Params, batch: Batch) -> tuple[EncoderNetwork, jax.Array]:
        """The network, and the patches of both halves, float32[2B, P, D]."""
        network = nnx.merge(graph, complete(params, expected))
        images = jnp.concatenate([batch["described"], batch["mapped"]])
        return network, network.vision(normalized(images, transform))

    def counts(batch: Batch) -> dict[str, jax.Array]:
        """How much each loss counts in a batch."""
        numbers = {
            "words": len(batch["words"]),
            "classes": batch["classes"].size,
            # 0 is "nothing there", which has no distance: those cells count for no depth.
            "depth": (batch["depth"] > 0).sum(),
            "size": len(batch["described"]) + len(batch["mapped"]),
        }
        return {name: jnp.asarray(number, jnp.float32) for name, number in numbers.items()}

    def losses(params: Params, batch: Batch) -> Sums:
        """Sums and counts of the losses."""
        return summed(*read(params, batch), batch)[0]

    def summed(network: EncoderNetwork, patches: jax.Array, batch: Batch) -> tuple[Sums, jax.Array]:
        """The losses of patches, and the words' logits, float32[B, W]."""
        half = len(batch["described"])
        said = network.readout.read_words(patches[:half])
        logits, depth = network.readout.read_cells(patches[half:])
        # Not by integer labels: their gradient is a scatter, which is slow on a CPU.
        shown = jax.nn.one_hot(batch["classes"], logits.shape[-1])
        apart = jnp.abs(depth - (batch["depth"] - _FAR) / _NEAR_ONE)
        sums = {
            "words": optax.sigmoid_binary_cross_entropy(said, batch["words"]).sum(),
            "classes": optax.softmax_cross_entropy(logits, shown).sum(),
            "depth": jnp.sum(jnp.where(batch["depth"] > 0, apart, 0)),
            "size": jnp.mean(jnp.square(patches), axis=(1, 2)).sum(),
        }
        return {name: (sums[name], count) for name, count in counts(batch).items()}, said

    def scores(params: Params, batch: Batch) -> Sums:
        """The losses; the shares of objects and of colours that are named right; F1 of all words,
        which adds up over batches as twice the hits over all that is said or true."""
        found, said = summed(*read(params, batch), batch)
        words, predicted = batch["words"], said > 0
        for kind in _CHOICES:
            places = [k for k, word in enumerate(vocabulary) if word.startswith(f"{kind} ")]
            if places:
                one, best = words[:, places], said[:, places].argmax(axis=1)
                # A word that is too rare is in no vocabulary: then none of the kind is true.
                known = one.sum(axis=1) == 1
                hits = known & (best == one.argmax(axis=1))
                found[kind] = (_count(hits), _count(known))
        hits = _count(predicted & (words > 0))
        found["words_f1"] = (2 * hits, _count(predicted) + words.sum())
        return found

    return Objective(_WEIGHTS, losses, counts, scores)


def _count(where: jax.Array) -> jax.Array:
    return where.sum(dtype=jnp.float32)


def abstract_network(
    config: VisionConfig, words: int, classes: int, cells: int
) -> tuple[nnx.GraphDef[EncoderNetwork], Params]:
    """An ``EncoderNetwork``'s graph, and its parameters as shapes."""
    graph, state = abstract(lambda: EncoderNetwork(config, words, classes, cells, rngs=nnx.Rngs(0)))
    return graph, plain_dicts(state)
