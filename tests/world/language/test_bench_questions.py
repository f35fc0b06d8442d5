# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks' questions over many scenes: true, and no word of a question says its answer."""

import json
import re
from collections import Counter

import numpy as np
import pytest

from robomamba_jax.evaluation.synthetic.export_benchmarks import Entry
from robomamba_jax.world.language import bench_questions as q
from robomamba_jax.world.language.absent import means
from robomamba_jax.world.language.imagined import imagined_facts
from robomamba_jax.world.language.turns import UNANSWERABLE
from robomamba_jax.world.language.wording import Wording
from robomamba_jax.world.objects.rng import Rng
from tests.world.recorded import recorded

# Facts like the world's: what stands in an image matters here, not that there is one.
SCENES = [(f"{k:06d}", imagined_facts(Rng((k, 3)))) for k in range(240)]
FACTS = dict(SCENES)


def about(entry: Entry) -> str:
    """What a recorded question asks for."""
    fields = json.loads(entry.question)
    if "a_noun" in fields:
        return fields["a_noun"].split(" ", 1)[1]
    return fields.get("thing") or fields.get("part") or fields.get("parts") or fields["noun"]


def test_vizwiz_asks_in_vain_what_it_asks_elsewhere() -> None:
    """Half of the questions have no answer, one question an image; each of those is asked in the
    same way where it has one."""
    found = q.photographs(SCENES, recorded(1, "test"))
    assert len(found) > 0.9 * len(SCENES)
    assert len({entry.image for entry in found}) == len(found)
    vain = [entry for entry in found if entry.answer == UNANSWERABLE]
    assert len(vain) == len(found) / 2
    asked = {flag: Counter() for flag in (True, False)}
    for entry in found:
        asked[entry.answer == UNANSWERABLE][entry.question] += 1
    assert asked[True] == asked[False]
    assert {entry.kind for entry in vain} == {"color", "side", "state", "count"}
    for entry in vain:
        fields = json.loads(entry.question)
        name = fields.get("thing") or fields.get("part") or fields.get("noun")
        if "parts" not in fields:
            assert not means(name, q.names_of(FACTS[entry.image]))


@pytest.mark.parametrize("kind", ["random", "popular", "adversarial"])
def test_pope_asks_for_every_name_as_often_where_it_is(kind: str) -> None:
    """As often as where it is not; and yes means that it is there."""
    found = q.there_or_not(SCENES, recorded(1, "test"), kind)
    names: dict[str, Counter[str]] = {"yes": Counter(), "no": Counter()}
    for entry in found:
        known = q.names_of(FACTS[entry.image])
        assert (about(entry) in known) == (entry.answer == "yes")
        assert entry.answer == "yes" or not means(about(entry), known)
        names[entry.answer][about(entry)] += 1
    assert names["yes"] == names["no"]
    assert len(found) > 40


def test_mme_asks_about_what_other_images_show() -> None:
    """The wrong noun, color and number are right elsewhere."""
    others = q.others_in(SCENES)
    for number, (image, facts) in enumerate(SCENES[:60]):
        found = q.pairs(image, facts, recorded(number, "test"), others)
        wrong = {name: json.loads(pair[1].question) for name, pair in found.items()}
        assert wrong["existence"]["a_noun"].split(" ", 1)[1] in others.nouns
        assert wrong["color"]["color"] in set(others.colors) - {facts.color}
        if "count" in wrong:
            assert int(wrong["count"]["count"]) in set(others.counts) - {facts.counts[0][1]}


def blind(questions: list[str], labels: list[bool]) -> float:
    """Balanced accuracy of a regression on the questions' words, trained on one half and read on
    the other."""
    words = [set(re.findall(r"[a-z']+", text.lower())) for text in questions]
    order = np.random.default_rng(0).permutation(len(words))
    train, test = np.array_split(order, 2)
    known = sorted({word for k in train for word in words[k]})
    x = np.array([[word in one for word in known] for one in words], np.float64)
    y, weights = np.array(labels, np.float64), np.zeros(len(known))
    for _ in range(100):
        guess = 1 / (1 + np.exp(-x[train] @ weights))
        weights -= 0.5 * (x[train].T @ (guess - y[train]) / len(train) + 0.01 * weights)
    right = (x[test] @ weights > 0) == (y[test] > 0.5)
    return float(np.mean([right[y[test] == side].mean() for side in (0, 1)]))


def test_who_reads_the_words_alone_guesses() -> None:
    """VizWiz and POPE, in the test's words; a regression that could tell would show here."""
    words = Wording(Rng((4,)), "test")
    found = q.photographs(SCENES, words)
    labels = [entry.answer == UNANSWERABLE for entry in found]
    assert blind([entry.question for entry in found], labels) < 0.6
    there = q.there_or_not(SCENES, words, "random")
    assert blind([one.question for one in there], [one.answer == "yes" for one in there]) < 0.6
    # It can tell where there is something to tell.
    told = [f"{one.question} {'so' if one.answer == 'yes' else ''}" for one in there]
    assert blind(told, [one.answer == "yes" for one in there]) > 0.9
