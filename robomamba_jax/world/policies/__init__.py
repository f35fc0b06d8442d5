# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What decides on a pose: reference policies, models, priors, files of predictions."""

__all__ = ["interface", "learned", "policy_names", "predictions", "registry"]
