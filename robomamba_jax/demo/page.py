# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""report.json as one page: report.html, a single file that asks for nothing from anywhere.

The parts are made by ``page_lead`` (verdict, key figures), ``page_pictures``, ``page_benchmarks``,
``page_rollouts``, ``page_article``, ``page_training`` and ``page_run``, of elements that escape
what they are given (``page_markup``) and charts (``page_charts``). Colours and type are in
report.html, the frame. Whatever a report lacks is said to be lacking.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from robomamba_jax.demo.page_article import beside_the_article
from robomamba_jax.demo.page_benchmarks import benchmarks
from robomamba_jax.demo.page_lead import header, key_figures, title
from robomamba_jax.demo.page_markup import Markup, escape, join, tag
from robomamba_jax.demo.page_pictures import clips, what_it_does
from robomamba_jax.demo.page_rollouts import rollouts
from robomamba_jax.demo.page_run import again, data, limits, time_and_memory
from robomamba_jax.demo.page_training import ablations, training
from robomamba_jax.evaluation.benchmarks.question_files import write_text

_PLACE = re.compile(r"\{\{(\w+)\}\}")
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_PARTS = {
    "does": ("What it does", what_it_does),
    "clips": ("At work", clips),
    "benchmarks": ("Benchmarks", benchmarks),
    "loop": ("Closed loop", rollouts),
    "article": ("The article\u2019s layout", beside_the_article),
    "training": ("Training", training),
    "ablations": ("Ablations", ablations),
    "data": ("Data", data),
    "time": ("Time", time_and_memory),
    "again": ("Again", again),
    "limits": ("Limits", limits),
}


def write_report_page(report: Mapping[str, Any], path: Path) -> None:
    """Write the page.

    Args:
      report: the content of report.json.
      path: of the page, such as runs/demo/report.html.
    """
    write_text(path, report_page(report))


def report_page(report: Mapping[str, Any]) -> str:
    """The page as text.

    Args:
      report: the content of report.json.
    """
    frame = resources.files("robomamba_jax.demo").joinpath("report.html")
    template = frame.read_text(encoding="utf-8")
    filled = {
        "title": escape(title(report)),
        "policy": _content_policy(template),
        "header": header(report),
        "contents": _contents(),
        "body": join(key_figures(report), (make(report) for _, make in _PARTS.values())),
    }
    # In one go: what is put in may hold braces of its own.
    return _PLACE.sub(lambda found: filled[found[1]], template)


def _contents() -> Markup:
    """Links to the parts."""
    links = [tag("a", name, href=f"#{anchor}") for anchor, (name, _) in _PARTS.items()]
    items = [tag("li", link) for link in links]
    return tag("nav", tag("ul", items), aria_label="contents")


def _content_policy(template: str) -> str:
    """What a browser may do for this page: show it. Even a fault of ours could fetch nothing, and
    no script runs but the frame's own."""
    scripts = [script.encode() for script in _SCRIPT.findall(template)]
    hashes = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes) or "'none'"
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )
