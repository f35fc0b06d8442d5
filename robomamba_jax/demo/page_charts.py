# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Charts: figures with their intervals on a common axis, and curves.

Places along an axis are given in per cent and sizes of marks and letters in pixels, so that a
chart fills any width and its letters stay as large as the text's. Colours are classes of the
style sheet, which knows light, dark and paper.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import NamedTuple

from robomamba_jax.demo.page_markup import Child, Markup, heading_of, tag

_FEW = 3  # steps between an axis' ends, at least, where round numbers allow
_BINS = 150  # points of a curve: more than that is noise at the width of a page
_LANE = 13  # pixels between the marks of a row
_SHAPES = (
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
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """Per cent of the way from its low end, inside of it; 0 where its ends are one."""
        half = self.high / 2 - self.low / 2  # the whole may be infinite
        way = (value / 2 - self.low / 2) / half if half > 0 else 0.0
        return 100 * min(1.0, max(0.0, way))


class Mark(NamedTuple):
    """A figure in a chart.

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


class Row(NamedTuple):
    """A line of a chart: its name, its marks, and the figure in writing."""

    name: Child
    marks: Sequence[Mark]
    text: Child


def nice_ticks(low: float, high: float, at_least: int) -> list[float]:
    """Round numbers that enclose an interval."""
    if not high - low > sys.float_info.min * at_least:  # below it a tenth of it may be 0
        around = max(0.5, abs(low) / 1000)
        low, high = (low - around, high + around) if low else (0.0, 1.0)
    rough = high / at_least - low / at_least  # their distance may be infinite
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * k for k in (10, 5, 2.5, 2, 1) if unit * k <= rough * 1.0001)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * k for k in range(first, last + 1)]


def tick_text(value: float) -> str:
    """A tick's label, without the dust of binary fractions."""
    rounded = round(value, 10)
    if rounded and (abs(rounded) >= 1e6 or abs(rounded) < 1e-3):
        return f"{rounded:.3g}"
    return f"{rounded:,.10f}".rstrip("0").rstrip(".")


def axis_to(high: float) -> Axis:
    """From 0 to a round number."""
    ticks = nice_ticks(0.0, high if high > 0 else 1.0, _FEW)
    return Axis(0.0, ticks[-1], tuple((tick, tick_text(tick)) for tick in ticks))


def axis_until(end: float) -> Axis:
    """From 0 to an end that means something, such as the most points that can be had."""
    ticks = [tick for tick in nice_ticks(0.0, end, _FEW) if tick <= end]
    return Axis(0.0, end, tuple((tick, tick_text(tick)) for tick in ticks))


PERCENT = Axis(0.0, 1.0, tuple((k / 4, f"{25 * k}") for k in range(5)))
SHARE = Axis(0.0, 1.0, tuple((k / 4, ("0", ".25", ".5", ".75", "1")[k]) for k in range(5)))


def symbol(series: int, form: str = "point") -> Markup:
    """A mark as the legend shows it."""
    if form == "bar":
        shape = tag("rect", x="0", y="3", width="14", height="8", class_=f"bar s{series}")
    elif form == "tick":
        shape = tag("line", x1="7", x2="7", y1="1", y2="13", class_=f"tickmark s{series}")
    else:
        path = _SHAPES[series % len(_SHAPES)]
        shape = tag("path", d=path, transform="translate(7 7)", class_=f"dot s{series}")
    return tag("svg", shape, width="14", height="14", class_="symbol", aria_hidden="true")


def legend(entries: Sequence[tuple[int, str, Child]]) -> Markup:
    """What the marks mean: (series, form, name)."""
    items = [tag("li", symbol(series, form), " ", name) for series, form, name in entries]
    return tag("ul", items, class_="legend")


def row_chart(
    caption: Child, groups: Sequence[tuple[str | None, Sequence[Row]]], axis: Axis, unit: str
) -> Markup:
    """A table with a chart in the middle: a name, marks on the common axis, the figure in words.

    Args:
      caption: what it shows.
      groups: (heading or None, rows).
      axis: common to all rows.
      unit: behind the axis.
    """
    bodies = []
    for heading, rows in groups:
        lines = [_row(row, axis) for row in rows]
        if heading is not None:
            lines.insert(0, tag("tr", tag("th", heading, colspan="3", scope="rowgroup")))
        bodies.append(tag("tbody", lines))
    labels = [
        tag("text", text, x=f"{axis.place(value):.3f}%", y="13", class_=_edge(axis, value))
        for value, text in axis.ticks
    ]
    scale = tag("svg", labels, class_="scale", height="18", width="100%")
    foot = tag(
        "tfoot",
        tag("tr", tag("td"), tag("td", scale), tag("td", unit, class_="unit"), aria_hidden="true"),
    )
    columns = ("name", "chart", "figure")
    head = tag(
        "thead",
        tag("tr", [tag("th", name, scope="col") for name in columns]),
        class_="heard",
    )
    widths = tag("colgroup", tag("col", class_="name"), tag("col"), tag("col", class_="words"))
    return tag("table", heading_of(caption), widths, head, bodies, foot, class_="chart")


def _edge(axis: Axis, value: float) -> str:
    """Labels at the ends are kept inside."""
    if value == axis.low:
        return "start"
    return "end" if value == axis.high else "middle"


def _row(row: Row, axis: Axis) -> Markup:
    points = [mark for mark in row.marks if mark.form == "point"]
    lanes = max(1, len(points))
    height = _LANE * lanes + 11
    shapes: list[Markup] = [
        tag("line", x1=x, x2=x, y1="0", y2="100%", class_="grid")
        for x in (f"{axis.place(value):.3f}%" for value, _ in axis.ticks)
    ]
    lane = 0
    for mark in row.marks:
        middle = height / 2 if mark.form != "point" else (11 + _LANE) / 2 + _LANE * lane
        lane += mark.form == "point"
        shapes += _mark(mark, axis, middle)
    # The figure stands in words beside it: who listens to the page needs no drawing.
    drawing = tag("svg", shapes, width="100%", height=f"{height}", aria_hidden="true")
    cells = (tag("th", row.name, scope="row"), tag("td", drawing), tag("td", row.text))
    return tag("tr", cells)


def _mark(mark: Mark, axis: Axis, y: float) -> list[Markup]:
    x = f"{axis.place(mark.value):.3f}%"
    style = f"s{mark.series}"
    shapes = []
    if mark.form == "bar":
        shapes.append(
            tag("rect", x="0", y=f"{y - 5:g}", width=x, height="10", class_=f"bar {style}")
        )
    if mark.interval is not None:
        low, high = (f"{axis.place(end):.3f}%" for end in mark.interval)
        whisker = "whisker" if mark.form == "point" else "whisker over"
        shapes.append(
            tag("line", x1=low, x2=high, y1=f"{y:g}", y2=f"{y:g}", class_=f"{whisker} {style}")
        )
        shapes += [
            tag(
                "line",
                x1=end,
                x2=end,
                y1=f"{y - 3:g}",
                y2=f"{y + 3:g}",
                class_=f"{whisker} {style}",
            )
            for end in (low, high)
        ]
    if mark.form == "point":
        dot = tag("path", d=_SHAPES[mark.series % len(_SHAPES)], class_=f"dot {style}")
        shapes.append(tag("svg", dot, x=x, y=f"{y:g}", class_="free"))
    elif mark.form == "tick":
        shapes.append(
            tag("line", x1=x, x2=x, y1=f"{y - 8:g}", y2=f"{y + 8:g}", class_=f"tickmark {style}")
        )
    return shapes


def curve_chart(
    title: str, points: Sequence[tuple[float, float]], x_name: str, y_name: str
) -> Markup:
    """A curve with both axes; the noise of many points becomes a line of means in a band.

    Args:
      title: what is read out, with the first and the last value.
      points: (x, y), finite, in the order of x.
      x_name: below the axis.
      y_name: above the axis.
    """
    binned = bin_curve(points)
    lows, highs = [row[2] for row in binned], [row[3] for row in binned]
    bottom = min(0.0, min(lows)) if min(lows) < 0.4 * max(highs) else min(lows)
    y_ticks = nice_ticks(bottom, max(highs), _FEW)
    x_ticks = [t for t in nice_ticks(points[0][0], points[-1][0], _FEW) if t <= points[-1][0]]
    x_axis = Axis(points[0][0], max(points[-1][0], points[0][0] + 1e-9), ())
    y_axis = Axis(y_ticks[0], y_ticks[-1], ())

    def at(x: float, y: float) -> str:
        return f"{10 * x_axis.place(x):.1f} {1000 - 10 * y_axis.place(y):.1f}"

    line = "M" + "L".join(at(x, y) for x, y, _, _ in binned)
    edges = [at(x, high) for x, _, _, high in binned]
    edges += [at(x, low) for x, _, low, _ in reversed(binned)]
    curve = tag(
        "svg",
        tag("path", d="M" + "L".join(edges) + "Z", class_="band"),
        tag("path", d=line, class_="curve"),
        viewBox="0 0 1000 1000",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
    )
    frame = [_horizontal(y_axis, tick) for tick in y_ticks]
    frame += [_vertical(x_axis, tick) for tick in x_ticks if tick >= points[0][0]]
    names = [
        tag("text", y_name, x="-44", y="-10", class_="axis start"),
        tag("text", x_name, x="100%", y="100%", dy="29", class_="axis end"),
    ]
    first, last = points[0], points[-1]
    words = (
        f"{y_name} goes from {first[1]:.4g} at {x_name} {tick_text(first[0])} "
        f"to {last[1]:.4g} at {x_name} {tick_text(last[0])}; "
        f"smallest {min(y for _, y in points):.4g}, largest {max(y for _, y in points):.4g}."
    )
    return tag(
        "svg",
        tag("title", title),
        tag("desc", words),
        frame,
        curve,
        names,
        class_="plot",
        role="img",
        aria_label=f"{title}: {words}",
    )


def _horizontal(axis: Axis, tick: float) -> Markup:
    y = f"{100 - axis.place(tick):.3f}%"
    line = tag("line", x1="0", x2="100%", y1=y, y2=y, class_="grid")
    return tag("g", line, tag("text", tick_text(tick), x="-7", y=y, dy="4", class_="end"))


def _vertical(axis: Axis, tick: float) -> Markup:
    x = f"{axis.place(tick):.3f}%"
    line = tag("svg", tag("path", d="M0 0V4", class_="grid"), x=x, y="100%", class_="free")
    return tag("g", line, tag("text", tick_text(tick), x=x, y="100%", dy="16", class_="middle"))


def bin_curve(
    points: Sequence[tuple[float, float]],
) -> list[tuple[float, float, float, float]]:
    """At most ``_BINS`` rows (x, mean, smallest, largest); single points stay as they are."""
    size = -(-len(points) // _BINS)
    rows = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        values = [y for _, y in part]
        middle = sum(x for x, _ in part) / len(part)
        rows.append((middle, sum(values) / len(values), min(values), max(values)))
    return rows
