# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A page, read strictly: elements, visible text, and whatever is wrong with its structure."""

from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser

VOID = frozenset({"img", "br", "meta", "source", "col", "link"})
_ADDRESSES = ("src", "href", "srcset", "action", "data", "poster", "xlink:href")


class Page(HTMLParser):
    """The elements of a page.

    Attributes:
      elements: (name, attributes) of every element, in order.
      faults: what does not close, or closes what is not open.
      tables: per table its rows, each a list of cells as text.
    """

    def __init__(self, text: str) -> None:
        """Read it."""
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.faults: list[str] = []
        self.tables: list[list[list[str]]] = []
        self._open: list[str] = []
        self._texts: list[str] = []
        self._cell: list[str] | None = None
        self.feed(text)
        self.close()
        self.faults += [f"<{name}> is never closed" for name in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> has an attribute twice")
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self._cell = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """None of ours closes itself."""
        self.faults.append(f"<{tag}/> closes itself")

    def handle_endtag(self, tag: str) -> None:
        """Must close what was opened last."""
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")
        if tag in {"td", "th"} and self._cell is not None:
            self.tables[-1][-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        """Text that a reader sees."""
        if self._open and self._open[-1] in {"script", "style"}:
            return
        self._texts.append(data)
        if self._cell is not None:
            self._cell.append(data)

    @property
    def text(self) -> str:
        """All visible text, with single spaces."""
        return " ".join("".join(self._texts).split())

    def named(self, *names: str) -> list[dict[str, str]]:
        """The attributes of all elements of some names."""
        return [attributes for name, attributes in self.elements if name in names]

    def addresses(self) -> list[str]:
        """Everything that a browser might fetch or go to."""
        found = [
            attributes[k] for _, attributes in self.elements for k in _ADDRESSES if k in attributes
        ]
        styles = [attributes.get("style", "") for _, attributes in self.elements]
        return found + [url for style in styles for url in re.findall(r"url\(([^)]*)\)", style)]


def structure_faults(page: Page) -> list[str]:
    """What keeps a page from being read by everybody."""
    faults = list(page.faults)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    faults += [f"id {name} is given twice" for name in set(ids) if ids.count(name) > 1]
    for _, attributes in page.elements:
        faults += [
            f"aria-labelledby names {name}, which is not there"
            for name in attributes.get("aria-labelledby", "").split()
            if name not in ids
        ]
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch(r"h[1-6]", name)]
    if levels[:1] != [1] or levels.count(1) != 1:
        faults.append("there is not exactly one h1 in front")
    pairs = itertools.pairwise(levels)
    faults += [f"h{low} is followed by h{high}" for low, high in pairs if high > low + 1]
    faults += ["an image has no words" for image in page.named("img") if not image.get("alt")]
    faults += [
        "a heading of a table has no scope" for cell in page.named("th") if not cell.get("scope")
    ]
    faults += [
        "a drawing is neither described nor hidden"
        for drawing in page.named("svg")
        if drawing.get("role") == "img" and not drawing.get("aria-label")
    ]
    targets = [link["href"][1:] for link in page.named("a")]
    return faults + [f"#{name} leads nowhere" for name in targets if name not in ids]
