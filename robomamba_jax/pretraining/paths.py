# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The folders of a pre-training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PretrainPaths:
    """Where a pre-training keeps things: nothing else joins the names of its folders.

    Attributes:
      root: the folder.
      shared: of another pre-training that is done, whose images and encoder are this one's, too;
        None = it has its own.
    """

    root: Path
    shared: Path | None = None

    @property
    def _images(self) -> Path:
        return (self.shared or self.root) / "data"

    @property
    def train(self) -> Path:
        """The broad world's training set."""
        return self._images / "train"

    @property
    def validation(self) -> Path:
        """The broad world's validation objects."""
        return self._images / "validation"

    @property
    def paper(self) -> Path:
        """Validation objects of the paper's world."""
        return self._images / "paper"

    @property
    def tokenizer(self) -> Path:
        """The byte-level BPE that is trained on the training text."""
        return self.root / "tokenizer.json"

    def labels(self, world: Path) -> Path:
        """What the encoder is taught of a data set's images."""
        return (self.shared or self.root) / "labels" / world.name

    @property
    def encoder(self) -> Path:
        """The encoder; its run lies beside it."""
        return (self.shared or self.root) / "encoder"

    @property
    def first(self) -> Path:
        """The encoder before a new projector and a new language model."""
        return self.root / "first"

    @property
    def features(self) -> Path:
        """What the encoder computes of every image."""
        return self.root / "features"

    @property
    def language(self) -> Path:
        """The language model's run."""
        return self.root / "language"

    @property
    def model(self) -> Path:
        """What came of it: an encoder, a new projector and a language model."""
        return self.root / "nano-start"
