# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The policy heads: published sizes and results, and padding that cannot be seen."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from robomamba_jax.config import MambaConfig, preset
from robomamba_jax.config.policy import POLICY_KINDS, PolicyConfig
from robomamba_jax.errors import InputError
from robomamba_jax.models.params import count_params, leaf_paths
from robomamba_jax.models.policy.head import (
    PolicyHead,
    PolicyOutput,
    PolicyStates,
    pool_mean,
    pool_official,
)

PUBLISHED = {"two_mlp": 3_690_880, "two_mlp_repo": 8_200_960, "mlp": 4_103_040}
TINY = preset("tiny")
WIDTH = TINY.d_model


def make(kind: str, *, gripper: bool = False, seed: int = 0) -> PolicyHead:
    """A tiny head in which no parameter is at its initial 0 or 1."""
    head = PolicyHead(PolicyConfig(kind, gripper), WIDTH, TINY, rngs=nnx.Rngs(seed))
    graph, state = nnx.split(head)
    draw = np.random.default_rng(seed)
    noisy = jax.tree.map(
        lambda x: x + jnp.asarray(0.05 * draw.standard_normal(x.shape), x.dtype), state
    )
    return nnx.merge(graph, noisy)


def call(head: PolicyHead, *arguments: Any) -> PolicyOutput:
    """The head jitted with quick compilation; hidden, first_text, last, mask. Where a head asks
    for an image, its four patches stand in front."""
    graph, state = nnx.split(head)

    def run(state, hidden, first_text, last, mask):
        at = jnp.broadcast_to(jnp.arange(4, dtype=jnp.int32), (len(hidden), 4))
        texts = {"first_text": first_text, "last": last}
        return nnx.merge(graph, state)(hidden, **texts, mask=mask, image_index=at)

    return jax.jit(run)(state, *arguments)


def batch(length: int = 11, rows: int = 3, seed: int = 1) -> tuple[Any, ...]:
    """hidden, first_text and last of rows without padding."""
    hidden = np.random.default_rng(seed).standard_normal((rows, length, WIDTH)).astype(np.float32)
    first = np.arange(2, 2 + rows, dtype=np.int32)
    return hidden, first, np.full(rows, length - 1, np.int32)


def parameters(config: PolicyConfig, d_model: int, mamba: MambaConfig | None = None) -> Any:
    """Shapes alone, by path: nothing is allocated."""
    head = nnx.eval_shape(lambda: PolicyHead(config, d_model, mamba, rngs=nnx.Rngs(0)))
    return nnx.to_pure_dict(nnx.state(head))


@pytest.mark.parametrize("kind", PUBLISHED)
def test_published_counts(kind: str) -> None:
    """Parameters at D = 2560, without and with the gripper's MLP."""
    assert count_params(parameters(PolicyConfig(kind), 2560)) == PUBLISHED[kind]
    a, b = PolicyConfig(kind).hidden_widths(2560)
    extra = 2560 * a + a + a * b + b + b
    assert count_params(parameters(PolicyConfig(kind, True), 2560)) == PUBLISHED[kind] + extra


def test_ssm_counts_and_shares() -> None:
    """Two blocks of the 2.8b model and the repository's MLPs; 0.12 % and 7.4 MB for two_mlp."""
    count = count_params(parameters(PolicyConfig("ssm_mlp"), 2560, preset("2.8b")))
    block = 2560 + 10240 * 2560 + 5120 * 5 + 192 * 5120 + 5120 * 161 + 5120 * 17 + 2560 * 5120
    assert count == PUBLISHED["two_mlp_repo"] + 2 * block == 90_689_280
    assert round(100 * PUBLISHED["two_mlp"] / 3.1e9, 2) == 0.12
    assert round(2 * PUBLISHED["two_mlp"] / 1e6, 1) == 7.4


def test_attention_counts() -> None:
    """Queries and wider first layers: Q D numbers per MLP, which then reads Q D numbers."""
    q, d, a, b = 4, 2560, 640, 320
    body = q * d + q * d * a + a + a * b + b
    count = 2 * body + (2 + 6) * b
    assert count_params(parameters(PolicyConfig("attn_mlp"), d)) == count == 13_541_760
    # The gripper's MLP has no queries of its own.
    gripper = body - q * d + b
    assert count_params(parameters(PolicyConfig("attn_mlp", True), d)) == count + gripper


def test_names_and_dtypes() -> None:
    """The published keys with slashes; fc3 without bias; float32 whatever the model's dtype."""
    mlp = {f"fc{n}/{leaf}" for n in (1, 2) for leaf in ("weight", "bias")} | {"fc3/weight"}
    two = {f"action_head{n}/{leaf}" for n in (1, 2) for leaf in mlp}
    assert leaf_paths(parameters(PolicyConfig(), WIDTH)).keys() == two
    one = {f"{head}/{leaf}" for head in ("action_head", "gripper_head") for leaf in mlp}
    assert leaf_paths(parameters(PolicyConfig("mlp", True), WIDTH)).keys() == one
    low = TINY.replace(dtype="bfloat16", param_dtype="bfloat16")
    ssm = leaf_paths(parameters(PolicyConfig("ssm_mlp"), WIDTH, low))
    assert two < ssm.keys()
    assert {"ssm1/mixer/A_log", "ssm2/mixer/out_proj/weight", "ssm1/norm/weight"} < ssm.keys()
    assert {leaf.dtype for leaf in ssm.values()} == {jnp.dtype("float32")}


def test_names_of_the_queries() -> None:
    """Two rows of queries beside two_mlp's names, stored as param_dtype says."""
    two = leaf_paths(parameters(PolicyConfig(), WIDTH)).keys()
    ours = leaf_paths(parameters(PolicyConfig("attn_mlp", param_dtype="bfloat16"), WIDTH))
    assert ours.keys() == {*two, "attn1/weight", "attn2/weight"}
    assert {leaf.dtype for leaf in ours.values()} == {jnp.dtype("bfloat16")}
    assert ours["attn1/weight"].shape == (4, WIDTH)
    assert ours["action_head1/fc1/weight"].shape == (WIDTH // 4, 4 * WIDTH)


def test_initial_biases_are_zero_and_weights_xavier() -> None:
    """As published for two MLPs."""
    head = PolicyHead(PolicyConfig(), 256, rngs=nnx.Rngs(3))
    weights = leaf_paths(nnx.to_pure_dict(nnx.state(head)))
    assert not weights["action_head1/fc1/bias"].any()
    bound = np.sqrt(6 / (256 + 64))
    assert 0.98 * bound < float(jnp.abs(weights["action_head1/fc1/weight"]).max()) <= bound


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("kind", [*PUBLISHED, "ssm_mlp"])
def test_the_published_head(kind: str) -> None:
    """Pooling and MLPs against literal torch on a dict with the published file's keys."""
    import torch

    head = make(kind)
    state = {
        path.replace("/", "."): torch.tensor(np.asarray(leaf))
        for path, leaf in leaf_paths(nnx.to_pure_dict(nnx.state(head))).items()
    }
    hidden, first, last = batch()
    ours = call(head, hidden, first, last, None)
    for row in range(len(hidden)):
        states = torch.tensor(hidden[row])
        if kind == "ssm_mlp":
            pooled = [literal_block(state, f"ssm{n}.", states).mean(0) for n in (1, 2)]
        else:
            pooled = [(states[int(first[row])] + states[-1]) / 2] * 2
        if kind == "mlp":
            theirs = literal_mlp(state, "action_head.", pooled[0])
        else:
            parts = [literal_mlp(state, f"action_head{n}.", pooled[n - 1]) for n in (1, 2)]
            theirs = torch.cat(parts)
        np.testing.assert_allclose(
            np.concatenate([ours.contact[row], ours.rotation6d[row]]), theirs.numpy(), atol=2e-6
        )


def literal_mlp(state: dict[str, Any], prefix: str, x: Any) -> Any:
    """Three layers, the last without bias: [D] -> [out]."""
    for layer in ("fc1", "fc2"):
        x = (state[f"{prefix}{layer}.weight"] @ x + state[f"{prefix}{layer}.bias"]).clamp(min=0)
    return state[f"{prefix}fc3.weight"] @ x


def literal_block(state: dict[str, Any], prefix: str, x: Any) -> Any:
    """One Mamba block with its residual, a loop over positions: [T, D] -> [T, D]."""
    import torch
    from torch.nn.functional import silu, softplus

    p = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    inner, states = p["mixer.A_log"].shape
    rank = p["mixer.dt_proj.weight"].shape[1]
    kernel, past = p["mixer.conv1d.weight"][:, 0], torch.zeros(TINY.d_conv, inner)
    h, rows = torch.zeros(inner, states), []
    for position in x:
        normed = position * torch.rsqrt(position.square().mean() + 1e-5) * p["norm.weight"]
        value, gate = (p["mixer.in_proj.weight"] @ normed).split(inner)
        past = torch.cat([past[1:], value[None]])
        u = silu((kernel * past.T).sum(1) + p["mixer.conv1d.bias"])
        step, B, C = (p["mixer.x_proj.weight"] @ u).split([rank, states, states])
        delta = softplus(p["mixer.dt_proj.weight"] @ step + p["mixer.dt_proj.bias"])[:, None]
        h = torch.exp(-delta * p["mixer.A_log"].exp()) * h + delta * B * u[:, None]
        y = (h @ C + p["mixer.D"] * u) * silu(gate)
        rows.append(position + p["mixer.out_proj.weight"] @ y)
    return torch.stack(rows)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["two_mlp", "ssm_mlp", "attn_mlp"])
def test_padding_is_invisible(kind: str) -> None:
    """Left, right and scattered NaN padding, gradients included, change nothing."""
    head = make(kind, gripper=True)
    hidden, first, last = batch(7)
    plain = call(head, hidden, first, last, None)
    draw = np.random.default_rng(2)
    places = np.stack([np.arange(7), np.arange(5, 12), np.sort(draw.permutation(12)[:7])])
    padded = np.full((3, 12, WIDTH), np.nan, np.float32)
    mask = np.zeros((3, 12), bool)
    for row, place in enumerate(places):
        padded[row, place], mask[row, place] = hidden[row], True
    moved = [np.take_along_axis(places, at[:, None], 1)[:, 0] for at in (first, last)]
    shown = call(head, padded, *moved, mask)
    for ours, theirs in zip(shown[:3], plain[:3], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)

    graph, state = nnx.split(head)

    def loss(x: jax.Array) -> jax.Array:
        first_text, last = map(jnp.asarray, moved)
        out = nnx.merge(graph, state)(x, first_text=first_text, last=last, mask=jnp.asarray(mask))
        return sum((jnp.square(part).sum() for part in out if part is not None), jnp.zeros(()))

    gradient = np.asarray(jax.jit(jax.grad(loss))(jnp.asarray(padded)))
    assert np.isfinite(gradient).all()
    assert not gradient[~mask].any()


def attention_oracle(head: PolicyHead, hidden: Any, mask: Any) -> list[np.ndarray]:
    """contact, rotation6d and gripper logits of attn_mlp in float64, a loop over everything."""
    tree = leaf_paths(nnx.to_pure_dict(nnx.state(head)))
    state = {path: np.asarray(leaf, np.float64) for path, leaf in tree.items()}
    found: list[list[Any]] = [[], [], []]
    for states, real in zip(np.asarray(hidden, np.float64), mask, strict=True):
        pooled = []
        for name in ("attn1", "attn2"):
            means = []
            for query in state[f"{name}/weight"]:
                weights = [np.exp(x @ query) for x in states[real]]
                total = sum((w * x for w, x in zip(weights, states[real], strict=True)), 0.0)
                means.append(total / sum(weights))
            pooled.append(np.concatenate(means))
        reads = {"action_head1": pooled[0], "action_head2": pooled[1], "gripper_head": pooled[1]}
        for place, (name, x) in enumerate(reads.items()):
            for layer in ("fc1", "fc2"):
                weight, bias = state[f"{name}/{layer}/weight"], state[f"{name}/{layer}/bias"]
                x = np.maximum(weight @ x + bias, 0)
            found[place].append(state[f"{name}/fc3/weight"] @ x)
    return [np.array(found[0]), np.array(found[1]), np.array(found[2])[:, 0]]


def test_attention_in_float64() -> None:
    """Every output is what softmax over the real positions gives, written out."""
    head = make("attn_mlp", gripper=True, seed=5)
    hidden, first, last = batch(9, rows=4)
    hidden *= 3  # so that some weights are near one
    mask = np.random.default_rng(4).random((4, 9)) < 0.6
    mask[:, 2] = True
    ours = call(head, np.where(mask[..., None], hidden, np.nan), first, last, mask)
    theirs = attention_oracle(head, hidden, mask)
    for got, want in zip(ours[:3], theirs, strict=True):
        assert got is not None
        scale = np.abs(want).max()
        np.testing.assert_allclose(got, want, atol=2e-6 * scale)
    # The mask counts.
    bare = call(head, hidden, first, last, None)
    assert np.abs(bare.contact - theirs[0]).max() > 1e-3


def test_attention_looks_at_the_whole_row() -> None:
    """Where text begins and ends is nothing to it; what stands in the middle is."""
    head = make("attn_mlp")
    hidden, first, last = batch()
    plain = call(head, hidden, first, last, None)
    other = call(head, hidden, first + 1, last - 1, None)
    np.testing.assert_array_equal(plain.contact, other.contact)
    moved = call(head, np.concatenate([hidden[:, 5:], hidden[:, :5]], axis=1), first, last, None)
    np.testing.assert_allclose(moved.contact, plain.contact, atol=1e-6)
    hidden[:, 5] += 1
    changed = call(head, hidden, first, last, None)
    assert np.abs(changed.contact - plain.contact).max(axis=1).min() > 1e-4


def test_gradients_reach_the_queries() -> None:
    """The contact's loss its own queries, those of rotation and gripper the others. A row without
    a real position reads as zeros, and its gradients are finite."""
    head = make("attn_mlp", gripper=True)
    hidden, first, last = (jnp.asarray(x) for x in batch())
    mask = jnp.ones(hidden.shape[:2], bool).at[1].set(False)
    graph, state = nnx.split(head)

    def loss(state: Any, weights: jax.Array) -> jax.Array:
        out = nnx.merge(graph, state)(hidden, first_text=first, last=last, mask=mask)
        sums = [jnp.square(part).sum() for part in out if part is not None]
        return jnp.stack(sums) @ weights

    gradient = jax.jit(jax.grad(loss))
    for place, (mine, others) in enumerate(
        [("attn1", "attn2"), ("attn2", "attn1"), ("attn2", "attn1")]
    ):
        found = nnx.to_pure_dict(gradient(state, jnp.eye(3)[place]))
        assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(found))
        assert bool((jnp.abs(found[mine]["weight"]).max(axis=1) > 0).all())
        assert not found[others]["weight"].any()
    empty = call(head, hidden, first, last, mask)
    bare = call(head, jnp.zeros_like(hidden), first, last, None)
    for got, want in zip(empty[:3], bare[:3], strict=True):
        assert got is not None
        assert want is not None
        np.testing.assert_array_equal(got[1], want[1])


@pytest.mark.parametrize("kind", POLICY_KINDS)
def test_a_row_does_not_see_its_neighbours(kind: str) -> None:
    """A batch gives each row what it gives alone; all outputs float32, the gripper optional."""
    hidden, first, last = batch()
    head = make(kind, gripper=True)
    together = call(head, hidden.astype(jnp.bfloat16), first, last, None)
    assert [x.shape for x in together[:3] if x is not None] == [(3, 2), (3, 6), (3,)]
    assert {x.dtype for x in jax.tree.leaves(together)} == {jnp.dtype("float32")}
    assert (together.proposals is not None) == (kind == "mixture")
    together = call(head, hidden, first, last, None)
    alone = call(head, hidden[1:2], first[1:2], last[1:2], None)
    for ours, theirs in zip(together[:3], alone[:3], strict=True):
        assert ours is not None
        np.testing.assert_allclose(ours[1:2], theirs, atol=1e-6)


def test_pooling_by_hand() -> None:
    """Official pooling reads two positions, and one that does not exist shows as NaN."""
    hidden = jnp.arange(24, dtype=jnp.float32).reshape(2, 4, 3)
    pooled = pool_official(hidden, jnp.array([1, 0]), jnp.array([3, 2]))
    np.testing.assert_array_equal(pooled, [[6, 7, 8], [15, 16, 17]])
    assert np.isnan(pool_official(hidden, jnp.array([-1, 0]), jnp.array([3, 4]))).all()
    mask = jnp.array([[True, False, True, False], [False] * 4])
    np.testing.assert_array_equal(pool_mean(hidden, mask), [[3, 4, 5], [0, 0, 0]])


def test_configuration_errors() -> None:
    """Each in one line."""
    assert PolicyConfig().pooling == "official"
    assert PolicyConfig("ssm_mlp").pooling == "mean"
    assert PolicyConfig("attn_mlp").pooling == "attention"
    reads = {kind for kind in POLICY_KINDS if PolicyConfig(kind).reads_sequences}
    assert reads == {"ssm_mlp", "attn_mlp", "mixture"}
    assert PolicyConfig("mixture").pooling == "image"
    assert PolicyConfig().replace(kind="mlp").outputs == {"action_head": 8}
    wrong = (
        lambda: PolicyConfig("two_mpl"),
        lambda: PolicyConfig(gripper="yes"),  # type: ignore[arg-type]
        lambda: PolicyConfig(param_dtype="int8"),
        lambda: PolicyConfig().replace(depth=3),
        lambda: PolicyConfig().hidden_widths(7),
        lambda: PolicyHead(PolicyConfig("attn_mlp"), 7, rngs=nnx.Rngs(0)),
        lambda: PolicyHead(PolicyConfig("ssm_mlp"), 48, rngs=nnx.Rngs(0)),
        lambda: PolicyHead(PolicyConfig("ssm_mlp"), 64, TINY, rngs=nnx.Rngs(0)),
        lambda: make("mlp")(jnp.ones((2, 4, 8)), first_text=jnp.zeros(2), last=jnp.zeros(2)),
    )
    for attempt in wrong:
        with pytest.raises(InputError) as caught:
            attempt()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["ssm_mlp", "attn_mlp"])
def test_heads_of_sequences_have_no_pooled_features(kind: str) -> None:
    """Said with what to cache instead."""
    hidden, first, last = (jnp.asarray(x) for x in batch())
    with pytest.raises(InputError) as caught:
        make(kind).pool(PolicyStates(hidden, first, last, None))
    assert str(caught.value) == (
        f"the {kind} head reads sequences (cache vision_patches or hidden_states instead)"
    )


def test_attention_checks_its_arguments() -> None:
    """A mask of another length, states of another width."""
    hidden, first, last = (jnp.asarray(x) for x in batch())
    head = make("attn_mlp")
    with pytest.raises(InputError, match="mask"):
        head(hidden, first_text=first, last=last, mask=jnp.ones((3, 4), bool))
    with pytest.raises(InputError, match="hidden"):
        head(hidden[..., 1:], first_text=first, last=last)
