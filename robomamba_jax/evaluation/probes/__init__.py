# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Linear probes: what a frozen encoder's patches say of an image without any layer above them."""

__all__ = ["run"]
