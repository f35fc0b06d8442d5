# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/compat/files/: what users of commit 72c6413 have on their disks.

Run once, in a checkout of that commit; its results are committed and never written again:

    git worktree add /tmp/old 72c6413
    PYTHONPATH=/tmp/old JAX_PLATFORMS=cpu .venv/bin/python scripts/make_compat_files.py \
        /tmp/old tests/compat/files

    user_config.py      a user's configuration of stage 1.2, in the names of that commit
    data/               its LLaVA file and images
    workdir/            its run, stopped after step 2 of 4
    metrics.jsonl       what the whole run says of its steps, by that commit
    inference/          its export after step 4
    prepared/           `robomamba data prepare` of the same samples
    features/           `robomamba data features` of them
    eval/               the exported model's answers to 40 drawn questions of POPE
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

CONFIG = '''# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 1.2 on a dozen images of our own."""

from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig
from robomamba_jax.config.training import (
    CheckpointConfig,
    LossConfig,
    ModelChoice,
    OptimConfig,
    RunConfig,
    TrainConfig,
)


def get_config() -> TrainConfig:
    return TrainConfig(
        stage="instruct",
        data=DataConfig(
            sources=(SourceConfig("data/ours.json", name="ours", format="llava", weight=2.0),),
            encoding=EncodingConfig(tokenizer="tiny", transform="tiny", max_tokens=64),
            batch=BatchConfig(rows=4, packing=True, row_tokens=96, image_tokens=9),
            on_bad="skip",
        ),
        trainable=("projector/.*", "llm/.*"),
        loss=LossConfig(kind="text", chunk=32, answer_balance=0.5),
        optim=OptimConfig(learning_rate=3e-3, rest_rate=0.5, end_factor=0.1),
        model=ModelChoice(preset="tiny", vision="tiny", dtype="float32", frozen_dtype="float32"),
        run=RunConfig(steps=4, log_every=1, samples=0, workers=0, ahead=2),
        checkpoint=CheckpointConfig(every=2),
    )
'''


def write_data(folder: Path) -> None:
    """Twelve images and a LLaVA file about them."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    records = []
    for number in range(12):
        color = ("red", "green", "blue")[number % 3]
        pixels = rng.integers(0, 60, (24, 32, 3), dtype=np.uint8)
        pixels[..., number % 3] += 160
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        turns = (("human", "<image>\nWhich color is it?"), ("gpt", f"It is {color}."))
        conversation = [{"from": role, "value": text} for role, text in turns]
        record = {"id": f"ours-{number}", "image": f"{number}.png", "conversations": conversation}
        records.append(record)
    (folder / "ours.json").write_text(json.dumps(records, indent=1))


def main(checkout: Path, out: Path) -> None:
    """Write everything below ``out``, by the code in ``checkout``."""
    shutil.rmtree(out, ignore_errors=True)
    write_data(out / "data")
    (out / "user_config.py").write_text(CONFIG)

    def run(*arguments: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(checkout)}
        subprocess.run([sys.executable, *arguments], cwd=out, env=environment, check=True)

    train = (str(checkout / "train.py"), "--config", "user_config.py")
    run(*train, "--workdir", "workdir", "--set", "run.stop_after=2", "--set", "run.export=false")
    shutil.copytree(out / "workdir", out / "whole")
    run(*train, "--workdir", "whole")
    shutil.move(out / "whole" / "export", out / "inference")
    shutil.move(out / "whole" / "metrics.jsonl", out / "metrics.jsonl")
    shutil.rmtree(out / "whole")
    shutil.rmtree(out / "workdir" / "tensorboard", ignore_errors=True)
    robomamba = ("-m", "robomamba_jax", "data")
    sys.path.insert(0, str(checkout))
    os.chdir(out)
    from robomamba_jax.config.files import config_module
    from robomamba_jax.config.tree import tree_to_json

    content = tree_to_json(config_module(Path("user_config.py")).get_config().data)
    Path("data.json").write_text(json.dumps(content, indent=1))
    run(*robomamba, "prepare", "--config", "data.json", "--out", "prepared", "--workers", "1")
    run(*robomamba, "features", "--config", "user_config.py", "--out", "features")
    run(
        *(str(checkout / "eval.py"), "--config", str(checkout / "configs" / "eval_pope.py")),
        *("--tiny", "--checkpoint", "inference", "--out", "eval", "--set", "limit=40"),
    )
    for path in out.rglob("__pycache__"):
        shutil.rmtree(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
