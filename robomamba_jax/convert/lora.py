# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""LoRA (arXiv 2106.09685) by peft's names: merged while the weights are read, or left out.

peft's layers add the factors to what the base weight gives. The published RoboMamba reads the
wrapped layers' ``weight`` instead, which is the base's: neither its training nor its poses use a
factor, so they get no gradient, and its decoding uses those of the layers that it calls.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from robomamba_jax.convert.tensors import FLOATS, NUMPY_DTYPES, TensorInfo, TensorSource
from robomamba_jax.errors import InputError

ALPHA = 32.0
"""The published repository's. A checkpoint does not state it."""

LORA = ("merge", "base")
"""Choices: add the factors to their weights, as peft does, or leave them out."""

_FACTOR = re.compile(r"(.+)\.lora_([AB])(?:\.default)?\.weight")


class LoraMerged:
    """A source in which every ``weight`` has become ``weight + alpha / r * B A``.

    A file without LoRA tensors is unchanged. The sum is computed in float32 and stored in the
    weight's own dtype, as peft's merge does.

    Attributes:
      ranks: name of each weight that has factors -> their rank r.
      merged: those that they are added to: all of them, or none.
      factors: LoRA tensor's name -> the weight's that it belongs to.
    """

    def __init__(self, source: TensorSource, alpha: float = ALPHA, *, merge: bool = True) -> None:
        """Find the pairs.

        Args:
          source: names without peft's prefix and ``base_layer``.
          alpha: the scale's numerator.
          merge: False leaves the factors out.

        Raises:
          InputError: a factor without its partner or its weight, or of a wrong shape.
        """
        self._source, self._alpha = source, alpha
        self.path, self.extras = source.path, source.extras
        factors: dict[str, dict[str, str]] = {}
        for name in source.names():
            # peft calls its only adapter "default"; files may leave that out.
            if found := _FACTOR.fullmatch(name):
                factors.setdefault(f"{found[1]}.weight", {})[found[2]] = name
        self._pairs = factors
        self.ranks = {name: self._rank(name, pair) for name, pair in factors.items()}
        self.merged = dict(self.ranks) if merge else {}
        self.factors = {name: weight for weight, pair in factors.items() for name in pair.values()}

    def _rank(self, name: str, pair: dict[str, str]) -> int:
        fix = "give the whole LoRA checkpoint, or merge it in torch first"
        if set(pair) != {"A", "B"} or name not in self._source.names():
            missing = name if set(pair) == {"A", "B"} else f"the partner of {min(pair.values())}"
            raise InputError("missing_parameter", f"{self.path} lacks {missing}", fix)
        a, b = (self._source.info(pair[letter]) for letter in "AB")
        shape = self._source.info(name).shape
        # B [out, r] times A [r, in] must be the weight [out, in].
        if len(shape) != 2 or (b.shape[0], a.shape[-1]) != shape or b.shape[1:] != a.shape[:1]:
            raise InputError(
                "shape_mismatch",
                f"{pair['B']} {list(b.shape)} and {pair['A']} {list(a.shape)} do not make "
                f"{name} {list(shape)}",
                fix,
            )
        # Quantised factors would be multiplied as the integers that they are.
        for letter, info in zip("AB", (a, b), strict=True):
            if info.dtype not in FLOATS:
                raise InputError("bad_dtype", f"{pair[letter]} is {info.dtype}", fix)
        return a.shape[0]

    def names(self) -> list[str]:
        """All names but the factors'."""
        return [name for name in self._source.names() if name not in self.factors]

    def idle(self) -> bool:
        """Whether every B is zero, as training that gives the factors no gradient leaves them."""
        return not any(np.any(self._source.read(pair["B"])) for pair in self._pairs.values())

    def info(self, name: str) -> TensorInfo:
        """Shape and dtype of one tensor."""
        return self._source.info(name)

    def read(self, name: str, out: np.ndarray | None = None) -> np.ndarray:
        """One tensor's values, merged."""
        values = self._source.read(name, out)
        if name not in self.merged:
            return values
        a, b = (self._source.read(self._pairs[name][letter]).astype(np.float32) for letter in "AB")
        scale = np.float32(self._alpha / self.merged[name])
        dtype = NUMPY_DTYPES[self.info(name).dtype]
        # In place: the caller may have given the memory in which the weight stays.
        values[...] = (values.astype(np.float32) + scale * (b @ a)).astype(dtype)
        return values

    def files(self) -> list[Path]:
        """The files behind it."""
        return self._source.files()

    def close(self) -> None:
        """Close the source."""
        self._source.close()
