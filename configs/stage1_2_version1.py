# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The path of robomamba_jax/configs/stage1_2_version1.py in earlier versions."""

from robomamba_jax.configs.stage1_2_version1 import *
