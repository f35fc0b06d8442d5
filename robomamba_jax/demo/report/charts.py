# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The geometry of charts: estimates with their intervals on a common axis, and curves.

Positions along an axis are per cent of it and sizes of marks and letters are pixels, so that a
chart fills any width while its letters stay as large as the text's. The templates draw inline SVG
of it; colours are classes of the style sheet, which knows light, dark and paper.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from robomamba_jax.demo.report.verdicts import Estimate

_FEW = 3  # steps between an axis' ends, at least, where round numbers allow
_BINS = 150  # points of a curve: more than that is noise at the width of a page
_LANE = 13  # pixels between the marks of a row
SHAPES = (
    "M0-4.6A4.6 4.6 0 1 1 0 4.6A4.6 4.6 0 1 1 0-4.6Z",  # a disc: the model, always
    "M0-4.4L4.4 0 0 4.4-4.4 0Z",  # a diamond
    "M0-4L4.2 3.4H-4.2Z",  # a triangle
    "M-3.4-3.4H3.4V3.4H-3.4Z",  # a square
    "M-4-3.4H4.2L0 4Z",  # a triangle on its tip
)


class Axis(NamedTuple):
    """A scale: its ends, and where it is labelled with what."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...] = ()

    def percent(self, value: float) -> float:
        """Per cent of the way from its low end, inside of it; 0 where its ends are one."""
        half = self.high / 2 - self.low / 2  # the whole may be infinite
        way = (value / 2 - self.low / 2) / half if half > 0 else 0.0
        return 100 * min(1.0, max(0.0, way))

    def at(self, value: float) -> str:
        """The same as an SVG coordinate, such as "62.500%"."""
        return f"{self.percent(value):.3f}%"

    def edge(self, value: float) -> str:
        """The style of a tick's label: those at the ends are kept inside."""
        return {self.low: "start", self.high: "end"}.get(value, "middle")


class Mark(NamedTuple):
    """A number in a chart.

    Attributes:
      series: its number in the legend; 0 is the model.
      value: where it lies.
      interval: its 95 % interval, or None.
      form: "point", "bar" from the axis' low end, or "tick", a stroke across its neighbour.
    """

    series: int
    value: float
    interval: tuple[float, float] | None = None
    form: str = "point"


@dataclass(frozen=True)
class Row:
    """A line of a chart.

    Attributes:
      name: of the line.
      marks: on the common axis.
      text: the numbers in writing: who listens to the page needs no drawing.
      note: in small letters behind the name.
      strong: whether the line is the model's.
    """

    name: str
    marks: Sequence[Mark]
    text: str
    note: str = ""
    strong: bool = False

    @property
    def height(self) -> int:
        """Pixels: a lane per point."""
        return _LANE * max(1, sum(mark.form == "point" for mark in self.marks)) + 11

    def placed(self) -> list[tuple[Mark, float]]:
        """The marks with the pixel row of each: points below each other, all else in the middle."""
        found, lane = [], 0
        for mark in self.marks:
            point = mark.form == "point"
            found.append((mark, (11 + _LANE) / 2 + _LANE * lane if point else self.height / 2))
            lane += point
        return found


class Chart(NamedTuple):
    """A table with a drawing in the middle: names, marks on a common axis, numbers in words."""

    caption: str
    rows: Sequence[Row]
    axis: Axis
    unit: str = ""


class Key(NamedTuple):
    """An entry of a legend."""

    series: int
    name: str
    form: str = "point"


def mark_of(
    series: int, estimate: Estimate, form: str = "point", *, interval: bool = True
) -> list[Mark]:
    """An estimate's mark, in a list that is empty where it was not measured."""
    if estimate.value is None:
        return []
    return [Mark(series, estimate.value, estimate.ci95 if interval else None, form)]


def nice_ticks(low: float, high: float, at_least: int = _FEW) -> list[float]:
    """Round numbers that enclose an interval."""
    if not high - low > sys.float_info.min * at_least:  # below it a tenth of it may be 0
        around = max(0.5, abs(low) / 1000)
        low, high = (low - around, high + around) if low else (0.0, 1.0)
    rough = high / at_least - low / at_least  # their distance may be infinite
    unit = 10.0 ** math.floor(math.log10(rough))
    # The largest round step that still leaves enough of them; a hair of room for
    # 0.30000000000000004.
    step = next(unit * k for k in (10, 5, 2.5, 2, 1) if unit * k <= rough * 1.0001)
    # Again a hair: 0.3 / 0.1 is 2.9999999999999996.
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * k for k in range(first, last + 1)]


def tick_text(value: float) -> str:
    """A tick's label, without the dust of binary fractions."""
    rounded = round(value, 10)
    if rounded and (abs(rounded) >= 1e6 or abs(rounded) < 1e-3):
        return f"{rounded:.3g}"
    return f"{rounded:,.10f}".rstrip("0").rstrip(".")


def axis_to(high: float, *, exactly: bool = False) -> Axis:
    """From 0 to a round number, or exactly to an end that means something, such as the most points
    that can be had."""
    ticks = nice_ticks(0.0, high if high > 0 else 1.0)
    end = high if exactly else ticks[-1]
    return Axis(0.0, end, tuple((tick, tick_text(tick)) for tick in ticks if tick <= end))


# Values are shares of 1 on both; the labels differ.
PERCENT = Axis(0.0, 1.0, tuple((k / 4, f"{25 * k}") for k in range(5)))
SHARE = Axis(0.0, 1.0, tuple((k / 4, ("0", ".25", ".5", ".75", "1")[k]) for k in range(5)))


class Curve(NamedTuple):
    """A curve in a square of 1000 x 1000, y downwards, and its axes.

    Attributes:
      line: the path of the means.
      band: the path around the smallest and the largest values.
      x: the axis below.
      y: the axis on the left.
      words: what it shows, to be read out.
    """

    line: Markup
    band: Markup
    x: Axis
    y: Axis
    words: str


def curve(points: Sequence[tuple[float, float]]) -> Curve:
    """A loss by step; the noise of many points becomes a line of means in a band.

    Args:
      points: (step, loss), finite, in the order of steps; at least one.
    """
    binned = bin_curve(points)
    bottom, top = min(row[2] for row in binned), max(row[3] for row in binned)
    # From 0 where that costs little height.
    y_ticks = nice_ticks(min(0.0, bottom) if bottom < 0.4 * top else bottom, top)
    first, last = points[0], points[-1]
    x_ticks = [tick for tick in nice_ticks(first[0], last[0]) if first[0] <= tick <= last[0]]
    # A curve of one point has a width, too.
    x = Axis(first[0], max(last[0], first[0] + 1e-9), _labelled(x_ticks))
    y = Axis(y_ticks[0], y_ticks[-1], _labelled(y_ticks))

    def path(corners: Sequence[tuple[float, float]]) -> str:
        """SVG's path through points of the chart."""
        corner = [(10 * x.percent(step), 1000 - 10 * y.percent(loss)) for step, loss in corners]
        return "M" + "L".join(f"{right:.1f} {down:.1f}" for right, down in corner)

    edges = [(row[0], row[3]) for row in binned] + [(row[0], row[2]) for row in reversed(binned)]
    values = [value for _, value in points]
    words = (
        f"loss goes from {first[1]:.4g} at step {tick_text(first[0])} "
        f"to {last[1]:.4g} at step {tick_text(last[0])}; "
        f"smallest {min(values):.4g}, largest {max(values):.4g}."
    )
    line = path([(row[0], row[1]) for row in binned])
    return Curve(Markup(line), Markup(path(edges) + "Z"), x, y, words)


def _labelled(ticks: Sequence[float]) -> tuple[tuple[float, str], ...]:
    return tuple((tick, tick_text(tick)) for tick in ticks)


def bin_curve(points: Sequence[tuple[float, float]]) -> list[tuple[float, float, float, float]]:
    """At most ``_BINS`` rows (x, mean, smallest, largest); single points stay as they are."""
    size = -(-len(points) // _BINS)  # rounded up
    rows = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        values = [y for _, y in part]
        middle = sum(x for x, _ in part) / len(part)
        rows.append((middle, sum(values) / len(values), min(values), max(values)))
    return rows
