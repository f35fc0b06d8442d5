# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The head that proposes a pose at every image position, beside loops in float64."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from robomamba_jax.config import RoboMambaConfig, preset, vision_preset
from robomamba_jax.config.policy import KERNEL_WIDTH, PolicyConfig
from robomamba_jax.errors import InputError
from robomamba_jax.models.inputs import ModelInputs
from robomamba_jax.models.params import count_params, leaf_paths
from robomamba_jax.models.policy.head import PolicyHead, PolicyOutput, PolicyStates
from robomamba_jax.models.policy.mixture import Proposals, grid_centres, mode, states_at
from robomamba_jax.models.robomamba import RoboMamba, first_image_index

WIDTH, PATCHES = 64, 9


def make(*, gripper: bool = True, seed: int = 0) -> PolicyHead:
    """A head whose biases are not 0."""
    head = PolicyHead(PolicyConfig("mixture", gripper), WIDTH, rngs=nnx.Rngs(seed))
    graph, state = nnx.split(head)
    draw = np.random.default_rng(seed)
    noisy = jax.tree.map(
        lambda x: x + jnp.asarray(0.1 * draw.standard_normal(x.shape), x.dtype), state
    )
    return nnx.merge(graph, noisy)


def call(head: PolicyHead, hidden: Any, mask: Any, image_index: Any) -> PolicyOutput:
    """The head, jitted; where text begins and ends is nothing to it."""
    graph, state = nnx.split(head)
    rows = jnp.zeros(len(hidden), jnp.int32)

    def read(state: Any, hidden: Any, mask: Any, image_index: Any) -> PolicyOutput:
        states = PolicyStates(hidden, rows, rows, mask, image_index)
        return nnx.merge(graph, state).read_states(states)

    return jax.jit(read)(state, hidden, mask, image_index)


def batch(rows: int = 3, length: int = 14, seed: int = 1) -> tuple[Any, Any, Any]:
    """States, a mask with gaps in the text, and images that begin at 0, 1, 2 ..."""
    draw = np.random.default_rng(seed)
    hidden = draw.standard_normal((rows, length, WIDTH)).astype(np.float32)
    image_index = (np.arange(rows)[:, None] + np.arange(PATCHES)).astype(np.int32)
    mask = draw.random((rows, length)) < 0.5
    np.put_along_axis(mask, image_index, True, axis=1)
    return hidden, mask, image_index


def oracle(head: PolicyHead, hidden: Any, mask: Any, image_index: Any) -> list[list[np.ndarray]]:
    """Per row: log weights, contacts, rotations and gripper logits of all proposals, float64."""
    tree = leaf_paths(nnx.to_pure_dict(nnx.state(head)))
    w = {path.removeprefix("mixture/"): np.asarray(x, np.float64) for path, x in tree.items()}
    found = []
    for states, real, at in zip(np.asarray(hidden, np.float64), mask, image_index, strict=True):
        means = []
        for query in w["queries/weight"]:
            weights = [np.exp(x @ query) for x in states[real]]
            total = sum((k * x for k, x in zip(weights, states[real], strict=True)), 0.0)
            means.append(total / sum(weights))
        everything = w["from_all/weight"] @ np.concatenate(means) + w["from_all/bias"]
        outs = []
        for number, place in enumerate(at):
            x = np.maximum(w["from_patch/weight"] @ states[place] + everything, 0)
            for layer in ("fc1", "fc2"):
                x = np.maximum(w[f"mlp/{layer}/weight"] @ x + w[f"mlp/{layer}/bias"], 0)
            out = w["mlp/fc3/weight"] @ x
            centre = np.array([number % 3 + 0.5, number // 3 + 0.5]) / 3
            outs.append(np.concatenate([out[:1], centre + out[1:3] / 3, out[3:]]))
        rows = np.array(outs)
        log_weight = rows[:, 0] - np.log(np.exp(rows[:, 0]).sum())
        found.append([log_weight, rows[:, 1:3], rows[:, 3:9], rows[:, 9]])
    return found


def test_every_proposal_in_float64() -> None:
    """And the densest of them is what comes out. Measured: 2.2e-7 of the largest."""
    head = make(seed=3)
    hidden, mask, image_index = batch()
    ours = call(head, np.where(mask[..., None], hidden, np.nan), mask, image_index)
    assert ours.proposals is not None
    for row, theirs in enumerate(oracle(head, hidden, mask, image_index)):
        for got, want in zip(ours.proposals, theirs, strict=True):
            np.testing.assert_allclose(got[row], want, atol=1e-6 * np.abs(want).max())
        log_weight, contact = theirs[:2]
        density = [
            sum(
                np.exp(log_weight[j] - np.abs(contact[j] - contact[i]).sum() / KERNEL_WIDTH)
                for j in range(PATCHES)
            )
            for i in range(PATCHES)
        ]
        best = int(np.argmax(density))
        for got, want in zip(ours[:3], theirs[1:], strict=True):
            np.testing.assert_allclose(got[row], want[best], atol=1e-6 * np.abs(want).max())


def test_counts() -> None:
    """Queries, two ways in, an MLP with ten outputs; of D = 2560 without a gripper."""
    d, h = 2560, 640
    count = 4 * d + 4 * d * h + h + d * h + 2 * (h * h + h) + 9 * h
    head = nnx.eval_shape(lambda: PolicyHead(PolicyConfig("mixture"), d, rngs=nnx.Rngs(0)))
    assert count_params(nnx.to_pure_dict(nnx.state(head))) == count == 9_029_120
    assert make().mixture is not None
    assert {path.split("/")[0] for path in leaf_paths(nnx.to_pure_dict(nnx.state(make())))} == {
        "mixture"
    }


def test_the_middle_of_two_is_not_chosen() -> None:
    """Two proposals far apart, the likelier one wins; two that are near outweigh one alone."""

    def of(weights: list[float], xs: list[float]) -> int:
        contact = jnp.array([[[x, 0.5] for x in xs]])
        log_weight = jnp.log(jnp.array([weights]))
        rotation = jnp.zeros((1, len(xs), 6))
        return int(mode(Proposals(log_weight, contact, rotation, None))[0])

    assert of([0.4, 0.6], [0.1, 0.9]) == 1
    assert of([0.4, 0.35, 0.25], [0.1, 0.9, 0.905]) == 1
    assert of([0.4, 0.35, 0.25], [0.1, 0.5, 0.9]) == 0


def test_padding_is_invisible() -> None:
    """NaN at padding changes nothing, the gradients are finite and 0 there."""
    head = make()
    hidden, mask, image_index = batch()
    hidden = np.where(mask[..., None], hidden, np.nan)
    graph, state = nnx.split(head)
    rows = jnp.zeros(len(hidden), jnp.int32)

    def loss(x: Any) -> jax.Array:
        states = PolicyStates(x, rows, rows, jnp.asarray(mask), jnp.asarray(image_index))
        found = nnx.merge(graph, state).read_states(states).proposals
        return sum((jnp.square(part).sum() for part in found), jnp.zeros(()))

    gradient = np.asarray(jax.jit(jax.grad(loss))(jnp.asarray(hidden)))
    assert np.isfinite(gradient).all()
    assert not gradient[~mask].any()
    assert np.abs(gradient[mask]).max() > 1e-3


def test_a_row_without_image_has_no_pose() -> None:
    """NaN for it, and its neighbours are what they are alone."""
    head = make()
    hidden, mask, image_index = batch()
    image_index[1] = -1
    found = call(head, hidden, mask, image_index)
    for part in found[:3]:
        assert np.isnan(part[1]).all()
        assert np.isfinite(np.asarray(part)[[0, 2]]).all()
    alone = call(head, hidden[2:], mask[2:], image_index[2:])
    np.testing.assert_allclose(found.contact[2:], alone.contact, atol=1e-6)
    # What the loss reads of it is finite: a row of no weight must not spoil a gradient.
    assert found.proposals is not None
    assert all(np.isfinite(x).all() for x in found.proposals)


def test_centres_and_states() -> None:
    """By rows from the upper left; a place outside a row is 0."""
    centres, width = grid_centres(4)
    np.testing.assert_array_equal(centres, [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
    assert width == 0.5
    hidden = jnp.arange(12.0).reshape(2, 3, 2)
    at = jnp.array([[2, 0], [-1, 3]])
    np.testing.assert_array_equal(states_at(hidden, at), [[[4, 5], [0, 1]], [[0, 0], [0, 0]]])


@pytest.mark.parametrize(
    ("image_index", "said"),
    [(None, "got none"), (np.zeros((3, 8), np.int32), "8 image tokens are not a square")],
)
def test_wrong_images(image_index: Any, said: str) -> None:
    """None at all; tokens that stand in no grid."""
    hidden, mask, _ = batch()
    with pytest.raises(InputError, match=said):
        call(make(), hidden, mask, image_index)


@pytest.fixture(scope="module")
def tiny() -> tuple[Any, int]:
    """A model's joint rows as a jitted function of (ids, features, mask, positions); P."""
    vision = vision_preset("tiny")
    model = RoboMamba(RoboMambaConfig(preset("tiny"), vision), rngs=nnx.Rngs(0))
    graph, state = nnx.split(model)

    def joined(ids: Any, features: Any, mask: Any, positions: Any) -> Any:
        inputs = ModelInputs(ids, mask=mask, image_positions=positions, features=features)
        joint = nnx.merge(graph, state).join(inputs)
        return joint.x, joint.image_index

    return jax.jit(joined), vision.num_patches


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_where_the_first_image_stands(tiny: tuple[Any, int], data: st.DataObject) -> None:
    """Told from the text alone it is where the joint row has it, whatever stands around it."""
    joined, count = tiny
    width = vision_preset("tiny").width
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=10, max_size=10))).reshape(2, 5)
    positions = np.array(
        data.draw(st.lists(st.integers(-1, 5), min_size=4, max_size=4)), np.int32
    ).reshape(2, 2)
    features = np.arange(1, 2 * 2 * count + 1, dtype=np.float32).reshape(2, 2, count, 1)
    features = np.broadcast_to(features, (2, 2, count, width)).copy()
    x, image_index = joined(np.zeros((2, 5), np.int32), features, mask, positions)
    np.testing.assert_array_equal(first_image_index(mask, positions, count), image_index)
    for row in range(2):
        if positions[row, 0] >= 0:
            alone = np.full((2, 1), -1, np.int32)
            alone[row] = 0
            none = np.zeros((2, 5), bool)
            first, _ = joined(np.zeros((2, 5), np.int32), features[:, :1], none, alone)
            np.testing.assert_allclose(
                np.asarray(x)[row, image_index[row]], np.asarray(first)[row, :count], atol=1e-6
            )
