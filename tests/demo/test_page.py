# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The report's page: nothing from outside, nothing unescaped, nothing blank, the right numbers."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.demo.report.lenient_json import Node
from robomamba_jax.demo.report.numbers import interval_text, scaled_text
from robomamba_jax.demo.report.page import report_page, write_report_page
from robomamba_jax.demo.report.summary import verdict_sentences
from robomamba_jax.demo.report.view import our_cells
from tests.demo.html_reader import Page, structure_faults
from tests.demo.report_sample import sample_report

MODES = ("standard", "smoke", "full")
HOSTILE = "\" onx=\"1\"><xss onx='1'>'&amp;{{title}}</script></style><!--]]>\x00\ud800\u202e"
GONE = object()  # for a key that is taken away
# Sections of the page, in their order.
ORDER = (
    *("summary", "does", "clips", "benchmarks", "rollouts", "paper", "training", "ablations"),
    *("data", "time", "reproduce", "limits"),
)


@pytest.fixture(scope="module")
def standard() -> dict[str, Any]:
    """A whole report."""
    return sample_report()


def small(report: dict[str, Any]) -> dict[str, Any]:
    """The same keys with fewer of each, so that each can be tried."""
    report = copy.deepcopy(report)
    rollouts = {name: report["rollouts"][name] for name in ("nano", "oracle", "prior-category")}
    for policy in rollouts.values():
        kept = ("Safe", "Toilet")
        policy["categories"] = {name: policy["categories"][name] for name in kept}
    names = ("pope", "robovqa", "mme", "mmvet", "manipulation")
    report["rollouts"] = rollouts
    report["benchmarks"] = {name: report["benchmarks"][name] for name in names}
    for run in (*report["pretraining"].values(), *report["stages"].values()):
        run["curve"] = run["curve"][:3]
    for name, entries in report["images"].items():
        report["images"][name] = entries[:1]
    return report


def paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a report: keys and indices."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in inside:
        yield (*above, key)
        if isinstance(part, dict | list):
            yield from paths(part, (*above, key))


def put(report: Any, path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A copy with something else at a path."""
    changed = copy.copy(report)
    changed[path[0]] = value if len(path) == 1 else put(report[path[0]], path[1:], value)
    return changed


def without(report: Any, path: tuple[Any, ...]) -> Any:
    """A copy that lacks what stands at a path."""
    changed = copy.copy(report)
    if len(path) == 1:
        del changed[path[0]]
    else:
        changed[path[0]] = without(report[path[0]], path[1:])
    return changed


@pytest.mark.parametrize("mode", MODES)
def test_the_page_is_sound_and_asks_for_nothing(mode: str) -> None:
    """Well-formed, in order, and without a single address but its own places and pictures."""
    text = report_page(sample_report(mode))
    page = Page(text)
    assert structure_faults(page) == []
    assert [section["id"] for section in page.named("section")] == list(ORDER)
    for address in page.addresses():
        assert re.match(r"#\w+$|data:(image/(png|jpeg|gif|webp);base64)?,", address), address[:80]
    assert not re.search(r"https?:|//\w+\.|@import|url\(", text)
    assert "undefined" not in page.text
    assert not re.search(r"\bNone\b|\bnan\b|\binf\b|Markup|object at 0x", page.text)
    assert len(page.named("script")) == 1


def test_a_browser_is_told_to_fetch_nothing(standard: dict[str, Any]) -> None:
    """The policy allows data images, our style and exactly the script that is there."""
    text = report_page(standard)
    (policy,) = [m["content"] for m in Page(text).named("meta") if "http-equiv" in m]
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert re.findall(r"script-src ([^;]*);", policy) == [f"'sha256-{digest}'"]


def test_size(standard: dict[str, Any]) -> None:
    """Little more than its pictures."""
    pictures = json.dumps(standard["images"])
    assert len(report_page(standard)) < 200_000 + len(pictures)


def test_hostile_texts_stay_texts() -> None:
    """Markup in any text, name or key of the report makes no element and no attribute."""
    report = sample_report("full")
    names = {name for page in (report,) for name, _ in Page(report_page(page)).elements}

    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: spoil(part) for key, part in value.items()}
        if isinstance(value, list):
            return [spoil(part) for part in value]
        return HOSTILE if isinstance(value, str) and not value.startswith("data:") else value

    def spoil_names(value: Any, depth: int = 0) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            (HOSTILE + key if depth else key): spoil_names(part, depth + 1)
            for key, part in value.items()
        }

    spoiled = {**spoil(report), "limits": [HOSTILE], "commands": [{"what": HOSTILE}, HOSTILE]}
    for bad in (spoiled, spoil_names(report), {**report, "benchmarks": spoil_names({"x": report})}):
        text = report_page(bad)
        page = Page(text)
        assert structure_faults(page) == []
        assert {name for name, _ in page.elements} <= names
        assert not [a for _, attributes in page.elements for a in attributes if a.startswith("on")]
        assert "\x00" not in text
        assert len(page.named("script")) == 1
    shown = Page(report_page(spoiled)).text
    assert shown.count("\" onx=\"1\"><xss onx='1'>'&amp;{{title}}</script></style>") > 50
    assert "&amp;RoboMamba" not in shown


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "https://example.org/a.png",
        "data:text/html;base64,PHA+",
        "data:image/svg+xml;base64,PHN2Zz4=",
        'data:image/png;base64,AAAA" onerror="x',
        "data:image/png;base64,AAAA\n",
        "",
        None,
        7,
        ["data:image/png;base64,AAAA"],
    ],
)
def test_only_pictures_are_shown(standard: dict[str, Any], uri: Any) -> None:
    """Any other address is named as missing."""
    entries = {"poses": [{"image": uri}], "questions": [{"image": uri}]}
    clips = [{"image": uri, "still": uri}]
    page = Page(report_page({**standard, "images": {**entries, "clips": clips}}))
    assert page.named("img", "source") == []
    assert page.text.count("no image") == 3


@pytest.mark.slow
def test_whatever_is_absent_or_strange() -> None:
    """With any key gone, or nothing or nonsense in its place, there is a sound page.

    All such changes are made, many at once; a page takes tens of milliseconds.
    """
    report = small(sample_report("full"))
    kinds = (GONE, None, "x", float("nan"), 1e300, True, [], {}, [[{}]])
    changes = [(path, kind) for path in paths(report) for kind in kinds]
    assert len(changes) > 3000
    random.Random(0).shuffle(changes)
    for start in range(0, len(changes), 24):
        batch = changes[start : start + 24]
        changed = report
        # The deepest and the last first, so that none changes what another has taken away.
        for path, kind in sorted(dict(batch).items(), key=_depth, reverse=True):
            changed = without(changed, path) if kind is GONE else put(changed, path, kind)
        faults = structure_faults(Page(report_page(changed)))
        assert not faults, (batch, faults)


def _depth(change: tuple[tuple[Any, ...], Any]) -> tuple[int, list[int]]:
    path = change[0]
    return len(path), [key if isinstance(key, int) else 0 for key in path]


def test_an_empty_report_says_what_is_missing() -> None:
    """Nothing blank, nothing made up."""
    page = Page(report_page({}))
    assert structure_faults(page) == []
    assert page.text.count("not measured") > 30
    assert "No poses were executed in this run" in page.text
    blank = [row for table in page.tables for row in table if not all(row[:-1])]
    assert not blank


def test_no_cell_of_a_table_is_blank(standard: dict[str, Any]) -> None:
    """Only the drawings' column and the axis' line have no text."""
    lean = without(standard, ("benchmarks", "pope", "ci95"))
    lean = without(lean, ("rollouts", "prior", "unseen"))
    for table in Page(report_page(lean)).tables:
        drawn = table[0] == ["name", "chart", "value"]
        for row in table[: -1 if drawn else None]:
            assert all(cell for place, cell in enumerate(row) if not (drawn and place == 1)), row


def test_numbers_stand_where_they_belong(standard: dict[str, Any]) -> None:
    """Figures, intervals, verdicts, counts and sizes, as a reader would look for them."""
    page = Page(report_page(standard))
    rows = {(len(table[0]), row[0]): row for table in page.tables for row in table}
    assert rows[6, "VQAv2 accuracy"] == (
        ["VQAv2 accuracy", "620", "71.3 67.6–74.7", "majority", "40.2 36.4–44.1", "better"]
    )
    assert rows[6, "OCR-VQA accuracy"][-1] == "not significant"
    assert rows[6, "MM-Vet"][2] == "not measured (needs a judge)"
    assert rows[8, "oracle"][-1] == "worse (it knows more)"
    assert rows[8, "prior-category"][1:5] == ["category", "168", ".412 .365–.461", "400"]
    assert rows[8, "2, manipulation trains policy head"][1:4] == ["37,312", "0.60 %", "145.8 KiB"]
    assert rows[2, "whole"] == ["whole", "6,248,064"]
    assert rows[3, "records of stage1_1.json"] == ["records of stage1_1.json", "3,000", "300"]
    for words in (
        "8,104 in training, 655 in the test, none in both",
        "120 of 120 answers are the same, letter by letter",
        "took 18 min 46 s. The largest process held 1.4 GiB",
        "1 min 06 s of 1 min over budget",
        "finished 25 November 2026, 22:00 UTC",
        "Not measured: the full mode trains the ablations.",
        "Not comparable.",
    ):
        assert words in page.text, words


def test_the_verdict_is_made_of_the_numbers(standard: dict[str, Any]) -> None:
    """It says what it sees when the model is good, and when it is not."""
    first, second, variant, third = verdict_sentences(standard)
    assert "not the paper\u2019s protocol" in variant
    assert first == (
        "After 19 minutes on 2 cores, a RoboMamba of 6.2 million parameters reaches a manipulation "
        "success rate of .58 on seen categories and .56 on unseen categories."
    )
    assert second.endswith("reaches .41 (seen) and .15 (unseen); the difference is significant.")
    assert third.endswith("in 7 of 10 benchmarks.")
    poor = put(standard, ("rollouts", "nano", "seen"), {"rate": 0.4, "ci95": [0.35, 0.45]})
    assert verdict_sentences(poor)[1].endswith("is significant on unseen categories only.")
    poor = put(poor, ("rollouts", "nano", "unseen"), {"rate": 0.1, "ci95": [0.05, 0.2]})
    assert "the model is not significantly above it" in verdict_sentences(poor)[1]
    blind = put(standard, ("rollouts", "nano", "seen"), {"rate": 0.4})
    assert "success rate of .40 on seen" in verdict_sentences(blind)[0]
    assert "smoke run" in Page(report_page(sample_report("smoke"))).text


def test_a_paired_test_is_told(standard: dict[str, Any]) -> None:
    """Beside the verdict that it makes, and beside one that it does not."""
    page = Page(report_page(standard))
    cells = [cell for table in page.tables for row in table for cell in row]
    assert "better McNemar p < .001: 71 better, 45 worse of 600" in cells
    assert "not significant paired bootstrap p = .231: 50 better, 41 worse of 300" in cells
    rows = {(len(table[0]), row[0]): row for table in page.tables for row in table}
    assert rows[6, "VizWiz"][1:] == [
        *("unanswerable balanced", "77.9 72.3\u201382.7", "blind", "50.8 44.5\u201357.1"),
        "intervals apart; paired bootstrap p < .001: 81 better, 16 worse of 240",
    ]
    assert rows[6, "POPE"][1] == "yes share"


def test_what_it_began_with(standard: dict[str, Any]) -> None:
    """Shipped parts and how much they have read, or nothing; older reports do not say."""
    text = Page(report_page(standard)).text
    assert "The run begins with nano-start: an encoder and a language model" in text
    assert "(122.9 million tokens)." in text
    scratch = put(standard, ("start",), {"name": "scratch", "sha256": "", "tokens": 0})
    assert "The run begins from scratch: encoder and" in Page(report_page(scratch)).text
    ready = put(scratch, ("pretraining", "vision", "steps"), 0)
    assert "The run begins with a ready encoder and a" in Page(report_page(ready)).text
    assert "The run begins" not in Page(report_page(without(standard, ("start",)))).text


def test_what_the_encoder_tells(standard: dict[str, Any]) -> None:
    """Each probe on both halves beside what is known without looking; angles are no shares."""
    rows = {row[0]: row for table in Page(report_page(standard)).tables for row in table}
    assert rows["movable part"] == [
        *("movable part", "area under the curve", ".986 .983\u2013.988", ".895", "300"),
        *(".962 .958\u2013.966", ".875", "300"),
    ]
    assert rows["direction of motion"][1:] == [
        *("degrees off, median: less is better", "35.6 32.5\u201338.7", "50.1", "300"),
        *["not measured"] * 3,
    ]
    older = without(standard, ("probes",))
    assert "frozen encoder tells" not in Page(report_page(older)).text


def test_the_second_model_is_set_apart(standard: dict[str, Any]) -> None:
    """It is marked in the table and in one sentence; all others are about the model."""
    page = Page(report_page(standard))
    rows = {row[0]: row for table in page.tables for row in table if len(row) == 8}
    marked = "nano+assemblies not the paper\u2019s protocol: its stage 2 saw random assemblies too"
    assert "(it knows more)" not in rows[marked][-1]
    said = verdict_sentences(standard)
    mean = standard["rollouts"]["nano"]["seen"]["rate"]
    assert f"success rate of {scaled_text(mean, 'share')[:3]} on seen categories" in said[0]
    (variant,) = [sentence for sentence in said if "assemblies" in sentence]
    rate = standard["rollouts"]["nano+assemblies"]["unseen"]["rate"]
    assert f"reaches {scaled_text(round(rate, 2), 'share')[:3]}" in variant
    assert "significantly above every non-visual baseline" in variant
    alone = without(standard, ("rollouts", "nano+assemblies"))
    assert not any("assemblies" in sentence for sentence in verdict_sentences(alone))


def test_faults_are_called_faults(standard: dict[str, Any]) -> None:
    """Answers that stage 2 changed, and objects on both sides."""
    bad = put(standard, ("frozen_check", "identical"), 119)
    bad = put(bad, ("data", "disjoint", "common"), 3)
    text = Page(report_page(bad)).text
    assert "119 of 120 answers are the same" in text
    assert "They all should be: this is a fault." in text
    assert "Training and test share 3 objects, and should share none: a fault." in text


def test_our_row_of_the_papers_table(standard: dict[str, Any]) -> None:
    """RoboVQA fills two columns, MME keeps its points, what is not measured is not there."""

    def cells(report: dict[str, Any]) -> dict[str, tuple[str, str]]:
        found = our_cells(Node(report))
        return {
            name: (scaled_text(cell.value or 0.0, cell.scale), interval_text(cell))
            for name, cell in found.items()
        }

    ours = cells(standard)
    assert ours["robovqa4"][0] == "53.5"
    assert ours["robovqa1"][0] == "66.0"
    assert ours["mme"] == ("803.4", "742.0–861.5")
    assert "mmvet" not in ours
    shares = put(standard, ("benchmarks", "mme"), {"metric": "accuracy", "value": 0.7})
    assert "mme" not in cells(shares)
    points = {"value": 640.0, "ci95": [600.0, 680.0], "percent": False}
    shares["benchmarks"]["mme"]["figures"] = {"perception": points}
    assert cells(shares)["mme"] == ("640.0", "600.0–680.0")


def test_a_baseline_is_explained_once(standard: dict[str, Any]) -> None:
    """Below the table if most of its kind are the same, else beside each figure."""
    text = Page(report_page(standard)).text
    assert text.count("always the commonest training answer") == 1
    assert text.count("majority always yes") == 1
    changed = standard
    for name, answer in (("vqav2", "two"), ("gqa", "red"), ("pope", "no"), ("mmbench", "A")):
        changed = put(changed, ("benchmarks", name, "baselines", "majority", "what"), answer)
    text = Page(report_page(changed)).text
    assert text.count("always the commonest training answer") == 4
    assert "majority two" in text


def test_ablations_are_marked() -> None:
    """Only where intervals lie apart, and beside a whole one that was trained as long."""
    tables = Page(report_page(sample_report("full"))).tables
    (table,) = [table for table in tables if table[0][-1] == "significant drop"]
    cells = {row[0].partition(";")[0]: row[1:] for row in table}
    unaligned = "without stage 1 language model and projector untrained"
    assert all(cell.endswith("worse") for cell in cells[unaligned][:-1])
    assert cells[unaligned][-1] == "yes"
    one = cells["one MLP one head for contact and rotation"]
    assert one[-1] == "no"
    assert not any("worse" in cell for cell in one)
    for whole in ("whole nothing left out", "whole, shorter as long as the next"):
        assert cells[whole][-1] not in ("yes", "no")
        assert not any("worse" in cell or "better" in cell for cell in cells[whole])
    assert any(row[0].endswith("; compared with \u201cwhole, shorter\u201d") for row in table)


def test_written_without_jax(tmp_path: Path, standard: dict[str, Any]) -> None:
    """From the JSON alone, in a fresh process, the same page."""
    source, out = tmp_path / "report.json", tmp_path / "deep" / "report.html"
    source.write_text(json.dumps(standard), encoding="utf-8")
    code = (
        "import json, pathlib, sys\n"
        "from robomamba_jax.demo.report.page import write_report_page\n"
        "report = json.loads(pathlib.Path(sys.argv[1]).read_text())\n"
        "write_report_page(report, pathlib.Path(sys.argv[2]))\n"
        "print(*(m for m in ('jax', 'flax', 'sapien', 'torch') if m in sys.modules))\n"
    )
    command = [sys.executable, "-c", code, str(source), str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
    assert out.read_text(encoding="utf-8") == report_page(standard)
    write_report_page({"machine": {"processor": "\ud800"}}, out)
    assert "\ud800" not in out.read_text(encoding="utf-8")


OLD_NAMES = {
    "images": "pictures",
    "prediction": "answer",
    "reference": "wanted",
    "compared_with": "beside",
    "significant_drop": "hurts",
}


def test_a_report_of_an_older_version() -> None:
    """With the keys' names of before it is the same page."""

    def older(value: Any, inside: str = "") -> Any:
        if isinstance(value, list):
            return [older(part, inside) for part in value]
        if not isinstance(value, dict):
            return value
        renamed = inside in {"", "questions", "ablations"}
        return {
            (OLD_NAMES.get(key, key) if renamed else key): older(part, key)
            for key, part in value.items()
        }

    report = sample_report("full")
    old = older(report)
    assert "pictures" in old
    assert {"answer", "wanted"} <= set(old["pictures"]["questions"][0])
    assert {"beside", "hurts"} <= set(old["ablations"][0])
    assert report_page(old) == report_page(report)
