# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""HTML that cannot forget to escape: text is escaped unless a tag of ours made it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

_VOID = frozenset({"img", "br", "meta", "source", "col"})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Only pictures, and only in base64: nothing else may come out of a report as an address.
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
_LONGEST = 2000  # characters of one text; what is longer would drown the page


class Markup(str):
    """HTML, ready to be written: whatever came from outside is escaped in it."""

    __slots__ = ()


Child = Any  # text, Markup, a number, None, or an iterable of such


def escape(value: Any) -> Markup:
    """Text as HTML. What no file can hold (control characters, half characters) is replaced."""
    text = str(value)
    return _escape(text if len(text) <= _LONGEST else text[:_LONGEST] + "\u2026")


def _escape(text: str) -> Markup:
    clean = _CONTROL.sub("\ufffd", text.encode("utf-8", "replace").decode("utf-8"))
    return Markup(html.escape(clean, quote=True))


def join(*children: Child) -> Markup:
    """Children one after the other; None is nothing, text is escaped."""
    return Markup("".join(_pieces(children)))


def _pieces(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            yield child
        elif isinstance(child, Iterable) and not isinstance(child, str | bytes):
            yield from _pieces(child)
        else:
            yield escape(child)


def tag(name: str, *children: Child, **attributes: Any) -> Markup:
    """An element.

    Args:
      name: of the element.
      *children: see ``join``.
      **attributes: ``class_`` is class and ``aria_label`` is aria-label; True is a bare name,
        None and False leave the attribute out.
    """
    words = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        label = key.rstrip("_").replace("_", "-")
        # Not shortened: a drawing's path has a right to its length.
        shown = value if isinstance(value, Markup) else _escape(str(value))
        words.append(label if value is True else f'{label}="{shown}"')
    head = " ".join(words)
    if name in _VOID:
        return Markup(f"<{head}>")
    return Markup(f"<{head}>{join(*children)}</{name}>")


def picture(uri: Any, alt: str, **attributes: Any) -> Markup:
    """An image from a data URI; a line of text where it is none."""
    if not isinstance(uri, str) or not _PICTURE.fullmatch(uri):
        return tag("span", "no picture", class_="missing nopicture")
    return tag("img", src=Markup(uri), alt=alt, decoding="async", **attributes)


def is_picture(uri: Any) -> bool:
    """Whether ``picture`` would show it."""
    return isinstance(uri, str) and _PICTURE.fullmatch(uri) is not None


def section(anchor: str, title: str, *children: Child) -> Markup:
    """A part of the page, with its heading in the margin."""
    heading = tag("h2", title, id=f"{anchor}-title")
    body = tag("div", *children, class_="body")
    return tag("section", heading, body, id=anchor, aria_labelledby=f"{anchor}-title")


def paragraph(*children: Child, class_: str | None = None) -> Markup:
    """A paragraph."""
    return tag("p", *children, class_=class_)


def table(
    caption: Child,
    columns: Sequence[Child],
    rows: Iterable[Sequence[Child]],
    *,
    class_: str = "",
    numbers: Iterable[int] = (),
) -> Markup:
    """A table whose first column names its rows; wider than the page, it scrolls by itself.

    Args:
      caption: what it shows.
      columns: their headings.
      rows: of cells.
      class_: for the style sheet.
      numbers: columns that are set to the right.
    """
    right = set(numbers)

    def cells(row: Sequence[Child]) -> Iterable[Markup]:
        for place, content in enumerate(row):
            side = "n" if place in right else None
            if place == 0:
                yield tag("th", content, scope="row", class_=side)
            else:
                yield tag("td", content, class_=side)

    head = [
        tag("th", column, scope="col", class_="n" if place in right else None)
        for place, column in enumerate(columns)
    ]
    body = [tag("tr", cells(row)) for row in rows]
    whole = tag(
        "table",
        heading_of(caption),
        tag("thead", tag("tr", head)),
        tag("tbody", body),
        class_=class_ or None,
    )
    return scrolling(whole, caption)


def heading_of(caption: Child) -> Markup:
    """A table's caption, which stays in sight where the table is scrolled."""
    return tag("caption", tag("span", caption))


def scrolling(content: Markup, label: Child) -> Markup:
    """Something wide, in a frame that can be scrolled, with the keyboard too."""
    name = re.sub(r"<[^>]*>", "", join(label))
    return tag(
        "div",
        content,
        class_="wide",
        role="region",
        tabindex="0",
        aria_label=html.unescape(name),
    )


def folded(summary: Child, *children: Child) -> Markup:
    """What most readers need not see at once."""
    return tag("details", tag("summary", summary), *children)
