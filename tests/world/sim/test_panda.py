# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The arm, on a skeleton with the Panda's published joint frames: the same grips, by its joints.

(https://frankaemika.github.io/docs/control_parameters.html; the meshes are not ours to ship.)
"""

from pathlib import Path

import numpy as np
import pytest

from robomamba_jax.errors import InputError
from robomamba_jax.world.sim.episodes import EVALUATION, evaluate
from robomamba_jax.world.sim.gripper import execute
from robomamba_jax.world.sim.panda import TCP, PandaExecutor
from robomamba_jax.world.sim.simulator import Simulator
from tests.world.made import door_scene, front_point, pull

HALF = np.pi / 2
# xyz, rpy and range of the seven joints
JOINTS = (
    ((0, 0, 0.333), (0, 0, 0), (-2.8973, 2.8973)),
    ((0, 0, 0), (-HALF, 0, 0), (-1.7628, 1.7628)),
    ((0, -0.316, 0), (HALF, 0, 0), (-2.8973, 2.8973)),
    ((0.0825, 0, 0), (HALF, 0, 0), (-3.0718, -0.0698)),
    ((-0.0825, 0.384, 0), (-HALF, 0, 0), (-2.8973, 2.8973)),
    ((0, 0, 0), (HALF, 0, 0), (-0.0175, 3.7525)),
    ((0.088, 0, 0), (HALF, 0, 0), (-2.8973, 2.8973)),
)


def link(name: str) -> str:
    """A small box with a mass."""
    inertia = '<inertia ixx="0.02" iyy="0.02" izz="0.02" ixy="0" ixz="0" iyz="0"/>'
    shape = '<visual><geometry><box size="0.06 0.06 0.06"/></geometry></visual>'
    body = f'<inertial><mass value="2"/>{inertia}</inertial>{shape}'
    return f'<link name="{name}">{body}</link>'


def joint(name: str, kind: str, ends: tuple[str, str], xyz: tuple, rpy: tuple, more: str) -> str:
    """A joint."""
    origin = f'<origin xyz="{" ".join(map(str, xyz))}" rpy="{" ".join(map(str, rpy))}"/>'
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{ends[0]}"/><child link="{ends[1]}"/>'
        f"{origin}{more}</joint>"
    )


def arm_text() -> str:
    """The arm, the hand and two fingers."""
    parts = [link("panda_link0")]
    for k, (xyz, rpy, (low, high)) in enumerate(JOINTS, 1):
        limit = f'<axis xyz="0 0 1"/><limit lower="{low}" upper="{high}" effort="87" velocity="2"/>'
        ends = (f"panda_link{k - 1}", f"panda_link{k}")
        parts += [link(ends[1]), joint(f"panda_joint{k}", "revolute", ends, xyz, rpy, limit)]
    fixed = (
        (("panda_link7", "panda_link8"), (0, 0, 0.107), (0, 0, 0)),
        (("panda_link8", "panda_hand"), (0, 0, 0), (0, 0, -HALF / 2)),
        (("panda_hand", TCP), (0, 0, 0.1034), (0, 0, 0)),
    )
    for ends, xyz, rpy in fixed:
        parts += [link(ends[1]), joint(f"to_{ends[1]}", "fixed", ends, xyz, rpy, "")]
    for k, side in ((1, 1), (2, -1)):
        more = f'<axis xyz="0 {side} 0"/><limit lower="0" upper="0.04" effort="9" velocity="1"/>'
        ends = ("panda_hand", f"finger{k}")
        name = f"panda_finger_joint{k}"
        parts += [link(ends[1]), joint(name, "prismatic", ends, (0, 0, 0.0584), (0, 0, 0), more)]
    return f'<robot name="panda">{"".join(parts)}</robot>'


@pytest.fixture(scope="module")
def panda(tmp_path_factory: pytest.TempPathFactory) -> PandaExecutor:
    """The arm."""
    path = tmp_path_factory.mktemp("panda") / "panda.urdf"
    path.write_text(arm_text())
    return PandaExecutor(path)


@pytest.mark.slow
def test_it_opens_the_door(simulator: Simulator, panda: PandaExecutor) -> None:
    """As the flying gripper does; afterwards the arm is gone, and the scene can be drawn."""
    ends = []
    for executor in (execute, panda):
        scene = door_scene(simulator, 0.4)
        result = executor(scene, 1, pull(front_point(scene, 0.8)))
        assert result.held
        assert evaluate(scene, 1, result, EVALUATION).success
        ends.append(float(result.after[0]))
        assert len(scene.joints) == 1
        scene.render()
    assert ends[1] > 0.5 * ends[0]


def test_the_lever_rule_holds_for_it(simulator: Simulator, panda: PandaExecutor) -> None:
    """Near the hinge the same limited hold does not suffice."""
    scene = door_scene(simulator, 0.5)
    result = panda(scene, 1, pull(front_point(scene, 0.25)))
    assert result.held
    assert not evaluate(scene, 1, result, EVALUATION).success


def test_a_touch_and_what_cannot_be(simulator: Simulator, panda: PandaExecutor) -> None:
    """No pull, no movement; a blocked approach is told before the arm is even loaded."""
    scene = door_scene(simulator, 0.3)
    result = panda(scene, 1, pull(front_point(scene, 0.8), pull=False))
    assert result.held
    assert abs(result.after[0] - result.before[0]) < 1e-4
    blocked = panda(scene, 1, pull(front_point(scene, 0.8), np.array([1.0, 0, 0])))
    assert (blocked.held, blocked.why) == (False, "blocked")


def test_other_descriptions(simulator: Simulator, tmp_path: Path) -> None:
    """One line for a missing file, and for another robot."""
    with pytest.raises(InputError, match="is not a file"):
        PandaExecutor(tmp_path / "panda.urdf")
    path = tmp_path / "other.urdf"
    path.write_text('<!DOCTYPE robot [<!ENTITY a "a">]><robot name="&a;"/>')
    with pytest.raises(InputError, match="declares a document type"):
        PandaExecutor(path)
    path.write_text(f'<robot name="r">{link("a")}</robot>')
    scene = door_scene(simulator, 0.3)
    with pytest.raises(InputError, match=r"cannot read|no Panda"):
        PandaExecutor(path)(scene, 1, pull(front_point(scene, 0.8)))
