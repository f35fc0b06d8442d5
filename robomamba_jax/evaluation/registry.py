# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""All benchmarks by name."""

from __future__ import annotations

from robomamba_jax.errors import unknown_name
from robomamba_jax.evaluation.gqa import GQA
from robomamba_jax.evaluation.items import Benchmark
from robomamba_jax.evaluation.manipulation import MANIPULATION
from robomamba_jax.evaluation.mmbench import MMBENCH
from robomamba_jax.evaluation.mme import MME
from robomamba_jax.evaluation.mmvet import MMVET
from robomamba_jax.evaluation.ocrvqa import OCRVQA
from robomamba_jax.evaluation.pope import POPE
from robomamba_jax.evaluation.robovqa import ROBOVQA
from robomamba_jax.evaluation.vizwiz import VIZWIZ
from robomamba_jax.evaluation.vqa import OKVQA, VQAV2

ALL: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        VQAV2,
        OKVQA,
        GQA,
        OCRVQA,
        VIZWIZ,
        POPE,
        MME,
        MMBENCH,
        MMVET,
        ROBOVQA,
        MANIPULATION,
    )
}


def benchmark(name: str) -> Benchmark:
    """The benchmark called ``name``.

    Raises:
      InputError: no such benchmark; the message names the near ones.
    """
    if name not in ALL:
        raise unknown_name("unknown_benchmark", "benchmark", name, ALL)
    return ALL[name]
