# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What decides where to touch: references, learned models, prior policies, files."""

__all__ = ["interface", "policy_names", "predictions", "registry"]
