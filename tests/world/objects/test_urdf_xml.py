# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The XML of robots: numbers as people write them, no entities, and what is not XML at all."""

from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.urdf import read_urdf
from tests.world.robots import ROBOT, no_mesh, write

NUMBERS = {
    "commas": ("1,2,3", "0,0,1.5707963267948966"),
    "commas and spaces": (" \t1,   2 ,\n3 ", "0  0 ,  1.5707963267948966"),
}


@pytest.mark.parametrize("what", NUMBERS)
def test_numbers_as_people_write_them(tmp_path: Path, what: str) -> None:
    """Any spaces, or commas, between three numbers; two or four stay an error."""
    xyz, rpy = NUMBERS[what]
    text = ROBOT.replace('xyz="1 2 3"', f'xyz="{xyz}"').replace(
        'rpy="0 0 1.5707963267948966"', f'rpy="{rpy}"'
    )
    one, two = (read_urdf(write(tmp_path, each), no_mesh) for each in (text, ROBOT))
    assert one.links[1].joint == two.links[1].joint
    for first, second in zip(one.links[1].solids, two.links[1].solids, strict=True):
        assert_allclose(first.mesh.vertices, second.mesh.vertices)
    for wrong in ("0,5 1,2 3,4", "1 2"):
        with pytest.raises(InputError, match="not three numbers"):
            read_urdf(write(tmp_path, ROBOT.replace('xyz="1 2 3"', f'xyz="{wrong}"')), no_mesh)


ENTITIES = """<?xml version="1.0" encoding="{0}"?>
<!DOCTYPE robot [<!ENTITY a "{1}"><!ENTITY b "{2}">]><robot name="&b;"><link name="base"><visual>
<geometry><box size="1 1 1"/></geometry></visual></link></robot>"""


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_entities_are_refused_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    """They can grow without end, whichever bytes spell them."""
    path = tmp_path / "mobility.urdf"
    text = ENTITIES.format(encoding[:6], "x" * 1000, "&a;" * 1000)
    path.write_bytes(text.encode(encoding))
    with pytest.raises(InputError, match="declares a document type"):
        read_urdf(path, no_mesh)


def test_what_a_file_is_instead(tmp_path: Path) -> None:
    """The message names the cause: another encoding, a place-holder."""
    path = tmp_path / "mobility.urdf"
    path.write_bytes(ROBOT.replace('name="r"', 'name="t\xfcr"').encode("latin-1"))
    with pytest.raises(InputError, match=r"not UTF-8 text: byte \d+ is 0x\w\w \(line 2\)"):
        read_urdf(path, no_mesh)
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(InputError, match="Git LFS pointer"):
        read_urdf(path, no_mesh)
    declared = '<?xml version="1.0" encoding="ISO-8859-1"?>'
    text = ROBOT.replace('<?xml version="1.0"?>', declared).replace('name="r"', 'name="t\xfcr"')
    path.write_bytes(text.encode("latin-1"))
    assert len(read_urdf(path, no_mesh).links) == 2
