# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What lmms-eval loads: the model, and tasks that it lacks."""

__all__ = ["adapter", "export"]
