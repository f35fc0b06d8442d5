# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How VQA's evaluation rewrites an answer before it compares (https://visualqa.org/evaluation).

Two readings are in use: the challenge's own (``normalized``), and that of EvalAI's answer
processor, which LLaVA and lmms-eval use and which first takes commas and question marks away.
"""

from __future__ import annotations

import functools
import re

# The marks are those of vqaEval.py, in its order. The apostrophe is not among the marks (of
# "isn't" it is a part), and neither is the colon.
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_DIGIT_COMMA_DIGIT = re.compile(r"\d,\d")
# Their pattern means to spare decimals; its look-behind is misspelt, so that only what follows
# the period counts. Their flag stands where re.sub takes a count: at most 32 are removed.
_PERIOD = re.compile(r"\.(?!\d)")
_PERIODS = 32
_DIGITS = "zero one two three four five six seven eight nine ten"
_NUMBERS = {word: str(value) for value, word in enumerate(_DIGITS.split())} | {"none": "0"}
# They go wherever they stand: of "a" and of "the" nothing is left, so that the two agree.
_ARTICLES = frozenset(("a", "an", "the"))

_FORMS = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't
haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've
might've mustn't must've needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've
shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll
someone's something'd something'd've something'll that's there'd there'd've there're there's they'd
they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've
when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't
would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""


def _contractions() -> dict[str, str]:
    """Words that lack one apostrophe -> the word with all of them."""
    table = {
        form[:place] + form[place + 1 :]: form
        for form in _FORMS.split()
        for place, letter in enumerate(form)
        if letter == "'"
    }
    return table | {"somebody'd": "somebodyd"}  # theirs goes the other way


_CONTRACTIONS = _contractions()


# People say the same things: of VQAv2's two million answers there are but thousands.
@functools.lru_cache(maxsize=2**17)
def normalized(text: str) -> str:
    """An answer as the challenge's code compares it."""
    return _words(_without_punctuation(one_line(text)))


def normalized_evalai(text: str) -> str:
    """An answer as EvalAI's processor (LLaVA's, lmms-eval's) compares it."""
    text = text.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip()
    return normalized(text)


def one_line(text: str) -> str:
    """Line ends and tabs as blanks, none at the ends."""
    return text.replace("\n", " ").replace("\t", " ").strip()


def _without_punctuation(text: str) -> str:
    """Marks go where one of their kind touches a blank, or a number is grouped by commas; else
    they become blanks."""
    # "1,000" -> "1000", but then all marks of that answer vanish: "1,000 red/blue" -> "1000
    # redblue".
    grouped = _DIGIT_COMMA_DIGIT.search(text) is not None
    found = text
    for mark in _PUNCTUATION:
        # In the text as it came: what an earlier mark has left does not count.
        touches = f"{mark} " in text or f" {mark}" in text
        found = found.replace(mark, "" if touches or grouped else " ")
    return _PERIOD.sub("", found, count=_PERIODS)


def _words(text: str) -> str:
    """Lower case, number words as digits, no articles, apostrophes restored."""
    words = [_NUMBERS.get(word, word) for word in text.lower().split()]
    return " ".join(_CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)
