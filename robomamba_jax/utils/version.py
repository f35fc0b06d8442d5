# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The package's version, for files that record who wrote them."""

__version__ = "0.1.0"
