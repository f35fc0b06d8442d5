# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The embedded world: articulated objects in SAPIEN, data out of it, poses carried out in it."""
