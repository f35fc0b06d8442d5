# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One legend of dimension letters, and the shape check that speaks it.

  B  batch            T  sequence (text or joint)   D  model width
  I  inner width      N  state size per channel     K  width of the causal convolution
  R  rank of delta    H  attention heads            P  image patches
  V  vocabulary       L  layers                     M  images per sample
  S  image side

Docstrings write ``float32[B, T, D]``; einsum strings use the same letters in
lower case.
"""

from __future__ import annotations

from typing import Protocol

from robomamba_jax.errors import InputError


class Shaped(Protocol):
    """An array of any library, or what stands for one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of its axes."""
        ...


def check_shapes(sizes: dict[str, int], *arguments: tuple[str, Shaped | None, str]) -> None:
    """:func:`check_shape` of several ``(name, array, dims)``; an array of None is absent."""
    for name, array, dims in arguments:
        if array is not None:
            check_shape(name, array, dims, sizes)


def check_shape(name: str, array: Shaped, dims: str, sizes: dict[str, int]) -> None:
    """Check one array against letters, and learn the letters not yet known.

    Args:
      name: the argument's name, for the message.
      array: anything with a ``shape``.
      dims: letters separated by blanks, such as "B T I".
      sizes: letter -> size; letters met for the first time are added.

    Raises:
      InputError: the rank or a size differs.
    """
    # Letters are learned before they are compared: of a first array that has too few axes the
    # message then still says what is known, and a letter that stands twice in it must agree.
    letters = dims.split()
    shape = tuple(array.shape)
    for letter, size in zip(letters, shape, strict=False):
        sizes.setdefault(letter, size)  # the first array that has a letter decides its size
    expected = tuple(sizes.get(letter, -1) for letter in letters)
    if shape != expected:
        want = ", ".join(
            f"{letter}={sizes[letter]}" if letter in sizes else letter for letter in letters
        )
        raise InputError(
            "shape_mismatch",
            f"{name} has shape {list(shape)}, not [{want}]",
            f"give {name} as [{', '.join(letters)}]",
        )
