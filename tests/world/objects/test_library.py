# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with PartNet-Mobility's own objects is noted, and the rest of them is used."""

import dataclasses
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from robomamba_jax.cli.main import main
from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.library import Listed, PartNet
from robomamba_jax.world.objects.model import ObjectModel
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.policies.registry import choose_policy
from robomamba_jax.world.rollout.run import RolloutPlan, rollout
from robomamba_jax.world.sim.episodes import EpisodeSpec, open_stage
from robomamba_jax.world.sim.scenes import SceneSpec
from robomamba_jax.world.sim.simulator import Simulator, Stage
from robomamba_jax.world.sim.surfaces import first_hit, lever_share, motion, pixels_of, reach, spots
from robomamba_jax.world.sim.view_geometry import lift, pixel_of
from tests.world import downloads
from tests.world.made import door_spec

FACELESS = {
    "nothing": ("obj", b""),
    "corners alone": ("obj", b"mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\n"),
    "a comment": ("obj", b"# 0 faces\n"),
    "a group": ("obj", b"o new\ng new-1\nusemtl x\ns off\n"),
    "no facets": ("stl", b"\0" * 80 + struct.pack("<I", 0)),
}
BROKEN = {
    "words": (b"hello\n", "cannot read the mesh"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
    "no numbers": (b"v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "no number"),
    "UTF-16": ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n".encode("utf-16"), "not a mesh"),
}

# A bottle as the data set has many: the cap slides on a link without a mesh, which turns.
HELPER = """<robot name="bottle">
  <link name="base"/>
  <link name="link_0_helper"/>
  <link name="link_0"><visual name="lid-1"><origin xyz="0 0 0.5"/>
    <geometry><box size="0.3 0.5 0.2"/></geometry></visual></link>
  <link name="link_1"><visual name="body-2"><geometry><box size="0.4 0.4 0.8"/></geometry>
    </visual></link>
  <joint name="joint_1" type="fixed"><parent link="base"/><child link="link_1"/></joint>
  <joint name="joint_0" type="continuous"><parent link="link_1"/><child link="link_0_helper"/>
    <axis xyz="0 0 1"/></joint>
  <joint name="joint_2" type="prismatic"><parent link="link_0_helper"/><child link="link_0"/>
    <axis xyz="0 0 1"/><limit lower="0" upper="0.4"/></joint>
</robot>"""


def load(simulator: Simulator, root: Path, name: str, category: str) -> tuple[ObjectModel, str]:
    """An object out of a download, and all that is said of it."""
    path = downloads.listing(root, f"{name} {category} test")
    library = PartNet(simulator.sapien, root, path)
    model = library.load(Listed(name, category, "test"))
    return model, "\n".join(library.notes)


def same(one: ObjectModel, two: ObjectModel) -> None:
    """See that two objects are alike, link by link."""
    assert [link.name for link in one.links] == [link.name for link in two.links]
    for first, second in zip(one.links, two.links, strict=True):
        assert first.joint == second.joint
        assert_allclose(first.mesh().corners(), second.mesh().corners(), atol=1e-12)


def test_a_mesh_that_never_existed(simulator: Simulator, tmp_path: Path) -> None:
    """The object is what it is without it; the note names object, link and mesh."""
    whole, _ = load(simulator, downloads.put(tmp_path, "3593", "Safe").parent, "3593", "Safe")
    downloads.name_a_mesh_more(tmp_path / "3593", "link_1")
    model, notes = load(simulator, tmp_path, "3593", "Safe")
    same(model, whole)
    assert f"3593/mobility.urdf: link link_1: the mesh {downloads.NEVER} is not there" in notes
    assert len(notes.splitlines()) == 1


@pytest.mark.parametrize("what", FACELESS)
def test_a_mesh_without_faces(simulator: Simulator, tmp_path: Path, what: str) -> None:
    """Likewise, whatever the file without faces looks like."""
    suffix, content = FACELESS[what]
    whole, _ = load(simulator, downloads.put(tmp_path, "3593", "Safe").parent, "3593", "Safe")
    name = f"textured_objs/new-1.{suffix}"
    (tmp_path / "3593" / name).write_bytes(content)
    downloads.name_a_mesh_more(tmp_path / "3593", "link_1", name)
    model, notes = load(simulator, tmp_path, "3593", "Safe")
    same(model, whole)
    assert f"link link_1: the mesh {name} has no faces" in notes


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_mesh_is_no_faceless_one(simulator: Simulator, tmp_path: Path, what: str) -> None:
    """A file that is there and is not a mesh is an error, which names object, link and cause."""
    content, message = BROKEN[what]
    downloads.put(tmp_path, "3593", "Safe")
    (tmp_path / "3593" / downloads.NEVER).write_bytes(content)
    downloads.name_a_mesh_more(tmp_path / "3593", "link_1")
    with pytest.raises(InputError, match=message) as caught:
        load(simulator, tmp_path, "3593", "Safe")
    assert "3593/mobility.urdf: link link_1" in caught.value.message
    assert "\n" not in caught.value.message


def test_a_broken_download(simulator: Simulator, tmp_path: Path) -> None:
    """None of an object's meshes is there: that is no fault of the data set, and said so."""
    folder = downloads.put(tmp_path, "3593", "Safe")
    files = list((folder / "textured_objs").glob("*.obj"))
    for file in files:
        file.unlink()
    with pytest.raises(InputError, match=f"nor can any other of its {len(files)} meshes") as caught:
        load(simulator, tmp_path, "3593", "Safe")
    assert "download the object again" in caught.value.fix


def test_a_moving_part_without_a_mesh(simulator: Simulator, tmp_path: Path) -> None:
    """Its joint is noted and moves nothing; the other parts move as before, and are acted on."""
    folder = downloads.put(tmp_path, "45", "StorageFurniture", 3)
    whole, _ = load(simulator, tmp_path, "45", "StorageFurniture")
    assert len(whole.movable) > 1
    gone = whole.movable[0]
    lost = downloads.empty(folder, gone)
    model, notes = load(simulator, tmp_path, "45", "StorageFurniture")
    assert len(model.movable) == len(whole.movable) - 1
    assert whole.links[gone].name not in [link.name for link in model.links]
    assert f"joint joint_{gone} moves link link_{gone}, which has no mesh: taken as fixed" in notes
    assert len(notes.splitlines()) == lost + 1
    user = Simulator(tmp_path, tmp_path / "list.txt")
    plan = RolloutPlan(("StorageFurniture",), 2, size=96)
    result = rollout(user, choose_policy("oracle"), plan)
    assert result["categories"]["StorageFurniture"]["n"] == 2
    assert result["notes"] == notes.splitlines()


def test_a_cap_on_a_helper(simulator: Simulator, tmp_path: Path) -> None:
    """A link without a mesh that carries one keeps its joint. Its longest lever is the cap's; rays,
    masks and physics go through it."""
    (tmp_path / "3517").mkdir()
    (tmp_path / "3517" / "mobility.urdf").write_text(HELPER)
    model, _ = load(simulator, tmp_path, "3517", "Bottle")
    assert [link.name for link in model.links] == ["base", "link_0_helper", "link_0"]
    stage = open_stage(simulator, EpisodeSpec(_closed(model), (0.3, 0.3)))
    cap = model.links[2].mesh().vertices
    assert reach(stage, 1) == pytest.approx(float(np.hypot(cap[:, 0], cap[:, 1]).max()), rel=1e-6)
    assert reach(stage, 2) == 1.0
    view = stage.look()
    assert set(np.unique(view.links)) == {-1, 0, 2}
    spot = spots(stage, 2, pixels_of(view.links == 2))[0]
    assert first_hit(stage, spot.point - 0.5 * -spot.normal, -spot.normal)[0] == 2
    assert not spots(stage, 1, pixels_of(view.links == 2)[:4])
    assert_allclose(motion(stage, 2, spot.point), (0, 0, 1), atol=1e-6)
    assert lever_share(stage, 2, spot.point) == pytest.approx(1)
    user = Simulator(tmp_path, tmp_path / "list.txt")
    result = rollout(user, choose_policy("oracle"), RolloutPlan(("Bottle",), 3, size=96))
    assert result["categories"]["Bottle"]["success"] >= 2


def _closed(model: ObjectModel) -> SceneSpec:
    spec = door_spec(model)
    return dataclasses.replace(spec, joints=(0.0,) * len(model.movable))


def test_an_object_in_which_nothing_moves(
    simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is left out, and said; the trials are made with the others. Without others it is an
    error."""
    still = downloads.put(tmp_path, "1", "Microwave", 0)
    downloads.put(tmp_path, "2", "Microwave", 1)
    downloads.freeze(still)
    path = downloads.listing(tmp_path, "1 Microwave test", "2 Microwave test")
    arguments = ["world", "rollout", "--policy", "oracle", "--episodes", "8", "--size", "96"]
    arguments += ["--assets", str(tmp_path), "--asset-list", str(path)]
    assert main([*arguments, "--json"]) == 0
    said = capsys.readouterr()
    result = json.loads(said.out)
    assert result["categories"]["Microwave"]["n"] == 8
    assert result["left_out"] == [
        {"name": "1", "objects": 1, "reason": f"{still} has no movable part"}
    ]
    assert f"left out: 1: 1 object ({still} has no movable part)" in said.err
    downloads.listing(tmp_path, "1 Microwave test")
    assert main(arguments) == 2
    assert "no test object of Microwave can be used" in capsys.readouterr().err


def test_which_object_is_drawn_does_not_depend_on_the_past(
    simulator: Simulator, tmp_path: Path
) -> None:
    """With an object that is left out, a trial shows the same object whatever was read before."""
    for number in range(3):
        downloads.put(tmp_path, str(number), "Microwave", number)
    downloads.freeze(tmp_path / "1")
    path = downloads.listing(tmp_path, *(f"{number} Microwave test" for number in range(3)))

    def drawn(library: PartNet, seed: int) -> str:
        return library.draw("Microwave", "test", Rng((seed,))).instance

    library = PartNet(simulator.sapien, tmp_path, path)
    there = [drawn(library, seed) for seed in range(12)]
    back = PartNet(simulator.sapien, tmp_path, path)
    assert [drawn(back, seed) for seed in reversed(range(12))] == there[::-1]
    assert set(there) == {"partnet-0", "partnet-2"}


@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_the_names_of_parts(simulator: Simulator, tmp_path: Path, mark: str) -> None:
    """A byte order mark hides no link's name; what is no text is noted, and names nothing."""
    folder = downloads.put(tmp_path, "7", "Microwave")
    path = folder / "semantics.txt"
    lines = path.read_text().splitlines()
    # The moving link first: its line is the one that a mark stands before.
    lines.reverse()
    path.write_text(mark + "\r\n".join(lines), encoding="utf-8")
    model, notes = load(simulator, tmp_path, "7", "Microwave")
    assert [link.part for link in model.links][-1] == lines[0].split()[2].replace("_", " ")
    assert not notes
    path.write_bytes(b"link_1 hinge d\xf6\xf6r\n")
    model, notes = load(simulator, tmp_path, "7", "Microwave")
    assert model.links[1].part == "link_1"
    assert "semantics.txt is not UTF-8 text" in notes


def test_an_object_without_size(simulator: Simulator, tmp_path: Path) -> None:
    """All corners in one place: one line, no division by zero."""
    folder = tmp_path / "1"
    folder.mkdir()
    (folder / "p.obj").write_text("v 0 0 0\nv 0 0 0\nv 0 0 0\nf 1 2 3\n")
    visual = '<visual><geometry><mesh filename="p.obj"/></geometry></visual>'
    (folder / "mobility.urdf").write_text(
        f'<robot name="r"><link name="a">{visual}</link><link name="b">{visual}</link>'
        '<joint name="j" type="prismatic"><parent link="a"/><child link="b"/>'
        '<limit lower="0" upper="1"/></joint></robot>'
    )
    with pytest.raises(InputError, match="has no size"):
        load(simulator, tmp_path, "1", "Safe")


def test_a_mirrored_mesh_is_seen_from_outside(simulator: Simulator, tmp_path: Path) -> None:
    """A negative factor turns triangles inside out: picture and rays agree all the same."""
    folder = downloads.put(tmp_path, "1", "Safe")
    path = folder / "mobility.urdf"
    path.write_text(path.read_text().replace('.obj" />', '.obj" scale="1 -1 1" />'))
    model, _ = load(simulator, tmp_path, "1", "Safe")
    stage = Stage(simulator, _closed(model))
    view = stage.look()
    seen = 0
    for link in (0, 1):
        pixels = pixels_of(view.links == link)[::40]
        for spot in spots(stage, link, pixels):
            lifted = lift(view, pixel_of(view, spot.point))
            seen += lifted is not None and bool(np.abs(lifted - spot.point).max() < 0.02)
    assert seen > 40
    corners = model.links[0].mesh().corners()
    sides = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    volume = np.sum(corners[:, 0] * sides) / 6
    assert volume > 0  # counter-clockwise from outside
