# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Files of answers that are gone on with or compared, and results that make a table."""

import json
from pathlib import Path

import pytest

from robomamba_jax.cli.evaluate import main
from tests.evaluation.runs import arguments, run

LONG = ("prompt.max_new_tokens=6", "toy=6")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One question at a time on one device."""
    found = {"robovqa": tmp_path_factory.mktemp("robovqa")}
    run("robovqa", found["robovqa"], "batch_size=1", *LONG)
    return found


@pytest.mark.slow
def test_answers_to_other_questions_are_not_compared(
    alone: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of other files, or with an id that nobody asked: said before the first answer."""
    first, *rows = (alone["robovqa"] / "answers.jsonl").read_text().splitlines()
    other = tmp_path / "other.jsonl"
    changed = json.dumps({**json.loads(first), "questions": "0" * 64})
    other.write_text("\n".join([changed, *rows]) + "\n")
    out = tmp_path / "out"
    assert main([*arguments("robovqa", out, *LONG), "--against", str(other)]) == 2
    assert "answers other files of robovqa's questions" in capsys.readouterr().err
    assert not (out / "answers.jsonl").exists()
    strange = json.dumps({**json.loads(rows[0]), "id": "robovqa_77_0"})
    other.write_text("\n".join([first, *rows, strange]) + "\n")
    flags = [
        *arguments("robovqa", alone["robovqa"], "batch_size=1", *LONG),
        "--against",
        str(other),
    ]
    assert main(flags) == 2
    assert "'robovqa_77_0', which is not a question of these" in capsys.readouterr().err
    other.write_text("\n".join([first, *rows[1:]]) + "\n")
    assert main([*flags, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["against"]
    assert (found["compared"], found["only_mine"], found["only_other"]) == (5, 1, 0)


@pytest.mark.slow
def test_a_file_of_answers_is_gone_on_with_only_where_it_is_sound(
    alone: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A question that stands in it twice, or that was never asked."""
    first, *rows = (alone["robovqa"] / "answers.jsonl").read_text().splitlines()
    path = tmp_path / "answers.jsonl"
    strange = json.dumps({**json.loads(rows[0]), "id": "robovqa_77_0"})
    for more, words in ((rows[0], "twice"), (strange, "'robovqa_77_0', which is not a question")):
        path.write_text("\n".join([first, *rows[:3], more]) + "\n")
        assert main(arguments("robovqa", tmp_path, "batch_size=1", *LONG)) == 2
        assert words in capsys.readouterr().err


@pytest.mark.slow
def test_a_missing_picture_is_said_before_the_first_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or left out and named; the others are answered."""
    first = tmp_path / "first"
    run("gqa", first)
    (first / "toy" / "images" / "n000006.jpg").unlink()
    flags = ["--config", "configs/eval_gqa.py", "--checkpoint", "tiny", "--set", "batch_size=4"]
    flags += ["--set", f"files.root={first}/toy", "--set", "prompt.max_new_tokens=4", "--out"]
    skip = ["--set", "on_error=skip", "--json"]
    capsys.readouterr()
    assert main([*flags, str(tmp_path / "skip"), *skip]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["answered"], list(result["problems"])) == (7, ["20000005"])
    assert main([*flags, str(tmp_path / "error")]) == 2
    said = capsys.readouterr().err
    assert "question '20000005': image 'n000006.jpg' is not below" in said
    assert "--set files.images=DIR; or --set on_error=skip" in said
    assert not (tmp_path / "error" / "answers.jsonl").exists()


def test_two_results_of_one_benchmark_make_no_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tiny run's beside the real one's: neither is dropped without a word."""
    for name in ("gqa", "gqa-tiny"):
        (tmp_path / name).mkdir()
        result = {"benchmark": "gqa", "answers_from": name, "scoring": "standard"}
        figures = {"accuracy": {"value": 0.5, "ci95": None, "n": 2, "percent": True, "what": ""}}
        result |= {"headline": "accuracy", "figures": figures}
        (tmp_path / name / "results.json").write_text(json.dumps(result))
    assert main(["--table", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "gqa/results.json and " in said
    assert "gqa-tiny/results.json are both results of gqa" in said
    (tmp_path / "gqa-tiny" / "results.json").unlink()
    assert main(["--table", str(tmp_path), "--predictions", "x.json"]) == 2
    assert "--table makes no use of --predictions" in capsys.readouterr().err
    assert main(["--table", str(tmp_path)]) == 0
