# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Many ways to say a thing, some of which training never hears.

Every list of phrases is split by place: each fourth phrase belongs to the test split alone.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from types import ModuleType

from robomamba_jax.world.objects.rng import Rng

HELD_OUT = 4  # one phrase in so many is kept for the test split


def phrases_of(phrases: Sequence[str], split: str) -> tuple[str, ...]:
    """The phrases that a split may use.

    Args:
      phrases: at least HELD_OUT of them.
      split: "train", "validation" (which says what training says) or "test".
    """
    if len(phrases) < HELD_OUT:
        raise ValueError(f"{len(phrases)} phrases cannot be split: {phrases}")
    # A phrase's number decides its split: lists may grow at their ends, and nothing may be moved.
    held = split == "test"
    return tuple(text for k, text in enumerate(phrases) if (k % HELD_OUT == HELD_OUT - 1) == held)


def lists_of(module: ModuleType) -> dict[str, tuple[str, ...]]:
    """A module's lists of phrases, by their names."""
    found = {name: value for name, value in vars(module).items() if name.isupper()}
    return {name: value for name, value in found.items() if isinstance(value, tuple)}


def article(noun: str) -> str:
    """A noun with "a" or "an" in front."""
    # No "u": a USB stick.
    return f"{'an' if noun[0].lower() in 'aeio' else 'a'} {noun}"


class Wording:
    """Says things in a split's words."""

    def __init__(self, rng: Rng, split: str) -> None:
        """Begin.

        Args:
          rng: chooses among the phrases.
          split: "train", "validation" or "test".
        """
        self.rng, self.split = rng, split

    def say(self, phrases: Sequence[str], **fields: str) -> str:
        """One of the phrases, its fields filled in."""
        chosen = self.rng.choice(phrases_of(phrases, self.split))
        return string.Formatter().vformat(chosen, (), fields)


# What a picture shows. {a_thing}: "a red microwave".
CAPTION_ASKS = (
    "Describe the image.",
    "What does the picture show?",
    "Give a short caption for this image.",
    "Say in one sentence what can be seen.",
    "Write a caption.",
    "What is in this picture?",
    "Summarize the scene briefly.",
    "Provide a brief description of the photo.",
)
CAPTIONS = (
    "{a_thing}{parts}{place}",
    "there is {a_thing}{parts}{place}",
    "a picture of {a_thing}{parts}{place}",
    "we see {a_thing}{parts}{place}",
    "the image shows {a_thing}{parts}{place}",
    "{a_thing}{parts} stands{place}",
    "a view of {a_thing}{parts}{place}",
    "here is {a_thing}{parts}{place}",
)
ASK_CATEGORY = (
    "What object is this?",
    "What is the main object in the image?",
    "Which object do you see?",
    "Name the object in the picture.",
    "What kind of object is shown?",
    "Tell me what the object is.",
    "What is this thing called?",
    "Identify the main object.",
    "What is this object?",
    "Say which object this is.",
    "Identify this thing.",
    "What would you call this?",
    "Name this object.",
    "Which main object does the image show?",
    "What is the object in the picture?",
    "Which thing can be seen here?",
    "What do you call this object?",
    "How would one name this thing?",
    "Which object can be made out here?",
    "What is shown in the picture?",
    "What does one call a thing like this?",
    "Give the name of the object.",
    "Which kind of thing is this?",
    "Say what this is.",
    "What name would you give to this?",
    "As what would you describe this object?",
    "What can be seen in the middle?",
    "What is the thing in the image called?",
)
SAY_CATEGORY = (
    "It is {a_noun}.",
    "This is {a_noun}.",
    "{a_noun_upper}.",
    "The object is {a_noun}.",
)
ASK_COLOR = (
    "What color is the {noun}?",
    "Which color does the {noun} have?",
    "Tell me the color of the {noun}.",
    "What is the {noun}'s color?",
    "The {noun} has which color?",
    "Name the color of the {noun}.",
    "In what color is the {noun}?",
    "What is the main color of the {noun}?",
    "The {noun} is of what color?",
    "What is the color of this {noun}?",
    "Which is the main color of the {noun}?",
    "How would you describe the {noun}'s color?",
    "Say what color the {noun} is.",
    "Name this {noun}'s color.",
    "What color do you see on the {noun}?",
    "Of which color is the {noun}?",
)
SAY_COLOR = ("The {noun} is {color}.", "It is {color}.", "{color_upper}.", "Its color is {color}.")
ASK_STATE = (
    "Is the {part} open or closed?",
    "What state is the {part} in?",
    "How does the {part} stand?",
    "Tell me whether the {part} is open.",
    "Has the {part} been opened?",
    "Describe the state of the {part}.",
    "Is the {part} of the {noun} open?",
    "In which position is the {part}?",
    "Say whether the {part} is open or closed.",
    "Is the {part} in an open or a closed position?",
    "How far is the {part} open?",
    "Does the {part} stand open or closed?",
    "Tell me the state of the {part}.",
    "Which state is the {noun}'s {part} in?",
    "Is the {part} open, closed or in between?",
    "How open is the {part}?",
    "What position is the {part} in?",
    "How wide open is the {part}?",
    "Tell whether the {part} stands open or closed.",
    "What is the state of the {part}?",
    "In what state is the {part}?",
    "In which state do you see the {part}?",
    "To what degree is the {part} open?",
    "Would you say that the {part} is open or closed?",
    "Describe how open the {part} is.",
    "Tell me how far the {part} is open.",
    "Which position does the {part} have?",
    "Which state does the {part} have?",
)
SAY_STATE = (
    "The {part} is {state}.",
    "It is {state}.",
    "{state_upper}.",
    "The {noun}'s {part} is {state}.",
)
ASK_COUNT = (
    "How many {parts} does the {noun} have?",
    "Count the {parts} of the {noun}.",
    "What is the number of {parts}?",
    "How many {parts} can you count on the {noun}?",
    "Tell me how many {parts} there are.",
    "The {noun} has how many {parts}?",
    "Give the number of {parts}.",
    "How many {parts} are there in total?",
    "How many {parts} are there?",
    "How many {parts} can be counted?",
    "Count all {parts}.",
    "How many {parts} do you see?",
    "In total, how many {parts} are on the {noun}?",
    "How many {parts} has the {noun} got?",
    "What is the total number of {parts}?",
    "Say how many {parts} belong to the {noun}.",
    "How many {parts} can be found on this {noun}?",
    "What number of {parts} does the {noun} have?",
    "Tell the number of {parts} on the {noun}.",
    "How many {parts} does this {noun} show?",
    "Count how many {parts} are visible.",
    "How many {parts} would you count?",
    "Say the number of {parts}.",
    "Of {parts}, how many are there?",
    "Which number of {parts} is seen here?",
    "How many {parts} belong to this {noun}?",
    "How many of the {parts} do you find?",
    "Say how many {parts} can be seen.",
)
SAY_COUNT = (
    "It has {count}.",
    "{count_upper}.",
    "There {are} {count}.",
    "The {noun} has {count} {parts}.",
)
ASK_THING = (
    "What stands beside the {noun}?",
    "Which other object is on the {side}?",
    "What is to the {side} of the {noun}?",
    "Name the object on the {side} side.",
    "What else is near the {noun}?",
    "What can be seen on the {side}?",
    "Is there another object? Which one?",
    "Which thing lies next to the {noun}?",
    "What is next to the {noun}?",
    "Which thing stands on the {side}?",
    "Tell me what is on the {side} of the {noun}.",
    "What lies beside the {noun}?",
    "Name the thing next to the {noun}.",
    "Which object do you see to the {side}?",
    "What other thing lies near the {noun}?",
    "Say which object is on the {side} side.",
    "What do you see beside the {noun}?",
    "What is there on the {side}?",
    "Which object lies to the {side} of the {noun}?",
    "What stands on the {side} side of the {noun}?",
    "Which plain object is near the {noun}?",
    "Say what lies next to the {noun}.",
    "Apart from the {noun}, what is there?",
    "What other object do you see?",
    "What thing is on the {side} side?",
    "Describe the object beside the {noun}.",
    "Name what stands to the {side}.",
    "Which object stands near the {noun}?",
)
SAY_THING = (
    "A {color} {shape}.",
    "There is a {color} {shape}.",
    "It is a {color} {shape}.",
    "I see a {color} {shape}.",
)
ASK_MOVABLE = (
    "Which part of the {noun} can be moved?",
    "What can a robot move here?",
    "Name a movable part of the {noun}.",
    "Which part could the gripper move?",
    "What part is articulated?",
    "Which piece of the {noun} has a joint?",
    "What would you pull on the {noun}?",
    "Point out a part that moves.",
    "Which part moves?",
    "What part of the {noun} can the gripper move?",
    "Name the part that a robot can pull.",
    "Which part would a robot move?",
    "Point out the part that can be moved.",
    "Which articulated part does the {noun} have?",
    "Tell me which part of the {noun} moves.",
    "What could one pull or push on the {noun}?",
    "Which part is it that moves?",
    "Which part can one open, pull or turn?",
    "What on the {noun} is movable?",
    "Which part of this {noun} can move?",
    "Tell which part can be moved.",
    "Of the {noun}'s parts, which one moves?",
    "Say which part a gripper could move.",
    "What moves on the {noun}?",
    "Name what can be moved here.",
    "Which part would the robot pull?",
    "Which part of the {noun} has a hinge or a rail?",
    "What is the moving part of the {noun}?",
)
SAY_MOVABLE = (
    "The {part}.",
    "The {part} can be moved.",
    "Its {part}.",
    "A robot can move the {part}.",
)
ASK_MOTION = (
    "How does the {part} move?",
    "What motion does the {part} make?",
    "In what way can the {part} be moved?",
    "Does the {part} turn or slide?",
    "Describe how the {part} moves.",
    "What kind of joint does the {part} have?",
    "Which movement fits the {part}?",
    "How can the {part} of the {noun} be moved?",
    "Tell me how the {part} moves.",
    "How can the {part} be moved?",
    "Which kind of movement does the {part} make?",
    "In which way does the {part} move?",
    "Can the {part} be turned or slid?",
    "What movement does the {part} of the {noun} make?",
    "Say how the {part}'s joint moves.",
    "What does the {part} do when it is moved?",
    "What way of moving does the {part} have?",
    "What sort of movement does the {part} make?",
    "Does the {part} of the {noun} slide or turn?",
    "How would the {part} move if pulled?",
    "Describe the motion of the {part}.",
    "Say in which way the {part} moves.",
    "Which way can the {part} be moved?",
    "How does the {noun}'s {part} move?",
    "When pulled, how does the {part} move?",
    "What motion is the {part} made for?",
    "Tell the kind of motion that the {part} makes.",
    "Which motion would move the {part}?",
)
SAY_MOTION = (
    "It {motion}.",
    "The {part} {motion}.",
    "{motion_upper}.",
    "The {part} of the {noun} {motion}.",
)
ASK_PLAN = (
    "How should the robot {action}?",
    "Give a plan to {action}.",
    "What steps are needed to {action}?",
    "Plan how to {action}.",
    "Which steps would you take to {action}?",
    "Tell the robot how to {action}.",
    "Explain how to {action}.",
    "Make a plan: {action}.",
    "How can a robot {action}?",
    "Write a plan to {action}.",
    "Which steps are needed to {action}?",
    "How would you {action}?",
    "Explain the steps to {action}.",
    "What should the robot do to {action}?",
    "Make a plan to {action}.",
    "Tell me step by step how to {action}.",
    "What must be done to {action}?",
    "Say how to {action}.",
    "Which actions are needed to {action}?",
    "Describe the steps to {action}.",
    "What would you do to {action}?",
    "How does one {action}?",
    "List the steps to {action}.",
    "How could the gripper {action}?",
    "I want to {action}. Which steps does it take?",
    "Tell how a robot would {action}.",
    "Give the steps to {action}.",
    "What is a good plan to {action}?",
)
