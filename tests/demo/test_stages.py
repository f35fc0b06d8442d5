# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The demo's runs are runs of train.py: whole configurations, each begun where another ends."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.config import VISION_PRESETS
from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.training import TrainConfig
from robomamba_jax.config.tree import tree_from_json, tree_to_json
from robomamba_jax.data.examples import Encoder, Example
from robomamba_jax.data.pipeline.datasets import open_datasets
from robomamba_jax.data.text.tokenizer import Tokenizer
from robomamba_jax.demo import stages
from robomamba_jax.demo.plan import MODES, DemoPlan
from robomamba_jax.demo.stages import Places
from robomamba_jax.training.program import build
from robomamba_jax.training.sharding import make_mesh
from tests.demo.small_world import write_world

PLAN = MODES["smoke"]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """A demo's folder whose training set and tokenizer are there."""
    found = Places(tmp_path_factory.mktemp("demo"))
    write_world(found.train)
    stages.write_tokenizer(found, stages.training_texts(found), 400)
    return found


def configs(plan: DemoPlan, places: Places) -> dict[str, TrainConfig]:
    """All of a demo's runs."""
    return {
        "language": stages.language_config(plan, places),
        "align": stages.align_config(plan, places),
        "instruct": stages.instruct_config(plan, places),
        "manipulate": stages.manipulate_config(plan, places),
        "pictures": stages.picture_config(plan, places),
    }


def features_of(config: TrainConfig) -> str:
    """The kind of cached features that a run reads, by the name of their folder."""
    name = Path(config.data.features or "").name
    return "vision_patches" if name == "features" else name


@pytest.mark.parametrize("mode", MODES)
def test_every_run_is_whole(mode: str, places: Places) -> None:
    """As JSON it is what it was; its model, its features and what it trains fit together."""
    found = configs(MODES[mode], places)
    for name, config in found.items():
        assert tree_from_json(TrainConfig, json.loads(json.dumps(tree_to_json(config))), name) == (
            config
        )
        mesh = make_mesh(config.mesh)
        program = build(config, None, mesh, steps=10, features=features_of(config))
        trained = {row.part for row in program.table if row.trained and row.part != "total"}
        assert trained == {pattern.split("/")[0] for pattern in config.trainable}
    assert [features_of(config) for config in found.values()] == [
        *("vision_patches", "vision_patches", "vision_patches", "hidden_states", "")
    ]


def test_each_begins_where_the_last_one_ends(places: Places) -> None:
    """And an ablation's where it is told to."""
    found = configs(PLAN, places)
    assert found["language"].init_from == str(places.first)
    assert found["align"].init_from == str(places.start)
    assert found["instruct"].init_from == str(places.root / "align")
    assert found["manipulate"].init_from == str(places.root / "instruct")
    elsewhere = places.root / "elsewhere"
    assert stages.instruct_config(PLAN, places, init=elsewhere).init_from == str(elsewhere)
    assert stages.manipulate_config(PLAN, places, init=elsewhere).init_from == str(elsewhere)
    assert found["instruct"].run.steps == PLAN.instruct_steps
    assert stages.instruct_config(PLAN, places, steps=7).run.steps == 7
    assert found["manipulate"].run.steps is None
    assert found["manipulate"].run.epochs == PLAN.manipulate_epochs


def test_sources_are_left_out_and_the_others_stay(places: Places) -> None:
    """Each with its weight, which a mixture makes whole again."""
    files = {source.label: source for source in stages.instruct_config(PLAN, places).data.sources}
    assert {name: source.weight for name, source in files.items()} == stages.INSTRUCT_WEIGHTS
    assert sum(stages.INSTRUCT_WEIGHTS.values()) == pytest.approx(1)
    for without in (("lrv",), stages.ROBOT, ("llava", "lrv", "robovqa")):
        config = stages.instruct_config(PLAN, places, without=without)
        left = {source.label: source for source in config.data.sources}
        assert left == {name: source for name, source in files.items() if name not in without}
    assert set(stages.ROBOT) < set(files)


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        ("two_mlp", "pooled_hidden"),
        ("mlp", "pooled_hidden"),
        ("ssm_mlp", "hidden_states"),
        ("attn_mlp", "hidden_states"),
    ],
)
def test_what_is_cached_for_a_head(policy: str, kind: str, places: Places) -> None:
    """Its own kind, in a place of its own; and a run accepts that and no other."""
    assert stages.cache_kind(policy) == kind
    config = stages.manipulate_config(PLAN, places, policy=policy)
    assert config.data.features == str(places.root / kind)
    assert config.model.policy == policy
    build(config, None, make_mesh(config.mesh), steps=10, features=kind)
    there = places.root / "ablations" / "x"
    config = stages.manipulate_config(PLAN, places, policy=policy, features=there)
    assert config.data.features == str(there)


def test_the_texts_are_what_is_said(places: Places) -> None:
    """Questions and answers of every file, without placeholders; of poses the questions alone."""
    texts = stages.training_texts(places)
    assert not any("<image>" in text for text in texts)
    plain = {"Describe it.", "a red safe", "What is it?", "It is blue.", "Is there a kettle?"}
    assert plain <= set(texts)
    assert "Give the contact point." in texts
    assert not any("contact point is" in text for text in texts)
    assert stages.training_texts(places) == texts


def test_the_tokenizer_is_of_this_text(places: Places) -> None:
    """As many tokens as allowed; it spells everything, its own texts and the prompt shortly."""
    tokenizer = Tokenizer.load(places.tokenizer)
    assert 258 < tokenizer.size <= 400
    for text in ("a red safe", "Über 3 %!"):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    said = "<|user|> What is it?\n<|assistant|> A safe.\n"
    assert len(tokenizer.encode(said)) < len(said) / 2
    twice = Places(places.root / "again")
    stages.write_tokenizer(twice, stages.training_texts(places), 400)
    assert twice.tokenizer.read_bytes() == places.tokenizer.read_bytes()


def examples(data: DataConfig) -> dict[str, list[Example]]:
    """Every sample of a run's sources, as numbers."""
    encoder = Encoder.open(data)
    return {
        part.name: [part.example(index) for index in range(len(part))]
        for part in open_datasets(data, encoder)
    }


def no_clips(config: TrainConfig) -> DataConfig:
    """Without RoboVQA's files, which the small world has not."""
    left = tuple(source for source in config.data.sources if source.label != "robovqa")
    return dataclasses.replace(config.data, sources=left)


def test_every_sample_fits_into_a_row(places: Places) -> None:
    """Of all runs: one picture, words within the limit, something to learn."""
    patches = VISION_PRESETS[PLAN.vision].num_patches
    found = configs(PLAN, places)
    for name, config in found.items():
        held = examples(no_clips(config))
        assert held
        for part in held.values():
            for example in part:
                assert len(example.image_positions) == 1
                whole = len(example.ids) + patches * len(example.image_positions)
                assert whole <= config.data.batch.seq_len
                if name == "manipulate":
                    assert example.pose is not None
                else:
                    assert example.supervised.any()
    poses = examples(found["manipulate"].data)["poses"]
    assert poses[0].pose is not None
    # 14.5, 12.5 of 24 pixels.
    assert poses[0].pose.contact == pytest.approx([14.5 / 24, 12.5 / 24], abs=0.03)


def test_every_picture_has_its_features(places: Places) -> None:
    """What stages 1.1 and 1.2 read is all among what the encoder is asked about, once."""
    found = configs(PLAN, places)

    def pictures(name: str) -> set[Any]:
        held = examples(no_clips(found[name]))
        return {row.tobytes() for part in held.values() for x in part for row in x.image_sha256}

    asked = pictures("pictures")
    assert pictures("align") | pictures("instruct") <= asked
    files = {source.path for source in found["pictures"].data.sources}
    assert {str(places.train / "robovqa" / "*.tfrecord"), str(places.train / "touch.json")} < files
