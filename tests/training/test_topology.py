# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Names of topologies, and the GPUs behind them."""

from __future__ import annotations

import importlib.util
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.cli.plan import _prepare
from robomamba_jax.errors import InputError
from robomamba_jax.training.gpu_targets import FLAGS, GPUS
from robomamba_jax.training.plan_time import peak_products
from robomamba_jax.training.topology import CHIPS, TopologyName, open_topology, read_topology


@pytest.mark.parametrize(
    ("name", "parts", "platform"),
    [
        ("cpu:8", (1, "cpu", (8,)), "cpu"),
        ("v5e:4x4", (1, "v5e", (4, 4)), "tpu"),
        ("v5p:4x4x4", (1, "v5p", (4, 4, 4)), "tpu"),
        ("tpu7x:4x4x4", (1, "tpu7x", (4, 4, 4)), "tpu"),
        ("h200:8", (1, "h200", (8,)), "gpu"),
        ("2xh100:8", (2, "h100", (8,)), "gpu"),
        ("16xa100:4", (16, "a100", (4,)), "gpu"),
    ],
)
def test_names(name: str, parts: tuple[int, str, tuple[int, ...]], platform: str) -> None:
    """Hosts, kind, sides."""
    parsed = read_topology(name)
    assert parsed == TopologyName(*parts)
    assert parsed.platform == platform


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("", "no topology ''"),
        ("h200", "no topology 'h200'"),
        ("h200:", "no topology"),
        ("h200:0", "no topology"),
        ("0xh200:8", "no topology"),
        ("2x:8", "no topology"),
        ("H200:8", "no topology"),
        ("h200:8 ", "no topology"),
        ("v5e:2x2x2x2", "no topology"),
        ("b300:8", "unknown chip 'b300'"),
        ("h20:8", "unknown chip 'h20' (did you mean"),
        ("h200:4x2", "h200 counts devices"),
        ("v5e:16", "a slice has two or three sides"),
        ("2xv5e:4x4", "several slices of TPUs"),
        ("2xcpu:4", "this machine is one"),
        ("9" * 5000 + "xh200:8", "no topology"),
    ],
)
def test_bad_names(name: str, what: str) -> None:
    """One line that says what to give instead."""
    with pytest.raises(InputError, match=re.escape(what)) as caught:
        read_topology(name)
    assert caught.value.kind == "bad_topology"
    assert caught.value.fix
    assert len(str(caught.value)) < 300


@given(st.text(max_size=30))
def test_any_text(text: str) -> None:
    """Is a topology or one error, never another."""
    try:
        parsed = read_topology(text)
    except InputError:
        return
    assert parsed.kind in (*CHIPS, *GPUS, "cpu")


@given(
    st.integers(1, 999_999), st.sampled_from(sorted(GPUS)), st.integers(1, 999_999), st.booleans()
)
def test_gpu_names_come_back(hosts: int, kind: str, devices: int, front: bool) -> None:
    """Whatever the numbers."""
    name = f"{hosts}x{kind}:{devices}" if front else f"{kind}:{devices}"
    assert read_topology(name) == (hosts if front else 1, kind, (devices,))


CUDA = importlib.util.find_spec("jax_cuda12_plugin") is not None


@pytest.mark.skipif(CUDA, reason="jax's CUDA plugin is here")
def test_without_the_plugin() -> None:
    """One line with the mend."""
    with pytest.raises(InputError) as caught:
        open_topology("2xh100:8")
    assert caught.value.kind == "bad_topology"
    assert "make plan-env" in caught.value.fix


@pytest.mark.skipif(not CUDA, reason="jax's CUDA plugin is not here")
def test_gpus_that_are_not_there() -> None:
    """A host's devices stand next to each other."""
    topology = open_topology("2xh100:8")
    assert (len(topology.devices), topology.hosts, topology.platform) == (16, 2, "gpu")
    assert [device.process_index for device in topology.devices] == [0] * 8 + [1] * 8


@pytest.mark.parametrize("kind", GPUS)
def test_targets(kind: str) -> None:
    """Text that XLA's parser of protos takes: names and numbers in balanced brackets."""
    target = GPUS[kind]
    text = target.text()
    assert text.count("{") == text.count("}") == 4
    assert f"core_count: {target.cores} " in text
    assert f"device_memory_size: {target.memory} " in text
    assert "e+" not in text
    assert peak_products(target) == {"a100": 312e12}.get(kind, 989e12)


def test_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set for GPUs alone, and never over what the user has set."""
    for name in ("JAX_PLATFORMS", "JAX_NUM_CPU_DEVICES", "TPU_SKIP_MDS_QUERY"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    monkeypatch.setenv("XLA_FLAGS", "")
    _prepare("v5e:4x4")
    assert os.environ["XLA_FLAGS"] == ""
    _prepare("2xh100:8")
    assert os.environ["XLA_FLAGS"].split() == list(FLAGS)
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_autotune_level=2 --other=1")
    _prepare("h200:8")
    assert os.environ["XLA_FLAGS"].split() == [
        *("--xla_gpu_autotune_level=2", "--other=1", FLAGS[0]),
    ]
