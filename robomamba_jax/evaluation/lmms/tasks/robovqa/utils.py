# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA's functions for lmms-eval; the scorers are those of eval.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from robomamba_jax.evaluation.benchmarks.robovqa import every_form, plain_answer


def doc_to_visual(doc: dict[str, Any]) -> list[Image.Image]:
    """The clip's image."""
    return [Image.open(Path(__file__).parent / "images" / doc["image"]).convert("RGB")]


def doc_to_text(
    doc: dict[str, Any], lmms_eval_specific_kwargs: dict[str, str] | None = None
) -> str:
    """The question in the model's prompt."""
    more = lmms_eval_specific_kwargs or {}
    return f"{more.get('pre_prompt', '')}{doc['question']}{more.get('post_prompt', '')}"


def process_results(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """BLEU-1 to BLEU-4 in every form; the task file names those that are printed."""
    found = {
        f"{form}_bleu{n}": value
        for form, values in every_form(results[0], doc["answer"]).items()
        for n, value in enumerate(values, 1)
    }
    exact = plain_answer(results[0]).lower() == doc["answer"].lower()
    return {**found, "exact": float(exact)}
