# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A few sentences of what robots are asked and say: the built-in tokenizers learn from them.

Changing a letter changes the ids of the "tiny" and "nano" tokenizers; a test keeps their hash.
"""

_OBJECTS = (
    "safe door display refrigerator laptop lighter microwave mouse box trashcan pot suitcase "
    "pliers storage furniture remote bottle folding chair toaster lamp dispenser toilet scissors "
    "table stapler kettle usb switch washing machine faucet phone drawer cabinet oven window bucket"
)

_ACTIONS = "open close pull push turn lift press grasp move pick place rotate slide release hold"

_PARTS = "door lid handle drawer knob button lever switch hinge wheel seat cap"

_COLORS = "red green blue yellow white black grey brown orange purple"

_SENTENCES = """
<|user|> What is in the picture? Describe the image in a few words.
<|assistant|> A photo of a robot arm that opens a drawer in the kitchen.
<|user|> Is there a handle on the left side of the door? Answer yes or no.
<|assistant|> Yes, there is a handle on the left. No, there is no handle.
<|user|> Predict the contact point and the gripper direction.
<|assistant|> The contact point is (0, 1), the gripper direction is [2, 3, 4], left is [5, 6, 7].
<|user|> current goal is: tidy the desk. last 20 steps: 1- put the cup away Q: next 5 steps?
<|assistant|> A: 1- wipe the table 2- close the drawer 3- done
<|user|> Q: immediate next step? possible right now? what is likely to happen next?
<|assistant|> A: put the packet on the table. gripper is open. gripper is closed.
<|user|> Which part can be moved, and how does the robot move it? How many parts are there?
<|assistant|> The robot can pull the handle towards itself; it cannot push the wall behind.
Question: Was the task done well? Answer: The task was not finished because the lid is shut.
0 1 2 3 4 5 6 7 8 9 10 20 30 40 50 60 70 80 90 100 0.25 0.5 0.75 -1 -0.5 one two three four
in front of, behind, above, below, next to, on top of, under, between, inside, near, far from
"""

SEED_TEXT: tuple[str, ...] = (
    *_SENTENCES.strip().splitlines(),
    *(
        f"The robot can {action} the {part}."
        for action in _ACTIONS.split()
        for part in _PARTS.split()
    ),
    *(
        f"There is a {color} {thing} on the table."
        for color in _COLORS.split()
        for thing in _OBJECTS.split()
    ),
    *(
        f"What is the color of the {thing}? Is the {thing} open or closed?"
        for thing in _OBJECTS.split()
    ),
)
