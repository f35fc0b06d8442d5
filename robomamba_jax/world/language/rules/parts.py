# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What is asked about an object's parts: states, numbers, motions, handles, and what they are."""

from __future__ import annotations

from robomamba_jax.world.language.rules.frames import wh, yes_no

_IMAGE = "(image|picture|photo)"
_PART = "(3*the {part}|the {part} of the {noun}|the {noun}'s {part})"
_OPEN = "(open or closed|open or shut|closed or open)"

STATE = wh(
    "("
    f"is {_PART} (open or shut|closed or open|open or closed) [right ]now|is {_PART} (open or "
    f"shut|closed or open|shut or open)|does {_PART} (look|seem) {_OPEN}|is {_PART} (wide "
    f"|)open, (ajar|slightly open) or (closed|shut)|what is {_PART} like, {_OPEN}|{_OPEN}, how "
    f"does {_PART} (stand|look)|how (wide|far) is {_PART} open [right ]now|how (wide|far) was "
    f"{_PART} opened|how (wide|far) has {_PART} been opened|(what|which) (state|position"
    f"|condition) (is|was) {_PART} in now|in (what|which) (state|position|condition) is "
    f"{_PART} now|(what|which) (state|condition) do you see {_PART} in|how open is {_PART} now"
    f"|how does {_PART} look[, {_OPEN}]|what (state|position|condition) does {_PART} have|is "
    f"{_PART} (fully|slightly|at all) open or is it (closed|shut)|is {_PART} (open|closed), "
    f"and how far|how was {_PART} left|was {_PART} left {_OPEN}|to (what|which) degree was "
    f"{_PART} opened|is {_PART} open, shut or something in between)",
    "("
    f"(whether|if) {_PART} (is|stands|was left) {_OPEN}|how (far|wide) {_PART} (is open|has "
    f"been opened|stands open)|(what|which) (state|position|condition) {_PART} is in|in (what"
    f"|which) (state|position|condition) {_PART} is|how {_PART} (stands|looks)|how (open|far "
    f"open|wide open) {_PART} is)",
    "("
    f"the (state|position|condition) (of {_PART}|in which {_PART} is|that {_PART} is in)|how "
    f"(far|wide) {_PART} is open|(whether|if) {_PART} is {_OPEN})",
)
IS_OPEN = yes_no(
    f"(is {_PART} (standing |wide |)open now|is {_PART} (standing |)open[ at all]|has someone "
    f"opened {_PART}|does {_PART} stand open now|isn't {_PART} open|was {_PART} (opened|left "
    f"open)|did (someone|somebody) open {_PART}|do you see {_PART} open|can one look (into"
    f"|inside) the {{noun}} past {_PART}|is it open, {_PART}|has {_PART} been (pulled|moved) "
    "open)",
    f"({_PART} (is|stands|has been left) open|{_PART} has been opened|someone has opened {_PART})",
)
IS_CLOSED = yes_no(
    f"(is {_PART} (closed|shut)[ now]|has (someone|somebody) (closed|shut) {_PART}|does "
    f"{_PART} stand (closed|shut)|isn't {_PART} (closed|shut)|was {_PART} (closed|shut|left "
    f"closed)|is {_PART} (fully|completely) (closed|shut)|do you see {_PART} (closed|shut)|is "
    f"it (closed|shut), {_PART})",
    f"({_PART} (is|stands|has been left) (closed|shut)|{_PART} has been (closed|shut))",
)
_OF = "(4*| of the {noun}| on the {noun}| on this {noun})"
COUNT = wh(
    "("
    "how many {parts} (can you see|can we see|do we see|are visible|are in view|are shown|are "
    "to be seen)(| on the {noun}| on this {noun})|how many {parts} (are (on|at) the {noun}"
    "|are part of the {noun}|does it have|has it got|do you (find|count|make out)|can be (seen"
    "|made out|found)|were built into the {noun})|(what|which) number of {parts} (is there|do "
    "you see|can you see|can be counted|has the {noun}|is on the {noun})|how many {parts} "
    "(would|will) you find (on|at) the {noun}|{parts}: how many (are there|do you see|of them)"
    "|how many are the {parts}|the {noun} (has|shows|comes with) how many {parts}|with how "
    "many {parts} (does the {noun} come|was the {noun} made)|how large is the number of "
    "{parts}|how many {parts} (in total|altogether|in all) (are there|does the {noun} have)"
    "|how many {parts} (are there|does the {noun} have) (altogether|in all))",
    "("
    "how many {parts} (the {noun} has|there are|you see|you can see|can be counted|are visible"
    "|are on the {noun}|it has)|(what|which) number of {parts} (the {noun} has|there is|you "
    "see))",
    "("
    f"the (number|total number|count) of {{parts}}{_OF}|how many {{parts}} (there are|the "
    f"{{noun}} has|you count|are visible)|the {{noun}}'s number of {{parts}})",
)
COUNT_COMMAND = (
    "(count|count up|please count|now count|go and count|try to count|add up) (all |all of "
    "|)(the |)(visible |){parts}(2*| on the {noun}| that you see| in view| that are there| in "
    "the picture)(5*.|, please.)"
)
COUNT = f"(6*{COUNT}|{COUNT_COMMAND})"
MOVABLE = wh(
    "("
    "(what|which) part (can (be moved|move|one move|be opened|be pulled)|is (movable|able to "
    "move|the movable one|made to move))[ on the {noun}]|(what|which) (piece|component"
    "|element) of (the|this) {noun} (can be moved|can move|moves|is movable|has a joint)|what "
    "(can (move|be moved|be pulled|be opened)|moves|is able to move) (on|about|at) (the|this) "
    "{noun}|what (can|could|would|should) (a|the) (robot|gripper|hand) (move|pull|operate) (on"
    "|at) (the|this) {noun}|where does the {noun} have a joint, on which part|which part "
    "(would|could|should) (a|the) (gripper|hand) (pull|move|operate)|(what|which) part (hangs "
    "on|sits on|has) a (joint|hinge)|(what|which) (moving|movable) (part|piece) (does the "
    "{noun} have|do you see|is there)|is there (a part|something) that moves, and which|what "
    "(can|could) one (push|pull|push or pull) on (the|this) {noun}|what on the {noun} is not "
    "fixed|which part is not fixed|which part (would|can) you (move|open|pull|operate)[ on "
    "the {noun}])",
    "((what|which) (part|piece) (of the {noun} |)(can be moved|can move|moves|is movable)"
    "|what (a|the) (robot|gripper) (can|could) move (here|on the {noun})|what (moves|can move"
    "|is movable) (here|on the {noun}))",
    "((a|the|one) (part|piece) (of the {noun} |)that (can be moved|moves|can move|is movable"
    "|a robot can move)|the (moving|movable) (part|piece) (here|of the {noun}|of this {noun})"
    "|what (moves|can be moved) on the {noun})",
)
MOTION = wh(
    "("
    f"how ((does|will|would|might) {_PART} (move|go)|(can|could|might) {_PART} (move|be "
    "moved))(3*| when it is pulled| when someone pulls it| if one pulls it)|in (what|which) "
    f"(way|manner) (does {_PART} go|would {_PART} move|can {_PART} go)|(what|which) (kind|type"
    f"|sort) of (motion|movement) (is|would be) {_PART} (made for|able to do|capable of)|(what"
    f"|which) (kind|type|sort) of joint (holds|carries|moves) {_PART}|on (what|what kind of"
    f"|what type of) joint does {_PART} (sit|move)|(what|which) (motion|movement) (can|could"
    f"|would) {_PART} (make|allow)|what does {_PART} do when (it is pulled|it moves|one pulls "
    f"it|opened)|by (what|which) (motion|movement) is {_PART} opened|how is {_PART} (mounted"
    f"|attached|opened|jointed|moved)|how can one move {_PART}|(which|what) way does {_PART} "
    f"(move|go)|how do you move {_PART}|what sort of (joint|mounting) does {_PART} have)",
    "("
    f"how {_PART} (moves|can be moved|is moved|opens|is mounted)|in (what|which) (way|manner) "
    f"{_PART} (can be moved|moves now|would move)|(what|which) (motion|movement) {_PART} (makes"
    f"|can make|allows)|(what|which) (kind|type|sort) of joint {_PART} has|what {_PART} does "
    "when (it is pulled|one pulls it))",
    "("
    "the (motion|movement|kind of motion|type of motion|type of joint|kind of joint) (of "
    f"{_PART}|that {_PART} has)|the way (that |in which |){_PART} (moves|can be moved))",
)
TURN_OR_SLIDE = wh(
    "("
    f"does {_PART} (rotate or slide|slide or rotate|swing or slide|slide or swing|turn or does "
    f"it slide|slide or does it turn)|(can|will|would) {_PART} (turn or slide|slide or turn"
    f"|swing or slide|rotate or slide)|is {_PART} (turned or slid|hinged or sliding|a sliding "
    "one or a hinged one|on a hinge or on a rail|on a rail or on a hinge)|(hinge or rail"
    f"|turning or sliding|sliding or turning): how does {_PART} move|does {_PART} (move on a "
    "hinge or along a rail|move along a line or around a hinge|swing round or come straight "
    f"out)|which does {_PART} do, turn or slide|which of the two does {_PART} do, slide or "
    "turn)",
    f"((whether|if) {_PART} (turns or slides|slides or turns|swings or slides|is hinged or "
    "slides|rotates or slides))",
)
HAS_HANDLE = yes_no(
    "("
    f"does {_PART} (have|carry) a (handle|handle or a knob)|is there a (handle|handle or a "
    f"knob) on {_PART}|do you see a (handle|grip) on {_PART}|can you see a handle on {_PART}"
    f"|is a handle (fixed|attached|mounted) (to|on) {_PART}|does a handle sit on {_PART}|is "
    f"{_PART} (equipped|fitted) with a handle|could one hold {_PART} by a handle|does {_PART} "
    f"come with a (handle|grip)|can {_PART} be held by a handle|is there something to hold on "
    f"{_PART}|has anyone put a handle on {_PART})",
    f"({_PART} has a handle|there is a handle on {_PART}|{_PART} can be held by a handle|a "
    f"handle sits on {_PART})",
)
IF_PULLED = wh(
    "("
    f"what (would|will|could|might) {_PART} do (if|when) (pulled|you pull it|one pulls it|it "
    "is pulled|a robot pulls it|the gripper pulls it)|what (would|will|might) happen (if"
    "|when) (you pull|one pulls|someone pulls|a robot pulls|the gripper pulls) (at |on "
    f"|){_PART}|if (you|one|the robot) pulled {_PART}, what (would|might) (happen|it do)|what "
    f"happens to {_PART} when (it is pulled|the robot pulls it)|pulling {_PART}, what (would"
    f"|will) happen|suppose a robot pulls {_PART}: what (happens|will happen)|what would "
    f"(pulling|a pull at|a pull on) {_PART} (do|cause)|what is the effect of pulling {_PART})",
    f"(what (would|will) happen (if|when) (one|a robot|the gripper|someone) pulls {_PART}|what "
    f"{_PART} (would|will) do (if|when) (pulled|it is pulled)|what happens when {_PART} is "
    "pulled)",
)
_ON = "(3*on the {noun}|at the {noun}|on this {noun}|of this {noun}|on it|here)"
IS_PART = yes_no(
    "("
    "(do|can) you see a {part} on (this|that) {noun}|(can|could) (you|we|one) (find|see|spot"
    "|make out) a {part} (on|at) (this|that) {noun}|isn't there a {part} (on|at) (the|this) "
    "{noun}|does (that|your) {noun} have a {part}|does (the|this) {noun} (possess|include"
    "|carry|own|feature) a {part}|has (the|that) {noun} a {part}|has this {noun} got a {part}"
    "|is (the|this) {noun} (fitted|provided|built|made|complete) with a {part}|is there a "
    "{part} (at|anywhere on|to be seen on) (the|this) {noun}|did they (put a {part} on|build "
    "a {part} into) (the|this) {noun}|is a {part} (attached to|fixed to|mounted on|built into"
    "|visible on|to be seen on|to be found on) (the|this) {noun}|was a {part} (put|mounted) "
    "on the {noun}|have they put a {part} on the {noun}|does a {part} (sit|show|appear) on "
    "(the|this) {noun}|a {part}: does the {noun} have one|the {noun} here, does it have a "
    "{part}|is what you see on the {noun} a {part})",
    "("
    "(the|this) {noun} (has|comes with|shows|carries|is fitted with) a {part}|there is a "
    "{part} (on|at) (the|this) {noun}|a {part} (is|sits|can be seen|can be found) (on|at) (the"
    "|this) {noun}|it has a {part})",
)
IS_COUNT = yes_no(
    "("
    "does the {noun} have {count} {parts}|does this {noun} (have|show) {count} {parts}|are "
    "there {count} {parts}(| here| on the {noun}| on this {noun}| altogether)|do you (see"
    "|count|find) {count} {parts}(| on the {noun}| here)|can (you|one|we) (see|find|count) "
    "{count} {parts} (here|on the {noun}|on it)|is it {count} {parts} that the {noun} has|is "
    "{count} what you get when you count the {parts}|{count} {parts}, is that the number|does "
    "one count {count} {parts}|is {count} the (count|total) of {parts}|is the (count|total) "
    "of {parts} {count})",
    "("
    "the {noun} has {count} {parts}|there are {count} {parts}(| on the {noun}| here)|the "
    "number of {parts} is {count}|(you|one) can count {count} {parts}|it has {count} {parts})",
)
IS_MOTION = yes_no(
    "("
    "does it hold that the {part} {motion}|is it a fact that the {part} {motion}|is that "
    "right: the {part} {motion}|does it look as if the {part} {motion}|pull the {part} and it "
    "{motion}, does it not|can you see that the {part} {motion}|when moved, is it that the "
    "{part} {motion})",
    "(the {part} {motion}|this {part} {motion}|the {part} here {motion}|when pulled, the "
    "{part} {motion}|the {part} is one that {motion})",
)
_HOLD = "(hold|grab|grasp|grip|seize)"
IS_USE = yes_no(
    "("
    "(can|could|may|should) (the robot|a robot|the gripper|a gripper|one|you|a hand) (hold"
    "|grab|grasp|grip|seize|take|pull at) the {part}[ of the {noun}]|(can|could) (the|this) "
    "{noun} be (held|pulled|grasped|gripped|moved) (by|at) (a|its) {part}|is it possible to "
    "(hold|grab|grasp|grip|pull at) (the|a) {part}[ of the {noun}]|does the {noun} offer a "
    "{part} to (hold|pull)|is there a {part} (to hold|to pull|for the gripper|that one can "
    "hold) (on|at) the {noun}|would a {part} be there to (hold|pull)|(hold|grab|grasp|grip"
    "|pull) the {part}[ of the {noun}]. (Can this be done|Is this possible|Could that work)"
    "|does the {noun} have a {part} for (the|a) (robot|gripper|hand)|is a {part} there for "
    "the gripper|can one (take|get) hold of (a|the) {part} on the {noun})",
    "(the (robot|gripper) can (hold|grab|grasp|pull) the {part}|the {noun} has a {part} to "
    "(hold|pull|grasp)|there is a {part} to (hold|pull|grasp)|one can (hold|pull) the {noun} "
    "by its {part})",
)
PARTS = wh(
    "("
    "(what|which) (parts|pieces|components|details) (does the {noun} (have|show|consist of)"
    "|can you see on the {noun}|are there on the {noun}|are visible on the {noun}|has the "
    "{noun}|do we see on the {noun}|belong to the {noun})|what is (the {noun} made up of"
    "|there on the {noun}|attached to the {noun}|fixed to the {noun})|of (what|which) parts "
    "is the {noun} made|what (can you see|do you see) on the {noun}|(what|which) parts (make "
    "up|form) the {noun})",
    "((what|which) (parts|pieces|components) (the {noun} has|you see on the {noun}|are "
    "visible on the {noun}|belong to the {noun})|what you see on the {noun})",
    "((the|all the|all|the visible) (parts|pieces|components) (of|on) (the|this) {noun}|the "
    "{noun}'s (parts|components)|what the {noun} is made up of)",
)
