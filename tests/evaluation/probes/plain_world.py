# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A generated set by hand, whose every answer stands in the colours of an image's sixteen patches:

.   .   .   .      an object of the scene's colour at the left of the middle, its part at the
.   O   M   .      right: bright where it turns, dark where it slides; plain things in the lower
.   O   M   .      corners, cubes green and balls yellow
T   .   .   T
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from robomamba_jax.config import VISION_PRESETS
from robomamba_jax.data.geometry.joint_motion import JointAxis
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.evaluation.probes.encoder import FrozenEncoder

SIDE, CELL = 32, 8
OBJECTS = {"red": (200, 30, 30), "blue": (30, 30, 200), "white": (250, 250, 250)}
SHAPES = {"cube": (20, 160, 20), "ball": (220, 220, 20)}
CAMERA: dict[str, Any] = {
    "width": SIDE,
    "height": SIDE,
    "K": [[32.0, 0, 16], [0, 32.0, 16], [0, 0, 1]],
    "camera_to_world": np.eye(4).tolist(),
}


def write_scenes(folder: Path, count: int, seed: int) -> None:
    """Write scenes.jsonl, images/, depth/ and masks/."""
    for name in ("images", "depth", "masks"):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(seed)
    lines = [json.dumps(_scene(folder, f"{number:06d}", rng)) for number in range(count)]
    (folder / "scenes.jsonl").write_text("\n".join(lines) + "\n")


def _scene(folder: Path, name: str, rng: np.random.Generator) -> dict[str, Any]:
    cells = np.full((4, 4, 3), 120, np.uint8)
    mask = np.zeros((4, 4), np.uint8)
    color = str(rng.choice(list(OBJECTS)))
    cells[1:3, 1], mask[1:3, 1] = OBJECTS[color], 1
    slides = bool(rng.integers(2))
    cells[1:3, 2], mask[1:3, 2] = 10 if slides else 70, 2
    things = []
    for index, shape in enumerate(rng.permutation(list(SHAPES))[: rng.integers(0, 3)]):
        # The second one where the first is not.
        left = rng.integers(2) if index == 0 else things[0]["side"] == "right"
        side = "left" if left else "right"
        column = 0 if side == "left" else 3
        cells[3, column], mask[3, column] = SHAPES[shape], 200 + index
        things.append({"shape": str(shape), "color": "green", "side": side, "index": index})
    depth = np.full((SIDE, SIDE), 2000, np.uint16)
    big = np.ones((CELL, CELL), np.uint8)
    image = Image.fromarray(np.kron(cells, big[..., None]))
    image.save(folder / "images" / f"{name}.jpg", quality=98)
    Image.fromarray(np.kron(mask, big)).save(folder / "masks" / f"{name}.png")
    Image.fromarray(depth).save(folder / "depth" / f"{name}.png")
    axis = JointAxis(
        *(1, "door", "prismatic" if slides else "revolute", (0.0, 0.0, 2.0)),
        *((0.0, 0.0, -1.0) if slides else (0.0, 1.0, 0.0), 0.0, (0.0, 1.0), 0),
    )
    shapes = {thing["shape"] for thing in things}
    return {
        "id": name,
        "color": color,
        "things": things,
        "absent_shapes": [shape for shape in SHAPES if shape not in shapes],
        "camera": CAMERA,
        "axes": [axis.to_dict()],
    }


def color_encoder(blind: bool = False) -> FrozenEncoder:
    """Its patches are their colours, and these again times x; a blind one sees noise."""
    transform = ImageTransform(SIDE, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    noise = np.random.default_rng(0)

    def encode(pixels: np.ndarray) -> np.ndarray:
        means = pixels.reshape(len(pixels), 4, CELL, 4, CELL, 3).mean(axis=(2, 4)) / 255
        if blind:
            return noise.normal(size=(len(pixels), 16, 48)).astype(np.float32)
        # Which of eight levels a channel has: of colours' means alone yellow is no line's side.
        levels = np.floor(means * 7.99).astype(int)[..., None] == np.arange(8)
        levels = levels.reshape(len(pixels), 4, 4, -1).astype(np.float32)
        x = np.linspace(-1, 1, 4)[:, None]
        return np.concatenate([levels, levels * x], axis=-1).reshape(len(pixels), 16, -1)

    config = VISION_PRESETS["nano"].replace(image_size=SIDE, patch_size=CELL)
    return FrozenEncoder("colours", "0", config, transform, encode)
