# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Weights that the rivals' authors publish, by rule tables: every tensor is loaded, or left out for
a stated reason. Nothing of a file is executed.

UMPNet's file holds both networks, under ``pos_state_dict`` and ``dir_state_dict``. FlowBot3D's is a
checkpoint of PyTorch Lightning, which also holds objects of its own classes: these are read as
names, and never made.

The names of UMPNet's direction network and of Lightning's ``flownet`` follow from their modules; no
such file was at hand.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from flax import nnx

from robomamba_jax.baselines.flowbot3d.network import FlowNetwork
from robomamba_jax.baselines.umpnet.direction import DirectionNetwork
from robomamba_jax.baselines.umpnet.position import PositionNetwork
from robomamba_jax.config.geometric_networks import DirectionConfig, FlowConfig, PositionConfig
from robomamba_jax.convert.pth_file import PthFile
from robomamba_jax.convert.rules import TensorRule, UnreadTensors, make_plan
from robomamba_jax.convert.tensor_names import put
from robomamba_jax.convert.tensors import TensorSource
from robomamba_jax.models.graphs import abstract, plain_dicts
from robomamba_jax.models.params import Params, leaf_paths

UNREAD = (UnreadTensors(r".*\.num_batches_tracked", "a count that a fixed momentum does not ask"),)
_NORM = ("weight", "bias", "running_mean", "running_var")


def _kinds(theirs: str, ours: str, kinds: Sequence[str]) -> list[TensorRule]:
    return [TensorRule(f"{theirs}.{kind}", (f"{ours}.{kind}",)) for kind in kinds]


def _unit(theirs: str, ours: str, first: int = 0) -> list[TensorRule]:
    """A convolution and its normalisation, which are numbers of a ``Sequential`` there."""
    return [
        *_kinds(f"{theirs}.{first}", f"{ours}.conv", ("weight", "bias")),
        *_kinds(f"{theirs}.{first + 1}", f"{ours}.norm", _NORM),
    ]


def _pair(theirs: str, ours: str) -> list[TensorRule]:
    # Numbers 2 and 5 are the ReLUs.
    return [*_unit(theirs, f"{ours}.first"), *_unit(theirs, f"{ours}.second", 3)]


def position_rules() -> tuple[TensorRule, ...]:
    """UMPNet's position network."""
    return (
        *_unit("inc.conv", "inc"),
        *_pair("down{i}.maxpool_conv.1.double_conv", "down{i}"),
        *_pair("up{i}.conv.double_conv", "up{i}"),
        *_kinds("outc.conv", "outc", ("weight", "bias")),
    )


def direction_rules(config: DirectionConfig) -> tuple[TensorRule, ...]:
    """UMPNet's direction network, whose encoders' levels are counted from 1 there."""
    rules: list[TensorRule] = []
    for theirs, ours in (("sgn", "sign"), ("mag", "magnitude")):
        encoder = f"{theirs}_image_encoder"
        rules += _unit(f"{encoder}_1.conv", f"{ours}.inc")
        for level in range(1, len(config.widths)):
            under = f"{encoder}_{level + 1}.maxpool_conv.1.double_conv"
            rules += _pair(under, f"{ours}.down{level}")
        for part, name in (
            ("image_feature_extractor", "features"),
            ("action_encoder", "action"),
            ("decoder", "decoder"),
        ):
            under = f"{theirs}_{part}._layers.{{i}}"
            rules += _kinds(under, f"{ours}.{name}.layer{{i}}", ("weight", "bias"))
    return tuple(rules)


def flow_rules(config: FlowConfig) -> tuple[TensorRule, ...]:
    """FlowBot3D's network."""
    rules: list[TensorRule] = []
    for stage, module, widths in (
        ("sa1", "conv.local_nn", config.local1),
        ("sa2", "conv.local_nn", config.local2),
        ("sa3", "net", config.whole),
        ("fp3", "net", config.up3),
        ("fp2", "net", config.up2),
        ("fp1", "net", config.up1),
    ):
        under = f"flownet.{stage}.{module}"
        for number in range(len(widths) - 1):
            ours = f"{stage}.layer{number}"
            rules += _kinds(f"{under}.{number}.0", f"{ours}.linear", ("weight", "bias"))
            rules += _kinds(f"{under}.{number}.2", f"{ours}.norm", _NORM)
        last = len(widths) - 1
        rules += _kinds(f"{under}.{last}.0", f"{stage}.last", ("weight", "bias"))
    for name in ("lin1", "lin2", "lin3"):
        rules += _kinds(f"flownet.{name}", name, ("weight", "bias"))
    return tuple(rules)


def read_position(
    path: str | os.PathLike[str], config: PositionConfig | None = None
) -> tuple[PositionConfig, Params]:
    """UMPNet's position network out of its published file.

    Args:
      path: of the ``.pth`` file.
      config: its sizes; None = as published.

    Returns:
      The sizes, and float32 arrays by our names.

    Raises:
      InputError: it is not such a file, or a tensor is missing, unknown or of another shape.
    """
    config = config or PositionConfig()
    source = PthFile(path, state="pos_state_dict")
    return config, _read(source, position_rules(), lambda rngs: PositionNetwork(config, rngs=rngs))


def read_direction(
    path: str | os.PathLike[str], config: DirectionConfig | None = None
) -> tuple[DirectionConfig, Params]:
    """UMPNet's direction network out of its published file; see ``read_position``."""
    config = config or DirectionConfig()
    source = PthFile(path, state="dir_state_dict")
    rules = direction_rules(config)
    return config, _read(source, rules, lambda rngs: DirectionNetwork(config, rngs=rngs))


def read_flow(
    path: str | os.PathLike[str], config: FlowConfig | None = None
) -> tuple[FlowConfig, Params]:
    """FlowBot3D's network out of a checkpoint of its training; see ``read_position``.

    Args:
      path: of the ``.ckpt`` file.
      config: its sizes; None = as published, with or without the mask's channel as the file has.
    """
    source = PthFile(path, state="state_dict", objects=True)
    if config is None:
        first = "flownet.sa1.conv.local_nn.0.0.weight"
        inputs = source.info(first).shape[-1:] if first in source.names() else ()
        # Three numbers say where a neighbour is; a fourth, whether its part moves.
        config = FlowConfig(mask=inputs != (3,))
    found = config
    return found, _read(source, flow_rules(found), lambda rngs: FlowNetwork(found, rngs=rngs))


def _read(
    source: TensorSource, rules: Sequence[TensorRule], make: Callable[[nnx.Rngs], nnx.Module]
) -> Params:
    """A network's arrays, all of them, out of a file that holds nothing else unexplained."""
    _, state = abstract(lambda: make(nnx.Rngs(0)))
    shapes: Mapping[str, tuple[int, ...]] = {
        name.replace("/", "."): tuple(leaf.shape)
        for name, leaf in leaf_paths(plain_dicts(state)).items()
    }
    try:
        plan = make_plan(source, rules, UNREAD, shapes)
        plan.check(Path(source.path))
        tree: Params = {}
        for name, match in plan.matched.items():
            (array,) = match.rule.forward(source.read(name), match.shape)
            put(tree, match.rule.targets[0].replace(".", "/"), array.astype(np.float32))
        return tree
    finally:
        source.close()
