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
from robomamba_jax.demo import configs
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.plan import MODES, DemoPlan
from robomamba_jax.pretraining.configs import write_tokenizer
from robomamba_jax.training.program import build
from robomamba_jax.training.sharding import make_mesh
from tests.demo.small_world import write_world

PLAN = MODES["smoke"]


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> DemoPaths:
    """A demo's folder whose training set and tokenizer are there."""
    found = DemoPaths(tmp_path_factory.mktemp("demo"))
    write_world(found.train)
    write_tokenizer(found.tokenizer, configs.training_texts(found), 400)
    return found


def runs(plan: DemoPlan, paths: DemoPaths) -> dict[str, TrainConfig]:
    """All of a demo's runs."""
    return {
        "language": configs.language_config(plan, paths),
        "align": configs.align_config(plan, paths),
        "instruct": configs.instruct_config(plan, paths),
        "manipulate": configs.manipulate_config(plan, paths),
        "pictures": configs.image_config(plan, paths),
    }


def features_of(config: TrainConfig) -> str:
    """The kind of cached features that a run reads, by the name of their folder."""
    name = Path(config.data.features or "").name
    return "vision_patches" if name == "features" else name


@pytest.mark.parametrize("mode", MODES)
def test_every_run_is_whole(mode: str, paths: DemoPaths) -> None:
    """As JSON it is what it was; its model, its features and what it trains fit together."""
    found = runs(MODES[mode], paths)
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


def test_each_begins_where_the_last_one_ends(paths: DemoPaths) -> None:
    """And an ablation's where it is told to."""
    found = runs(PLAN, paths)
    assert found["language"].init_from == str(paths.first)
    assert found["align"].init_from == str(paths.start)
    assert found["instruct"].init_from == str(paths.root / "align")
    assert found["manipulate"].init_from == str(paths.root / "instruct")
    elsewhere = paths.root / "elsewhere"
    assert configs.instruct_config(PLAN, paths, init=elsewhere).init_from == str(elsewhere)
    assert configs.manipulate_config(PLAN, paths, init=elsewhere).init_from == str(elsewhere)
    assert found["instruct"].run.steps == PLAN.instruct_steps
    assert configs.instruct_config(PLAN, paths, steps=7).run.steps == 7
    assert found["manipulate"].run.steps is None
    assert found["manipulate"].run.epochs == PLAN.manipulate_epochs


def test_sources_are_left_out_and_the_others_stay(paths: DemoPaths) -> None:
    """Each with its weight, which a mixture makes whole again."""
    files = {source.label: source for source in configs.instruct_config(PLAN, paths).data.sources}
    assert {name: source.weight for name, source in files.items()} == configs.INSTRUCT_WEIGHTS
    assert sum(configs.INSTRUCT_WEIGHTS.values()) == pytest.approx(1)
    for without in (("lrv",), configs.ROBOT, ("llava", "lrv", "robovqa")):
        config = configs.instruct_config(PLAN, paths, without=without)
        left = {source.label: source for source in config.data.sources}
        assert left == {name: source for name, source in files.items() if name not in without}
    assert set(configs.ROBOT) < set(files)


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        ("two_mlp", "pooled_hidden"),
        ("mlp", "pooled_hidden"),
        ("ssm_mlp", "hidden_states"),
        ("attn_mlp", "hidden_states"),
    ],
)
def test_what_is_cached_for_a_head(policy: str, kind: str, paths: DemoPaths) -> None:
    """Its own kind, in a place of its own; and a run accepts that and no other."""
    assert configs.cache_kind(policy) == kind
    config = configs.manipulate_config(PLAN, paths, policy=policy)
    assert config.data.features == str(paths.root / kind)
    assert config.model.policy == policy
    build(config, None, make_mesh(config.mesh), steps=10, features=kind)
    there = paths.root / "ablations" / "x"
    config = configs.manipulate_config(PLAN, paths, policy=policy, features=there)
    assert config.data.features == str(there)


def test_the_texts_are_what_is_said(paths: DemoPaths) -> None:
    """Questions and answers of every file, without placeholders; of poses the questions alone."""
    texts = configs.training_texts(paths)
    assert not any("<image>" in text for text in texts)
    plain = {"Describe it.", "a red safe", "What is it?", "It is blue.", "Is there a kettle?"}
    assert plain <= set(texts)
    assert "Give the contact point." in texts
    assert not any("contact point is" in text for text in texts)
    assert configs.training_texts(paths) == texts


def test_the_tokenizer_is_of_this_text(paths: DemoPaths) -> None:
    """As many tokens as allowed; it spells everything, its own texts and the prompt shortly."""
    tokenizer = Tokenizer.load(paths.tokenizer)
    assert 258 < tokenizer.size <= 400
    for text in ("a red safe", "Über 3 %!"):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    said = "<|user|> What is it?\n<|assistant|> A safe.\n"
    assert len(tokenizer.encode(said)) < len(said) / 2
    twice = DemoPaths(paths.root / "again")
    write_tokenizer(twice.tokenizer, configs.training_texts(paths), 400)
    assert twice.tokenizer.read_bytes() == paths.tokenizer.read_bytes()


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


def test_every_sample_fits_into_a_row(paths: DemoPaths) -> None:
    """Of all runs: one picture, words within the limit, something to learn."""
    patches = VISION_PRESETS[PLAN.vision].num_patches
    found = runs(PLAN, paths)
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


def test_every_picture_has_its_features(paths: DemoPaths) -> None:
    """What stages 1.1 and 1.2 read is all among what the encoder is asked about, once."""
    found = runs(PLAN, paths)

    def pictures(name: str) -> set[Any]:
        held = examples(no_clips(found[name]))
        return {row.tobytes() for part in held.values() for x in part for row in x.image_sha256}

    asked = pictures("pictures")
    assert pictures("align") | pictures("instruct") <= asked
    files = {source.path for source in found["pictures"].data.sources}
    assert {
        str(paths.train / "robovqa" / "*.tfrecord"),
        str(paths.train / "contact_points.json"),
    } < files
