# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A million sample ids in two arrays instead of a million Python strings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class StringArray:
    """Immutable strings by number.

    Attributes:
      data: uint8[bytes], their UTF-8 one behind the other.
      ends: int64[count], where each ends.
    """

    def __init__(self, data: np.ndarray, ends: np.ndarray) -> None:
        self.data, self.ends = data, ends

    @classmethod
    def of(cls, names: Sequence[str]) -> StringArray:
        """Out of strings; half of a surrogate pair is kept."""
        parts = [name.encode(errors="surrogatepass") for name in names]
        ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
        return cls(np.frombuffer(b"".join(parts), np.uint8), ends)

    @classmethod
    def joined(cls, parts: Sequence[StringArray]) -> StringArray:
        """Several, one behind the other."""
        starts = np.cumsum([0, *(part.data.size for part in parts)])
        ends = [part.ends + start for part, start in zip(parts, starts, strict=False)]
        return cls(
            np.concatenate([part.data for part in parts]) if parts else np.zeros(0, np.uint8),
            np.concatenate(ends) if parts else np.zeros(0, np.int64),
        )

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> str:
        start = int(self.ends[index - 1]) if index else 0
        return self.data[start : int(self.ends[index])].tobytes().decode(errors="surrogatepass")
