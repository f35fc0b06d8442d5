# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""report.json: all that the conventions promise, counted from the files, and true."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.convert.folder import open_folder
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.report.collect import SCHEMA, make_report
from robomamba_jax.demo.report.page import write_report_page
from robomamba_jax.demo.results import AblationRow, Score
from robomamba_jax.demo.run import PhaseLog
from tests.demo.html_reader import Page, structure_faults
from tests.demo.small_demo import ASKED, PLAN, write_demo


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[DemoPaths, PhaseLog]:
    """A demo whose phases are done."""
    return write_demo(tmp_path_factory.mktemp("report") / "demo")


@pytest.fixture
def demo(original: tuple[DemoPaths, PhaseLog], tmp_path: Path) -> tuple[DemoPaths, PhaseLog]:
    """A copy that a test may change."""
    paths, _ = original
    shutil.copytree(paths.root, tmp_path / "demo")
    return DemoPaths(tmp_path / "demo"), PhaseLog(tmp_path / "demo")


def report_of(paths: DemoPaths, log: PhaseLog) -> dict[str, Any]:
    """The report, as a reader of the file has it."""
    return json.loads(json.dumps(make_report(PLAN, paths, log.done, log.spent)))


@pytest.mark.slow
def test_the_keys_of_the_conventions(demo: tuple[DemoPaths, PhaseLog]) -> None:
    """Each where every reader looks for it; the report is JSON without a NaN."""
    paths, log = demo
    report = report_of(paths, log)
    json.dumps(report, allow_nan=False)
    assert report["schema"] == SCHEMA == "robomamba.demo/1"
    wanted = "git versions machine seconds cpu_seconds peak_rss start stages benchmarks rollouts"
    assert {*wanted.split(), "ablations"} <= set(report)
    assert report["seconds"] == log.seconds
    assert report["peak_rss"] == 3 * 2**30
    assert list(report["stages"]) == ["align", "instruct", "manipulate", "assemblies"]
    for stage in report["stages"].values():
        assert {"loss_first", "loss_last", "trained_params", "share", "bytes"} <= set(stage)
    assert list(report["benchmarks"]) == list(ASKED)
    for entry in report["benchmarks"].values():
        assert {"metric", "value", "ci95", "n", "baseline"} <= set(entry)
    assert set(report["rollouts"]) == {"nano", "oracle", "random"}
    for policy in report["rollouts"].values():
        assert {"seen", "unseen"} <= set(policy)
    assert report["ablations"] == []
    assert {"commit", "dirty"} == set(report["git"])
    assert {"robomamba_jax", "python", "jax", "numpy"} <= set(report["versions"])
    assert report["machine"]["cores"] >= 1
    assert report["machine"]["devices"]


def test_the_model_in_numbers(demo: tuple[DemoPaths, PhaseLog]) -> None:
    """Counted from its own files; a stage's share is of that."""
    paths, log = demo
    model = report_of(paths, log)["model"]
    source = open_folder(paths.model).source()
    counts: dict[str, int] = {}
    for name in source.names():
        part = name.split(".")[0]
        counts[part] = counts.get(part, 0) + source.read(name).size
    source.close()
    assert model["parameters"] == counts
    assert (model["d_model"], model["n_layer"], model["vocab"]) == (48, 3, 300)
    assert (model["image_size"], model["image_tokens"]) == (15, 9)
    assert model["bytes"] == sum(
        path.stat().st_size for path in paths.model.rglob("*") if path.is_file()
    )
    assert model["sha256"] == "5f" * 32
    assert model["vision_from"] == "from pictures"
    assert model["checkpoint"] == str(paths.model)
    stages = report_of(paths, log)["stages"]
    assert stages["manipulate"]["share"] == pytest.approx(500 / sum(counts.values()))
    for name, stage in stages.items():
        assert stage["seconds"] == log.seconds[name]


def test_the_data_in_numbers(demo: tuple[DemoPaths, PhaseLog]) -> None:
    """Per set what was drawn and what came of it; objects counted once."""
    paths, log = demo
    data = report_of(paths, log)["data"]
    assert data["train"] == {
        "poses": 8,
        "images": 12,
        "clips": 3,
        "failed_trials": 5,
        "records": {
            "stage1_1.json": 12,
            "stage1_2_llava.json": 12,
            "stage1_2_detail.json": 12,
            "stage1_2_lrv.json": 12,
            "contact_points.json": 8,
            "manip.json": 8,
        },
    }
    assert "manip.json" not in data["unseen"]["records"]
    # Scenes 0, 2, ... are safes with the poses' numbers: the same objects, counted once. Three
    # doors are in clips.
    safes, boxes = {*range(8), *range(0, 12, 2)}, set(range(1, 12, 2))
    assert data["disjoint"]["train_instances"] == len(safes) + len(boxes) + 3
    assert data["disjoint"]["test_instances"] == 5 + 1 + 3 + 3 + 3
    assert data["disjoint"]["common"] == 0
    assert data["disjoint"]["held_out_wording"] is True


@pytest.mark.parametrize("name", ["test", "unseen"])
@pytest.mark.parametrize("file", ["poses.jsonl", "scenes.jsonl", "clips.jsonl"])
def test_a_shared_object_is_no_report(
    demo: tuple[DemoPaths, PhaseLog], name: str, file: str
) -> None:
    """One object of the training set in a test set, whichever file it stands in."""
    paths, log = demo
    report_of(paths, log)
    shared = json.loads((paths.train / "scenes.jsonl").read_text().splitlines()[3])["instance"]
    path = getattr(paths, name) / file
    rows: list[dict[str, Any]] = [json.loads(row) for row in path.read_text().splitlines()]
    row = {**rows[-1], "instance": shared} if rows else {"id": "x", "instance": shared}
    path.write_text("".join(json.dumps(one) + "\n" for one in [*rows[:-1], row]))
    with pytest.raises(AssertionError, match=f"share objects: \\['{shared}'\\]"):
        report_of(paths, log)


def test_the_page_needs_nothing_else(demo: tuple[DemoPaths, PhaseLog], tmp_path: Path) -> None:
    """Once report.json is there, the folder may go."""
    paths, log = demo
    report = report_of(paths, log)
    shutil.rmtree(paths.root)
    write_report_page(report, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert structure_faults(Page(text)) == []
    assert text.count("data:image/gif") == len(report["images"]["clips"]) == 4
    assert len(report["images"]["poses"]) == 4
    assert len(report["images"]["questions"]) == 18


def test_ablations_are_taken_over(demo: tuple[DemoPaths, PhaseLog]) -> None:
    """Where the mode has them."""
    paths, log = demo
    rows = (
        AblationRow("whole", "all", {"seen": Score(0.5, (0.4, 0.6))}),
        AblationRow("half", "less", {"seen": Score(0.1, (0.0, 0.2))}, "whole", True),
    )
    log.finish("ablations", rows)
    assert report_of(paths, PhaseLog(paths.root))["ablations"] == [
        {
            "name": row.name,
            "what": row.what,
            "figures": {"seen": {"value": value, "ci95": list(interval)}},
            "compared_with": row.compared_with,
            "significant_drop": row.significant_drop,
        }
        for row, value, interval in zip(rows, (0.5, 0.1), ((0.4, 0.6), (0.0, 0.2)), strict=True)
    ]
