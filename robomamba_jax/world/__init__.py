# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The embedded world: articulated objects in SAPIEN, data sets of it, rollouts of policies in it.

Sub-packages in the order of their imports: ``objects``, ``sim``, ``policies``, ``language``,
``dataset``, ``rollout``. In each of them ``__all__`` names the modules for use from outside
of ``world``; the others are internal. Nothing is imported here: SAPIEN is an extra.
"""

__all__ = ["dataset", "language", "objects", "policies", "rollout", "sim"]
