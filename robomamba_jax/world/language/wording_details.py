# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to say what ``world.language.details`` says; split as in ``world.language.wording``."""

from __future__ import annotations

from robomamba_jax.world.language.splits import Answers

ASK = (
    "Describe the image in detail.",
    "Give a detailed description of what you see.",
    "Describe everything that the picture shows.",
    "What does the image show? Give details.",
    "Explain in detail what can be seen.",
    "Describe the scene thoroughly.",
    "Write a detailed description of the image.",
    "Tell me all that you see in the picture.",
)
OBJECT = Answers(
    (
        "This is {a_thing}.",
        "The picture shows {a_thing}.",
        "One sees {a_thing}.",
        "There is {a_thing} to be seen.",
    )
)
PLACE = Answers(
    (
        "It stands on {a_surface}.",
        "Below it is {a_surface}.",
        "Under the {noun} is {a_surface}.",
        "It rests on {a_surface}.",
    )
)
PARTS = Answers(
    (
        "It has {parts}.",
        "On the {noun} one sees {parts}.",
        "In view are {parts}.",
        "The {noun} comes with {parts}.",
    )
)
STATE = Answers(
    (
        "Its {part} is {state}.",
        "The {part} of the {noun} is {state}.",
        "One sees that the {part} is {state}.",
        "The {part} stands {state}.",
    )
)
MOTION = Answers(
    (
        "Its {part} {motion}.",
        "One can move the {part}: it {motion}.",
        "The movable {part} {motion}.",
        "Moved, the {part} {motion}.",
    )
)
COUNT = Answers(
    (
        "It has {count} {parts}.",
        "There are {count} {parts} on the {noun}.",
        "One can count {count} {parts}.",
        "Its {parts} are {count}.",
    )
)
THING = Answers(
    (
        "Beside it, on the {side}, is {a_thing}.",
        "On its {side} stands {a_thing}.",
        "To the {side} of the {noun} is {a_thing}.",
        "{a_thing} lies on its {side}.",
    )
)
ALONE = Answers(
    (
        "Nothing stands beside it.",
        "Beside the {noun} is nothing.",
        "It stands alone.",
        "No other thing is near.",
    )
)
