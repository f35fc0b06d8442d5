# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One bad trial, object or item never ends a run that was told to go on, wherever on its way it is
bad; and what could not be run is neither a success nor lost."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from robomamba_jax.cli.main import main
from robomamba_jax.errors import InputError
from robomamba_jax.world.dataset.generate import generate
from robomamba_jax.world.dataset.tasks import WorldPlan, run_job
from robomamba_jax.world.policies.interface import Observation, Proposal
from robomamba_jax.world.policies.reference import REFERENCE_POLICIES
from robomamba_jax.world.rollout.run import RolloutPlan, rollout
from robomamba_jax.world.sim.gripper import ExecutionResult, GraspCommand, OnMotion, execute
from robomamba_jax.world.sim.simulator import SimScene, Simulator
from tests.world import downloads

PLAN = RolloutPlan(("Safe", "Bottle"), 3, seed=1, size=96)
BAD = "Safe_0001"


class Fails:
    """The oracle, but of one trial's picture it says that it cannot be read."""

    name, parameters, sha = "oracle", 0, None

    def __init__(self, error: Exception, episodes: tuple[str, ...] = (BAD,)) -> None:
        self._error, self._episodes = error, episodes

    def propose(self, seen: Observation) -> Proposal | None:
        if seen.episode in self._episodes:
            raise self._error
        return REFERENCE_POLICIES["oracle"].propose(seen)


def going_on(plan: RolloutPlan) -> RolloutPlan:
    """The same trials, told to go on."""
    return dataclasses.replace(plan, on_error="skip")  # type: ignore[call-arg]


def without(result: dict[str, Any], name: str) -> dict[str, Any]:
    """What the other trials of a category say."""
    return {key: value for key, value in result["categories"].items() if key != name}


UNREADABLE = InputError("bad_image", "the picture is 0 pixels high", "give another")


def test_a_policy_that_cannot_answer_one_trial(simulator: Simulator, tmp_path: Path) -> None:
    """The error names the trial. A run that goes on counts the others as they are, and names this
    one in the result, the pictures and the list of outcomes."""
    with pytest.raises(InputError, match=rf"{BAD}: the picture is 0 pixels") as caught:
        rollout(simulator, Fails(UNREADABLE), PLAN)
    assert "--on-error skip" in caught.value.fix
    whole = rollout(simulator, REFERENCE_POLICIES["oracle"], PLAN)
    told: dict[str, bool] = {}
    result = rollout(
        simulator,
        Fails(UNREADABLE),
        going_on(PLAN),
        save_images=tmp_path,
        on_trial=told.__setitem__,
    )
    safe = result["categories"]["Safe"]
    assert (safe["n"], safe["skipped"]) == (2, 1)
    assert without(result, "Safe") == without(whole, "Safe")
    assert result["seen"]["n"] == 5
    assert result["skipped"] == [
        {
            "name": BAD,
            "kind": "bad_image",
            "message": "the picture is 0 pixels high",
            "fix": "give another",
        }
    ]
    outcomes = json.loads((tmp_path / "outcomes.json").read_text())
    assert list(outcomes) == [
        *(f"Safe_000{k}" for k in (0, 2)),
        *(f"Bottle_000{k}" for k in range(3)),
    ]
    assert sum(one["success"] for one in outcomes.values()) == result["seen"]["success"]
    assert told == {name: one["success"] for name, one in outcomes.items()}
    assert not (tmp_path / f"{BAD}.png").exists()


def test_whatever_one_trial_brings(simulator: Simulator) -> None:
    """Not our own error alone: a trial that breaks in the simulator or in a policy, too."""
    with pytest.raises(InputError, match=f"{BAD}: a"):
        rollout(simulator, Fails(InputError("a", "a", "b")), PLAN)
    result = rollout(simulator, Fails(RuntimeError("no\nmemory")), going_on(PLAN))
    assert result["skipped"][0]["message"] == "RuntimeError: no memory"
    assert result["seen"]["n"] == 5
    with pytest.raises(RuntimeError, match="no"):
        rollout(simulator, Fails(RuntimeError("no\nmemory")), PLAN)


def test_an_executor_that_fails_once(simulator: Simulator) -> None:
    """Carrying out is a part of the way."""
    calls = []

    def executor(
        scene: SimScene, link: int, command: GraspCommand, on_motion: OnMotion | None = None
    ) -> ExecutionResult:
        calls.append(link)
        if len(calls) == 1:
            raise InputError("bad_urdf", "the arm has no hand", "give another")
        return execute(scene, link, command, on_motion)

    with pytest.raises(InputError, match="Safe_0000: the arm has no hand"):
        rollout(simulator, REFERENCE_POLICIES["oracle"], PLAN, executor=executor)
    calls.clear()
    result = rollout(simulator, REFERENCE_POLICIES["oracle"], going_on(PLAN), executor=executor)
    assert [one["name"] for one in result["skipped"]] == ["Safe_0000"]
    assert result["seen"]["n"] == 5


def test_nothing_could_be_run(simulator: Simulator) -> None:
    """Going on has its end where nothing is left: an error with the first reason, not an empty
    table."""
    names = tuple(f"{name}_000{k}" for name in PLAN.categories for k in range(3))
    with pytest.raises(InputError, match="Safe_0000: the picture"):
        rollout(simulator, Fails(UNREADABLE, names), PLAN)
    with pytest.raises(InputError, match="all 6 trials were skipped; the first, Safe_0000: the"):
        rollout(simulator, Fails(UNREADABLE, names), going_on(PLAN))
    # One category alone is no such end; its rate is not known.
    from robomamba_jax.world.rollout.success_rates import table

    result = rollout(simulator, Fails(UNREADABLE, names[:3]), going_on(PLAN))
    assert result["categories"]["Safe"]["rate"] is None
    assert "-" in table(result)[1]


def test_a_picture_that_cannot_be_written(simulator: Simulator, tmp_path: Path) -> None:
    """The trial has been run: it counts, and the missing picture is noted."""
    (tmp_path / f"{BAD}.png").mkdir()
    with pytest.raises(InputError, match=rf"{BAD}: {BAD}\.png cannot be written"):
        rollout(simulator, REFERENCE_POLICIES["oracle"], PLAN, save_images=tmp_path)
    whole = rollout(simulator, REFERENCE_POLICIES["oracle"], PLAN)
    result = rollout(simulator, REFERENCE_POLICIES["oracle"], going_on(PLAN), save_images=tmp_path)
    assert result["categories"] == whole["categories"]
    assert [note.partition(" is not written")[0] for note in result["notes"]] == [f"{BAD}.png"]
    assert len(list(tmp_path.glob("*.png"))) == 6


def test_a_pose_without_numbers_is_a_failure(simulator: Simulator, tmp_path: Path) -> None:
    """A head that says nan touches nothing: that is a failed trial with a picture, and no
    traceback out of the drawing."""

    class Nan:
        name, parameters, sha = "nan", 0, None

        def propose(self, seen: Observation) -> Proposal | None:
            found = REFERENCE_POLICIES["oracle"].propose(seen)
            assert found is not None
            return dataclasses.replace(found, rotation=np.full((3, 3), np.nan))

    result = rollout(simulator, Nan(), PLAN, save_images=tmp_path)
    assert (result["seen"]["n"], result["seen"]["success"]) == (6, 0)
    with Image.open(tmp_path / f"{BAD}.png") as picture:
        assert picture.size == (104, 104)


@pytest.fixture
def download(tmp_path: Path) -> Path:
    """Three objects of a category; the second one's mesh is no mesh, and the third one names one
    that never existed."""
    for number in range(3):
        downloads.put(tmp_path, str(number), "Microwave", number)
    mesh = next((tmp_path / "1" / "textured_objs").glob("*.obj"))
    mesh.write_text("hello\n")
    downloads.name_a_mesh_more(tmp_path / "2", "link_1")
    downloads.listing(tmp_path, *(f"{number} Microwave train" for number in range(3)))
    return tmp_path


def run(
    capsys: pytest.CaptureFixture[str], what: str, root: Path, *arguments: str
) -> tuple[int, dict[str, Any], str]:
    """A command on the download: status, its JSON, and stderr."""
    flags = ["--assets", str(root), "--asset-list", str(root / "list.txt"), "--size", "64"]
    status = main(["world", what, *flags, *arguments, "--split", "train", "--json"])
    said = capsys.readouterr()
    return status, json.loads(said.out), said.err


def test_a_broken_object_in_a_rollout(
    simulator: Simulator, download: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends the run, with the trial's name and the mesh's; or is left out and named, and all
    trials are made with the others. Exported trials are the same ones."""
    trials = ("--episodes", "8")
    status, result, _ = run(capsys, "rollout", download, "--policy", "oracle", *trials)
    assert status == 2
    assert result["error"]["kind"] == "bad_mesh"
    assert "Microwave_000" in result["error"]["message"]
    flags = ("--on-error", "skip", *trials)
    status, result, err = run(capsys, "rollout", download, "--policy", "oracle", *flags)
    assert status == 0
    assert result["categories"]["Microwave"]["n"] == 8
    assert [one["name"] for one in result["left_out"]] == ["1"]
    assert "cannot read the mesh" in result["left_out"][0]["reason"]
    assert [downloads.NEVER in note for note in result["notes"]] == [True]
    assert result["notes"][0] in err
    assert "left out: 1: 1 object" in err
    status, done, _ = run(capsys, "episodes", download, *flags, "--out", str(download / "t"))
    assert (status, done["episodes"], done["skipped"]) == (0, 8, [])
    assert (done["left_out"], done["notes"]) == (result["left_out"], result["notes"])


@pytest.mark.slow
def test_broken_objects_in_a_data_set(
    simulator: Simulator, download: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They end it, with the item's name; or they are left out, and so are the items of a category
    that has no other object. What is said is in the manifest, the files hold what was made."""
    downloads.put(download, "9", "Safe")
    next((download / "9" / "textured_objs").glob("*.obj")).write_text("hello\n")
    with (download / "list.txt").open("a") as file:
        file.write("9 Safe train\n")
    plan = WorldPlan(4, 6, 4, 2, "train", 64, 6, ("Safe", "Microwave"))
    user = Simulator(download, download / "list.txt")
    with pytest.raises(InputError, match=r"pose 0 \(Safe\): .*9/mobility.urdf: link link_"):
        run_job(user, plan, download, "poses", 0, 4)
    items = ("--samples", "4", "--num-images", "6", "--clips", "4", "--seed", "2", "--workers", "1")
    out = download / "out"
    flags = ("--categories", "Safe,Microwave", "--on-error", "skip", "--out", str(out))
    status, result, err = run(capsys, "generate", download, *items, *flags)
    assert status == 0
    assert [one["name"] for one in result["skipped"]] == [
        *(f"pose {k} (Safe)" for k in (0, 2)),
        *(f"picture {k} (Safe)" for k in (0, 2, 4)),
        *(f"clip {k} (Safe)" for k in (0, 2)),
    ]
    assert all("no train object of Safe can be used" in one["message"] for one in result["skipped"])
    assert "skipped: pose 0 (Safe): no train object" in err
    assert sorted(one["name"] for one in result["left_out"]) == ["1", "9"]
    assert [downloads.NEVER in note for note in result["notes"]] == [True]
    assert {**json.loads((out / "manifest.json").read_text()), "out": str(out)} == result
    assert result["poses"]["kept"] == len(json.loads((out / "manip.json").read_text())) == 2
    assert len(json.loads((out / "stage1_1.json").read_text())) == 3
    assert len((out / "clips.jsonl").read_text().splitlines()) == 2
    _check_broken_notes(capsys, download, out, (*items, *flags))


def _check_broken_notes(
    capsys: pytest.CaptureFixture[str], download: Path, out: Path, flags: tuple[str, ...]
) -> None:
    """Files of a finished run that are not JSON any more: the cause is named."""
    for name in ("manifest.json", "plan.json"):
        whole = (out / name).read_bytes()
        (out / name).write_bytes(whole[:-9])
        status, result, _ = run(capsys, "generate", download, *flags)
        assert (status, result["error"]["kind"]) == (2, "bad_json")
        assert f"{name} is not JSON" in result["error"]["message"]
        (out / name).write_bytes(whole)
    assert run(capsys, "generate", download, *flags)[0] == 0


def test_what_a_job_says_of_its_objects(simulator: Simulator, download: Path) -> None:
    """What a job says of its objects does not depend on the jobs before it."""
    plan = WorldPlan(0, 12, 0, 2, "train", 64, 6, ("Microwave",))
    user = Simulator(download, download / "list.txt")
    with pytest.raises(InputError, match=r"picture \d+ \(Microwave\): .*1/mobility.urdf"):
        run_job(user, plan, download, "language", 0, 12)
    for name in ("images", "depth", "masks"):
        (download / name).mkdir(exist_ok=True)
    users = [Simulator(download, download / "list.txt", "skip") for _ in range(2)]
    orders = [(0, 4, 8), (8, 0, 4)]
    said = [
        {start: run_job(one, plan, download, "language", start, 4, "skip") for start in order}
        for one, order in zip(users, orders, strict=True)
    ]
    assert said[0] == said[1]
    assert all(len(reply["items"]) == 4 for reply in said[0].values())
    assert any(reply["left_out"] for reply in said[0].values())


@pytest.mark.slow
def test_a_run_may_stop_skipping(
    simulator: Simulator, download: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part with skipped items is no finished part for a run that may skip none."""
    plan = WorldPlan(0, 2, 0, 2, "train", 64, 6, ("Microwave",))
    (download / "list.txt").write_text("1 Microwave train\n")
    plan = dataclasses.replace(plan, assets=str(download), asset_list=str(download / "list.txt"))
    with pytest.raises(InputError, match="picture 0"):
        generate(plan, download / "out", 1)
    with pytest.raises(InputError, match="all 2 items were skipped; the first, picture 0"):
        generate(plan, download / "out", 1, on_error="skip")
    with pytest.raises(InputError, match="cannot read the mesh"):
        generate(plan, download / "out", 1)
