# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Orders that depend on their key alone: not on numpy's version, the machine or the call before."""

from __future__ import annotations

import hashlib

import numpy as np


def permutation(count: int, *key: str | int) -> np.ndarray:
    """int64[count]: the numbers below ``count`` in an order that the key decides.

    The raw stream of Philox, which is fixed by its definition, is sorted; numpy's own
    permutations may change from one version to the next.
    """
    if count == 0:
        return np.zeros(0, np.int64)
    # The type is part of the key: ("a", 1) and ("a", "1") are different orders.
    text = "\0".join(f"{type(part).__name__}:{part}" for part in key)
    digest = hashlib.sha256(text.encode(errors="surrogatepass"))
    # A Philox key is 128 bits, half of a SHA-256. Little-endian on every machine.
    words = np.frombuffer(digest.digest()[:16], "<u8").astype(np.uint64)
    # Why not rng.permutation or grain's index_shuffle: NumPy promises the bit stream alone across
    # versions (NEP 19), and a resumed run must see the same order. Equal 64-bit words, about n^2 /
    # 2^65 likely, are broken by the stable sort.
    stream = np.random.Philox(key=words).random_raw(count)
    return np.argsort(stream, kind="stable").astype(np.int64)
