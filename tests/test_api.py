# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""load, forward, generate, predict_pose: what a user calls."""

import io
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import robomamba_jax as rm
from robomamba_jax.data.geometry.camera import MANIPLLM_TO_OPENCV
from robomamba_jax.data.geometry.crop import CropTransform
from robomamba_jax.data.text.prompts import prompt_template
from robomamba_jax.pose import make_pose

K = [[300.0, 0.0, 160.0], [0.0, 310.0, 120.0], [0.0, 0.0, 1.0]]


@pytest.fixture(scope="module")
def loaded() -> tuple[rm.Model, rm.Processor]:
    """The tiny preset, with a head whose gripper speaks."""
    return rm.load("tiny", seed=3)


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    """320x240, different everywhere."""
    pixels = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.slow
def test_the_model_is_a_pytree(loaded: tuple[rm.Model, rm.Processor]) -> None:
    """Leaves are the parameters, the config is static; a jitted forward takes the model."""
    model, _ = loaded
    assert jax.tree.leaves(model) == jax.tree.leaves(model.params)
    halved = jax.tree.map(lambda leaf: leaf / 2, model)
    assert halved.config is model.config
    ids = jnp.array([[5, 6, 7]])
    logits = jax.jit(rm.forward)(model, ids)
    assert logits.shape == (1, 3, model.config.llm.vocab_size)
    assert logits.dtype == jnp.float32
    with pytest.raises(rm.InputError, match=r"input_ids holds 300; the vocabulary has 300"):
        rm.forward(model, [[1, 300]])


@pytest.mark.slow
def test_generate_is_batch_invariant(
    loaded: tuple[rm.Model, rm.Processor], picture: Image.Image, tmp_path: Path
) -> None:
    """Image as PIL, path, array, list or None; an answer does not depend on its neighbours."""
    model, processor = loaded
    picture.save(tmp_path / "a.png")
    images = [picture, str(tmp_path / "a.png"), np.asarray(picture), [picture, picture], None]
    prompts = ["what is this?"] * 3 + ["and these?", "hello there"]
    answers = rm.generate(model, processor, images, prompts, max_new_tokens=8, stop_at_eos=False)
    assert len(answers) == 5
    assert all(isinstance(answer, str) for answer in answers)
    assert answers[0] == answers[1] == answers[2]
    alone = rm.generate(
        model, processor, images[3:4], prompts[3:4], max_new_tokens=8, stop_at_eos=False
    )
    assert alone == answers[3:4]


@pytest.mark.slow
def test_an_image_needs_no_text(
    loaded: tuple[rm.Model, rm.Processor], picture: Image.Image
) -> None:
    """A caption's prompt is the image alone; without text or image there is nothing to read."""
    model, processor = loaded
    captions = processor.replace(template=prompt_template("llava_plain"))
    (caption,) = rm.generate(model, captions, [picture], [""], max_new_tokens=4, stop_at_eos=False)
    assert isinstance(caption, str)
    pose = rm.predict_pose(model, captions, picture, "")
    assert np.isfinite(pose.rotation).all()
    with pytest.raises(rm.InputError, match="is empty"):
        rm.generate(model, captions, None, [""])


@pytest.mark.slow
def test_stop_strings_are_cut(loaded: tuple[rm.Model, rm.Processor]) -> None:
    """An answer ends before the first stop string."""
    model, processor = loaded
    keys: dict[str, Any] = {"max_new_tokens": 24, "temperature": 1.0, "stop_at_eos": False}
    (free,) = rm.generate(model, processor, None, ["hello"], **keys)
    stop = free[5:7]
    (cut,) = rm.generate(model, processor, None, ["hello"], stop=[stop], **keys)
    assert cut == free[: free.index(stop)]


def test_predict_pose_lifts_the_contact(
    loaded: tuple[rm.Model, rm.Processor], picture: Image.Image
) -> None:
    """With depth and camera the point projects back to the contact; without, it says why."""
    model, processor = loaded
    plain = rm.predict_pose(model, processor, picture, "open the drawer")
    assert plain.image_size == (320, 240)
    assert plain.point_camera is None
    assert plain.why_no_point == "no depth was given"
    np.testing.assert_allclose(plain.rotation.T @ plain.rotation, np.eye(3), atol=1e-5)
    assert np.linalg.det(plain.rotation) == pytest.approx(1, abs=1e-5)
    x, y = plain.contact_xy
    assert 0 <= x <= 320
    assert 0 <= y <= 240

    # A tilted plane n . p = 1.2, seen by this camera: the analytic depth at every pixel.
    normal = np.array([0.2, -0.1, 1.0])
    columns, rows = np.meshgrid(np.arange(320) + 0.5, np.arange(240) + 0.5)
    rays = np.stack([(columns - 160) / 300, (rows - 120) / 310, np.ones_like(rows)], -1)
    depth = (1.2 / (rays @ normal)).astype(np.float32)
    to_world = np.eye(4)
    to_world[:3, 3] = [0.0, 0.0, 5.0]
    camera = rm.Camera(320, 240, np.array(K), to_world)
    pose = rm.predict_pose(model, processor, picture, "open the drawer", depth, camera)
    assert pose.contact_xy == plain.contact_xy
    assert pose.point_camera is not None
    assert pose.point_world is not None
    np.testing.assert_allclose(camera.project(pose.point_camera), pose.contact_xy, atol=1e-6)
    np.testing.assert_allclose(pose.point_world - pose.point_camera, [0, 0, 5], atol=1e-9)
    # Depth is that of the pixel's centre: at most half a pixel of slope away from the plane.
    assert abs(pose.point_camera @ normal - 1.2) < 2e-3

    unknown = rm.predict_pose(
        model, processor, picture, "open the drawer", np.zeros_like(depth), camera
    )
    assert unknown.point_camera is None
    assert unknown.why_no_point is not None
    assert "unknown" in unknown.why_no_point
    assert set(pose.to_json()) == {
        *("contact_xy", "rotation", "rotation6d", "point_camera", "point_world"),
        *("gripper_open", "frame", "image_size"),
    }


def test_lift_is_exact_at_a_pixel_centre() -> None:
    """At a pixel's centre the lifted point is the scene's within 1e-4 m."""
    geometry = CropTransform(640, 427, 224)
    target = np.array([350.5, 200.5])
    depth = np.full((427, 640), 0.8, np.float32)
    camera = rm.Camera(640, 427, np.array([[500.0, 0, 320], [0, 510, 213.5], [0, 0, 1]]))
    pose = make_pose(
        geometry.pixel_to_contact(target),
        np.array([0, 0, 1, 1, 0, 0]),
        2.0,
        geometry=geometry,
        contact_scale="unit",
        rotation_convention="opencv",
        depth=depth,
        camera=camera,
    )
    want = [(350.5 - 320) / 500 * 0.8, (200.5 - 213.5) / 510 * 0.8, 0.8]
    assert pose.point_camera is not None
    np.testing.assert_allclose(pose.point_camera, want, atol=1e-4)
    np.testing.assert_allclose(pose.contact_xy, target, atol=1e-3)
    np.testing.assert_allclose(pose.rotation[:, 0], [0, 0, 1], atol=1e-6)
    assert pose.gripper_open == pytest.approx(1 / (1 + np.exp(-2.0)))


def test_conventions_of_published_weights() -> None:
    """Raw contacts are pixels of the crop; ManipLLM's frame is forward, left, up."""
    geometry = CropTransform(640, 427, 224)
    shared: dict[str, Any] = {"geometry": geometry, "rotation_convention": "manipllm"}
    forward_left = np.array([1, 0, 0, 0, 1, 0])
    raw = make_pose(np.array([56.0, 112.0]), forward_left, None, contact_scale="raw", **shared)
    unit = make_pose(np.array([0.25, 0.5]), forward_left, None, contact_scale="unit", **shared)
    np.testing.assert_allclose(raw.contact_xy, unit.contact_xy)
    # Forward is OpenCV's z, left its -x, up its -y.
    np.testing.assert_allclose(raw.rotation, [[0, -1, 0], [0, 0, -1], [1, 0, 0]], atol=1e-6)
    assert np.linalg.det(MANIPLLM_TO_OPENCV) == pytest.approx(1)


def test_wrong_input(
    loaded: tuple[rm.Model, rm.Processor], picture: Image.Image, tmp_path: Path
) -> None:
    """Each mistake is one line that names the thing."""
    model, processor = loaded
    with pytest.raises(rm.InputError, match="unknown preset 'tniy'"):
        rm.load("tniy")
    with pytest.raises(rm.InputError, match=r"no\.json"):
        rm.load("tiny", tokenizer=tmp_path / "no.json")
    with pytest.raises(rm.InputError, match="without a camera"):
        rm.predict_pose(model, processor, picture, "open", np.ones((240, 320), np.float32))
    camera = rm.Camera(100, 100, np.array(K))
    with pytest.raises(rm.InputError, match="camera takes 100x100"):
        rm.predict_pose(model, processor, picture, "open", np.ones((240, 320)), camera)
    cut = io.BytesIO()
    picture.save(cut, "PNG")
    (tmp_path / "cut.png").write_bytes(cut.getvalue()[:5000])
    with pytest.raises(rm.InputError, match=r"cut\.png") as raised:
        rm.generate(model, processor, [str(tmp_path / "cut.png")], ["what?"])
    assert "\n" not in str(raised.value)
    text_only = rm.Model(model.params, model.config.replace(policy=None), "list")
    with pytest.raises(rm.InputError, match="no policy head"):
        rm.predict_pose(text_only, processor, picture, "open")


@pytest.mark.slow
def test_dtypes_and_mesh() -> None:
    """bf16 storage keeps the float32 islands; a mesh holds a copy on each device."""
    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("data",))
    model, _ = rm.load("tiny", dtype="bfloat16", param_dtype="bfloat16", mesh=mesh)
    mixer = model.params["llm"]["backbone"]["layers"][0]["mixer"]
    assert mixer["in_proj"]["weight"].dtype == jnp.bfloat16
    assert mixer["A_log"].dtype == jnp.float32
    assert model.params["vision"]["embeddings"]["patch_embedding"]["weight"].dtype == jnp.bfloat16
    assert mixer["A_log"].sharding.mesh == mesh
