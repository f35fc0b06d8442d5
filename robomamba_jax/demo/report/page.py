# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""report.json as one page: report.html, a single file that asks for nothing from anywhere.

Whatever a report lacks is said to be lacking. Structure is in ``templates/report.html.j2`` and its
parts, colours and type in ``templates/report.css``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from robomamba_jax.data.images.drawing import AXIS_COLORS, AXIS_NAMES, CONTACT_COLOR
from robomamba_jax.demo.report import numbers, summary, view
from robomamba_jax.demo.report.charts import SHAPES
from robomamba_jax.demo.report.lenient_json import Node
from robomamba_jax.evaluation.benchmarks.question_files import write_text
from robomamba_jax.utils.html_pages import image_uri, render_page
from robomamba_jax.utils.json_types import Json

# Anchor -> title of each section, in order; each has a template of the anchor's name.
_SECTIONS = {
    "does": "What it does",
    "clips": "Clips",
    "benchmarks": "Benchmarks",
    "rollouts": "Rollouts",
    "paper": "The paper\u2019s tables",
    "training": "Training",
    "ablations": "Ablations",
    "data": "Data",
    "time": "Time",
    "reproduce": "Reproduce",
    "limits": "Limits",
}
_AXES = {
    "approach": "approach (towards the surface)",
    "closing": "closing (between the fingers)",
    "third": "the third axis",
}
_FILTERS: dict[str, Callable[..., object]] = {
    "bytes": numbers.size_text,
    "told_by": view.told_by,
    "count": numbers.whole,
    "duration": numbers.duration,
    "estimate": numbers.estimate_text,
    "image_uri": image_uri,
    "loss": numbers.loss_text,
    "plain": numbers.plain,
    "small_percent": numbers.small_percent,
}


def write_report_page(report: Mapping[str, Json], path: Path) -> None:
    """Write the page.

    Args:
      report: the content of report.json.
      path: of the page, such as runs/demo/report.html.
    """
    write_text(path, report_page(report))


def report_page(report: Mapping[str, Json]) -> str:
    """The page as text.

    Args:
      report: the content of report.json; anything in it may be missing or of a wrong type.
    """
    node = Node(report)
    count = summary.parameters(node)
    values = {
        "report": node,
        "sections": _SECTIONS,
        "title": summary.title(node),
        "smoke": node["mode"].raw == "smoke",
        "sentences": summary.sentences(node),
        "began": summary.began(node),
        "finished": view.finished_text(node),
        "plates": view.summary_plates(node),
        # Drawn by draw_pose in these colours.
        "pose_colors": [("contact", CONTACT_COLOR)]
        + [(_AXES[name], color) for name, color in zip(AXIS_NAMES, AXIS_COLORS, strict=True)],
        "benchmarks": view.benchmarks(node),
        "rollouts": view.rollouts(node),
        "tables": view.paper_rows(node),
        "our_size": "another size" if count is None else f"{numbers.short_count(count)} parameters",
        "parameters": count,
        "stages": view.STAGES,
        "probes": view.probes(node),
        "curves": view.curves(node),
        "ablations": view.ablations(node),
        "time": view.time_chart(node),
        "total_seconds": summary.total_seconds(node),
        "total_cpu_seconds": summary.total_seconds(node, "cpu_seconds"),
        "shapes": SHAPES,
    }
    return render_page(
        "robomamba_jax.demo.report",
        "report.html.j2",
        values,
        style="report.css",
        script="report.js",
        filters=_FILTERS,
    )
