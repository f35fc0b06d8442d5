# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Articulated objects as plain data: the embedded catalog, and PartNet-Mobility's URDF files."""

__all__ = [
    "assemblies",
    "catalog",
    "categories",
    "library",
    "meshes",
    "model",
    "plain_things",
    "rng",
    "urdf",
]
