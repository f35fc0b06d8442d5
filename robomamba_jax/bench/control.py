# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What ``bench control`` measures: how often a robot would get a pose, and how soon words."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from robomamba_jax.bench.runner import BenchCase
from robomamba_jax.errors import InputError, unknown_name

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
        return list(dict.fromkeys((near, largest_that_fits(dtype, free_memory()))))
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in LLAMA:
            raise unknown_name("bad_arguments", "shape in --peers", name, LLAMA)
    return names


def control_cases(
    preset: str,
    encoder: str,
    *,
    batch: int,
    text: int,
    dtype: str,
    peers: Sequence[str],
    peer_dtype: str,
    lengths: Sequence[int],
    rounds: int,
) -> list[BenchCase]:
    """Poses, first tokens and decoding, and the curve over the length of the context.

    Args:
      preset: of the language model.
      encoder: of images, by its name in ``VISION_PRESETS``.
      batch: images at a time.
      text: tokens of an instruction.
      dtype: ours, of computation and parameters.
      peers: names in ``LLAMA``, the one for the curve first; none = ours alone.
      peer_dtype: theirs.
      lengths: of the context, for the curve.
      rounds: measurements; a peer of other size than the first gets a tenth, since one may take
        a minute.

    Raises:
      InputError: a name is unknown.
    """
    from robomamba_jax.config import model_preset

    vision = model_preset(preset, vision=encoder).vision
    if vision is None:
        raise InputError("bad_arguments", f"{encoder} reads no images", "give --encoder NAME")
    shared = {
        "control": True,
        "preset": preset,
        "encoder": encoder,
        "batch": batch,
        "text": text,
        "patches": vision.num_patches,
        "dtype": dtype,
        "peer_dtype": peer_dtype,
    }
    cases = []
    for place, peer in enumerate(peers or ("",)):
        sides = ("robomamba-control", *((f"llama-{peer}",) if peer else ()))
        beside = f" beside LLaMA {peer}" if place else ""
        few = max(2, rounds // 10) if place else rounds
        for kind, name in (("pose", "one pose"), ("first", "first token"), ("decode", "decoding")):
            work = {**shared, "kind": kind, "new_tokens": 32}
            size = f"{preset} + {encoder}, {batch} x ({vision.num_patches} + {text})"
            cases.append(BenchCase(f"{name}{beside}: {size}", sides, work, few))
    return cases + _curve(shared, peers[:1], lengths, max(3, rounds // 10))


def _curve(
    shared: dict[str, Any], peers: Sequence[str], lengths: Sequence[int], rounds: int
) -> list[BenchCase]:
    """The language models alone, batch 1, behind contexts of several lengths."""
    cases = []
    sides = ("robomamba-control", *(f"llama-{peer}" for peer in peers))
    for length in lengths:
        for kind, name in (("prefill", "read"), ("decode", "decode behind")):
            work = {**shared, "kind": kind, "batch": 1, "text": length, "patches": 0}
            work |= {"new_tokens": 16, "context": length}
            cases.append(BenchCase(f"{name} {length} tokens", sides, work, rounds))
    return cases


def rates(work: Mapping[str, Any], side: Mapping[str, Any]) -> dict[str, float]:
    """Poses a second, or tokens a second, of the median."""
    seconds, batch = side["seconds"], work["batch"]
    if work["kind"] == "pose":
        return {"hz": batch / seconds}
    if work["kind"] == "decode":
        return {"tokens_per_second": batch * work["new_tokens"] / seconds}
    return {"tokens_per_second": batch * (work["text"] + work["patches"]) / seconds}


def curve_rows(cases: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
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
            rows.append(
                (
                    str(length),
                    side,
                    f"{read['seconds']:.3f} s",
                    f"{1e3 * step:.3g} ms",
                    " / ".join(f"{ratio:.2f}" for ratio in ratios),
                )
            )
    return rows
