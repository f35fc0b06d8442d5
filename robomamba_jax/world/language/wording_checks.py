# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to ask whether something is there or so, and where; split as ``wording`` says."""

from __future__ import annotations

from robomamba_jax.world.language.splits import Answers

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
    "Can a {part} be seen on the {noun}?",
    "Does this {noun} have a {part}?",
    "Is a {part} on the {noun}?",
    "Does a {part} belong to the {noun}?",
    "Is there a {part} on this {noun}?",
    "Is one part of the {noun} a {part}?",
    "Would you find a {part} on the {noun}?",
    "Do you find a {part} on the {noun}?",
    "Is a {part} among the parts of the {noun}?",
    "Do you notice a {part} on this {noun}?",
    "Does one find a {part} on the {noun}?",
    "Does the {noun} show a {part}?",
    "Has this {noun} a {part}?",
    "Can you make out a {part} on the {noun}?",
    "Is there any {part} on the {noun}?",
    "Can a {part} be found on this {noun}?",
    "Is the {noun} one with a {part}?",
    "Would you say that the {noun} has a {part}?",
    "Do the parts of the {noun} include a {part}?",
    "Is a {part} there on the {noun}?",
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
    "Is {a_noun} in the picture?",
    "Is there {a_noun} here?",
    "Does this image show {a_noun}?",
    "Can {a_noun} be seen here?",
    "Would you say that {a_noun} is present?",
    "Is {a_noun} shown?",
    "Can {a_noun} be found in the image?",
    "Is {a_noun} among the things in the picture?",
    "Is {a_noun} in view?",
    "Is {a_noun} one of the things in the image?",
    "Among the things shown, is there {a_noun}?",
    "Do you find {a_noun} in the picture?",
    "Is there {a_noun} among the objects?",
    "Does one see {a_noun} here?",
    "Can one make out {a_noun} in the picture?",
    "Is there {a_noun} to be seen?",
    "Do the things in the picture include {a_noun}?",
    "Tell me whether there is {a_noun}.",
    "Does {a_noun} appear in the image?",
    "Is {a_noun} something that the image shows?",
)
SHORT = (
    "Answer with yes or no.",
    "Please answer yes or no.",
    "Yes or no?",
    "Reply with a single word, yes or no.",
)
YES_PART = Answers(
    (
        "Yes, the {noun} has a {part}.",
        "Yes, there is a {part}.",
        "Yes, it has one.",
        "Yes, a {part} can be seen.",
    )
)
NO_PART = Answers(
    (
        "No, the {noun} has no {part}.",
        "No, there is no {part}.",
        "No, it has none.",
        "No, a {part} is not there.",
    )
)
YES_OBJECT = Answers(
    (
        "Yes, there is {a_noun}.",
        "Yes, I can see {a_noun}.",
        "Yes, the image shows {a_noun}.",
        "Yes, {a_noun} is there.",
    )
)
NO_OBJECT = Answers(
    (
        "No, there is no {noun}.",
        "No, I see no {noun}.",
        "No, the image shows no {noun}.",
        "No, a {noun} is not in the image.",
    )
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
    "Could a robot hold the {noun} by its {part}?",
    "Is there a {part} to grasp on the {noun}?",
    "Can the gripper take hold of the {part}?",
    "Is it possible to pull the {part} of the {noun}?",
    "Would the {part} of the {noun} be good to hold?",
    "Is the {part} of the {noun} there to pull?",
    "Can the robot use the {noun}'s {part}?",
    "Could one hold the {noun} at a {part}?",
)
NO_USE = Answers(
    (
        "No, the {noun} has no {part}.",
        "No, there is no {part} to hold.",
        "No, it has no {part}.",
        "No, a {part} is missing here.",
    )
)
YES_USE = Answers(
    (
        "Yes, it has a {part}.",
        "Yes, the {part} can be held.",
        "Yes, the {noun} has a {part}.",
        "Yes, its {part} is there to hold.",
    )
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
    "In the image, where is the {part}?",
    "Give the place of the {part}.",
    "Show where the {part} is.",
    "At which place is the {part}?",
    "Point out where the {part} is.",
    "Mark the place of the {part}.",
    "Find the {part}.",
    "Show the place of the {part}.",
    "Tell me where the {part} is.",
    "Which place has the {part}?",
    "Say where to find the {part}.",
    "Where can the {part} be found?",
    "Where do you see the {part}?",
    "Give the point where the {part} is.",
    "Point at the {part} of the {noun}.",
    "Where on the {noun} is the {part}?",
    "Show me where the {noun} has its {part}.",
    "Name the place of the {part}.",
    "At what place is the {part} of the {noun}?",
    "What is the position of the {part}?",
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
    "Where should the robot pull the {noun}?",
    "Which place should the gripper touch to move the {noun}?",
    "Where is the contact point on the {noun}?",
    "Where would you touch the {noun} to move it?",
    "Show where to pull the {noun}.",
    "Find a good place to touch the {noun}.",
    "Point to where the gripper should be attached.",
    "Give a good place to pull the {noun}.",
    "Where does one pull to move the {noun}?",
    "Say where the gripper should pull.",
    "At what point should the robot touch the {noun}?",
    "Where is a good place to touch the {noun}?",
    "Tell me where to touch the {noun}.",
    "Which point on the {noun} is best to pull?",
    "Where should one take hold of the {noun} to move it?",
    "At which point would you pull the {noun}?",
    "Mark where the robot should touch the {noun}.",
    "Where on the {noun} should the gripper go?",
    "Give the point to pull the {noun} at.",
    "What is the best place to pull the {noun}?",
)
SAY_POINT = "{x}, {y}"
# Is it so?
ASK_IS_COLOR = (
    "Is the {noun} {color}?",
    "Is the color of the {noun} {color}?",
    "Would you call the {noun} {color}?",
    "Does the {noun} have the color {color}?",
    "Is {color} the right color for the {noun}?",
    "Does the {noun} look {color}?",
    "The color of the {noun} is {color}, is it not?",
    "Can the {noun}'s color be called {color}?",
)
ASK_IS_COUNT = (
    "Is the number of {parts} {count}?",
    "Does the {noun} have {count} of its {parts}?",
    "Are {count} {parts} on the {noun}?",
    "Can you count {count} {parts}?",
    "Is the number of {parts} equal to {count}?",
    "Do you count {count} of the {parts}?",
    "Is {count} the right number of {parts}?",
    "Is {count} the number of {parts}?",
)
ASK_IS_SIDE = (
    "Is the {thing} on the {side} of the {noun}?",
    "Does the {thing} stand on the {side}?",
    "Is there a {thing} to the {side} of the {noun}?",
    "Do you see the {thing} on the {side} side?",
    "Is the {thing} to the {side} of the {noun}?",
    "Can the {thing} be seen on the {side} side?",
    "Do you see the {thing} on the {side}?",
    "Does the {thing} lie to the {side}?",
)
ASK_IS_MOTION = (
    "Is it right that the {part} {motion}?",
    "Is it true that the {part} {motion}?",
    "The {part} {motion}. Is that so?",
    "Would you say that the {part} {motion}?",
    "Is it so that the {part} {motion}?",
    "The {part} {motion}. Is that right?",
    "Does one say with right that the {part} {motion}?",
    "Can one say that the {part} {motion}?",
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
