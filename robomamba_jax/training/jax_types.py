# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Types of jax's values for signatures, where jax itself exports none."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

PyTree: TypeAlias = Any
"""Nested containers whose leaves are arrays, shapes or shardings; no checker knows their form."""


class ShapedLeaf(Protocol):
    """A leaf of a tree of arrays or of their shapes: what ``jax.ShapeDtypeStruct`` has."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sides."""
        ...

    @property
    def ndim(self) -> int:
        """How many of them."""
        ...

    @property
    def size(self) -> int:
        """Their product."""
        ...


class Device(Protocol):
    """A device of ``jax.devices()`` or of a topology that is not there."""

    @property
    def platform(self) -> str:
        """Such as "cpu" or "tpu"."""
        ...

    @property
    def device_kind(self) -> str:
        """The maker's name, such as "TPU v5 lite"."""
        ...

    def memory_stats(self) -> dict[str, int] | None:
        """Bytes by name; None where the platform does not say."""
        ...
