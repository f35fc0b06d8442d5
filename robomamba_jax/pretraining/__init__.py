# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba pretrain``: the two parts that the paper gets ready-made, an encoder and a language
model, trained once on a broad world; and what the demo needs to do the same small."""
