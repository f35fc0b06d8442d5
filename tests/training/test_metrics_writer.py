# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The lines that a run writes, cut back where it goes on from; the feed; the speed's arithmetic."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.sharding import Mesh

from robomamba_jax.config import model_preset
from robomamba_jax.data.images.transforms import image_transform
from robomamba_jax.errors import InputError
from robomamba_jax.models.params import abstract_params
from robomamba_jax.training.device_put import DeviceFeeder, normalized
from robomamba_jax.training.flops import flops_per_token, peak_flops, step_flops
from robomamba_jax.training.freeze import param_labels, split
from robomamba_jax.training.metrics_writer import StepLinesWriter, TensorBoardWriter
from robomamba_jax.training.report import bytes_text
from tests.compiling import users_jit

LINES = [
    *({"step": n, "loss": 1.0, "samples": []} for n in range(3)),
    {"step": 3, "eval": {}},
    {"step": 3, "loss": 1.0, "samples": []},
    {"step": 4, "samples": [{}]},
]


@given(st.integers(0, 6), st.integers(0, 12))
def test_lines_are_cut_back(tmp_path_factory: Any, step: int, torn: int) -> None:
    """What belongs to the first updates stays, whatever the last write left behind."""
    path = tmp_path_factory.mktemp("lines") / "metrics.jsonl"
    text = "".join(json.dumps(line) + "\n" for line in LINES)
    path.write_text(text + json.dumps(LINES[0])[:torn])
    lines = StepLinesWriter(path, step)
    lines.write({"step": step, "loss": 2.0})
    lines.close()
    found = [json.loads(line) for line in path.read_text().splitlines()]
    kept = [line for line in LINES if line["step"] < step + ("loss" not in line)]
    assert found == [*kept, {"step": step, "loss": 2.0}]


def test_wandb_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for and not there: one line; not asked for: nothing."""
    whole = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "wandb":
            raise ImportError("no wandb")
        return whole(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError) as caught:
        TensorBoardWriter(tmp_path, 0, "project", {})
    assert "pip install wandb" in str(caught.value)
    board = TensorBoardWriter(tmp_path, 0, "", {})
    board.scalars(1, {"train/loss": 1.0})
    board.text(1, "samples", "text")
    board.close()
    assert list((tmp_path / "tensorboard").iterdir())


def test_pixels_are_normalised_on_the_device() -> None:
    """As on the host, to the last bit or two."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, 15, 15, 3), np.uint8)
    transform = image_transform("tiny")
    # As it is compiled in a run: the quick compilation of these tests rounds otherwise.
    got = users_jit(lambda x: normalized(x, transform))(pixels)
    np.testing.assert_allclose(got, transform.normalize(pixels), rtol=0, atol=3e-7)


def test_the_feed_keeps_rows_in_order() -> None:
    """And says who told to stop."""
    mesh = Mesh(np.array(jax.devices()[:1]).reshape(1, 1, 1), ("data", "fsdp", "tensor"))
    feed = DeviceFeeder(mesh, 4)
    assert feed.mine == [0, 1, 2, 3]
    rows = np.arange(12).reshape(4, 3)
    batch = feed.put({"x": rows}, stop=True)
    np.testing.assert_array_equal(batch["x"], rows)
    assert batch["stop"].tolist() == [1, 1, 1, 1]


def test_flops() -> None:
    """Forward 2 per weight, backward 2 for inputs and 2 for weights, as far as gradients go."""
    config = model_preset("130m")
    _, tree = abstract_params(config, "stacked")
    blocks = 24 * (768 * 3072 + 1536 * 80 + 48 * 1536 + 1536 * 768)
    head = 50280 * 768
    for patterns, share in (
        (["llm/.*"], {"vision": 2, "projector": 2, "llm": 4, "policy": 4}),
        (["projector/.*"], {"vision": 2, "projector": 4, "llm": 4, "policy": 4}),
        (["projector/.*", "llm/.*"], {"vision": 2, "projector": 4, "llm": 6, "policy": 4}),
        (["policy/.*"], {"vision": 2, "projector": 2, "llm": 2, "policy": 4}),
    ):
        found = flops_per_token(*split(tree, param_labels(tree, patterns)), config)
        assert found["llm"] == share["llm"] * (blocks + head)
        vision = 24 * (4 * 1024**2 + 2 * 1024 * 4096) * 23 / 24 + 1024 * 3 * 14 * 14
        assert found["vision"] == share["vision"] * vision
        assert found["projector"] == share["projector"] * (1024 * 4096 + 4096 * 768 + 768**2)
    per = {"vision": 1.0, "projector": 10.0, "llm": 100.0, "policy": 1000.0}
    assert step_flops(per, tokens=3, images=2, patches=4, rows=5) == 8 + 80 + 300 + 5000


def test_peak_of_known_and_unknown_devices() -> None:
    """By the longest name that fits; else measured."""

    class Chip:
        device_kind = "TPU v5 lite"

    assert peak_flops(Chip())[0] == 197e12
    peak, how = peak_flops(jax.devices()[0])
    assert peak > 1e9
    assert how.startswith("measured on")


def test_bytes_text() -> None:
    """Three figures or so, in the unit that fits."""
    assert [bytes_text(n) for n in (0, 1023, 1536, 3 * 2**20, 5.5 * 2**30)] == [
        "0 B",
        "1,023 B",
        "1.5 KiB",
        "3.0 MiB",
        "5.5 GiB",
    ]


def test_a_run_needs_no_torch(tmp_path: Path) -> None:
    """Which tensorboardX would import: a process of a run does without, also where it is there."""
    code = """import pathlib, sys
from robomamba_jax.training.metrics_writer import TensorBoardWriter
TensorBoardWriter(pathlib.Path(sys.argv[1]), 0, "", {}).close()
assert "torch" not in sys.modules"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
