# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to put RoboVQA's goals and questions; split by place as ``splits`` says."""

from __future__ import annotations

GOALS = (
    "{action}",
    "please {action}",
    "I want you to {action}",
    "{action}, please",
    "the task is to {action}",
    "your job: {action}",
    "you should {action}",
    "let us {action}",
)
# After RoboVQA's own questions come other ways to ask them.
ASK_NEXT = (
    "immediate next step?",
    "what is the next step?",
    "which step comes next?",
    "next step?",
)
ASK_FIVE = (
    "next 5 steps?",
    "what are the next 5 steps?",
    "which 5 steps come next?",
    "the coming 5 steps?",
)
ASK_PLAN = (
    "what steps does it take?",
    "how would you do it?",
    "what is the plan?",
    "which steps lead there?",
)
ASK_POSSIBLE = (
    "possible right now?",
    "can this be done now?",
    "is that possible now?",
    "could the robot do that now?",
)
ASK_ACTION = (
    "what action is possible right now?",
    "what can be done now?",
    "which action would work now?",
    "name an action that is possible right now?",
)
ASK_PAST = (
    "what action just happened?",
    "what has the robot just done?",
    "what happened?",
    "which action was that?",
)
ASK_FUTURE = (
    "what is likely to happen next?",
    "what will happen next?",
    "what comes next?",
    "what is about to happen?",
)
ASK_SUCCESS = ("satisfied?", "has this been done?", "was it successful?", "is the task done?")
