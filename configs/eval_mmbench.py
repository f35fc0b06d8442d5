# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The path of robomamba_jax/configs/eval_mmbench.py in earlier versions."""

from robomamba_jax.configs.eval_mmbench import *
