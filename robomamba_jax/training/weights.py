# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where a run's weights come from: an inference folder, another run, or random numbers.

A run keeps its trained parameters and a reference, by path and hash, to this base.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

from robomamba_jax.checkpoints import stored_kind
from robomamba_jax.config import (
    PolicyConfig,
    RoboMambaConfig,
    as_dtypes,
    model_preset,
)
from robomamba_jax.config.serial import ModelParts, parts_from_json, parts_to_json
from robomamba_jax.config.training import ModelChoice
from robomamba_jax.convert.folder import open_folder
from robomamba_jax.convert.lora import LoraMerged
from robomamba_jax.convert.placement import load_params, tree_tensors
from robomamba_jax.convert.sources import ArraySource, OverlaidSource, SelectedSource
from robomamba_jax.convert.tensor_names import leaves, put, tensor_shapes
from robomamba_jax.convert.tensors import TensorSource
from robomamba_jax.data.processor import Processor
from robomamba_jax.errors import InputError
from robomamba_jax.models.functional import functional
from robomamba_jax.models.params import Params, abstract_params
from robomamba_jax.models.policy.head import PolicyHead
from robomamba_jax.models.sharding import named_sharding
from robomamba_jax.released import START, start_path
from robomamba_jax.training.checkpoint import (
    BaseReference,
    StepMeta,
    damage,
    newest_good,
    read_arrays,
    read_meta,
)
from robomamba_jax.training.step_arrays import Leaves
from robomamba_jax.utils.hashes import file_sha256


@dataclasses.dataclass(frozen=True)
class InitialWeights:
    """What a run starts from.

    Attributes:
      parts: the model's, as stored.
      reference: kind, path and hash, as frozen.json says it.
      open: the tensors, by our names; None = random numbers.
      processor: what belongs to them; None = none is known.
    """

    parts: ModelParts
    reference: BaseReference
    open: Callable[[], TensorSource] | None
    processor: Processor | None = None


def open_base(
    path: str | Path | None, choice: ModelChoice, seed: int, *, hashes: bool = True
) -> InitialWeights:
    """The base that a path names.

    Args:
      path: an inference folder, a run's workdir (its newest good step), a step's folder, or
        "nano-start";
        None = random numbers of the chosen size.
      choice: for random numbers.
      seed: for random numbers.
      hashes: check those of an inference folder's parameters.

    Raises:
      InputError: nothing of the kind lies there, or it is damaged.
    """
    if path is None:
        if choice.preset is None:
            raise InputError("bad_config", "neither model.preset nor init_from", "give one")
        # Without factors: they are the run's, and initialized beside any base alike.
        config = chosen_config(dataclasses.replace(choice, lora_rank=0, scan_method="auto"), None)
        parts = ModelParts(config.llm.replace(remat="none"), config.vision, config.policy)
        content = json.dumps(parts_to_json(parts), sort_keys=True)
        # Random numbers have no file to hash; seed and sizes determine them.
        sha256 = hashlib.sha256(f"{seed} {content}".encode()).hexdigest()
        return InitialWeights(
            parts, {"kind": "random", "path": None, "seed": seed, "sha256": sha256}, None
        )
    if os.fspath(path) == START and stored_kind(path) is None:
        path = start_path()
    if stored_kind(path) == "folder":
        folder = open_folder(path, hashes=hashes)
        sha256 = file_sha256(folder.path / "manifest.json")
        reference: BaseReference = {
            "kind": "folder",
            "path": str(Path(path).absolute()),
            "sha256": sha256,
        }
        return InitialWeights(folder.parts, reference, folder.source, folder.processor())
    return _from_step(find_step(path))


def find_step(path: str | Path) -> Path:
    """The step's folder that a path names: its own, or its workdir's newest good one.

    Raises:
      InputError: there is none, or it is damaged.
    """
    kind = stored_kind(path)
    if kind == "step":
        what = damage(Path(path))
        if what:
            raise InputError("bad_checkpoint", f"{path}: {what}", "take another step")
    found = newest_good(path) if kind == "workdir" else Path(path) if kind == "step" else None
    if found is None:
        what = "has no checkpoint yet" if kind == "workdir" else "holds no weights"
        raise InputError(
            "missing_checkpoint",
            f"{path} {what}" if Path(path).exists() else f"{path} does not exist",
            "give a converted folder (robomamba convert) or a run's workdir; --init PATH",
        )
    # An encoder's pre-training keeps its readout beside the tower, which is standardized only in
    # the folder that comes out: its steps are no model.
    if read_meta(found)["parts"].get("llm") is None:
        raise InputError(
            "no_language_model",
            f"{path} is the pre-training of an encoder alone",
            "give the inference folder that it has written",
        )
    return found


def _from_step(path: Path) -> InitialWeights:
    meta = read_meta(path)
    reference: BaseReference = {
        "kind": "step",
        "path": str(path.absolute()),
        "sha256": file_sha256(path / "manifest.json"),
    }
    parts = parts_from_json(meta["parts"], f"{path}/meta.json: parts")
    return InitialWeights(parts, reference, lambda: step_source(path), Processor.load(path))


def step_source(path: Path) -> TensorSource:
    """All parameters of a trained model: its base's, its own in their place, LoRA merged.

    Raises:
      InputError: the base is not what it was.
    """
    meta = read_meta(path)
    below = reopen(meta["base"], meta, path)
    trained = read_arrays(path)
    source = base_source(below, meta["seed"])
    parts = parts_from_json(meta["parts"], f"{path}/meta.json: parts")
    assert parts.model is not None
    # Earlier versions wrote "drawn".
    missing = meta.get("initialized", meta.get("drawn", {}))
    facts = {name: (tuple(shape), dtype) for name, (shape, dtype) in missing.items()}
    new = _initialized(facts, parts.model, meta["seed"])
    over = OverlaidSource(source, {**new, **_by_tensor(trained)}, path)
    choice = ModelChoice(**meta["model"])
    # What the base had in place of a new head is no part of this model.
    kept = SelectedSource(over, tensor_shapes(parts))
    return LoraMerged(kept, choice.lora_alpha) if choice.lora_rank else kept


def reopen(reference: BaseReference, meta: StepMeta, where: Path) -> InitialWeights:
    """The base that a reference names, if it still is what it was.

    Raises:
      InputError: it is missing, or has another hash.
    """
    choice = ModelChoice(**meta["model"])
    path = reference["path"]
    if path is not None and not Path(path).exists():
        what = f"{where} was trained on {path}, which is not there"
        raise InputError("missing_checkpoint", what, "put it back, or link it there")
    # The manifest's own hash is compared below; those of the files in it would mean reading all of
    # the base each time that a step is opened.
    base = open_base(path, choice, reference.get("seed", 0), hashes=False)
    if base.reference["sha256"] != reference["sha256"]:
        raise InputError(
            "base_mismatch",
            f"{where} was trained on {path or 'random numbers'} of sha256 "
            f"{reference['sha256'][:12]}, now it is {base.reference['sha256'][:12]}",
            "put the old one back",
        )
    return base


def base_source(base: InitialWeights, seed: int) -> TensorSource:
    """A base's tensors; of a random one they are initialized here."""
    if base.open is not None:
        return base.open()
    assert base.parts.model is not None
    arrays = _random_tensors(base.parts.model, base.reference.get("seed", seed))
    return ArraySource(arrays, Path("random"))


# Kept: the frozen and the trained half are cut out of the same model, one after the other.
@functools.lru_cache(maxsize=1)
def _random_tensors(config: RoboMambaConfig, seed: int) -> dict[str, np.ndarray]:
    """A whole new model's tensors on the host."""
    params = jax.jit(functional(config)[0])(jax.random.key(seed))
    return {name: make() for name, make in tree_tensors(params).items()}


def chosen_config(choice: ModelChoice, parts: ModelParts | None) -> RoboMambaConfig:
    """The model that is trained: sizes of the base, numbers and head as chosen.

    Raises:
      InputError: the base is of another size than the preset, or an encoder alone.
    """
    policy = PolicyConfig(choice.policy, gripper=choice.gripper)
    if parts is None:
        assert choice.preset is not None
        config = model_preset(choice.preset, vision=choice.vision, policy=policy)
    else:
        if parts.llm is None:
            fix = "join it with a language model first: robomamba convert --from parts"
            raise InputError("no_language_model", "the base is an encoder alone", fix)
        config = RoboMambaConfig(parts.llm, parts.vision, policy)
        if choice.preset is not None:
            _check_size(config, model_preset(choice.preset, vision=choice.vision, policy=policy))
    # What a base does not say and a run may choose: numbers, recomputation, factors.
    llm = config.llm.replace(
        remat=choice.remat, lora_rank=choice.lora_rank, lora_alpha=choice.lora_alpha
    )
    if choice.scan_method != "auto":
        llm = llm.replace(scan_method=choice.scan_method)
    config = dataclasses.replace(config, llm=llm)
    return as_dtypes(config, dtype=choice.dtype, param_dtype=choice.trained_dtype)


_SIZES = {
    "llm": ("d_model", "n_layer", "vocab_size", "d_state", "expand", "dt_rank"),
    "vision": ("image_size", "patch_size", "width", "depth", "feature_layer"),
}


def _check_size(found: RoboMambaConfig, wanted: RoboMambaConfig) -> None:
    for part, names in _SIZES.items():
        have, want = getattr(found, part), getattr(wanted, part)
        for name in names:
            a, b = getattr(have, name, None), getattr(want, name, None)
            if a != b:
                raise InputError(
                    "model_mismatch",
                    f"the base has {part}.{name} {a}, the preset {b}",
                    "--set model.preset=none takes the base's own sizes",
                )


def expected_params(config: RoboMambaConfig, choice: ModelChoice) -> tuple[Params, Params]:
    """The whole tree as shapes, in the dtypes of trained and of frozen parameters."""
    frozen = as_dtypes(config, param_dtype=choice.frozen_dtype)
    return abstract_params(config, "stacked")[1], abstract_params(frozen, "stacked")[1]


def load_tree(
    base: InitialWeights,
    expected: Params,
    config: RoboMambaConfig,
    mesh: jax.sharding.Mesh,
    *,
    seed: int,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> tuple[Params, Leaves]:
    """A part of the parameters onto a mesh, and which of them the base lacks.

    Args:
      base: where they come from; what it lacks (a new head, LoRA factors) is initialized.
      expected: as shapes.
      config: the model's.
      mesh: where they go.
      seed: of what is initialized.
      on_bytes: called with how many more bytes are loaded.

    Returns:
      The tree as arrays, and name -> [shape, dtype] of every tensor that was initialized.

    Raises:
      InputError: the base lacks more than that.
    """
    source = base_source(base, seed)
    try:
        # Of another shape counts as missing: a base may have a head of another kind.
        held = set(source.names())
        missing = {
            name: (leaf.tensor_shape, leaf.dtype)
            for leaf in leaves(expected)
            for name in leaf.names
            if name not in held or source.info(name).shape != leaf.tensor_shape
        }
        _check_new(missing, base)
        new = _initialized(missing, config, seed)
        whole = OverlaidSource(source, new, source.path) if new else source
        params = load_params(
            whole,
            expected,
            shardings=lambda leaf: named_sharding(mesh, leaf.path, leaf.shape),
            progress=on_bytes,
        )
    finally:
        source.close()
    return params, {name: [list(shape), dtype] for name, (shape, dtype) in missing.items()}


def _check_new(names: Mapping[str, Any], base: InitialWeights) -> None:
    for name in names:
        if not name.startswith("policy.") and ".lora_" not in name:
            fix = "join an encoder and a language model first: robomamba convert --from parts"
            raise InputError("tensor_mismatch", f"{base.reference['path']} lacks {name}", fix)


def _initialized(
    missing: Mapping[str, Any], config: RoboMambaConfig, seed: int
) -> dict[str, np.ndarray]:
    """New parameters, which depend on the seed and their names alone: a head as a new model
    has it; LoRA's A uniform, its B zero, so that nothing changes at first."""
    head: dict[str, Any] = {}
    if any(name.startswith("policy.") for name in missing):
        assert config.policy is not None
        llm = config.llm.replace(lora_rank=0)
        module = PolicyHead(config.policy, llm.d_model, llm, rngs=nnx.Rngs(seed))
        head = tree_tensors({"policy": nnx.to_pure_dict(nnx.state(module))})
    found = {}
    for name, (shape, dtype) in missing.items():
        if name in head:
            found[name] = head[name]().astype(dtype)
        elif ".lora_A." in name:
            # By name, not by turn: a tensor more or less changes none of the others. Python's own
            # hash() differs from process to process.
            rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
            bound = shape[1] ** -0.5
            found[name] = rng.uniform(-bound, bound, shape).astype(dtype)
        else:
            found[name] = np.zeros(shape, dtype)
    return found


def _by_tensor(trained: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of a stacked tree as the files' tensors, one per layer."""
    tree: Params = {}
    for path, array in trained.items():
        put(tree, path, array)
    return {name: make() for name, make in tree_tensors(tree).items()}


def network_hash(base: InitialWeights, prefixes: tuple[str, ...], dtype: str) -> str:
    """Of the frozen parameters below some names, their configuration and the dtype in which
    they compute: what cached features are known by.

    Args:
      base: whose tensors.
      prefixes: such as ("vision.",).
      dtype: of computation.
    """
    source = base_source(base, 0)
    digest = hashlib.sha256(dtype.encode())
    parts = parts_to_json(base.parts)
    try:
        for prefix in prefixes:
            part = parts.get(prefix.rstrip("."))
            content = dict(part) if isinstance(part, Mapping) else {}
            # What changes no number of a frozen part; the dtype of computation is hashed above.
            for name in ("dtype", "param_dtype", "remat", "lora_rank", "lora_alpha"):
                content.pop(name, None)
            digest.update(json.dumps(content, sort_keys=True).encode())
            for name in sorted(n for n in source.names() if n.startswith(prefix)):
                array = np.ascontiguousarray(source.read(name))
                digest.update(f"{name} {array.dtype} {array.shape}".encode())
                digest.update(array.reshape(-1).view(np.uint8).data)
    finally:
        source.close()
    return digest.hexdigest()
