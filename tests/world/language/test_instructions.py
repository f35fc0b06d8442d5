# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Short answers, yes or no, letters, places: read back out of their words, and looked up."""

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest

from robomamba_jax.evaluation.benchmarks.prompts import STYLES
from robomamba_jax.evaluation.synthetic.export_benchmarks import MME_SUFFIX
from robomamba_jax.world.language import wording_checks as wc
from robomamba_jax.world.language import wording_lists as w
from robomamba_jax.world.language.bench_questions import facts_of
from robomamba_jax.world.language.captions import Pair, motion_of
from robomamba_jax.world.language.facts import Facts, scene_facts
from robomamba_jax.world.language.instructions import (
    instructions,
    letters,
    points,
    short_answers,
    there_or_not,
    touch,
    yes_or_no,
)
from robomamba_jax.world.language.wording import Wording, article
from robomamba_jax.world.objects.catalog import BUILDERS, make_object
from robomamba_jax.world.objects.categories import CATEGORIES, SEEN, UNSEEN
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.sim.scenes import draw_scene
from robomamba_jax.world.sim.simulator import CameraFrame, SimScene, Simulator
from robomamba_jax.world.sim.surfaces import surface_points
from tests.world.recorded import read, recorded

SEEDS = range(6)
SIZE = 160
SHORT, LETTER = STYLES["short"][1], STYLES["letter"][1]


class Scene(NamedTuple):
    """A scene, and what is known of it."""

    scene: SimScene
    view: CameraFrame
    facts: Facts


@pytest.fixture(scope="module")
def scenes(simulator: Simulator) -> dict[tuple[str, str], Scene]:
    """(category, split) -> a scene; training has no unseen categories."""
    found = {}
    for number, category in enumerate(BUILDERS):
        for split in ("train", "test") if category in SEEN else ("test",):
            model = make_object(category, split, number)
            spec = draw_scene(model, Rng((number,)), SIZE, things=2, closed_share=0.35)
            scene = SimScene(simulator, spec)
            view = scene.render()
            found[category, split] = Scene(scene, view, scene_facts(scene, view))
    return found


def said(scenes: dict[tuple[str, str], Scene], kind: str = "") -> Iterator[tuple[Facts, Pair]]:
    """What is said of all scenes in their own split's words, with several seeds."""
    makers = {
        "short": short_answers,
        "there": there_or_not,
        "yes": yes_or_no,
        "letters": letters,
        "points": points,
    }
    for (_, split), scene in scenes.items():
        for seed in SEEDS:
            words = recorded(seed, split)
            for name, make in makers.items():
                if kind in ("", name):
                    for pair in make(scene.facts, words):
                        yield scene.facts, pair


def is_there(facts: Facts, name: str) -> bool:
    """Whether something of a name can be seen: an object, a thing, a part."""
    names = {facts.noun, *(thing.shape for thing in facts.things), *facts.visible}
    return name in names | {part.part for part in facts.parts}


def check_short(facts: Facts, kind: str, question: str, answer: str) -> None:
    """A short answer against the facts."""
    if kind == "category":
        assert read(question, w.ASK_CATEGORY) is not None
        assert answer == facts.noun
    elif kind == "color":
        assert read(question, w.ASK_COLOR, noun=facts.noun) == {}
        assert answer == facts.color
    elif kind == "count":
        asked = read(question, w.ASK_COUNT, noun=facts.noun)
        assert asked is not None
        assert answer == str(dict(facts.counts)[asked["parts"].removesuffix("s")])
    elif kind == "state":
        asked = read(question, w.ASK_STATE, noun=facts.noun)
        assert asked is not None
        (state,) = [part.state for part in facts.parts if part.part == asked["part"]]
        assert answer == state
    elif kind == "part":
        asked = read(question, wc.ASK_PART, noun=facts.noun)
        assert asked is not None
        assert answer == ("yes" if asked["part"] in facts.visible else "no")
        assert (asked["part"] in facts.lacks) == (answer == "no")
    elif kind == "movable":
        assert read(question, w.ASK_MOVABLE, noun=facts.noun) is not None
        assert answer in {part.part for part in facts.parts}
    elif kind == "motion":
        asked = read(question, w.ASK_MOTION, noun=facts.noun)
        assert asked is not None
        assert answer in {motion_of(p) for p in facts.parts if p.part == asked["part"]}
    else:
        assert kind == "object"
        asked = read(question, wc.ASK_OBJECT)
        assert asked is not None
        name = asked["a_noun"].partition(" ")[2]
        assert asked["a_noun"] == article(name)
        assert answer == ("yes" if is_there(facts, name) else "no")


@pytest.mark.slow
def test_short_answers_are_true(scenes: dict[tuple[str, str], Scene]) -> None:
    """Each in a word or two; every kind comes up, and objects with yes as often as with no."""
    kinds, objects = set(), []
    for facts, pair in [*said(scenes, "short"), *said(scenes, "there")]:
        check_short(facts, pair.kind, pair.question.removesuffix(SHORT), pair.answer)
        kinds.add(pair.kind)
        objects += [pair.answer] if pair.kind == "object" else []
    expected = {"category", "color", "count", "state", "part", "movable", "motion", "object"}
    assert kinds == expected
    assert 0.4 < objects.count("yes") / len(objects) < 0.6


@pytest.mark.slow
def test_every_kind_of_short_answer_is_asked_for_as_such(
    scenes: dict[tuple[str, str], Scene],
) -> None:
    """The style's words stand beside each kind, or a model takes them for what is asked."""
    kinds = {pair.kind for _, pair in said(scenes, "short") if pair.question.endswith(SHORT)}
    assert kinds == {"category", "color", "count", "state", "part", "movable", "motion"}


def truth(facts: Facts, question: str) -> bool:
    """Whether what a question of MME's kind asks is so."""
    if (asked := read(question, wc.ASK_IS_COLOR, noun=facts.noun)) is not None:
        return asked["color"] == facts.color
    if (asked := read(question, wc.ASK_IS_SIDE, noun=facts.noun)) is not None:
        (thing,) = facts.things
        return (asked["thing"], asked["side"]) == (thing.shape, thing.side)
    for part in facts.parts:
        if (asked := read(question, wc.ASK_IS_MOTION, noun=facts.noun, part=part.part)) is not None:
            same = [other for other in facts.parts if other.part == part.part]
            return asked["motion"] in map(motion_of, same)
    if (asked := read(question, wc.ASK_IS_COUNT, noun=facts.noun)) is not None:
        return dict(facts.counts)[asked["parts"].removesuffix("s")] == int(asked["count"])
    asked = read(question, wc.ASK_OBJECT)
    assert asked is not None, question
    return is_there(facts, asked["a_noun"].partition(" ")[2])


@pytest.mark.slow
def test_yes_means_yes(scenes: dict[tuple[str, str], Scene]) -> None:
    """MME's suffix on each question; as often yes as no over all of them."""
    answers = []
    for facts, pair in said(scenes, "yes"):
        assert pair.question.endswith(MME_SUFFIX)
        assert pair.answer in ("Yes", "No")
        assert truth(facts, pair.question.removesuffix(MME_SUFFIX)) == (pair.answer == "Yes")
        answers.append(pair.answer)
    assert 0.4 < answers.count("Yes") / len(answers) < 0.6


@pytest.mark.slow
def test_no_answer_follows_from_what_was_said(scenes: dict[tuple[str, str], Scene]) -> None:
    """What is there is asked before anything names the object, and nothing is asked twice: where a
    question's counterpart was answered, too, a model learns to read the conversation alone."""
    about = {
        "color": wc.ASK_IS_COLOR,
        "side": wc.ASK_IS_SIDE,
        "count": wc.ASK_IS_COUNT,
        "motion": wc.ASK_IS_MOTION,
    }
    first_answers, seen = [], set()
    for (_, split), scene in scenes.items():
        facts = scene.facts
        for seed in SEEDS:
            words = recorded(seed, split)
            for turns in (there_or_not(facts, words), yes_or_no(facts, words)):
                plain = [
                    pair.question.removesuffix(SHORT).removesuffix(MME_SUFFIX) for pair in turns
                ]
                objects = [
                    None if pair.kind not in ("object", "verify") else read(text, wc.ASK_OBJECT)
                    for pair, text in zip(turns, plain, strict=True)
                ]
                count = len([asked for asked in objects if asked is not None])
                assert 1 <= count <= 3
                assert None not in objects[:count]
                asked = [known["a_noun"] for known in objects[:count] if known is not None]
                assert len(set(asked)) == count
                first_answers.append(turns[0].answer.lower())
            fields = {"noun": facts.noun}
            for text in plain:  # MME's
                for name, phrases in about.items():
                    parts = {part.part for part in facts.parts} if name == "motion" else {""}
                    known = [{**fields, **({"part": part} if part else {})} for part in parts]
                    if any(read(text, phrases, **each) is not None for each in known):
                        assert (seed, split, facts.category, name) not in seen
                        seen.add((seed, split, facts.category, name))
            assert read(letters(facts, words)[0].question.split("\n")[0], w.ASK_CATEGORY) == {}
    assert {name for *_, name in seen} == set(about)
    assert 0.4 < first_answers.count("yes") / len(first_answers) < 0.6


@pytest.mark.slow
def test_letters_name_the_right_option(scenes: dict[tuple[str, str], Scene]) -> None:
    """One option is right, and it is that of the letter; each letter is right now and then."""
    right = []
    for facts, pair in said(scenes, "letters"):
        assert pair.question.endswith(LETTER)
        question, *lines = pair.question.removesuffix(LETTER).split("\n")
        options = dict(line.split(". ", 1) for line in lines)
        assert list(options) == list("ABCD")[: len(options)]
        assert len(set(options.values())) == len(options) >= 3
        if read(question, w.ASK_CATEGORY) is not None:
            wanted = {facts.noun}
        elif read(question, w.ASK_COLOR, noun=facts.noun) is not None:
            wanted = {facts.color}
        else:
            asked = read(question, w.ASK_STATE, noun=facts.noun)
            assert asked is not None
            wanted = {part.state for part in facts.parts if part.part == asked["part"]}
        assert [letter for letter, text in options.items() if text in wanted] == [pair.answer]
        right.append(pair.answer)
    assert all(right.count(letter) > 0.15 * len(right) for letter in "ABCD")


def box(view: CameraFrame, x: int, y: int) -> np.ndarray:
    """The centres of the pixels in which a place may lie that is said in whole percent."""
    height, width = view.links.shape
    columns = np.arange(int(x * width / 100), min(width, int((x + 1) * width / 100) + 1))
    rows = np.arange(int(y * height / 100), min(height, int((y + 1) * height / 100) + 1))
    return np.array([(c + 0.5, r + 0.5) for r in rows for c in columns])


def links_in(view: CameraFrame, pixels: np.ndarray) -> set[int]:
    """The links that pixels show."""
    return {int(view.links[int(y), int(x)]) for x, y in pixels}


def of_link(view: CameraFrame, link: int, pixels: np.ndarray) -> np.ndarray:
    """Those of the pixels that show a link."""
    return np.array([(x, y) for x, y in pixels if view.links[int(y), int(x)] == link])


@pytest.mark.slow
@pytest.mark.parametrize("category", BUILDERS)
def test_places_lie_on_what_they_name(scenes: dict[tuple[str, str], Scene], category: str) -> None:
    """In the picture, and a ray through it meets that piece of that link first; the place to
    touch is on a part that moves."""
    for split in ("train", "test") if category in SEEN else ("test",):
        scene, view, facts = scenes[category, split]
        names = [name for name, _, _ in facts.places]
        assert len(set(names)) == len(names)
        assert set(names) <= set(facts.visible)
        for name, x, y in facts.places:
            assert 0 <= x < 100
            assert 0 <= y < 100
            pixels = box(view, x, y)
            shown = [
                contact
                for link in links_in(view, pixels) - {-1}
                for contact in surface_points(scene, link, of_link(view, link, pixels))
            ]
            assert name in {contact.label for contact in shown}
        if facts.touch is not None:
            assert links_in(view, box(view, *facts.touch)) & set(scene.spec.model.movable)


@pytest.mark.slow
def test_points_say_where_it_is(scenes: dict[tuple[str, str], Scene]) -> None:
    """x, y in percent and nothing else: the place that the facts have for the name."""
    kinds = set()
    for facts, pair in said(scenes, "points"):
        found = re.fullmatch(r"(\d{1,2}), (\d{1,2})", pair.answer)
        assert found, pair.answer
        at = (int(found[1]), int(found[2]))
        if pair.kind == "touch":
            assert read(pair.question, wc.ASK_TOUCH, noun=facts.noun) is not None
            assert at == facts.touch
        else:
            asked = read(pair.question, wc.ASK_POINT, noun=facts.noun)
            assert asked is not None
            assert (asked["part"], *at) in facts.places
        kinds.add(pair.kind)
    assert kinds == {"point", "touch"}


@pytest.mark.slow
def test_where_a_pose_touched() -> None:
    """Shares of the sides, rounded down as all places are."""
    words = recorded(0, "train")
    pair = touch("safe", (0.4799, 0.9999), words)
    assert (pair.kind, pair.answer) == ("touch", "47, 99")
    assert read(pair.question, wc.ASK_TOUCH) == {"noun": "safe"}


@pytest.mark.slow
def test_a_short_answer_is_asked_for_once(scenes: dict[tuple[str, str], Scene]) -> None:
    """In the first question of that conversation, and nowhere in the others."""
    for (_, split), scene in scenes.items():
        for seed in SEEDS:
            found = instructions(scene.facts, recorded(seed, split))
            assert 4 <= len(found) <= 5
            asked = [[SHORT.strip() in pair.question for pair in turns] for turns in found]
            assert asked[0][0]
            assert asked[1][0]
            assert not any(any(turns[1:]) for turns in asked)
            assert not any(any(turns) for turns in asked[2:])
            assert all(turns for turns in found)
            assert 2 <= len(found[0]) <= 8
            assert 1 <= len(found[1]) <= 3


@pytest.mark.slow
def test_what_a_scene_has_not_is_left_out(scenes: dict[tuple[str, str], Scene]) -> None:
    """No parts, no things, no places: no empty conversation, and no question about them."""
    bare = dataclasses.replace(
        scenes["Safe", "train"].facts,
        **dict.fromkeys(("parts", "visible", "lacks", "counts", "things", "places"), ()),
        touch=None,
    )
    for seed in SEEDS:
        words = recorded(seed, "train")
        found = instructions(bare, words)
        assert len(found) == 4
        kinds = {pair.kind for turns in found for pair in turns}
        assert kinds == {"category", "color", "object", "verify", "letter"}
        for pair in found[2]:
            truth(bare, pair.question.removesuffix(MME_SUFFIX))


@pytest.mark.slow
def test_training_never_hears_of_unseen_kinds(scenes: dict[tuple[str, str], Scene]) -> None:
    """Not as an answer, not as an option, not as what is absent. One of their nouns is the name of
    a piece, too: the switch on a lamp's foot, which some lamps have and others lack."""
    nouns = [CATEGORIES[name].noun for name in UNSEEN]
    seen = {key: scene for key, scene in scenes.items() if key[1] == "train"}
    assert {key[0] for key in seen} == set(SEEN)
    parts = set()
    for facts, pair in said(seen):
        for noun in nouns:
            if re.search(rf"\b{noun}s?\b", f"{pair.question} {pair.answer}"):
                assert noun in {*facts.visible, *facts.lacks}
                assert pair.kind in ("part", "object", "point", "verify")
                parts.add((facts.category, noun))
    assert parts <= {("Lamp", "switch")}


@pytest.mark.slow
def test_splits_share_no_question(scenes: dict[tuple[str, str], Scene]) -> None:
    """Of the same facts: what the test split asks is never asked in training's words."""
    facts = scenes["Microwave", "train"].facts
    asked = {
        split: {
            pair.question.replace(SHORT, "")
            for seed in range(30)
            for turns in instructions(facts, Wording(Rng((seed,)), split))
            for pair in turns
            if pair.kind != "letter"
        }
        for split in ("train", "test")
    }
    assert min(map(len, asked.values())) > 20
    assert not asked["train"] & asked["test"]


@pytest.mark.slow
def test_facts_survive_their_file(scenes: dict[tuple[str, str], Scene]) -> None:
    """scenes.jsonl and back, places and touch included."""
    known = [scene.facts for scene in scenes.values()]
    for facts in known:
        written = json.dumps(dataclasses.asdict(facts))
        assert facts_of(json.loads(written)) == facts
    untouched = dataclasses.replace(known[0], touch=None, places=())
    assert facts_of(json.loads(json.dumps(dataclasses.asdict(untouched)))) == untouched
