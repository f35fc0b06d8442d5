# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Instructions of other kinds than conversations, as LLaVA's mixture has them: short answers,
yes or no, options' letters, and places in the image. Each becomes a record of LLaVA's file.
"""

from __future__ import annotations

from robomamba_jax.evaluation.benchmarks.mmbench import with_options
from robomamba_jax.evaluation.benchmarks.prompts import apply_style
from robomamba_jax.evaluation.metrics.multiple_choice import LETTERS
from robomamba_jax.evaluation.synthetic.export_benchmarks import MME_SUFFIX, Entry
from robomamba_jax.world.language import bench_questions as q
from robomamba_jax.world.language import wording_checks as wc
from robomamba_jax.world.language.absent import World, parts_of
from robomamba_jax.world.language.captions import Pair, nouns_of
from robomamba_jax.world.language.facts import Facts, percent
from robomamba_jax.world.language.wording import Wording, article

_SHORT_TURNS, _YES_NO_TURNS, _POINT_TURNS = 8, 7, 3


def instructions(facts: Facts, words: Wording) -> list[list[Pair]]:
    """Conversations about a scene, one of each kind; those that it has nothing for are left out.

    What asks for a short answer stands in a conversation's first question alone, as in LLaVA's
    mixture. No answer may follow from what was said before it, or a model learns to read the
    conversation instead of the image: what is there is asked before the object is named, and of
    a question that is right and its counterpart that is wrong one alone is asked.
    """
    kinds = (short_answers, there_or_not, yes_or_no, letters, points)
    return [found for found in (kind(facts, words) for kind in kinds) if found]


def short_answers(facts: Facts, words: Wording) -> list[Pair]:
    """What VQA's sets ask, answered by a word."""
    entries = [
        *q.short_questions("", facts, words),
        *q.yes_no_questions("", facts, words),
        *q.knowledge("", facts, words),
    ]
    pairs = [Pair(entry.kind, entry.question, entry.answer) for entry in entries]
    return _styled(words.rng.shuffled(pairs, _SHORT_TURNS), "short")


def there_or_not(facts: Facts, words: Wording) -> list[Pair]:
    """What POPE asks, answered by a word. By itself: in front of other short answers its kind would
    be all that training ever asks in that style's words."""
    found = [Pair(entry.kind, entry.question, entry.answer) for entry in _objects(facts, words)]
    return _styled(found, "short")


def _objects(facts: Facts, words: Wording) -> list[Entry]:
    """Whether the object is there, or another; whether a plain thing is; whether a part is: in a
    drawn order, each with yes as often as with no."""
    here = set(q.objects_of(facts)) | {part.part for part in facts.parts}
    known = [name for name in nouns_of(words.split) if name not in facts.resembles]
    absent = [name for name in known if name not in here]
    pairs = [(facts.noun, words.rng.choice(absent))]
    if facts.things and facts.absent_shapes:
        thing = words.rng.choice(facts.things)
        pairs.append((thing.shape, words.rng.choice(facts.absent_shapes)))
    if visible := parts_of(facts):
        pairs.append((words.rng.choice(visible), World().part(facts, words.rng)))
    found = []
    for present, absent in pairs:
        name, answer = words.rng.choice([(present, "yes"), (absent, "no")])
        asked = words.say(wc.ASK_OBJECT, a_noun=article(name))
        found.append(Entry("", asked, answer, "object"))
    return words.rng.shuffled(found)


def yes_or_no(facts: Facts, words: Wording) -> list[Pair]:
    """MME's questions: what is there, then colour, number, side and motion, right or wrong."""
    pairs = q.pairs("", facts, words)
    del pairs["existence"]  # asked of more than the object itself:
    entries = _objects(facts, words)
    rest = [words.rng.choice(list(pair)) for pair in pairs.values()]
    entries += words.rng.shuffled(rest, _YES_NO_TURNS - len(entries))
    return [
        Pair("verify", f"{entry.question}{MME_SUFFIX}", entry.answer.capitalize())
        for entry in entries
    ]


def letters(facts: Facts, words: Wording) -> list[Pair]:
    """MMBench's questions, answered by an option's letter; the first is what the object is."""
    pairs = []
    for entry in q.choices("", facts, words):
        options = dict(zip(LETTERS, entry.options, strict=False))
        asked = apply_style(with_options(entry.question, options), "letter")
        right = next(letter for letter, text in options.items() if text == entry.answer)
        pairs.append(Pair("letter", asked, right))
    return [pairs[0], *words.rng.shuffled(pairs[1:])]


def points(facts: Facts, words: Wording) -> list[Pair]:
    """Where something is, and where to touch: x, y in percent of the image's sides."""
    found = [
        Pair("point", words.say(wc.ASK_POINT, part=name, noun=facts.noun), _point(x, y))
        for name, x, y in facts.places
    ]
    # One turn is left for where to touch.
    found = words.rng.shuffled(found, _POINT_TURNS - 1)
    if facts.touch is not None:
        asked = words.say(wc.ASK_TOUCH, noun=facts.noun)
        found.append(Pair("touch", asked, _point(*facts.touch)))
    return words.rng.shuffled(found, _POINT_TURNS)


def touch(noun: str, contact: tuple[float, float], words: Wording) -> Pair:
    """Where to touch, for a pose that worked.

    Args:
      noun: the object.
      contact: (x, y), shares of the image's sides.
      words: of the split.
    """
    return Pair("touch", words.say(wc.ASK_TOUCH, noun=noun), _point(*percent(contact)))


def _point(x: int, y: int) -> str:
    return wc.SAY_POINT.format(x=x, y=y)


def _styled(pairs: list[Pair], style: str) -> list[Pair]:
    """The first question in a style."""
    if not pairs:
        return []
    first = pairs[0]
    return [Pair(first.kind, apply_style(first.question, style), first.answer), *pairs[1:]]
