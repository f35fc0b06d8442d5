# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA's families of questions about a clip in which a gripper acts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from robomamba_jax.world.language.captions import action_of, plan_steps
from robomamba_jax.world.language.facts import Facts, PartState
from robomamba_jax.world.language.robovqa_phrases import (
    ASK_ACTION,
    ASK_FIVE,
    ASK_FUTURE,
    ASK_NEXT,
    ASK_PAST,
    ASK_PLAN,
    ASK_POSSIBLE,
    ASK_SUCCESS,
    GOALS,
)
from robomamba_jax.world.language.wording import Wording


@dataclasses.dataclass(frozen=True)
class ClipStory:
    """What happens in a clip.

    Attributes:
      facts: of the scene before it.
      part: the part that is acted on.
      way: 1 if its joint goes away from rest, -1 if back to it.
      phase: how far the clip goes: "reach" (the gripper arrives), "done" or "failed".
    """

    facts: Facts
    part: PartState
    way: int
    phase: str


def tagged_text(story: ClipStory, words: Wording) -> str:
    """All questions of a clip as one string with RoboVQA's tags."""
    noun, part = story.facts.noun, story.part
    action = action_of(part, noun, way=story.way)
    steps = [step.format(part.part) for step in plan_steps(part, pulls=True)]
    # On arrival one step lies behind, else all but letting go.
    reached = 1 if story.phase == "reach" else len(steps) - 1
    goal = words.say(GOALS, action=action)
    rest = [*steps[reached:], "done"]
    # RoboVQA's prompts: the goal in front of all, then the steps behind for tasks "with context".
    aim = f"current goal is: {goal}"
    context = f"{aim}. last 20 steps: {_numbered(steps[:reached])}"
    done = story.phase == "done"
    pieces = [
        _free("planning", f"{aim} Q: {words.say(ASK_NEXT)}", rest[0]),
        _free("immediate_planning_with_context20", f"{context} Q: {words.say(ASK_NEXT)}", rest[0]),
        _free(
            "remaining5_planning_with_context20",
            f"{context} Q: {words.say(ASK_FIVE)}",
            _numbered(rest[:5]),
        ),
        _free("long_horizon_planning", f"{aim} Q: {words.say(ASK_PLAN)}", _numbered(steps)),
        _free("affordance:generative:positive", f"Q: {words.say(ASK_ACTION)}", action),
        _free("future_prediction", f"Q: {words.say(ASK_FUTURE)}", rest[0]),
        *_affordances(story, words),
    ]
    happened = {"done": action, "reach": steps[reached - 1]}
    just = happened.get(story.phase, f"the robot failed to {action}")
    pieces.append(_free("past_description", f"Q: {words.say(ASK_PAST)}", just))
    pieces.append(_yes_no("success", f"{goal} Q: {words.say(ASK_SUCCESS)}", done))
    return "".join(pieces)


def _numbered(steps: Sequence[str]) -> str:
    return " ".join(f"{k}- {step}" for k, step in enumerate(steps, 1))


def _affordances(story: ClipStory, words: Wording) -> list[str]:
    """What can be done now, and what cannot: with a part that is not there, for one."""
    noun = story.facts.noun
    task = "affordance:discriminative"
    action = action_of(story.part, noun, way=story.way)
    found = [_yes_no(task, f"{action} Q: {words.say(ASK_POSSIBLE)}", True)]
    if story.facts.lacks:
        absent = f"pull the {words.rng.choice(story.facts.lacks)} of the {noun}"
        found.append(_yes_no(task, f"{absent} Q: {words.say(ASK_POSSIBLE)}", False))
    return found


def _free(task: str, question: str, answer: str) -> str:
    return f"<task:{task}:freeform>\n{question} <PRED>A: {answer}\n</PRED>"


def _yes_no(task: str, question: str, answer: bool) -> str:
    word = "yes" if answer else "no"
    # True and False in a tag are a label of the task, not the answer: RoboVQA has both.
    return (
        f"<task:{task}:discrete:True>\n{question} <PRED>A: <PRED:ANSWER><PRED:DISCRETE>"
        f"<PRED:BINARY>{word}</PRED:BINARY></PRED:DISCRETE></PRED:ANSWER>\n</PRED>"
    )
