# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What the sides of a case read: ``work`` in the JSON of ``robomamba bench --json``."""

from __future__ import annotations

from typing import NotRequired, TypedDict


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


class MachineFacts(TypedDict):
    """What the machine is, without its name."""

    cpu: str
    cores: int | None
    memory_bytes: int
    load: float
