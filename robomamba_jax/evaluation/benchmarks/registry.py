# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""All benchmarks by name."""

from __future__ import annotations

from robomamba_jax.errors import unknown_name
from robomamba_jax.evaluation.benchmarks.base import Benchmark
from robomamba_jax.evaluation.benchmarks.gqa import GQA
from robomamba_jax.evaluation.benchmarks.manipulation import MANIPULATION
from robomamba_jax.evaluation.benchmarks.mmbench import MMBENCH
from robomamba_jax.evaluation.benchmarks.mme import MME
from robomamba_jax.evaluation.benchmarks.mmvet import MMVET
from robomamba_jax.evaluation.benchmarks.ocrvqa import OCRVQA
from robomamba_jax.evaluation.benchmarks.pope import POPE
from robomamba_jax.evaluation.benchmarks.robovqa import ROBOVQA
from robomamba_jax.evaluation.benchmarks.vizwiz import VIZWIZ
from robomamba_jax.evaluation.benchmarks.vqa import OKVQA, VQAV2

_BENCHMARKS = (VQAV2, OKVQA, GQA, OCRVQA, VIZWIZ, POPE, MME, MMBENCH, MMVET, ROBOVQA, MANIPULATION)
ALL: dict[str, Benchmark] = {benchmark.name: benchmark for benchmark in _BENCHMARKS}


def benchmark(name: str) -> Benchmark:
    """The benchmark called ``name``.

    Raises:
      InputError: no such benchmark; the message names the near ones.
    """
    if name not in ALL:
        raise unknown_name("unknown_benchmark", "benchmark", name, ALL)
    return ALL[name]
