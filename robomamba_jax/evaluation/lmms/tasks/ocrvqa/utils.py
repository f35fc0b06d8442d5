# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""OCR-VQA's functions for lmms-eval; the scorer is that of eval.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from robomamba_jax.evaluation.benchmarks.ocrvqa import ocr_correct
from robomamba_jax.evaluation.lmms.export import doc_to_text

__all__ = ["doc_to_text", "doc_to_visual", "process_results"]


def doc_to_visual(doc: Mapping[str, str]) -> list[Image.Image]:
    """The book's cover."""
    return [Image.open(Path(__file__).parent / "images" / doc["image"]).convert("RGB")]


def process_results(doc: Mapping[str, str], results: list[str]) -> dict[str, float]:
    """Equality but for case and blanks at the ends."""
    return {"accuracy": float(ocr_correct(results[0], doc["answer"]))}
