# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the frozen parts say of every image, computed once and kept: see ``data.cache.features``.

"vision_patches": the encoder's features, for every stage; "pooled_hidden": all that a policy head
of MLPs reads of a prompt and its image, so that stage 2 needs nothing but the head;
"hidden_states": those at all positions of the two, for heads that read sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from robomamba_jax.config.aliases import feature_kind
from robomamba_jax.config.training import TrainConfig
from robomamba_jax.data.cache.features import FeatureReader, FeatureWriter
from robomamba_jax.data.examples import Encoder, Example
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.data.pipeline.datasets import Dataset, open_datasets
from robomamba_jax.errors import InputError
from robomamba_jax.models.inputs import ModelInputs
from robomamba_jax.models.params import Params, abstract_params
from robomamba_jax.training.device_put import normalized
from robomamba_jax.training.objectives import complete
from robomamba_jax.training.program import CACHED_PARTS, run_image_transform, states_length
from robomamba_jax.training.sharding import make_mesh
from robomamba_jax.training.weights import (
    InitialWeights,
    chosen_config,
    expected_params,
    load_tree,
    network_hash,
    open_base,
)


class Written(NamedTuple):
    """What was done.

    Attributes:
      rows: features in the cache.
      computed: of them now.
      skipped: samples that could not be read, with the reason.
    """

    rows: int
    computed: int
    skipped: list[tuple[str, str]]


def cache_network(base: InitialWeights, kind: str, dtype: str) -> str:
    """The hash by which a cache of one kind knows the frozen parameters."""
    return network_hash(base, tuple(f"{part}." for part in CACHED_PARTS[kind]), dtype)


def open_cache(config: TrainConfig, base: InitialWeights) -> FeatureReader | None:
    """The cache that a run reads, if it reads one.

    Raises:
      InputError: it was computed with other parameters or another transform.
    """
    if config.data.features is None:
        return None
    reader = FeatureReader(config.data.features)
    wanted = cache_network(base, reader.kind, config.model.dtype)
    if reader.network != wanted:
        raise InputError(
            "features_mismatch",
            f"{config.data.features} was computed with other weights (or another model.dtype)",
            "compute the features again: robomamba data features",
        )
    transform = run_image_transform(config.data)
    if transform is None or reader.facts["transform"] != transform.to_json():
        raise InputError(
            "features_mismatch",
            f"{config.data.features} was computed of other crops",
            "give the data.encoding.transform that it was computed with",
        )
    return reader


def compute_features(
    config: TrainConfig,
    out: str | Path,
    *,
    kind: str,
    dtype: str | None = None,
    batch: int = 32,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Written:
    """Fill a cache with the features of every sample of a run's data, held-out ones included;
    it may be taken up again.

    Args:
      config: the run's; its base, data and model count, not what is trained.
      out: the cache's folder.
      kind: "vision_patches", "pooled_hidden" or "hidden_states".
      dtype: of the file; None = bfloat16 where the model computes in it, else float32.
      batch: images (or prompts) at a time.
      tell: called with (samples done, samples in all).

    Raises:
      InputError: the base has no encoder, or (``on_error="raise"``) a sample cannot be read.
    """
    kind = feature_kind(kind, warn=True)
    transform = run_image_transform(config.data)
    base = open_base(config.init_from, config.model, config.seed)
    if transform is None or base.parts.vision is None:
        raise InputError("no_vision", "there is no encoder", "give data.encoding.transform")
    extract = _Extractor(config, base, kind, transform)
    narrow = "bfloat16" if config.model.dtype == "bfloat16" else "float32"
    writer = FeatureWriter(
        out,
        kind=kind,
        network=cache_network(base, kind, config.model.dtype),
        transform=transform,
        shape=extract.shape,
        dtype=dtype or narrow,
    )
    before, skipped = len(writer), []
    waiting: list[tuple[bytes, Example | np.ndarray]] = []
    for done, total, example, problem in _examples(config, batch):
        if problem is not None:
            if config.data.on_error == "raise":
                raise problem
            skipped.append((f"sample {done}", problem.message))
        elif example is not None:
            waiting += [item for item in extract.wanted(example, writer) if item[0] not in writer]
        # An image may stand in several of the samples that wait.
        waiting = list({key: (key, value) for key, value in waiting}.values())
        # Always full batches but for the last: one compiled program, padded with zeros.
        while len(waiting) >= batch or (done == total and waiting):
            piece, waiting = waiting[:batch], waiting[batch:]
            rows = extract([value for _, value in piece], batch)
            for (key, _), row in zip(piece, rows, strict=True):
                writer.add(key, row)
        tell(done, total)
    writer.finish()
    return Written(len(writer), len(writer) - before, skipped)


def _examples(
    config: TrainConfig, ahead: int
) -> Iterator[tuple[int, int, Example | None, InputError | None]]:
    """(number from 1, how many, example or problem) of every sample, decoded in threads."""
    parts = []
    for data in (config.data, config.eval_data):
        if data is not None:
            parts += open_datasets(data, Encoder.open(data))
    places = [(part, index) for part in parts for index in range(len(part))]

    def read(place: tuple[Dataset, int]) -> Example | InputError:
        """A sample's example, or why it has none."""
        try:
            return place[0].example(place[1])
        except InputError as error:
            return error

    # Threads are enough: decoding an image releases the GIL.
    with ThreadPoolExecutor(4) as pool:
        for start in range(0, len(places), ahead):
            found = pool.map(read, places[start : start + ahead])
            for number, example in enumerate(found, start + 1):
                bad = isinstance(example, InputError)
                yield number, len(places), None if bad else example, example if bad else None


class _Extractor:
    """Runs the frozen parts over batches of one size."""

    def __init__(
        self, config: TrainConfig, base: InitialWeights, kind: str, transform: ImageTransform
    ) -> None:
        model = chosen_config(config.model, base.parts)
        assert model.vision is not None
        mesh = make_mesh(config.mesh)
        self._kind, self._config = kind, config
        self._transform, vision = transform, model.vision
        patches = (vision.num_patches, vision.width)
        length = states_length(config.data, vision.num_patches)
        width = model.llm.d_model
        self.shape = {
            "vision_patches": patches,
            "pooled_hidden": (width,),
            "hidden_states": (length, width),
        }[kind]
        _, narrow = expected_params(model, config.model)
        wanted = {name: narrow[name] for name in CACHED_PARTS[kind]}
        self._params, _ = load_tree(base, wanted, model, mesh, seed=config.seed)
        graph, expected = abstract_params(model, "stacked")

        def run(params: Params, inputs: dict[str, jax.Array]) -> jax.Array:
            """Features of a batch of inputs, [B, ...]."""
            module: Any = nnx.merge(graph, complete(params, expected))
            images = normalized(inputs["images"], transform)
            if kind == "vision_patches":
                return module.vision(images)
            asked = ModelInputs(
                inputs["input_ids"], images, inputs["mask"], inputs["image_positions"]
            )
            if kind == "pooled_hidden":
                return module.pooled(asked)
            # Rows of one length without a mask: 0 marks padding, see ``objectives._from_cached``.
            states = module.policy_states(asked)
            return jnp.where(states.mask[..., None], states.hidden, 0)

        self._run = jax.jit(run)

    def wanted(
        self, example: Example, writer: FeatureWriter
    ) -> list[tuple[bytes, Example | np.ndarray]]:
        """What an example needs: (key, inputs)."""
        # A key is of content: the network, the transform, the image's file and, where a prompt is
        # read, its ids. So images that data sets share are computed once, and files may be renamed;
        # another base or crop has other keys.
        hashes = example.image_sha256
        if self._kind != "vision_patches":
            return [(writer.key(hashes.tobytes(), example.ids), example)]
        assert example.images is not None or not len(hashes)
        images = [] if example.images is None else list(example.images)
        return [(writer.key(key.tobytes()), p) for key, p in zip(hashes, images, strict=True)]

    def __call__(self, values: Sequence[Any], batch: int) -> np.ndarray:
        """The features of up to ``batch`` inputs."""
        inputs = self._images(values, batch)
        if self._kind != "vision_patches":
            inputs = self._prompts(values, batch)
        found = self._run(self._params, {name: jnp.asarray(x) for name, x in inputs.items()})
        return np.asarray(jax.device_get(found))[: len(values)]

    def _images(self, values: Sequence[Any], batch: int) -> dict[str, np.ndarray]:
        side = self._transform.size
        images = np.zeros((batch, side, side, 3), np.uint8)
        if self._kind == "vision_patches":
            images[: len(values)] = np.stack(values)
        return {"images": images}

    def _prompts(self, values: Sequence[Example], batch: int) -> dict[str, np.ndarray]:
        limits, side = self._config.data.batch, self._transform.size
        length = min(limits.text_limit, self._config.data.encoding.max_tokens)
        most = limits.image_limit
        found = {
            "input_ids": np.zeros((batch, length), np.int32),
            "mask": np.zeros((batch, length), bool),
            "image_positions": np.full((batch, most), -1, np.int32),
            "images": np.zeros((batch, most, side, side, 3), np.uint8),
        }
        for row, example in enumerate(values):
            held = len(example.image_positions)
            found["input_ids"][row, : len(example.ids)] = example.ids
            found["mask"][row, : len(example.ids)] = True
            found["image_positions"][row, :held] = example.image_positions
            if example.images is not None:
                found["images"][row, :held] = example.images
        return found
