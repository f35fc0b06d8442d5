# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Requests for captions and descriptions, and the sentences that tell a scene."""

from __future__ import annotations

from robomamba_jax.world.language.rules.frames import command, wh

_IMAGE = "(image|picture|photo|scene)"
_SHORT = "(short|brief|one-line|simple|small)"

CAPTION_ASK = (
    "("
    + wh(
        f"(what (can|do) (you|we) see (here|in (this|the) {_IMAGE})|what is (shown|to be seen"
        f"|going on|in view|there to see) (here|in the {_IMAGE}|in this {_IMAGE})|what does "
        f"this {_IMAGE} show|what is the {_IMAGE} (of|about)|how would you (describe|caption"
        f"|sum up) (this|the) {_IMAGE}|what (would be|is) a (good|short|brief|fitting) caption)",
        f"(what (you see|is shown|can be seen|is in view|there is to see) (here|in the {_IMAGE}"
        f"|in this {_IMAGE})|what this {_IMAGE} shows)",
        f"(a {_SHORT} (caption|description|summary) (of|for) (the|this) {_IMAGE}|a (caption"
        f"|description) (of|for) (the|this) {_IMAGE}|what the {_IMAGE} shows)",
    )
    + "|(5*"
    + command(
        f"(describe|caption|summarize|sum up) (this|the) {_IMAGE}(3*| briefly| shortly| in a "
        f"few words| in one sentence| in short)|(write|give|provide|make) a {_SHORT} (caption"
        f"|description|summary)(2*| of the {_IMAGE}| for the {_IMAGE})|say (briefly|in a few "
        f"words|in short) what (is shown|you see|can be seen|is in the {_IMAGE})"
    )
    + "))"
)
DETAILS_ASK = (
    "("
    + wh(
        f"(what (can|do) (you|we) see (here|in the {_IMAGE}), in (all |full )detail|what (is"
        f"|can be seen) in the {_IMAGE}, in detail|what are all the things (that you see|in "
        f"the {_IMAGE})|how would you describe the {_IMAGE} in (detail|full)|what is "
        f"everything that the {_IMAGE} shows)",
        f"(in (full |all |)detail what (you see|is shown|can be seen|the {_IMAGE} shows)|what "
        f"(you see|is shown|can be seen|the {_IMAGE} shows), in (full |all |)detail)",
        f"(everything (you see|that is shown|that can be seen|that is there)(| in the {_IMAGE}"
        f"| here)|all (you see|there is to see|that is shown|that the {_IMAGE} shows)|a "
        "(detailed|full|long|thorough|complete|careful) (description|account|report) of (the"
        f"|this) {_IMAGE}|all the details of (the|this) {_IMAGE})",
    )
    + "|(5*"
    + command(
        f"(describe|explain|report) (the|this) {_IMAGE} (in full|in all detail|fully|completely"
        "|thoroughly|with all details|as fully as you can|at length)|(write|give|provide) a "
        f"(full|long|thorough|complete|careful) description(2*| of the {_IMAGE}| of what you "
        "see)|(tell me|tell us|report) (everything|all) (you see|that is there|there is to see"
        f"|you can make out)|(list|name) everything (in|that you see in) the {_IMAGE}|go into "
        f"detail about (the|this) {_IMAGE}"
    )
    + "))"
)
_START = (
    "(3*|there is |here is |we see |one sees |you see |the image shows |a picture of |a photo "
    "of |this is |it is |shown is |this picture has |in the picture there is |in front of us "
    "is |visible is |I see |I can see |one can see |what you see is |we look at |a scene with "
    "|a shot of |an image with |the scene has |the photo has |the picture shows |in this "
    "image is |in the photo there is |one can make out |right here is |before us is |the "
    "camera sees |this shows |on show is )"
)
CAPTION = (
    "("
    f"6*{_START}{{a_thing}}{{parts}}{{place}}|{{a_thing}}{{parts}} (is (shown|seen|to be seen"
    "|here|placed|visible|in view|standing|found)|can be seen|can be found|sits|rests|was put"
    f"|was placed|has been placed){{place}}|(here|there|in this picture|in the image|in the "
    "photo|in view|in the scene|on this photo|before you|in the middle|in front) (stands|is"
    f"|one sees|we see|you see|rests) {{a_thing}}{{parts}}{{place}}|(the|this) (image|picture"
    "|photo|scene|view) (shows|has|contains|presents|includes|holds|is of) "
    f"{{a_thing}}{{parts}}{{place}}|(just |only |simply |)a ((photo|shot|close view) of|look at"
    f"|scene with) {{a_thing}}{{parts}}{{place}}|(we|you) (look at|are looking at|can make "
    f"out) {{a_thing}}{{parts}}{{place}})"
)
