# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Our objects in PartNet-Mobility's layout: for tests, and for other simulators."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from robomamba_jax.world.objects.meshes import Mesh
from robomamba_jax.world.objects.model import ObjectModel

_JOINT_WORDS = {"revolute": "hinge", "prismatic": "slider"}


def write_partnet(model: ObjectModel, folder: Path) -> None:
    """Write mobility.urdf, semantics.txt and textured_objs/*.obj.

    Args:
      model: the object.
      folder: a new folder, such as <root>/<id>.
    """
    meshes = folder / "textured_objs"
    meshes.mkdir(parents=True)
    robot = ET.Element("robot", name=model.instance)
    semantics = []
    for index, link in enumerate(model.links):
        element = ET.SubElement(robot, "link", name=f"link_{index}")
        joint = link.joint
        # URDF's link frame lies at its joint: meshes are shifted there.
        shift = -np.asarray(joint.origin if joint else (0.0, 0.0, 0.0))
        for number, solid in enumerate(link.solids):
            name = f"link{index}-{number}"
            write_obj(meshes / f"{name}.obj", solid.mesh.moved(shift), solid.color.rgb)
            label = f"{solid.label.replace(' ', '_')}-{number}"
            visual = ET.SubElement(element, "visual", name=label)
            geometry = ET.SubElement(visual, "geometry")
            ET.SubElement(geometry, "mesh", filename=f"textured_objs/{name}.obj")
        word = _JOINT_WORDS[joint.kind] if joint else "static"
        semantics.append(f"link_{index} {word} {link.part.replace(' ', '_')}")
    for index, link in enumerate(model.links):
        if link.joint is not None:
            _write_joint(robot, model, index)
    ET.indent(robot)
    ET.ElementTree(robot).write(folder / "mobility.urdf", "utf-8", xml_declaration=True)
    (folder / "semantics.txt").write_text("\n".join(semantics) + "\n", encoding="utf-8")


def _write_joint(robot: ET.Element, model: ObjectModel, index: int) -> None:
    link = model.links[index]
    assert link.joint is not None
    parent = model.links[link.parent].joint
    # Seen from the parent's frame, which lies at the parent's joint.
    origin = np.asarray(link.joint.origin)
    if parent is not None:
        origin = origin - np.asarray(parent.origin)
    joint = ET.SubElement(robot, "joint", name=f"joint_{index}", type=link.joint.kind)
    ET.SubElement(joint, "parent", link=f"link_{link.parent}")
    ET.SubElement(joint, "child", link=f"link_{index}")
    ET.SubElement(joint, "origin", xyz=_words(origin), rpy="0 0 0")
    ET.SubElement(joint, "axis", xyz=_words(link.joint.axis))
    limits = {"lower": repr(link.joint.lower), "upper": repr(link.joint.upper)}
    ET.SubElement(joint, "limit", limits)


def write_obj(path: Path, mesh: Mesh, rgb: tuple[float, float, float]) -> None:
    """A Wavefront file, and its material beside it."""
    lines = [f"mtllib {path.stem}.mtl", "usemtl paint"]
    lines += [f"v {_words(vertex)}" for vertex in mesh.vertices]
    lines += [f"vn {_words(normal)}" for normal in mesh.normals]
    # OBJ counts from 1; normals have the numbers of their vertices.
    lines += ["f " + " ".join(f"{k}//{k}" for k in face) for face in mesh.triangles + 1]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.with_suffix(".mtl").write_text(f"newmtl paint\nKd {_words(rgb)}\n", encoding="utf-8")


def _words(numbers: object) -> str:
    return " ".join(f"{float(number):.9g}" for number in np.asarray(numbers))
