# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A robot's description whose numbers are known."""

from pathlib import Path

from robomamba_jax.world.objects.meshes import Mesh

ROBOT = """<?xml version="1.0"?>
<robot name="r">
  <link name="base"><visual><geometry><box size="1 1 1"/></geometry></visual></link>
  <link name="arm"><visual name="handle-3">
    <origin xyz="0 0 1" rpy="0 0 1.5707963267948966"/>
    <geometry><cylinder radius="0.1" length="2"/></geometry></visual></link>
  <link name="tip"><visual><geometry><sphere radius="0.2"/></geometry></visual></link>
  <joint name="j" type="revolute"><parent link="base"/><child link="arm"/>
    <origin xyz="1 2 3" rpy="0 1.5707963267948966 0"/><axis xyz="0 0 2"/>
    <limit lower="-0.5" upper="1"/></joint>
  <joint name="f" type="fixed"><parent link="arm"/><child link="tip"/>
    <origin xyz="0 0 1"/></joint>
</robot>"""


def no_mesh(path: Path) -> Mesh:
    """Where a file should name none."""
    raise AssertionError(path)


def write(folder: Path, text: str) -> Path:
    """An URDF file."""
    path = folder / "mobility.urdf"
    path.write_text(text)
    return path
