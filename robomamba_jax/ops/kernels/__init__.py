# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The selective scan as one kernel per device: what the devices share, and each device's own."""
