# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the report's page is put together from: charts, numbers, elements, colours."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from robomamba_jax.demo import page_charts, page_numbers
from robomamba_jax.demo.page_markup import Markup, join, tag
from robomamba_jax.demo.page_training import curve_points
from tests.demo.html_reader import Page


def test_marks_lie_where_the_numbers_are() -> None:
    """A chart's places are per cent of its axis, whiskers included."""
    mark = page_charts.Mark(0, 0.62, (0.5, 0.75))
    text = page_charts.row_chart(
        "c", [(None, [page_charts.Row("r", [mark], "t")])], page_charts.SHARE, ""
    )
    drawings = Page(text)
    assert [svg["x"] for svg in drawings.named("svg") if "x" in svg] == ["62.000%"]
    whiskers = [line for line in drawings.named("line") if "whisker" in line["class"]]
    assert (whiskers[0]["x1"], whiskers[0]["x2"]) == ("50.000%", "75.000%")
    assert page_charts.axis_until(1200).place(803.4) == pytest.approx(66.95)
    assert page_charts.SHARE.place(1.7) == 100


@pytest.mark.parametrize(
    "ends", [(0, 1), (0, 1250), (0.2, 0.21), (3, 3), (0, 0), (-2, 9.3), (0, 1e-7)]
)
def test_ticks_are_round_and_enclose(ends: tuple[float, float]) -> None:
    """And there are neither too few nor too many."""
    ticks = page_charts.nice_ticks(*ends, 3)
    assert ticks[0] <= ends[0] + 1e-12
    assert ticks[-1] >= ends[1] - 1e-12
    assert 3 <= len(ticks) <= 11
    assert len({page_charts.tick_text(tick) for tick in ticks}) == len(ticks)


@given(st.floats(-1e307, 1e307), st.floats(-1e307, 1e307))
@example(0.0, 5e-324)
@example(1e300, 1e300)
@example(-1e307, 1e307)
def test_ticks_of_any_two_numbers(one: float, other: float) -> None:
    """However near to each other or to the ends of what a float can say."""
    ticks = page_charts.nice_ticks(min(one, other), max(one, other), 3)
    assert all(a < b for a, b in itertools.pairwise(ticks))
    assert len(ticks) >= 2
    assert np.isfinite(ticks).all()


def test_curves() -> None:
    """Noise becomes means in a band; what is no number is left out; one point is a curve too."""
    points = [(float(k), float(k % 10)) for k in range(1500)]
    rows = page_charts.bin_curve(points)
    assert len(rows) == 150
    assert rows[0] == (4.5, 4.5, 0.0, 9.0)
    assert page_charts.bin_curve(points[:5])[2] == (2.0, 2.0, 2.0, 2.0)
    strange = [[3, 1.0], [1, float("nan")], [2, None], [0, 2.0], "x", [1, 2, 3], [True, 1.0]]
    assert curve_points(strange) == [(0.0, 2.0), (3.0, 1.0)]
    for few in (points[:1], [(0.0, 0.0), (1.0, 0.0)], [(5.0, -3.0), (6.0, 2.0)]):
        page = Page(page_charts.curve_chart("t", few, "step", "loss"))
        assert page.faults == []
        numbers = [float(n) for p in page.named("path") for n in re.findall(r"-?[\d.]+", p["d"])]
        assert all(0 <= number <= 1000 for number in numbers)


def test_numbers_as_words() -> None:
    """Roundings at their edges."""
    numbers = page_numbers
    times = (2.34, 59.4, 59.6, 180, 192, 3599.7, 4211)
    shown = ["2.3 s", "59 s", "1 min", "3 min", "3 min 12 s", "1 h 00 min", "1 h 10 min"]
    assert [numbers.duration(seconds) for seconds in times] == shown
    assert [numbers.share(x) for x in (0, 0.6249, 0.99996, 1)] == [".000", ".625", "1.000", "1.000"]
    shares = (0, 0.0012, 0.00597, 0.64, 1)
    assert [numbers.small_percent(x) for x in shares] == [
        "0.0 %",
        "0.12 %",
        "0.60 %",
        "64.0 %",
        "100.0 %",
    ]
    assert numbers.size_text(2**31 + 2**30) == "3.0 GiB"
    assert numbers.whole(float("inf")) == numbers.MISSING
    assert numbers.whole(True) == numbers.MISSING


def test_markup_escapes_by_itself() -> None:
    """Text is escaped once, elements never; lists are laid one after the other."""
    made = tag("p", "<b>", tag("i", "&"), ["x", None, 3], title='"', hidden=True, id=None)
    assert made == '<p title="&quot;" hidden>&lt;b&gt;<i>&amp;</i>x3</p>'
    assert isinstance(join(made), Markup)
    assert tag("br") == "<br>"


def test_colours_can_be_told_apart() -> None:
    """Text has a contrast of 4.5 to the page, marks have 3, in every theme."""
    source = (Path(page_charts.__file__).parent / "report.html").read_text(encoding="utf-8")
    themes = re.findall(r":root \{([^}]*--page[^}]*)\}", source)
    assert len(themes) == 3
    for theme in themes:
        colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", theme))
        page = luminance(colors["page"])
        for name, color in colors.items():
            if name in {"page", "line", "faint"}:
                continue
            pair = sorted((page, luminance(color)))
            contrast = (pair[1] + 0.05) / (pair[0] + 0.05)
            least = 4.5 if name in {"ink", "soft", "good", "bad", "ours"} else 3
            assert contrast >= least, (name, color, contrast)


def luminance(color: str) -> float:
    """Of a colour such as #1d5f86 (WCAG 2)."""
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
