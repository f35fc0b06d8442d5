# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which parameters answered: their hash."""

from __future__ import annotations

import hashlib
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding

from robomamba_jax.models.placement import replicate


def parameters_sha256(params: object) -> str:
    """sha256 of all parameters with their names, dtypes and shapes, in the order of their names;
    the same wherever they lie. Where other processes hold parts of them, all make this call."""
    # Not of the checkpoint's files: the same parameters in a folder, a training step or another
    # layout of shards are the same model, whose answers can be kept.
    digest = hashlib.sha256()
    for path, leaf in jax.tree.leaves_with_path(params):
        array = np.ascontiguousarray(_whole(leaf))
        digest.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _whole(leaf: Any) -> Any:
    """A leaf that other processes hold parts of, as a copy of all of it."""
    if not isinstance(leaf, jax.Array) or leaf.is_fully_addressable:
        return leaf
    sharding = leaf.sharding
    assert isinstance(sharding, NamedSharding)
    assert isinstance(sharding.mesh, Mesh)
    return replicate(sharding.mesh, leaf)
