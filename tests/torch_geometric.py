# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The rivals that read depth, in torch: plain modules with the published names of their weights,
and neighbourhoods by brute force. torch is imported inside functions: collecting the tests must not
load it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from robomamba_jax.config.geometric_networks import DirectionConfig, FlowConfig, PositionConfig
from robomamba_jax.verify.random_files import randomise


def _double(d_in: int, middle: int, d_out: int) -> Any:
    from torch import nn

    return nn.Sequential(
        *(nn.Conv2d(d_in, middle, 3, padding=1), nn.BatchNorm2d(middle), nn.ReLU()),
        *(nn.Conv2d(middle, d_out, 3, padding=1), nn.BatchNorm2d(d_out), nn.ReLU()),
    )


def _unit(d_in: int, d_out: int) -> Any:
    from torch import nn

    made: Any = nn.Module()
    made.conv = nn.Sequential(
        nn.Conv2d(d_in, d_out, 3, padding=1), nn.BatchNorm2d(d_out), nn.ReLU()
    )
    made.forward = lambda x: made.conv(x)
    return made


def _down(d_in: int, d_out: int) -> Any:
    from torch import nn

    made: Any = nn.Module()
    pair: Any = nn.Module()
    pair.double_conv = _double(d_in, d_out, d_out)
    pair.forward = lambda x: pair.double_conv(x)
    made.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), pair)
    made.forward = lambda x: made.maxpool_conv(x)
    return made


def _up(d_in: int, d_out: int) -> Any:
    import torch
    from torch import nn

    made: Any = nn.Module()
    pair: Any = nn.Module()
    pair.double_conv = _double(d_in, d_in // 2, d_out)
    made.conv = pair
    made.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)

    def forward(x: Any, skip: Any) -> Any:
        x = made.up(x)
        down, right = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        edges = [right // 2, right - right // 2, down // 2, down - down // 2]
        x = nn.functional.pad(x, edges)
        return pair.double_conv(torch.cat([skip, x], dim=1))

    made.forward = forward
    return made


def position_network(config: PositionConfig) -> Any:
    """UMPNet's position network: [B, 10, H, W] -> [B, 2, H, W]."""
    from torch import nn

    class Network(nn.Module):
        """As published, with any number of levels."""

        def __init__(self) -> None:
            super().__init__()
            widths = config.widths
            self.levels = len(widths) - 1
            self.inc = _unit(config.channels, widths[0])
            for k in range(self.levels):
                setattr(self, f"down{k + 1}", _down(widths[k], widths[k + 1]))
            carried = widths[-1]
            for k in range(self.levels):
                skip = widths[self.levels - 1 - k]
                out = widths[max(self.levels - 2 - k, 0)]
                setattr(self, f"up{k + 1}", _up(carried + skip, out))
                carried = out
            self.outc: Any = nn.Module()
            self.outc.conv = nn.Conv2d(widths[0], config.classes, 1)

        def forward(self, x: Any) -> Any:
            """Logits."""
            found = [self.inc(x)]
            for k in range(self.levels):
                found.append(getattr(self, f"down{k + 1}")(found[-1]))
            x = found.pop()
            for k in range(self.levels):
                x = getattr(self, f"up{k + 1}")(x, found.pop())
            return self.outc.conv(x)

    return randomise_all(Network())


def _perceptron(sizes: Sequence[int]) -> Any:
    from torch import nn

    made: Any = nn.Module()
    made._layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))

    def forward(x: Any) -> Any:
        for k, layer in enumerate(made._layers):
            x = layer(x) if k == len(made._layers) - 1 else layer(x).relu()
        return x

    made.forward = forward
    return made


def direction_network(config: DirectionConfig) -> Any:
    """UMPNet's direction network: two images [B, 10, H, W] and directions [B, A, 3] -> [B, A, 3]
    and [B, A]."""
    import torch
    from torch import nn

    class Network(nn.Module):
        """Both questions, each with its own encoder."""

        def __init__(self) -> None:
            super().__init__()
            widths = config.widths
            rows, columns = config.grid
            flat = widths[-1] * rows * columns
            for kind, channels, outputs in (
                ("sgn", 2 * config.channels, 3),
                ("mag", config.channels, 1),
            ):
                setattr(self, f"{kind}_image_encoder_1", _unit(channels, widths[0]))
                for k in range(len(widths) - 1):
                    down = _down(widths[k], widths[k + 1])
                    setattr(self, f"{kind}_image_encoder_{k + 2}", down)
                features = _perceptron([flat, *config.features])
                setattr(self, f"{kind}_image_feature_extractor", features)
                setattr(self, f"{kind}_action_encoder", _perceptron([3, *config.action]))
                both = config.features[-1] + config.action[-1]
                setattr(self, f"{kind}_decoder", _perceptron([both, *config.decoder, outputs]))

        def _answer(self, kind: str, x: Any, directions: Any) -> Any:
            for k in range(len(config.widths)):
                x = getattr(self, f"{kind}_image_encoder_{k + 1}")(x)
            seen = getattr(self, f"{kind}_image_feature_extractor")(x.flatten(1))
            asked = getattr(self, f"{kind}_action_encoder")(directions)
            seen = seen[:, None].expand(-1, asked.shape[1], -1)
            return getattr(self, f"{kind}_decoder")(torch.cat([seen, asked], dim=-1))

        def forward(self, now: Any, first: Any, directions: Any) -> Any:
            """Sense and size."""
            sense = self._answer("sgn", torch.cat([now, first], dim=1), directions)
            return sense, self._answer("mag", now, directions)[..., 0]

    return randomise_all(Network())


def randomise_all(model: Any) -> Any:
    """Random weights, and running statistics that are no start."""
    import torch

    randomise(model)
    generator = torch.Generator().manual_seed(3)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(0.2 * torch.randn(buffer.shape, generator=generator))
        elif name.endswith("running_var"):
            buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator))
    return model.eval()


def fps(points: np.ndarray, count: int) -> list[int]:
    """Farthest point sampling from point 0, by all distances to all that are taken."""
    taken = [0]
    while len(taken) < count:
        apart = ((points[:, None] - points[taken][None]) ** 2).sum(-1).min(axis=1)
        taken.append(int(apart.argmax()))
    return taken


def ball(points: np.ndarray, center: np.ndarray, radius: float, limit: int) -> list[int]:
    """The first points of a ball."""
    near = ((points - center) ** 2).sum(-1) <= np.float32(radius**2)
    return [int(k) for k in np.flatnonzero(near)[:limit]]


def _layers(sizes: Sequence[int]) -> Any:
    from torch import nn

    made = nn.Sequential()
    for k, (a, b) in enumerate(itertools.pairwise(sizes)):
        parts = [nn.Linear(a, b)]
        if k < len(sizes) - 2:
            parts += [nn.LeakyReLU(0.01), nn.BatchNorm1d(b)]
        made.append(nn.Sequential(*parts))
    return made


def flow_network(config: FlowConfig) -> Any:
    """FlowBot3D's network: one cloud after the other finds its neighbours, all are normalised
    together. [B, N, 3] and, with a mask, [B, N] -> [B, N, 3]."""
    import torch
    from torch import nn

    class Network(nn.Module):
        """PointNet++ by lists of edges."""

        def __init__(self) -> None:
            super().__init__()
            given = int(config.mask)
            flownet: Any = nn.Module()
            for name, sizes in (
                ("sa1", [given + 3, *config.local1]),
                ("sa2", [config.local1[-1] + 3, *config.local2]),
            ):
                stage: Any = nn.Module()
                stage.conv = nn.Module()
                stage.conv.local_nn = _layers(sizes)
                setattr(flownet, name, stage)
            for name, sizes in (
                ("sa3", [config.local2[-1] + 3, *config.whole]),
                ("fp3", [config.whole[-1] + config.local2[-1], *config.up3]),
                ("fp2", [config.up3[-1] + config.local1[-1], *config.up2]),
                ("fp1", [config.up2[-1] + given, *config.up1]),
            ):
                stage: Any = nn.Module()
                stage.net = _layers(sizes)
                setattr(flownet, name, stage)
            flownet.lin1 = nn.Linear(config.up1[-1], config.head[0])
            flownet.lin2 = nn.Linear(config.head[0], config.head[1])
            flownet.lin3 = nn.Linear(config.head[1], 3)
            self.flownet = flownet

        def _gather(self, layers: Any, points: Any, x: Any, stage: int) -> Any:
            clouds, size, _ = points.shape
            count = math.ceil(round(size * config.ratios[stage], 6))
            centers, rows, owners = [], [], []
            for b in range(clouds):
                cloud = points[b].numpy()
                for number, center in enumerate(fps(cloud, count)):
                    centers.append(points[b, center])
                    here = ball(cloud, cloud[center], config.radii[stage], config.neighbors)
                    for k in here:
                        offset = points[b, k] - points[b, center]
                        rows.append(offset if x is None else torch.cat([x[b, k], offset]))
                        owners.append(b * count + number)
            messages = layers(torch.stack(rows))
            owner = torch.tensor(owners)
            found = torch.stack(
                [messages[owner == n].max(dim=0).values for n in range(clouds * count)]
            )
            return torch.stack(centers).view(clouds, count, 3), found.view(clouds, count, -1)

        @staticmethod
        def _carried(x: Any, points: Any, at: Any) -> Any:
            apart = ((at[:, :, None] - points[:, None]) ** 2).sum(-1)
            near = min(3, points.shape[1])
            least, places = apart.topk(near, dim=-1, largest=False)
            weight = 1 / least.clamp(min=1e-16)
            rows = torch.stack([x[b][places[b]] for b in range(len(x))])
            return (rows * weight[..., None]).sum(2) / weight.sum(2, keepdim=True)

        def forward(self, points: Any, mask: Any = None) -> Any:
            """The flow."""
            net = self.flownet
            given = None if mask is None else mask[..., None]

            def rows(layers: Any, x: Any) -> Any:
                return layers(x.flatten(0, 1)).view(*x.shape[:2], -1)

            points1, x1 = self._gather(net.sa1.conv.local_nn, points, given, 0)
            points2, x2 = self._gather(net.sa2.conv.local_nn, points1, x1, 1)
            x3 = rows(net.sa3.net, torch.cat([x2, points2], dim=-1)).max(dim=1, keepdim=True).values
            y2 = rows(net.fp3.net, torch.cat([x3.expand(-1, x2.shape[1], -1), x2], dim=-1))
            y1 = rows(net.fp2.net, torch.cat([self._carried(y2, points2, points1), x1], dim=-1))
            last = self._carried(y1, points1, points)
            last = last if given is None else torch.cat([last, given], dim=-1)
            y = rows(net.fp1.net, last)
            y = nn.functional.leaky_relu(net.lin1(y), 0.01)
            y = nn.functional.leaky_relu(net.lin2(y), 0.01)
            return net.lin3(y)

    return randomise_all(Network())


class FlowNetParams:
    """As an object of the authors' own beside a checkpoint's weights."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)
