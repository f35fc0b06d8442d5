# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers of a report as a reader wants them: the templates' filters.

Each takes None for what was not measured, and then says so.
"""

from __future__ import annotations

import math

from markupsafe import Markup

from robomamba_jax.demo.report.verdicts import Estimate

MISSING = Markup('<span class="missing">not measured</span>')
_DASH = "\u2013"
_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def share(value: float, digits: int = 3) -> str:
    """A share as the paper prints it: ".625"."""
    # Only a leading 0 goes: 1.00 stays as it is.
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def small_percent(value: float | None) -> str:
    """A share in per cent, with two digits that mean something: "0.12 %"."""
    if value is None:
        return MISSING
    scaled = 100 * value
    if scaled == 0 or abs(scaled) >= 10:
        return f"{scaled:.1f} %"
    # log10 of 0.12 is -0.9: two digits behind the point.
    digits = max(0, 1 - math.floor(math.log10(abs(scaled))))
    return f"{scaled:.{min(digits, 6)}f} %"


def plain(value: float | None, unit: str = "") -> str:
    """Any number, in four digits or so, with a unit behind it."""
    if value is None:
        return MISSING
    # Beyond 1e15 a float's last digits are not a count any more.
    if value == int(value) and abs(value) < 1e15:
        text = f"{int(value):,}"
    elif abs(value) >= 100:
        text = f"{value:,.1f}"
    else:
        text = f"{value:.3g}" if abs(value) < 1e-2 else f"{value:.2f}"
    return f"{text} {unit}".rstrip()


def loss_text(value: float | None) -> str:
    """A loss, in four digits."""
    return MISSING if value is None else f"{value:.4g}"


def whole(value: float | None) -> str:
    """A count: "12,345"."""
    return MISSING if value is None else f"{round(value):,}"


def short_count(value: float) -> str:
    """A count in words: "6.3 million"."""
    for size, name in ((1e9, "billion"), (1e6, "million")):
        if value >= size:
            return f"{value / size:.1f} {name}"
    return f"{round(value):,}"


def size_text(value: float | None) -> str:
    """Bytes: "3.7 GiB"."""
    if value is None:
        return MISSING
    for size, name in _UNITS:
        if value >= size:
            return f"{value / size:,.1f} {name}"
    return f"{value:,.0f} B"


def duration(value: float | None) -> str:
    """Seconds: "0.4 s", "48 s", "3 min", "3 min 12 s", "1 h 05 min"."""
    if value is None:
        return MISSING
    # The unit is chosen after rounding: 59.6 s is a minute and not "60 s".
    seconds, minutes = round(value), round(value / 60)
    if value < 10:
        return f"{value:.1f} s"
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        rest = f" {seconds % 60:02d} s" if seconds % 60 else ""
        return f"{seconds // 60} min{rest}"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def about(seconds: float) -> str:
    """A time in words: "19 minutes", "1.4 hours"."""
    if seconds < 90:
        count = max(1, round(seconds))
        return f"{count} second{'s' if count > 1 else ''}"
    return f"{round(seconds / 60)} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def scaled_text(value: float, scale: str) -> str:
    """A number by its scale: "share" as .625, "percent" as 62.5, "plain" as it is."""
    if scale == "share":
        return share(value)
    if scale == "percent":
        return f"{100 * value:.1f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2f}"


def interval_text(estimate: Estimate) -> str:
    """The 95 % interval alone; empty where there is none."""
    return _DASH.join(scaled_text(end, estimate.scale) for end in estimate.ci95 or ())


def estimate_text(estimate: Estimate) -> Markup:
    """A number with its interval in small letters behind it."""
    if estimate.value is None:
        return MISSING
    # Escaped though it is only digits: what fills a Markup's format always is.
    number = Markup("<b>{}</b>").format(scaled_text(estimate.value, estimate.scale))
    if estimate.ci95 is not None:
        number += Markup(" <small>{}</small>").format(interval_text(estimate))
    return Markup('<span class="figure">{}</span>').format(number)
