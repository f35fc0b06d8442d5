# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the model does, to look at: poses, answers, clips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robomamba_jax.data.images.drawing import AXIS_COLORS, AXIS_NAMES, CONTACT_COLOR
from robomamba_jax.demo.page_markup import (
    Child,
    Markup,
    is_picture,
    join,
    paragraph,
    picture,
    section,
    tag,
)
from robomamba_jax.demo.verdicts import mapping_of

_AXES = {
    "approach": "approach (towards the surface)",
    "closing": "closing (between the fingers)",
    "third": "the third axis",
}


def entries(report: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The pictures of a kind."""
    found = mapping_of(report.get("pictures")).get(name)
    return [mapping_of(entry) for entry in found] if isinstance(found, list) else []


def what_it_does(report: Mapping[str, Any]) -> Markup:
    """Pictures with poses, and questions with answers."""
    poses, questions = entries(report, "poses"), entries(report, "questions")
    return section(
        "does",
        "What it does",
        tag("h3", "A pose from a picture and an instruction"),
        _poses(poses) if poses else _none("No pictures of poses were kept in this run."),
        tag("h3", "Answers about what it sees"),
        _questions(questions) if questions else _none("No answers were kept in this run."),
    )


def _none(words: str) -> Markup:
    return paragraph(words, class_="missing")


def _poses(poses: list[Mapping[str, Any]]) -> Markup:
    intro = paragraph(
        "Given one colour picture and one sentence, the model says where to touch and how to hold "
        "the gripper; the simulator then carries it out. Under each picture: what came of it. "
        "All objects are test objects.",
    )
    return join(intro, _pose_legend(), tag("div", map(_pose, poses), class_="gallery"))


def _pose_legend() -> Markup:
    """The colours that ``draw_pose`` uses."""
    colors = [("contact", CONTACT_COLOR)]
    colors += [(_AXES[name], color) for name, color in zip(AXIS_NAMES, AXIS_COLORS, strict=True)]
    items = []
    for name, (red, green, blue) in colors:
        shape = tag("circle", cx="7", cy="7", r="5", fill=f"rgb({red} {green} {blue})")
        if name != "contact":
            path = "M1 7H9M8 3.5L13 7 8 10.5Z"
            paint = f"rgb({red} {green} {blue})"
            shape = tag("path", d=path, fill=paint, stroke=paint, stroke_width="2")
        drawing = tag("svg", shape, width="14", height="14", class_="symbol", aria_hidden="true")
        items.append(tag("li", drawing, " ", name))
    return tag("ul", items, class_="legend")


def _outcome(good: Any, yes: str, no: str) -> Markup:
    """A mark and a word, so that colour is not all that tells."""
    if good is True:
        return tag("span", "\u2713 ", yes, class_="good")
    if good is False:
        return tag("span", "\u2717 ", no, class_="bad")
    return tag("span", "not judged", class_="missing")


def _text(value: Any, empty: str = "(nothing)") -> str:
    return value if isinstance(value, str) and value.strip() else empty


def _pose(entry: Mapping[str, Any]) -> Markup:
    category = _text(entry.get("category"), "object")
    split = entry.get("split")
    alt = f"{category} with the predicted contact and gripper axes"
    kind = f"{category}, {split} kind" if split in ("seen", "unseen") else category
    caption = tag(
        "figcaption",
        tag("q", _text(entry.get("instruction"), "no instruction")),
        tag("span", kind, class_="soft"),
        _outcome(entry.get("success"), "it moved", "it did not move"),
    )
    return tag("figure", picture(entry.get("image"), alt), caption)


def _questions(questions: list[Mapping[str, Any]]) -> Markup:
    intro = paragraph(
        "Questions in words that training did not use, about test scenes; right and wrong answers "
        "as they came.",
    )
    return join(intro, tag("div", map(_question, questions), class_="asked"))


def _question(entry: Mapping[str, Any]) -> Markup:
    question, right = _text(entry.get("question"), "no question"), entry.get("right")
    lines: list[Child] = [
        tag("p", question, class_="q"),
        tag("p", tag("span", "it says ", class_="soft"), tag("b", _text(entry.get("answer")))),
    ]
    if right is not True:
        lines.append(tag("p", tag("span", "wanted ", class_="soft"), _text(entry.get("wanted"))))
    kind = entry.get("kind")
    kind = tag("span", f" {kind}", class_="soft") if isinstance(kind, str) and kind else None
    lines.append(tag("p", _outcome(right, "right", "wrong"), kind, class_="mark"))
    shown = picture(entry.get("image"), f"the picture asked about: {question}")
    return tag("figure", shown, tag("figcaption", lines))


def clips(report: Mapping[str, Any]) -> Markup:
    """The gripper at work."""
    found = entries(report, "clips")
    if not found:
        return section("clips", "At work", _none("No clips were filmed in this run."))
    intro = paragraph(
        "The gripper comes along its approach axis, holds on by suction, and pulls straight back. ",
        tag("button", "Show the clips as still pictures", type="button", id="still", hidden=True),
    )
    return section(
        "clips", "At work", intro, tag("div", map(_clip, found), class_="gallery filmed")
    )


def _clip(entry: Mapping[str, Any]) -> Markup:
    category, policy = _text(entry.get("category"), "object"), _text(entry.get("policy"), "")
    who = f"{category}, {policy}" if policy else category
    shown = picture(entry.get("image"), f"clip of the gripper at the {category}", class_="clip")
    still = entry.get("still")
    if is_picture(still) and is_picture(entry.get("image")):
        # For who asked the system for less motion.
        quiet = tag("source", media="(prefers-reduced-motion: reduce)", srcset=Markup(still))
        shown = tag("picture", quiet, shown)
    outcome = _outcome(entry.get("success"), "it moved", "it did not move")
    return tag("figure", shown, tag("figcaption", tag("span", who, class_="soft"), outcome))
