# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Files of questions: every one is scored, and scoring answers asks for nothing else."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.config.evaluation import BENCHMARKS
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.registry import benchmark
from robomamba_jax.evaluation.runner import run
from robomamba_jax.evaluation.synthetic.benchmark_files import files_of
from tests.evaluation.benchmarks.test_question_files import PEOPLE, toy
from tests.evaluation.runs import ROOT, right


def _halves(name: str, folder: Path) -> tuple[str, ...]:
    """A benchmark's file of questions as two of one half each: their names."""
    file = next(folder / part for part in files_of(name, "")["questions"])
    content = file.read_bytes().decode()
    if file.suffix == ".tsv":
        head, *rows = content.split("\n")[:-1]
        parts = ["\n".join([head, *half]) + "\n" for half in (rows[:8], rows[8:])]
    else:
        whole = json.loads(content)
        inner = whole["questions"] if name in ("vqav2", "okvqa") else whole
        half = len(inner) // 2
        if isinstance(inner, dict):
            pairs = list(inner.items())
            cut = [dict(pairs[:half]), dict(pairs[half:])]
        else:
            cut = [inner[:half], inner[half:]]
        if inner is not whole:
            cut = [{**whole, "questions": part} for part in cut]
        parts = [json.dumps(part) for part in cut]
    names = tuple(f"part{number}{file.suffix}" for number in range(2))
    for part, text in zip(names, parts, strict=True):
        (folder / part).write_text(text)
    return names


@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name not in ("pope", "mme")])
def test_all_files_of_questions_are_scored(name: str, tmp_path: Path) -> None:
    """Named, or found by a pattern: what is asked is what both files ask; a question that stands
    in both is an error with both names."""
    config = toy(name, tmp_path)
    if name == "vizwiz":  # whose folder of pictures is else called as the file
        config = dataclasses.replace(config, files=dataclasses.replace(config.files, images="val"))
    _, chosen, whole = run.load(config, tmp_path / "out")
    halves = _halves(name, tmp_path)
    for names in (halves, ("part*",)):
        files = dataclasses.replace(config.files, questions=names)
        _, _, loaded = run.load(dataclasses.replace(config, files=files), tmp_path / "out")
        assert [item.id for item in loaded.questions] == [item.id for item in whole.questions]
        assert [item.references for item in loaded.questions] == [
            item.references for item in whole.questions
        ]
        if loaded.labelled and name != "manipulation":
            said = [right(item) for item in whole.questions]
            figures = [chosen.score(x.questions, said, "standard").metrics for x in (loaded, whole)]
            assert figures[0] == figures[1]
    again = (*halves, config.files.questions[0])
    files = dataclasses.replace(config.files, questions=again)
    with pytest.raises(InputError, match="both have a question") as error:
        run.load(dataclasses.replace(config, files=files), tmp_path / "out")
    assert halves[0] in error.value.message
    assert config.files.questions[0] in error.value.message


def test_annotations_are_of_the_questions(tmp_path: Path) -> None:
    """One that stands twice, or speaks of another picture, is an error; those of other questions
    are counted; several files of them are read."""
    config = toy("vqav2", tmp_path)
    path = tmp_path / PEOPLE
    content = json.loads(path.read_text())
    rows = content["annotations"]

    def load(annotations: list[Any], **files: Any) -> Any:
        path.write_text(json.dumps({**content, "annotations": annotations}))
        changed = dataclasses.replace(config, files=dataclasses.replace(config.files, **files))
        return run.load(changed, tmp_path / "out")[2]

    with pytest.raises(InputError, match="annotation 8 is of question"):
        load([*rows, rows[0]])
    with pytest.raises(InputError, match=r"question 0 is about image 1, but .* about 77"):
        load([{**rows[0], "image_id": 77}, *rows[1:]])
    spare = {**rows[0], "question_id": 5}
    assert "1 annotations are of questions that are not in" in load([*rows, spare]).notes[0]
    (tmp_path / "more.json").write_text(json.dumps({"annotations": rows[4:]}))
    (tmp_path / "more2.json").write_text(json.dumps({"annotations": rows[:4]}))
    assert len(load(rows[:1], answers="more*.json").questions) == 8


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("gqa", "answers", "answers.json"),
        ("pope", "answers", "answers.json"),
        ("mme", "questions", ("color",)),
        ("mme", "images", "images"),
        ("mmbench", "images", "images"),
    ],
)
def test_what_would_not_be_read_is_refused(
    name: str, field: str, value: Any, tmp_path: Path
) -> None:
    """A file that is named is read, or said to be of no use."""
    config = toy(name, tmp_path)
    files = dataclasses.replace(config.files, **{field: value})
    with pytest.raises(InputError, match=f"files.{field} is set, but these files hold"):
        run.load(dataclasses.replace(config, files=files), tmp_path / "out")


def test_a_row_of_questions_with_a_cell_to_spare(tmp_path: Path) -> None:
    """Named by its row; a key that stands twice in a file of questions is named, too."""
    config = toy("mmbench", tmp_path)
    path = tmp_path / "MMBench_DEV_EN.tsv"
    rows = path.read_text().split("\n")
    path.write_text("\n".join([*rows[:3], rows[3] + "\tspare", *rows[4:]]))
    with pytest.raises(InputError, match="row 3 has more cells than there are columns"):
        run.load(config, tmp_path / "out")
    config = toy("gqa", tmp_path)
    path = tmp_path / "testdev_balanced_questions.json"
    text = path.read_text()
    path.write_text(text.replace('"20000001"', '"20000000"'))
    with pytest.raises(InputError, match="has the key '20000000' twice"):
        run.load(config, tmp_path / "out")


@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name != "mmbench"])
def test_scoring_answers_needs_no_pictures(name: str, tmp_path: Path) -> None:
    """The same figures where none was downloaded; the page says that they are not shown."""
    config = toy(name, tmp_path / "data")
    chosen = benchmark(name)
    loaded = chosen.load(config)
    said = [[*right(item)] if chosen.poses else "zzz" for item in loaded.questions]
    (files := tmp_path / "out").mkdir()
    written = chosen.submit(files, loaded.questions, said)
    for path in (tmp_path / "data").rglob("*.jpg"):
        path.unlink()
    for path in (tmp_path / "data").rglob("*.png"):
        path.unlink()
    config, _, again = run.load(config, tmp_path / "toy")
    path = files if len(written) > 1 else written[0]
    answered = run.from_predictions(config, path, again)
    assert answered.answers == said
    result = run.finish(config, chosen, again, answered, tmp_path / "result")
    assert result["answered"] == len(loaded.questions)
    if name in ("gqa", "vqav2", "mme"):
        page = (tmp_path / "result" / "wrong.html").read_text()
        assert f"{len(said)} images are not here" in page
    with pytest.raises(InputError, match=r"--set files\.images="):
        again.questions[1].load_images()


def test_clips_of_robovqa_are_scored_without_videos(tmp_path: Path) -> None:
    """Their texts lie in the JSON file; a video is looked for when a model is to see it."""
    config = toy("robovqa", tmp_path)
    text = "<task:planning:freeform>goal: x Q: next step? <PRED>A: wipe table</PRED>"
    rows = [{"uid": str(k), "video": f"{k}.mp4", "text": text} for k in range(3)]
    (tmp_path / "robovqa.json").write_text(json.dumps(rows))
    _, _, loaded = run.load(config, tmp_path / "out")
    assert [item.text for item in loaded.questions] == ["goal: x Q: next step?"] * 3
    with pytest.raises(InputError, match=r"video '0.mp4' is not below"):
        loaded.questions[0].load_images()


def test_rows_of_mmbench_whose_picture_was_left_out(tmp_path: Path) -> None:
    """A pointed-at row is needed by a model alone."""
    config = toy("mmbench", tmp_path)
    path = tmp_path / "MMBench_DEV_EN.tsv"
    rows = path.read_text().split("\n")
    path.write_text("\n".join([rows[0], *rows[9:]]))
    _, _, loaded = run.load(config, tmp_path / "out")
    assert len(loaded.questions) == len(rows) - 10
    with pytest.raises(InputError, match="which is no other row's index"):
        loaded.questions[0].load_images()


def test_scoring_answers_loads_no_jax(tmp_path: Path) -> None:
    """In a process of its own: neither jax nor a tokenizer's model."""
    config = toy("gqa", tmp_path)
    items = benchmark("gqa").load(config).questions
    said = tmp_path / "said.json"
    said.write_text(json.dumps({item.id: item.references[0] for item in items}))
    code = (
        "import sys; from robomamba_jax.cli.evaluate import main; status = main(sys.argv[1:]); "
        "print(status, sorted({'jax', 'flax', 'optax', 'torch'} & set(sys.modules)))"
    )
    flags = ["--config", "configs/eval_gqa.py", "--predictions", str(said), "--json"]
    flags += ["--set", f"files.root={tmp_path}", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", code, *flags], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr
