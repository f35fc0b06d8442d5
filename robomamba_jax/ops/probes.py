# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Names for values inside a model, for whoever reads its program.

A tap computes nothing and compiles to nothing. It leaves a name in the jaxpr, by which
``robomamba verify`` finds every op's output in the very program that users run, in any
layout, and by which a rematerialisation policy may choose what to save.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
import jax
import jax.ad_checkpoint


def probe(x: jax.Array, name: str) -> jax.Array:
    """``x``, named. The same name stands once in every layer; order tells layers apart."""
    return jax.ad_checkpoint.checkpoint_name(x, name)
