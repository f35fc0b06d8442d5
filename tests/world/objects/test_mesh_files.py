# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Mesh files by the names that URDFs give them: the one that is meant, and none from elsewhere."""

import contextlib
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.meshes import Mesh, box
from robomamba_jax.world.objects.urdf import read_urdf
from tests.world.robots import ROBOT, no_mesh, write

NAMES = {
    "backslashes": ("textured_objs\\a.obj", ""),
    "a package": ("package://robot/textured_objs/a.obj", ""),
    "a way in and out": ("textured_objs/../textured_objs/./a.obj", ""),
    "capitals": ("Textured_Objs/A.OBJ", "taken to be textured_objs/a.obj"),
    "both": ("Textured_Objs\\a.obj", "taken to be textured_objs/a.obj"),
}


@pytest.mark.parametrize("what", NAMES)
def test_names_of_meshes(tmp_path: Path, what: str) -> None:
    """The one file that a name can mean is read, in its own place; likewise by its plain name, and
    where the folder stands for a package."""
    name, note = NAMES[what]
    (tmp_path / "textured_objs").mkdir()
    (tmp_path / "textured_objs" / "a.obj").touch()
    read: list[Path] = []

    def mesh(path: Path) -> Mesh:
        read.append(path)
        return box((1, 1, 1))

    shape = f'<mesh filename="{name}" scale="2 2 2"/>'
    urdf = read_urdf(write(tmp_path, ROBOT.replace('<sphere radius="0.2"/>', shape)), mesh)
    assert read == [tmp_path / "textured_objs" / "a.obj"]
    assert_allclose(np.ptp(urdf.links[1].solids[1].mesh.vertices, axis=0), (2, 2, 2))
    assert "".join(urdf.notes).partition(" is ")[2] == note
    for plain in ("textured_objs/a.obj", "package://textured_objs/a.obj"):
        text = ROBOT.replace('<sphere radius="0.2"/>', f'<mesh filename="{plain}"/>')
        assert not read_urdf(write(tmp_path, text), mesh).notes
    assert set(read) == {tmp_path / "textured_objs" / "a.obj"}


WAYS_OUT = ("../a.obj", "x/../../a.obj", "..\\a.obj", "/a.obj", "package://../a.obj", "C:\\a.obj")


@pytest.mark.parametrize("name", WAYS_OUT)
def test_no_name_leads_out(tmp_path: Path, name: str) -> None:
    """Nothing outside of the object's folder is opened, and the error names link and name."""
    (tmp_path / "a.obj").touch()
    (tmp_path / "in").mkdir()
    text = ROBOT.replace('<sphere radius="0.2"/>', f'<mesh filename="{name}"/>')
    with pytest.raises(InputError, match="leaves the data's folder") as caught:
        read_urdf(write(tmp_path / "in", text), no_mesh)
    assert "link tip: the mesh" in caught.value.message


LETTERS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=70)


@given(LETTERS)
@example("\u00e4" * 200)
def test_any_name_of_a_mesh(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Found if it is there; else noted as missing, or refused: never anything else."""
    folder = tmp_path_factory.mktemp("any")
    solid = '<visual><geometry><mesh filename=""/></geometry></visual>'
    root = ET.fromstring(ROBOT.replace("</link>", solid + "</link>", 1))
    tag = root.find(".//mesh")
    other = ET.fromstring('<visual><geometry><mesh filename="there.obj"/></geometry></visual>')
    root.find("link").append(other)  # type: ignore[union-attr]
    assert tag is not None
    tag.set("filename", name)
    (folder / "there.obj").touch()
    plain = not set(name) & set("/\\:") and not name.startswith("~") and name not in (".", "..")
    if plain and len(name.encode()) < 256:
        (folder / name).touch()
    (folder / "mobility.urdf").write_bytes(ET.tostring(root))
    if not plain:
        with contextlib.suppress(InputError):
            read_urdf(folder / "mobility.urdf", lambda path: box((1, 1, 1)))
        return
    urdf = read_urdf(folder / "mobility.urdf", lambda path: box((1, 1, 1)))
    lost = [note for note in urdf.notes if "is not there" in note]
    assert len(lost) == len(urdf.notes)
    assert bool(lost) == (len(name.encode()) > 255)
    assert len(urdf.links[0].solids) == 3 - len(lost)
