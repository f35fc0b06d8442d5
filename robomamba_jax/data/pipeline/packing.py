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
    for sample, words, pictures in zip(
        order.tolist(), text[order].tolist(), images[order].tolist(), strict=True
    ):
        rows.add(sample, words, pictures)
    return rows.members


class _Rows:
    """Rows under construction, found by how much text fits beside so and so many images."""

    def __init__(
        self, kinds: list[int], row_tokens: int, text_limit: int, image_limit: int, per_image: int
    ) -> None:
        self.members: list[list[int]] = []
        self._limits = (row_tokens, text_limit, image_limit)
        self._per_image = per_image
        self._room: list[tuple[int, int, int]] = []  # tokens, text, images that are left
        # For a sample of k images: rows by their room for its text, and a bit per filled list.
        self._lists = {k: [[] for _ in range(text_limit + 1)] for k in kinds}
        self._bits = dict.fromkeys(kinds, 0)

    def add(self, sample: int, words: int, pictures: int) -> None:
        """Puts a sample where it fits best."""
        row = self._best(words, pictures)
        if row < 0:
            row = len(self.members)
            self.members.append([])
            self._room.append(self._limits)
        self.members[row].append(sample)
        tokens, text, images = self._room[row]
        tokens -= words + pictures * self._per_image
        self._room[row] = (tokens, text - words, images - pictures)
        for k in self._lists:
            room = self._text_room(row, k)
            if room > 0:
                self._lists[k][room].append(row)
                self._bits[k] |= 1 << room

    def _best(self, words: int, pictures: int) -> int:
        """The row with the least sufficient room, or -1."""
        lists = self._lists[pictures]
        while fitting := self._bits[pictures] >> words:
            room = words + (fitting & -fitting).bit_length() - 1
            row = lists[room][-1]
            if self._text_room(row, pictures) == room:
                return row
            # Since it was listed here, the row has been filled further, and listed elsewhere.
            lists[room].pop()
            if not lists[room]:
                self._bits[pictures] ^= 1 << room
        return -1

    def _text_room(self, row: int, pictures: int) -> int:
        """How much text fits beside ``pictures`` more images; -1 = they do not fit."""
        tokens, text, images = self._room[row]
        return -1 if images < pictures else min(text, tokens - pictures * self._per_image)
