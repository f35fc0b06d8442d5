# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The embedded world: articulated objects in SAPIEN, data out of it, poses carried out in it.

In each sub-package ``__all__`` names the modules that are for use from outside of ``world``; the
others are internal.
"""

__all__ = ["dataset", "language", "objects", "policies", "rollout", "sim"]
