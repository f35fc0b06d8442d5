# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to ask what the first lists do not ask; split as ``wording`` says.

Training draws from the grammar's rules; of these lists it hears nothing that is held out.
"""

from __future__ import annotations

ASK_SHAPE = (
    "What shape is the {color} thing?",
    "Which shape does the {color} object have?",
    "Name the shape of the {color} thing.",
    "Of what shape is the {color} object?",
    "What is the {color} thing?",
    "Tell me what the {color} object is.",
    "Which of the shapes is {color}?",
    "Say what shape the {color} one is.",
)
ASK_SIDE = (
    "On which side is the {thing}?",
    "Where is the {thing}?",
    "Is the {thing} left or right?",
    "Where does one see the {thing}, left or right?",
    "Tell me the side of the {thing}.",
    "Where does the {thing} stand?",
    "At which side does the {thing} stand?",
    "Say on which side the {thing} lies.",
)
ASK_SURFACE = (
    "What does the {noun} stand on?",
    "What is under the {noun}?",
    "Name what is below the {noun}.",
    "On what does one see the {noun}?",
    "What is the {noun} placed on?",
    "Tell me what carries the {noun}.",
    "On which kind of surface is the {noun}?",
    "What would you find under the {noun}?",
)
ASK_SURFACE_COLOR = (
    "What color is the {surface}?",
    "Which color does the {surface} have?",
    "Name the color of the {surface}.",
    "Say what color is below the {noun}.",
    "Tell me the {surface}'s color.",
    "Which color do you see on the {surface}?",
    "In which color do you see the {surface}?",
    "What would you call the color of the {surface}?",
)
ASK_THINGS = (
    "How many things are beside the {noun}?",
    "How many other objects are there?",
    "Count the things beside the {noun}.",
    "How many things would you count near the {noun}?",
    "Tell me how many other things there are.",
    "How many objects stand next to the {noun}?",
    "What number of things is next to the {noun}?",
    "Say how many things the {noun} has near it.",
)
ASK_TURN_OR_SLIDE = (
    "Does the {part} rotate or slide?",
    "Is the {part} hinged, or does it slide?",
    "Tell me whether the {part} turns or slides.",
    "Which one is it for the {part}, to turn or to slide?",
    "Can the {part} turn or slide?",
    "Say if the {part} slides or turns.",
    "Would you call the {part} a sliding or a turning one?",
    "Of turning and sliding, which does the {part} do?",
)
ASK_IS_OPEN = (
    "Is the {part} open now?",
    "Does the {part} stand open?",
    "Has someone opened the {part}?",
    "Would you say that someone has opened the {part}?",
    "The {part} is open, right?",
    "Is it true that the {part} is open?",
    "Can one see that the {part} is open?",
    "Do you find the {part} open?",
)
ASK_IS_CLOSED = (
    "Is the {part} closed?",
    "Does the {part} stand closed?",
    "Has someone closed the {part}?",
    "Would one call the {part} closed?",
    "The {part} is shut, right?",
    "Is it true that the {part} is closed?",
    "Can one see that the {part} is closed?",
    "Do you find the {part} closed?",
)
ASK_HAS_HANDLE = (
    "Does the {part} have a handle?",
    "Is there a handle on the {part}?",
    "Can you see a handle on the {part}?",
    "Would you find a handle on the {part}?",
    "Tell me whether the {part} has a handle.",
    "Is the {part} one with a handle?",
    "Can a handle be found on the {part}?",
    "Does one hold the {part} by a handle?",
)
ASK_WHICH = (
    "Is it {a_one} or {a_two}?",
    "Do you see {a_one} or {a_two}?",
    "Is this {a_one} or {a_two}?",
    "What can be seen here, {a_one} or {a_two}?",
    "Tell me whether this is {a_one} or {a_two}.",
    "Would you call this {a_one} or {a_two}?",
    "Is the main object {a_one} or {a_two}?",
    "As what would you describe it, {a_one} or {a_two}?",
)
ASK_NOT_THERE = (
    "Which of these is not there: {options}?",
    "What is not in the image: {options}?",
    "Which one is missing: {options}?",
    "Of these, what can you not find: {options}?",
    "Tell me which is absent: {options}.",
    "What does the image not show: {options}?",
    "Say which one you do not see: {options}.",
    "Which of the following does not appear: {options}?",
)
ASK_IF_PULLED = (
    "What would the {part} do if pulled?",
    "What happens when one pulls the {part}?",
    "If you pulled the {part}, what would happen?",
    "What does a pull do to the {part}?",
    "Tell me what happens when the {part} is pulled.",
    "When a robot pulls the {part}, what does it do?",
    "What would come of pulling the {part}?",
    "Say what the {part} does when a gripper pulls it.",
)
ASK_COMPARE = (
    "Is the {one} or the {two} on the {side}?",
    "Which is on the {side}, the {one} or the {two}?",
    "What do you see on the {side}, the {one} or the {two}?",
    "Which one lies to the {side}, the {one} or the {two}?",
    "Tell me whether the {one} or the {two} is on the {side}.",
    "The {one} or the {two}: which is on the {side}?",
    "What can be seen to the {side}, the {one} or the {two}?",
    "On the {side}, do you find the {one} or the {two}?",
)
ASK_IS_SURFACE = (
    "Is the {noun} on {a_surface}?",
    "Does the {noun} stand on {a_surface}?",
    "Is there {a_surface} under the {noun}?",
    "Would you say that {a_surface} is below the {noun}?",
    "The {noun} stands on {a_surface}, right?",
    "Is {a_surface} under the {noun}?",
    "Do you find {a_surface} below the {noun}?",
    "Can one see {a_surface} under the {noun}?",
)
ASK_ARE_THINGS = (
    "Are there {count} things beside the {noun}?",
    "Do you see {count} other things?",
    "Is the number of other things {count}?",
    "Can one count {count} things near the {noun}?",
    "There are {count} other objects, right?",
    "Are {count} things next to the {noun}?",
    "Do you find {count} things near the {noun}?",
    "Would you say that {count} things stand near the {noun}?",
)
ASK_PARTS = (
    "Which parts does the {noun} have?",
    "What parts do you see on the {noun}?",
    "Name the parts of the {noun}.",
    "Which parts can be made out on the {noun}?",
    "List the {noun}'s parts.",
    "What belongs to the {noun}?",
    "What are the parts of the {noun}?",
    "Say which parts can be seen on the {noun}.",
)
