# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The closed loop: its numbers, its files, and that methods come out in their order."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robomamba_jax.cli.main import main
from robomamba_jax.data.sources.manipulation import detection
from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.categories import SEEN, UNSEEN
from robomamba_jax.world.policies.interface import Observation, Proposal
from robomamba_jax.world.policies.policy_names import POLICIES
from robomamba_jax.world.policies.reference import REFERENCE_POLICIES
from robomamba_jax.world.policies.registry import choose_policy
from robomamba_jax.world.rollout.export import export_episodes
from robomamba_jax.world.rollout.run import RolloutPlan, draw_episodes, rollout
from robomamba_jax.world.sim.simulator import Simulator

EVERY = RolloutPlan((*SEEN, *UNSEEN), 4, seed=5, size=160)
TRIALS = RolloutPlan(("Safe", "Bottle"), 2, seed=7, size=96)
FEW = RolloutPlan(("Microwave", "Bottle", "Faucet"), 4, seed=2, size=128)


class Recorder:
    """The oracle, writing down what it says."""

    name, parameters, sha = "oracle", 0, None

    def __init__(self) -> None:
        self.said: dict[str, Proposal] = {}

    def propose(self, seen: Observation) -> Proposal | None:
        found = REFERENCE_POLICIES["oracle"].propose(seen)
        if found is not None:
            self.said[seen.episode] = found
        return found


def rate(result: dict) -> float:
    """Over all trials."""
    seen, unseen = result["seen"], result["unseen"]
    return (seen["success"] + unseen["success"]) / (seen["n"] + unseen["n"])


@pytest.mark.slow
def test_the_world_tells_methods_apart(simulator: Simulator) -> None:
    """The bars of the docs' table, on fewer trials (120 each), so with a little room."""
    rates = {
        name: rate(rollout(simulator, choose_policy(name), EVERY))
        for name in ("oracle", "part-normal", "part-random", "random", "no_pull")
    }
    assert rates["oracle"] >= 0.95
    assert rates["part-normal"] <= 0.75
    assert rates["part-random"] <= 0.4
    assert rates["random"] <= 0.1
    assert rates["no_pull"] == 0


def test_the_result_has_the_agreed_keys(simulator: Simulator) -> None:
    """And says the same again."""
    result = rollout(simulator, choose_policy("part-normal"), FEW)
    keys = {"policy", "checkpoint_sha", "seed", "thresholds", "categories", "seen", "unseen"}
    assert keys <= set(result)
    assert result["checkpoint_sha"] is None
    entry = result["categories"]["Faucet"]
    assert {"split", "n", "success", "rate", "ci95", "initial", "long", "off_part"} <= set(entry)
    assert entry["split"] == "unseen"
    assert entry["n"] == 4
    assert {"by_sample", "by_category"} <= set(result["seen"])
    json.dumps(result)
    assert rollout(simulator, choose_policy("part-normal"), FEW) == result


@pytest.mark.slow
def test_a_hand_opens_what_suction_cannot(simulator: Simulator) -> None:
    """In trials with heavy parts the oracle grasps handles; with suction alone it often fails."""
    plan = RolloutPlan(("StorageFurniture", "Refrigerator"), 8, seed=4, size=160, dof=7)
    seen = rollout(simulator, choose_policy("oracle"), plan)["seen"]
    assert seen["success"] >= 13
    suction = rollout(simulator, choose_policy("flowbot3d"), plan)["seen"]
    assert suction["success"] <= seen["success"] - 4


def test_pictures_and_clips(simulator: Simulator, tmp_path: Path) -> None:
    """One picture per trial, a clip of the first, and what came of each; filming changes no
    result."""
    plan = RolloutPlan(("KitchenPot",), 2, seed=1, size=96)
    plain = rollout(simulator, choose_policy("oracle"), plan)
    filmed = rollout(simulator, choose_policy("oracle"), plan, save_images=tmp_path, clips=1)
    assert filmed == plain
    names = sorted(path.name for path in tmp_path.iterdir())
    pictures = ["KitchenPot_0000.gif", "KitchenPot_0000.png", "KitchenPot_0001.png"]
    assert names == [*pictures, "outcomes.json"]
    with Image.open(tmp_path / "KitchenPot_0000.gif") as clip:
        assert clip.n_frames > 8  # type: ignore[attr-defined]
    with Image.open(tmp_path / "KitchenPot_0000.png") as picture:
        assert picture.size == (104, 104)
        green = np.array(picture.convert("RGB"))[0, 0]
        assert green[1] > green[0]


def test_outcomes_say_what_came_of_each_trial(simulator: Simulator, tmp_path: Path) -> None:
    """With the words that were said, where it touched, and why it failed: one that worked, one
    that touched nothing, one without an answer."""
    plan = RolloutPlan(("Safe", "Bottle"), 2, seed=1, size=96)
    recorder = Recorder()
    rollout(simulator, recorder, plan)
    first, second = recorder.said["Safe_0000"], recorder.said["Bottle_0000"]
    path = tmp_path / "answers.json"
    answers = [
        {"image_id": "Safe_0000", "detection": detection(first.contact_xy, first.rotation)},
        {"image_id": "Safe_0001", "detection": [1.0, 2.5, 1, 0, 0, 0, 1, 0]},
        {"image_id": "Bottle_0000", "detection": detection(second.contact_xy, second.rotation)},
    ]
    path.write_text(json.dumps(answers))
    out = tmp_path / "pictures"
    with pytest.raises(InputError, match=r"leaves 1 of 4 trials out: Bottle_0001"):
        rollout(simulator, choose_policy(f"file:{path}"), plan)
    policy = choose_policy(f"file:{path}", on_missing="fail")
    result = rollout(simulator, policy, plan, save_images=out)
    found = json.loads((out / "outcomes.json").read_text())
    episodes = list(draw_episodes(simulator, plan))
    assert list(found) == [episode.name for episode in episodes]
    for episode in episodes:
        assert found[episode.name]["category"] == episode.category
        assert found[episode.name]["instruction"] == episode.instruction
    assert found["Safe_0000"]["success"] is True
    assert found["Safe_0000"]["why"] == ""
    assert found["Safe_0000"]["contact_xy"] == pytest.approx(first.contact_xy, abs=1e-3)
    assert found["Safe_0001"]["success"] is False
    assert found["Safe_0001"]["why"] == "off_part"
    assert found["Safe_0001"]["contact_xy"] == [1.0, 2.5]
    assert found["Bottle_0001"]["success"] is False
    assert found["Bottle_0001"]["why"] == "no pose"
    assert found["Bottle_0001"]["contact_xy"] is None
    worked = sum(result["success"] for result in found.values())
    assert worked == result["seen"]["success"]


def test_exported_trials_and_a_file_of_answers(simulator: Simulator, tmp_path: Path) -> None:
    """What the oracle says, written as the published list, scores as the oracle does."""
    plan = RolloutPlan(("Microwave", "Kettle"), 4, seed=9, size=128)
    recorder = Recorder()
    direct = rollout(simulator, recorder, plan)
    export_episodes(simulator, plan, tmp_path / "trials")
    questions = json.loads((tmp_path / "trials" / "maniptest.json").read_text())
    assert [Path(q["image"]).stem for q in questions] == list(recorder.said)
    for question, episode in zip(questions, draw_episodes(simulator, plan), strict=True):
        with Image.open(tmp_path / "trials" / "images" / question["image"]) as image:
            assert np.array_equal(np.array(image), episode.view.rgb)
        assert question["conversations"][0]["value"] == f"<image>\n{episode.instruction}"
    path = tmp_path / "answers.json"
    path.write_text(
        json.dumps(
            [
                {"image_id": k, "detection": detection(p.contact_xy, p.rotation)}
                for k, p in recorder.said.items()
            ]
        )
    )
    read = rollout(simulator, choose_policy(f"file:{path}"), plan)
    assert read["categories"] == direct["categories"]
    with pytest.raises(InputError, match="not empty"):
        export_episodes(simulator, plan, tmp_path / "trials")


def test_an_answer_off_the_part_is_a_failure(simulator: Simulator, tmp_path: Path) -> None:
    """On nothing, outside of the picture, or missing: all count, none is skipped."""
    plan = RolloutPlan(("Safe",), 3, seed=1, size=96)
    pose = [1, 0, 0, 0, 1, 0]
    answers = [
        {"image_id": "Safe_0000", "detection": [1.0, 1.0, *pose]},
        {"image_id": "Safe_0001", "detection": [-500.0, 10.0, *pose]},
    ]
    path = tmp_path / "answers.json"
    path.write_text(json.dumps(answers))
    with pytest.raises(InputError, match=r"leaves 1 of 3 trials out: Safe_0002"):
        rollout(simulator, choose_policy(f"file:{path}"), plan)
    policy = choose_policy(f"file:{path}", on_missing="fail")
    entry = rollout(simulator, policy, plan)["categories"]["Safe"]
    assert (entry["n"], entry["success"], entry["off_part"]) == (3, 0, 3)


@pytest.fixture(scope="module")
def said(simulator: Simulator) -> dict[str, list[float]]:
    """The oracle's poses in four small trials."""
    recorder = Recorder()
    rollout(simulator, recorder, TRIALS)
    return {name: detection(p.contact_xy, p.rotation) for name, p in recorder.said.items()}


def _records(said: dict[str, list[float]], change: str) -> list[dict]:
    rows = [{"image_id": name, "detection": pose} for name, pose in said.items()]
    first = rows[0]
    return {
        "none": rows,
        "shuffled": rows[::-1],
        "doubled": [*rows, {**first, "detection": [1.0, *first["detection"][1:]]}],
        "surplus": [*rows, {**first, "image_id": "Door_0000"}],
        "missing": rows[1:],
        "foreign": [{**row, "image_id": f"x{row['image_id']}"} for row in rows],
        "small letters": [{**row, "image_id": str(row["image_id"]).lower()} for row in rows],
        "of another category": [{**first, "category": "Door"}, *rows[1:]],
        "of another seed": [{**first, "seed": 8}, *rows[1:]],
        "of another question": [{**first, "question": "Where is the red cup?"}, *rows[1:]],
    }[change]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("doubled", "record 0 and .* record 4 predict 'Safe_0000' differently"),
        ("surplus", "predicts 1 trials that are not to be carried out: Door_0000"),
        ("missing", "leaves 1 of 4 trials out: Safe_0000"),
        ("foreign", "predicts none of the 4 trials: it speaks of xSafe_0000"),
        ("small letters", "'safe_0000' is nearly 'Safe_0000'"),
        ("of another category", "is for Safe_0000, but its category is 'Door'"),
        ("of another seed", "has the seed 8, but the rollout has 7"),
        ("of another question", "its question is 'Where is the red cup"),
    ],
)
def test_predictions_are_for_these_trials(
    change: str, words: str, simulator: Simulator, said: dict, tmp_path: Path
) -> None:
    """In any order they score as they do; else the first trial is not begun."""
    path, begun = tmp_path / "said.json", []
    path.write_text(json.dumps(_records(said, change)))
    with pytest.raises(InputError, match=words):
        rollout(
            simulator,
            choose_policy(f"file:{path}"),
            TRIALS,
            on_progress=lambda done, total: begun.append(done),
        )
    assert not begun
    scores = []
    for good in ("none", "shuffled"):
        path.write_text(json.dumps(_records(said, good)))
        scores.append(rollout(simulator, choose_policy(f"file:{path}"), TRIALS)["categories"])
    assert scores[0] == scores[1]
    assert scores[0]["Safe"]["success"] == 2


def test_predictions_beside_their_trials(simulator: Simulator, tmp_path: Path) -> None:
    """What world episodes wrote says which trials they are: names alone are every seed's."""
    recorder = Recorder()
    rollout(simulator, recorder, TRIALS)
    export_episodes(simulator, TRIALS, tmp_path / "trials")
    rows = [
        {"image_id": k, "detection": detection(p.contact_xy, p.rotation)}
        for k, p in recorder.said.items()
    ]
    path = tmp_path / "trials" / "said.json"
    path.write_text(json.dumps(rows))
    for changed in ({"seed": 8}, {"size": 64}):
        with pytest.raises(InputError, match="beside the predictions, has the"):
            rollout(
                simulator, choose_policy(f"file:{path}"), dataclasses.replace(TRIALS, **changed)
            )
    assert rollout(simulator, choose_policy(f"file:{path}"), TRIALS)["episodes"] == 2


def test_flags_of_predictions(simulator: Simulator, said: dict, tmp_path: Path, capsys) -> None:
    """The command refuses, and with its flags leaves out or counts as failures, and says so."""
    path = tmp_path / "said.json"
    rows = [
        *_records(said, "missing"),
        {"image_id": "Door_0000", "detection": [1.0] * 5 + [0, 9, 1]},
    ]
    path.write_text(json.dumps(rows))
    flags = ["world", "rollout", "--categories", "Safe,Bottle", "--episodes", "2", "--seed", "7"]
    flags += ["--size", "96", "--json"]
    assert main([*flags, "--policy", f"file:{path}"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "missing_answers"
    both = ["--on-missing", "fail", "--on-extra", "skip"]
    assert main([*flags, "--policy", f"file:{path}", *both]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["categories"]["Safe"]["n"] == 2
    assert "1 predictions are for other trials" in err
    assert "1 trials have no prediction, and count as failures" in err
    assert main([*flags, "--policy", "oracle", "--on-missing", "fail"]) == 2
    assert "--on-missing is for predictions" in capsys.readouterr().err


def test_names_and_what_they_need(tmp_path: Path) -> None:
    """Help texts name what there is; unknown names come with near ones."""
    assert set(REFERENCE_POLICIES) == set(POLICIES) - {
        "prior",
        "prior-category",
        "file:PREDICTIONS",
    }
    with pytest.raises(InputError, match="did you mean oracle"):
        choose_policy("oracel")
    with pytest.raises(InputError, match="one of --policy and --checkpoint"):
        choose_policy(None)
    with pytest.raises(InputError, match="one of --policy and --checkpoint"):
        choose_policy("oracle", "runs/x")
    with pytest.raises(InputError, match="needs a training set"):
        choose_policy("prior")
    with pytest.raises(InputError):
        choose_policy("prior", train=tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        choose_policy(None, str(tmp_path / "none"))
