# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Our Mamba beside transformers' torch Mamba on the same random weights, float32 on the CPU.

Beside each bound stands the error measured on an AMD EPYC (Zen 3) with torch 2.13 and jax 0.10.2;
all errors are of the reference's scale, a gradient's of its own parameter (and layer).
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import robomamba_jax as rm
from robomamba_jax.models.params import Params, abstract_params, leaf_paths
from tests import torch_mamba
from tests.weights import of_scale, random_tensors, tree_of

pytestmark = pytest.mark.torch

TINY = {
    "odd": rm.MambaConfig(d_model=20, n_layer=3, vocab_size=31, d_state=5, d_conv=3, dt_rank=7),
    "bare": rm.MambaConfig(
        d_model=12,
        n_layer=2,
        vocab_size=17,
        d_state=3,
        d_conv=2,
        expand=3,
        dt_rank=1,
        conv_bias=False,
        tie_embeddings=False,
    ),
    "biased": rm.MambaConfig(
        d_model=21,
        n_layer=2,
        vocab_size=33,
        d_state=1,
        d_conv=5,
        dt_rank=2,
        bias=True,
        residual_in_fp32=False,
    ),
}
SMALL = TINY["odd"]
# Both layouts of the first, one of each other: a gradient takes seconds to compile.
PAIRS = [("odd", "list"), ("odd", "stacked"), ("bare", "list"), ("biased", "stacked")]


class Bounds(NamedTuple):
    """Largest error allowed, of scale."""

    blocks: float
    logits: float
    gradients: float


class Case(NamedTuple):
    """One torch model, what it made of one batch, and what is allowed to differ."""

    config: rm.MambaConfig
    tensors: dict[str, np.ndarray]
    model: Any
    ids: np.ndarray
    weight: np.ndarray
    outputs: torch_mamba.Outputs
    gradients: dict[str, np.ndarray]
    bounds: Bounds


def make_case(config: rm.MambaConfig, batch: int, length: int, bounds: Bounds) -> Case:
    """Run torch forward and backward once."""
    rng = np.random.default_rng(3)
    ids = rng.integers(0, config.vocab_size, (batch, length))
    weight = rng.standard_normal((batch, length, config.vocab_size)).astype(np.float32)
    tensors = random_tensors(config)
    model = torch_mamba.torch_model(config, tensors)
    found = torch_mamba.torch_outputs(model, ids, weight)
    return Case(config, tensors, model, ids, weight, *found, bounds)


@cache
def tiny(name: str) -> Case:
    """A small model of odd sizes; 29 positions are three chunks and a bit."""
    return make_case(TINY[name], 2, 29, Bounds(1.8e-6, 1.9e-6, 2e-5))


@pytest.fixture(scope="module")
def real() -> Case:
    """The width of the released 130m model: four of its blocks, which are all alike, and a part of
    its vocabulary. ``tests/verify/test_real_shape.py`` has more of them."""
    return make_case(
        rm.preset("130m").replace(n_layer=4, vocab_size=4096), 1, 33, Bounds(1e-5, 3e-6, 5e-5)
    )


def value_and_grad(case: Case, layout: str, params: Params) -> tuple[jax.Array, Params]:
    """Logits and gradients of sum(logits * weight), through the public entry point."""
    _, apply = rm.functional(case.config, layout=layout)

    def loss(params: Params, ids: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits = apply(params, ids)
        return jnp.sum(logits * case.weight), logits

    both = jax.jit(jax.value_and_grad(loss, has_aux=True))
    (_, logits), gradients = both(params, jnp.asarray(case.ids))
    return logits, gradients


def gradient_errors(ours: Params, case: Case, layout: str) -> dict[str, float]:
    """Every parameter's error of its own scale; a stacked one's of each layer's."""
    theirs = leaf_paths(tree_of(case.gradients, case.config, layout))
    found = leaf_paths(ours)
    assert found.keys() == theirs.keys()
    errors = {}
    for path, reference in theirs.items():
        if layout == "stacked" and "/layers/" in path:
            for index, layer in enumerate(reference):
                errors[f"{path}[{index}]"] = of_scale(found[path][index], layer)
        else:
            errors[path] = of_scale(found[path], reference)
    return errors


def check(case: Case, layout: str, record: Any) -> None:
    """Blocks, logits and gradients of one layout within the case's bounds."""
    params = tree_of(case.tensors, case.config, layout)
    outputs = torch_mamba.our_outputs(case.config, params, layout, case.ids)
    pairs = zip(outputs.blocks, case.outputs.blocks, strict=True)
    blocks = [of_scale(ours, theirs) for ours, theirs in pairs]
    logits, gradients = value_and_grad(case, layout, params)
    errors = gradient_errors(gradients, case, layout)
    worst = max(errors, key=errors.__getitem__)
    whole = of_scale(logits, case.outputs.logits)
    for name, value in (("blocks", max(blocks)), ("logits", whole), (worst, errors[worst])):
        record(name, f"{value:.2g}")
        print(f"{layout} {name}: {value:.2g}")
    assert len(blocks) == case.config.n_layer
    assert max(blocks) <= case.bounds.blocks, blocks
    assert whole <= case.bounds.logits
    assert errors[worst] <= case.bounds.gradients, errors


@pytest.mark.slow
@pytest.mark.parametrize(("name", "layout"), PAIRS)
def test_tiny_models_agree(name: str, layout: str, record_property: Any) -> None:
    """Every block, the logits, every gradient.

    Measured: blocks 3.7e-7, logits 3.8e-7, gradients 4.2e-6 (dt_proj.bias).
    """
    check(tiny(name), layout, record_property)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["list", "stacked"])
def test_the_130m_width_agrees(real: Case, layout: str, record_property: Any) -> None:
    """Four blocks of width 768.

    Measured: blocks 2.4e-6, logits 6.8e-7, gradients 1.3e-5 (dt_proj.weight).
    """
    check(real, layout, record_property)


@pytest.fixture(scope="module")
def small() -> tuple[dict[str, np.ndarray], Any, np.ndarray]:
    """Weights, torch's model and ids; every norm sees a variance near 1e-5, where epsilon tells."""
    tensors = random_tensors(SMALL, embedding_scale=3e-3)
    for name, tensor in tensors.items():
        if name.endswith("out_proj.weight"):
            tensor *= 1e-3
    ids = np.random.default_rng(5).integers(0, SMALL.vocab_size, (2, 11))
    return tensors, torch_mamba.torch_model(SMALL, tensors), ids


def test_epsilon_is_the_configs(small: Any, record_property: Any) -> None:
    """With 1e-5 in both the models agree; with 1e-6 or 1e-12 in ours they are far apart.

    Measured: 7.1e-8 with the right epsilon, 0.31 and 0.37 with a wrong one.
    """
    tensors, model, ids = small
    reference, _ = torch_mamba.torch_outputs(model, ids)
    # The last block's output is what norm_f sees, the others' what the norms of the blocks see.
    variances = [np.square(block).mean(-1).max() for block in reference.blocks]
    assert max(variances) < 5e-5, variances
    params = tree_of(tensors, SMALL, "list")
    errors = {}
    for eps in (1e-5, 1e-6, 1e-12):
        ours = torch_mamba.our_outputs(SMALL.replace(norm_eps=eps), params, "list", ids)
        errors[eps] = of_scale(ours.logits, reference.logits)
        record_property(f"eps {eps}", f"{errors[eps]:.2g}")
    assert errors[1e-5] <= 3.5e-7
    assert min(errors[1e-6], errors[1e-12]) > 1e-2, errors


def test_epsilon_reaches_every_norm(small: Any) -> None:
    """Torch's norms are changed one at a time; ours must then differ, so each was compared.

    Measured: from 0.032 (the second) to 0.24 (norm_f).
    """
    tensors, model, ids = small
    params = tree_of(tensors, SMALL, "stacked")
    ours = torch_mamba.our_outputs(SMALL, params, "stacked", ids).logits
    norms = [layer.norm for layer in model.backbone.layers] + [model.backbone.norm_f]
    differences = []
    for norm in norms:
        norm.variance_epsilon = 1e-6
        changed, _ = torch_mamba.torch_outputs(model, ids)
        norm.variance_epsilon = 1e-5
        differences.append(of_scale(ours, changed.logits))
    assert min(differences) > 1e-2, differences


def our_model(case: Case, layout: str) -> Any:
    """Our module with the case's weights."""
    params = tree_of(case.tensors, case.config, layout)
    return nnx.merge(abstract_params(case.config, layout)[0], params)


def our_states(cache: Any, layout: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """(conv_state, ssm_state) of each layer."""
    layers = cache if layout == "list" else zip(*cache, strict=True)
    return [(np.asarray(conv), np.asarray(ssm)) for conv, ssm in layers]


def cache_error(ours: list[tuple[np.ndarray, np.ndarray]], theirs: Any) -> float:
    """Largest error over all states; torch keeps K inputs, [B, I, K], of which K-1 matter."""
    errors = []
    for (conv, ssm), layer in zip(ours, theirs.layers, strict=True):
        reference = layer.conv_states[0].numpy()[:, :, -conv.shape[1] :]
        errors += [of_scale(conv, reference.swapaxes(1, 2))]
        errors += [of_scale(ssm, layer.recurrent_states[0].numpy())]
    return max(errors)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "layout"), [("odd", "stacked"), ("bare", "list")])
def test_decoding_agrees(name: str, layout: str, record_property: Any) -> None:
    """Prefill and twelve greedy steps on both caches: tokens, logits and states.

    Measured: 3.8e-7 for logits, 8.1e-7 for the states.
    """
    import torch

    case = tiny(name)
    model = our_model(case, layout)
    prefill = jax.jit(lambda ids: model.prefill(ids))
    step = jax.jit(lambda token, cache: model.step(token, cache))
    logits, cache = prefill(jnp.asarray(case.ids))
    off_logits, off_states = [], []
    with torch_mamba.quiet(), torch.no_grad():
        theirs = case.model(torch.from_numpy(case.ids), use_cache=True)
        for _ in range(12):
            off_logits.append(of_scale(logits, theirs.logits[:, -1].numpy()))
            off_states.append(cache_error(our_states(cache, layout), theirs.cache_params))
            token = theirs.logits[:, -1].argmax(-1)
            assert np.array_equal(np.asarray(logits).argmax(-1), token.numpy())
            logits, cache = step(jnp.asarray(token.numpy()), cache)
            theirs = case.model(token[:, None], cache_params=theirs.cache_params, use_cache=True)
    record_property("logits", f"{max(off_logits):.2g}")
    record_property("states", f"{max(off_states):.2g}")
    assert max(off_logits) <= 1.9e-6, off_logits
    assert max(off_states) <= 4e-6, off_states


def test_left_padding_is_torchs_unpadded(record_property: Any) -> None:
    """Each padded row of ours beside torch's run on that row alone, without padding.

    Measured: 3.4e-7.
    """
    case = tiny("biased")
    ids = np.full((2, 34), case.config.vocab_size - 1)
    mask = np.zeros((2, 34), bool)
    for row in range(2):  # 29 and 27 real tokens
        start = 5 + 2 * row
        ids[row, start:], mask[row, start:] = case.ids[row, 2 * row :], True
    model = our_model(case, "list")
    both = jax.jit(lambda *given: (model(*given), model.prefill(*given)[0]))
    ours, last = map(np.asarray, both(jnp.asarray(ids), jnp.asarray(mask)))
    errors = []
    for row in range(2):
        alone, _ = torch_mamba.torch_outputs(case.model, case.ids[row : row + 1, 2 * row :])
        errors.append(of_scale(ours[row][mask[row]], alone.logits[0]))
        errors.append(of_scale(last[row], alone.logits[0, -1]))
    record_property("padding", f"{max(errors):.2g}")
    assert max(errors) <= 1.7e-6, errors
