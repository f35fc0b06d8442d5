# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA's questions by type: the paper's seven categories of robotic reasoning, and success.

The types' names and which of RoboVQA's tags belongs to which are as recalled from the paper;
no list of its own could be read.
"""

from __future__ import annotations

import re

TYPES = (
    *("task planning", "prompted task planning", "long-horizon planning"),
    *("affordance discrimination", "affordance generation"),
    *("past description", "future prediction"),
)
SUCCESS, UNKNOWN = "success", "unknown"

# Beginnings of tags, the longer before the shorter.
_TAGS = (
    ("immediate_planning_with_context", "prompted task planning"),
    ("remaining", "long-horizon planning"),
    ("long_horizon_planning", "long-horizon planning"),
    ("planning", "task planning"),
    ("affordance:discriminative", "affordance discrimination"),
    ("affordance:generative", "affordance generation"),
    ("past_description", "past description"),
    ("future_prediction", "future prediction"),
    ("success", SUCCESS),
)
# For files that have lost their tags: RoboVQA's own wording, the first that fits. Prompted
# questions end with "next step?", too, so that they come before those that are nothing else.
_WORDS = (
    (r"last \d+ steps:.*next step\?", "prompted task planning"),
    (r"next \d+ steps\?", "long-horizon planning"),
    (r"what action is possible", "affordance generation"),
    (r"possible right now\?", "affordance discrimination"),
    (r"next step\?", "task planning"),
    (r"just happened\?", "past description"),
    (r"likely to happen next\?", "future prediction"),
    (r"satisfied\?", SUCCESS),
)


def type_of(tag: str | None, question: str) -> str:
    """One of ``TYPES``, "success" or "unknown".

    Args:
      tag: such as "planning:freeform"; None where the file has none.
      question: as asked.
    """
    if tag:
        return next((name for start, name in _TAGS if tag.startswith(start)), UNKNOWN)
    low = question.lower()
    return next((name for words, name in _WORDS if re.search(words, low, re.DOTALL)), UNKNOWN)
