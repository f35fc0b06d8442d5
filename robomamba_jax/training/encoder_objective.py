# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a small encoder's pre-training minimises, as sums and counts; see ``objectives``.

Of every image the tower learns which words are true of it, read by a few learned queries over the
patches (as classifying captions by their words does, arXiv 2411.03313), and, read from each patch
alone, what its pixels show: object, moving part or thing, which of them by name, how far away,
how turned, and how it would move (FlowBot3D's articulation flow, arXiv 2205.04382). What reads is
thrown away afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from robomamba_jax.config import VisionConfig
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.data.pipeline.labelled import GROUPS, UNIT
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
# nothing else keeps them from growing. Motion is asked of moving parts alone, a few cells in a
# hundred, and is what a gripper needs most. Against groups 2, named .2, depth .5 and motion 1, 800
# steps read validation objects better in everything (docs/experiments.md).
_WEIGHTS = {
    "words": 0.1,
    "groups": 4.0,
    "named": 0.5,
    "depth": 0.2,
    "normals": 0.5,
    "motion": 2.0,
    "size": 1e-3,
}
# Words "object box", "color red": of an image at most one of each kind is true.
_CHOICES = ("object", "color")
_MOVING = GROUPS.index("moving part")
# A cell's outputs: a logit for every group, depth, and two vectors.
_OUTPUTS = len(GROUPS) + 1 + 3 + 3


class LabelSizes(NamedTuple):
    """How much is asked of a patch and of an image.

    Attributes:
      words: W, of the vocabulary.
      names: of parts and things.
      cells: of the maps, in one patch.
    """

    words: int
    names: int
    cells: int


class Cells(NamedTuple):
    """What is read of the cells of each patch, all float32.

    Attributes:
      groups: float32[B, P, cells, groups], logits.
      depth: float32[B, P, cells], in units of half a metre from five.
      normals: float32[B, P, cells, 3].
      motion: float32[B, P, cells, 3].
    """

    groups: jax.Array
    depth: jax.Array
    normals: jax.Array
    motion: jax.Array


class Heads(nnx.Module):
    """What reads the tower while it learns."""

    def __init__(self, width: int, sizes: LabelSizes, *, rngs: nnx.Rngs) -> None:
        """For patches of ``width`` numbers."""
        key = rngs.params
        self.queries = nnx.Param(0.02 * jax.random.normal(key(), (width, _QUERIES)))
        self.words = nnx.Param(
            0.1
            * jax.random.normal(key(), (_QUERIES * width, sizes.words))
            / math.sqrt(_QUERIES * width)
        )
        self.words_bias = nnx.Param(jnp.full((sizes.words,), -3.0))  # most words are false
        outputs = sizes.cells * _OUTPUTS
        self.cells = nnx.Param(jax.random.normal(key(), (width, outputs)) / math.sqrt(width))
        self.cells_bias = nnx.Param(jnp.zeros((outputs,)))
        self.names = nnx.Param(
            0.1 * jax.random.normal(key(), (width, sizes.names)) / math.sqrt(width)
        )
        self.names_bias = nnx.Param(jnp.full((sizes.names,), -4.0))  # of a patch nearly all

    def read_words(self, patches: jax.Array) -> jax.Array:
        """float32[B, P, D] -> float32[B, W], logits."""
        x = _unit(patches)
        # [B, P, Q]: each query's shares of the patches; then [B, Q, D], what each has found.
        weights = jax.nn.softmax(x @ self.queries[...], axis=1)
        pooled = jnp.einsum("bpq,bpd->bqd", weights, x)
        return pooled.reshape(len(x), -1) @ self.words[...] + self.words_bias[...]

    def read_names(self, patches: jax.Array) -> jax.Array:
        """float32[B, P, D] -> float32[B, P, names], logits."""
        return _unit(patches) @ self.names[...] + self.names_bias[...]

    def read_cells(self, patches: jax.Array) -> Cells:
        """float32[B, P, D] -> what each patch says of its own cells."""
        y = _unit(patches) @ self.cells[...] + self.cells_bias[...]
        y = y.reshape(*y.shape[:2], -1, _OUTPUTS)
        groups, depth, normals, motion = jnp.split(
            y, (len(GROUPS), len(GROUPS) + 1, len(GROUPS) + 4), axis=-1
        )
        return Cells(groups, depth[..., 0], normals, motion)


def _unit(x: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-6)


class EncoderNetwork(nnx.Module):
    """The tower, under the name that it has in a whole model, and what reads it."""

    def __init__(self, config: VisionConfig, sizes: LabelSizes, *, rngs: nnx.Rngs) -> None:
        # The tower first: the order of the draws is part of a trained encoder's recipe.
        self.vision = VisionTower(config, rngs=rngs)
        self.readout = Heads(config.width, sizes, rngs=rngs)


class _Read(NamedTuple):
    """What a batch's images are read as: patches, and logits of words and of groups."""

    patches: jax.Array
    words: jax.Array
    cells: Cells


def encoder_objective(
    graph: nnx.GraphDef[EncoderNetwork],
    expected: Params,
    transform: ImageTransform,
    vocabulary: Sequence[str],
) -> Objective:
    """Words, names, groups, depth, normals and motion, and the patches' size.

    Args:
      graph: of an ``EncoderNetwork``.
      expected: its parameters as shapes.
      transform: of the images.
      vocabulary: the words, in the order of the batch's columns.
    """

    def counts(batch: Batch) -> dict[str, jax.Array]:
        """How much each loss counts in a batch."""
        numbers = {
            "words": batch["described"].sum(),
            "groups": batch["groups"].size,
            "named": batch["named"].shape[0] * batch["named"].shape[1],
            # 0 is "nothing there", which has no distance, no normal and no motion.
            "depth": (batch["depth"] > 0).sum(),
            "normals": _known(batch["normals"]).sum(),
            "motion": (batch["groups"] == _MOVING).sum(),
            "size": len(batch["images"]),
        }
        return {name: jnp.asarray(number, jnp.float32) for name, number in numbers.items()}

    def losses(params: Params, batch: Batch) -> Sums:
        """Sums and counts of the losses."""
        return summed(params, batch)[0]

    def summed(params: Params, batch: Batch) -> tuple[Sums, _Read]:
        """The losses, and what was read."""
        network = nnx.merge(graph, complete(params, expected))
        patches = network.vision(normalized(batch["images"], transform))
        said = network.readout.read_words(patches)
        cells = network.readout.read_cells(patches)
        named = network.readout.read_names(patches)
        of_words = optax.sigmoid_binary_cross_entropy(said, batch["words"]).sum(axis=-1)
        # Not by integer labels: their gradient is a scatter, which is slow on a CPU.
        shown = jax.nn.one_hot(batch["groups"], len(GROUPS))
        apart = jnp.abs(cells.depth - (batch["depth"] - _FAR) / _NEAR_ONE)
        moving = batch["groups"] == _MOVING
        sums = {
            "words": jnp.sum(of_words * batch["described"]),
            "groups": optax.softmax_cross_entropy(cells.groups, shown).sum(),
            "named": optax.sigmoid_binary_cross_entropy(named, batch["named"]).sum(),
            "depth": jnp.sum(jnp.where(batch["depth"] > 0, apart, 0)),
            "normals": _off(cells.normals, batch["normals"], _known(batch["normals"])),
            "motion": _off(cells.motion, batch["motion"], moving),
            "size": jnp.mean(jnp.square(patches), axis=(1, 2)).sum(),
        }
        found = {name: (sums[name], count) for name, count in counts(batch).items()}
        return found, _Read(patches, said, cells)

    def scores(params: Params, batch: Batch) -> Sums:
        """The losses; the shares of objects and of colours that are named right; F1 of all words,
        which adds up over batches as twice the hits over all that is said or true; the overlap of
        the moving parts' pixels (intersection over union); and the share of their pixels whose
        motion is less than 30 degrees off."""
        found, read = summed(params, batch)
        words = batch["words"] * batch["described"][:, None]
        predicted = (read.words > 0) & (batch["described"][:, None] > 0)
        for kind in _CHOICES:
            places = [k for k, word in enumerate(vocabulary) if word.startswith(f"{kind} ")]
            if places:
                one, best = words[:, places], read.words[:, places].argmax(axis=1)
                # A word that is too rare is in no vocabulary: then none of the kind is true.
                known = one.sum(axis=1) == 1
                hits = known & (best == one.argmax(axis=1))
                found[kind] = (_count(hits), _count(known))
        hits = _count(predicted & (words > 0))
        found["words_f1"] = (2 * hits, _count(predicted) + words.sum())
        moving = batch["groups"] == _MOVING
        called = read.cells.groups.argmax(axis=-1) == _MOVING
        found["part_iou"] = (_count(moving & called), _count(moving | called))
        wanted = batch["motion"] / jnp.float32(UNIT)
        norms = jnp.linalg.norm(wanted, axis=-1) * jnp.linalg.norm(read.cells.motion, axis=-1)
        cosines = jnp.sum(wanted * read.cells.motion, axis=-1) / jnp.maximum(norms, 1e-6)
        # What turns about its own middle hardly moves there: no direction to be right about.
        asked = moving & (jnp.linalg.norm(wanted, axis=-1) > 0.05)
        found["motion_30"] = (_count(asked & (cosines > math.cos(math.pi / 6))), _count(asked))
        return found

    return Objective(_WEIGHTS, losses, counts, scores)


def _known(vectors: jax.Array) -> jax.Array:
    """bool: where bytes of vectors [..., 3] are more than zeros."""
    return (vectors != 0).any(axis=-1)


def _off(found: jax.Array, wanted: jax.Array, where: jax.Array) -> jax.Array:
    """The sum of absolute differences of vectors [..., 3]; ``wanted`` in bytes."""
    apart = jnp.abs(found - wanted / jnp.float32(UNIT)).sum(axis=-1)
    return jnp.sum(jnp.where(where, apart, 0))


def _count(where: jax.Array) -> jax.Array:
    return where.sum(dtype=jnp.float32)


def abstract_network(
    config: VisionConfig, sizes: LabelSizes
) -> tuple[nnx.GraphDef[EncoderNetwork], Params]:
    """An ``EncoderNetwork``'s graph, and its parameters as shapes."""
    graph, state = abstract(lambda: EncoderNetwork(config, sizes, rngs=nnx.Rngs(0)))
    return graph, plain_dicts(state)
