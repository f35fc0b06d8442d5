# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""OCR-VQA's functions for lmms-eval; the scorer is that of eval.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from robomamba_jax.evaluation.benchmarks.ocrvqa import ocr_correct


def doc_to_visual(doc: dict[str, Any]) -> list[Image.Image]:
    """The book's cover."""
    return [Image.open(Path(__file__).parent / "images" / doc["image"]).convert("RGB")]


def doc_to_text(
    doc: dict[str, Any], lmms_eval_specific_kwargs: dict[str, str] | None = None
) -> str:
    """The question in the model's prompt."""
    more = lmms_eval_specific_kwargs or {}
    return f"{more.get('pre_prompt', '')}{doc['question']}{more.get('post_prompt', '')}"


def process_results(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """Equality but for case and blanks at the ends."""
    return {"accuracy": float(ocr_correct(results[0], doc["answer"]))}
