# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""FlowBot3D (Eisner, Zhang, Held 2022, arXiv 2205.04382): how every point of a cloud moves."""
