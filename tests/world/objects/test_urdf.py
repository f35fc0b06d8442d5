# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""PartNet-shaped folders of our own objects load, look and move alike; broken ones say why."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.catalog import make_object
from robomamba_jax.world.objects.library import Listed, PartNet, read_list
from robomamba_jax.world.objects.meshes import box
from robomamba_jax.world.objects.partnet_write import write_partnet
from robomamba_jax.world.objects.urdf import read_urdf
from robomamba_jax.world.policies.registry import choose_policy
from robomamba_jax.world.rollout.run import RolloutPlan, rollout
from robomamba_jax.world.sim.simulator import SimScene, Simulator
from tests.world.made import door_spec
from tests.world.robots import ROBOT, no_mesh, write

LISTING = {"7179": "Microwave", "100": "Lamp", "45": "Kettle"}


@pytest.fixture(scope="module")
def partnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A download as a user has it, and its list."""
    root = tmp_path_factory.mktemp("partnet")
    for number, (name, category) in enumerate(LISTING.items()):
        write_partnet(make_object(category, "train", number), root / name)
    (root / "list.txt").write_text(
        "# ids\n" + "".join(f"{name} {category} test\n" for name, category in LISTING.items())
    )
    return root


@pytest.mark.parametrize("name", LISTING)
def test_our_objects_come_back(simulator: Simulator, partnet: Path, name: str) -> None:
    """Geometry, joints, parts and labels."""
    library = PartNet(simulator.sapien, partnet, partnet / "list.txt")
    category = LISTING[name]
    back = library.load(Listed(name, category, "test"))
    model = make_object(category, "train", list(LISTING).index(name))
    assert [link.part for link in back.links] == [link.part for link in model.links]
    assert back.parts() == model.parts()
    for one, two in zip(back.links, model.links, strict=True):
        assert one.parent == two.parent
        assert_allclose(one.mesh().vertices.min(axis=0), two.mesh().vertices.min(axis=0), atol=1e-5)
        assert_allclose(one.mesh().vertices.max(axis=0), two.mesh().vertices.max(axis=0), atol=1e-5)
        if one.joint is not None and two.joint is not None:
            assert one.joint.kind == two.joint.kind
            assert_allclose(one.joint.axis, two.joint.axis, atol=1e-6)
            assert_allclose(one.joint.origin, two.joint.origin, atol=1e-5)
            assert_allclose((one.joint.lower, one.joint.upper), (two.joint.lower, two.joint.upper))


def test_they_are_drawn_where_their_triangles_are(simulator: Simulator, partnet: Path) -> None:
    """The files' own meshes, drawn with their own colours, cover the same pixels."""
    library = PartNet(simulator.sapien, partnet, partnet / "list.txt")
    back = library.load(Listed("7179", "Microwave", "test"))
    ours = make_object("Microwave", "train", 0)
    views = [SimScene(simulator, door_spec(model, 0.5)).render() for model in (back, ours)]
    assert (views[0].links != views[1].links).mean() < 2e-3
    assert np.abs(views[0].depth - views[1].depth)[views[0].links == views[1].links].max() < 0.01
    assert np.ptp(views[0].rgb.reshape(-1, 3), axis=0).max() > 100  # it has colours of its own


def test_a_download_runs(simulator: Simulator, partnet: Path) -> None:
    """The same code carries out poses on it."""
    user = Simulator(partnet, partnet / "list.txt")
    plan = RolloutPlan(user.objects.categories(None, "test"), 3, size=96)
    assert plan.categories == ("Microwave", "Lamp", "Kettle")
    result = rollout(user, choose_policy("oracle"), plan)
    assert sum(entry["success"] for entry in result["categories"].values()) >= 7


def test_frames_and_fixed_joints(tmp_path: Path) -> None:
    """Poses chain, axes are unit vectors, fixed links melt into their parents."""
    urdf = read_urdf(write(tmp_path, ROBOT), no_mesh)
    base, arm = urdf.links
    assert (base.parent, arm.parent) == (-1, 0)
    assert arm.joint is not None
    assert_allclose(arm.joint.origin, (1, 2, 3))
    assert_allclose(arm.joint.axis, (1, 0, 0), atol=1e-12)
    assert (arm.joint.lower, arm.joint.upper, arm.closed) == (-0.5, 1, 0)
    assert [solid.label for solid in arm.solids] == ["handle", "body"]
    low, high = (f(arm.solids[0].mesh.vertices, axis=0) for f in (np.min, np.max))
    assert_allclose((low[0], high[0]), (1, 3), atol=1e-12)  # z of the link is x of the world
    assert_allclose(arm.solids[1].mesh.vertices.mean(axis=0)[0], 2, atol=0.02)


def test_endless_joints_get_ends(tmp_path: Path) -> None:
    """A continuous joint, and infinite limits: one line each, ManipLLM's ten radians."""
    text = ROBOT.replace('lower="-0.5" upper="1"', 'lower="-inf" upper="inf"')
    urdf = read_urdf(write(tmp_path, text), no_mesh)
    assert urdf.links[1].joint is not None
    assert (urdf.links[1].joint.lower, urdf.links[1].joint.upper) == (-10, 10)
    assert len(urdf.notes) == 1
    assert "joint j may move from -inf to inf: taken as -10 to 10 rad" in urdf.notes[0]
    text = ROBOT.replace("revolute", "prismatic").replace('upper="1"', "")
    urdf = read_urdf(write(tmp_path, text), no_mesh)
    assert "taken as -0.5 to 1 m" in urdf.notes[0]
    assert not read_urdf(write(tmp_path, ROBOT), no_mesh).notes


JOINTS = {
    # What the file says of joint j, and how far the arm may move and where it is: its top at x.
    "floating": (("revolute", "floating"), None, 3.0, "joint j is floating: taken as fixed"),
    "no room": (
        ('lower="-0.5" upper="1"', 'lower="0" upper="0"'),
        None,
        3.0,
        "joint j cannot move from 0: taken as fixed",
    ),
    "no room elsewhere": (
        ('revolute"', 'prismatic"', 'lower="-0.5" upper="1"', 'lower="0.25" upper="0.25"'),
        None,
        3.25,
        "joint j cannot move from 0.25: taken as fixed",
    ),
    "the other order": (
        ('upper="1"', 'upper="-1"'),
        (-1, -0.5),
        3.0,
        "joint j has the limits -0.5 and -1, the lower above the upper: taken as -1 to -0.5 rad",
    ),
    "far off": (
        ('lower="-0.5" upper="1"', 'lower="20" upper="21"'),
        (20, 21),
        3.0,
        "",
    ),
    "far off, without end": (
        ('lower="-0.5" upper="1"', 'lower="20" upper="inf"'),
        (20, 40),
        3.0,
        "joint j may move from 20 to inf: taken as 20 to 40 rad",
    ),
}


@pytest.mark.parametrize("what", JOINTS)
def test_joints_that_data_sets_have(tmp_path: Path, what: str) -> None:
    """They load, with a note of what they are taken for; a joint that cannot move holds its part
    where its limits say."""
    words, limits, top, note = JOINTS[what]
    text = ROBOT
    for old, new in zip(words[::2], words[1::2], strict=True):
        text = text.replace(old, new)
    urdf = read_urdf(write(tmp_path, text), no_mesh)
    assert len(urdf.links) == (1 if limits is None else 2)
    joint = urdf.links[-1].joint
    assert (None if joint is None else (joint.lower, joint.upper)) == limits
    arm = next(solid for solid in urdf.links[-1].solids if solid.label == "handle")
    assert_allclose(arm.mesh.vertices.max(axis=0)[0], top, atol=1e-12)
    assert [line.partition(": ")[2] for line in urdf.notes] == ([note] if note else [])


BROKEN = {
    "no XML": (ROBOT[:200], "is no XML"),
    "not a robot": ("<model/>", "its root is <model>"),
    "a document type": ("<!DOCTYPE a><robot/>", "declares a document type"),
    "no links": ("<robot/>", "it has 0 links"),
    "twins": (
        ROBOT.replace('name="tip"', 'name="arm"'),
        "3 links, 2 of them with own names: 'arm' is there 2 times",
    ),
    "a scale": (
        ROBOT.replace('<sphere radius="0.2"/>', '<mesh filename="a.obj" scale="1 0 1"/>'),
        "the scale '1 0 1'",
    ),
    "a lost link": (ROBOT.replace('child link="tip"', 'child link="top"'), "'top' that is not"),
    "two roots": (
        ROBOT.replace('type="fixed">', 'type="fixed"><!--').replace(
            'xyz="0 0 1"/></joint>', 'xyz="0 0 1"/>--></joint>'
        ),
        "lacks its parent",
    ),
    "a circle": (
        ROBOT.replace('link name="base"', 'link name="rest"').replace(
            '<parent link="base"/>', '<parent link="tip"/>'
        ),
        "circle",
    ),
    "a kind": (ROBOT.replace("revolute", "planar"), "of the type 'planar'"),
    "no axis": (ROBOT.replace('xyz="0 0 2"', 'xyz="0 0 0"'), "axis without length"),
    "limits": (ROBOT.replace('upper="1"', 'upper="nan"'), "the limits -0.5 and nan"),
    "a limit": (ROBOT.replace('upper="1"', 'upper="x"'), "the upper limit 'x'"),
    "numbers": (ROBOT.replace('size="1 1 1"', 'size="1 1"'), "not three numbers"),
    "a radius": (ROBOT.replace('radius="0.2"', 'radius="-1"'), "the radius '-1'"),
    "a shape": (ROBOT.replace("sphere", "capsule"), "<capsule> as geometry"),
    "no geometry": (ROBOT.replace('<sphere radius="0.2"/>', ""), "has no geometry"),
    "a mesh": (ROBOT.replace('<sphere radius="0.2"/>', '<mesh filename="a.obj"/>'), "a.obj, which"),
    "a way out": (ROBOT.replace('<sphere radius="0.2"/>', '<mesh filename="../a"/>'), "a"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_files(tmp_path: Path, what: str) -> None:
    """One line that names the file and the fault."""
    text, message = BROKEN[what]
    with pytest.raises(InputError, match=message) as caught:
        read_urdf(write(tmp_path, text), lambda path: box((1, 1, 1)))
    assert "\n" not in caught.value.message


def test_a_missing_file(tmp_path: Path) -> None:
    """And a broken mesh."""
    with pytest.raises(InputError, match="cannot read"):
        read_urdf(tmp_path / "none.urdf", no_mesh)


def test_a_broken_mesh(simulator: Simulator, partnet: Path, tmp_path: Path) -> None:
    """Cut to nothing, or no mesh at all: one line, no picture without it."""
    write_partnet(make_object("Safe", "train", 0), tmp_path / "9")
    listing = tmp_path / "list.txt"
    listing.write_text("9 Safe\n")
    mesh = next((tmp_path / "9" / "textured_objs").glob("*.obj"))
    mesh.write_text("hello\n")
    library = PartNet(simulator.sapien, tmp_path, listing)
    with pytest.raises(InputError, match=mesh.name):
        library.load(Listed("9", "Safe", "train"))
    for path in mesh.parent.glob("*.obj"):
        path.unlink()
    library = PartNet(simulator.sapien, tmp_path, listing)
    with pytest.raises(InputError, match="which is not there"):
        library.load(Listed("9", "Safe", "train"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("7179\n", "line 1: '7179'"),
        ("7179 Microwave dev\n", "line 1"),
        ("7179 Micro\n", "unknown category 'Micro'"),
        ("../x Safe\n", "is no id"),
        ("8 Safe\n", "8 has no mobility.urdf"),
    ],
)
def test_broken_lists(simulator: Simulator, tmp_path: Path, text: str, message: str) -> None:
    """One line with the line's number."""
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        PartNet(simulator.sapien, tmp_path, path)


def test_a_list_without_splits(tmp_path: Path) -> None:
    """Each fifth object of a seen category is held out, and all of the unseen ones."""
    path = tmp_path / "list.txt"
    path.write_text("".join(f"{k} Safe\n" for k in range(10)) + "77 Phone\n")
    listed = read_list(path)
    assert [k.name for k in listed if k.split == "test"] == ["4", "9", "77"]
    path.write_text("1 Safe validation\n2 Storage Furniture train\n")
    assert [k.split for k in read_list(path)] == ["validation", "train"]


def test_a_library_without_a_category(simulator: Simulator, partnet: Path) -> None:
    """It says what it has; the two flags belong together."""
    library = PartNet(simulator.sapien, partnet, partnet / "list.txt")
    with pytest.raises(InputError, match="no test object of Door"):
        library.categories(["Door"], "test")
    with pytest.raises(InputError, match="no train object"):
        library.categories(None, "train")
    with pytest.raises(InputError, match="belong together"):
        Simulator(partnet)


def test_write_partnet_keeps_models_apart(tmp_path: Path) -> None:
    """A folder that is there is never written into."""
    model = dataclasses.replace(make_object("Safe", "train", 0), instance="x")
    write_partnet(model, tmp_path / "1")
    with pytest.raises(FileExistsError):
        write_partnet(model, tmp_path / "1")
