# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What ``bench control`` measures: how often a robot would get a pose, and how soon words."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from robomamba_jax.bench.benchmark import Bench, BenchCase, check_names, option
from robomamba_jax.bench.records import CaseResult, ControlWork, Figures
from robomamba_jax.config.checks import one_of
from robomamba_jax.errors import InputError

ACTION_TOKENS = 7
DEFINITION = (
    "One pose, ours: an image that is in memory as an array, and an instruction of tokens, "
    "through encoder, projector, language model and policy head, back on the host. LLaMA's shape "
    f"beside it: as many tokens in, and {ACTION_TOKENS} out one after the other, which is how "
    "OpenVLA writes an action; its own image encoder is left out, in its favour. Weights are "
    "random. Medians of single runs, after two that warm up and compile; p99 is the slowest of "
    "fewer than 100."
)
CURVE = (256, 512, 1024, 2048, 4096, 8192)
_FILL = 0.7  # of the memory that is free: weights, and room for what is computed


class Shape(NamedTuple):
    """A transformer decoder of LLaMA's kind.

    Attributes:
      width: of the residual stream.
      layers: how many.
      heads: of attention.
      inner: width of the MLP.
    """

    width: int
    layers: int
    heads: int
    inner: int


VOCAB = 32_000
# 7b is LLaMA's own; the others are the same with fewer and narrower layers, largest first.
LLAMA = {
    "7b": Shape(4096, 32, 32, 11008),
    "3b": Shape(3200, 26, 25, 8640),
    "1b": Shape(2048, 22, 16, 5632),
    "350m": Shape(1024, 24, 16, 2816),
    "130m": Shape(768, 12, 12, 2048),
    "tiny": Shape(64, 2, 2, 128),
}
# Which of them has about as many parameters as a preset.
_NEAR = {"2.8b": "3b", "1.4b": "1b", "790m": "1b", "370m": "350m", "130m": "130m"}
_BYTES = {"float32": 4, "bfloat16": 2}


def llama_parameters(shape: Shape) -> int:
    """How many numbers a shape has: embedding and head apart, no biases."""
    # Query, key, value and output; gate, up and down of the MLP; two norms.
    layer = 4 * shape.width**2 + 3 * shape.width * shape.inner + 2 * shape.width
    return shape.layers * layer + 2 * VOCAB * shape.width + shape.width


def largest_that_fits(dtype: str, available: int) -> str:
    """The largest shape whose weights take at most a share of the free memory."""
    for name, shape in LLAMA.items():
        if llama_parameters(shape) * _BYTES[dtype] <= _FILL * available:
            return name
    return "tiny"


def free_memory() -> int:
    """Bytes that could be had without swapping."""
    # Linux counts caches that it would give up; free pages alone are fewer, but every system has
    # them.
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")


def chosen_peers(text: str, preset: str, dtype: str) -> list[str]:
    """Names of shapes: "auto" is the one near the preset and the largest that fits.

    Raises:
      InputError: no such shape.
    """
    if text == "auto":
        near = _NEAR.get(preset, "tiny")
        # A preset may be near the largest that fits: it is measured once.
        return list(dict.fromkeys((near, largest_that_fits(dtype, free_memory()))))
    names = [name for name in text.split(",") if name]
    check_names("shape in --peers", names, LLAMA)
    return names


@dataclasses.dataclass(frozen=True, kw_only=True)
class ControlBench(Bench):
    """Poses a second, time to the first token, beside a LLaMA-shaped transformer."""

    what = "control"

    rounds: int = option(30, "measurements per side")
    preset: str = option("130m", "the language model's shape")
    encoder: str = option("clip-l14-224", "of images")
    batch_size: int = option(1, "images", "--batch")
    text: int = option(32, "tokens of an instruction")
    dtype: str = option("float32", "ours: float32 or bfloat16")
    peers: str = option("auto", "7b,3b,1b,350m,130m; auto: the preset's, and the largest here")
    peer_dtype: str = option("float32", "theirs")
    lengths: tuple[int, ...] | None = option(CURVE, "of the curve, or none")

    def make_cases(self) -> list[BenchCase]:
        """Poses, first tokens and decoding, and the curve over the length of the context.

        A peer of another size than the first gets a tenth of the rounds, since one may take a
        minute.
        """
        from robomamba_jax.config import model_preset

        for flag, value in (("--dtype", self.dtype), ("--peer-dtype", self.peer_dtype)):
            one_of(flag, value, tuple(_BYTES))
        peers = []
        if not self.no_peers:
            peers = chosen_peers(self.peers, self.preset, self.peer_dtype)
        vision = model_preset(self.preset, vision=self.encoder).vision
        if vision is None:
            what = f"{self.encoder} reads no images"
            raise InputError("bad_arguments", what, "give --encoder NAME")
        # The JSON of a case is read by people, too: every number that it was made with is in it.
        shared = {
            "control": True,
            "preset": self.preset,
            "encoder": self.encoder,
            "batch": self.batch_size,
            "text": self.text,
            "patches": vision.num_patches,
            "dtype": self.dtype,
            "peer_dtype": self.peer_dtype,
        }
        cases = []
        kinds = {"pose": "one pose", "first": "first token", "decode": "decoding"}
        size = f"{self.batch_size} x ({vision.num_patches} + {self.text})"
        for place, peer in enumerate(peers or ("",)):
            sides = ("robomamba-control", *((f"llama-{peer}",) if peer else ()))
            beside = f" beside LLaMA {peer}" if place else ""
            few = max(2, self.rounds // 10) if place else self.rounds
            for kind, what in kinds.items():
                work = {**shared, "kind": kind, "new_tokens": 32}
                name = f"{what}{beside}: {self.preset} + {self.encoder}, {size}"
                cases.append(BenchCase(name, sides, work, few))
        return [*cases, *self._curve(shared, peers[:1])]

    def _curve(self, shared: Mapping[str, Any], peers: Sequence[str]) -> Iterator[BenchCase]:
        """The language models alone, batch 1, behind contexts of several lengths."""
        sides = ("robomamba-control", *(f"llama-{peer}" for peer in peers))
        for length in self.lengths or ():
            for kind, name in (("prefill", "read"), ("decode", "decode behind")):
                work = {**shared, "kind": kind, "batch": 1, "text": length, "patches": 0}
                work |= {"new_tokens": 16, "context": length}
                few = max(3, self.rounds // 10)
                yield BenchCase(f"{name} {length} tokens", sides, work, few)


def rates(work: ControlWork, side: Figures) -> Figures:
    """Poses a second, or tokens a second, of the median."""
    seconds, batch = side["seconds"], work["batch"]
    if work["kind"] == "pose":
        return {"hz": batch / seconds}
    if work["kind"] == "decode":
        return {"tokens_per_second": batch * work["new_tokens"] / seconds}
    return {"tokens_per_second": batch * (work["text"] + work["patches"]) / seconds}


def curve_rows(cases: Sequence[CaseResult]) -> list[tuple[str, ...]]:
    """(context, side, seconds to read it, milliseconds a token behind it, ratio to ours)."""
    rows = []
    lengths = dict.fromkeys(c["work"]["context"] for c in cases if "context" in c["work"])
    for length in lengths:
        found = {c["work"]["kind"]: c for c in cases if c["work"].get("context") == length}
        for side in found["prefill"]["sides"]:
            read, decode = (found[kind]["sides"].get(side, {}) for kind in ("prefill", "decode"))
            if "skipped" in read or "skipped" in decode:
                rows.append((str(length), side, "-", "-", "-"))
                continue
            step = decode["seconds"] / found["decode"]["work"]["new_tokens"]
            ratios = [found[kind]["ratios"].get(side, 1.0) for kind in ("prefill", "decode")]
            both = " / ".join(f"{ratio:.2f}" for ratio in ratios)
            times = (f"{read['seconds']:.3f} s", f"{1e3 * step:.3g} ms")
            rows.append((str(length), side, *times, both))
    return rows
