# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Poses a second: what is measured, the transformer's shapes, the whole command on small ones."""

import json

import pytest

from robomamba_jax.bench.control import (
    LLAMA,
    ControlBench,
    Shape,
    chosen_peers,
    largest_that_fits,
    llama_parameters,
)
from robomamba_jax.cli.main import main
from robomamba_jax.errors import InputError


@pytest.mark.slow
def test_the_largest_shape_is_llamas() -> None:
    """6.74 billion, as transformers counts them for each shape."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    assert llama_parameters(LLAMA["7b"]) == 6_738_415_616
    for shape in (*LLAMA.values(), Shape(32, 3, 4, 96)):
        config = LlamaConfig(
            vocab_size=32_000,
            hidden_size=shape.width,
            intermediate_size=shape.inner,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
        )
        with torch.device("meta"):
            model = LlamaForCausalLM(config)
        assert sum(p.numel() for p in model.parameters()) == llama_parameters(shape)


@pytest.mark.parametrize(
    ("dtype", "gib", "name"),
    [("float32", 22, "3b"), ("bfloat16", 22, "7b"), ("float32", 64, "7b"), ("float32", 0, "tiny")],
)
def test_what_fits(dtype: str, gib: int, name: str) -> None:
    """Weights in at most seven tenths of what is free."""
    assert largest_that_fits(dtype, gib * 2**30) == name


def test_peers_by_name() -> None:
    """ "auto" has the preset's size first, which the curve is drawn with."""
    assert chosen_peers("130m,3b", "tiny", "float32") == ["130m", "3b"]
    assert chosen_peers("auto", "130m", "float32")[0] == "130m"
    with pytest.raises(InputError, match="unknown shape in --peers '13b'"):
        chosen_peers("13b", "130m", "float32")


def test_cases_name_what_they_do() -> None:
    """A slow second peer is measured less often; the curve has the language models alone."""
    bench = ControlBench(
        preset="tiny",
        encoder="tiny",
        batch_size=2,
        text=16,
        peers="tiny,130m",
        lengths=(256, 512),
        rounds=40,
    )
    cases = bench.make_cases()
    kinds = [(case.work["kind"], case.sides[-1], case.rounds) for case in cases]
    assert kinds[:3] == [(kind, "llama-tiny", 40) for kind in ("pose", "first", "decode")]
    assert kinds[3:6] == [(kind, "llama-130m", 4) for kind in ("pose", "first", "decode")]
    assert [case.work["context"] for case in cases[6:]] == [256, 256, 512, 512]


@pytest.mark.slow
@pytest.mark.usefixtures("sides_here")
def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Both sides run; poses in Hz, words in tokens a second, medians, p99, a curve."""
    flags = ["bench", "control", "--preset", "tiny", "--encoder", "tiny", "--peers", "tiny"]
    assert main([*flags, "--rounds", "3", "--lengths", "256", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [case["work"]["kind"] for case in result["cases"]] == [
        *("pose", "first", "decode"),
        *("prefill", "decode"),
    ]
    for case in result["cases"]:
        assert set(case["sides"]) == {"robomamba-control", "llama-tiny"}
        for side in case["sides"].values():
            assert "skipped" not in side
            assert side["rounds"] == 3
            assert side["seconds"] <= side["seconds_p99"] == side["seconds_max"]
            assert side["hz" if case["work"]["kind"] == "pose" else "tokens_per_second"] > 0
