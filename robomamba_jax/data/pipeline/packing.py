# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Several samples in one row: best fit, the longest first."""

from __future__ import annotations

import numpy as np


def pack(
    text: np.ndarray,
    images: np.ndarray,
    *,
    row_tokens: int,
    text_limit: int,
    image_limit: int,
    image_tokens: int,
) -> list[list[int]]:
    """Which samples share a row.

    Each sample goes into the row with the least room that it still fits into, in text, in
    images and in both together; where there is none, a row is begun.

    Args:
      text: int[samples], tokens of text, above 0.
      images: int[samples], how many images; no sample is larger than a row.
      row_tokens: of text and images together.
      text_limit: tokens of text of a row.
      image_limit: images of a row.
      image_tokens: P, of one image.

    Returns:
      Places in the arrays, row by row; each sample once.
    """
    rows = _Rows(sorted(set(images.tolist())), row_tokens, text_limit, image_limit, image_tokens)
    order = np.argsort(-(text + images * image_tokens), kind="stable")
    for sample, num_text, num_images in zip(
        order.tolist(), text[order].tolist(), images[order].tolist(), strict=True
    ):
        rows.add(sample, num_text, num_images)
    return rows.members


class _Rows:
    """Rows under construction, found by how much text fits beside so and so many images."""

    def __init__(
        self,
        image_counts: list[int],
        row_tokens: int,
        text_limit: int,
        image_limit: int,
        per_image: int,
    ) -> None:
        self.members: list[list[int]] = []
        self._limits = (row_tokens, text_limit, image_limit)
        self._per_image = per_image
        self._free: list[tuple[int, int, int]] = []  # tokens, text, images that are left
        # For a sample of k images: rows by their room for its text, and a bit per filled list.
        self._lists = {k: [[] for _ in range(text_limit + 1)] for k in image_counts}
        self._bits = dict.fromkeys(image_counts, 0)

    def add(self, sample: int, num_text: int, num_images: int) -> None:
        """Puts a sample where it fits best."""
        row = self._best(num_text, num_images)
        if row < 0:
            row = len(self.members)
            self.members.append([])
            self._free.append(self._limits)
        self.members[row].append(sample)
        tokens, text, images = self._free[row]
        tokens -= num_text + num_images * self._per_image
        self._free[row] = (tokens, text - num_text, images - num_images)
        for k in self._lists:
            free = self._free_text(row, k)
            if free > 0:
                self._lists[k][free].append(row)
                self._bits[k] |= 1 << free

    def _best(self, num_text: int, num_images: int) -> int:
        """The row with the least sufficient room, or -1."""
        lists = self._lists[num_images]
        while fitting := self._bits[num_images] >> num_text:
            free = num_text + (fitting & -fitting).bit_length() - 1
            row = lists[free][-1]
            if self._free_text(row, num_images) == free:
                return row
            # Since it was listed here, the row has been filled further, and listed elsewhere.
            lists[free].pop()
            if not lists[free]:
                self._bits[num_images] ^= 1 << free
        return -1

    def _free_text(self, row: int, num_images: int) -> int:
        """How much text fits beside ``num_images`` more images; -1 = they do not fit."""
        tokens, text, images = self._free[row]
        return -1 if images < num_images else min(text, tokens - num_images * self._per_image)
