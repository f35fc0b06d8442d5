# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Taps are read from the very program, in every layout, and cost nothing."""

from __future__ import annotations

import functools
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.tensor_names import tensor_shapes
from robomamba_jax.ops.probes import probe
from robomamba_jax.verify.capture import ProbedFunction
from robomamba_jax.verify.jax_side import JaxSide, op_of_parameter
from tests.weights import draw_parameters

CONFIG = rm.model_preset("tiny", policy=rm.PolicyConfig("ssm_mlp"))
PARTS = ModelParts(CONFIG.llm, CONFIG.vision, CONFIG.policy)
RNG = np.random.default_rng(0)
INPUTS = {
    "input_ids": RNG.integers(0, 300, (2, 5)),
    "images": RNG.standard_normal((2, 15, 15, 3), np.float32),
}
TENSORS = draw_parameters(tensor_shapes(PARTS))


def toy(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    """Two layers in a scan, rematerialised, with a jitted function between."""

    @jax.checkpoint
    def body(x: jax.Array, w: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = probe(jnp.sin(x @ w), "layer")
        return x, x.sum()

    x, sums = jax.lax.scan(body, probe(x, "in"), params["w"], reverse=True)
    return probe(jax.jit(lambda x: probe(x * 2, "inner"))(x), "out") + sums.sum()


TOY = {"w": jnp.asarray(RNG.standard_normal((3, 4, 4)), jnp.float32)}
X = jnp.asarray(RNG.standard_normal((2, 4)), jnp.float32)


def toy_name(name: str, count: int) -> str:
    return f"{name}.{count}"


def test_scans_jits_and_remat_are_looked_into() -> None:
    """Order of execution, values, and the plain result."""
    result, seen = ProbedFunction(toy, toy_name)(TOY, X)
    np.testing.assert_allclose(result, toy(TOY, X), rtol=4e-6)
    assert list(seen) == ["in.0", "layer.0", "layer.1", "layer.2", "inner.0", "out.0"]
    h = X
    for number, w in enumerate(TOY["w"][::-1]):  # the scan runs backwards
        h = jnp.sin(h @ w)
        np.testing.assert_allclose(seen[f"layer.{number}"], h, rtol=4e-6)
    np.testing.assert_allclose(seen["inner.0"], 2 * h, rtol=4e-6)


def test_forced_values_flow_on() -> None:
    """What follows is computed from them; what is captured there is still our own."""
    watched = ProbedFunction(toy, toy_name)
    _, plain = watched(TOY, X)
    other = np.ones((2, 4), np.float32)
    _, seen = watched(TOY, X, forced={"layer.0": other})
    np.testing.assert_array_equal(seen["layer.0"], plain["layer.0"])
    np.testing.assert_allclose(seen["layer.1"], jnp.sin(other @ TOY["w"][1]), rtol=1e-6)


def test_each_program_keeps_its_own_labels() -> None:
    """A call that was compiled before another one is not given the other's paths."""

    def either(x: jax.Array) -> jax.Array:
        first, second = ("a", "b") if x.shape[0] == 1 else ("b", "a")
        return probe(probe(x + 1, first) * 2, second)

    watched = ProbedFunction(either, toy_name)
    for _ in range(2):
        for rows in (1, 2):
            for forced in ({}, {"a.0": np.full((rows,), 7.0)}):
                _, seen = watched(jnp.ones(rows), forced=forced)
                order = ["a.0", "b.0"] if rows == 1 else ["b.0", "a.0"]
                assert list(seen) == order
                behind = 14.0 if forced and rows == 1 else 4.0
                np.testing.assert_array_equal(seen[order[0]], np.full(rows, 2.0))
                np.testing.assert_array_equal(seen[order[1]], np.full(rows, behind))


def test_two_taps_of_one_path_are_an_error() -> None:
    """One of them would be compared with nothing."""
    watched = ProbedFunction(toy, lambda name, count: name)
    with pytest.raises(ValueError, match="two probes are called layer"):
        watched(TOY, X)
    with pytest.raises(ValueError, match="two probes are called layer"):
        watched.gradients(X, TOY, X)


@pytest.mark.parametrize("remat", ["none", "block", "dots"])
def test_recomputation_changes_no_capture(remat: str) -> None:
    """Whatever is thrown away and computed again in the backward pass."""
    wrap = {
        "none": lambda f: f,
        "block": jax.checkpoint,
        "dots": functools.partial(
            jax.checkpoint, policy=jax.checkpoint_policies.dots_with_no_batch_dims_saveable
        ),
    }[remat]
    layer = wrap(lambda x, w: probe(jnp.sin(x @ w), "layer"))

    def run(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda x, w: (layer(x, w), None), x, params["w"])[0]

    watched = ProbedFunction(run, toy_name)
    _, seen = watched(TOY, X)
    assert list(seen) == ["layer.0", "layer.1", "layer.2"]
    np.testing.assert_allclose(seen["layer.0"], jnp.sin(X @ TOY["w"][0]), rtol=1e-6)
    params, _ = watched.gradients(X, TOY, X)
    want = jax.grad(lambda p: jnp.sum(run(p, X) * X))(TOY)
    np.testing.assert_allclose(params["w"], want["w"], rtol=2e-5, atol=1e-6)


def test_gradients_at_taps() -> None:
    """Of the parameters as jax.grad's; at probes as a hand-made derivative's."""
    weight = jnp.asarray(RNG.standard_normal((2, 4)), jnp.float32)
    params, seen = ProbedFunction(toy, toy_name).gradients(weight, TOY, X)
    want = jax.grad(lambda p: jnp.sum(toy(p, X) * weight))(TOY)
    np.testing.assert_allclose(params["w"], want["w"], rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(seen["out.0"], weight, rtol=1e-6)
    np.testing.assert_allclose(seen["inner.0"], weight, rtol=1e-6)
    # The last state counts twice, and its sum is added to every number of the result.
    np.testing.assert_allclose(seen["layer.2"], 2 * weight + weight.sum(), rtol=1e-5)


@pytest.fixture(scope="module")
def sides() -> dict[str, JaxSide]:
    """The tiny model in both layouts."""
    return {layout: JaxSide(PARTS, TENSORS, layout) for layout in ("list", "stacked")}


@pytest.mark.slow
@pytest.mark.parametrize("output", ["logits", "pose"])
def test_both_layouts_give_the_same_ops(sides: dict[str, JaxSide], output: str) -> None:
    """Every op once, in the same order, with the same values; the result is the plain call's."""
    (first, ops), (second, stacked) = (side.run(INPUTS, output) for side in sides.values())
    assert list(ops) == list(stacked)
    for op, value in ops.items():
        np.testing.assert_allclose(stacked[op], value, rtol=2e-5, atol=2e-5, err_msg=op)
    np.testing.assert_allclose(second, first, rtol=1e-5, atol=1e-5)
    model = rm.Model(sides["list"].params, CONFIG, "list")
    if output == "logits":
        plain = jax.jit(rm.forward)(model, INPUTS["input_ids"], INPUTS["images"])
        np.testing.assert_allclose(first, plain, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_every_op_of_a_layer_is_there(sides: dict[str, JaxSide]) -> None:
    """The list that `robomamba verify` promises."""
    _, ops = sides["list"].run(INPUTS, "pose")
    for i in range(CONFIG.llm.n_layer):
        layer = f"llm.backbone.layers.{i}"
        mixer = ("in_proj", "conv1d", "x_proj", "dt_proj", "scan", "out_proj")
        for op in (f"{layer}.norm", *(f"{layer}.mixer.{name}" for name in mixer), layer):
            assert ops[op].shape[:2] == (2, 14), op
    assert ops["vision.encoder.layers.1.self_attn.k_proj"].shape == (2, 10, 36)
    assert ops["llm.backbone.embeddings"].shape == (2, 5, 48)
    assert ops["policy.action_head2.fc3"].shape == (2, 6)


@pytest.mark.slow
def test_every_parameter_has_an_owner(sides: dict[str, JaxSide]) -> None:
    """An op that is captured by the one output or the other."""
    found = {op for output in ("logits", "pose") for op in sides["list"].run(INPUTS, output)[1]}
    assert {op_of_parameter(name) for name in TENSORS} <= found
    assert op_of_parameter("llm.backbone.layers.0.mixer.dt_proj.bias").endswith("mixer.scan")
    assert op_of_parameter("llm.backbone.layers.0.mixer.dt_proj.weight").endswith("mixer.dt_proj")
    assert op_of_parameter("vision.embeddings.position_embedding.weight") == "vision.embeddings"


@pytest.mark.slow
def test_parameter_gradients_are_jaxs(sides: dict[str, JaxSide]) -> None:
    """Of the whole model, through the interpreter and without it."""
    weight = RNG.standard_normal((2, 5, 300)).astype(np.float32)
    by_name, ops = sides["stacked"].gradients(INPUTS, "logits", weight)
    np.testing.assert_allclose(ops["llm.lm_head"], weight, rtol=1e-6)
    _, apply = rm.functional(CONFIG, layout="stacked")

    def loss(params: Any) -> jax.Array:
        return jnp.sum(apply(params, INPUTS["input_ids"], INPUTS["images"]) * weight)

    want = jax.jit(jax.grad(loss))(sides["stacked"].params)["llm"]["backbone"]["layers"]
    for i in range(CONFIG.llm.n_layer):
        got = by_name[f"llm.backbone.layers.{i}.mixer.A_log"]
        np.testing.assert_allclose(got, want["mixer"]["A_log"][i], rtol=1e-3, atol=1e-3)


def test_taps_compile_to_nothing() -> None:
    """The same instructions with probes and without."""

    def counted(function: Any) -> list[str]:
        text = jax.jit(function).lower(TOY, X).compile().as_text()
        return sorted(re.findall(r"= \S+ ([a-z-]+)\(", text))

    def bare(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        return jax.jit(lambda x: x * 2)(jnp.sin(x @ params["w"][0]))

    def tapped(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        x = probe(jnp.sin(probe(x, "a") @ params["w"][0]), "b")
        return probe(jax.jit(lambda x: probe(x, "c") * 2)(x), "d")

    assert counted(bare) == counted(tapped)
