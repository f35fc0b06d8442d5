# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The folders of a demo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DemoPaths:
    """Where a demo keeps things: nothing else joins the names of its folders.

    Attributes:
      root: the demo's folder.
      world: the folder of the data sets, where it is another demo's; None = below the root.
    """

    root: Path
    world: Path | None = None

    @property
    def data(self) -> Path:
        """The data sets."""
        return self.world or self.root / "data"

    @property
    def train(self) -> Path:
        """The world's training set."""
        return self.data / "train"

    @property
    def test(self) -> Path:
        """Other objects of the seen categories, in other words."""
        return self.data / "test"

    @property
    def unseen(self) -> Path:
        """The ten categories that training never shows."""
        return self.data / "unseen"

    @property
    def assemblies(self) -> Path:
        """Poses of random assemblies, which are of no category."""
        return self.data / "assemblies"

    @property
    def tokenizer(self) -> Path:
        """The byte-level BPE that is trained on the training text."""
        return self.root / "start" / "tokenizer.json"

    @property
    def encoder(self) -> Path:
        """The pre-trained encoder."""
        return self.root / "start" / "encoder"

    @property
    def first(self) -> Path:
        """The encoder before a new projector and a new language model."""
        return self.root / "start" / "first"

    @property
    def language(self) -> Path:
        """The language model's pre-training."""
        return self.root / "start" / "language"

    @property
    def start(self) -> Path:
        """Encoder and language model, pre-trained, with a new projector and head between them."""
        return self.root / "start" / "model"

    @property
    def features(self) -> Path:
        """What the frozen encoder computes of every image."""
        return self.root / "features"

    @property
    def model(self) -> Path:
        """The finished model."""
        return self.root / "manipulate" / "export"

    @property
    def assemblies_model(self) -> Path:
        """The same with a policy head that has learned from assemblies too."""
        return self.root / "manipulate-assemblies" / "export"
