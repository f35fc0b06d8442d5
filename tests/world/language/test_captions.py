# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Words: splits share no phrase, fields are filled, and nothing is said that is not so."""

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.data.sources.robovqa_text import parse_questions
from robomamba_jax.world.language.captions import (
    OPENS,
    action_of,
    caption,
    plan_steps,
    questions,
    yes_no,
)
from robomamba_jax.world.language.facts import Facts, ThingFact, scene_facts
from robomamba_jax.world.language.intents import lists
from robomamba_jax.world.language.robovqa_tasks import ClipStory, tagged_text
from robomamba_jax.world.language.splits import SPLITS, Answers, phrases_of
from robomamba_jax.world.language.wording import Wording, article
from robomamba_jax.world.objects.catalog import BUILDERS, make_object
from robomamba_jax.world.objects.categories import CATEGORIES, UNSEEN
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.sim.scenes import draw_scene
from robomamba_jax.world.sim.simulator import SimScene, Simulator

LISTS = lists()


@pytest.fixture(scope="module")
def scenes(simulator: Simulator) -> dict[str, Facts]:
    """The facts of a scene of every category."""
    found = {}
    for number, category in enumerate(BUILDERS):
        model = make_object(category, "test", number)
        spec = draw_scene(model, Rng((number,)), 160, things=2, closed_share=0.3)
        scene = SimScene(simulator, spec)
        found[category] = scene_facts(scene, scene.render())
    return found


@pytest.mark.parametrize("name", LISTS)
def test_splits_share_no_phrase(name: str) -> None:
    """Every list has phrases for all, no two alike; the test's are each fourth, as ever."""
    found = {split: phrases_of(LISTS[name], split) for split in SPLITS}
    assert all(found.values())
    assert found["test"] == LISTS[name][3::4]
    assert len(set(LISTS[name])) == len(LISTS[name])
    if isinstance(LISTS[name], Answers):
        assert found.pop("validation") == found["train"]
    assert sum(map(len, found.values())) == len(LISTS[name])


def test_no_list_holds_out_what_another_teaches() -> None:
    """Over all lists together, too, and whatever fills the fields."""
    said = {
        split: {
            re.sub(r"\{\w+\}", "_", phrase).strip(" .?!").lower()
            for phrases in LISTS.values()
            if split != "validation" or not isinstance(phrases, Answers)
            for phrase in phrases_of(phrases, split)
        }
        for split in SPLITS
    }
    assert not said["train"] & (said["test"] | said["validation"])
    assert not said["validation"] & said["test"]


def test_too_few_phrases() -> None:
    """A list that cannot be split is an error of ours."""
    with pytest.raises(ValueError, match="cannot be split"):
        phrases_of(("a", "b"), "train")
    with pytest.raises(ValueError, match="no split 'dev'"):
        phrases_of(LISTS["ASK_COLOR"], "dev")


def test_articles() -> None:
    """An apple, a box, a USB stick."""
    said = [article(noun) for noun in ("orange ball", "box", "USB stick", "open door")]
    assert said == ["an orange ball", "a box", "a USB stick", "an open door"]


@pytest.mark.parametrize("category", BUILDERS)
@given(seed=st.integers(0, 10**6), split=st.sampled_from(["train", "test"]))
def test_what_is_said_is_so(scenes: dict[str, Facts], category: str, seed: int, split: str) -> None:
    """No field is left open; negatives are about what is not there, positives about what is."""
    facts = scenes[category]
    words = Wording(Rng((seed,)), split)
    pairs = [caption(facts, words), *questions(facts, words)]
    answers = yes_no(facts, words, 8)
    for pair in [*pairs, *answers]:
        assert "{" not in pair.question + pair.answer
        assert pair.question.strip()
        assert pair.answer.strip()
    there = {facts.noun, *facts.visible, *(part.part for part in facts.parts)}
    there |= {thing.shape for thing in facts.things}
    for pair in answers:
        negative = pair.kind.startswith("absent")
        assert pair.answer.lower().startswith("no") == negative
        named = [name for name in there if re.search(rf"\b{name}\b", pair.question)]
        if pair.kind == "absent object":
            assert not named
        elif not negative:
            assert named
    assert sum(pair.kind.startswith("absent") for pair in answers) >= len(answers) // 3


def test_objects_are_asked_for_as_often_as_parts(scenes: dict[str, Facts]) -> None:
    """Every plain shape is heard of when it is there and when it is not, with a colour and
    without, so that neither its name nor a colour gives the answer away."""
    things, pairs = ("cube", "ball", "cylinder", "cone", "ring"), []
    for seed in range(300):
        facts = scenes[list(scenes)[seed % len(scenes)]]
        there = dataclasses.replace(
            facts,
            things=(ThingFact(things[seed % 5], "red", "left"),),
            absent_shapes=tuple(shape for shape in things if shape != things[seed % 5]),
        )
        pairs += yes_no(there, Wording(Rng((seed,)), "train"), 6)
    asked = [pair for pair in pairs if pair.kind in ("object", "absent object")]
    assert 0.45 < len(asked) / len(pairs) < 0.6
    for shape in things:
        for kind in ("object", "absent object"):
            named = [p.question for p in asked if p.kind == kind and f" {shape}" in p.question]
            plain = sum(bool(re.search(rf"\ba {shape}\b", question)) for question in named)
            assert 0.3 < plain / len(named) < 0.7


def test_training_never_names_unseen_kinds(scenes: dict[str, Facts]) -> None:
    """Not even as what is absent."""
    nouns = [CATEGORIES[name].noun for name in UNSEEN]
    for seed in range(40):
        for pair in yes_no(scenes["Safe"], Wording(Rng((seed,)), "train"), 8):
            assert not any(re.search(rf"\b{noun}\b", pair.question) for noun in nouns)


def test_plans_depend_on_the_part_being_there(scenes: dict[str, Facts]) -> None:
    """With a handle it is held; without one the gripper attaches itself, far from the hinge."""
    door = dataclasses.replace(scenes["Door"].parts[0], opened=0.0, kind="revolute", lifts=False)
    with_handle = plan_steps(dataclasses.replace(door, has_handle=True))
    without = plan_steps(dataclasses.replace(door, has_handle=False))
    assert any("handle" in step for step in with_handle)
    assert not any("handle" in step for step in without)
    assert any("far from its hinge" in step for step in without)
    opened = dataclasses.replace(door, opened=0.9)
    assert any("push" in step for step in plan_steps(opened))
    assert action_of(opened, "safe") == "close the door of the safe"
    assert action_of(door, "safe") == "open the door of the safe"
    assert action_of(door, "door") == "open the door"
    ajar = dataclasses.replace(door, opened=0.2)
    assert action_of(ajar, "safe") == "open the door of the safe further"


@pytest.mark.parametrize("phase", ["reach", "done", "failed"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_robovqa_text(scenes: dict[str, Facts], phase: str, split: str) -> None:
    """Our reader finds RoboVQA's families, with answers that fit the clip's end."""
    facts = scenes["Microwave"]
    part = next(part for part in facts.parts if part.part in OPENS)
    story = ClipStory(facts, part, 1, phase)
    found = parse_questions(tagged_text(story, Wording(Rng((3,)), split)), "here")
    tasks = {question.task.split(":")[0] for question in found}
    assert tasks == {
        "planning",
        "immediate_planning_with_context20",
        "remaining5_planning_with_context20",
        "long_horizon_planning",
        "affordance",
        "past_description",
        "future_prediction",
        "success",
    }
    by_task = {question.task: question for question in found}
    success = next(q for task, q in by_task.items() if task.startswith("success"))
    assert success.answer == ("yes" if phase == "done" else "no")
    past = by_task["past_description:freeform"].answer
    assert ("failed" in past) == (phase == "failed")
    negatives = [q for q in found if q.task.startswith("affordance:disc") and q.answer == "no"]
    assert negatives
    assert all(any(lack in q.question for lack in facts.lacks) for q in negatives)
    assert by_task["remaining5_planning_with_context20:freeform"].answer.endswith("done")


def test_facts_match_the_picture(scenes: dict[str, Facts]) -> None:
    """Parts in view are parts of the object; things have sides; counts are whole."""
    for category, facts in scenes.items():
        assert facts.category == category
        assert facts.parts
        assert not set(facts.lacks) & set(facts.visible)
        assert all(0 <= part.opened <= 1 for part in facts.parts)
        assert {thing.side for thing in facts.things} <= {"left", "right"}
        for name, count in facts.counts:
            assert count == sum(part.part == name for part in facts.parts)


def test_places_are_of_what_stands_there_once(scenes: dict[str, Facts]) -> None:
    """No name twice, none that is not in view, none of a mere body; and most scenes have some."""
    for facts in scenes.values():
        names = [name for name, _, _ in facts.places]
        assert len(set(names)) == len(names)
        assert set(names) <= set(facts.visible)
        assert not {"body", "frame", "base"} & set(names)
        touched = [] if facts.touch is None else [facts.touch]
        for at in [place[1:] for place in facts.places] + touched:
            assert all(isinstance(share, int) and 0 <= share < 100 for share in at)
    assert sum(bool(facts.places) for facts in scenes.values()) > 0.8 * len(scenes)
    assert sum(facts.touch is not None for facts in scenes.values()) > 0.8 * len(scenes)
