# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The cases of ``bench device``: whoever builds something for accelerators adds its own here.

A group is a function of ``rehearse`` in ``GROUPS``; what its cases' sides do is a builder in
``worker.SIDES``. Rehearsed it runs the same code on tiny shapes, as the tests do on a CPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from robomamba_jax.bench.device.case import DeviceCase, Group

FACTS = "device-facts"
PRODUCTS = "device-products"
_BLOCK = {"width": 2560, "inner": 5120, "state": 16, "rank": 160}  # of the 2.8B
_TINY_BLOCK = {"width": 32, "inner": 128, "state": 2, "rank": 4}


class _Scan(NamedTuple):
    """A shape [batch, length, inner], N = state, and what is run of it.

    Attributes:
      batch: B.
      length: T.
      inner: I.
      state: N.
      sides: name behind "device-scan-" -> priority.
      dtype: of u, z, B, C and y.
    """

    batch: int
    length: int
    inner: int
    state: int
    sides: Mapping[str, int]
    dtype: str = "bfloat16"


_MAIN = {"kernel": 1, "chunk-16": 2, "chunk-8": 4, "chunk-64": 4}
_LANES = {"lanes-1": 6, "lanes-2": 6, "lanes-4": 6, "steps-32": 6}
# The 2.8B at several rows, 130m's width, nano as the demo trains it, one long row.
_SCANS = (
    _Scan(8, 2048, 5120, 16, {**_MAIN, **_LANES}),
    _Scan(1, 2048, 5120, 16, {"kernel": 3, "chunk-16": 4, "chunk-64": 4, "chunk-8": 6, **_LANES}),
    _Scan(4, 2048, 5120, 16, {"kernel": 4, "chunk-16": 5}),
    _Scan(8, 2048, 5120, 16, {"kernel": 4}, "float32"),
    _Scan(8, 2048, 1536, 16, {"kernel": 5, "chunk-16": 6}),
    _Scan(16, 384, 384, 8, {"kernel": 5, "chunk-16": 6}),
    _Scan(1, 32768, 5120, 16, {"kernel": 5, "chunk-16": 6}),
)
# Interpreted kernels compile slowly, and four states longer than two.
_TINY_SCANS = (
    _Scan(1, 64, 128, 2, {**_MAIN, **_LANES}),
    _Scan(1, 64, 128, 2, {"kernel": 4}, "float32"),
)


def scans(rehearse: bool) -> list[DeviceCase]:
    """The scan forward and backward: its kernel beside the chunked form."""
    cases = []
    for scan in _TINY_SCANS if rehearse else _SCANS:
        shape = f"{scan.batch}x{scan.length}x{scan.inner}x{scan.state}"
        work: dict[str, Any] = scan._asdict()
        del work["sides"]
        # So many calls in one program: one alone is shorter than the way to the device and back.
        work |= {"kind": "device-scan", "calls": 2 if rehearse else 20, "rehearse": rehearse}
        sides = {f"device-scan-{name}": priority for name, priority in scan.sides.items()}
        cases.append(DeviceCase(f"scan {shape}, {scan.dtype}", sides, work))
    return cases


def products(rehearse: bool) -> list[DeviceCase]:
    """The matrix products of one block, which the scan's time is compared with."""
    block, length = (_TINY_BLOCK, 64) if rehearse else (_BLOCK, 2048)
    cases = []
    for rows, priority in ((1, 1),) if rehearse else ((8, 1), (1, 3), (4, 4)):
        work = {"kind": "device-products", "batch": rows, "length": length, **block}
        work["calls"] = 2 if rehearse else 20
        name = f"products of a block, {rows}x{length}"
        cases.append(DeviceCase(name, {PRODUCTS: priority}, work))
    return cases


def steps(rehearse: bool) -> list[DeviceCase]:
    """The 2.8B's training step of stage 1.2, with and without rematerialisation."""
    size: dict[str, Any] = {"preset": "2.8b", "encoder": "clip-l14-224", "tokens": 2048}
    size |= {"sample": 340, "answer": 34}
    if rehearse:
        size = {"preset": "tiny", "encoder": "tiny", "tokens": 64, "sample": 32, "answer": 8}
    kernel, chunked = "device-step-kernel", "device-step-chunked"
    table = (
        (4, "block", {kernel: 2, chunked: 3}),
        (4, "none", {kernel: 2}),
        (1, "block", {kernel: 4, chunked: 5}),
        (1, "none", {kernel: 5}),
    )
    cases = []
    for rows, remat, sides in table[:2] if rehearse else table:
        work = {"kind": "device-step", "rows": rows, "remat": remat, "rehearse": rehearse, **size}
        name = f"step of {size['preset']}, {rows}x{size['tokens']}, remat {remat}"
        # Some minute of it is compiling.
        cases.append(DeviceCase(name, sides, work, seconds=180))
    return cases


def control(rehearse: bool) -> list[DeviceCase]:
    """One pose of the 2.8B, and tokens a second of its decoding."""
    from robomamba_jax.config import model_preset

    preset, encoder = ("tiny", "tiny") if rehearse else ("2.8b", "clip-l14-224")
    vision = model_preset(preset, vision=encoder).vision
    assert vision is not None
    shared = {
        "control": True,
        "preset": preset,
        "encoder": encoder,
        "batch": 1,
        "text": 32,
        "patches": vision.num_patches,
        "dtype": "bfloat16",
        "peer_dtype": "bfloat16",
        "new_tokens": 8 if rehearse else 64,
    }
    return [
        DeviceCase(f"{name} of {preset}", {"robomamba-control": 3}, {**shared, "kind": kind})
        for kind, name in (("pose", "one pose"), ("decode", "decoding"))
    ]


def peers(rehearse: bool) -> list[DeviceCase]:
    """Scans of torch with CUDA, where they are installed."""
    sizes = (1, 64, 128, 2) if rehearse else (8, 2048, 5120, 16)
    work: dict[str, Any] = dict(zip(("batch", "length", "inner", "state"), sizes, strict=True))
    work |= {"kind": "device-scan", "dtype": "bfloat16", "calls": 2 if rehearse else 20}
    work["rehearse"] = rehearse
    shape = "x".join(map(str, sizes))
    sides = {"torch-mamba-ssm": 4}
    cases = [DeviceCase(f"torch's scan {shape}, bfloat16", sides, work)]
    # mambapy keeps every state of every level: at eight rows that is more than a GPU holds.
    one = {**work, "batch": 1, "dtype": "float32"}
    shape = "x".join(map(str, (1, *sizes[1:])))
    cases.append(DeviceCase(f"torch's scan {shape}, float32", {"torch-mambapy-scan": 6}, one))
    return cases


GROUPS: Mapping[str, Group] = {
    "scan": scans,
    "products": products,
    "step": steps,
    "control": control,
    "peers": peers,
}
"""Name, as in ``--cases``, -> its cases."""
