# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The model, what each stage trained of it, the curves, and what happens without a part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robomamba_jax.demo.page_benchmarks import verdict_word
from robomamba_jax.demo.page_charts import curve_chart
from robomamba_jax.demo.page_markup import (
    Child,
    Markup,
    join,
    paragraph,
    section,
    table,
    tag,
)
from robomamba_jax.demo.page_numbers import (
    MISSING,
    NONE,
    duration,
    figure_text,
    kind_of,
    loss_text,
    plain,
    size_text,
    small_percent,
    whole,
)
from robomamba_jax.demo.verdicts import (
    OVERLAP,
    SPLITS,
    compare,
    lower_is_better,
    mapping_of,
    number_of,
)

STAGES = {
    "align": ("1.1, alignment", "projector"),
    "instruct": ("1.2, instructions", "projector and language model"),
    "manipulate": ("2, manipulation", "policy head"),
}
_HIGHEST = 1e9  # a loss beyond it would only flatten the rest
_BEFORE = {"vision": "Encoder, before stage 1", "language": "Language model, before stage 1"}
_PARTS = {
    "vision": "encoder",
    "projector": "projector",
    "llm": "language model",
    "policy": "policy head",
}


def training(report: Mapping[str, Any]) -> Markup:
    """The whole of it."""
    return section(
        "training",
        "The model and its stages",
        _model(report),
        _stages(report),
        _frozen(report),
        _curves(report),
        _evals(report),
    )


def _model(report: Mapping[str, Any]) -> Markup:
    model = mapping_of(report.get("model"))
    parts = mapping_of(model.get("parameters"))
    rows: list[list[Child]] = [
        [_PARTS.get(name, name), whole(count)] for name, count in parts.items()
    ]
    numbers = [number_of(count) for count in parts.values()]
    known = [number for number in numbers if number is not None]
    rows.append([tag("b", "whole"), tag("b", whole(sum(known) if known else None))])
    sizes = {
        "picture": _unit(model.get("image_size"), "pixels a side"),
        "image tokens": _unit(model.get("image_tokens"), "a picture"),
        "language model": _widths(model),
        "vocabulary": _unit(model.get("vocab"), "tokens"),
        "on disk": size_text(model.get("bytes")),
    }
    shape = [tag("div", tag("dt", name), tag("dd", value)) for name, value in sizes.items()]
    origins = [model.get("vision_from"), model.get("language_from")]
    sentences = [paragraph(text) for text in origins if isinstance(text, str) and text]
    return join(
        sentences,
        tag(
            "div",
            table("Parameters", ("part", "parameters"), rows, numbers=(1,)),
            tag("dl", shape, class_="facts"),
            class_="pair",
        ),
    )


def _unit(value: Any, unit: str) -> Child:
    number = number_of(value)
    return MISSING if number is None else f"{plain(number)} {unit}"


def _widths(model: Mapping[str, Any]) -> Child:
    width, layers = number_of(model.get("d_model")), number_of(model.get("n_layer"))
    if width is None or layers is None:
        return MISSING
    return f"{plain(layers)} Mamba layers of width {plain(width)}"


def _stages(report: Mapping[str, Any]) -> Markup:
    stages = mapping_of(report.get("stages"))
    rows = []
    for key, (title, trained) in STAGES.items():
        stage = mapping_of(stages.get(key))
        part = number_of(stage.get("share"))
        rows.append(
            [
                join(title, " ", tag("small", f"trains {trained}")),
                whole(stage.get("trained_params")),
                MISSING if part is None else small_percent(part),
                size_text(stage.get("bytes")),
                loss_text(stage.get("loss_first")),
                loss_text(stage.get("loss_last")),
                whole(stage.get("steps")),
                duration(stage.get("seconds")),
            ]
        )
    columns = (
        *("stage", "trained", "share", "their bytes", "first loss", "last loss"),
        *("steps", "time"),
    )
    return table("What each stage trained", columns, rows, numbers=range(1, 8))


def _frozen(report: Mapping[str, Any]) -> Markup:
    """Stage 2 must leave the language alone."""
    check = mapping_of(report.get("frozen_check"))
    asked, same = number_of(check.get("answers")), number_of(check.get("identical"))
    start = "Frozen means frozen: "
    if not asked or same is None:
        return paragraph(start, "whether answers are the same after stage 2 was ", MISSING, ".")
    words = f"{same:.0f} of {asked:.0f} answers are the same, letter by letter, before and after "
    end = "stage 2." if same == asked else "stage 2. They all should be: this is a fault."
    return paragraph(start, words, end, class_=None if same == asked else "bad")


def curve_points(value: Any) -> list[tuple[float, float]]:
    """The finite points of a curve, in order."""
    found = []
    for point in value if isinstance(value, list) else []:
        if isinstance(point, list | tuple) and len(point) == 2:
            step, loss = number_of(point[0]), number_of(point[1])
            if step is not None and loss is not None and abs(loss) < _HIGHEST:
                found.append((step, loss))
    return sorted(found, key=lambda point: point[0])


def _curves(report: Mapping[str, Any]) -> Markup:
    before = mapping_of(report.get("pretraining"))
    after = mapping_of(report.get("stages"))
    runs = [(title, mapping_of(before.get(key))) for key, title in _BEFORE.items() if key in before]
    runs += [(f"Stage {title}", mapping_of(after.get(key))) for key, (title, _) in STAGES.items()]
    figures = [_curve(title, run) for title, run in runs]
    explained = paragraph(
        "Lines are means over neighbouring steps, bands reach from the smallest to the largest of "
        "them. Every loss has its own scale.",
        class_="soft",
    )
    return join(tag("h3", "Losses"), tag("div", figures, class_="curves"), explained)


def _curve(title: str, run: Mapping[str, Any]) -> Markup:
    points = curve_points(run.get("curve"))
    if points:
        chart = curve_chart(f"Loss, {title}", points, "step", "loss")
    else:
        chart = tag("p", "No curve was kept.", class_="missing nocurve")
    words: list[Child] = [tag("b", title)]
    facts = [f"{plain(steps)} steps" if (steps := number_of(run.get("steps"))) else None]
    facts.append(str(duration(run.get("seconds"))) if number_of(run.get("seconds")) else None)
    told = ", ".join(fact for fact in facts if fact)
    note = run.get("note")
    words += [
        f": {told}" if told else None,
        f". {note}" if isinstance(note, str) and note else None,
    ]
    return tag("figure", chart, tag("figcaption", words))


def _evals(report: Mapping[str, Any]) -> Markup | None:
    """Figures on held-out data, by stage."""
    rows = []
    for key, (title, _) in STAGES.items():
        stage = mapping_of(mapping_of(report.get("stages")).get(key))
        for name, value in mapping_of(stage.get("eval")).items():
            number = number_of(value)
            rows.append(
                [title, name.replace("_", " "), MISSING if number is None else plain(number)]
            )
    if not rows:
        return None
    return table(
        "On held-out data, after each stage", ("stage", "figure", "value"), rows, numbers=(2,)
    )


def ablations(report: Mapping[str, Any]) -> Markup:
    """What happens without a part."""
    found = report.get("ablations")
    rows = [mapping_of(row) for row in found] if isinstance(found, list) else []
    if not rows:
        return section(
            "ablations",
            "Without a part",
            paragraph("Not measured: the full mode trains the ablations.", class_="missing"),
        )
    columns = list(dict.fromkeys(key for row in rows for key in mapping_of(row.get("figures"))))
    known = mapping_of(report.get("benchmarks"))
    by_name = {str(row.get("name")): mapping_of(row.get("figures")) for row in rows}
    lines = [_ablation(row, columns, by_name.get(str(row.get("beside"))), known) for row in rows]
    titles = [_column(name, mapping_of(known.get(name))) for name in columns]
    intro = paragraph(
        "Each row is the whole without one thing; where something was trained anew for it, a whole "
        "one that was trained as long stands beside it. A figure is marked where its 95 % interval "
        "does not touch that one\u2019s. One run per row: luck in training is not in the "
        "intervals.",
    )
    heads = ("trained", *titles, "does it hurt?")
    caption = "Ablations, with 95 % intervals"
    return section("ablations", "Without a part", intro, table(caption, heads, lines))


def _column(name: str, benchmark: Mapping[str, Any]) -> str:
    if name in SPLITS:
        return f"{name} kinds"
    title = benchmark.get("title")
    return title if isinstance(title, str) and title else name


def _ablation(
    row: Mapping[str, Any],
    columns: list[str],
    whole: Mapping[str, Any] | None,
    benchmarks: Mapping[str, Any],
) -> list[Child]:
    figures, what, beside = mapping_of(row.get("figures")), row.get("what"), row.get("beside")
    told = [what] if isinstance(what, str) else []
    if isinstance(beside, str):
        told.append(f"beside \u201c{beside}\u201d")
    cells: list[Child] = [
        join(tag("b", row.get("name")), " ", tag("small", "; ".join(told)) if told else None)
    ]
    for column in columns:
        entry, benchmark = mapping_of(figures.get(column)), mapping_of(benchmarks.get(column))
        kind = "share" if column in SPLITS else kind_of(benchmark)
        lower = lower_is_better(benchmark)
        of_whole = mapping_of((whole or {}).get(column))
        verdict = compare(entry, of_whole, lower_is_better=lower)
        mark = None if verdict in (OVERLAP, "unknown") else verdict_word(verdict)
        cells.append(join(figure_text(entry, kind), " ", mark))
    return [*cells, NONE if whole is None else _hurts(row.get("hurts"))]


def _hurts(value: Any) -> Child:
    if not isinstance(value, bool):
        return MISSING
    return tag("b", "yes") if value else "no"
