# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A page of samples as the model meets them: picture, prompt, and what it learns to say."""

from __future__ import annotations

import textwrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from robomamba_jax.data.examples import Encoder
from robomamba_jax.data.images.drawing import draw_pose
from robomamba_jax.data.images.rgb import fitted, to_rgb
from robomamba_jax.data.pipeline.datasets import SourceDataset
from robomamba_jax.data.sources.image_refs import open_ref
from robomamba_jax.data.sources.manipulation import PoseSample
from robomamba_jax.data.sources.sample import Sample
from robomamba_jax.data.text.prompts import Encoded
from robomamba_jax.errors import InputError

_WIDTH, _PICTURE, _TEXT = 340, 220, 190
_COLUMNS, _MARGIN = 4, 10
_SIZE, _LINE = 13, 17
_GIVEN, _LEARNED, _BAD, _HEAD = (70, 70, 70), (0, 110, 40), (190, 0, 0), (0, 0, 0)
_PAGE, _CELL = (225, 225, 225), (255, 255, 255)


def contact_sheet(dataset: SourceDataset, count: int = 12) -> Image.Image:
    """Samples evenly spread over a part.

    Grey is what the model is given, green what it learns; a sample that cannot be used
    shows why, in red.

    Args:
      dataset: whose samples.
      count: how many at most.
    """
    count = min(count, len(dataset))
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    step, height = _WIDTH + _MARGIN, _PICTURE + _TEXT + _MARGIN
    page = Image.new("RGB", (columns * step + _MARGIN, rows * height + _MARGIN), _PAGE)
    for place in range(count):
        left = _MARGIN + place % columns * step
        top = _MARGIN + place // columns * height
        page.paste(_cell(dataset, place * len(dataset) // count), (left, top))
    return page


def _cell(dataset: SourceDataset, number: int) -> Image.Image:
    cell = Image.new("RGB", (_WIDTH, _PICTURE + _TEXT), _CELL)
    font = ImageFont.load_default(_SIZE)
    title, lines = f"{number}", [("", _GIVEN)]
    try:
        sample = dataset.source[number]
        title = f"{number}: {sample.id}" + (f"  [{sample.task}]" if sample.task else "")
        pictures = _pictures(sample, dataset.encoder)
        cell.paste(pictures, ((_WIDTH - pictures.width) // 2, (_PICTURE - pictures.height) // 2))
        lines = _runs(dataset.encoder, dataset.encoder.as_text().text(sample))
    except InputError as error:
        lines = [(error.message, _BAD)]
    draw = ImageDraw.Draw(cell)
    _write(draw, [(title, _HEAD), *lines], font)
    return cell


def _pictures(sample: Sample, encoder: Encoder) -> Image.Image:
    """The sample's pictures side by side, a pose drawn on the first."""
    if not sample.images:
        return Image.new("RGB", (1, 1), _CELL)
    whole = Image.new("RGB", (_WIDTH, _PICTURE), _CELL)
    width = _WIDTH // len(sample.images)
    for number, ref in enumerate(sample.images):
        picture = to_rgb(open_ref(ref, encoder.config.max_pixels))
        if number == 0 and isinstance(sample, PoseSample) and sample.action is not None:
            picture = _with_pose(picture, sample)
        picture = fitted(picture, width, _PICTURE)
        left = number * width + (width - picture.width) // 2
        whole.paste(picture, (left, (_PICTURE - picture.height) // 2))
    return whole


def _with_pose(picture: Image.Image, sample: PoseSample) -> Image.Image:
    assert sample.action is not None
    first = np.array(sample.action.approach)
    second = np.array(sample.action.left)
    axes = np.stack([first, second, np.cross(first, second)], axis=1)
    return draw_pose(picture, sample.action.contact_xy, axes, legend=False)


def _runs(encoder: Encoder, row: Encoded) -> list[tuple[str, tuple[int, int, int]]]:
    """The row's text in pieces that are learned, and that are not."""
    runs: list[tuple[str, tuple[int, int, int]]] = []
    start = 0
    for end in range(1, len(row.ids) + 1):
        if end == len(row.ids) or row.supervised[end] != row.supervised[start]:
            text = encoder.tokenizer.decode(row.ids[start:end], skip_special=False)
            runs.append((text, _LEARNED if row.supervised[start] else _GIVEN))
            start = end
    return runs


def _write(
    draw: ImageDraw.ImageDraw,
    pieces: list[tuple[str, tuple[int, int, int]]],
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
) -> None:
    """Lines below the picture, as many as there is room for."""
    wide = int(_WIDTH / font.getlength("n")) - 1
    lines = [
        (line, color)
        for text, color in pieces
        for row in text.splitlines() or [""]
        for line in textwrap.wrap(row, wide) or [""]
    ]
    room = _TEXT // _LINE - 1
    if len(lines) > room:
        lines = [*lines[: room - 1], ("...", _GIVEN)]
    for number, (line, color) in enumerate(lines):
        draw.text((6, _PICTURE + 4 + number * _LINE), line, fill=color, font=font)
