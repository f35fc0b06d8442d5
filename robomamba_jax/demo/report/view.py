# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the page shows beyond plain facts: charts, tables and verdicts, computed from report.json.

Facts that stand in the report as they are shown (a machine's name, a count) are read by the
templates themselves.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from robomamba_jax.demo.report import charts
from robomamba_jax.demo.report.charts import Axis, Chart, Curve, Key, Mark, Row, mark_of
from robomamba_jax.demo.report.lenient_json import Node
from robomamba_jax.demo.report.numbers import (
    MISSING,
    about,
    duration,
    estimate_text,
    interval_text,
    plain,
    scaled_text,
    share,
    short_count,
    size_text,
    small_percent,
)
from robomamba_jax.demo.report.summary import compared, parameters, total_seconds
from robomamba_jax.demo.report.verdicts import (
    BY_INTERVALS,
    LOOKS_AT,
    OVERLAP,
    SPLITS,
    UNKNOWN,
    VARIANTS,
    Comparison,
    Estimate,
    Paired,
    Verdict,
    benchmark_verdict,
    compare,
    is_non_visual,
    lower_is_better,
    model_policy,
    rollout_verdict,
    verdicts,
)
from robomamba_jax.evaluation.runner.paper import paper_tables

_MOST_SERIES = 5  # marks that can be told from each other
_HIGHEST = 1e9  # a loss beyond it would only flatten the rest

STAGES = {
    "align": ("1.1, alignment", "projector"),
    "instruct": ("1.2, instructions", "projector and language model"),
    "manipulate": ("2, manipulation", "policy head"),
    "assemblies": ("2 with assemblies", "another policy head"),
}
_BEFORE = {"vision": "Vision tower, before stage 1", "language": "Language model, before stage 1"}
_PHASES = {
    "data": "data",
    "pretraining": "pre-training",
    "features": "features of frozen parts",
    "align": "stage 1.1, alignment",
    "instruct": "stage 1.2, instructions",
    "manipulate": "stage 2, manipulation",
    "assemblies": "stage 2 with assemblies",
    "evaluation": "benchmarks",
    "rollouts": "rollouts",
    "report": "report",
}


class Plate(NamedTuple):
    """A number to remember; None = not measured."""

    value: str | None
    small: str
    what: str


def summary_plates(report: Node) -> list[Plate]:
    """Six of them."""
    policy = report["rollouts"][model_policy(report) or ""]
    plates = []
    for split in SPLITS:
        rate = Estimate.read(policy[split], "share")
        value = None if rate.value is None else share(rate.value, 2)
        small = "" if value is None else interval_text(rate)
        plates.append(Plate(value, small, f"manipulation success rate, {split} categories"))
    told = compared(verdicts(report))
    won = str(sum(row.above_all is True for row in told)) if told else None
    what = "benchmarks significantly better than every non-visual baseline"
    plates.append(Plate(won, f"of {len(told)}" if told else "", what))
    plates += [_time_plate(report), _size_plate(report)]
    peak = report["peak_rss"].number
    # "3.7 GiB": the number large, its unit small.
    value, _, unit = size_text(peak).partition(" ")
    plates.append(Plate(None if peak is None else value, unit, "memory of the largest process"))
    return plates


def _time_plate(report: Node) -> Plate:
    seconds, allowed = total_seconds(report), total_seconds(report, "budget")
    what = "from data to this page, training all three stages"
    if seconds is None:
        return Plate(None, "", what)
    value, _, unit = about(seconds).partition(" ")
    if allowed:
        # "19 of 25 minutes allowed": the unit is said once if it is the same.
        limit = about(allowed)
        unit = f"of {limit} allowed" if limit.endswith(unit) else f"{unit} of {limit} allowed"
    return Plate(value, unit, what)


def _size_plate(report: Node) -> Plate:
    count, part = parameters(report), report["stages"]["manipulate"]["share"].number
    what = "parameters" if part is None else f"parameters; stage 2 trains {small_percent(part)}"
    value, _, unit = ("" if count is None else short_count(count)).partition(" ")
    return Plate(value or None, unit, what)


def finished_text(report: Node) -> str | None:
    """When the run ended, to read; what is no date stands as it is."""
    finished = report["finished"].raw
    if not isinstance(finished, str) or not finished:
        return None
    try:
        moment = dt.datetime.fromisoformat(finished)
    except ValueError:
        return f"finished {finished}"
    zone = " UTC" if moment.utcoffset() == dt.timedelta(0) else ""
    return f"finished {moment.day} {moment:%B %Y, %H:%M}{zone}"


@dataclass(frozen=True)
class Detail:
    """A folded table of further metrics, or of one kind of groups.

    Attributes:
      caption: of the table.
      column: what its rows are.
      rows: (name, estimate, what it is).
    """

    caption: str
    column: str
    rows: Sequence[tuple[str, Estimate, str]]


class Further(NamedTuple):
    """A figure beside a benchmark's headline: the benchmark, the figure's name, and the figure
    beside the baselines' own."""

    title: str
    name: str
    figure: Verdict


@dataclass(frozen=True)
class Benchmarks:
    """The benchmarks' section.

    Attributes:
      keys: of the charts' legend.
      charts: one for all that are shares, one for each that has a unit of its own.
      rows: each benchmark beside its baselines.
      meanings: baseline -> what it mostly is, said once; exceptions say so themselves.
      details: (title, its tables), folded.
      more: figures beside the headlines, each beside the baselines'.
    """

    keys: Sequence[Key]
    charts: Sequence[Chart]
    rows: Sequence[Verdict]
    meanings: Mapping[str, str]
    details: Sequence[tuple[str, Sequence[Detail]]]
    more: Sequence[Further]


def benchmarks(report: Node) -> Benchmarks | None:
    """None where nothing was measured."""
    found = report["benchmarks"].entries()
    if not found:
        return None
    rows = [benchmark_verdict(*item) for item in found.items()]
    # A baseline has the same mark in all charts; 0 is the model.
    series: dict[str, int] = {}
    for name in (other.name for row in rows for other in row.against):
        # Baselines beyond the marks that can be told apart share the last one.
        series.setdefault(name, min(len(series) + 1, _MOST_SERIES - 1))
    keys = [Key(0, "this model"), *(Key(number, name) for name, number in series.items())]
    measured = [row for row in rows if row.estimate.value is not None]
    # One axis for all shares; what has points or degrees gets a chart of its own.
    shares = [_benchmark_row(row, series) for row in measured if row.estimate.scale == "percent"]
    drawn = []
    if shares:
        drawn.append(Chart("Scores in per cent, with 95 % intervals", shares, charts.PERCENT, "%"))
    for row in measured:
        if row.estimate.scale != "percent":
            caption = f"{row.title}, {row.metric or 'its own scale'}"
            axis = _own_axis(found[row.name], row)
            drawn.append(Chart(caption, [_benchmark_row(row, series)], axis))
    details = [(row.title, _details(found[row.name])) for row in rows]
    further = [
        Further(row.title, name.replace("_", " "), benchmark_verdict(name, node))
        for row in rows
        for name, node in found[row.name]["more"].entries().items()
    ]
    kept = [one for one in details if one[1]]
    return Benchmarks(keys, drawn, rows, _meanings(rows), kept, further)


def told_by(other: Comparison) -> str:
    """By what a verdict was come to, in a few words; empty where there is nothing to say."""
    paired = other.paired
    if paired is None:  # only intervals could tell: there is nothing to add
        return ""
    test = {"mcnemar": "McNemar", "bootstrap": "paired bootstrap"}.get(paired.test, paired.test)
    counts = f"{paired.better:.0f} better, {paired.worse:.0f} worse of {paired.n:.0f}"
    apart = "intervals apart; " if other.by == BY_INTERVALS else ""
    return f"{apart}{test} {_p_text(paired)}: {counts}"


def _p_text(paired: Paired) -> str:
    # No more digits than a test of ten thousand draws has.
    if paired.p < 1e-3:
        return "p < .001"
    return "p = 1" if paired.p > 0.9995 else f"p = {share(paired.p)}"


def _own_axis(entry: Node, row: Verdict) -> Axis:
    """From 0 to the best that can be had, where that is known, else beyond all that is drawn."""
    best = entry["best"].number
    if best is not None and best > 0:
        return charts.axis_to(best, exactly=True)
    drawn = (row.estimate, *(other.other for other in row.against))
    # Intervals count, too: a whisker must not leave the chart.
    ends = [end for one in drawn for end in (one.value or 0.0, *(one.ci95 or ()))]
    return charts.axis_to(max(ends))


def _benchmark_row(row: Verdict, series: Mapping[str, int]) -> Row:
    marks = mark_of(0, row.estimate)
    for other in row.against:
        marks += mark_of(series[other.name], other.other)
    note = ", ".join(filter(None, (row.metric, "lower is better" if row.lower_is_better else "")))
    return Row(row.title, marks, estimate_text(row.estimate), note)


def _meanings(rows: Iterable[Verdict]) -> dict[str, str]:
    """What a baseline is in more than half of the benchmarks that have it."""
    meant: dict[str, Counter[str]] = {}
    for row in rows:
        for other in row.against:
            meant.setdefault(other.name, Counter())[other.what or ""] += 1
    # "always 'yes'" differs by benchmark, "the same model, its image replaced by grey" does not.
    usual = {name: (*counts.most_common(1)[0], counts.total()) for name, counts in meant.items()}
    return {name: what for name, (what, times, of) in usual.items() if what and 2 * times > of}


def _details(entry: Node) -> list[Detail]:
    tables = [("All metrics", "metric", entry["figures"])]
    tables += [(f"By {kind}", kind, group) for kind, group in entry["groups"].entries().items()]
    found = []
    for caption, column, node in tables:
        rows = [
            (name.replace("_", " "), Estimate.read(one), one["what"].text or "")
            for name, one in node.entries().items()
        ]
        if rows:
            found.append(Detail(caption, column, rows))
    return found


@dataclass(frozen=True)
class Policy:
    """A policy's line.

    Attributes:
      name: of the policy.
      title: what it is; empty where the name says it.
      looks_at: what it is told of the scene, or None.
      trained: its parameters.
      rates: on seen and on unseen categories.
      beside: of the model beside it, on seen and on unseen categories; empty for the model.
      knows_more: whether it is told what a model must find out: no praise and no blame beside it.
      variant: whether it is the model itself, trained otherwise.
    """

    name: str
    title: str
    looks_at: str | None
    trained: float | None
    rates: Sequence[Estimate]
    beside: Sequence[Comparison]
    knows_more: bool
    variant: bool


@dataclass(frozen=True)
class Category:
    """A category's line: the model's rate, the reference policy's, and how far parts moved."""

    name: str
    split: str
    rate: Estimate
    reference: Estimate | None
    node: Node


@dataclass(frozen=True)
class Rollouts:
    """The rollouts' section.

    Attributes:
      keys: of the chart's legend.
      chart: all policies.
      policies: the same in words.
      reference: the policy beside the model's categories, which knows a mean pose; or empty.
      category_keys: of the charts' legend.
      category_charts: per split.
      categories: the same in words.
    """

    keys: Sequence[Key]
    chart: Chart
    policies: Sequence[Policy]
    reference: str
    category_keys: Sequence[Key]
    category_charts: Sequence[Chart]
    categories: Sequence[Category]


def rollouts(report: Node) -> Rollouts | None:
    """None where nothing was rolled out."""
    found, model = report["rollouts"].entries(), model_policy(report)
    if not found:
        return None
    judged = [rollout_verdict(found, model, split) for split in SPLITS] if model in found else []
    policies = [_policy(name, entry, model, judged) for name, entry in found.items()]
    rows = []
    for policy in policies:
        ours, marks = policy.name == model, list[Mark]()
        # Four series: the model's two halves, and those of everybody else.
        for number, rate in enumerate(policy.rates):
            marks += mark_of(number + (0 if ours else 2), rate)
        text = Markup("{}<br>{}").format(*map(estimate_text, policy.rates))
        rows.append(Row(policy.name, marks, text, strong=ours))
    keys = [Key(k, f"{model}, {split} categories") for k, split in enumerate(SPLITS) if model]
    keys += [Key(k + 2, f"others, {split} categories") for k, split in enumerate(SPLITS)]
    # Two lanes a row: a policy's splits below each other compare more easily than in two charts.
    caption = "Success by policy: seen above, unseen categories below, with 95 % intervals"
    reference = next(
        (n for n in ("prior-category", "prior") if found.get(n, Node())["categories"].raw), ""
    )
    theirs = found.get(reference, Node())["categories"].entries()
    mine = found.get(model or "", Node())["categories"].entries()
    categories = [
        _category(name, entry, theirs.get(name))
        for split in SPLITS
        for name, entry in mine.items()
        if entry["split"].raw == split
    ]
    drawn = []
    for split in SPLITS:
        lines = [_category_row(one) for one in categories if one.split == split]
        if lines:
            title = f"{split.capitalize()} categories ({len(lines)})"
            drawn.append(Chart(title, lines, charts.SHARE))
    category_keys = [Key(0, "this model, with its 95 % interval", "bar")]
    category_keys += [Key(1, reference, "tick")] if theirs else []
    chart = Chart(caption, rows, charts.SHARE, "success")
    return Rollouts(keys, chart, policies, reference, category_keys, drawn, categories)


def _policy(name: str, entry: Node, model: str | None, judged: Sequence[Verdict]) -> Policy:
    rates = [Estimate.read(entry[split], "share") for split in SPLITS]
    title = entry["title"].text or ""
    beside = [other for row in judged for other in row.against if other.name == name]
    nothing = [Comparison(name, rate, UNKNOWN) for rate in rates]
    return Policy(
        name,
        "" if title == name else title,
        entry["looks_at"].text or LOOKS_AT.get(name),
        entry["trained"].number,
        rates,
        [] if name == model else beside or nothing,  # one per half
        not is_non_visual(name, entry) and name not in VARIANTS,
        name in VARIANTS,
    )


def _category(name: str, entry: Node, other: Node | None) -> Category:
    reference = None if other is None else Estimate.read(other, "share")
    return Category(name, str(entry["split"].raw), Estimate.read(entry, "share"), reference, entry)


def _category_row(one: Category) -> Row:
    marks = mark_of(0, one.rate, "bar")
    if one.reference is not None:
        # Without its interval: two in one lane could not be told apart.
        marks += mark_of(1, one.reference, "tick", interval=False)
    rate = one.rate.value
    text = MISSING if rate is None else Markup("<b>{}</b>").format(share(rate, 2))
    return Row(one.name, marks, text)


class PaperRow(NamedTuple):
    """A line of one of the paper's tables; None = no number."""

    name: str
    cells: Sequence[str | None]
    ours: bool = False


class PaperTable(NamedTuple):
    """One of the paper's tables with our row on top, which must not be read as a comparison."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[PaperRow]
    notes: Sequence[str]
    style: str = ""


def our_cells(report: Node) -> dict[str, Estimate]:
    """Table 1's column -> our number.

    RoboVQA's two columns are two of its metrics, and MME's is the points of perception, whichever
    metric of them is the report's headline.
    """
    cells: dict[str, Estimate] = {}
    for name, entry in report["benchmarks"].entries().items():
        metric, metrics = entry["metric"].text or "", entry["figures"]
        if name == "robovqa":
            form = metric.rpartition("_")[0]
            for column, ending in (("robovqa4", "bleu4"), ("robovqa1", "bleu1")):
                key = f"{form}_{ending}" if form else ending
                cells[column] = Estimate.read(entry if metric == key else metrics[key])
        elif name == "mme" and metric != "perception":
            cells[name] = Estimate.read(metrics["perception"])
        else:
            cells[name] = Estimate.read(entry)
    return {name: cell for name, cell in cells.items() if cell.value is not None}


def paper_rows(report: Node) -> list[PaperTable]:
    """Table 1, and table 2 per split."""
    # The tables that the report was written beside; an old one has none.
    printed = Node(report["paper"].raw or paper_tables())
    preset = report["model"]["preset"].text
    us = f"this run ({preset}), embedded world" if preset else "this run, embedded world"
    first, second = printed["table1"], printed["table2"]
    columns = [row.raw for row in first["columns"].rows()]
    # A report may bring its own copy of the tables, and what it brings may be broken.
    pairs = [(str(c[0]), str(c[1])) for c in columns if isinstance(c, list | tuple) and len(c) == 2]
    mine = our_cells(report)
    ours = [_with_interval(mine[key]) if key in mine else None for key, _ in pairs]
    rows = [PaperRow(us, ours, ours=True)]
    for name, row in first["rows"].entries().items():
        values = [row[key].number for key, _ in pairs]
        rows.append(PaperRow(name, [None if v is None else f"{v:.1f}" for v in values]))
    caption = "Table 1: understanding and reasoning (per cent; MME in points)"
    tables = [PaperTable(caption, [title for _, title in pairs], rows, _texts(first["notes"]))]
    policy = report["rollouts"][model_policy(report) or ""]
    for split in SPLITS:
        names = [str(name.raw) for name in second["columns"][split].rows()]
        rows = [PaperRow(us, _rates(policy["categories"], names, policy[split]), ours=True)]
        for name, row in second["rows"].entries().items():
            rows.append(PaperRow(name, _rates(row["categories"], names, row[split])))
        # They are about both halves, and stand below the second.
        notes = _texts(second["notes"]) if split == SPLITS[-1] else []
        caption = f"Table 2, {split} categories: manipulation success rate"
        tables.append(PaperTable(caption, [*names, "average"], rows, notes, "upright"))
    return tables


def _with_interval(cell: Estimate) -> Markup:
    value = scaled_text(cell.value or 0.0, cell.scale)
    interval = Markup("<small>{}</small>").format(interval_text(cell)) if cell.ci95 else ""
    return Markup("{}{}").format(value, interval)


def _rates(categories: Node, names: Sequence[str], average: Node) -> list[str | None]:
    """Rates are objects in our rows and bare numbers in the paper's."""
    nodes = [*(categories[name] for name in names), average]
    values = [Estimate.read(node).value if node.number is None else node.number for node in nodes]
    return [None if value is None else share(value, 2) for value in values]


def _texts(node: Node) -> list[str]:
    return [str(row.raw) for row in node.rows()]


class ProbeRow(NamedTuple):
    """A linear probe of the frozen encoder.

    Attributes:
      name: what is asked.
      metric: of what kind the figures are.
      halves: on seen and on unseen categories the figure, and the same without looking.
    """

    name: str
    metric: str
    halves: Sequence[tuple[Estimate, Estimate]]


_PROBE_METRICS = {
    "auc": "area under the curve",
    "median_degrees": "degrees off, median: less is better",
    "within_30_degrees": "within 30 degrees",
}


def probes(report: Node) -> list[ProbeRow]:
    """Every probe in the report's order; none in older ones."""
    rows = []
    for key, node in report["probes"].entries().items():
        metric = node["metric"].text or ""
        scale = "plain" if metric.endswith("_degrees") and "median" in metric else "share"
        halves = [
            (Estimate.read(node[split], scale), Estimate(node[split]["chance"].number, scale=scale))
            for split in SPLITS
        ]
        words = _PROBE_METRICS.get(metric, metric)
        rows.append(ProbeRow(node["probe"].text or key, words, halves))
    return rows


class StageCurve(NamedTuple):
    """A run's loss; None = no curve was kept."""

    title: str
    facts: str
    note: str | None
    curve: Curve | None


def curve_points(node: Node) -> list[tuple[float, float]]:
    """The finite points of a curve [[step, loss], ...], by step."""
    found = []
    for point in node.rows():
        pair = [node.number for node in point.rows()]
        step, loss = pair if len(pair) == 2 else (None, None)
        if step is not None and loss is not None and abs(loss) < _HIGHEST:
            found.append((step, loss))
    return sorted(found, key=lambda point: point[0])


def curves(report: Node) -> list[StageCurve]:
    """What was trained before stage 1, where it was, and the stages."""
    before = report["pretraining"].entries()
    runs = [(title, before[key]) for key, title in _BEFORE.items() if key in before]
    # Not every mode has assemblies, and no older report.
    stages = report["stages"].entries()
    runs += [(f"Stage {name}", stages[key]) for key, (name, _) in STAGES.items() if key in stages]
    found = []
    for title, run in runs:
        steps, seconds, points = (
            run["steps"].number,
            run["seconds"].number,
            curve_points(run["curve"]),
        )
        facts = [plain(steps, "steps") if steps else "", duration(seconds) if seconds else ""]
        drawn = charts.curve(points) if points else None
        found.append(StageCurve(title, ", ".join(filter(None, facts)), run["note"].text, drawn))
    return found


class Ablation(NamedTuple):
    """A row: what was left out, what it is compared with, and (estimate, verdict) per column."""

    name: str
    what: str
    cells: Sequence[tuple[Estimate, str]]
    compared_with: str | None
    significant_drop: bool | None


class Ablations(NamedTuple):
    """The ablations' table."""

    columns: Sequence[str]
    rows: Sequence[Ablation]


def ablations(report: Node) -> Ablations | None:
    """None where the mode has none."""
    rows, known = report["ablations"].rows(), report["benchmarks"]
    if not rows:
        return None
    # In the order in which they first appear: rows need not have all.
    columns = list(dict.fromkeys(key for row in rows for key in row["figures"].entries()))
    titles = [
        f"{name} categories" if name in SPLITS else known[name]["title"].text or name
        for name in columns
    ]
    by_name = {str(row["name"].raw): row["figures"] for row in rows}
    found = []
    for row in rows:
        # The keys' older names: "beside", "hurts".
        whole = row.first("compared_with", "beside").text
        drop = row.first("significant_drop", "hurts").flag
        against = by_name.get(whole or "")
        cells = [_ablated(row["figures"], against, name, known[name]) for name in columns]
        words = [row["what"].text, f"compared with \u201c{whole}\u201d" if whole else None]
        what = "; ".join(filter(None, words))
        # A row that is not in the table cannot be compared with.
        known_whole = whole if against is not None else None
        found.append(Ablation(str(row["name"].raw), what, cells, known_whole, drop))
    return Ablations(titles, found)


def _ablated(
    figures: Node, against: Node | None, column: str, benchmark: Node
) -> tuple[Estimate, str]:
    """A number beside the whole's; where they are not apart there is nothing to say."""
    scale = "share" if column in SPLITS else Estimate.read(benchmark).scale
    mine = Estimate.read(figures[column], scale)
    whole = Estimate() if against is None else Estimate.read(against[column])
    verdict = compare(mine, whole, lower_is_better=lower_is_better(benchmark))
    return mine, "" if verdict in (OVERLAP, UNKNOWN) else verdict


def time_chart(report: Node) -> tuple[list[Key], Chart] | None:
    """Each phase beside its budget; None where no time is known."""
    spent, budget = report["seconds"].entries(), report["budget"].entries()
    names = dict.fromkeys((*_PHASES, *spent))
    # Far longer than all the rest, and not on the way to this model: in words, not in the chart.
    names.pop("ablations", None)
    # At least a minute, so that the axis has a length.
    rows, ends = [], [1.0]
    for name in names:
        took, allowed = (of.get(name, Node()).number for of in (spent, budget))
        if took is None and allowed is None:
            continue
        marks = [] if took is None else [Mark(0, took / 60, form="bar")]
        marks += [] if allowed is None else [Mark(1, allowed / 60, form="tick")]
        ends += [mark.value for mark in marks]
        rows.append(Row(_PHASES.get(name, name), marks, _spent(took, allowed)))
    if not rows:
        return None
    keys = [Key(0, "took", "bar")]
    keys += [Key(1, "budget", "tick")] if report["budget"].numbers() else []
    return keys, Chart("Minutes by phase", rows, charts.axis_to(max(ends)), "minutes")


def _spent(took: float | None, allowed: float | None) -> Markup:
    text = MISSING if took is None else Markup("<b>{}</b>").format(duration(took))
    if allowed is not None:
        text += Markup("<small> of {}</small>").format(duration(allowed))
    if took is not None and allowed is not None and took > allowed:
        text += Markup('<small class="bad"> over budget</small>')
    return Markup("<span>{}</span>").format(text)
