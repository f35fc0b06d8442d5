# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA's functions for lmms-eval; the scorers are those of eval.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from robomamba_jax.evaluation.benchmarks.robovqa import every_form, plain_answer
from robomamba_jax.evaluation.lmms.export import doc_to_text

__all__ = ["doc_to_text", "doc_to_visual", "process_results"]


def doc_to_visual(doc: Mapping[str, str]) -> list[Image.Image]:
    """The clip's image."""
    return [Image.open(Path(__file__).parent / "images" / doc["image"]).convert("RGB")]


def process_results(doc: Mapping[str, str], results: list[str]) -> dict[str, float]:
    """BLEU-1 to BLEU-4 in every form; the task file names those that are printed."""
    scores = {
        f"{form}_bleu{n}": value
        for form, values in every_form(results[0], doc["answer"]).items()
        for n, value in enumerate(values, 1)
    }
    exact = plain_answer(results[0]).lower() == doc["answer"].lower()
    return {**scores, "exact": float(exact)}
