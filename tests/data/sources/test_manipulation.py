# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Actions out of both formats in one convention, and back into text."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.data.sources.manipulation import (
    Action,
    ManipLlmPoses,
    RoboMambaPoses,
    answer_text,
    parse_action,
)
from robomamba_jax.errors import InputError

PUBLISHED = (
    "The contact point is (169, 175), the gripper direction is [-18, 15, 43], left is [33, 35, 2]"
)


def test_the_published_example() -> None:
    """Whole fiftieths; ManipLLM's forward, left, up become right, down, forward."""
    action = parse_action(PUBLISHED, "x", pixel_order="xy", frame="manipllm")
    assert action.contact_xy == (169.5, 175.5)
    length = math.sqrt(18**2 + 15**2 + 43**2)
    # (forward, left, up) = (-18, 15, 43): x = -left, y = -up, z = forward.
    np.testing.assert_allclose(action.approach, np.array([-15, -43, -18]) / length, rtol=1e-12)
    assert action.gripper_open is None
    swapped = parse_action(PUBLISHED, "x", pixel_order="rowcol", frame="opencv")
    assert swapped.contact_xy == (175.5, 169.5)
    np.testing.assert_allclose(swapped.approach, np.array([-18, 15, 43]) / length, rtol=1e-12)


@pytest.mark.parametrize(("words", "value"), [("open", 1.0), ("closed", 0.0)])
def test_grippers(words: str, value: float) -> None:
    """Seven degrees of freedom."""
    text = f"{PUBLISHED}, gripper is {words}."
    assert parse_action(text, "x", pixel_order="xy", frame="opencv").gripper_open == value


BAD = {
    "no point": PUBLISHED.replace("(169, 175)", "here"),
    "one direction": PUBLISHED.replace("[33, 35, 2]", ""),
    "two numbers": PUBLISHED.replace("[33, 35, 2]", "[33, 35]"),
    "no length": PUBLISHED.replace("[33, 35, 2]", "[0, 0, 0]"),
    "parallel": PUBLISHED.replace("[33, 35, 2]", "[36, -30, -86]"),
    "words": PUBLISHED.replace("169", "nan"),
    "nothing": "",
}


@pytest.mark.parametrize("what", BAD)
def test_bad_answers(what: str) -> None:
    """Named by the sample."""
    with pytest.raises(InputError, match="sample 9"):
        parse_action(BAD[what], "sample 9", pixel_order="xy", frame="opencv")


def test_wrong_names() -> None:
    """Of conventions: nothing is guessed."""
    with pytest.raises(InputError, match=r"did you mean xy|choose one of xy"):
        parse_action(PUBLISHED, "x", pixel_order="yx", frame="opencv")
    with pytest.raises(InputError, match="frame"):
        parse_action(PUBLISHED, "x", pixel_order="xy", frame="opengl")


UNITS = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.2)


@given(st.integers(0, 500), st.integers(0, 500), UNITS, UNITS, st.sampled_from([None, 0.0, 1.0]))
def test_text_and_back(x: int, y: int, approach: Any, left: Any, gripper: float | None) -> None:
    """Pixels exactly, directions within a fiftieth's rounding."""
    approach, left = (np.array(v) / np.linalg.norm(v) for v in (approach, left))
    if np.linalg.norm(np.cross(approach, left)) < 0.2:
        return
    action = Action((x + 0.5, y + 0.5), tuple(approach), tuple(left), gripper)
    found = parse_action(answer_text(action), "x", pixel_order="xy", frame="opencv")
    assert found.contact_xy == action.contact_xy
    assert found.gripper_open == gripper
    np.testing.assert_allclose(found.approach, approach, atol=0.03)
    np.testing.assert_allclose(found.left, left, atol=0.03)


def test_robomambas_file(tmp_path: Path) -> None:
    """Images beside the file or in robot_pics."""
    (tmp_path / "robot_pics").mkdir()
    picture = tmp_path / "robot_pics" / "148_Faucet_0.png"
    picture.touch()
    turns = [{"from": "human", "value": "<image>\nPredict"}, {"from": "gpt", "value": PUBLISHED}]
    records = [{"image": "148_Faucet_0.png", "conversations": turns}] * 2
    path = tmp_path / "train.json"
    path.write_text(json.dumps(records))
    source = RoboMambaPoses(path, pixel_order="xy")
    assert source.facts() == {
        "format": "robomamba-poses",
        "records": 2,
        "pixel_order": "xy",
        "frame": "manipllm",
    }
    assert source[1].images == (picture,)
    assert source[0].id != source[1].id
    assert source[0].action is not None
    assert source[0].action.contact_xy == (169.5, 175.5)
    with pytest.raises(InputError, match="pixel_order"):
        RoboMambaPoses(path, pixel_order="auto")


def trial(root: Path, name: str, **changes: Any) -> None:
    """One of ManipLLM's folders."""
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "original_rgb.png").touch()
    result = {
        "mani_succ": "True",
        "pixel_locs": [175, 169],
        "gripper_up_direction_camera": [1.0, 0.0, 0.0],
        "gripper_forward_direction_camera": [[0.0, 0.0, 1.0]],
        **changes,
    }
    (folder / "result.json").write_text(json.dumps(result))


def test_manipllms_folders(tmp_path: Path) -> None:
    """Rows and columns swapped, up is the approach, failures counted and left out."""
    trial(tmp_path, "148_Faucet_0_pulling_1")
    trial(tmp_path, "149_Faucet_0_pulling_2", mani_succ=False)
    trial(tmp_path, "150_Door_0_pulling_3", mani_succ=True)
    source = ManipLlmPoses(tmp_path)
    assert source.facts() == {"format": "manipllm", "records": 2, "failed_trials": 1}
    sample = source[0]
    assert (sample.id, sample.task) == ("148_Faucet_0_pulling_1", "Faucet")
    assert sample.action is not None
    assert sample.action.contact_xy == (169.5, 175.5)
    np.testing.assert_allclose(sample.action.approach, (0, 0, 1))  # forward is z
    # left = up x forward = (1, 0, 0) x (0, 0, 1) = (0, -1, 0): to the right, which is x.
    np.testing.assert_allclose(sample.action.left, (1, 0, 0))


@pytest.mark.parametrize(
    "changes",
    [{"pixel_locs": [1]}, {"pixel_locs": None}, {"gripper_up_direction_camera": ["a", 1, 2]}],
)
def test_bad_trials(changes: dict[str, Any], tmp_path: Path) -> None:
    """Named by the folder and the field."""
    trial(tmp_path, "1_Door_0_pulling_1", **changes)
    with pytest.raises(InputError, match=rf"1_Door_0_pulling_1.*{next(iter(changes))}"):
        ManipLlmPoses(tmp_path)[0]


def test_no_trials(tmp_path: Path) -> None:
    """An empty folder, a missing one, an image that is gone."""
    with pytest.raises(InputError, match=r"has no \*/result\.json"):
        ManipLlmPoses(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        ManipLlmPoses(tmp_path / "none")
    trial(tmp_path, "1_Door_0_pulling_1")
    (tmp_path / "1_Door_0_pulling_1" / "original_rgb.png").unlink()
    with pytest.raises(InputError, match="original_rgb"):
        ManipLlmPoses(tmp_path)[0]
