# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From a step that was compiled, not run, to tokens a second, and hours and money of a stage.

An estimate under assumptions that are all printed with it, see ``ASSUMPTIONS``.
"""

from __future__ import annotations

from typing import NamedTuple, TypedDict

from robomamba_jax.ops.kernels.scan_cuda import BACKWARD, FORWARD
from robomamba_jax.training.flops import PEAK_FLOPS
from robomamba_jax.training.gpu_targets import GpuTarget
from robomamba_jax.training.hlo_cost import Rates, step_cost

PRODUCTS_SHARE = 0.8  # 788 of 989 TFLOP/s: a product of 8192 x 8192 bfloat16, measured on an H200
MEMORY_SHARE = 0.9  # assumed: what streaming kernels usually reach
# Assumed: what the driver takes to start a kernel behind another; graphs of kernels take less.
LAUNCH = 2e-6
SCAN_CYCLES = {FORWARD: 1.25 / 16, BACKWARD: 5.3 / 16}
"""Of a multiprocessor for one state update, from the machine code for sm_90 (N = 16, bfloat16): the
forward kernel's 20 special functions a position at 16 a cycle; the backward kernel's 170
instructions of a warp for eight channels, at four a cycle."""
FILLED = 0.95  # see docs/data.md: rows of 2,048 tokens that are packed
IMAGE_TOKENS = 256  # of CLIP ViT-L/14 at 224 pixels


class Corpus(NamedTuple):
    """What a stage of the paper reads.

    Attributes:
      name: of the data.
      samples: in one epoch.
      text_tokens: of a sample on average, beside its image's; assumed.
    """

    name: str
    samples: int
    text_tokens: int


class PaperMix(NamedTuple):
    """A stage of the paper: its data and how often they are read."""

    epochs: int
    corpora: tuple[Corpus, ...]


# Samples and epochs are the paper's; LLaVA's own file has 665,298 records.
MIXES = {
    "align": PaperMix(1, (Corpus("LLaVA-Pretrain 558K", 558_128, 40),)),
    "instruct": PaperMix(
        2, (Corpus("LLaVA 655K", 655_000, 250), Corpus("RoboVQA 300K", 300_000, 60))
    ),
    "manipulate": PaperMix(8, (Corpus("poses 10K", 10_000, 60),)),
}

ASSUMPTIONS = (
    f"products at {PRODUCTS_SHARE:.0%} of the data sheet's dense bfloat16 rate, memory at "
    f"{MEMORY_SHARE:.0%} of its",
    "the scan's own kernel takes the cycles of its instructions, with no stalls",
    f"a kernel takes {LAUNCH * 1e6:.0f} us at least; nothing overlaps, nothing stays in a cache",
    "between hosts each GPU has a network port of its own",
    f"an image is {IMAGE_TOKENS} tokens; packed rows are {FILLED:.0%} full",
    "no time for data, checkpoints, compiling, restarts",
)


class PartTime(TypedDict):
    """Of a part of a step, on one device."""

    seconds: float
    kernels: int
    bytes: float
    flops: float


class CorpusTokens(TypedDict):
    """A corpus with its share of a stage."""

    name: str
    samples: int
    text_tokens: int


class StageTime(TypedDict):
    """A stage of the paper on the planned devices.

    Attributes:
      epochs: over all of ``corpora``.
      corpora: what is read.
      tokens: of all epochs, images included.
      steps: as many as hold them.
      hours: on the clock.
      device_hours: times the devices.
      cost: device-hours times the price; None without one.
    """

    epochs: int
    corpora: list[CorpusTokens]
    tokens: int
    steps: int
    hours: float
    device_hours: float
    cost: float | None


class TimeReport(TypedDict):
    """What a step is estimated to take.

    Attributes:
      parts: products, scan, rest and collectives.
      step_seconds: their sum.
      tokens_per_second: of all devices, real tokens.
      peak_share: of the data sheet's rate that the compiled products reach.
      stage: None where the step is not the whole model's or the stage not the paper's.
      assumptions: one a line.
    """

    parts: dict[str, PartTime]
    step_seconds: float
    tokens_per_second: float
    peak_share: float
    stage: StageTime | None
    assumptions: list[str]


def peak_products(target: GpuTarget) -> float:
    """Of a GPU, dense bfloat16 FLOP/s as in ``PEAK_FLOPS``."""
    return max(rate for name, rate in PEAK_FLOPS.items() if target.kind.startswith(name))


def time_report(
    text: str,
    target: GpuTarget,
    *,
    devices: int,
    hosts: int,
    rows: int,
    seq_len: int,
    packed: bool,
    stage: str = "",
    text_tokens: int | None = None,
    price: float | None = None,
) -> TimeReport:
    """What a compiled step takes.

    Args:
      text: the program compiled for the target, as HLO.
      target: the kind of GPU.
      devices: how many.
      hosts: on how many hosts.
      rows: of a whole batch.
      seq_len: tokens of a row.
      packed: whether a row holds several samples.
      stage: whose data in the paper; "" for none.
      text_tokens: of every sample on average, instead of what is assumed.
      price: of one device for an hour.
    """
    peak = peak_products(target)
    rates = Rates(
        products=PRODUCTS_SHARE * peak,
        memory=MEMORY_SHARE * target.bandwidth,
        launch=LAUNCH,
        link=target.link,
        network=target.network,
        scan_steps={n: target.cores * target.clock * 1e9 / c for n, c in SCAN_CYCLES.items()},
    )
    # Only what was compiled is known: how well kernels do what they do is left to the rates.
    costs = step_cost(text, rates, devices=devices, hosts=hosts)
    seconds = sum(cost.seconds for cost in costs.values())
    filled = FILLED if packed else 1.0
    report: TimeReport = {
        "parts": {
            name: PartTime(seconds=c.seconds, kernels=c.kernels, bytes=c.bytes, flops=c.flops)
            for name, c in costs.items()
        },
        "step_seconds": seconds,
        "tokens_per_second": filled * rows * seq_len / seconds if seconds else 0.0,
        "peak_share": costs["products"].flops / seconds / peak if seconds else 0.0,
        "stage": None,
        "assumptions": list(ASSUMPTIONS),
    }
    # A stage of the user's own has data that nobody here has counted.
    mix = MIXES.get(stage)
    if mix is not None and seconds:
        if text_tokens is not None:
            corpora = tuple(c._replace(text_tokens=text_tokens) for c in mix.corpora)
            mix = mix._replace(corpora=corpora)
        report["stage"] = _stage(mix, seconds, devices, rows, filled * seq_len, packed, price)
    return report


def _stage(
    mix: PaperMix,
    seconds: float,
    devices: int,
    rows: int,
    row_tokens: float,
    packed: bool,
    price: float | None,
) -> StageTime:
    samples = mix.epochs * sum(c.samples for c in mix.corpora)
    tokens = mix.epochs * sum(c.samples * (c.text_tokens + IMAGE_TOKENS) for c in mix.corpora)
    # A row of a policy's batch holds one sample, however short.
    steps = -(-tokens // int(rows * row_tokens)) if packed else -(-samples // rows)
    # Every step costs what the largest batch costs: rows are padded to one size.
    hours = steps * seconds / 3600
    return {
        "epochs": mix.epochs,
        "corpora": [CorpusTokens(**c._asdict()) for c in mix.corpora],
        "tokens": tokens,
        "steps": steps,
        "hours": hours,
        "device_hours": hours * devices,
        "cost": None if price is None else hours * devices * price,
    }
