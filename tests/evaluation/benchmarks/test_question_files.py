# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Every benchmark's files: written small, read, answered right and wrong, and damaged."""

import base64
import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from robomamba_jax.config.evaluation import BENCHMARKS, EvalConfig, FilesConfig
from robomamba_jax.data.sources.sample import VideoFrame
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.registry import benchmark
from robomamba_jax.evaluation.runner import run
from robomamba_jax.evaluation.synthetic.benchmark_files import write_toy
from tests.evaluation.runs import right

TEXTS = [name for name in BENCHMARKS if name != "manipulation"]
SCORED = [name for name in TEXTS if name != "mmvet"]


def toy(name: str, folder: Path, **changes: Any) -> EvalConfig:
    """A drawn benchmark of eight pictures, and where it lies."""
    return write_toy(EvalConfig(name, FilesConfig(""), toy=8, **changes), folder)


@pytest.mark.parametrize("name", SCORED)
@pytest.mark.parametrize("scoring", ["standard", "official"])
def test_right_answers_get_everything_and_wrong_ones_nothing(
    name: str, scoring: str, tmp_path: Path
) -> None:
    """The headline and its groups; BLEU-4 and VizWiz' official score are another story."""
    chosen = benchmark(name)
    if scoring not in chosen.prompt_specs:
        return
    loaded = chosen.load(toy(name, tmp_path))
    good = chosen.score(loaded.questions, [right(item) for item in loaded.questions], scoring)
    bad = chosen.score(loaded.questions, ["zzz"] * len(loaded.questions), scoring)
    head = good.headline
    if name == "robovqa":
        head = f"{head.removesuffix('4')}1"  # answers of one word have no longer n-grams
    best = {"mme": 400.0}.get(name, 1.0)
    if name not in ("vizwiz", "vqav2", "okvqa"):
        assert good.metrics[head].value == pytest.approx(best)
    if name != "pope":  # where whatever is not "no" means yes
        assert bad.metrics[head].value == 0
    assert sum(good.item_scores) > sum(bad.item_scores) or scoring == "official"
    assert len(good.item_scores) == len(loaded.questions)


def test_people_who_differ_cost_a_little(tmp_path: Path) -> None:
    """Two of ten say something else to every fourth question of VizWiz' toy."""
    chosen = benchmark("vizwiz")
    loaded = chosen.load(toy("vizwiz", tmp_path))
    scores = chosen.score(
        loaded.questions, [item.references[0] for item in loaded.questions], "standard"
    )
    assert scores.metrics["accuracy"].value == 1  # eight of ten are enough
    official = chosen.score(
        loaded.questions, [item.references[0] for item in loaded.questions], "official"
    )
    # Unanimous answers drop out together there; only those of people who differ remain.
    assert 0 < official.metrics["accuracy"].value < 0.3


def test_poses_as_labelled_have_no_error(tmp_path: Path) -> None:
    """And half a pixel is half a pixel."""
    chosen = benchmark("manipulation")
    loaded = chosen.load(toy("manipulation", tmp_path))
    poses = [right(item) for item in loaded.questions]
    figures = chosen.score(loaded.questions, poses, "standard").metrics
    assert figures["contact_pixels"].value == pytest.approx(0, abs=1e-9)
    assert figures["rotation_degrees"].value == pytest.approx(0, abs=1e-3)
    moved = [[pose[0] + 3, pose[1] + 4, *pose[2:]] for pose in poses]
    figures = chosen.score(loaded.questions, moved, "standard").metrics
    assert figures["contact_pixels"].value == pytest.approx(5)
    # Turned half a turn about the approach.
    turned = [[*pose[:5], *(-part for part in pose[5:])] for pose in poses]
    figures = chosen.score(loaded.questions, turned, "standard").metrics
    assert figures["rotation_degrees"].value == pytest.approx(180, abs=1e-3)
    assert figures["approach_degrees"].value == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_submission_is_read_as_predictions(name: str, tmp_path: Path) -> None:
    """What is written for a benchmark's server scores as it did."""
    chosen = benchmark(name)
    config = toy(name, tmp_path / "data")
    loaded = chosen.load(config)
    said = [
        [*right(item)] if chosen.poses else f"{item.references[0]}" for item in loaded.questions
    ]
    (files := tmp_path / "out").mkdir()
    written = chosen.submit(files, loaded.questions, said)
    path = files if len(written) > 1 else written[0]
    answered = run.from_predictions(config, path, loaded)
    same = [text.lower() for text in said] if name == "gqa" else said
    assert answered.answers == same
    result = run.finish(config, chosen, loaded, answered, tmp_path / "result")
    assert (tmp_path / "result" / "results.json").is_file()
    assert result["answered"] == len(loaded.questions)
    assert (result["headline"] is None) == (name == "mmvet")
    assert (tmp_path / "result" / "wrong.html").is_file() == (name != "mmvet")


def test_submissions_are_in_the_benchmarks_own_form(tmp_path: Path) -> None:
    """Names and types of the fields that servers read."""
    said = {}
    for name in BENCHMARKS:
        chosen = benchmark(name)
        items = chosen.load(toy(name, tmp_path / name)).questions
        answers = [right(item) if chosen.poses else "Yes." for item in items]
        said[name] = chosen.submit(tmp_path / f"{name}-out", items, answers)

    def first(name: str) -> Any:
        return json.loads(said[name][0].read_text())[0]

    for name in ("vqav2", "okvqa"):
        assert set(first(name)) == {"question_id", "answer"}
        assert isinstance(first(name)["question_id"], int)
    assert set(first("vizwiz")) == {"image", "answer"}
    assert set(first("gqa")) == {"questionId", "prediction"}
    assert first("gqa")["prediction"] == "yes"
    assert set(first("manipulation")) == {"image_id", "detection"}
    assert len(first("manipulation")["detection"]) == 8
    assert [path.name for path in said["pope"]] == [
        "answers_coco_pope_adversarial.json",
        "answers_coco_pope_popular.json",
        "answers_coco_pope_random.json",
    ]
    line = json.loads(said["pope"][0].read_text().splitlines()[0])
    assert {"question", "answer"} <= set(line)
    rows = [path.read_text().splitlines()[0].split("\t") for path in said["mme"]]
    assert all(len(row) == 4 and row[3] == "Yes." for row in rows)
    assert json.loads(said["mmvet"][0].read_text())["v1_0"] == "Yes."
    sheet: Any = load_workbook(said["mmbench"][0]).active
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0] == ("index", "question", "A", "B", "C", "D", "prediction")
    assert rows[1][0] == 0
    assert rows[1][-1] == "Yes."


def test_pope_is_read_as_a_list_and_as_lines(tmp_path: Path) -> None:
    """As published, and as the RoboMamba repository keeps it."""
    config = toy("pope", tmp_path)
    lines = benchmark("pope").load(config).questions
    for path in tmp_path.glob("*.json"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        path.write_text(json.dumps(rows))
    listed = benchmark("pope").load(config).questions
    assert [(item.id, item.text, item.references) for item in lines] == [
        (item.id, item.text, item.references) for item in listed
    ]


def test_mme_lies_in_folders_of_its_own(tmp_path: Path) -> None:
    """Some sub-tasks keep their pictures apart; the archive has two folders around all."""
    config = toy("mme", tmp_path / "MME_Benchmark_release_version" / "MME_Benchmark")
    before = benchmark("mme").load(config).questions
    folder = tmp_path / "MME_Benchmark_release_version" / "MME_Benchmark" / "color"
    for name, ending in (("images", "jpg"), ("questions_answers_YN", "txt")):
        (folder / name).mkdir()
        for path in folder.glob(f"*.{ending}"):
            path.rename(folder / name / path.name)
    config = EvalConfig("mme", FilesConfig(str(tmp_path)))
    after = benchmark("mme").load(config).questions
    assert [item.id for item in before] == [item.id for item in after]
    assert all(isinstance(item.load_images()[0], Path) for item in after)


def test_mmbench_pictures_are_pointed_at(tmp_path: Path) -> None:
    """Rotations hold their first row's number instead of a picture."""
    config = toy("mmbench", tmp_path)
    items = benchmark("mmbench").load(config).questions
    pictures = {item.metadata["index"] % 1_000_000: set() for item in items}
    for item in items:
        pictures[item.metadata["index"] % 1_000_000].add(item.load_images()[0])
    assert all(len(found) == 1 for found in pictures.values())
    assert len({next(iter(found)) for found in pictures.values()}) == 8


def test_a_question_without_all_rotations_does_not_count(tmp_path: Path) -> None:
    """One answer left out: neither right nor wrong."""
    chosen = benchmark("mmbench")
    items = chosen.load(toy("mmbench", tmp_path)).questions
    said = [item.references[0] for item in items]
    scores = chosen.score(items[:-1], said[:-1], "standard")
    assert scores.metrics["circular_accuracy"].n == 7
    assert scores.metrics["circular_accuracy"].value == 1
    assert scores.metrics["row_accuracy"].n == len(items) - 1


def test_mmbench_without_answers_is_a_test_split(tmp_path: Path) -> None:
    """A submission, and no figure."""
    config = toy("mmbench", tmp_path)
    path = tmp_path / "MMBench_DEV_EN.tsv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, [*rows[0]], delimiter="\t")
        table.writeheader()
        table.writerows([{**row, "answer": ""} for row in rows])
    chosen = benchmark("mmbench")
    loaded = chosen.load(config)
    assert not loaded.labelled
    answered = run.AnswerSet(["A"] * len(loaded.questions), None, "me", {})
    result = run.finish(config, chosen, loaded, answered, tmp_path / "out")
    assert result["headline"] is None
    assert "submission was written" in result["notes"][-1]


def test_a_vqa_test_split_has_no_annotations(tmp_path: Path) -> None:
    """--set files.answers= says so; the pictures are those of test2015."""
    config = toy("vqav2", tmp_path)
    config = dataclasses.replace(config, files=dataclasses.replace(config.files, answers=""))
    loaded = benchmark("vqav2").load(config)
    assert not loaded.labelled
    assert len(loaded.questions) == 8


def test_mmvet_is_scored_by_its_judge_alone(tmp_path: Path) -> None:
    """The judge's file, one run or several; per capability."""
    judge = tmp_path / "grades.json"
    grades = {f"v1_{k}": {"score": [0.5, 1.0]} if k else 0.0 for k in range(8)}
    judge.write_text(json.dumps(grades))
    config = toy("mmvet", tmp_path, judge=str(judge))
    chosen = benchmark("mmvet")
    loaded = chosen.load(config)
    scores = chosen.score(loaded.questions, [""] * 8, "standard")
    assert scores.metrics["judged"].value == pytest.approx(0.75 * 7 / 8)
    assert list(scores.groups["capability"]) == ["rec"]
    judge.write_text(json.dumps({**grades, "v1_3": {"score": [2]}}))
    with pytest.raises(InputError, match=r"v1_3.*has no scores from 0 to 1"):
        chosen.load(config)


def test_robovqa_comes_in_three_forms(tmp_path: Path) -> None:
    """The conversion's tags are lost in the repository's own file: wording tells the type."""
    config = toy("robovqa", tmp_path)
    path = tmp_path / "robovqa.json"
    tagged = benchmark("robovqa").load(config).questions
    rows = json.loads(path.read_text())
    for row in rows:
        row.pop("task")
    path.write_text(json.dumps(rows))
    bare = benchmark("robovqa").load(config).questions
    types = {"affordance discrimination", "past description"}
    assert {item.groups["type"] for item in tagged} == types
    assert {item.groups["type"] for item in bare} == types
    assert all("tag" not in item.groups for item in bare)
    clips = [
        {
            "uid": "0",
            "video": "0.mp4",
            "text": "<task:planning:freeform>goal: x Q: next step? <PRED>A: wipe table</PRED>",
        }
    ]
    path.write_text(json.dumps(clips))
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "0.mp4").write_bytes(b"")
    (item,) = benchmark("robovqa").load(config).questions
    assert item.references == ("wipe table",)
    assert item.groups == {"type": "task planning", "tag": "planning:freeform"}
    assert isinstance(item.load_images()[0], VideoFrame)


def _json(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return damage


def _lines(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        change(rows[1])
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    return damage


def _text(change: Callable[[str], str]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_text(change(path.read_text()))

    return damage


def _without(name: str, key: str) -> Callable[[Path], None]:
    def change(content: Any) -> Any:
        part = content[name][2] if name else list(content.values())[2]
        part.pop(key)
        return content

    return _json(change)


QUESTIONS = "v2_OpenEnded_mscoco_val2014_questions.json"
PEOPLE = "v2_mscoco_val2014_annotations.json"


@pytest.mark.parametrize(
    ("name", "file", "damage", "message"),
    [
        ("vqav2", QUESTIONS, _text(lambda text: text[:-30]), "is not JSON"),
        ("vqav2", QUESTIONS, _json(lambda content: content["questions"]), "is not a JSON object"),
        (
            "vqav2",
            QUESTIONS,
            _without("questions", "question"),
            "question 2 has no text 'question'",
        ),
        ("vqav2", PEOPLE, _without("annotations", "answers"), "annotation 2 has no answers"),
        (
            "vqav2",
            PEOPLE,
            _json(lambda c: {"annotations": c["annotations"][:3]}),
            "no annotation in",
        ),
        ("vqav2", PEOPLE, Path.unlink, "for a test split without answers"),
        ("vqav2", QUESTIONS, Path.unlink, "is not there"),
        ("gqa", "testdev_balanced_questions.json", _without("", "imageId"), "no text 'imageId'"),
        ("gqa", "testdev_balanced_questions.json", _without("", "answer"), "has no answer, as"),
        ("gqa", "testdev_balanced_questions.json", _json(lambda _: {}), "has no questions"),
        ("ocrvqa", "dataset.json", _without("", "answers"), "no list of texts 'answers'"),
        (
            "ocrvqa",
            "dataset.json",
            _text(lambda t: t.replace('"split": 3', '"split": 1')),
            "no book of",
        ),
        ("vizwiz", "val.json", _json(lambda rows: [*rows, 3]), "record 8 is not an object"),
        (
            "vizwiz",
            "val.json",
            _json(lambda rows: [{**rows[0], "answers": 1}]),
            "no list 'answers'",
        ),
        (
            "pope",
            "coco_pope_popular.json",
            _lines(lambda row: row.update(label="maybe")),
            "'maybe'",
        ),
        ("pope", "coco_pope_popular.json", _lines(lambda row: row.pop("text")), "no text 'text'"),
        ("pope", "coco_pope_popular.json", Path.unlink, "coco_pope_popular.json is not there"),
        ("pope", "coco_pope_random.json", _lines(lambda r: r.update(image="../x.jpg")), "leaves"),
        ("mme", "color/0002.txt", _text(lambda text: text + text), "has 4 questions, not 2"),
        ("mme", "color/0002.txt", _text(lambda text: text.replace("\t", " ")), "<TAB>"),
        ("mmbench", "MMBench_DEV_EN.tsv", _text(lambda t: t.replace("image", "x", 1)), "no column"),
        ("mmbench", "MMBench_DEV_EN.tsv", _text(lambda t: t.split("\n")[0]), "has no rows"),
        ("mmvet", "mm-vet.json", _without("", "capability"), "no list of texts 'capability'"),
        ("robovqa", "robovqa.json", _json(lambda r: [{**r[0], "conversations": []}]), "no conver"),
        ("robovqa", "robovqa.json", _text(lambda text: text[:-9]), "cut"),
        ("manipulation", "manip.json", _text(lambda t: t.replace("(", "", 1)), r"without \(point"),
        ("manipulation", "manip.json", _json(lambda rows: [rows[0], rows[0]]), "has two questions"),
    ],
)
def test_damaged_files_are_named_in_one_line(
    name: str, file: str, damage: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    """What is wrong, where, and nothing else."""
    config = toy(name, tmp_path)
    damage(tmp_path / file)
    with pytest.raises(InputError, match=message) as error:
        run.load(config, tmp_path / "out")
    assert "\n" not in error.value.message


def test_a_broken_embedded_picture_is_named(tmp_path: Path) -> None:
    """Base64 is decoded when the picture is asked for."""
    config = toy("mmbench", tmp_path)
    path = tmp_path / "MMBench_DEV_EN.tsv"
    rows = path.read_text().split("\n")
    cells = rows[1].split("\t")
    good = cells[-1]
    rows[1] = "\t".join([*cells[:-1], "*" + good[1:]])
    path.write_text("\n".join(rows))
    items = benchmark("mmbench").load(config).questions
    assert items[1].load_images()[0] != base64.b64decode(good)
    with pytest.raises(InputError, match="row 1 holds an image that is not base64"):
        items[0].load_images()


def test_a_limit_does_not_beat_with_the_file(tmp_path: Path) -> None:
    """POPE's labels alternate: of a third of its questions about half are answered yes."""
    count = 1200
    for limit in (count // 2, count // 3, count // 4):
        places = run.sample_indices(count, limit)
        assert places == sorted(set(places)) == run.sample_indices(count, limit)
        assert len(places) == limit
        assert 0.4 < sum(place % 2 for place in places) / limit < 0.6
    config = dataclasses.replace(toy("pope", tmp_path / "data"), toy=0)
    whole = benchmark("pope").load(config).questions
    _, _, loaded = run.load(dataclasses.replace(config, limit=3), tmp_path / "out")
    assert [item.id for item in loaded.questions] == [
        whole[place].id for place in run.sample_indices(len(whole), 3)
    ]
