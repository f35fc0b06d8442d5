# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The runner: the same answers for any batch, on any devices, and after a kill."""

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from robomamba_jax.cli.evaluate import main
from tests.counting import PATIENCE, wait_for
from tests.evaluation.runs import answers, arguments, run, start

# Every mesh and batch compiles decoding anew.

LONG = ("prompt.max_new_tokens=6", "toy=6")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One question at a time on one device, for texts and for poses."""
    found = {}
    for name in ("robovqa", "manipulation"):
        found[name] = tmp_path_factory.mktemp(name)
        run(name, found[name], "batch_size=1", *LONG)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("rows", [3, 8])
def test_the_batch_does_not_matter(rows: int, alone: dict[str, Path], tmp_path: Path) -> None:
    """Letter by letter, and poses to the last digits of a product of another shape."""
    run("robovqa", tmp_path / "texts", f"batch_size={rows}", *LONG)
    assert answers(tmp_path / "texts") == answers(alone["robovqa"])
    run("manipulation", tmp_path / "poses", f"batch_size={rows}", *LONG)
    poses, wanted = answers(tmp_path / "poses"), answers(alone["manipulation"])
    assert poses.keys() == wanted.keys()
    for name, pose in poses.items():
        assert pose == pytest.approx(wanted[name], abs=2e-4)


@pytest.mark.slow
def test_answers_are_those_of_generate(alone: dict[str, Path]) -> None:
    """The runner says what ``rm.generate`` says to the same prompt."""
    import robomamba_jax as rm
    from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
    from robomamba_jax.evaluation.benchmarks.registry import benchmark

    files = FilesConfig(str(alone["robovqa"] / "toy"), ("robovqa.json",))
    items = benchmark("robovqa").load(EvalConfig("robovqa", files)).questions
    model, processor = rm.load("tiny")
    prompts = [item.text for item in items]
    said = rm.generate(
        model, processor, [item.load_images()[0] for item in items], prompts, max_new_tokens=6
    )
    found = answers(alone["robovqa"])
    assert [found[item.id] for item in items] == [text.strip() for text in said]


@pytest.mark.slow
def test_a_killed_run_goes_on(alone: dict[str, Path], tmp_path: Path) -> None:
    """SIGKILL in the middle, half a line left behind: the same answers in the end, none twice."""
    process = start(arguments("robovqa", tmp_path, "batch_size=1", *LONG))
    path = tmp_path / "answers.jsonl"
    wait_for(lambda: path.is_file() and path.read_bytes().count(b"\n") >= 3, process)
    process.kill()
    _, said = process.communicate()
    kept = path.read_bytes()
    assert kept.count(b"\n") >= 3, said
    assert process.returncode == -9, "it ended before it could be killed"
    path.write_bytes(kept + b'{"id": "robovqa_5_0", "ans')
    run("robovqa", tmp_path, "batch_size=1", *LONG)
    assert path.read_bytes().startswith(kept[: kept.rfind(b"\n") + 1])
    assert answers(tmp_path) == answers(alone["robovqa"])
    assert path.read_bytes().count(b"\n") == 1 + len(answers(tmp_path))


@pytest.mark.slow
def test_a_finished_run_answers_nothing_again(
    alone: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The file stays as it is; the result is made anew."""
    before = (alone["robovqa"] / "answers.jsonl").read_bytes()
    assert main([*arguments("robovqa", alone["robovqa"], "batch_size=1", *LONG), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["schema"] == "robomamba.eval/1"
    assert result["answered"] == result["questions"] == 6
    assert len(result["checkpoint"]["sha256"]) == 64
    assert (alone["robovqa"] / "answers.jsonl").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "what"), [("prompt.max_new_tokens=5", "recipe"), ("toy=5", "questions")]
)
def test_answers_of_another_kind_are_not_mixed(
    change: str, what: str, alone: dict[str, Path], tmp_path: Path, capsys: Any
) -> None:
    """Another recipe or other questions: another file."""
    (tmp_path / "answers.jsonl").write_bytes((alone["robovqa"] / "answers.jsonl").read_bytes())
    assert main(arguments("robovqa", tmp_path, "batch_size=1", *LONG, change)) == 2
    assert f"with another {what} (give another --out" in capsys.readouterr().err


@pytest.mark.slow
def test_eight_devices(alone: dict[str, Path], tmp_path: Path) -> None:
    """Data-parallel: letter by letter. With tensors split too: but for near ties, counted."""
    against = ("--against", str(alone["robovqa"] / "answers.jsonl"))
    meshes = {"8x1x1": (), "2x2x2": ("mesh.data=2", "mesh.fsdp=2", "mesh.tensor=2")}
    for name, changes in meshes.items():
        out = tmp_path / name
        process = start(
            [*arguments("robovqa", out, "batch_size=8", *LONG, *changes), *against],
            JAX_NUM_CPU_DEVICES="8",
        )
        printed, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
        line = next(line for line in printed.splitlines() if "answers are those of" in line)
        same = int(line.split(" ")[0])
        if name == "8x1x1":
            assert answers(out) == answers(alone["robovqa"])
        near = re.search(
            r"(\d+) of the (\d+) others part where two logits lie within 0.0001", printed
        )
        assert same == 6 or (near and near[1] == near[2] and same + int(near[2]) == 6), printed


@pytest.mark.slow
def test_two_processes(alone: dict[str, Path], tmp_path: Path) -> None:
    """Each reads its own rows' pictures; one writes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = arguments("robovqa", tmp_path, "batch_size=4", *LONG)
    places = ("--coordinator", f"127.0.0.1:{port}", "--num-processes", "2")
    processes = [start([*flags, *places, "--process-id", str(n)]) for n in range(2)]
    said = [process.communicate(timeout=PATIENCE) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert answers(tmp_path) == answers(alone["robovqa"])
    assert "6 of 6 questions answered" in said[0][0]
    assert "answered" not in said[1][0]


@pytest.mark.slow
def test_what_differs_is_counted(
    alone: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An answer that another run ends differently: the logits there are far apart."""
    lines = (alone["robovqa"] / "answers.jsonl").read_text().splitlines()
    row = json.loads(lines[1])
    row["tokens"][-1] += 1
    row["answer"] += "!"
    other = tmp_path / "other.jsonl"
    other.write_text("\n".join([lines[0], json.dumps(row), *lines[2:]]) + "\n")
    flags = ("--against", str(other), "--json")
    assert main([*arguments("robovqa", alone["robovqa"], "batch_size=1", *LONG), *flags]) == 0
    found = json.loads(capsys.readouterr().out)["against"]
    assert (found["compared"], found["identical"], found["near_ties"]) == (6, 5, 0)
    (differ,) = found["differ"]
    assert differ["id"] == row["id"]
    assert differ["gap"] > 1e-4


@pytest.mark.slow
def test_a_bad_picture_is_an_error_or_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is put in its place; the rest is answered and the line names it."""
    first = tmp_path / "first"
    run("gqa", first)
    picture = first / "toy" / "images" / "n000003.jpg"
    picture.write_bytes(picture.read_bytes()[:200])
    config = str(Path("configs/eval_gqa.py").resolve())
    flags = ["--config", config, "--checkpoint", "tiny", "--set", f"files.root={first}/toy"]
    flags += ["--set", "prompt.max_new_tokens=4", "--set", "batch_size=4", "--out"]
    assert main([*flags, str(tmp_path / "error")]) == 2
    said = capsys.readouterr().err
    assert "question '20000002'" in said
    assert "on_error=skip" in said
    skip = ["--set", "on_error=skip", "--json"]
    assert main([*flags, str(tmp_path / "skip"), *skip]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["answered"] == 7
    assert list(result["problems"]) == ["20000002"]
    kept, whole = answers(tmp_path / "skip"), answers(first)
    assert kept.pop("20000002") is None
    assert all(whole[key] == text for key, text in kept.items())


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--config", "configs/eval_pope.py"], "one of --checkpoint and --predictions"),
        (["--checkpoint", "tiny"], "no --config"),
        (["--config", "configs/eval_x.py", "--checkpoint", "tiny"], "does not exist"),
        (
            ["--config", "configs/stage1_1_align.py", "--checkpoint", "tiny"],
            "is not a configuration of evaluation",
        ),
        (["--config", "configs/eval_pope.py", "--checkpoint", "tiny"], "coco_pope_random.json is"),
        (["--table", "tests"], r"has no \*/results.json"),
        (
            ["--config", "configs/eval_mme.py", "--checkpoint", "x/y", "--tiny"],
            "x/y does not exist",
        ),
        (
            [
                "--config",
                "configs/eval_mme.py",
                "--checkpoint",
                "tiny",
                "--set",
                "scoring=official",
            ],
            "RoboMamba's repository has neither prompt nor scorer for mme",
        ),
        (
            ["--config", "configs/eval_gqa.py", "--checkpoint", "tiny", "--set", "scoring=x"],
            "unknown scoring 'x'",
        ),
        (
            ["--config", "configs/eval_gqa.py", "--predictions", "README.md", "--tiny"],
            "README.md",
        ),
    ],
)
def test_wrong_input_is_said_in_one_line(
    flags: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, and what to do."""
    more = [] if "--table" in flags else ["--out", str(tmp_path)]
    tiny = [] if "--tiny" in flags or "official" not in str(flags) else ["--tiny"]
    assert main([*flags, *more, *tiny]) == 2
    said = capsys.readouterr().err
    assert re.search(message, said)
    assert said.count("\n") == 1


def test_results_make_the_articles_table(tmp_path: Path, capsys: Any) -> None:
    """Several benchmarks in one row, the article's rows below."""
    for name in ("gqa", "robovqa"):
        run(name, tmp_path / name)
    capsys.readouterr()
    assert main(["--table", str(tmp_path)]) == 0
    table = capsys.readouterr().out
    head, _, mine, _, v2 = table.splitlines()[:5]
    assert head == "| model | GQA | RoboVQA-4 | RoboVQA-1 |"
    assert mine.startswith("| tiny (standard) |")
    assert v2 == "| paper v2, 224 px | 64.2 | 42.8 | 62.7 |"


def test_the_page_of_wrong_answers_shows_them(tmp_path: Path) -> None:
    """Pictures inside, no request outside, text that is no markup."""
    run("vqav2", tmp_path)
    page = (tmp_path / "wrong.html").read_text()
    assert not re.search(r"https?:", page)
    data = json.loads(re.search(r'type="application/json">(.*?)</script>', page, re.S)[1])  # type: ignore[index]
    assert len(data["cards"]) == 8
    assert all(card["image"].startswith("data:image/jpeg;base64,") for card in data["cards"])
    assert data["group_kinds"] == ["answer type", "question type"]


def test_where_pictures_stand() -> None:
    """Before all text unless the question has their places; templates without places keep text."""
    from robomamba_jax.data.text.prompts import prompt_template
    from robomamba_jax.evaluation.benchmarks.prompts import keep_placeholders

    standard, official = prompt_template("standard"), prompt_template("official_test")
    assert keep_placeholders("What is it?", 1, standard) == "What is it?"
    assert keep_placeholders("<image> or <image>?", 2, standard) == "<image> or <image>?"
    assert keep_placeholders("<image>\nWhat?", 2, standard) == "What?"
    assert keep_placeholders("<image>\nWhat?", 2, official) == "<image>\nWhat?"


@pytest.mark.parametrize(
    ("scoring", "name", "text"),
    [
        ("standard", "vizwiz", "information is insufficient, respond with 'Unanswerable'.\nAnswer"),
        ("official", "vizwiz", "information is insuffcient, respond with 'Unanswerable'. Answer"),
        ("official", "gqa", "What color is it?"),
        ("standard", "gqa", "it?\nAnswer the question using a single word or phrase."),
        ("official", "manipulation", "<image>\nWhere do I touch it?"),
        ("standard", "manipulation", "Where do I touch it?"),
    ],
)
def test_questions_are_put_as_the_recipe_says(
    scoring: str, name: str, text: str, tmp_path: Path
) -> None:
    """The repository's own words, misspelt as they are; the field's words otherwise."""
    from robomamba_jax.config.evaluation import EvalConfig, FilesConfig
    from robomamba_jax.evaluation.runner import run as running
    from robomamba_jax.evaluation.runner.answer_cache import requests_of

    config = EvalConfig(name, FilesConfig(""), scoring=scoring, toy=3)
    config, chosen, loaded = running.load(config, tmp_path)
    recipe = running.prompt_spec_of(config, chosen.prompt_specs)
    put = requests_of(loaded.questions, recipe)[0].text
    assert put.endswith(text) if name != "vizwiz" else text in put
    assert recipe.template == ("official_test" if scoring == "official" else "checkpoint")
    budgets = {"vizwiz": (16, 64), "gqa": (16, 256), "manipulation": (1, 1)}
    assert recipe.max_new_tokens == budgets[name][scoring == "official"]
    if scoring == "official":
        assert recipe.stop == "none"


def test_the_repositorys_recipe_runs_the_whole_budget(tmp_path: Path) -> None:
    """It never gives its sampler the end of text."""
    result = run("gqa", tmp_path, "scoring=official", "prompt.max_new_tokens=5")
    _, *rows = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert {row["reason"] for row in rows} == {"length"}
    assert {len(row["tokens"]) for row in rows} == {5}
    assert result["recipe"]["template"] == "official_test"
    assert list(result["also"]) == ["standard"]


def test_answers_are_text_on_the_page(tmp_path: Path) -> None:
    """Whatever a model or a file says, it ends no script and begins no comment."""
    from robomamba_jax.evaluation.benchmarks.base import Question, Scores
    from robomamba_jax.evaluation.runner.page import write_page

    said = "</script><!--<script>alert(1)</script>"
    item = Question("1", said, lambda: (), (said,))
    path = write_page(tmp_path / "x.html", "<b>", [item], [said], Scores({}, "", [0.0]))
    page = path.read_text()
    data = re.search(r'type="application/json">(.*?)</script>', page, re.S)
    assert data is not None
    assert "<" not in data[1]
    assert json.loads(data[1])["cards"][0]["prediction"] == said
    assert "<b>" not in page
