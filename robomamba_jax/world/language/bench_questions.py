# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Questions of benchmarks about one scene, with short answers."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from robomamba_jax.config.tree import tree_from_json
from robomamba_jax.evaluation.synthetic.export_benchmarks import Entry
from robomamba_jax.utils.json_types import JsonObject
from robomamba_jax.world.language import wording_checks as wc
from robomamba_jax.world.language import wording_lists as w
from robomamba_jax.world.language import wording_more as wm
from robomamba_jax.world.language.absent import COLORS_SEEN, COUNTS_SEEN, means, parts_of
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
from robomamba_jax.world.language.turns import UNANSWERABLE
from robomamba_jax.world.language.vocabulary import SEEN_NOUNS, plural
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


@dataclasses.dataclass(frozen=True)
class Subject:
    """Something that can be asked about one scene, and asked in vain about another.

    Attributes:
      name: what it is about: an object, a plain thing or a part.
      kind: "color", "side", "state" or "count".
      phrases: how it is asked.
      fields: what fills the phrases.
      answer: where the thing is there.
    """

    name: str
    kind: str
    phrases: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    answer: str

    def ask(self, words: Wording) -> str:
        """The question."""
        return words.say(self.phrases, **dict(self.fields))


def subjects(facts: Facts) -> list[Subject]:
    """Everything of a scene that a short question can be asked about: the object, plain things,
    parts."""
    noun = facts.noun
    found = [Subject(noun, "color", w.ASK_COLOR, (("noun", noun),), facts.color)]
    shapes = [thing.shape for thing in facts.things]
    for thing in facts.things:
        if shapes.count(thing.shape) == 1:
            name = thing.shape
            found += [
                Subject(name, "color", w.ASK_COLOR, (("noun", name),), thing.color),
                Subject(name, "side", wm.ASK_SIDE, (("thing", name), ("noun", noun)), thing.side),
            ]
    for part in facts.single_parts:
        if part.part in OPENS:
            fields = (("part", part.part), ("noun", noun))
            found.append(Subject(part.part, "state", w.ASK_STATE, fields, part.state))
    for name, count in facts.counts:
        fields = (("parts", plural(name)), ("noun", noun))
        found.append(Subject(name, "count", w.ASK_COUNT, fields, str(count)))
    return found


def names_of(facts: Facts) -> list[str]:
    """All that could be asked about: the object, things, parts in view, and what they resemble."""
    return [*objects_of(facts), *(part.part for part in facts.parts), *facts.resembles]


def photographs(scenes: Sequence[tuple[str, Facts]], words: Wording) -> list[Entry]:
    """As people ask who cannot see whether their image shows it: one question about each
    image. Half of them ask what another image's question asks, where it has no answer, so that
    the words of a question say nothing about its answer."""
    order = words.rng.shuffled(range(len(scenes)))
    there, vain = order[::2], order[1::2]
    asked = {number: words.rng.choice(subjects(scenes[number][1])) for number in there}
    found = {
        number: Entry(scenes[number][0], one.ask(words), one.answer, one.kind)
        for number, one in asked.items()
    }
    waiting = words.rng.shuffled(list(asked.values()))
    for number in vain:
        image, facts = scenes[number]
        known = names_of(facts)
        k = next((k for k, one in enumerate(waiting) if not means(one.name, known)), None)
        if k is not None:
            one = waiting.pop(k)
            found[number] = Entry(image, one.ask(words), UNANSWERABLE, one.kind, "unsuitable")
    # What nobody could be asked in vain would be known to have an answer.
    for number, one in asked.items():
        if one in waiting:
            waiting.remove(one)
            del found[number]
    return [found[number] for number in sorted(found)]


def free_questions(image: str, facts: Facts, words: Wording) -> list[Entry]:
    """Sentences for a judge: a description, and a plan."""
    described = caption(facts, words)
    found = [Entry(image, described.question, described.answer, "rec,gen")]
    if facts.parts:
        part = facts.parts[0]
        asked = words.say(w.ASK_PLAN, action=action_of(part, facts.noun))
        found.append(Entry(image, asked, numbered(plan_steps(part), part.part), "know,gen"))
    return found


def there_or_not(scenes: Sequence[tuple[str, Facts]], words: Wording, kind: str) -> list[Entry]:
    """Something that is there, and something absent, chosen as POPE does; over all images every
    name as often there as not, so that a name alone says nothing.

    Args:
      scenes: images and what is true of them.
      words: of the split.
      kind: "random" (any object), "popular" (what most images have), or "adversarial" (parts, which
        go with what is there).
    """
    ranking = Counter(name for _, facts in scenes for name in set(things_of(facts)))
    # Ties by name: the ranking depends on the counts alone.
    ranked = sorted(ranking, key=lambda name: (-ranking[name], name))
    popular = frozenset(ranked[: -(-len(ranked) // 2)])
    goes_with: dict[str, set[str]] = {}
    for _, facts in scenes:
        goes_with.setdefault(facts.noun, set()).update(parts_of(facts), facts.lacks)

    def candidates(facts: Facts) -> list[str]:
        """What may be asked about because it is there."""
        if kind == "adversarial":
            return parts_of(facts)
        return [name for name in things_of(facts) if kind == "random" or name in popular]

    def absent(facts: Facts, name: str) -> bool:
        """Whether a name may be asked about because it is not."""
        goes = kind != "adversarial" or name in goes_with[facts.noun]
        return goes and not means(name, names_of(facts))

    chosen = {
        number: words.rng.choice(names)
        for number, (_, facts) in enumerate(scenes)
        if (names := candidates(facts))
    }
    waiting = words.rng.shuffled(list(chosen.values()))
    found: list[tuple[int, str, str]] = []
    for number in words.rng.shuffled(range(len(scenes))):
        facts = scenes[number][1]
        k = next((k for k, name in enumerate(waiting) if absent(facts, name)), None)
        if k is not None:
            found.append((number, waiting.pop(k), "no"))
    for number, name in chosen.items():
        if name in waiting:
            waiting.remove(name)
        else:
            found.append((number, name, "yes"))
    return [
        Entry(scenes[number][0], words.say(wc.ASK_OBJECT, a_noun=article(name)), answer, kind)
        for number, name, answer in sorted(found, key=lambda one: (one[0], one[2] != "yes"))
    ]


@dataclasses.dataclass(frozen=True)
class Others:
    """What other images show: what is asked about in vain is drawn from it.

    Attributes:
      nouns: of objects.
      colors: of objects.
      counts: of parts.
    """

    nouns: tuple[str, ...]
    colors: tuple[str, ...]
    counts: tuple[int, ...]


def others_in(scenes: Sequence[tuple[str, Facts]]) -> Others:
    """Of some images."""
    known = [facts for _, facts in scenes]
    return Others(
        tuple(facts.noun for facts in known),
        tuple(facts.color for facts in known),
        tuple(facts.counts[0][1] for facts in known if facts.counts),
    )


# What the training split's images show, see ``absent``.
_TRAINING = Others(
    SEEN_NOUNS,
    tuple(color for color, weight in COLORS_SEEN.items() for _ in range(weight // 10)),
    tuple(count for count, weight in COUNTS_SEEN.items() for _ in range(weight // 5)),
)


def pairs(image: str, facts: Facts, words: Wording, others: Others = _TRAINING) -> dict[str, Pair]:
    """MME's sub-tasks that a scene allows: one question with yes, one with no, about what others
    show."""
    noun = facts.noun
    absent = [known for known in others.nouns if not means(known, names_of(facts))]
    absent = absent or [known for known in nouns_of(words.split) if known != noun]
    colors = [color for color in others.colors if color != facts.color]
    colors = colors or [name for name in COLORS if name != facts.color]

    def pair(phrases: Sequence[str], right: str, wrong: str, name: str, **more: str) -> Pair:
        """The same question about what is right and about what is wrong."""
        asked = [words.say(phrases, **more, **{name: value}) for value in (right, wrong)]
        return Entry(image, asked[0], "yes"), Entry(image, asked[1], "no")

    other = article(words.rng.choice(absent))
    found = {
        "existence": pair(wc.ASK_OBJECT, article(noun), other, "a_noun"),
        "color": pair(wc.ASK_IS_COLOR, facts.color, words.rng.choice(colors), "color", noun=noun),
    }
    if facts.counts:
        name, count = facts.counts[0]
        # As often as it is right elsewhere; where all have as many, off by one and never none.
        counts = [other for other in others.counts if other != count] or [count + 1]
        wrong = words.rng.choice(counts)
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
