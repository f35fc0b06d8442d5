# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A module as its static graph and its arrays, with types: flax's own signatures are partly
unknown to a type checker."""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flax import nnx

M = TypeVar("M", bound=nnx.Module)
PyTree = Any
"""Nested containers of arrays, or of what stands for them; no type can say more."""


def split(module: M) -> tuple[nnx.GraphDef[M], PyTree]:
    """What a module is, and its parameters; ``nnx.merge`` puts both together again."""
    graph, state = cast("tuple[nnx.GraphDef[M], PyTree]", nnx.split(module))
    return graph, state


def parameters(module: nnx.Module) -> PyTree:
    """A module's parameters alone."""
    return cast("PyTree", nnx.state(module))


def abstract(make: Callable[[], M]) -> tuple[nnx.GraphDef[M], PyTree]:
    """:func:`split` of what ``make`` would make, as shapes: nothing is computed or allocated."""
    return split(nnx.eval_shape(make))


def plain_dicts(state: PyTree) -> dict[str, Any]:
    """What :func:`split` gives as a tree of plain dicts."""
    return nnx.to_pure_dict(state)
