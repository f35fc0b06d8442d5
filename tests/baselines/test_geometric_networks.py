# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""UMPNet's and FlowBot3D's networks beside torch's on the same random weights, which pass through
files with the published names; float32 on the CPU, errors of the reference's scale.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from robomamba_jax.baselines.flowbot3d.network import FlowNetwork
from robomamba_jax.baselines.flowbot3d.point_ops import (
    ball_query,
    farthest_points,
    interpolated,
    sampled_count,
)
from robomamba_jax.baselines.layers import STATISTICS, statistics_loss, upsample2
from robomamba_jax.baselines.published import read_direction, read_flow, read_position
from robomamba_jax.baselines.umpnet.direction import (
    DirectionNetwork,
    direction_scores,
    resampled_directions,
    sphere_directions,
)
from robomamba_jax.baselines.umpnet.position import PositionNetwork
from robomamba_jax.config.geometric_networks import (
    DIRECTION_NANO,
    FLOW_NANO,
    POSITION_NANO,
    DirectionConfig,
    FlowConfig,
    PositionConfig,
)
from robomamba_jax.errors import InputError
from robomamba_jax.models.params import Params, leaf_paths
from tests import torch_geometric
from tests.oracles import error

NUMBERS, GRADIENTS = 1e-5, 1e-4
SMALL = PositionConfig(widths=(3, 5, 7))
DIRECTION = DirectionConfig(
    widths=(3, 4, 5), height=13, width=10, features=(6, 5), action=(4, 3), decoder=(7,)
)
FLOW = FlowConfig(
    points=23, neighbors=6, ratios=(0.4, 0.5), radii=(0.6, 1.2),
    local1=(4, 5), local2=(6, 5, 7), whole=(6, 8), up3=(7, 5), up2=(5, 6), up1=(6, 4), head=(5, 4),
)  # fmt: skip


def counted(kind: Any, config: Any) -> int:
    """Trained numbers of a network that is never made."""
    shapes = nnx.eval_shape(lambda: kind(config, rngs=nnx.Rngs(0)))
    return sum(x.size for x in jax.tree.leaves(nnx.state(shapes, nnx.Param)))


def test_full_size_counts() -> None:
    """To the digit what the published networks have."""
    assert counted(PositionNetwork, PositionConfig()) == 4_313_346
    assert counted(DirectionNetwork, DirectionConfig()) == 51_847_556
    assert counted(FlowNetwork, FlowConfig()) == 1_414_787
    assert counted(FlowNetwork, FlowConfig(mask=False)) == 1_414_595


@pytest.mark.slow
def test_the_twins_are_small() -> None:
    """About a sixteenth and a quarter of the published ones."""
    assert counted(PositionNetwork, POSITION_NANO) == 271_362
    assert counted(FlowNetwork, FLOW_NANO) == 356_067
    assert counted(DirectionNetwork, DIRECTION_NANO) == 623_204


def saved(path: Path, **models: Any) -> Path:
    """A file as the authors' code writes it."""
    import torch

    content = {f"{name}_state_dict": model.state_dict() for name, model in models.items()}
    torch.save({**content, "epoch": 3, "pos_optimizer": {"state": {}, "param_groups": []}}, path)
    return path


def lightning(path: Path, model: Any) -> Path:
    """A checkpoint as PyTorch Lightning writes it, with an object of the authors' own."""
    import torch

    params = torch_geometric.FlowNetParams(hidden=[1, 2], name="x")
    content = {
        "epoch": 99, "pytorch-lightning_version": "1.5.10", "state_dict": model.state_dict(),
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}}],
        "hyper_parameters": {"params": params}, "callbacks": {},
    }  # fmt: skip
    torch.save(content, path)
    return path


class Twin:
    """One of our networks with parameters, as functions of these."""

    def __init__(self, make: Callable[[nnx.Rngs], nnx.Module], params: Params) -> None:
        self.graph = nnx.split(nnx.eval_shape(lambda: make(nnx.Rngs(0))))[0]
        self.params = jax.tree.map(jnp.asarray, params)

    def __call__(self, *inputs: Any) -> Any:
        """As it is used."""
        run = jax.jit(lambda params: nnx.merge(self.graph, params)(*inputs))
        return run(self.params)

    def learned(self, *inputs: Any, loss: Callable[[Any], jax.Array]) -> tuple[Any, Params, Params]:
        """Loss, gradient and what is left of a step at rate 1 of the statistics alone."""

        def total(params: Params) -> tuple[jax.Array, jax.Array]:
            network: Any = nnx.merge(self.graph, params)
            value = loss(network(*inputs, train=()))
            after = nnx.to_pure_dict(nnx.state(network))
            return value + statistics_loss(params, after), value

        grads, value = jax.jit(jax.grad(total, has_aux=True))(self.params)
        kept = {
            path: np.asarray(old - new)
            for (path, old), new in zip(
                leaf_paths(self.params).items(), leaf_paths(grads).values(), strict=True
            )
            if path.endswith(STATISTICS)
        }
        return value, grads, kept


def images(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Normal numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def nchw(x: np.ndarray) -> Any:
    """As torch lays images out."""
    import torch

    return torch.from_numpy(x.transpose(0, 3, 1, 2).copy())


def same_gradients(grads: Params, model: Any, renamed: Callable[[Any], Params]) -> None:
    """Each parameter's gradient beside torch's, which travels as weights do."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            assert parameter.grad is not None
            parameter.copy_(parameter.grad)
    want, got = leaf_paths(renamed(model)), leaf_paths(grads)
    learned = [path for path in got if not path.endswith(STATISTICS)]
    largest = max(np.abs(want[path]).max() for path in learned)
    for path in learned:
        if path.endswith("conv/bias"):
            # A normalisation by the batch follows: the gradient is 0 but for rounding.
            assert np.abs(np.asarray(got[path])).max() < GRADIENTS * largest, path
        else:
            assert error(got[path], want[path]) < GRADIENTS, path


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "size"),
    [(SMALL, (2, 9, 7)), (PositionConfig(widths=(2, 3)), (3, 2, 3)), (POSITION_NANO, (1, 33, 18))],
)
def test_position_network(
    config: PositionConfig, size: tuple[int, int, int], tmp_path: Path
) -> None:
    """Odd sizes, and as small as two levels allow."""
    import torch

    model = torch_geometric.position_network(config)
    read, params = read_position(saved(tmp_path / "u.pth", pos=model), config)
    assert read == config
    x = images((*size, 10))
    ours = Twin(lambda rngs: PositionNetwork(config, rngs=rngs), params)
    with torch.no_grad():
        want = model(nchw(x)).numpy().transpose(0, 2, 3, 1)
    assert error(ours(x), want) < NUMBERS


@pytest.mark.torch
@pytest.mark.slow
def test_position_network_learns(tmp_path: Path) -> None:
    """In training: outputs by the batch's statistics, these themselves, and gradients."""

    model = torch_geometric.position_network(SMALL)
    path = tmp_path / "u.pth"
    ours = Twin(
        lambda rngs: PositionNetwork(SMALL, rngs=rngs),
        read_position(saved(path, pos=model), SMALL)[1],
    )
    x, weight = images((3, 9, 7, 10)), images((3, 9, 7, 2), 1)
    model.train()
    want = (model(nchw(x)) * nchw(weight)).sum()
    want.backward()
    got, grads, kept = ours.learned(x, loss=lambda y: jnp.sum(y * weight))
    assert error(got, want.item()) < NUMBERS
    statistics = leaf_paths(read_position(saved(path, pos=model), SMALL)[1])
    for name, value in kept.items():
        assert error(value, statistics[name]) < NUMBERS, name
    same_gradients(grads, model, lambda m: read_position(saved(path, pos=m), SMALL)[1])


@pytest.mark.torch
def test_direction_network(tmp_path: Path) -> None:
    """Two images of an odd size, five directions."""
    import torch

    model = torch_geometric.direction_network(DIRECTION)
    params = read_direction(saved(tmp_path / "u.pth", dir=model), DIRECTION)[1]
    ours = Twin(lambda rngs: DirectionNetwork(DIRECTION, rngs=rngs), params)
    now, first = images((2, 13, 10, 10)), images((2, 13, 10, 10), 1)
    asked = images((2, 5, 3), 2)
    with torch.no_grad():
        want = model(nchw(now), nchw(first), torch.from_numpy(asked))
    for got, theirs in zip(ours(now, first, asked), want, strict=True):
        assert error(got, theirs.numpy()) < NUMBERS


@pytest.mark.torch
@pytest.mark.slow
def test_direction_network_learns(tmp_path: Path) -> None:
    """Gradients of both questions."""
    import torch

    model = torch_geometric.direction_network(DIRECTION)
    path = tmp_path / "u.pth"

    def renamed(m: Any) -> Params:
        """Our names of torch's tensors."""
        return read_direction(saved(path, dir=m), DIRECTION)[1]

    ours = Twin(lambda rngs: DirectionNetwork(DIRECTION, rngs=rngs), renamed(model))
    now, first, asked = (images(s, k) for k, s in enumerate([(2, 13, 10, 10)] * 2 + [(2, 5, 3)]))
    model.train()
    sense, size = model(nchw(now), nchw(first), torch.from_numpy(asked))
    (sense.square().sum() + size.square().sum()).backward()
    _, grads, _ = ours.learned(
        now, first, asked, loss=lambda y: jnp.sum(y[0] ** 2) + jnp.sum(y[1] ** 2)
    )
    same_gradients(grads, model, renamed)


def test_directions() -> None:
    """64 unit vectors on all sides; good ones are drawn again, each a little disturbed."""
    found = sphere_directions()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert np.abs(found.mean(axis=0)).max() < 0.01
    scores = (found @ np.array([0, 0, 1], np.float32)).astype(np.float32)
    again = resampled_directions(found, scores, np.random.default_rng(0))
    assert again[:, 2].mean() > 0.8
    assert len(np.unique(again.round(6), axis=0)) == 64
    sense = jnp.array([[2.0, 1, 0], [0, 3, 0], [0, 0, 1]])
    magnitude = jnp.array([0.5, 0.5, 0.5])
    np.testing.assert_allclose(direction_scores(sense, magnitude), [-0.5, 0, 0.5])


def clouds(count: int, points: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points in a unit cube, and which of them move."""
    random = np.random.default_rng(seed)
    where = random.uniform(-0.5, 0.5, (count, points, 3)).astype(np.float32)
    return where, (random.uniform(size=(count, points)) < 0.4).astype(np.float32)


@pytest.mark.torch
@pytest.mark.parametrize(
    "config",
    [FLOW, FLOW.replace(mask=False), FLOW.replace(points=4, radii=(0.05, 0.05), neighbors=1)],
)
def test_flow_network(config: FlowConfig, tmp_path: Path) -> None:
    """With the mask and without; and where no point has a neighbour."""
    import torch

    model = torch_geometric.flow_network(config)
    read, params = read_flow(lightning(tmp_path / "f.ckpt", model), config)
    assert read == config
    points, moving = clouds(2, config.points)
    given = (points, moving) if config.mask else (points,)
    ours = Twin(lambda rngs: FlowNetwork(config, rngs=rngs), params)
    with torch.no_grad():
        want = model(*map(torch.from_numpy, given)).numpy()
    assert error(ours(*given), want) < NUMBERS


@pytest.mark.torch
@pytest.mark.slow
def test_flow_network_learns(tmp_path: Path) -> None:
    """In training: only neighbours that are there count for the statistics."""
    import torch

    model = torch_geometric.flow_network(FLOW)
    path = tmp_path / "f.ckpt"

    def renamed(m: Any) -> Params:
        """Our names of torch's tensors."""
        return read_flow(lightning(path, m), FLOW)[1]

    ours = Twin(lambda rngs: FlowNetwork(FLOW, rngs=rngs), renamed(model))
    points, moving = clouds(3, FLOW.points)
    model.train()
    want = model(torch.from_numpy(points), torch.from_numpy(moving)).square().sum()
    want.backward()
    got, grads, kept = ours.learned(points, moving, loss=lambda y: jnp.sum(y**2))
    assert error(got, want.item()) < NUMBERS
    statistics = leaf_paths(renamed(model))
    for name, value in kept.items():
        assert error(value, statistics[name]) < NUMBERS, name
    same_gradients(grads, model, renamed)


def test_a_mask_is_given_or_not() -> None:
    """A network with the privileged channel does not do without, nor the other way round."""
    points, moving = clouds(1, FLOW.points)
    cases: tuple[tuple[FlowConfig, tuple[Any, ...]], ...] = (
        (FLOW, (points,)),
        (FLOW.replace(mask=False), (points, moving)),
    )
    for config, inputs in cases:
        network: Any = FlowNetwork(config, rngs=nnx.Rngs(0))
        with pytest.raises(InputError, match="mask"):
            network(*map(jnp.asarray, inputs))


@pytest.mark.slow
@settings(deadline=None, max_examples=20)
@given(st.integers(1, 30), st.integers(0, 99), st.floats(0.01, 2), st.integers(1, 9))
def test_neighbourhoods_by_brute_force(count: int, seed: int, radius: float, limit: int) -> None:
    """Sampling, balls and the nearest points, of clouds of any size."""
    points = clouds(1, count, seed)[0][0]
    some = sampled_count(count, 0.4)
    chosen = np.asarray(farthest_points(jnp.asarray(points), some))
    assert list(chosen) == torch_geometric.fps(points, some)
    places, exists = map(
        np.asarray, ball_query(jnp.asarray(points), jnp.asarray(points[chosen]), radius, limit)
    )
    for row, there, center in zip(places, exists, chosen, strict=True):
        assert list(row[there]) == torch_geometric.ball(points, points[center], radius, limit)
    features = points[chosen] * 2 + 1
    near = min(3, some)
    found = interpolated(
        jnp.asarray(features), jnp.asarray(points[chosen]), jnp.asarray(points), near
    )
    # A point that was sampled has its own features: the weight of a distance of 0 leaves no other.
    np.testing.assert_allclose(np.asarray(found)[chosen], features, atol=1e-4)


def test_upsampling_of_one_row() -> None:
    """An image of one pixel becomes four of it."""
    np.testing.assert_array_equal(upsample2(jnp.full((1, 1, 1, 2), 3.0)), np.full((1, 2, 2, 2), 3))


@pytest.mark.torch
def test_a_wrong_file(tmp_path: Path) -> None:
    """Each is refused in one line: a tensor too many, too few or of another size; the other
    network's file."""
    model = torch_geometric.position_network(SMALL)
    path = saved(tmp_path / "u.pth", pos=model)
    with pytest.raises(InputError, match="dir_state_dict"):
        read_direction(path, DIRECTION)
    with pytest.raises(InputError, match=r"has shape \[3, 10, 3, 3\], not \[32, 10, 3, 3\]"):
        read_position(path)
    del model.outc.conv.bias
    saved(path, pos=model)
    with pytest.raises(InputError, match=r"outc\.conv\.bias is missing"):
        read_position(path, SMALL)
    flow = torch_geometric.flow_network(FLOW)
    flow.more = torch_geometric.flow_network(FLOW).flownet.lin1
    with pytest.raises(InputError, match=r"more\.weight is unknown"):
        read_flow(lightning(tmp_path / "f.ckpt", flow), FLOW)


@pytest.mark.torch
def test_objects_are_never_made(tmp_path: Path) -> None:
    """A checkpoint's objects are names: nothing is imported or called for them."""
    import torch

    class Harmful:
        """What would write a file if it were made."""

        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "written",)

    model = torch_geometric.flow_network(FLOW)
    content = {"state_dict": model.state_dict(), "hyper_parameters": [Harmful()]}
    torch.save(content, tmp_path / "f.ckpt")
    found = leaf_paths(read_flow(tmp_path / "f.ckpt", FLOW)[1])
    assert len(found) == len([k for k in model.state_dict() if not k.endswith("_tracked")])
    assert not (tmp_path / "written").exists()
