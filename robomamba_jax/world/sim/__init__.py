# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A scene in SAPIEN: rendered, touched, judged."""

__all__ = ["episodes", "gripper", "panda", "scenes", "simulator", "vulkan"]
