# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Self-contained HTML pages out of Jinja2 templates: text from outside cannot become markup.

Every value that a template prints is escaped (``autoescape``) unless it is a
``markupsafe.Markup``, which only code of ours makes. ``StrictUndefined`` turns a misspelt name
in a template into an error instead of an empty place.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

# What no file can hold, or what nobody can see: control characters.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LONGEST = 2000  # characters of one text: a longer one would drown the page
# Raster images alone, in base64 alone: an SVG may hold scripts, another address may be fetched.
_IMAGE_URI = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")


def printable_value(value: object) -> object:
    """What a template may print: text is cut after 2,000 characters, control characters and
    halves of surrogate pairs are replaced; ``Markup`` stays as it is."""
    if isinstance(value, Markup):
        return value
    text = str(value)
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + "\u2026"
    return _CONTROL.sub("\ufffd", text.encode("utf-8", "replace").decode("utf-8"))


def image_uri(value: object) -> Markup | None:
    """A data URI that a browser shows as an image and cannot do anything else with, or None."""
    if isinstance(value, str) and _IMAGE_URI.fullmatch(value):
        return Markup(value)
    return None


@cache
def _environment(package: str) -> Environment:
    """One per package: its templates are compiled once."""
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=printable_value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # What `tojson` writes keeps its order; Jinja2 would sort the keys.
    environment.policies["json.dumps_kwargs"] = {}
    return environment


def render_page(
    package: str,
    template: str,
    values: Mapping[str, object],
    *,
    style: str,
    script: str,
    filters: Mapping[str, Callable[..., object]] | None = None,
) -> str:
    """A page as text.

    Args:
      package: whose folder ``templates`` has the three files.
      template: the page's; it is given ``values`` and ``policy``, ``style`` and ``script``, which
        belong into its content-security-policy, its only style and its only script.
      values: by the names that the template uses.
      style: the style sheet's file name.
      script: the script's.
      filters: functions that templates may apply by name.
    """
    environment = _environment(package)
    environment.filters.update(filters or {})
    loader = environment.loader
    assert loader is not None
    # The files are ours: they are put in as they are, not escaped.
    sheet, code = (Markup(loader.get_source(environment, name)[0]) for name in (style, script))
    page = environment.get_template(template)
    return page.render(values, style=sheet, script=code, policy=_content_policy(code))


def _content_policy(script: str) -> str:
    """What a browser may do for a page: show it. Even a fault of ours could fetch nothing, and no
    script runs but the one with this hash."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
