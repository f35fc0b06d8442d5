# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The four calls that most users need: load, forward, generate, predict_pose."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
from jax.typing import DTypeLike
from numpy.typing import ArrayLike

from robomamba_jax.checkpoints import resolve_checkpoint
from robomamba_jax.config import DTYPES, RoboMambaConfig, as_dtypes, model_preset
from robomamba_jax.config.checks import one_of, path_of
from robomamba_jax.config.tree import dtype_name
from robomamba_jax.convert.folder import Folder, open_folder
from robomamba_jax.convert.placement import load_params
from robomamba_jax.convert.tensor_names import Leaf
from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.data.images.transforms import ImageSource, image_transform
from robomamba_jax.data.processor import BUILTIN_PROCESSORS, ImageRow, Processor, builtin_processor
from robomamba_jax.data.text.prompts import prompt_template
from robomamba_jax.data.text.tokenizer import Tokenizer
from robomamba_jax.errors import InputError
from robomamba_jax.generation.settings import GenerationSettings
from robomamba_jax.inference.engine import Engine
from robomamba_jax.models.functional import functional
from robomamba_jax.models.inputs import read_inputs
from robomamba_jax.models.model import Model
from robomamba_jax.models.params import abstract_params, leaf_paths
from robomamba_jax.models.sharding import auto_mesh, check_mesh, named_sharding
from robomamba_jax.ops.arguments import switch
from robomamba_jax.pose import Pose, as_camera

ASSETS = Path("assets")


def load(
    path: str | os.PathLike[str],
    *,
    dtype: DTypeLike | None = None,
    param_dtype: DTypeLike | None = None,
    mesh: jax.sharding.Mesh | None = None,
    seed: int = 0,
    tokenizer: str | os.PathLike[str] | Tokenizer | None = None,
) -> tuple[Model, Processor]:
    """A model and what it needs to read images and text.

    Args:
      path: an inference folder, a run's workdir (its newest good step), one of its steps, or
        a preset's name for random weights. "~" is the user's home.
      dtype: of computation, by name or as numpy and jax have it; the checkpoint's own if None.
      param_dtype: of parameters in memory; the checkpoint's own if None.
      mesh: place the parameters on its devices: split along axes named ``fsdp`` and
        ``tensor`` as ``models.sharding`` says, copied along others, its axes taken as
        Auto; None = one device.
      seed: of the random weights.
      tokenizer: one, or a local tokenizer.json, for a folder without one or for a preset.
        ``tiny`` and ``nano`` bring their own; the others take ``assets/tokenizer.json``
        (``make assets``) if None.

    Returns:
      The model, with unrolled layers, and the processor.

    Raises:
      InputError: no such folder or preset, a folder that is broken or an encoder alone, no
        tokenizer for a preset, or an argument of another kind.
    """
    found = resolve_checkpoint(path_of("path", path))
    mesh = None if mesh is None else auto_mesh(check_mesh(mesh))
    given = {"dtype": dtype_name(dtype), "param_dtype": dtype_name(param_dtype)}
    changes: dict[str, Any] = {
        key: value for key, value in given.items() if value not in (None, "")
    }
    # Names first: a wrong dtype is told before any weight is read.
    for key, value in changes.items():
        one_of(key, value, DTYPES)
    # Checked as generation's is, with the same message.
    seed = GenerationSettings(seed=seed).seed
    if found.path is not None:
        if found.kind == "folder":
            return _load_folder(open_folder(found.path), changes, mesh, tokenizer)
        # Here, so that inference alone need not load orbax.
        from robomamba_jax.training.export import open_trained

        return _load_folder(open_trained(found.path), changes, mesh, tokenizer)
    config = model_preset(found.name, **changes)
    processor = _preset_processor(found.name, tokenizer)
    init, _ = functional(config, layout="list")
    params = init(jax.random.key(seed))
    if mesh is not None:
        params = jax.device_put(params, _shardings(params, mesh))
    return Model(params, config, "list"), processor


def _load_folder(
    folder: Folder,
    changes: dict[str, Any],
    mesh: jax.sharding.Mesh | None,
    tokenizer: str | os.PathLike[str] | Tokenizer | None,
) -> tuple[Model, Processor]:
    config = folder.parts.model
    if config is None:
        raise InputError(
            "no_language_model",
            f"{folder.path} holds an encoder alone",
            "join it with a language model: robomamba convert --from parts",
        )
    # Before the parameters are read: they are converted on their way into memory.
    config = as_dtypes(config, **changes)
    processor = folder.processor(tokenizer)
    source = folder.source()
    try:
        _, expected = abstract_params(config, "list")
        shardings = None if mesh is None else partial(_leaf_sharding, mesh)
        params = load_params(source, expected, shardings=shardings)
    finally:
        source.close()
    return Model(params, config, "list"), processor


def _leaf_sharding(mesh: jax.sharding.Mesh, leaf: Leaf) -> jax.sharding.Sharding:
    return named_sharding(mesh, leaf.path, leaf.shape)


def _shardings(params: Any, mesh: jax.sharding.Mesh) -> Any:
    """A NamedSharding for every leaf of a tree."""
    flat, structure = jax.tree.flatten(params)
    pairs = zip(leaf_paths(params), flat, strict=True)
    return structure.unflatten(named_sharding(mesh, path, leaf.shape) for path, leaf in pairs)


def forward(
    model: Model,
    input_ids: ArrayLike,
    images: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    *,
    image_positions: ArrayLike | None = None,
) -> jax.Array:
    """Next-token logits at the text positions; a pure function, to be jitted by the caller.

    Args:
      model: from :func:`load`. All others may be whatever numpy can read.
      input_ids: int32[B, T].
      images: float32[B, S, S, 3] or [B, M, S, S, 3], already transformed.
      mask: bool[B, T], True = real; padding may lie anywhere and is invisible.
      image_positions: int32[B, M], the text index before which image m stands, -1 = absent;
        None = 0: before all text, as published.

    Returns:
      float32[B, T, V] (or ``config.llm.logits_dtype``).

    Raises:
      InputError: an argument is of another kind or shape, or (outside jit) an id lies outside the
        vocabulary, a position outside the text.
    """
    config = _checked(model).config
    given = read_inputs(config, input_ids, images, mask, image_positions)
    return model.module().logits(given)


def generate(
    model: Model,
    processor: Processor,
    images: Sequence[ImageRow] | None,
    prompts: Sequence[str],
    max_new_tokens: int | Sequence[int] = 64,
    temperature: float | Sequence[float] = 0.0,
    *,
    top_k: int | Sequence[int] = 0,
    top_p: float | Sequence[float] = 1.0,
    stop: str | Sequence[str] = (),
    stop_at_eos: bool = True,
    seed: int = 0,
) -> list[str]:
    """Answer questions about images: list in, list out, one compiled call for the batch.

    Args:
      model: from :func:`load`.
      processor: from :func:`load`.
      images: per prompt a PIL image, path, array, a list of them, or None; None = no images.
      prompts: the questions; the processor's template is put around them.
      max_new_tokens: most tokens to add; one value, or one per prompt (as the next three).
      temperature: 0 takes the likeliest token.
      top_k: draw among the k likeliest; 0 = all.
      top_p: draw among the fewest that reach probability p; 1 = all.
      stop: strings that end an answer, or one; they are not part of it.
      stop_at_eos: False runs the whole budget, as the published repository does.
      seed: of the draws; request i does not depend on its neighbours.

    Returns:
      The answers.

    Raises:
      InputError: an image, a prompt or a setting is wrong.
    """
    engine = Engine(_checked(model, processor), processor)
    batch = engine.encode_batch(images, prompts)
    settings = engine.settings(
        stop_at_eos=switch("stop_at_eos", stop_at_eos),
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        stop=stop,
        seed=seed,
    )
    return [answer.text for answer in engine.generate(batch, settings)]


def predict_pose(
    model: Model,
    processor: Processor,
    image: ImageSource,
    instruction: str,
    depth: ArrayLike | str | os.PathLike[str] | None = None,
    camera: Camera | Mapping[str, Any] | str | os.PathLike[str] | None = None,
) -> Pose:
    """Where and how the gripper should touch.

    Args:
      model: from :func:`load`; needs a policy head.
      processor: from :func:`load`.
      image: PIL image, path, bytes or array.
      instruction: what to do, such as "open the drawer"; the processor's template is put around
        it. Published heads learned from records whose text began with "<image>" and a line break,
        which is text to their template, ``official_pose``: give it where they had it.
      depth: float32[H, W], metres along the optical axis, of the original image's size; or a
        depth file (``data.geometry.camera.read_depth``).
      camera: needed to lift the contact by ``depth``: a Camera, a camera file, or its content.

    Raises:
      InputError: no policy head, a wrong image, or depth without camera.
    """
    engine = Engine(_checked(model, processor), processor)
    engine.need_policy()
    if image is None or isinstance(image, list | tuple):
        what = f"image is {'missing' if image is None else f'a {type(image).__name__}'}"
        raise InputError("bad_image", what, "give one image: PIL image, path, bytes or array")
    # Read before the image is prepared: a wrong file is told at once.
    camera = None if camera is None else as_camera(camera)
    return engine.predict_poses([image], [instruction], [depth], [camera])[0]


def _checked(model: Any, processor: Any = False) -> Model:
    """The model, if it and the processor are what ``load`` gives."""
    if not isinstance(model, Model) or not isinstance(model.config, RoboMambaConfig):
        what = f"model is a {type(model).__name__}, not what rm.load gives first"
        raise InputError("bad_arguments", what, "write model, processor = rm.load(PATH)")
    if processor is not False and not isinstance(processor, Processor):
        what = f"processor is a {type(processor).__name__}, not what rm.load gives second"
        raise InputError("bad_arguments", what, "write model, processor = rm.load(PATH)")
    return model


def _preset_processor(name: str, tokenizer: str | os.PathLike[str] | Tokenizer | None) -> Processor:
    builtin = name in BUILTIN_PROCESSORS
    if builtin and tokenizer is None:
        return builtin_processor(name)
    file = ASSETS / "tokenizer.json" if tokenizer is None else tokenizer
    if tokenizer is None and not Path(ASSETS / "tokenizer.json").is_file():
        raise InputError(
            "missing_tokenizer",
            f"preset {name!r} needs a tokenizer, and {file} is not there",
            "run make assets, or give tokenizer=PATH of a tokenizer.json",
        )
    # The larger presets have the paper's encoder, CLIP ViT-L/14 at 224.
    encoder = name if builtin else "clip-l14-224"
    found = file if isinstance(file, Tokenizer) else Tokenizer.load(file)
    return Processor(found, image_transform(encoder), prompt_template("standard"))
