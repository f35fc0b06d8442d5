# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What people put around a question: polite frames, imperatives, statements to confirm.

Each function takes the heart of a question in one or more grammatical forms and returns a rule's
text (see ``language.grammar``) that says it in all frames which that form allows.
"""

from __future__ import annotations

_OPEN = "(24*|so, |now, |and |okay, |tell me, |one question: |quick question: |hey, )"
_YOU = "(can|could|would|will) you"
_KNOW = "(I want|I need|I would like|I'd like|we want) to know"


def wh(direct: str, indirect: str = "", name: str = "") -> str:
    """A question with what, which, where or how.

    Args:
      direct: "what color is the {noun}", no mark behind it.
      indirect: "what color the {noun} is".
      name: what is asked for, with an article: "the color of the {noun}".
    """
    forms = [f"16*{_OPEN}({direct})(9*?|, please?)"]
    if indirect:
        forms.append(
            "4*((4*tell me|3*say|please tell me|please say|just say|just tell me) "
            f"({indirect}).|let (me|us) know ({indirect}).|{_YOU} [please ](tell me|say|see"
            f"|tell) ({indirect})?|(do you know|any idea|do you have an idea) ({indirect})?"
            f"|{_KNOW} ({indirect}).|(I wonder|I am wondering|I'm not sure|I ask myself) "
            f"({indirect}).|(look and say|look at the (image|picture) and tell me|find out) "
            f"({indirect}).|(your task is to say|try to say|be so kind and say) ({indirect}).)"
        )
    if name:
        forms.append(
            "3*((3*name|3*give|state|report|2*tell me|give me|write|write down|determine) "
            f"({name})(5*.|, please.)|please (name|give|state|report|write|determine) ({name})."
            f"|{_OPEN}(what is|what's) ({name})?|(what would you say is|what do you think is"
            f"|and what would be) ({name})?|{_YOU} [please ](name|give me|tell me|state"
            f"|report) ({name})?|{_KNOW} ({name}).|({name})(3*?|, please.))"
        )
    return "(" + "|".join(forms) + ")"


def yes_no(direct: str, statement: str = "") -> str:
    """A question to which the answer is yes or no.

    Args:
      direct: "is the {noun} {color}", no mark behind it.
      statement: what would be so then: "the {noun} is {color}".
    """
    forms = [f"16*{_OPEN}({direct})(12*?|, please?|, yes or no?)"]
    if statement:
        forms.append(
            f"4*(is it (2*true|right|correct|the case|so) that ({statement})?|(do you think"
            f"|would you say|would you agree|can you confirm|do you see) [that ]({statement})?"
            "|(2*tell me|say|check|please check|let me know|find out|please say) (whether|if) "
            f"({statement}).|(can|could) you (tell me|tell|check|see|say) (whether|if) "
            f"({statement})?|(I want to know|I would like to know|I'd like to know|I wonder|we "
            f"need to know|I'm not sure) (whether|if) ({statement}).|({statement}), (right"
            f"|correct|is that right|is that correct|yes or no|true or not)?|({statement}). "
            "(Right|Correct|Yes or no|Is this true|Am I right|Is it so)?|(I think|I believe|I "
            f"guess|I would say|someone says|somebody told me) [that ]({statement}). (Is that "
            "right|Am I right|Is that true|Is it so|Correct)?|(would it be|is it) (right"
            f"|correct|fair|true) to say that ({statement})?|(true or not|yes or no|right or "
            f"wrong): ({statement})(2*.|?))"
        )
    return "(" + "|".join(forms) + ")"


def command(heart: str) -> str:
    """Something that is asked to be done: "point to the {part}", no mark behind it."""
    return (
        "("
        f"6*({heart})(8*.|, please.)|2*(please|now|now please|just|go on and|try to) ({heart})."
        f"|2*{_YOU} [please ]({heart})?|(I want you to|I need you to|I would like you to|I'd "
        f"like you to|you should|your task is to|your job is to) ({heart}).)"
    )


SHORT = (
    "((please |)(answer|respond|reply) (only |simply |just |)(with |)(yes or no|a yes or a no"
    "|yes or else no)(9*.|, please.)|(just|only|simply|say) yes or no.|(a single word|one word"
    "|a word)(,|:| is enough:| will do:) yes or no.|(say|write|give) (yes or no|either yes or "
    "no)( only| and no more|).|yes or no(?|.)|(your|the) answer (should be|must be|is either"
    "|is) yes or no.|(a simple|a plain|a clear|one|a short|a) (yes or no|yes or a no) (please"
    "|will do|is enough).|(choose|decide): yes or no.|either yes or no.|(keep it to|stick to"
    "|limit yourself to|only) (yes or no|a yes or a no|a plain yes or no).|(please |)(say"
    "|tell me) (only |just |simply )(yes or no|a yes or a no).|nothing but yes or no(, please"
    "|).)"
)
