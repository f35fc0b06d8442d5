# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""UMPNet (Xu, He, Song 2022, arXiv 2109.05668): where to touch, and which way to move."""
