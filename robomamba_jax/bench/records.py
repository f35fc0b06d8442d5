# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The JSON of ``robomamba bench --json``: what the sides of a case read (``work``), and what they
measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, TypeAlias, TypedDict


class MachineWork(TypedDict):
    """The machine's limits: "read" or "gemm"."""

    kind: str


class ScanWork(TypedDict):
    """A selective scan of [batch, length, inner], "forward" or "backward"; N = ``state``."""

    kind: str
    chunk_size: int | None
    batch: int
    length: int
    inner: int
    state: int


class LanguageWork(TypedDict):
    """ "prefill", "decode" or "train" of a language model."""

    kind: str
    preset: str
    batch: int
    length: int
    new_tokens: NotRequired[int]
    remat: NotRequired[str]


class DataWork(TypedDict):
    """An epoch of ``samples`` in batches of ``rows``."""

    samples: int
    rows: int
    encoder: str
    tokenizer: str
    workers: int


class TrainWork(TypedDict):
    """A step of the stage ``kind``; sizes are those of the two checkpoints."""

    kind: str
    folder: str
    published: str
    rows: int
    text: int
    remat: str
    encoder: str
    side: int
    patches: int
    heads: int
    vocab: int
    width: int


class StepWork(TypedDict):
    """A packed step of ``nano`` with so many ``layers`` of ``width``, on ``rows`` of ``tokens``."""

    kind: str
    layers: int
    width: int
    rows: int
    tokens: int
    encoder: str
    optimizer: str


class WorldWork(TypedDict):
    """ "image" or "trial", at ``size`` pixels."""

    kind: str
    size: int
    samples: int


class ControlWork(TypedDict):
    """ "pose", "first", "decode" or "prefill"; ``patches`` is 0 for the language model alone."""

    kind: str
    preset: str
    encoder: str
    batch: int
    text: int
    patches: int
    dtype: str
    peer_dtype: str
    new_tokens: int


class DeviceScanWork(TypedDict):
    """A scan of [batch, length, inner] with N = ``state``, ``calls`` times in one program; u, z, B,
    C and y are of ``dtype``."""

    kind: str
    batch: int
    length: int
    inner: int
    state: int
    dtype: str
    calls: int
    rehearse: bool


class DeviceProductsWork(TypedDict):
    """A block's matrix products over [batch, length] tokens, ``calls`` times in one program."""

    kind: str
    batch: int
    length: int
    width: int
    inner: int
    state: int
    rank: int
    calls: int


class DeviceStepWork(TypedDict):
    """A packed step of stage 1.2; a ``sample`` is an image and its text, of which ``answer`` tokens
    are learned."""

    kind: str
    preset: str
    encoder: str
    rows: int
    tokens: int
    sample: int
    answer: int
    remat: str
    rehearse: bool


class MachineFacts(TypedDict):
    """What the machine is, without its name."""

    cpu: str
    cores: int | None
    memory_bytes: int
    load: float


Figures: TypeAlias = "dict[str, Any]"
"""What is known of a side: what was measured (``runner.run_case``), facts of the work that it built
(each builder's own), and rates (``results``); of one that could not run, why: ``skipped``."""


class CaseResult(TypedDict):
    """A case's sides, and for each but the first its seconds over the first one's: the median over
    the rounds."""

    name: str
    work: Mapping[str, Any]
    sides: dict[str, Figures]
    ratios: dict[str, float]


class Limits(TypedDict):
    """What the machine reaches: bytes read from memory, and a float32 matrix product."""

    read_gb_s: float
    gemm_gflop_s: float


class BenchResult(TypedDict):
    """The whole output."""

    schema: str
    what: str
    machine: MachineFacts
    versions: dict[str, str]
    limits: Limits
    cases: list[CaseResult]


class DeviceResult(BenchResult):
    """``bench device``'s output.

    Attributes:
      device: of ``device.facts``: kind, driver, clocks, what products and memory reach.
      rehearsal: tiny shapes were run, whose times say nothing of the device.
      minutes: that were given.
      seconds: that it took.
    """

    device: Figures
    rehearsal: bool
    minutes: int
    seconds: float
