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
    "no_pull",
    "prior",
    "prior-category",
    "file:PREDICTIONS",
)

RENAMED = {"touch": "no_pull"}
"""Earlier names, which work for one version."""

# Random numbers of a policy are drawn from its name: the new name would draw other pixels.
SEED_NAMES = {new: old for old, new in RENAMED.items()}
