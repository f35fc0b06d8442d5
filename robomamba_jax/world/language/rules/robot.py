# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a robot is asked: plans, points, places to touch, poses, RoboVQA's goals and questions."""

from __future__ import annotations

from robomamba_jax.world.language.rules.frames import command, wh

_ROBOT = "(the robot|a robot|the gripper|the arm|a gripper|the machine)"
_PART = "(4*the {part}|the {part} of the {noun}|the {noun}'s {part})"
_IMAGE = "(image|picture|photo)"

PLAN = (
    "("
    + wh(
        "("
        f"how (does|would|can|could|should|will|might) {_ROBOT} {{action}}|how (should|could"
        f"|can|do) (you|we|I) {{action}}|how is one to {{action}}|what (must|should|would"
        "|could) (the robot|the gripper|one|we|you) do (first and then |in order |)to "
        f"{{action}}|what (steps|actions|moves) (does it take|are necessary|are required|must "
        f"be taken|would it take) to {{action}}|which (steps|actions|moves) (does it take|are "
        f"necessary|are required|must be taken|would it take) to {{action}}|what (plan"
        "|sequence of steps|sequence) (would|will|could) (you use to|work to|serve to) "
        f"{{action}}|what is (the|your) (plan|way|procedure|sequence) to {{action}}|what (has "
        f"to|needs to) be done to {{action}}|what does it take to {{action}}|in (what|which) "
        f"steps (can|could) one {{action}}|to {{action}}, (what steps are needed|what would "
        "you do|what should the robot do|which steps come first and last))",
        "(how to {action}(2*| step by step| with a gripper)|how (a robot|the robot|the gripper"
        "|one) (can|could|should|would) {action}|(what|which) (steps|actions) (are needed|it "
        "takes|are required) to {action}|what (to do|must be done) to {action})",
        "((a|the|your|one) (plan|procedure|way|sequence of steps|list of steps) to {action}"
        "|the (steps|actions|moves) (needed |it takes |)to {action}|(a|the) plan (for how|of "
        "how) to {action})",
    )
    + "|(4*"
    + command(
        "(plan|explain|describe|show|outline|list|work out|think about|lay out) (how to "
        "{action}|the (steps|actions) to {action}|how (a robot|the gripper) could {action})"
        "|(make|write|give|propose|draw up|suggest|think of) (a|a short|a good) plan to "
        "{action}"
    )
    + ")|{action}: (what steps does it take|which steps|how|what is the plan"
    "|how would you do it|what to do)?"
    + "|(the task is to|the robot has to|we have to|I would like to|let's"
    "|the goal is to) {action}. (How|What steps does it take|How can it be done|What is the "
    "plan|Which steps are needed|What should be done"
    "|What comes first, and then)?" + ")"
)
POINT = (
    "("
    + wh(
        "("
        f"where (can|do|could) (you|we|I|one) (find|see|spot) {_PART}|where (in|on) (the|this) "
        f"{_IMAGE} (is|can you find|can I find) {_PART}|where exactly is {_PART}|where is "
        f"{_PART} (located|to be found|in the {_IMAGE}|to be seen)|(at|in) (what|which) (place"
        f"|point|position|spot) (is|do you see|can one see) {_PART}|(what|which) (place|point"
        f"|spot|position|coordinates) (has|shows) {_PART}|what are the coordinates of {_PART}"
        f"|where does {_PART} (lie|sit|stand)|at (what|which) (point|spot) of the {_IMAGE} is "
        f"{_PART}|where would you (point|click|put your finger) to show {_PART}|where should I "
        f"look for {_PART})",
        f"(where {_PART} is (located|in the {_IMAGE}|to be found)|where (you see|to find|one "
        f"sees|to look for) {_PART}|(at|in) (what|which) (place|point|position) {_PART} is)",
        f"(the (place|point|position|location|coordinates|spot) (of {_PART}|where {_PART} (lies"
        f"|sits))|the {_IMAGE} coordinates of {_PART})",
    )
    + "|(5*"
    + command(
        "(point to|point at|locate|find|mark|show|show me|point out|indicate|look for|spot"
        f"|seek) ({_PART}[ in the {_IMAGE}]|(the place|the position|the location|the spot) of "
        f"{_PART})|(put|set|place) a (mark|dot|point|cross) on {_PART}|click on {_PART}"
    )
    + "))"
)
TOUCH = (
    "("
    + wh(
        "("
        "where (should|can|could|would|must|may|does) (the robot|a robot|the gripper|the hand"
        "|one|it) (touch|pull|grasp|hold|take hold of|contact|seize) (the|this) {noun}(5*| to "
        "move it| to open it| best)|(at|in) (what|which) (point|place|position|spot) (should"
        "|can|could|would|must) (the robot|the gripper|one|the hand) (touch|pull|grasp|contact"
        "|hold) (the|this) {noun}|(what|which) (point|place|spot) (should|can|could|would) "
        "(the robot|the gripper|one|you) (touch|pull at|choose|use|aim at) (on the {noun}|to "
        "move the {noun}|to pull the {noun})|what (is|would be) (a good|the best|the right) "
        "(contact point|point|spot|place to touch|place to pull) (on|for) (the|this) {noun}"
        "|where (would|should|do) you (touch|pull|grasp|hold) (the|this) {noun}|where (would"
        "|will) (a pull|pulling|a touch) move the {noun}|where (should|can|must) the {noun} "
        "be (touched|pulled|held)|where is the (best|right) (place|point|spot) to (touch|pull"
        "|grasp) the {noun})",
        "(where (to touch|to pull|to grasp|to hold|one should touch|one should pull|the "
        "gripper should touch|the robot should pull|the gripper has to touch) (the|this) "
        "{noun}|(at|in) (what|which) (point|place) (to touch|to pull|the gripper should pull) "
        "the {noun})",
        "((the|a|the best|a good) (contact point|place to touch|place to pull|point to pull"
        "|point to touch|spot to pull|grasp point) (on|for) (the|this) {noun}|the (place|point"
        "|spot) where (the gripper should pull|a robot would touch|one should pull|to pull) "
        "the {noun})",
    )
    + "|(3*"
    + command(
        "(point to|point at|find|show|mark|locate|give|choose|pick) (the|a|the best|a good) "
        "(contact point|place to touch|place to pull|point to pull|spot to pull) (on|for) (the"
        "|this) {noun}|(point to|show|show me|mark|point out) where (the gripper should touch"
        "|a robot would pull|one should touch|to touch|one should pull) (the|this) {noun}"
    )
    + "))"
)
# Short: stage 2's prompts have few tokens, and the test asks in today's words.
_BOTH = (
    "(contact point and gripper direction|contact point and direction|contact point and the "
    "gripper direction|touch point and gripper direction|contact and direction)"
)
_DO = "(manipulating|moving|operating|pulling|opening|handling)"
_TO = "(manipulate|move|operate|pull|open|handle)"
POSE = (
    "("
    "3*(5*|please |now )(specify|give|predict|tell|find|name|state|compute|output|report) the "
    f"{_BOTH} (of {_DO}|for {_DO}|to {_TO}|for|of) the {{noun}}.|(what|which) {_BOTH} (would"
    f"|will|can) (move|open|pull|manipulate) the {{noun}}?|where and (how|in which direction) "
    "(should|does|would|must) the (gripper|robot) (touch|pull|contact|grasp|take hold of) the "
    f"{{noun}}?|(predict|say|tell|find|tell me) where and how (to touch|to pull|to contact|the "
    f"gripper should touch|the gripper should pull|the robot should pull) the {{noun}}.|(what "
    f"is|what's) the {_BOTH} (of {_DO}|to {_TO}|for) the {{noun}}?)"
)

GOAL = (
    "("
    "4*{action}|please {action}|{action} please|(I|we) (want|need|would like) you to {action}"
    "|(your|the|our|the robot's|today's) (task|job|goal|aim|mission|order) (is to|is now to) "
    "{action}|(you|the robot) (should|must|ought to) (now |)(please |){action}|let us now "
    "{action}|let's {action}|(now|next|first|then), {action}|(go and|try to|go on and|now"
    "|just) {action}|(can|could|would|will) you (please |){action}|(it is time to|we have to"
    "|it is needed to|the order is to|the plan is to|the wish is to|someone wants to|the user "
    "wants to) {action}|(task|goal|job|order|mission): {action}|{action} (now|next|for me|if "
    "you can|in a careful way)|make the robot {action}|have the robot {action}|help me to "
    "{action}|(I'd like|we'd like|I want|I need) to {action}|(the|our|your) (robot|gripper) "
    "is (asked|told|ordered|expected|here) to {action})"
)
_Q = "(5*?|)"
_STEP = "(step|action|move)"
NEXT = (
    f"(2*immediate next step{_Q}|(what|what {_STEP}|which {_STEP}) (comes|follows|is due"
    "|should come|has to come|must come|would come|should be taken|is to be done|is to come) "
    f"(next|now|after this|at once|immediately){_Q}|(next|immediate|immediate next|coming"
    f"|following) (action|move|step to take){_Q}|(what|which) is the (immediate next|immediate"
    f"|coming|following|next immediate) {_STEP}{_Q}|(what|which) (action|move|thing) is "
    f"next{_Q}|what (should|must|will|would) (the robot|the gripper|it|one|you) do (next|now"
    f"|as the next step|first){_Q}|what to do (next|now){_Q}|what would be the next {_STEP}{_Q}"
    f"|what (now|next){_Q}|and (next|now|then){_Q}|(name|tell|give|say) the (next|immediate "
    f"next|coming|following) {_STEP}(2*.|)|(say|tell) (what comes next|what to do next|which "
    "step is next)(2*.|))"
)
_FIVE = "(5|five)"
FIVE = (
    f"(2*next 5 steps{_Q}|what are the next 5 steps{_Q}|(what|which) (are|would be|should be) "
    f"the (next|following|coming|immediate next) {_FIVE} (steps|actions|moves){_Q}|(next"
    f"|following|immediate next) {_FIVE} (actions|moves){_Q}|(the |)(following|upcoming"
    f"|immediate next) {_FIVE} steps{_Q}|(what|which) {_FIVE} (steps|actions|moves) (come"
    f"|follow|are|should come|have to come|must come|are to be done) (next|now|after this){_Q}"
    f"|which (steps|actions) (come|follow) (next|now), up to {_FIVE}{_Q}|(name|list|tell|give"
    f"|say) the (next|following|coming) {_FIVE} (steps|actions|moves)(2*.|)|(what|which) (steps"
    f"|actions) (are left|remain|are still to do), at most {_FIVE}{_Q}|what are the {_FIVE} "
    f"(steps|actions) that (come|follow) next{_Q})"
)
HOW = (
    f"(2*what steps does it take{_Q}|how would you do it{_Q}|(what|which) (steps|actions"
    "|moves) (are needed|are necessary|are required|would it take|would you take|must be taken"
    f"|have to be done|get it done|lead to that|will it take|are to be done){_Q}|how (can|could"
    f"|should|will|would) (it|this|that) be (done|achieved|reached|carried out){_Q}|how (should"
    "|could|can|would|will) (the robot|the gripper|one) (do|achieve|reach|manage) (it|this"
    f"|that){_Q}|how to (do|achieve|reach|manage) (it|this|that){_Q}|what (would be|is) (a|a "
    f"good|your|the whole|the full) (plan|procedure|sequence){_Q}|what (has to|needs to|must) "
    f"be done{_Q}|(plan|steps|the plan|the steps|all steps|whole plan|the whole plan|full "
    "plan)(2*?|.)|(make|give|tell|write|say|list) the (plan|whole plan|steps)(2*.|)|(list|name"
    "|give|tell) all (steps|actions)(2*.|))"
)
_DO_IT = "(the robot|the gripper|one|the arm|it)"
POSSIBLE = (
    f"(2*possible right now{_Q}|can this be done now{_Q}|(is it|is this|would it be|would this "
    "be) (possible|feasible|doable) (now|at this moment|at the moment|right now|here|in this "
    f"scene){_Q}|(possible|feasible|doable) (now|here|at the moment|in this scene|as things "
    f"are){_Q}|(can|could) (it|this|that) (now |)be done (at the moment|right now|here|in this "
    f"scene|as things are){_Q}|(can|could) {_DO_IT} do (it|this|that) (right now|now|here|at "
    f"the moment|as things are){_Q}|(can|could|would) (it|this|that) (work|happen|succeed) (now"
    f"|right now|here|at the moment){_Q}|is (it|that|this) something that (can be done|a robot "
    f"can do|is possible) (now|here|at the moment){_Q}|does (it|this|that) (work|seem possible"
    f"|look possible|make sense) (now|here|right now|at the moment){_Q})"
)
ACTION = (
    f"(2*what action is possible right now{_Q}|what can be done now{_Q}|(what|which) (action"
    "|move|thing) (is possible|can be done|could be done|would work|would be possible|makes "
    "sense|can the robot do|can be taken|is feasible|may be done) (now|at the moment|here|in "
    f"this scene|as things are){_Q}|what (can|could) {_DO_IT} do (now|right now|here|at the "
    f"moment|in this scene){_Q}|what (is possible|could be done|is feasible|can be done) "
    f"(right now|here|at the moment|in this scene){_Q}|(name|tell|say|give) (something|an "
    "action|one action|a thing|one thing) that (can be done|is possible|the robot can do"
    "|would work) (now|here|at the moment)(2*.|)|what is one action that (works|is possible"
    f"|can be done) (now|here){_Q})"
)
PAST = (
    f"(2*what action just happened{_Q}|what has the robot just done{_Q}|(what|which) (action"
    f"|move|thing) (was|has been) (just |)(done|taken|performed|carried out|seen|completed){_Q}"
    "|what did (the robot|the gripper|the arm) (just |)do (just now|before this|a moment ago"
    f"|so far|last){_Q}|what (has just happened|just happened|has happened|happened just now"
    "|happened here|took place|has been done|was done|was just done|did we see|was going "
    f"on){_Q}|(what|which) was the (last|latest|previous|most recent) (action|move|step|thing "
    f"done){_Q}|what (action|move) (has happened|just took place|took place|did you see|did "
    f"the robot take|did the gripper make|was seen in the video){_Q}|(say|tell|describe|name) "
    "(what happened|what was done|what the robot did|what has just happened|the last action"
    f"|the latest action)(2*.|)|what is it that (just happened|was done|the robot did){_Q})"
)
FUTURE = (
    f"(2*what is likely to happen next{_Q}|what will happen next{_Q}|(what|which) (action|move"
    "|thing|step) (will|is going to|is about to|is likely to|should|might|would) (come|happen"
    f"|follow|be seen|be done) (next|now|after this|then|soon){_Q}|what (will|is going to|might"
    "|would|could|may|should) (happen|come|follow|be done|take place) (now|after this|then"
    f"|soon|in a moment|from here on){_Q}|what (is the robot|is the gripper) (going|about"
    f"|likely) to do (next|now){_Q}|what will (the robot|the gripper|the arm) do (next|now|then"
    f"|after this){_Q}|what do you expect (next|now|to happen|to come|to see){_Q}|(predict|say"
    "|tell|guess) (what comes next|what will happen|what happens next|what the robot will do"
    f"|the next action)(2*.|)|what is (coming|going to be done) (next|now){_Q})"
)
SUCCESS = (
    f"(2*satisfied{_Q}|has this been done{_Q}|(is|was) (it|this|the task|the goal|the job|the "
    "order) (done now|now done|reached|achieved|completed|complete|finished|fulfilled|carried "
    f"out|a success|satisfied){_Q}|has (it|this|the task|the goal|the job) (now |)(been done"
    f"|been reached|been completed|been achieved|been fulfilled|been carried out){_Q}|(done"
    "|completed|achieved|fulfilled|reached|successful|finished|success)(3*?|)|did (it|this"
    f"|that|the robot) (work|succeed|work out|get done){_Q}|did the robot (succeed|manage|do it"
    f"|make it|finish|reach the goal){_Q}|(does|did) it look (done|finished|complete"
    f"|successful){_Q}|is the (goal|aim) (satisfied|reached|met){_Q}|(tell|say|check) (whether"
    "|if) (it|this) (was|has been) done(2*.|))"
)
