# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Data sets out of the simulator, in the files of the published ones."""

__all__ = ["contact_points", "generate", "manifest", "read", "records", "tasks"]
