# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which parameters are trained: patterns -> labels -> two trees, and a table of both.

The gradient is taken of the trained tree alone, so a frozen parameter has no gradient, no
moment and no accumulator; the optimizer sees the same labels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax

from robomamba_jax.errors import InputError
from robomamba_jax.models.params import Params, leaf_paths
from robomamba_jax.training.jax_types import PyTree

TRAIN, FREEZE = "train", "freeze"
PARTS = ("vision", "projector", "llm", "policy")


def param_labels(params: Params, patterns: Sequence[str]) -> Params:
    """ "train" or "freeze" for every leaf.

    Args:
      params: a tree of arrays or shapes.
      patterns: of whole paths, such as ``projector/.*``.

    Raises:
      InputError: a pattern is none, or matches nothing.
    """
    paths = list(leaf_paths(params))
    chosen: set[str] = set()
    for pattern in patterns:
        try:
            found = [path for path in paths if re.fullmatch(pattern, path)]
        except re.error as error:
            raise InputError("bad_config", f"trainable {pattern!r}: {error}", "fix it") from error
        if not found:
            parts = ", ".join(sorted({path.split("/")[0] + "/.*" for path in paths}))
            raise InputError(
                "bad_config",
                f"trainable {pattern!r} matches no parameter",
                f"patterns match whole paths: {parts}",
            )
        chosen.update(found)
    # leaf_paths keeps the order in which jax flattens the tree.
    structure = jax.tree.structure(params)
    return structure.unflatten(TRAIN if path in chosen else FREEZE for path in paths)


def split(params: Params, labels: Params) -> tuple[Params, Params]:
    """The trained and the frozen leaves, as two trees that have only those."""
    return _only(params, labels, TRAIN), _only(params, labels, FREEZE)


def _only(params: Params, labels: Params, wanted: str) -> Params:
    result: Params = {}
    for name, part in params.items():
        if isinstance(part, dict):
            inner = _only(part, labels[name], wanted)
            # No empty branches: whether a part is in the tree says whether any of it is trained.
            if inner:
                result[name] = inner
        elif labels[name] == wanted:
            result[name] = part
    return result


def merge(first: Params, second: Params) -> Params:
    """Two trees without a common leaf as one."""
    result = dict(first)
    for name, part in second.items():
        result[name] = merge(first[name], part) if name in first else part
    return result


class FreezeRow(NamedTuple):
    """One part of the model in the table; all numbers are of the whole model, not per device.

    Attributes:
      part: "vision", "projector", "llm", "policy", or "total".
      trained: parameters.
      frozen: parameters.
      bytes: of parameters.
      moments: bytes of the optimizer's state.
      gradients: bytes.
    """

    part: str
    trained: int
    frozen: int
    bytes: int
    moments: int
    gradients: int


def freeze_table(trained: Params, frozen: Params, opt_state: PyTree) -> list[FreezeRow]:
    """What is trained and what it costs, part by part and in total.

    Args:
      trained: a tree of arrays or shapes.
      frozen: another.
      opt_state: the optimizer's state, of arrays or shapes.
    """
    held = {*frozen, *trained}
    moments = _moments(opt_state, held)
    rows = []
    for part in [*(part for part in PARTS if part in held), *sorted(held - set(PARTS))]:
        learning, resting = _leaves(trained, part), _leaves(frozen, part)
        rows.append(
            FreezeRow(
                part,
                sum(leaf.size for leaf in learning),
                sum(leaf.size for leaf in resting),
                sum(_bytes(leaf) for leaf in [*learning, *resting]),
                moments.get(part, 0),
                sum(_bytes(leaf) for leaf in learning),
            )
        )
    # Column by column, the part's name left out.
    numbers = [sum(row[n] for row in rows) for n in range(1, len(FreezeRow._fields))]
    return [*rows, FreezeRow("total", *numbers)]


def _leaves(tree: Mapping[str, Any], part: str) -> list[Any]:
    return jax.tree.leaves(tree.get(part, {}))


def _bytes(leaf: Any) -> int:
    return leaf.size * leaf.dtype.itemsize


def _moments(opt_state: Any, parts: set[str]) -> dict[str, int]:
    """Bytes of the optimizer's state by the part that they belong to."""
    found: dict[str, int] = {}
    for path, leaf in jax.tree.leaves_with_path(opt_state):
        keys = [str(key.key) for key in path if isinstance(key, jax.tree_util.DictKey)]
        # Before the part stand the labels of optimizers; a counter has no part.
        part = next((key for key in keys if key in parts), None)
        if leaf.ndim and part is not None:
            found[part] = found.get(part, 0) + _bytes(leaf)
    return found
