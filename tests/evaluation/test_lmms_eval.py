# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""lmms-eval, run for real in its own environment, asks a checkpoint of ours."""

import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.cli.evaluate import main
from robomamba_jax.evaluation.metrics import bleu
from tests.counting import PATIENCE
from tests.evaluation.ask_adapter import DOCS, pictures
from tests.evaluation.runs import ROOT, answers
from tests.training.runs import run as train

LMMS = ROOT / ".venv-lmms" / "bin" / "lmms-eval"


def write_task(name: str, folder: Path) -> Path:
    """A drawn benchmark as a task of lmms-eval."""
    config = str(ROOT / "configs" / f"eval_{name}.py")
    assert main(["--tiny", "--config", config, "--lmms-task", str(folder)]) == 0
    return folder / name


@pytest.mark.parametrize("name", ["robovqa", "ocrvqa"])
def test_tasks_are_written(name: str, tmp_path: Path) -> None:
    """Task file, functions, questions, pictures; the functions score as we do."""
    home = write_task(name, tmp_path)
    rows = [json.loads(line) for line in (home / f"{name}.jsonl").read_text().splitlines()]
    task = (home / f"{name}.yaml").read_text()
    assert f"task: {name}_robomamba" in task
    assert str(home / f"{name}.jsonl") in task
    assert all((home / "images" / row["image"]).is_file() for row in rows)
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(f"utils_{name}", home / "utils.py")
    assert spec is not None
    assert spec.loader is not None
    utils = module_from_spec(spec)
    spec.loader.exec_module(utils)
    assert utils.doc_to_visual(rows[0])[0].mode == "RGB"
    assert utils.doc_to_text(rows[0], {"pre_prompt": "a", "post_prompt": "z"}).endswith("z")
    doc = rows[0]
    scores = utils.process_results(doc, [f"A: {doc['answer']}"[3 if name == "ocrvqa" else 0 :]])
    if name == "ocrvqa":
        assert scores == {"accuracy": 1.0}
        return
    found = [scores[f"cumulative_bleu{n}"] for n in (1, 2, 3, 4)]
    assert found == list(bleu.cumulative(doc["answer"], doc["answer"]))
    printed = set(re.findall(r"metric: (\w+)", task))
    assert printed <= set(scores)


def test_others_are_lmms_evals_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has POPE."""
    config = str(ROOT / "configs" / "eval_pope.py")
    assert main(["--tiny", "--config", config, "--lmms-task", str(tmp_path)]) == 2
    assert "unknown benchmark for --lmms-task 'pope'" in capsys.readouterr().err


def test_the_manifest_says_where_the_model_is() -> None:
    """The entry point of the installed package leads to it."""
    from importlib.metadata import entry_points

    (point,) = entry_points(group="lmms_eval.models")
    assert point.name == "robomamba"
    assert point.load().__module__ == "robomamba_jax.evaluation.lmms.manifest"


@pytest.mark.slow
@pytest.mark.harness
def test_lmms_eval_hears_what_eval_py_hears(tmp_path: Path) -> None:
    """Its table has the figures of results.json, its samples our answers, letter by letter."""
    if not LMMS.is_file():
        pytest.skip("no .venv-lmms: make lmms-env")
    train("instruct", tmp_path / "run", "run.steps=40", "run.samples=0")
    checkpoint = str(tmp_path / "run" / "export")
    home = write_task("robovqa", tmp_path / "tasks")
    ours = tmp_path / "ours"
    flags = ["--config", str(ROOT / "configs" / "eval_robovqa.py"), "--checkpoint", checkpoint]
    root = tmp_path / "tasks" / "files" / "toy"
    # What forty steps have taught it to say, so that the figures are not all 0.
    for file in (root / "robovqa.json", home / "robovqa.jsonl"):
        file.write_text(file.read_text().replace(' yes"', ' No."').replace('"yes"', '"No."'))
    changes = (f"files.root={root}", 'files.questions=["robovqa.json"]', "prompt.stop=line")
    flags += [word for change in changes for word in ("--set", change)]
    assert main([*flags, "--out", str(ours)]) == 0
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    command = [
        *(str(LMMS), "--model", "robomamba", "--model_args", f"checkpoint={checkpoint}"),
        *("--include_path", str(tmp_path / "tasks"), "--tasks", "robovqa_robomamba"),
        *("--batch_size", "3", "--log_samples", "--output_path", str(tmp_path / "out")),
    ]
    done = subprocess.run(
        command,
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads((ours / "results.json").read_text())["figures"]
    for name in ("cumulative_bleu1", "cumulative_bleu4", "official_bleu1", "mlcd_bleu4"):
        row = next(line for line in done.stdout.splitlines() if f"|{name}" in line.replace(" ", ""))
        value = float(row.split("|")[6])
        assert value == pytest.approx(result[name]["value"], abs=1e-4), row
    (samples,) = (tmp_path / "out").rglob("*samples*.jsonl")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    questions = [json.loads(line) for line in (home / "robovqa.jsonl").read_text().splitlines()]
    said = {questions[row["doc_id"]]["id"]: "".join(row["filtered_resps"]) for row in rows}
    assert said == answers(ours)
    assert result["cumulative_bleu1"]["value"] == 0.5


@pytest.mark.slow
@pytest.mark.harness
def test_the_adapter_says_what_the_api_says() -> None:
    """Texts with no, one and two pictures and settings of their own, likelihoods, two rounds."""
    if not LMMS.is_file():
        pytest.skip("no .venv-lmms: make lmms-env")
    done = subprocess.run(
        [str(LMMS.with_name("python")), str(ROOT / "tests" / "evaluation" / "ask_adapter.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    model, processor = rm.load("tiny")
    shown = [pictures(doc) or None for doc in DOCS]
    texts = [doc["text"] for doc in DOCS]
    wanted = rm.generate(model, processor, shown, texts, max_new_tokens=[5, 3, 5, 5])
    assert found["said"] == [text.split("\n\n")[0].strip() for text in wanted]
    assert found["tokens"] == [5, 3, 5, 5]
    tokenizer, template = processor.need_tokenizer(), processor.template
    for doc, images, (loss, greedy) in zip(DOCS, shown, found["likely"], strict=True):
        prompt = template.encode_prompt(tokenizer, doc["text"]).ids
        target = tokenizer.encode(" " + doc["target"])
        batch = processor([images], [doc["text"]])
        logits = rm.forward(
            model,
            np.array([[*prompt, *target]], np.int32),
            batch.images,
            image_positions=None if batch.images is None else batch.image_positions,
        )
        rows = np.asarray(logits[0, len(prompt) - 1 : -1], np.float64)
        scores = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
        mean = -scores[np.arange(len(target)), target].mean()
        assert loss == pytest.approx(mean, abs=1e-5)
        assert greedy == (rows.argmax(axis=1) == target).all()
    first = found["said"][0]
    second = rm.generate(model, processor, shown[:1], [f"Really {first}?"], max_new_tokens=5)
    assert found["rounds"] == [[first, second[0].strip()]]
    assert "num_beams=4" in found["refused"][0]
    assert "reads no video" in found["refused"][1]
