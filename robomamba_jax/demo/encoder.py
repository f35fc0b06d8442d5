# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Pre-training of the small encoder: the step before stage 1 that CLIP's authors did for the
large presets.

The tower learns two things at once, half a batch each. Of an image with words: which of them
are true of it, read by a few learned queries over the patches (as classifying captions by their
words does, arXiv 2411.03313). Of an image with maps: what each pixel shows, and how far away it
is, read from each patch alone. What reads is thrown away afterwards.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from safetensors import safe_open
from safetensors.numpy import save

from robomamba_jax.config import VisionConfig
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.folder import write_folder
from robomamba_jax.convert.placement import tree_tensors
from robomamba_jax.convert.tensors import TensorInfo
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.data.processor import Processor
from robomamba_jax.data.text.prompts import prompt_template
from robomamba_jax.demo.labels import CLASSES, Labelled
from robomamba_jax.demo.variation import Variation, mirrored_places, mirrored_words
from robomamba_jax.models.vision import VisionTower
from robomamba_jax.training.device_put import normalized
from robomamba_jax.utils.file_names import plain_path
from robomamba_jax.utils.files import replacing

Params = dict[str, Any]  # nested; arrays at the leaves
OnStep = Callable[[int, int, float], None]
"""Called with (steps done, steps, loss)."""

# Several, so that one may look for the object while another looks for what stands beside it; with
# the mean of the patches alone a small thing's colour drowns in the background.
_QUERIES = 8
_FAR = 5.0  # metres: the middle of the world's distances
_NEAR_ONE = 0.5  # metres that count as 1
_WORDS, _CLASSES, _DEPTH = 0.1, 2.0, 0.5  # weights of the three losses
_LARGE = 1e-3  # weight of the patches' mean square: the heads do not ask how large they are
_SAVE_EVERY = 100  # steps
_READ = 100  # images at a time
_SAMPLE = 256  # images whose patches say how large they are


@dataclasses.dataclass(frozen=True)
class EncoderPlan:
    """How long and how.

    Attributes:
      steps: updates.
      rows: images of one, half of them with words, half with maps.
      learning_rate: the highest, of AdamW's and of Muon's updates alike.
      shift: how far images are moved, at most, each time that they are seen: cells of the maps.
      mirrors: half of the images are mirrored, left and right in their words too.
      seed: of weights and order.
    """

    steps: int
    rows: int = 32
    learning_rate: float = 4e-3
    shift: int = 4
    mirrors: bool = True
    seed: int = 0


class EncoderRun(NamedTuple):
    """What came of it.

    Attributes:
      steps: updates.
      seconds: of training, interruptions left out.
      curve: the loss, every tenth step.
      words: W, size of the vocabulary.
      held_out: see ``scores``; empty without held-out images.
    """

    steps: int
    seconds: float
    curve: tuple[tuple[int, float], ...]
    words: int
    held_out: dict[str, float]


class Heads(nnx.Module):
    """What reads the tower while it learns."""

    def __init__(self, width: int, words: int, cells: int, *, rngs: nnx.Rngs) -> None:
        key = rngs.params
        self.queries = nnx.Param(0.02 * jax.random.normal(key(), (width, _QUERIES)))
        self.words = nnx.Param(
            0.1 * jax.random.normal(key(), (_QUERIES * width, words)) / math.sqrt(_QUERIES * width)
        )
        self.words_bias = nnx.Param(jnp.full((words,), -3.0))  # most words are false
        outputs = cells * cells * (len(CLASSES) + 1)
        self.cells = nnx.Param(jax.random.normal(key(), (width, outputs)) / math.sqrt(width))
        self.cells_bias = nnx.Param(jnp.zeros((outputs,)))

    def read_words(self, patches: jax.Array) -> jax.Array:
        """float32[B, P, D] -> float32[B, W], logits."""
        x = _unit(patches)
        weights = jax.nn.softmax(x @ self.queries[...], axis=1)
        pooled = jnp.einsum("bpq,bpd->bqd", weights, x)
        return pooled.reshape(len(x), -1) @ self.words[...] + self.words_bias[...]

    def read_cells(self, patches: jax.Array) -> tuple[jax.Array, jax.Array]:
        """float32[B, P, D] -> class logits float32[B, P, cells, 3] and depth float32[B, P, cells]
        in units of half a metre from five."""
        y = _unit(patches) @ self.cells[...] + self.cells_bias[...]
        y = y.reshape(*y.shape[:2], -1, len(CLASSES) + 1)
        return y[..., :-1], y[..., -1]


def _unit(x: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-6)


class _State(NamedTuple):
    params: Params
    opt_state: Any


def pretrain_encoder(
    data: Labelled,
    config: VisionConfig,
    transform: ImageTransform,
    plan: EncoderPlan,
    out: Path,
    *,
    held_out: Labelled | None = None,
    on_step: OnStep = lambda step, steps, loss: None,
) -> EncoderRun:
    """Train a tower and write it as an inference folder that holds an encoder alone.

    Args:
      data: what it learns; the maps' side is a multiple of the tower's grid and divides the
        images' side.
      config: of the tower.
      transform: of the images.
      plan: how long.
      out: the folder; beside it the state is kept, so that a killed run goes on.
      held_out: other images with the same vocabulary, to be read in the end.
      on_step: told every tenth step and the last.
    """
    graph, params = _new_params(data, config, plan.seed)
    transform_of_gradients = _optimizer(plan)
    update = jax.jit(
        partial(_update, graph=graph, rule=transform_of_gradients, transform=transform),
        donate_argnums=0,
    )
    state = _State(params, transform_of_gradients.init(params))
    kept = out.with_name(f"{out.name}.partial.safetensors")
    state, log = _resume(kept, state)
    started, curve = time.monotonic() - log["seconds"], log["curve"]
    for step in range(log["step"], plan.steps):
        state, loss = update(state, _batch(data, config, plan, step))
        if step % 10 == 0 or step == plan.steps - 1:
            curve.append([step, round(float(loss), 4)])
            on_step(step + 1, plan.steps, curve[-1][1])
        if (step + 1) % _SAVE_EVERY == 0:
            log = {"step": step + 1, "seconds": time.monotonic() - started, "curve": curve}
            _keep(kept, state, log)
    seconds = time.monotonic() - started
    images = data.described[:_SAMPLE]
    _write(
        out,
        standardized(state.params["tower"], graph["tower"], images, transform),
        config,
        transform,
        plan,
    )
    words = len(data.vocabulary)
    read = {} if held_out is None else scores(state.params, graph, held_out, transform)
    kept.unlink(missing_ok=True)
    points = tuple((int(step), float(loss)) for step, loss in curve)
    return EncoderRun(plan.steps, seconds, points, words, read)


def scores(
    params: Params, graph: Any, data: Labelled, transform: ImageTransform
) -> dict[str, float]:
    """How well images are read: the share of objects and of colours that are named right, and of
    all words the F1."""

    @jax.jit
    def read(images: jax.Array) -> jax.Array:
        patches = nnx.merge(graph["tower"], params["tower"])(normalized(images, transform))
        return nnx.merge(graph["heads"], params["heads"]).read_words(patches)

    size = min(_READ, len(data.described))
    whole = len(data.described) // size * size
    logits = np.concatenate(
        [np.asarray(read(data.described[k : k + size])) for k in range(0, whole, size)]
    )
    labels = data.words[:whole]
    found = {}
    for kind in ("object", "color"):
        places = [k for k, word in enumerate(data.vocabulary) if word.startswith(f"{kind} ")]
        known = labels[:, places].sum(axis=1) == 1
        if not known.any():  # a vocabulary out of few images
            continue
        hits = logits[:, places].argmax(axis=1) == labels[:, places].argmax(axis=1)
        found[kind] = round(float(hits[known].mean()), 4)
    predicted = logits > 0
    either = max(1.0, float(predicted.sum() + labels.sum()))
    found["words_f1"] = round(float(2 * (predicted * labels).sum()) / either, 4)
    return found


def standardized(
    tower: Params, graph: Any, images: np.ndarray, transform: ImageTransform
) -> Params:
    """The same tower whose patches have mean 0 in every channel and, in the median channel, a
    standard deviation of 1, as a projector expects its inputs.

    Blocks read the residual stream through a LayerNorm, which does not see its scale, so whatever
    writes to it is scaled alike; the mean goes into the last block's bias.

    Args:
      tower: its parameters.
      graph: its graph.
      images: uint8[A, S, S, 3], to measure.
      transform: of images.
    """
    run = jax.jit(lambda params, x: nnx.merge(graph, params)(normalized(x, transform)))
    patches = np.asarray(run(tower, images), np.float64)
    # The median, not the mean: after pre-training one channel may have five times the deviation of
    # all others, and would push them below what a projector notices.
    scale = 1 / np.median(patches.std(axis=(0, 1)))
    mean = patches.mean(axis=(0, 1))
    found = jax.tree.map(jnp.asarray, tower)
    layers, embeddings = found["encoder"]["layers"], found["embeddings"]
    writers = [
        embeddings["patch_embedding"],
        embeddings["position_embedding"],
        layers["self_attn"]["out_proj"],
        layers["mlp"]["fc2"],
    ]
    for writer in writers:
        for name in writer:
            writer[name] = writer[name] * scale
    bias = layers["mlp"]["fc2"]["bias"]
    layers["mlp"]["fc2"]["bias"] = bias.at[-1].add(jnp.asarray(-scale * mean, bias.dtype))
    return found


def _new_params(data: Labelled, config: VisionConfig, seed: int) -> tuple[Any, Params]:
    cells = data.classes.shape[1] // config.grid
    rngs = nnx.Rngs(seed)
    modules = {
        "tower": VisionTower(config, rngs=rngs),
        "heads": Heads(config.width, len(data.vocabulary), cells, rngs=rngs),
    }
    graphs, params = {}, {}
    for name, module in modules.items():
        graphs[name], state = nnx.split(module)
        params[name] = nnx.to_pure_dict(state)
    return graphs, params


def _optimizer(plan: EncoderPlan) -> Any:
    """Muon for the blocks' matrices, AdamW for all else: about twice as far in as many steps."""
    rate = optax.warmup_cosine_decay_schedule(
        0.0, plan.learning_rate, max(1, plan.steps // 20), plan.steps, 0.02 * plan.learning_rate
    )
    # Weights are [out, in], as in torch, behind the axis of layers. What is not stacked (tables,
    # the patch convolution, the heads) is AdamW's: Muon is meant for hidden layers' matrices.
    stacked = optax.contrib.MuonDimensionNumbers(reduction_axis=2, output_axis=1)
    return optax.contrib.muon(
        rate,
        adam_b2=0.98,
        weight_decay=0.05,
        adam_learning_rate=rate,
        consistent_rms=0.2,
        muon_weight_dimension_numbers=lambda tree: jax.tree.map(
            lambda leaf: stacked if leaf.ndim == 3 else None, tree
        ),
    )


def _update(
    state: _State, batch: dict[str, jax.Array], *, graph: Any, rule: Any, transform: ImageTransform
) -> tuple[_State, jax.Array]:
    def loss(params: Params) -> jax.Array:
        tower = nnx.merge(graph["tower"], params["tower"])
        heads = nnx.merge(graph["heads"], params["heads"])
        images = jnp.concatenate([batch["described"], batch["mapped"]])
        patches = tower(normalized(images, transform))
        half = len(batch["described"])
        words = optax.sigmoid_binary_cross_entropy(
            heads.read_words(patches[:half]), batch["words"]
        ).sum(axis=1)
        logits, depth = heads.read_cells(patches[half:])
        # Not by integer labels: their gradient is a scatter, which is slow on a CPU.
        shown = jax.nn.one_hot(batch["classes"], len(CLASSES))
        classes = optax.softmax_cross_entropy(logits, shown)
        # 0 is "nothing there", which has no distance: those cells count for no depth.
        there = batch["depth"] > 0
        apart = jnp.abs(depth - (batch["depth"] - _FAR) / _NEAR_ONE)
        far = jnp.sum(jnp.where(there, apart, 0)) / jnp.maximum(there.sum(), 1)
        large = jnp.mean(jnp.square(patches))
        return _WORDS * words.mean() + _CLASSES * classes.mean() + _DEPTH * far + _LARGE * large

    value, gradient = jax.value_and_grad(loss)(state.params)
    updates, opt_state = rule.update(gradient, state.opt_state, state.params)
    params: Any = optax.apply_updates(state.params, updates)
    return _State(params, opt_state), value


def _batch(
    data: Labelled, config: VisionConfig, plan: EncoderPlan, step: int
) -> dict[str, np.ndarray]:
    """The images of a step, which depend on the seed and the step alone."""
    # A new generator for every step, so that a resumed run needs no state of it. The order of the
    # draws below is part of the released encoder's recipe: to change it is to train another one.
    rng = np.random.default_rng([plan.seed, step])
    half = plan.rows // 2
    a, b = (rng.integers(len(x), size=half) for x in (data.described, data.mapped))
    grid, side = config.grid, data.classes.shape[1]
    cells, pixels = side // grid, config.image_size // side
    described, mapped = (
        [(k, Variation(rng, plan.shift, plan.mirrors)) for k in chosen] for chosen in (a, b)
    )
    places = mirrored_places(data.vocabulary)

    def varied(of: np.ndarray, by: list[tuple[int, Variation]], cell: int) -> np.ndarray:
        return np.stack([change.apply(of[k], cell) for k, change in by])

    def by_patch(maps: np.ndarray) -> np.ndarray:
        x = varied(maps, mapped, 1)
        x = x.reshape(half, grid, cells, grid, cells).transpose(0, 1, 3, 2, 4)
        return x.reshape(half, grid * grid, cells * cells)

    words = [
        mirrored_words(data.words[k], places) if change.mirrored else data.words[k]
        for k, change in described
    ]
    return {
        "described": varied(data.described, described, pixels),
        "words": np.stack(words),
        "mapped": varied(data.mapped, mapped, pixels),
        "classes": by_patch(data.classes).astype(np.int32),
        "depth": by_patch(data.depth).astype(np.float32),
    }


def _keep(path: Path, state: _State, log: dict[str, Any]) -> None:
    """The state on disk, whole or not at all."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(state)]
    with replacing(path) as partial_file:
        named = {f"{k:05d}": leaf for k, leaf in enumerate(leaves)}
        partial_file.write_bytes(save(named, metadata={"log": json.dumps(log)}))


def _resume(path: Path, state: _State) -> tuple[_State, dict[str, Any]]:
    """The state that was kept, if one was."""
    log: dict[str, Any] = {"step": 0, "seconds": 0.0, "curve": []}
    if not path.is_file():
        return state, log
    flat, structure = jax.tree.flatten(state)
    with plain_path(path) as plain, safe_open(plain, "numpy") as file:
        log = json.loads(file.metadata()["log"])
        held = [jnp.asarray(file.get_tensor(f"{k:05d}")) for k in range(len(flat))]
    return structure.unflatten(held), log


def _write(
    out: Path, tower: Params, config: VisionConfig, transform: ImageTransform, plan: EncoderPlan
) -> None:
    tensors = []
    for name, make in tree_tensors({"vision": tower}).items():
        array = make()
        tensors.append((name, TensorInfo(array.shape, str(array.dtype)), make))
    write_folder(
        out,
        ModelParts(None, config, None),
        Processor(None, transform, prompt_template("standard")),
        tensors,
        origin={"family": "robomamba_jax", "stage": "encoder", **dataclasses.asdict(plan)},
        overwrite=True,
    )
