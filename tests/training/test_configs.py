# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The stages as data: every value has an origin, and stages differ in what they should."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from robomamba_jax.config.files import config_module
from robomamba_jax.config.provenance import ours, recalled, unconfirmed, unsourced, values
from robomamba_jax.config.serial import with_changes
from robomamba_jax.config.training import (
    CheckpointConfig,
    LossConfig,
    MeshConfig,
    ModelChoice,
    OptimConfig,
    RunConfig,
    TrainConfig,
)
from robomamba_jax.config.tree import tree_from_json, tree_to_json
from robomamba_jax.errors import InputError
from tests.training.runs import ROOT, STAGES, config_path, tiny


@pytest.fixture(scope="module", params=STAGES)
def module(request: Any) -> Any:
    return config_module(config_path(request.param))


def test_every_value_has_an_origin(module: Any) -> None:
    """None is missing, and none stands for a value that is not there."""
    assert unsourced(module.get_config(), module.ORIGINS) == []


def test_a_value_without_origin_is_found(module: Any) -> None:
    """The check can fail, both ways."""
    fewer = {k: v for k, v in module.ORIGINS.items() if k != "optim/learning_rate"}
    assert unsourced(module.get_config(), fewer) == ["optim/learning_rate"]
    more = {**module.ORIGINS, "optim/momentum": ours("no such value")}
    assert unsourced(module.get_config(), more) == ["pattern 'optim/momentum' stands for nothing"]


def test_what_nothing_confirms_is_marked(module: Any) -> None:
    """What stands in no quotation of the paper says so."""
    config = module.get_config()
    found = unconfirmed(config, module.ORIGINS)
    assert ("loss/contact" in found) == (config.stage == "manipulate")
    own = {**module.ORIGINS, "optim/learning_rate": recalled("fast")}
    assert unconfirmed(config, own) == {**found, "optim/learning_rate": config.optim.learning_rate}


def test_version_1s_mix() -> None:
    """LRV's three files beside the main mix's two, and all of RoboVQA."""
    main, first = (
        config_module(str(ROOT / "configs" / f"{name}.py"))
        for name in ("stage1_2_instruct", "stage1_2_version1")
    )
    assert [one.samples for one in main.get_config().data.sources] == [None, 300_000]
    sources = first.get_config().data.sources
    assert [one.format for one in sources] == ["llava", "lrv", "lrv", "lrv", "robovqa"]
    assert all(one.samples is None for one in sources)
    assert unsourced(first.get_config(), first.ORIGINS) == []


def test_stages_differ_in_what_they_should() -> None:
    """Patterns, loss, data and schedule; the model, the mesh and the rest are alike."""
    found = [values(config_module(config_path(stage)).get_config()) for stage in STAGES]
    paths = {path for config in found for path in config}
    differing = {p for p in paths if len({repr(config.get(p)) for config in found}) > 1}
    allowed = ("stage", "trainable", "loss/", "data/", "optim/", "run/epochs", "init_from")
    assert all(path.startswith(allowed) for path in differing), differing
    trainable = [config["trainable"] for config in found]
    assert trainable == [["projector/.*"], ["projector/.*", "llm/.*"], ["policy/.*"]]


def test_every_stage_has_a_tiny_variant(module: Any) -> None:
    """Through the same code: only sizes and places differ."""
    small, real = module.get_tiny(), module.get_config()
    assert (small.stage, small.trainable, small.loss.kind) == (
        real.stage,
        real.trainable,
        real.loss.kind,
    )
    assert small.model.preset == "tiny"
    assert small.init_from is None
    assert small.optim.weight_decay == real.optim.weight_decay


def test_as_json_and_back(module: Any) -> None:
    """As a workdir keeps it."""
    config = module.get_config()
    assert tree_from_json(TrainConfig, tree_to_json(config), "config") == config


def test_set() -> None:
    """Typed, also inside of a tuple's part."""
    config = with_changes(
        tiny("instruct"),
        [
            "optim.learning_rate=1",
            "data.sources.0.path=8",
            "model.preset=none",
            'trainable=["llm/.*"]',
            "run.export=false",
        ],
    )
    assert config.optim.learning_rate == 1.0
    assert config.data.sources[0].path == "8"
    assert config.model.preset is None
    assert config.trainable == ("llm/.*",)
    assert config.run.export is False


WRONG = {
    "optim.learning_rat=1": "did you mean learning_rate",
    "optimizer.learning_rate=1": "did you mean optim",
    "optim.learning_rate=fast": "is no float",
    "data.sources.7.path=x": "'7' is none of 1 parts",
    "data.sources.path=x": "'path' is none of 1 parts",
    "seed.x=1": "seed has no fields",
    "trainable=[1]": "not str",
    "run.workers=true": "is no int",
    "trainable=[]": "trainable is empty",
    "optim.accumulate=3": "8 rows in 3 parts",
    "loss.kind=pose": "the data's target is text",
    "checkpoint.verify=some": "unknown verify",
}


@pytest.mark.parametrize("change", WRONG)
def test_a_wrong_set_is_named(change: str) -> None:
    """In one line, with the near names."""
    with pytest.raises(InputError) as caught:
        with_changes(tiny("instruct"), [change])
    assert WRONG[change] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("part", "fields", "what"),
    [
        (ModelChoice, {"dtype": "float31"}, "unknown dtype"),
        (ModelChoice, {"lora_rank": -1}, "lora_rank is -1"),
        (LossConfig, {"contact": "l3"}, "unknown contact"),
        (OptimConfig, {"learning_rate": float("nan")}, "learning_rate is nan"),
        (OptimConfig, {"b1": 1.5}, "b1 is 1.5"),
        (MeshConfig, {"data": -1, "fsdp": -1}, "-1 at most once"),
        (MeshConfig, {"tensor": 0}, "the mesh is"),
        (RunConfig, {"epochs": 0.0}, "epochs is 0.0"),
        (RunConfig, {"steps": 0}, "steps is 0"),
        (CheckpointConfig, {"keep": 0}, "keep is 0"),
    ],
)
def test_wrong_values(part: Any, fields: dict[str, Any], what: str) -> None:
    """At once, not after an hour."""
    with pytest.raises(InputError) as caught:
        part(**fields)
    assert what in str(caught.value)


def test_train_py_is_wiring() -> None:
    """The entry points hold no work."""
    assert len((ROOT / "train.py").read_text().splitlines()) < 20
    assert dataclasses.is_dataclass(tiny("align"))
