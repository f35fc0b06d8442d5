# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Pixels, crops and cameras."""

__all__ = ["camera", "contacts", "crop", "joint_motion", "masks", "normals"]
