# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes in SAPIEN: rendered, acted in, and evaluated."""

__all__ = ["episodes", "gripper", "panda", "probe", "scenes", "simulator", "vulkan"]
