# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Run in lmms-eval's environment by test_lmms_eval.py: the adapter's calls; prints JSON."""

import json
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

DOCS = [
    {"text": "Is it open?", "pictures": 1, "target": "Yes."},
    {"text": "Say something.", "pictures": 0, "target": "No, it is not."},
    {"text": "Compare them.", "pictures": 2, "target": "a b"},
    {"text": "What is it?", "pictures": 1, "target": "a red disk"},
]


def pictures(doc: dict[str, Any]) -> list[Image.Image]:
    """As many as the document has, always the same."""
    seed = DOCS.index(doc) if doc in DOCS else 9
    noise = np.random.default_rng(seed).integers(0, 255, (doc["pictures"], 20, 24, 3), np.uint8)
    return [Image.fromarray(pixels) for pixels in noise]


def rounds(doc: dict[str, Any], *, previous_output: Any, round_idx: int, previous_round_info: Any):
    """Two rounds: the second asks about the first one's answer."""
    if round_idx == 2:
        return None, None, True, previous_output, None
    return pictures(doc), f"Really {previous_output[-1]}?", False, previous_output, "info"


def main() -> None:
    """Ask everything that lmms-eval may ask."""
    from robomamba_jax.evaluation.lmms.adapter import RoboMamba

    model = RoboMamba("tiny", batch_size=3, device="cpu")
    model.task_dict = {"task": {"test": DOCS}}
    numbers = range(len(DOCS))
    options = [
        {"max_new_tokens": 5, "until": ["\n\n"], "temperature": 0},
        {"max_new_tokens": 3, "until": "\n", "do_sample": False, "temperature": 0.7},
        {"max_new_tokens": 5, "until": ["\n\n"], "temperature": 0},
        {"max_new_tokens": 5, "until": ["\n\n"], "temperature": 0},
    ]

    def instance(*args: Any) -> Any:
        return SimpleNamespace(args=args, metadata={})

    said = model.generate_until(
        [instance(DOCS[k]["text"], options[k], pictures, k, "task", "test") for k in numbers]
    )
    likely = model.loglikelihood(
        [instance(DOCS[k]["text"], DOCS[k]["target"], pictures, k, "task", "test") for k in numbers]
    )
    twice = model.generate_until_multi_round(
        [instance(DOCS[0]["text"], dict(options[0]), pictures, rounds, 0, "task", "test")]
    )
    refused = []
    for bad in ({"num_beams": 4}, {"max_new_tokens": 0, "until": [""]}):
        try:
            model.generate_until([instance("x", bad, lambda doc: ["video.mp4"], 0, "task", "test")])
        except ValueError as error:
            refused.append(str(error))
    print(
        json.dumps(
            {
                "said": [one.text for one in said],
                "tokens": [one.token_counts.output_tokens for one in said],
                "likely": likely,
                "rounds": twice,
                "refused": refused,
            }
        )
    )


if __name__ == "__main__":
    sys.exit(main())
