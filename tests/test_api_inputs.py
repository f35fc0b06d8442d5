# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What people pass to ``rm.*``: the same values, or one line that says what is wanted."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import robomamba_jax as rm
from robomamba_jax.errors import InputError

K = [[300.0, 0.0, 16.0], [0.0, 310.0, 12.0], [0.0, 0.0, 1.0]]
POSE = [[1.0, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
CAMERA = {"width": 32, "height": 24, "K": K, "camera_to_world": POSE}
LM = rm.preset("tiny")
PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def loaded() -> tuple[rm.Model, rm.Processor]:
    """The tiny preset."""
    return rm.load("tiny", seed=3)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture, a camera file, and depth in both forms."""
    root = tmp_path_factory.mktemp("files")
    Image.fromarray(PIXELS).save(root / "a.png")
    (root / "camera.json").write_text(json.dumps(CAMERA))
    np.save(root / "depth.npy", np.full((24, 32), 0.75, np.float32))
    Image.fromarray(np.full((24, 32), 750, np.uint16)).save(root / "depth.png")
    return root


def one_line(call: Callable[[], Any], words: str) -> None:
    """An InputError of one line that holds ``words``."""
    with pytest.raises(InputError) as caught:
        call()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_forward_reads_whatever_numpy_reads(loaded: tuple[rm.Model, rm.Processor]) -> None:
    """Ids, images, masks and positions in several forms, to the bit; and inside jit as before."""
    model, _ = loaded
    ids, mask = np.array([[5, 6, 7], [9, 8, 1]], np.int32), np.array([[1, 1, 0], [0, 1, 1]], bool)
    images = np.random.default_rng(1).standard_normal((2, 15, 15, 3)).astype(np.float32)
    places = np.array([[2], [0]], np.int32)
    forward = jax.jit(rm.forward)

    def call(*arrays: Any, places: Any) -> np.ndarray:
        return np.asarray(rm.forward(model, *arrays, image_positions=places))

    want = call(*map(jnp.asarray, (ids, images, mask)), places=jnp.asarray(places))
    assert np.isfinite(want).all()
    made: dict[str, Callable[[np.ndarray], Any]] = {
        "lists": lambda a: a.astype(int if a.dtype.kind == "b" else a.dtype).tolist(),
        "64 bits": lambda a: a.astype({"f": np.float64, "i": np.int64, "b": bool}[a.dtype.kind]),
        "other byte order": lambda a: a.astype(a.dtype.newbyteorder(">")),
    }
    for form, make in made.items():
        got = call(make(ids), make(images), make(mask), places=make(places))
        np.testing.assert_array_equal(got, want, err_msg=form)
    got = call(ids.astype(np.uint16), images[:, None], mask.astype(np.int8), places=places)
    np.testing.assert_array_equal(got, want)
    jitted = forward(model, ids, images, mask.astype(int), image_positions=places)
    np.testing.assert_allclose(jitted, want, atol=2e-5)
    outside = jax.jit(rm.forward)(model, ids + 295)
    assert np.isnan(outside).any()  # known to nobody before it runs


FORWARD: dict[str, tuple[Callable[[rm.Model], Any], str]] = {
    "no ids": (lambda m: rm.forward(m, None), "input_ids is missing (give input_ids as int[B, T])"),
    "float ids": (lambda m: rm.forward(m, np.array([[5.0]])), "input_ids is float32, not int"),
    "text": (lambda m: rm.forward(m, "open"), "input_ids is 'open', not an array of numbers"),
    "ragged": (lambda m: rm.forward(m, [[1], [1, 2]]), "input_ids is a list that makes no array"),
    "no tokens": (lambda m: rm.forward(m, np.zeros((2, 0), int)), "T is 0"),
    "no rows": (lambda m: rm.forward(m, np.zeros((0, 2), int)), "B is 0"),
    "path": (lambda m: rm.forward(m, [[1]], "a.png"), "images is 'a.png', not an array of numbers"),
    "one image": (
        lambda m: rm.forward(m, [[1]], np.zeros((15, 15, 3))),
        "images has shape [15, 15, 3], not [B, S, S, 3]",
    ),
    "additive mask": (
        lambda m: rm.forward(m, [[1, 2]], mask=[[0, -10000]]),
        "mask holds numbers other than 0 and 1",
    ),
    "float mask": (lambda m: rm.forward(m, [[1]], mask=np.ones((1, 1))), "mask is float32, not bo"),
    "behind": (
        lambda m: rm.forward(m, [[1]], np.zeros((1, 15, 15, 3)), image_positions=[[2]]),
        "image_positions holds 2; the text has 1 tokens",
    ),
    "before": (
        lambda m: rm.forward(m, [[1]], np.zeros((1, 15, 15, 3)), image_positions=[[-2]]),
        "image_positions holds -2",
    ),
    "places alone": (
        lambda m: rm.forward(m, [[1]], image_positions=[[0]]),
        "image_positions were given without images",
    ),
    "both": (lambda m: rm.forward((m, None), [[1]]), "model is a tuple, not what rm.load gives"),
    "params": (lambda m: rm.forward(m.params, [[1]]), "model is a dict, not what rm.load gives"),
}


@pytest.mark.slow
@pytest.mark.parametrize("mistake", FORWARD)
def test_forward_says_what_it_wants(mistake: str, loaded: tuple[rm.Model, rm.Processor]) -> None:
    """Kind, shape and value of every argument."""
    call, words = FORWARD[mistake]
    one_line(lambda: call(loaded[0]), words)


def test_poses_take_our_own_files(loaded: tuple[rm.Model, rm.Processor], files: Path) -> None:
    """Pictures, depths and cameras in every form give the same point."""
    camera = rm.Camera(32, 24, np.array(K), np.array(POSE))
    depth = np.full((24, 32), 0.75, np.float32)

    def pose(image: Any = PIXELS, depth: Any = depth, camera: Any = camera) -> dict[str, Any]:
        return rm.predict_pose(*loaded, image, "open it", depth, camera).to_json()

    want = pose()
    assert want["point_world"] is not None
    content = json.loads((files / "camera.json").read_text())
    path = files / "camera.json"
    for given in (content, str(path), path, bytes(path), rm.Camera.from_dict(content)):
        assert pose(camera=given) == want
    for given in (depth.tolist(), jnp.asarray(depth), depth.astype(np.float64), depth[::-1]):
        assert pose(depth=given) == want
    for given in (files / "depth.npy", str(files / "depth.png")):
        assert pose(depth=given) == want
    data = (files / "a.png").read_bytes()
    for given in (jnp.asarray(PIXELS), bytearray(data), memoryview(data), files / "a.png"):
        assert pose(image=given) == want


POSES: dict[str, tuple[dict[str, Any], str]] = {
    "camera field": (
        {"camera": {**CAMERA, "k": K}},
        "unknown camera field 'k' (choose one",
    ),
    "camera lacks": ({"camera": {"width": 32, "height": 24}}, "the camera has no K"),
    "camera list": ({"camera": K}, "camera is a list (give an rm.Camera, a camera file, or {"),
    "camera array": ({"camera": np.array(K)}, "camera is a ndarray"),
    "camera path": ({"camera": "no.json"}, "camera file no.json does not exist"),
    "millimetres": ({"depth": np.full((24, 32), 750)}, "which may be millimetres (divide mil"),
    "list of millimetres": ({"depth": [[750] * 32] * 24}, "holds whole numbers (int64)"),
    "depth text": ({"depth": "depth.txt"}, "depth file depth.txt is neither .npy nor .png"),
    "depth ragged": ({"depth": [[0.5], [0.5, 0.5]]}, "depth is a list that makes no array"),
    "depth objects": ({"depth": np.full((24, 32), None)}, "depth is object of shape [24, 32]"),
    "no image": ({"image": None}, "image is missing (give one image"),
    "images": ({"image": [PIXELS, PIXELS]}, "image is a list (give one image"),
    "no processor": ({"processor": None}, "processor is a NoneType, not what rm.load gives second"),
    "swapped": ({"processor": "tiny"}, "processor is a str, not what rm.load gives second"),
}


@pytest.mark.parametrize("mistake", POSES)
def test_poses_say_what_they_want(mistake: str, loaded: tuple[rm.Model, rm.Processor]) -> None:
    """Each mistake by the name of its argument."""
    model, processor = loaded
    given = {"processor": processor, "image": PIXELS, "instruction": "open it"}
    given |= {"depth": np.full((24, 32), 0.75), "camera": rm.Camera.from_dict(CAMERA)}
    changes, words = POSES[mistake]
    one_line(lambda: rm.predict_pose(model, **{**given, **changes}), words)


@pytest.mark.slow
def test_generate_takes_numpys_numbers(loaded: tuple[rm.Model, rm.Processor]) -> None:
    """Budgets, temperatures and seeds of numpy; tuples; and one stop string is one, not letters."""
    prompts, images = ["what is this?", "hello"], [PIXELS, None]
    keys: dict[str, Any] = {"temperature": [0.0, 1.0], "stop_at_eos": False, "seed": 5}
    want = rm.generate(*loaded, images, prompts, max_new_tokens=[6, 9], **keys)
    assert [len(text) > 0 for text in want] == [True, True]
    numpys = {"temperature": np.array([0, 1]), "stop_at_eos": np.False_, "seed": np.int64(5)}
    for given in (
        {"max_new_tokens": np.array([6, 9]), **numpys},
        {"max_new_tokens": (np.int32(6), 9), **keys, "top_k": np.int64(0), "top_p": np.float32(1)},
        {"max_new_tokens": jnp.array([6, 9]), **keys},
    ):
        assert rm.generate(*loaded, tuple(images), tuple(prompts), **given) == want
    stop = want[1][2:4]
    assert len(stop) == 2
    cut = rm.generate(*loaded, images, prompts, max_new_tokens=[6, 9], **keys, stop=stop)
    assert cut[1] == want[1][: want[1].index(stop)]


GENERATE: dict[str, tuple[dict[str, Any], str]] = {
    "budget true": ({"max_new_tokens": True}, "max_new_tokens is True"),
    "budgets": ({"max_new_tokens": np.array([1, 2, 3])}, "max_new_tokens has 3 values for 1"),
    "nothing": ({"temperature": None}, "temperature is None (give 0 or more)"),
    "heat": ({"temperature": "hot"}, "temperature is 'hot'"),
    "top_k far": ({"top_k": 2**40}, "top_k is 1099511627776"),
    "top_p": ({"top_p": [True]}, "top_p is True"),
    "seed": ({"seed": 1.5}, "seed is 1.5 (give a whole number)"),
    "no seed": ({"seed": None}, "seed is None"),
    "stop": ({"stop": 5}, "stop is 5 (give strings)"),
    "stops": ({"stop": ["a", None]}, "stop is ['a', None]"),
    "eos": ({"stop_at_eos": "no"}, "stop_at_eos is 'no' (give True or False)"),
}


@pytest.mark.parametrize("mistake", GENERATE)
def test_generate_says_what_it_wants(mistake: str, loaded: tuple[rm.Model, rm.Processor]) -> None:
    """Every setting is checked before anything is compiled."""
    given: dict[str, Any] = {"images": None, "prompts": ["hello"], "max_new_tokens": 2}
    changes, words = GENERATE[mistake]
    one_line(lambda: rm.generate(*loaded, **{**given, **changes}), words)


@pytest.mark.slow
def test_load_takes_types_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dtypes as numpy and jax have them, a tokenizer, numpy's seed, bytes, and the user's home."""
    want, processor = rm.load("tiny", seed=2, dtype="bfloat16", param_dtype="bfloat16")
    given: dict[str, Any] = {"dtype": jnp.bfloat16, "param_dtype": np.dtype("bfloat16")}
    model, again = rm.load("tiny", seed=np.int64(2), tokenizer=processor.tokenizer, **given)
    assert model.config == want.config
    assert again.tokenizer == processor.tokenizer
    leaves = zip(jax.tree.leaves(model), jax.tree.leaves(want), strict=True)
    assert all(bool((a == b).all()) for a, b in leaves)
    from robomamba_jax.training.export import export_preset

    monkeypatch.setenv("HOME", str(tmp_path))
    export_preset("tiny", tmp_path / "mine", 2, None)
    for path in ("~/mine", bytes(tmp_path / "mine"), tmp_path / "mine"):
        found, _ = rm.load(path, dtype=np.float32)
        assert found.config.llm.dtype == "float32"


LOAD: dict[str, tuple[dict[str, Any], str]] = {
    "no path": ({"path": None}, "path is a NoneType (give a path)"),
    "number": ({"path": 3}, "path is a int (give a path)"),
    "model": ({"path": LM}, "path is a MambaConfig (give a path)"),
    "long": ({"path": "a" * 5000}, "is not a path"),
    "falsy": ({"dtype": 0}, "unknown dtype 0"),
    "mesh": ({"mesh": "data"}, "mesh is a str (give a jax.sharding.Mesh"),
    "devices": ({"mesh": jax.devices()}, "mesh is a list (give a jax.sharding.Mesh"),
    "seed": ({"seed": None}, "seed is None (give a whole number)"),
    "seed text": ({"seed": "1"}, "seed is '1' (give a whole number)"),
    "tokenizer": ({"tokenizer": 5}, "tokenizer is a int (give a path)"),
}


@pytest.mark.parametrize("mistake", LOAD)
def test_load_says_what_it_wants(mistake: str) -> None:
    """Nothing is loaded with an argument that was not understood."""
    changes, words = LOAD[mistake]
    one_line(lambda: rm.load(**{"path": "tiny", **changes}), words)


def renamed(tree: Any) -> Any:
    """The same tree as JSON or msgpack has it: every key a text, in the order of texts."""
    if not isinstance(tree, dict):
        return tree
    return {str(key): renamed(tree[key]) for key in sorted(tree, key=str)}


@pytest.mark.slow
def test_functional_takes_json_and_numpy() -> None:
    """Configurations as JSON, numpy's arrays, and keys that a file has made texts: layer "10" is
    not the third."""
    config = rm.MambaConfig(d_model=8, n_layer=11, vocab_size=20, d_state=2)
    init, apply = rm.functional(config, layout="list")
    params, ids = jax.jit(init)(jax.random.key(0)), np.array([[5, 6, 7]])
    want = np.asarray(apply(params, jnp.asarray(ids)))
    np.testing.assert_array_equal(apply(renamed(params), jnp.asarray(ids)), want)
    given: Any = json.loads(json.dumps(dataclasses.asdict(config)))
    assert jax.eval_shape(rm.functional(given)[0], jax.random.key(0)) == jax.eval_shape(
        rm.functional(config)[0], jax.random.key(0)
    )
    leaves = jax.tree.leaves(rm.Generator(given, renamed(params)).params)
    assert all(map(np.array_equal, leaves, jax.tree.leaves(params)))
    whole = rm.model_preset("tiny")
    shapes = jax.eval_shape(rm.functional(whole)[0], jax.random.key(0))
    content = {"schema": "robomamba.config/1", **json.loads(json.dumps(dataclasses.asdict(whole)))}
    for form in (content, dataclasses.asdict(whole)):
        assert jax.eval_shape(rm.functional(form)[0], jax.random.key(0)) == shapes


@pytest.mark.slow
def test_functional_runs_on_numpy(params: Any) -> None:
    """Parameters, ids and keys without any jax array; prompts and settings likewise."""
    numpys, ids = jax.tree.map(np.asarray, params), [[5, 6, 7, 8]]
    want = np.asarray(APPLY(params, jnp.array(ids)))
    np.testing.assert_array_equal(APPLY(numpys, ids), want)
    np.testing.assert_array_equal(APPLY(params, np.array(ids, np.uint8)), want)
    settings: Any = {"max_new_tokens": np.int64(4), "eos_ids": 299, "stop": ()}
    (said,) = generator(numpys).generate(np.array(ids), settings)
    plain = rm.GenerationSettings(max_new_tokens=4, eos_ids=(299,))
    assert said == generator(params).generate(ids, plain)[0]
    weight = INIT(jax.random.PRNGKey(3))["backbone"]["embeddings"]["weight"]
    for key in (np.int64(3), 3, np.asarray(jax.random.PRNGKey(3))):
        np.testing.assert_array_equal(INIT(key)["backbone"]["embeddings"]["weight"], weight)


INIT, APPLY = rm.functional(LM)
FUNCTIONAL: dict[str, tuple[Callable[[Any], Any], str]] = {
    "preset": (lambda p: rm.functional("tiny"), "config is a str (give a MambaConfig or a Robo"),
    "field": (lambda p: rm.functional({"d_modle": 8}), "did you mean d_model?"),
    "kind": (lambda p: rm.functional({"d_model": "8", "n_layer": 2}), "d_model is '8', not int"),
    "no key": (lambda p: INIT(None), "key is a NoneType, not one random key"),
    "keys": (lambda p: INIT(jax.random.split(jax.random.key(0))), "not one random key"),
    "float key": (lambda p: INIT(0.5), "key is a float, not one random key"),
    "no params": (lambda p: APPLY(None, [[1]]), "params is a NoneType, not a tree of dicts"),
    "a list": (lambda p: APPLY([p], [[1]]), "params is a list, not a tree of dicts"),
    "a leaf": (
        lambda p: APPLY({**p, "backbone": {**p["backbone"], "norm_f": {"weight": "w"}}}, [[1]]),
        "backbone/norm_f/weight is a str, not an array",
    ),
    "ids": (lambda p: APPLY(p, [[300]]), "input_ids holds 300; the vocabulary has 300"),
    "segments": (lambda p: APPLY(p, [[1]], segment_ids=[[0.5]]), "segment_ids is float32, not int"),
    "features": (
        lambda p: APPLY(p, [[1]], features=np.zeros((1, 1, 9, 36))),
        "this model reads text only (leave features out)",
    ),
    "prompt text": (lambda p: generator(p).generate("hello"), "prompts is a str, not lists"),
    "prompts text": (lambda p: generator(p).generate(["hello"]), "prompt 0 is 'hello', not a list"),
    "one prompt": (lambda p: generator(p).generate([5, 6]), "prompt 0 is 5, not a list of token"),
    "float prompt": (lambda p: generator(p).generate([[5.7]]), "prompt 0 holds other things"),
    "float prompts": (lambda p: generator(p).generate(np.ones((1, 2))), "prompt 0 is array([1."),
    "settings": (lambda p: generator(p).generate([[5]], 8), "settings is a int"),
    "setting": (lambda p: generator(p).generate([[5]], {"top-k": 3}), "did you mean top_k"),
    "every": (lambda p: generator(p).stream([[5]], every=1.5), "every is 1.5 (give 1 or more)"),
    "blind": (
        lambda p: generator(p).generate([[5]], images=np.zeros((1, 1, 15, 15, 3))),
        "this model reads text only (leave images out)",
    ),
    "mesh": (lambda p: rm.Generator(LM, p, layout="stacked", mesh=1), "mesh is a int"),
}


def generator(params: Any) -> Any:
    """Of the tiny language model."""
    return rm.Generator(LM, params, layout="stacked")


@pytest.fixture(scope="module")
def params() -> Any:
    """Of the tiny language model."""
    return jax.jit(INIT)(jax.random.key(0))


@pytest.mark.parametrize("mistake", FUNCTIONAL)
def test_functional_says_what_it_wants(mistake: str, params: Any) -> None:
    """Configurations, keys, parameters, inputs, prompts and settings."""
    call, words = FUNCTIONAL[mistake]
    one_line(lambda: call(params), words)


CONFIGS: dict[str, tuple[Callable[[], Any], str]] = {
    "preset": (lambda: rm.preset(["tiny"]), "unknown preset ['tiny']"),
    "model": (lambda: rm.model_preset({}), "unknown preset {}"),
    "vision": (lambda: rm.model_preset("tiny", vision={}), "unknown vision encoder {}"),
    "policy": (lambda: rm.model_preset("tiny", policy="mlp"), "policy is 'mlp', not PolicyConfig"),
    "llm": (lambda: rm.RoboMambaConfig(llm="tiny"), "llm is 'tiny', not MambaConfig"),
    "flag": (lambda: LM.replace(tie_embeddings="no"), "tie_embeddings is 'no', not bool"),
    "chunk": (lambda: LM.replace(chunk_size=0), "chunk_size is 0"),
    "eps": (lambda: LM.replace(norm_eps="1e-5"), "norm_eps is '1e-5', not float"),
    "settings": (lambda: rm.GenerationSettings(stop=3), "stop is 3"),
    "K": (lambda: rm.Camera(32, 24, [["300", 0, 1]] * 3), "camera K is not 3 x 3 finite numbers"),
    "camera path": (lambda: rm.Camera.from_json(None), "camera file is a NoneType (give a path)"),
    "points": (
        lambda: rm.Camera(32, 24, K).project("x"),
        "point_camera is not an array of numbers",
    ),
    "template": (lambda: rm.Processor(None, None, "standrad"), "did you mean standard?"),
}


@pytest.mark.parametrize("mistake", CONFIGS)
def test_our_types_say_what_they_want(mistake: str) -> None:
    """A field of another kind is refused when the thing is made, not where it is used."""
    call, words = CONFIGS[mistake]
    one_line(call, words)


@pytest.mark.slow
def test_our_types_take_their_json(loaded: tuple[rm.Model, rm.Processor]) -> None:
    """Parts of a configuration as objects, numpy's numbers, templates and transforms by name."""
    whole = rm.model_preset("tiny")
    given: Any = json.loads(json.dumps(dataclasses.asdict(whole)))
    assert rm.RoboMambaConfig(**given) == whole
    numbers: dict[str, Any] = {"d_state": np.int64(8), "dtype": jnp.bfloat16}
    assert rm.preset("tiny", **numbers) == rm.preset("tiny", d_state=8, dtype="bfloat16")
    json.dumps(dataclasses.asdict(rm.preset("tiny", **numbers)))
    camera = rm.Camera(np.int32(32), np.int64(24), K)
    assert json.loads(json.dumps(camera.to_dict())) == {
        key: CAMERA[key] for key in camera.to_dict()
    }
    processor = loaded[1]
    assert processor.transform is not None
    parts: dict[str, Any] = {"template": "raw", "transform": processor.transform.to_json()}
    again = processor.replace(**parts)
    assert again.template.name == "raw"
    assert again.transform == processor.transform
    assert processor.replace(template=processor.template.to_json()) == processor
