# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The policies' names, for help texts: nothing is loaded for them."""

POLICIES = (
    "oracle",
    "flowbot3d",
    "umpnet",
    "center-normal",
    "part-normal",
    "part-random",
    "random",
    "touch",
    "prior",
    "prior-category",
    "file:PREDICTIONS",
)
