# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Many ways to say a thing, some of which training never hears.

Every list of phrases is split by place: each fourth phrase belongs to the test split alone.
"""

from __future__ import annotations

import string
from collections.abc import Sequence

from robomamba_jax.world.palette import Draw

HELD_OUT = 4  # one phrase in so many is kept for the test split


def phrases_of(phrases: Sequence[str], split: str) -> tuple[str, ...]:
    """The phrases that a split may use.

    Args:
      phrases: at least HELD_OUT of them.
      split: "train" or "test".
    """
    if len(phrases) < HELD_OUT:
        raise ValueError(f"{len(phrases)} phrases cannot be split: {phrases}")
    held = split == "test"
    return tuple(text for k, text in enumerate(phrases) if (k % HELD_OUT == HELD_OUT - 1) == held)


def article(noun: str) -> str:
    """A noun with "a" or "an" in front."""
    return f"{'an' if noun[0].lower() in 'aeio' else 'a'} {noun}"


class Wording:
    """Says things in a split's words."""

    def __init__(self, draw: Draw, split: str) -> None:
        """Begin.

        Args:
          draw: chooses among the phrases.
          split: "train" or "test".
        """
        self.draw, self.split = draw, split

    def say(self, phrases: Sequence[str], **fields: str) -> str:
        """One of the phrases, its fields filled in."""
        chosen = self.draw.one(phrases_of(phrases, self.split))
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
)
# Is it there? Answered with yes or no, or with a sentence.
ASK_PART = (
    "Does the {noun} have a {part}?",
    "Is there a {part} on the {noun}?",
    "Can you see a {part} on the {noun}?",
    "Is a {part} part of this {noun}?",
    "Has the {noun} got a {part}?",
    "Do you see a {part}?",
    "Is the {noun} equipped with a {part}?",
    "Does this {noun} come with a {part}?",
)
ASK_OBJECT = (
    "Is there {a_noun} in the image?",
    "Can you see {a_noun}?",
    "Does the picture show {a_noun}?",
    "Do you see {a_noun} in the image?",
    "Is {a_noun} present?",
    "Does the image contain {a_noun}?",
    "Is {a_noun} visible?",
    "Would you say that there is {a_noun} here?",
)
SHORT = (
    "Answer with yes or no.",
    "Please answer yes or no.",
    "Yes or no?",
    "Reply with a single word, yes or no.",
)
YES_PART = (
    "Yes, the {noun} has a {part}.",
    "Yes, there is a {part}.",
    "Yes, it has one.",
    "Yes, a {part} can be seen.",
)
NO_PART = (
    "No, the {noun} has no {part}.",
    "No, there is no {part}.",
    "No, it has none.",
    "No, a {part} is not there.",
)
YES_OBJECT = (
    "Yes, there is {a_noun}.",
    "Yes, I can see {a_noun}.",
    "Yes, the image shows {a_noun}.",
    "Yes, {a_noun} is there.",
)
NO_OBJECT = (
    "No, there is no {noun}.",
    "No, I see no {noun}.",
    "No, the image shows no {noun}.",
    "No, a {noun} is not in the image.",
)
ASK_USE = (
    "Grasp the {part} of the {noun}. Is that possible?",
    "Can the robot pull the {part} of the {noun}?",
    "Would it work to hold the {noun} by its {part}?",
    "Could the gripper use the {part} of the {noun}?",
    "Is it possible to take hold of the {part}?",
    "Should the robot grab the {part} of the {noun}?",
    "Can one pull on the {part}?",
    "Is the {part} a good place to grasp?",
)
NO_USE = (
    "No, the {noun} has no {part}.",
    "No, there is no {part} to hold.",
    "No, it has no {part}.",
    "No, a {part} is missing here.",
)
YES_USE = (
    "Yes, it has a {part}.",
    "Yes, the {part} can be held.",
    "Yes, the {noun} has a {part}.",
    "Yes, its {part} is there to hold.",
)
# Where is it? Answered with x, y in percent of the picture's sides, numbers first: what is read
# from the state before an answer is what the answer begins with.
ASK_POINT = (
    "Point to the {part}.",
    "Where is the {part}?",
    "Give the position of the {part}.",
    "Locate the {part}.",
    "Show me the {part}.",
    "Where in the image is the {part}?",
    "Find the {part} of the {noun}.",
    "Mark the {part}.",
)
ASK_TOUCH = (
    "Where should the gripper touch the {noun}?",
    "Point to where the robot should pull the {noun}.",
    "Give the best contact point on the {noun}.",
    "At which place should the gripper pull the {noun}?",
    "Where would you attach the gripper?",
    "Locate the contact point for moving the {noun}.",
    "Which place on the {noun} should be touched?",
    "Point to a good place to pull.",
)
SAY_POINT = "{x}, {y}"
# Is it so?
ASK_IS_COLOR = (
    "Is the {noun} {color}?",
    "Is the color of the {noun} {color}?",
    "Would you call the {noun} {color}?",
    "Does the {noun} have the color {color}?",
)
ASK_IS_COUNT = (
    "Is the number of {parts} {count}?",
    "Does the {noun} have {count} of its {parts}?",
    "Are {count} {parts} on the {noun}?",
    "Can you count {count} {parts}?",
)
ASK_IS_SIDE = (
    "Is the {thing} on the {side} of the {noun}?",
    "Does the {thing} stand on the {side}?",
    "Is there a {thing} to the {side} of the {noun}?",
    "Do you see the {thing} on the {side} side?",
)
ASK_IS_MOTION = (
    "Is it right that the {part} {motion}?",
    "Is it true that the {part} {motion}?",
    "The {part} {motion}. Is that so?",
    "Would you say that the {part} {motion}?",
)
# Stage 2.
ASK_POSE = (
    "Specify the contact point and gripper direction of manipulating the {noun}.",
    "Predict the contact point and the gripper direction to move the {noun}.",
    "Where and how should the gripper touch the {noun}?",
    "Give the contact point and gripper direction for the {noun}.",
    "Find the contact point and direction to manipulate the {noun}.",
    "Predict where the gripper should contact the {noun} and how.",
    "Tell the contact point and gripper direction of operating the {noun}.",
    "Which contact point and gripper direction move the {noun}?",
)
ALL: dict[str, tuple[str, ...]] = {
    name: value
    for name, value in list(globals().items())
    if name.isupper() and isinstance(value, tuple) and name != "ALL"
}
