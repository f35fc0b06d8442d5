# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba predict``: where and how a gripper should touch, in one image or many."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from robomamba_jax.cli import loading
from robomamba_jax.cli.batch_files import Reply, Request, Task, add_batch_arguments, run_batch
from robomamba_jax.cli.command_line import Commands
from robomamba_jax.cli.deprecated import add_renamed
from robomamba_jax.cli.terminal import say, shown, text_argument
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_names import fitting
from robomamba_jax.utils.files import writing
from robomamba_jax.utils.json_types import Json

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from robomamba_jax.data.geometry.camera import Camera
    from robomamba_jax.inference.engine import Engine
    from robomamba_jax.pose import Pose

SCHEMA = "robomamba.predict/1"
# ManipLLM's question, with which RoboMamba's pose data are asked.
INSTRUCTION = "Specify the contact point and gripper direction of manipulating the object."
_PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}

EXAMPLE = """examples:
  robomamba predict --image drawer.png
  robomamba predict --image drawer.png --instruction "Open the drawer." --out pose.png
  robomamba predict --image drawer.png --depth drawer_depth.png --camera camera.json --json
  robomamba predict --batch scenes.jsonl --out poses.jsonl --save-images poses

Lines of a --batch: {"id": "a", "image": "drawer.png", "instruction": "Open the drawer.",
"depth": "drawer_depth.png", "camera": "camera.json"}; all but the image may be left out. Files lie
relative to the file of lines. A run with --out that was killed goes on by the same command."""


class Scene(NamedTuple):
    """The files of one scene, read.

    Attributes:
      image: decoded, in the colors of its file.
      depth: float32[H, W], metres, or None.
      camera: of the image, or None.
    """

    image: Image.Image
    depth: np.ndarray | None
    camera: Camera | None


def add_parser(commands: Commands) -> None:
    """Add ``predict``."""
    parser = commands.add_parser(
        "predict",
        help="predict a contact point and a gripper's direction",
        description="The pose's frame is the camera's: x right, y down, z forward, in metres.",
        epilog=EXAMPLE,
    )
    loading.add_checkpoint_arguments(parser)
    parser.add_argument("--image", metavar="FILE", help="an image")
    parser.add_argument(
        "--instruction", type=text_argument, metavar="TEXT", help=f"what to do ({INSTRUCTION})"
    )
    parser.add_argument(
        "--depth", metavar="FILE", help=".npy in metres, or a 16-bit PNG in millimetres"
    )
    parser.add_argument("--camera", metavar="FILE", help="JSON with width, height, K")
    add_batch_arguments(parser, '{"image": "a.png", "instruction": "..."}')
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="the image with the pose, .png or .jpg, or none (NAME_pose.png in this folder); "
        "with --batch: the poses (stdout)",
    )
    add_renamed(
        parser,
        "--save-images",
        "--pictures",
        metavar="DIR",
        help="with --batch: an image for each pose",
    )
    parser.runs(_run)


def _run(args: argparse.Namespace) -> dict[str, Json]:
    if args.batch is None:
        if args.image is None:
            raise InputError("bad_arguments", "--image is missing", "give --image, or --batch FILE")
        if args.save_images is not None:
            raise InputError("bad_arguments", "--save-images belongs to --batch", "give --out FILE")
        return _one(args)
    for name in ("image", "instruction", "depth", "camera"):
        if getattr(args, name) is not None:
            raise InputError("bad_arguments", f"--batch has its own {name}s", f"no --{name} here")
    task = _Poses(args)
    done = run_batch(args, task)
    return {"schema": SCHEMA, "checkpoint": task.checkpoint.path, **done}


def _one(args: argparse.Namespace) -> dict[str, Json]:
    from rich.console import Console

    # In this order: arguments, files, checkpoint, then jax: the cheapest mistake is told first.
    out = _target(args)
    scene = read_scene(args.image, args.depth, args.camera, "--camera")
    checkpoint = loading.find_checkpoint(args)
    checkpoint.need(vision=f"--image {args.image}", policy=True)
    with Console(file=sys.stderr).status(f"Loading {shown(checkpoint.path)} ...") as status:
        engine = loading.load(checkpoint).engine
        status.update("Predicting ...")
        began = time.perf_counter()
        pose = _predict(engine, scene, args.instruction)
        seconds = time.perf_counter() - began
    if out is not None:
        draw(out, scene, pose)
    if not args.json:
        print("\n".join(pose_lines(pose)))
        if out is not None:
            say(f"image     {out}")
    return {"schema": SCHEMA, **pose.to_json(), "seconds": seconds}


def _target(args: argparse.Namespace) -> Path | None:
    """Where the image goes; None for nowhere."""
    if args.out == "none":
        return None
    # In the working folder and not beside the image, which may lie where nobody can write.
    out = Path(args.out or fitting(Path(args.image).stem, "_pose.png"))
    if out.suffix.lower() not in _PICTURES:
        raise InputError("bad_arguments", f"--out {out}", "give a .png or .jpg file, or none")
    inputs = [Path(name) for name in (args.image, args.depth, args.camera) if name is not None]
    loading.check_target("--out", out, inputs)
    return out


def read_scene(
    image: str | Path, depth: str | Path | None, camera: str | Path | None, flag: str
) -> Scene:
    """Read the files of one scene, and compare their sizes.

    Args:
      image: an image.
      depth: see ``read_depth``; or None.
      camera: see ``Camera.from_json``; or None.
      flag: what names a camera, for messages.

    Raises:
      InputError: a file is wrong, sizes differ, or there is a depth without a camera.
    """
    from robomamba_jax.data.geometry.camera import Camera, read_depth

    # A depth lifts the contact to a point only through a camera; without one it would be ignored.
    if depth is not None and camera is None:
        raise InputError(
            "missing_camera", f"depth {depth} was given without a camera", f"give {flag} FILE"
        )
    pixels = loading.read_image(image)
    lens = None
    if camera is not None:
        lens = Camera.from_json(camera)
        # A camera of another size would put the point somewhere else, and nobody would see it.
        lens.check_size(f"image {image}", *pixels.size)
    return Scene(pixels, None if depth is None else read_depth(depth, size=pixels.size), lens)


def _predict(engine: Engine, scene: Scene, instruction: str | None) -> Pose:
    from robomamba_jax.data.text.prompts import as_record

    if instruction is None:
        # As a record of the training data words it: published heads have read "<image>" as text.
        instruction = as_record(INSTRUCTION, engine.processor.template)
    return engine.predict_poses([scene.image], [instruction], [scene.depth], [scene.camera])[0]


def draw(out: Path, scene: Scene, pose: Pose) -> None:
    """Write the image with the pose in it, in the camera's perspective where that is known, and
    of what the input's file says beside its pixels nothing.

    Raises:
      InputError: it cannot be drawn or written.
    """
    from robomamba_jax.data.images.drawing import draw_pose
    from robomamba_jax.data.images.rgb import encoded

    drawn = draw_pose(scene.image, pose.contact_xy, pose.rotation, camera=scene.camera)
    content = encoded(drawn, _PICTURES[out.suffix.lower()])
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)


def pose_lines(pose: Pose) -> list[str]:
    """A pose for people, a line for each part of it."""
    from robomamba_jax.pose import gripper_angles

    x, y = pose.contact_xy
    width, height = pose.image_size
    # The first column is the approach axis, which points towards the surface.
    approach = [float(value) for value in pose.rotation[:, 0]]
    yaw, pitch, roll = (math.degrees(angle) for angle in gripper_angles(pose.rotation))
    lines = [
        f"contact   ({x:.1f}, {y:.1f}) in {width}x{height} pixels",
        "approach  right {:+.3f}, down {:+.3f}, forward {:+.3f}".format(*approach),
        f"angles    right {yaw:+.1f}°, up {pitch:+.1f}°, clockwise {roll:+.1f}°, "
        "from looking along the camera",
    ]
    if pose.gripper_open is not None:
        # A probability, of the gripper being open.
        state = "open" if pose.gripper_open >= 0.5 else "closed"
        lines.append(f"gripper   {state} ({pose.gripper_open:.2f})")
    if pose.point_camera is None:
        lines.append(f"point     none: {pose.why_no_point}")
    for name, point in (("point", pose.point_camera), ("world", pose.point_world)):
        if point is not None:
            numbers = ", ".join(
                f"{axis} {float(v):+.4f}" for axis, v in zip("xyz", point, strict=True)
            )
            lines.append(f"{name:9} {numbers} m")
    return lines


class _Poses(Task):
    """``--batch``: one pose after the other."""

    fields: ClassVar = {
        name: (lambda value: isinstance(value, str) and value.strip() != "", what)
        for name, what in (
            ("image", "the path of an image"),
            ("instruction", "text"),
            ("depth", "the path of a .npy or .png file"),
            ("camera", "the path of a JSON file"),
        )
    }
    required = ("image",)
    what = "poses"

    def __init__(self, args: argparse.Namespace) -> None:
        self._save_images = None if args.save_images is None else Path(args.save_images)
        if self._save_images is not None:
            # The folder may not be there yet: a file in it stands for all of them.
            loading.check_target("--save-images", self._save_images / "1.png", [])
        super().__init__(args)
        self.checkpoint.need(vision="images", policy=True)

    def paths(self, request: Request) -> list[str]:
        """Image, depth and camera, as far as they are given."""
        return list(self._files(request).values())

    def settings(self) -> Json:
        """The checkpoint: nothing else changes a pose."""
        return self.checkpoint.fingerprint

    def check(self, request: Request) -> None:
        """Read its files, and see whether its image could be written over one of them."""
        self._scene(request)
        out = self._out(request)
        if out is not None:
            inputs = [self.root / path for path in self.paths(request)]
            loading.check_target("--save-images", out, inputs)

    def answer(self, start: int, requests: Mapping[int, Request]) -> dict[int, Reply]:
        """The pose, after its image: a line that is there has its image."""
        replies: dict[int, Reply] = {}
        for number, request in requests.items():
            try:
                scene = self._scene(request)
                pose = _predict(self.loaded.engine, scene, request.fields.get("instruction"))
                out = self._out(request)
                if out is not None:
                    draw(out, scene, pose)
            except InputError as error:
                replies[number] = error
                continue
            replies[number] = {**pose.to_json(), "why_no_point": pose.why_no_point}
        return replies

    def _scene(self, request: Request) -> Scene:
        given = {name: self.root / path for name, path in self._files(request).items()}
        return read_scene(given["image"], given.get("depth"), given.get("camera"), '"camera":')

    def _files(self, request: Request) -> dict[str, str]:
        names = ("image", "depth", "camera")
        return {name: request.fields[name] for name in names if name in request.fields}

    def _out(self, request: Request) -> Path | None:
        """A name that no other line's image has, whatever the images are called."""
        if self._save_images is None:
            return None
        stem = Path(request.fields["image"]).stem
        # With six digits in front, so that a folder sorted by name is in the order of the lines.
        return self._save_images / fitting(f"{request.line:06d}_{stem}", "_pose.png")
