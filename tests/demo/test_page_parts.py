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
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.exceptions import UndefinedError
from markupsafe import Markup

from robomamba_jax.demo.report import charts, numbers
from robomamba_jax.demo.report.charts import SHAPES
from robomamba_jax.demo.report.lenient_json import Node
from robomamba_jax.demo.report.view import curve_points
from robomamba_jax.utils.html_pages import image_uri, printable_value, render_page
from tests.demo.html_reader import Page

TEMPLATES = Path(charts.__file__).parent / "templates"


def drawn(macro: str, *arguments: object) -> Page:
    """What one of the page's macros draws."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["image_uri"] = image_uri
    module = environment.get_template("macros.html.j2").make_module({"shapes": SHAPES})
    return Page(getattr(module, macro)(*arguments))


def test_marks_lie_where_the_numbers_are() -> None:
    """A chart's places are per cent of its axis, whiskers included."""
    mark = charts.Mark(0, 0.62, (0.5, 0.75))
    drawings = drawn("row_chart", charts.Chart("c", [charts.Row("r", [mark], "t")], charts.SHARE))
    assert drawings.faults == []
    assert [svg["x"] for svg in drawings.named("svg") if "x" in svg] == ["62.000%"]
    whiskers = [line for line in drawings.named("line") if "whisker" in line["class"]]
    assert (whiskers[0]["x1"], whiskers[0]["x2"]) == ("50.000%", "75.000%")
    assert charts.axis_to(1200, exactly=True).percent(803.4) == pytest.approx(66.95)
    assert charts.SHARE.percent(1.7) == 100


@pytest.mark.parametrize(
    "ends", [(0, 1), (0, 1250), (0.2, 0.21), (3, 3), (0, 0), (-2, 9.3), (0, 1e-7)]
)
def test_ticks_are_round_and_enclose(ends: tuple[float, float]) -> None:
    """And there are neither too few nor too many."""
    ticks = charts.nice_ticks(*ends, 3)
    assert ticks[0] <= ends[0] + 1e-12
    assert ticks[-1] >= ends[1] - 1e-12
    assert 3 <= len(ticks) <= 11
    assert len({charts.tick_text(tick) for tick in ticks}) == len(ticks)


@given(st.floats(-1e307, 1e307), st.floats(-1e307, 1e307))
@example(0.0, 5e-324)
@example(1e300, 1e300)
@example(-1e307, 1e307)
def test_ticks_of_any_two_numbers(one: float, other: float) -> None:
    """However near to each other or to the ends of what a float can say."""
    ticks = charts.nice_ticks(min(one, other), max(one, other), 3)
    assert all(a < b for a, b in itertools.pairwise(ticks))
    assert len(ticks) >= 2
    assert np.isfinite(ticks).all()


def test_curves() -> None:
    """Noise becomes means in a band; what is no number is left out; one point is a curve too."""
    points = [(float(k), float(k % 10)) for k in range(1500)]
    rows = charts.bin_curve(points)
    assert len(rows) == 150
    assert rows[0] == (4.5, 4.5, 0.0, 9.0)
    assert charts.bin_curve(points[:5])[2] == (2.0, 2.0, 2.0, 2.0)
    strange = [[3, 1.0], [1, float("nan")], [2, None], [0, 2.0], "x", [1, 2, 3], [True, 1.0]]
    assert curve_points(Node(strange)) == [(0.0, 2.0), (3.0, 1.0)]
    for few in (points[:1], [(0.0, 0.0), (1.0, 0.0)], [(5.0, -3.0), (6.0, 2.0)]):
        page = drawn("curve_chart", "t", charts.curve(few))
        assert page.faults == []
        paths = [p["d"] for p in page.named("path")]
        places = [float(n) for path in paths for n in re.findall(r"-?[\d.]+", path)]
        assert all(0 <= place <= 1000 for place in places)


def test_numbers_as_words() -> None:
    """Roundings at their edges."""
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
    assert numbers.whole(Node(float("inf")).number) == numbers.MISSING
    assert numbers.whole(Node(True).number) == numbers.MISSING


def test_pages_escape_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text is escaped once, Markup never; a name that a template misspells is an error."""
    package = tmp_path / "pages_of_a_test"
    (package / "templates").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "templates" / "s.css").write_text("p > a {}")
    (package / "templates" / "s.js").write_text("1 < 2")
    page = "<style>{{ style }}</style><p title='{{ text }}'>{{ text }}{{ made }}</p>{{ script }}"
    (package / "templates" / "page.html.j2").write_text(page)
    (package / "templates" / "bad.html.j2").write_text("{{ txet }}")
    monkeypatch.syspath_prepend(tmp_path)
    values = {"text": "<b>'&", "made": Markup("<i>&amp;</i>")}

    def render(template: str) -> str:
        return render_page(package.name, template, values, style="s.css", script="s.js")

    assert render("page.html.j2") == (
        "<style>p > a {}</style>"
        "<p title='&lt;b&gt;&#39;&amp;'>&lt;b&gt;&#39;&amp;<i>&amp;</i></p>1 < 2"
    )
    with pytest.raises(UndefinedError):
        render("bad.html.j2")


def test_what_is_printed_can_be_stored() -> None:
    """No control characters, no halves of characters, no endless text; None prints as itself."""
    assert printable_value("a\x00b\ud800\u2028") == "a\ufffdb?\u2028"
    assert printable_value("x" * 5000) == "x" * 2000 + "\u2026"
    assert printable_value(None) == "None"
    data = "data:image/png;base64," + "A" * 5000
    assert printable_value(image_uri(data)) == data
    assert image_uri("data:image/svg+xml;base64,AAAA") is None


def test_colours_can_be_told_apart() -> None:
    """Text has a contrast of 4.5 to the page, marks have 3, in every theme."""
    source = (TEMPLATES / "report.css").read_text(encoding="utf-8")
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
