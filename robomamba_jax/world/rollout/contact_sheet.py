# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A page of all categories: each object at rest and opened, its name below."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from robomamba_jax.world.dataset.tasks import VERSION
from robomamba_jax.world.objects.categories import ALL, split_of
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.sim.scenes import draw_scene
from robomamba_jax.world.sim.simulator import SimScene, Simulator

_TEXT, _GAP, _COLUMNS = 34, 6, 5
_INK, _PAGE = (20, 20, 20), (255, 255, 255)
_SEEN, _UNSEEN = (235, 240, 246), (250, 238, 226)


def render_sheet(
    simulator: Simulator, categories: tuple[str, ...], split: str, seed: int, size: int
) -> Image.Image:
    """Draw it.

    Args:
      simulator: SAPIEN.
      categories: which.
      split: whose objects.
      seed: another seed, other objects and cameras.
      size: of each image, in pixels; every category has two.
    """
    columns = min(_COLUMNS, len(categories))
    rows = -(-len(categories) // columns)
    wide, high = 2 * size + _GAP, size + _TEXT + _GAP
    page = Image.new("RGB", (columns * wide + _GAP, rows * high + _GAP), _PAGE)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(max(11, size // 15))
    for index, category in enumerate(categories):
        left, top = index % columns * wide + _GAP, index // columns * high + _GAP
        at_rest, opened, parts = _pair(simulator, category, split, seed, size)
        page.paste(at_rest, (left, top))
        page.paste(opened, (left + size, top))
        known = ALL[category]
        box = (left, top + size, left + 2 * size, top + size + _TEXT)
        draw.rectangle(box, fill=_SEEN if known.seen else _UNSEEN)
        kind = split_of(category)
        draw.text((left + 6, top + size + 2), f"{category} ({kind}): {known.noun}", _INK, font)
        draw.text((left + 6, top + size + 17), f"moves: {parts}", _INK, font)
    return page


def _pair(
    simulator: Simulator, category: str, split: str, seed: int, size: int
) -> tuple[Image.Image, Image.Image, str]:
    """The same object at rest and with its joints at two thirds, and what moves."""
    # 11 is the sheet's own, as items of data and rollouts have theirs.
    rng = Rng((VERSION, seed, 11, list(ALL).index(category)))
    model = simulator.objects.draw(category, split, rng)
    scene_spec = draw_scene(model, rng, size, closed_share=1.0, surface="none")
    scene = SimScene(simulator, scene_spec)
    pictures = [Image.fromarray(scene.render().rgb)]
    limits = np.reshape(scene_spec.limits(), (-1, 2))  # also of what has no joint
    scene.set_joints(limits[:, 0] + 0.67 * (limits[:, 1] - limits[:, 0]))
    pictures.append(Image.fromarray(scene.render().rgb))
    names = [model.links[link].part for link in model.movable]
    unique = list(dict.fromkeys(names))
    listed = ", ".join(
        f"{names.count(name)} {name}s" if names.count(name) > 1 else name for name in unique[:3]
    )
    return pictures[0], pictures[1], listed
