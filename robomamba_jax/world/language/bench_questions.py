# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Questions of benchmarks about one scene, with short answers."""

from __future__ import annotations

from collections.abc import Sequence

from robomamba_jax.config.tree import tree_from_json
from robomamba_jax.evaluation.synthetic.export_benchmarks import Entry
from robomamba_jax.utils.json_types import JsonObject
from robomamba_jax.world.language import wording_checks as wc
from robomamba_jax.world.language import wording_lists as w
from robomamba_jax.world.language.captions import (
    OPENS,
    action_of,
    caption,
    motion_of,
    nouns_of,
    numbered,
    plan_steps,
)
from robomamba_jax.world.language.facts import Facts, PartState
from robomamba_jax.world.language.wording import Wording, article
from robomamba_jax.world.objects.colors import COLORS

_OPTIONS = 4
_MOTIONS = ("turns on a hinge", "slides in and out")

Pair = tuple[Entry, Entry]


def facts_of(content: JsonObject) -> Facts:
    """Facts out of their JSON form."""
    return tree_from_json(Facts, content, "a scene")


def things_of(facts: Facts) -> list[str]:
    """The objects in the image."""
    return [facts.noun, *(thing.shape for thing in facts.things)]


def objects_of(facts: Facts) -> list[str]:
    """What one would say is in the image: objects, and their parts."""
    return [*things_of(facts), *facts.visible]


def short_questions(image: str, facts: Facts, words: Wording) -> list[Entry]:
    """What, which colour, how many, in which state."""
    noun = facts.noun
    found = [
        Entry(image, words.say(w.ASK_CATEGORY), noun, "category"),
        Entry(image, words.say(w.ASK_COLOR, noun=noun), facts.color, "color"),
    ]
    if facts.counts:
        name, count = facts.counts[0]
        asked = words.say(w.ASK_COUNT, noun=noun, parts=f"{name}s")
        found.append(Entry(image, asked, str(count), "count"))
    part = _single(facts)
    if part is not None:
        asked = words.say(w.ASK_STATE, noun=noun, part=part.part)
        # Who calls a door that stands ajar open is right, too.
        also = "open" if part.state == "slightly open" else ""
        found.append(Entry(image, asked, part.state, "state", also))
    return found


def _single(facts: Facts) -> PartState | None:
    """A part that opens and is the only one of its name."""
    return next((part for part in facts.single_parts if part.part in OPENS), None)


def yes_no_questions(image: str, facts: Facts, words: Wording) -> list[Entry]:
    """A part that is there and one that is not."""
    found = []
    for names, answer in ((facts.visible, "yes"), (facts.lacks, "no")):
        if names:
            part = words.rng.choice(names)
            asked = words.say(wc.ASK_PART, noun=facts.noun, part=part)
            found.append(Entry(image, asked, answer, "part"))
    return found


def knowledge(image: str, facts: Facts, words: Wording) -> list[Entry]:
    """What the image does not show by itself: what moves, and how."""
    if not facts.parts:
        return []
    part = words.rng.choice(facts.parts)
    others = [p.part for p in facts.parts if p.part != part.part]
    movable = words.say(w.ASK_MOVABLE, noun=facts.noun)
    motion = words.say(w.ASK_MOTION, noun=facts.noun, part=part.part)
    return [
        Entry(image, movable, part.part, "movable", others[0] if others else ""),
        Entry(image, motion, motion_of(part), "motion"),
    ]


def photographs(image: str, facts: Facts, words: Wording, *, answerable: bool) -> list[Entry]:
    """As people ask who cannot see whether their image shows what they ask about."""
    if answerable:
        return [Entry(image, words.say(w.ASK_COLOR, noun=facts.noun), facts.color, "color")]
    absent = words.rng.choice(facts.absent_shapes) if facts.absent_shapes else "sign"
    asked = words.say(w.ASK_COLOR, noun=absent)
    return [Entry(image, asked, "unanswerable", "color", "unsuitable")]


def free_questions(image: str, facts: Facts, words: Wording) -> list[Entry]:
    """Sentences for a judge: a description, and a plan."""
    described = caption(facts, words)
    found = [Entry(image, described.question, described.answer, "rec,gen")]
    if facts.parts:
        part = facts.parts[0]
        asked = words.say(w.ASK_PLAN, action=action_of(part, facts.noun))
        found.append(Entry(image, asked, numbered(plan_steps(part), part.part), "know,gen"))
    return found


def there_or_not(
    image: str, facts: Facts, words: Wording, kind: str, ranking: Sequence[str]
) -> list[Entry]:
    """Something that is there, and something absent, chosen as POPE does.

    Args:
      image: the image.
      facts: of it.
      words: of the split.
      kind: "random" (anything), "popular" (what most images have), or "adversarial" (what goes
        with what is there).
      ranking: what images show, the most frequent first.
    """
    here = {*objects_of(facts), *(part.part for part in facts.parts), *facts.resembles}
    present = words.rng.choice(things_of(facts))
    absent = [name for name in ranking if name not in here]
    if kind == "popular":
        # POPE's popular objects: the most frequent of those that are absent.
        absent = absent[:3]
    elif kind == "adversarial":
        # POPE's adversarial ones go with what is there; here parts that the category may have.
        absent = [name for name in facts.lacks if name not in here] or absent[:1]
    if not absent:
        return []
    return [
        Entry(image, words.say(wc.ASK_OBJECT, a_noun=article(name)), answer, kind)
        for name, answer in ((present, "yes"), (words.rng.choice(absent), "no"))
    ]


def pairs(image: str, facts: Facts, words: Wording) -> dict[str, Pair]:
    """MME's sub-tasks that a scene allows: one question with yes, one with no."""
    noun = facts.noun
    here = {*objects_of(facts), *facts.resembles}
    absent = [known for known in nouns_of(words.split) if known not in here]

    def pair(phrases: Sequence[str], right: str, wrong: str, name: str, **more: str) -> Pair:
        """The same question about what is right and about what is wrong."""
        asked = [words.say(phrases, **more, **{name: value}) for value in (right, wrong)]
        return Entry(image, asked[0], "yes"), Entry(image, asked[1], "no")

    other = article(words.rng.choice(absent))
    found = {
        "existence": pair(wc.ASK_OBJECT, article(noun), other, "a_noun"),
        "color": pair(wc.ASK_IS_COLOR, facts.color, _other(facts.color, words), "color", noun=noun),
    }
    if facts.counts:
        name, count = facts.counts[0]
        # Off by one, and never none: a number that one has to count for.
        wrong = count + 1 if count == 1 or words.rng.chance(0.5) else count - 1
        more = {"noun": noun, "parts": f"{name}s"}
        found["count"] = pair(wc.ASK_IS_COUNT, str(count), str(wrong), "count", **more)
    thing = facts.beside
    if thing is not None:
        other = "right" if thing.side == "left" else "left"
        more = {"noun": noun, "thing": thing.shape}
        found["position"] = pair(wc.ASK_IS_SIDE, thing.side, other, "side", **more)
    if facts.parts:
        motion = motion_of(facts.parts[0])
        still = next(text for text in _MOTIONS if text != motion)
        part = facts.parts[0].part
        found["commonsense_reasoning"] = pair(wc.ASK_IS_MOTION, motion, still, "motion", part=part)
    return found


def _other(color: str, words: Wording) -> str:
    return words.rng.choice([name for name in COLORS if name != color])


def cover_pair(image: str, book: dict[str, str], other: dict[str, str]) -> Pair:
    """MME's OCR: whether a title is on a cover."""
    ask = 'Is the title of this book "{}"?'.format
    wrong = other["title"] if other["title"] != book["title"] else f"Not {book['title']}"
    return Entry(image, ask(book["title"]), "yes"), Entry(image, ask(wrong), "no")


def choices(image: str, facts: Facts, words: Wording) -> list[Entry]:
    """Questions with four options, or three: object, colour, state, motion."""
    not_right = {facts.noun, *facts.resembles}
    nouns = [known for known in nouns_of(words.split) if known not in not_right]
    asked = words.say(w.ASK_CATEGORY)
    found = [_choice(image, words, asked, facts.noun, nouns, "object_recognition")]
    asked = words.say(w.ASK_COLOR, noun=facts.noun)
    colors = [name for name in COLORS if name != facts.color]
    found.append(_choice(image, words, asked, facts.color, colors, "attribute_recognition"))
    part = _single(facts)
    if part is not None:
        asked = words.say(w.ASK_STATE, noun=facts.noun, part=part.part)
        states = [name for name in ("closed", "slightly open", "open") if name != part.state]
        found.append(_choice(image, words, asked, part.state, states, "state_recognition"))
    return found


def _choice(
    image: str, words: Wording, asked: str, right: str, wrong: Sequence[str], kind: str
) -> Entry:
    # Shuffled once more, or the right option would always stand first.
    options = [right, *words.rng.shuffled(wrong, _OPTIONS - 1)]
    return Entry(image, asked, right, kind, options=tuple(words.rng.shuffled(options)))
