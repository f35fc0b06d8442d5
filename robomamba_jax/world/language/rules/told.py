# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Sentences that tell an imagined scene, in all splits."""

from __future__ import annotations

_HERE = (
    "(here|in the picture|in the image|in this picture|in the photo|in view|in front of us|on "
    "the photo)"
)

OBJECT = (
    "(4*(in the picture|in the image|in this picture|in the photo|in the middle|in this "
    f"scene) there is {{a_thing}}.|there is {{a_thing}}( {_HERE}|).|(the|this) (picture|image"
    f"|photo|scene) (shows|has|contains) {{a_thing}}.|(we|you) see {{a_thing}}.|(imagine"
    f"|suppose you see|think of|take|picture) {{a_thing}}.|(a picture|an image|a photo) of "
    f"{{a_thing}}.|{{a_thing}} (stands|is|can be seen) {_HERE}.)"
)
PLACE = (
    "(it (stands|rests|sits|is placed) on {a_surface}.|the {noun} (stands|rests|sits|is|was "
    "put) on {a_surface}.|(under|below|beneath) (it|the {noun}) is {a_surface}.|what (it|the "
    "{noun}) stands on is {a_surface}.|{a_surface} (carries|supports) (it|the {noun}).)"
)
NOWHERE = (
    "((it|the {noun}) (stands|rests) on nothing.|there is nothing (under|below|beneath) (it"
    "|the {noun}).|nothing (carries|supports|is under) (it|the {noun}).)"
)
PARTS = (
    "((it|the {noun}) (has|comes with|shows|is fitted with) {parts}.|(on|at) (it|the {noun}) "
    "(there is|is|we see|you see) {parts}.|(its|the {noun}'s) parts: {parts}.|(we|you|one) "
    "can see {parts} (on|at) (it|the {noun}).)"
)
COUNT = (
    "((it|the {noun}) has {count} {parts}.|you can count {count} {parts}.|(its|the {noun}'s) "
    "number of {parts}: {count}.|with {count} {parts}.|(there we see|we count|you count) "
    "{count} {parts}.)"
)
STATE = (
    "((its|the|the {noun}'s) {part} (is|stands|was left|is seen) {state}.|the {part} of the "
    "{noun} (is|stands) {state}.|as for the {part}, it is {state}.|{state} is how the {part} "
    "(is|stands).)"
)
MOTION = (
    "((its|the|the {noun}'s) {part} {motion}.|the {part} of the {noun} {motion}.|when (pulled"
    "|moved), the {part} {motion}.|the {part} is one that {motion}.)"
)
HANDLE = (
    "((its|the) {part} has a handle.|there is a handle on the {part}.|a handle (sits|is) on "
    "the {part}.|the {part} (comes with|is fitted with) a handle.)"
)
NO_HANDLE = (
    "((its|the) {part} has no handle.|there is no handle on the {part}.|the {part} is without "
    "a handle.|no handle (sits|is) on the {part}.)"
)
THING = (
    "(on (its|the) {side} (stands|is|lies) {a_thing}.|to the {side} (of it |of the {noun} "
    "|)(stands|is|lies|there is|we see) {a_thing}.|{a_thing} (stands|is|lies) (on|to) the "
    "{side}( of it| of the {noun}|).|(beside|next to|near) it, on the {side}, (stands|is"
    "|lies) {a_thing}.|on the {side} (there is|you see|we see) {a_thing}.)"
)
ALONE = (
    "((it|the {noun}) is all alone.|there is nothing (beside|next to|near) (it|the {noun})."
    "|nothing else is (there|in the picture|to be seen).|beside it (there is|is) nothing.)"
)
POINT = (
    "((its|the) {part} is at {x}, {y}.|the (place|position) of the {part} is {x}, {y}.|you "
    "find the {part} at {x}, {y}.|at {x}, {y} is the {part}.)"
)
TOUCH = (
    "(the (best|right) place to (touch|pull) (it|the {noun}) is {x}, {y}.|(touch|pull) (it"
    "|the {noun}) at {x}, {y}.|a gripper should (touch|pull) (it|the {noun}) at {x}, {y}.)"
)
HEAD = (
    "(in the (picture|image|photo)|what (the picture shows|is seen|there is|we see)|the "
    "(picture|image|scene|photo)|a list of what is there|seen|scene|facts|notes|what can be "
    "seen):"
)
