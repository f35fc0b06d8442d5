# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers of a report as a reader wants them, and "not measured" where there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from robomamba_jax.demo.page_markup import Markup, join, tag
from robomamba_jax.demo.verdicts import interval_of, number_of

MISSING = tag("span", "not measured", class_="missing")
_DASH = "\u2013"


def _dash(words: str) -> Markup:
    """A dash to look at, words to listen to."""
    shown = tag("span", _DASH, aria_hidden="true", title=words)
    return tag("span", shown, tag("span", words, class_="heard"), class_="missing")


NONE = _dash("none")
UNMEASURED = _dash("not measured")  # in columns too narrow for the words
_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def share(value: float, digits: int = 3) -> str:
    """A share as the article prints it: ".625"."""
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def percent(value: float, digits: int = 1) -> str:
    """A share in per cent, without the sign: "62.5"."""
    return f"{100 * value:.{digits}f}"


def small_percent(value: float) -> str:
    """A share in per cent, with two digits that mean something: "0.12 %"."""
    scaled = 100 * value
    if scaled == 0 or abs(scaled) >= 10:
        return f"{scaled:.1f} %"
    digits = max(0, 1 - math.floor(math.log10(abs(scaled))))
    return f"{scaled:.{min(digits, 6)}f} %"


def plain(value: float) -> str:
    """Any number, in four digits or so."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.1f}"
    return f"{value:.3g}" if abs(value) < 1e-2 else f"{value:.2f}"


def loss_text(value: Any) -> str | Markup:
    """A loss, in four digits."""
    number = number_of(value)
    return MISSING if number is None else f"{number:.4g}"


def whole(value: Any) -> str | Markup:
    """A count: "12,345"."""
    number = number_of(value)
    return MISSING if number is None else f"{round(number):,}"


def short_count(value: float) -> str:
    """A count in words: "6.3 million"."""
    for size, name in ((1e9, "billion"), (1e6, "million")):
        if value >= size:
            return f"{value / size:.1f} {name}"
    return f"{round(value):,}"


def size_text(value: Any) -> str | Markup:
    """Bytes: "3.7 GiB"."""
    number = number_of(value)
    if number is None:
        return MISSING
    for size, name in _UNITS:
        if number >= size:
            return f"{number / size:,.1f} {name}"
    return f"{number:,.0f} B"


def duration(value: Any) -> str | Markup:
    """Seconds: "0.4 s", "48 s", "3 min", "3 min 12 s", "1 h 05 min"."""
    number = number_of(value)
    if number is None:
        return MISSING
    if number < 10:
        return f"{number:.1f} s"
    seconds = round(number)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        rest = f" {seconds % 60:02d} s" if seconds % 60 else ""
        return f"{seconds // 60} min{rest}"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def scaled_text(value: float, kind: str) -> str:
    """A figure of a kind: "share" as .625, "percent" as 62.5, "plain" as it is."""
    if kind == "share":
        return share(value)
    if kind == "percent":
        return percent(value)
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2f}"


def interval_text(entry: Mapping[str, Any], kind: str) -> str:
    """The interval alone; empty where there is none."""
    interval = interval_of(entry)
    return "" if interval is None else _DASH.join(scaled_text(end, kind) for end in interval)


def figure_text(entry: Mapping[str, Any], kind: str) -> Markup:
    """A figure with its interval in small letters behind it."""
    value = number_of(entry.get("value"))
    if value is None:
        return MISSING
    interval = interval_text(entry, kind)
    return tag(
        "span",
        tag("b", scaled_text(value, kind)),
        join(" ", tag("small", interval)) if interval else None,
        class_="figure",
    )


def kind_of(entry: Mapping[str, Any]) -> str:
    """How a benchmark's figure is printed; a report that does not say means per cent."""
    return "percent" if entry.get("percent", True) else "plain"
