# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What is asked about objects and plain things: what they are, their colours, places, surface."""

from __future__ import annotations

from robomamba_jax.world.language.rules.frames import wh, yes_no

_IMAGE = "(image|picture|photo)"
_SEEN = f"[ (here|in the {_IMAGE}|in this {_IMAGE}|in front of you)]"
_KIND = "(kind|sort|type)"
_OBJECT = "(object|thing|item)"
_COLOR = "(5*color|colour)"

CATEGORY = wh(
    "("
    "what is (this|it|that)|what's (this|it|that)|what (object|item) is (this|that|it)|what "
    f"is this {_OBJECT} here|what {_KIND} of {_OBJECT} is (this|that|it)|what {_KIND} of "
    f"{_OBJECT} do (you|we) see{_SEEN}|which {_OBJECT} is (this|it|shown|shown here|to be seen"
    f"|in view|in the {_IMAGE}|visible)|what [{_OBJECT} ](do you see|can you see|do we see|can "
    f"we see|can one see|is there|is visible){_SEEN}|what is (the name of this|this) "
    f"{_OBJECT}[ here]|what is the name for (this|that)|what (do|would) (people|we|they) call "
    f"(this|it|this {_OBJECT}|such a thing|an object like this)|how (do|would|could|should) "
    f"(you|we|people) (call|name) (this|it|this {_OBJECT})|what is (this|it|this {_OBJECT}) "
    f"called|what (does|might|may) (this|the) {_IMAGE} show|what is that in the (middle|center)"
    "|what is it that you see|what (is|would be) the right (name|word) for (this|it|this "
    f"{_OBJECT})|which (word|name|noun) (fits|describes|names) (this|it|this {_OBJECT}|the "
    f"{_OBJECT} in the {_IMAGE})|can you (name|identify|recognize) (this|it|this {_OBJECT}|the "
    f"{_OBJECT} in the {_IMAGE})|what {_OBJECT} is in the (middle|center)[ of the {_IMAGE}]"
    f"|what would this {_OBJECT} be called)",
    "("
    f"what (this|it|that|this {_OBJECT}|the main {_OBJECT}|the {_OBJECT} in the {_IMAGE}) is[ "
    f"called]|what {_KIND} of {_OBJECT} (this|it) is|which {_OBJECT} (you see|we see|is shown"
    f"|is in the {_IMAGE})|what (you see|we see|can be seen|is shown|is visible){_SEEN}|what "
    f"one calls (this|it|this {_OBJECT})|how (this|it|this {_OBJECT}) is called|what the "
    f"{_IMAGE} shows|what to call (this|it|this {_OBJECT}))",
    "("
    f"the name of (this|that|the|the main) {_OBJECT}|the {_OBJECT} (you see|in view|in front"
    f"|that is shown|here|in the {_IMAGE})|the {_KIND} of {_OBJECT}|the main {_OBJECT}|the "
    f"{_OBJECT} in the (middle|center)|a word for this {_OBJECT}|what (you see|this is|is shown"
    f"|can be seen){_SEEN})",
)
COLOR = wh(
    "("
    f"what {_COLOR} is the {{noun}}|which {_COLOR} is the {{noun}}|what {_COLOR} does the "
    f"{{noun}} (have|show)|what {_COLOR} is (this|that) {{noun}}|which {_COLOR} does this "
    f"{{noun}} have|what {_COLOR} was the {{noun}} (painted|given)|in (what|which) {_COLOR} (is"
    f"|do you see) the {{noun}}|in (what|which) {_COLOR} is the {{noun}} painted|what {_COLOR} "
    f"(is|can be) seen on the {{noun}}|how is the {{noun}} (colored|coloured|painted)|what "
    f"{_COLOR} (would|do) you (say|think) the {{noun}} (is|has)|the {{noun}} is (what|which) "
    f"{_COLOR}|what {_COLOR} did they paint the {{noun}}|of (what|which) {_COLOR} is (this"
    f"|that) {{noun}}|which {_COLOR} (describes|fits|matches) the {{noun}}[ best]|what [main "
    f"]{_COLOR} would you call the {{noun}}|the {{noun}} there, what {_COLOR} (is it|does it "
    f"have)|what {_COLOR} of {{noun}} is (this|it)|what {_COLOR} is the {{noun}} (here|in the "
    f"{_IMAGE}|in this {_IMAGE}|mainly|mostly))",
    "("
    f"(what|which) {_COLOR} (the|this) {{noun}} (is|has)|what {_COLOR} (can be seen|you see"
    f"|there is) on the {{noun}}|in (what|which) {_COLOR} the {{noun}} is painted|how the "
    f"{{noun}} is (colored|coloured|painted)|of (what|which) {_COLOR} the {{noun}} is|what "
    f"[main ]{_COLOR} you would give (the|this) {{noun}})",
    "("
    f"the [main |right ]{_COLOR} of (the|this) {{noun}}|the {{noun}}'s [main ]{_COLOR}|the "
    f"{_COLOR} (that the {{noun}} has|in which the {{noun}} is painted|you see on the {{noun}})"
    f"|the name of the {{noun}}'s {_COLOR}|a {_COLOR} word for the {{noun}})",
)
THING = wh(
    "("
    "what (is|can you see|do you see|is there|is standing|is lying|is placed) (on|to) the "
    f"{{side}}[ side][ of the {{noun}}]|(what|which) (other |plain |){_OBJECT} (is|stands|lies"
    f"|can be seen|is there|is placed) (beside|next to|near|close to|by) (the|this) {{noun}}"
    f"|(what|which) (object|item|thing) (is|stands|lies|is standing|is lying) on the {{side}}[ "
    "side]|what (else|more) (is|can you see|do you see|is there|stands|lies) (here|on the "
    f"{{side}}|beside the {{noun}}|next to the {{noun}}|near the {{noun}})|the {{noun}} has "
    f"what (beside|next to) it|is there another (object|thing) (beside|next to) the {{noun}}, "
    "and (which|what is it)|what (is|stands|lies) (by|close to|beside|right next to) the "
    f"{{noun}}|what was (put|placed) (beside|next to|near) the {{noun}}|what is the {{noun}} "
    f"standing (next to|beside)|(which|what) {_OBJECT} (accompanies|is the neighbor of|is "
    f"closest to) the {{noun}})",
    "("
    "what (is|stands|lies|you see|can be seen) (on the {side}|to the {side} of the {noun}"
    "|beside the {noun}|next to the {noun}|near the {noun})|(what|which) (other |)(object"
    "|thing|item) (is|stands|lies|you see) (beside|next to|near) the {noun}"
    "|what else there is(| beside the {noun}| on the {side})" + ")",
    "("
    "the (other |plain |)(object|thing|item) (beside|next to|near|close to) the {noun}|the "
    "(object|thing|item) (to the {side}|on the {side}|at the {side} side|to the {side} of the "
    "{noun})|the {noun}'s neighbor|what (lies|stands|is) (beside|next to) the {noun})",
)
SHAPE = wh(
    "("
    "what [kind of ]shape is the {color} (thing|object|one|item)|(what|which) shape does the "
    "{color} (thing|object|one|item) have|what is the {color} (thing|object|one|item)|(what"
    "|which) form does the {color} (thing|object) have|how is the {color} (thing|object|item) "
    "shaped|what is it that is {color}[ here]|which (thing|object|item) is {color}|what "
    "{color} (thing|object|item|shape) (is there|do you see|can be seen|stands there|is shown)"
    "|(what|which) (solid|shape) is (the {color} one|{color})|is the {color} (thing|object) a "
    "cube, a ball or what|which of (these|all the) shapes is the {color} (one|thing))",
    "("
    "(what|which) (shape|form) the {color} (thing|object|one|item) (has|is)|what the {color} "
    "(thing|object|one|item) is|which (thing|object|item) is {color}|how the {color} (thing"
    "|object|item) is shaped)",
    "("
    "the (shape|form) of the {color} (thing|object|one|item)|the {color} (thing|object"
    "|item)'s (shape|form)|the (thing|object|item) that is {color})",
)
SIDE = wh(
    "("
    "(on|to) (which|what) side (of the {noun} |)(is|do you see|can we see) the {thing}|where "
    "is the {thing}(| standing| lying)|where do you see the {thing}|is the {thing} (on the "
    "left|to the left) or (on the right|to the right)[ of the {noun}]|(left or right|on the "
    "left or on the right), where is the {thing}|which side (is the {thing} on|of the {noun} "
    "is the {thing} on|has the {thing})|where is the {thing} (from the {noun}|in relation to "
    "the {noun}|as seen from the {noun}|compared to the {noun}|relative to the {noun})|(does"
    "|would) the {thing} (stand|lie) (left or right|on the left or on the right)[ of the "
    "{noun}]|the {thing} is on (which|what) side[ of the {noun}])",
    "("
    "(on|to) (which|what) side (of the {noun} |)the {thing} (is|stands|lies)|which side the "
    "{thing} is on|where (the {thing} is|you see the {thing}|the {thing} stands|the {thing} "
    "lies)[, left or right]|(whether|if) the {thing} is (left or right|on the left or on the "
    "right)[ of the {noun}])",
    "(the side (where the {thing} is|on which the {thing} (is|stands|lies)|of the {thing})"
    "|the {thing}'s side)",
)
SURFACE = wh(
    "("
    "what does the {noun} (stand|rest|sit) on|what is the {noun} (standing|resting|placed"
    "|sitting) on|(on|upon) what (does the {noun} (stand|rest|sit)|is the {noun} (standing"
    "|placed|resting))|what is (under|below|beneath|underneath) (the|this) {noun}|what "
    "(surface|ground) is the {noun} on|(which|what) (surface|ground) (is under|is below"
    "|carries|supports|holds up) the {noun}|where was the {noun} (put|placed)|what (carries"
    "|supports|holds up) the {noun}|does the {noun} stand on a floor, on a table or on nothing"
    "|is (it a floor or a table|the {noun} on a floor or on a table)|what do you see (under"
    "|below|beneath) the {noun})",
    "(what the {noun} (stands|rests|sits|is placed|is standing) on|what is (under|below"
    "|beneath) the {noun}|on what the {noun} (stands|rests|is placed))",
    "(the surface (under|below|beneath) the {noun}|what (is under|is below|carries|supports) "
    "the {noun}|the ground that the {noun} stands on)",
)
SURFACE_COLOR = wh(
    "("
    f"(what|which) {_COLOR} is the {{surface}}|(what|which) {_COLOR} does the {{surface}} have"
    f"|what {_COLOR} is the {{surface}} (under|below|beneath) the {{noun}}|how is the "
    f"{{surface}} (colored|painted)|(what|which) {_COLOR} {{surface}} (is this|is it|does the "
    f"{{noun}} stand on|do you see)|of (what|which) {_COLOR} is the {{surface}}|the "
    f"{{surface}} (has|is) (what|which) {_COLOR})",
    f"((what|which) {_COLOR} the {{surface}} (is|has)|what {_COLOR} the {{surface}} (under"
    f"|below) the {{noun}} (is|has)|how the {{surface}} is (colored|painted))",
    f"(the {_COLOR} of the {{surface}}|the {{surface}}'s {_COLOR}|the {_COLOR} (under|below"
    f"|beneath) the {{noun}})",
)
THINGS = wh(
    "("
    "how many (other |plain |more |)(things|objects|items) (are (there|visible|beside the "
    "{noun}|next to the {noun}|near the {noun})|do you see (beside|near|next to) the {noun}"
    "|stand (beside|near|next to) the {noun})|how many (things|objects|items) (besides|apart "
    "from|other than) the {noun} (are there|do you see|can you count|are in view)|(besides"
    "|apart from) the {noun}, how many (things|objects|items) (are there|do you see|can be "
    "seen)|how many (things|objects|items) (accompany|surround) the {noun}|the {noun} has how "
    "many (things|objects|items) (beside|near|around) it)",
    "(how many (other |plain |)(things|objects|items) (are|stand|you see|there are) (beside"
    "|near|next to|around) the {noun}|how many (things|objects|items) there are (besides"
    "|apart from) the {noun})",
    "(the number of (other |plain |)(things|objects|items) (beside|near|next to|around) the "
    "{noun}|the number of (things|objects|items) (besides|apart from) the {noun})",
)
WHICH = wh(
    "("
    f"is (it|this|that) {{a_one}} or {{a_two}}|is this (object|thing) {{a_one}} or {{a_two}}"
    f"|do you see {{a_one}} or {{a_two}}[ here]|which is it, {{a_one}} or {{a_two}}|{{a_one}} "
    f"or {{a_two}}, which is it|what is (it|this), {{a_one}} or {{a_two}}|would you call (it"
    f"|this) {{a_one}} or {{a_two}}|is there {{a_one}} or {{a_two}}[ here]|does the {_IMAGE} "
    f"show {{a_one}} or {{a_two}}|which (of the two |one |)(do you see|is shown|is there|can "
    f"be seen), {{a_one}} or {{a_two}}|is it {{a_one}}, or is it {{a_two}}|is this {{a_one}} "
    f"or rather {{a_two}})",
    f"(whether (it|this) is {{a_one}} or {{a_two}}|if (it|this) is {{a_one}} or {{a_two}}"
    f"|which (one |)(you see|is shown|it is), {{a_one}} or {{a_two}}|whether the {_IMAGE} "
    f"shows {{a_one}} or {{a_two}})",
)
COMPARE = wh(
    "("
    "(which|what) (one |)is (on the|farther to the|further) {side}, the {one} or the {two}|is "
    "the {one} or the {two} on the {side}[ side]|what (stands|lies|is) on the {side}, the "
    "{one} or the {two}|the {one} or the {two}: which (one |)is on the {side}|which (one |)of "
    "the two is on the {side}, the {one} or the {two}|do you see the {one} or the {two} on "
    "the {side}|on the {side}, is (it|there) the {one} or the {two}|which (one |)do you see "
    "on the {side}, the {one} or the {two})",
    "((which|what) (one |)is on the {side}, the {one} or the {two}|whether the {one} or the "
    "{two} is on the {side}|if the {one} or the {two} is on the {side})",
)
NOT_THERE = wh(
    "("
    f"(which|what) (of these |)is (not (there|shown|visible|in the {_IMAGE}|to be seen)|missing"
    f"|absent): {{options}}|(which|what) (of these |one |)(can't be seen|cannot be seen|can "
    f"you not see|do you not see) here: {{options}}|which of these does the {_IMAGE} not show: "
    f"{{options}}|which one does not belong to the {_IMAGE}: {{options}}|(of|among) "
    f"{{options}}, (which|what) (one |)is (missing|absent|not there|not shown|not in the "
    f"{_IMAGE})|{{options}}: (which|what) (one |)is (missing|absent|not there|not shown|not in "
    f"the {_IMAGE}))",
    f"(which (of these |one |)is (missing|absent|not there|not shown|not in the {_IMAGE}): "
    f"{{options}}|what is not (there|shown|visible): {{options}})",
)

IS_OBJECT = yes_no(
    "("
    f"(is|isn't) there {{a_noun}}(2*| anywhere| in this {_IMAGE}| in the (photo|scene)| in view"
    f"| to see| around)|do (you|we) see {{a_noun}}(2*| here| anywhere| in this {_IMAGE}| in "
    f"the (photo|scene))|can (you|we|one) (see|find|spot) {{a_noun}}(| here| anywhere| in this "
    f"{_IMAGE}| in the (photo|scene))|does (this|the) (photo|scene) (show|contain|have"
    f"|include) {{a_noun}}|does this {_IMAGE} (contain|have|include) {{a_noun}}|is {{a_noun}} "
    f"(there|here|in the (photo|scene)|in this {_IMAGE}|part of the (image|picture|scene)|to "
    "be seen here|to be found here)|(could|might|would) (this|that) (image |picture |scene "
    f"|)(show|have|contain) {{a_noun}}|have you (found|seen|spotted) {{a_noun}}(| here| there)"
    f"|{{a_noun}}, is (there one|it there|that there)|is (anything|something) (here|there|in "
    f"the {_IMAGE}) {{a_noun}}|does {{a_noun}} (stand|lie|show up) (here|there|anywhere)"
    f"|{{a_noun}}: (there or not|yes or no|is it there|do you see one)|is one of the (objects"
    f"|items|things) {{a_noun}})",
    "("
    f"there is {{a_noun}}(2*| here| in the {_IMAGE}| in view| somewhere)|the {_IMAGE} (shows"
    f"|contains|has) {{a_noun}}|{{a_noun}} (is (there|here|in the {_IMAGE}|in view)|can be seen"
    f"|can be found)|(you|we) (see|can see) {{a_noun}}[ here])",
)
IS_COLOR = yes_no(
    "("
    f"(is|isn't) (the|this) {{noun}} {{color}}|is it a {{color}} {{noun}}|is this a {{color}} "
    f"{{noun}}|do you see a {{color}} {{noun}}|is the {{noun}} (painted|colored|mainly|mostly) "
    f"{{color}}|is the {_COLOR} of (the|this) {{noun}} (really |)(5*|called ){{color}}|is the "
    f"{{noun}}'s {_COLOR} {{color}}|does the {{noun}} (look|appear) {{color}}|was the {{noun}} "
    f"painted {{color}}|does the {{noun}} come in {{color}}|is {{color}} what you see on the "
    f"{{noun}}|is {{color}} (the {_COLOR} of|how you would describe) the {{noun}}|could one "
    f"say {{color}} of the {{noun}}|{{color}}, is that the {_COLOR} of the {{noun}})",
    "("
    f"(the|this) {{noun}} (is|looks|has been painted) {{color}}|the {_COLOR} of (the|this) "
    f"{{noun}} is {{color}}|(it|this) is a {{color}} {{noun}}|the {{noun}}'s {_COLOR} is "
    f"{{color}}|the {{noun}} (has|shows) the {_COLOR} {{color}})",
)
IS_SIDE = yes_no(
    "("
    "(is|isn't) the {thing} on the {side}[ side][ of the {noun}]|is the {thing} (standing"
    "|lying|placed|found) (on|to) the {side}[ of the {noun}]|does the {thing} (stand|lie"
    "|rest) (on the {side}|on the {side} side|to the {side} of the {noun}|{side} of the "
    "{noun})|is there a {thing} on the {side}|do you see a {thing} on the {side}[ side]|can "
    "you see the {thing} on the {side}|is the {side} side where the {thing} is|(to|on) the "
    "{side} of the {noun}, is there a {thing}|is it on the {side} that the {thing} (stands|is"
    "|lies)|was the {thing} (put|placed) on the {side}[ of the {noun}]|is the thing on the "
    "{side} a {thing}|is what stands on the {side} a {thing})",
    "("
    "the {thing} (is|stands|lies) (on the {side}|to the {side} of the {noun}|on the {side} "
    "side|{side} of the {noun})|there is a {thing} (on the {side}|to the {side} of the {noun})"
    "|the {noun} has a {thing} on its {side})",
)
IS_SURFACE = yes_no(
    "("
    "(is|isn't) the {noun} (standing |resting |placed |)on {a_surface}|does the {noun} (stand"
    "|rest|sit) on {a_surface}|is there {a_surface} (under|below|beneath) the {noun}|is "
    "{a_surface} (under|below|beneath) the {noun}|do you see {a_surface} (under|below"
    "|beneath) the {noun}|is it {a_surface} that the {noun} stands on|was the {noun} (put"
    "|placed) on {a_surface}|is what (carries|supports) the {noun} {a_surface})",
    "(the {noun} (stands|rests|sits|is standing|is placed|is) on {a_surface}|there is "
    "{a_surface} (under|below|beneath) the {noun}|the surface (under|below) the {noun} is "
    "{a_surface})",
)
ARE_THINGS = yes_no(
    "("
    "are there {count} (other |plain |)(things|objects|items) (beside|near|next to) the {noun}"
    "|do you (see|count) {count} (other |plain |)(things|objects|items)|does the {noun} have "
    "{count} (things|objects|items) (beside|near|next to) it|is the number of (other |plain "
    "|)(things|objects|items) {count}|are {count} (things|objects|items) standing (beside|near"
    "|next to) the {noun})",
    "(there are {count} (other |plain |)(things|objects|items) (beside|near|next to) the "
    "{noun}|{count} (things|objects|items) (stand|are) (beside|near|next to) the {noun}|you "
    "(see|count) {count} (other |plain )(things|objects|items))",
)
