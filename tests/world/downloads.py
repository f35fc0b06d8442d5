# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""PartNet-Mobility folders as downloads have them, with the faults that downloads have."""

from pathlib import Path

from robomamba_jax.world.objects.catalog import make_object
from robomamba_jax.world.objects.partnet_write import write_partnet

NEVER = "textured_objs/new-1.obj"
"""A mesh that a URDF names and no download has."""


def put(root: Path, name: str, category: str, number: int = 0) -> Path:
    """One of our objects as a folder of a download."""
    write_partnet(make_object(category, "train", number), root / name)
    return root / name


def listing(root: Path, *lines: str) -> Path:
    """A list of objects."""
    path = root / "list.txt"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def change(folder: Path, old: str, new: str) -> None:
    """Write something else into an object's URDF, where the old text stands first."""
    path = folder / "mobility.urdf"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def name_a_mesh_more(folder: Path, link: str, mesh: str = NEVER) -> None:
    """A link gets one more visual."""
    visual = f'<visual name="new-1"><geometry><mesh filename="{mesh}"/></geometry></visual>'
    change(folder, f'<link name="{link}">', f'<link name="{link}">{visual}')


def empty(folder: Path, link: int) -> int:
    """A link loses all of its mesh files; how many those were."""
    files = sorted((folder / "textured_objs").glob(f"link{link}-*.obj"))
    for file in files:
        file.unlink()
    return len(files)


def freeze(folder: Path) -> None:
    """Every moving link loses its mesh files."""
    links = {int(file.name.split("-")[0][4:]) for file in folder.glob("textured_objs/link*.obj")}
    for link in links - {0}:
        empty(folder, link)
