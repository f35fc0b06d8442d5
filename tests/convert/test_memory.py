# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A large checkpoint is in memory once: the 370m shape in bfloat16, in sharded files.

Set ROBOMAMBA_LARGE=2.8b for the largest (12 GB of disk; 5.4 GiB peak for 5.2 GiB of weights).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from robomamba_jax.config import preset
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.export import _mamba_json
from robomamba_jax.convert.safetensors_file import write_safetensors
from robomamba_jax.convert.tensor_names import tensor_shapes
from robomamba_jax.convert.tensors import TensorInfo

PRESET = os.environ.get("ROBOMAMBA_LARGE", "370m")

MEASURED = """
import json, re, sys, time

def high_water():  # getrusage's would start from the parent's
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

{setup}
base = high_water()
start = time.perf_counter()
{work}
seconds = time.perf_counter() - start
print(json.dumps({{"base": base, "peak": high_water(), "seconds": seconds}}))
"""
LOAD = {
    "setup": "import jax, jax.numpy as jnp, robomamba_jax as rm\njnp.ones(3).block_until_ready()",
    "work": "model, _ = rm.load(sys.argv[1]); jax.block_until_ready(model.params)",
}
CONVERT = {
    "setup": "from robomamba_jax.convert.families import open_checkpoint\n"
    "from robomamba_jax.convert.run import convert_checkpoint",
    "work": "convert_checkpoint(open_checkpoint('hf-mamba', sys.argv[1]), sys.argv[2])",
}
# transformers maps the files and reads nothing before it is used; summing uses it.
TORCH = {
    "setup": "import torch, transformers\ntransformers.utils.logging.set_verbosity_error()",
    "work": "model = transformers.MambaForCausalLM.from_pretrained(sys.argv[1], "
    "dtype=torch.bfloat16)\ntotal = sum(float(p.sum()) for p in model.parameters())",
}


def run(script: dict[str, str], *arguments: Path) -> dict[str, Any]:
    """Peak memory and time of some work in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURED.format(**script), *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def sharded_checkpoint(folder: Path) -> int:
    """Two shards as Hugging Face writes them; returns the bytes of all weights."""
    folder.mkdir()
    config = preset(PRESET, param_dtype="bfloat16")
    rng = np.random.default_rng(0)
    noise = (0.02 * rng.standard_normal(2**20, np.float32)).astype(ml_dtypes.bfloat16)
    shapes = tensor_shapes(ModelParts(llm=config))
    entries: list[Any] = [
        (
            name.removeprefix("llm."),
            TensorInfo(shape, "bfloat16"),
            lambda shape=shape: np.resize(noise, shape),
        )
        for name, shape in shapes.items()
    ]
    where, half = {}, len(entries) // 2
    for number, shard in enumerate((entries[:half], entries[half:]), 1):
        file = f"model-{number:05d}-of-00002.safetensors"
        write_safetensors(folder / file, shard)
        where |= {entry[0]: file for entry in shard}
    index = {"metadata": {}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text(json.dumps(_mamba_json(config)))
    return sum(entry[1].nbytes for entry in entries)


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_weights_are_in_memory_once(tmp_path: Path) -> None:
    """Loading: at most 1.15 times the weights above an idle jax. Converting: a tenth of them."""
    nbytes = sharded_checkpoint(tmp_path / "in")
    convert = run(CONVERT, tmp_path / "in", tmp_path / "out")
    load, torch = run(LOAD, tmp_path / "out"), run(TORCH, tmp_path / "in")
    share = {
        name: (facts["peak"] - facts["base"]) / nbytes
        for name, facts in {"convert": convert, "load": load, "torch": torch}.items()
    }
    print(
        f"{PRESET}: {nbytes / 2**30:.2f} GiB; peak above idle: convert {share['convert']:.2f}, "
        f"load {share['load']:.3f}, transformers {share['torch']:.3f} of it; seconds: convert "
        f"{convert['seconds']:.1f}, load {load['seconds']:.1f}, transformers {torch['seconds']:.1f}"
    )
    assert load["peak"] <= 1.15 * nbytes + load["base"]
    # The embedding is the largest tensor: a few of its size at most.
    assert share["convert"] < 0.45
