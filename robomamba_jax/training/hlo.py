# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The collectives and kernels of a program, read from its text (HLO), before or after compiling.

A loop's body stands once in the text and runs many times: counts are multiplied by the trips of
the loops around. For TPUs a collective may be written in several computations (its start, its
steps), which share a channel of their own.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import NamedTuple

KINDS = ("all-gather", "all-reduce", "reduce-scatter", "all-to-all", "collective-permute")

_BYTES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s16": 2, "u16": 2}
_BYTES |= {"f32": 4, "s32": 4, "u32": 4, "f64": 8, "s64": 8, "u64": 8}
# "%body.12 (p: (s32[], f32[8])) -> (s32[], f32[8]) {", or "body.12 {" before compiling.
_COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.\-]+) (?:\(.*)?\{$")
# Of an asynchronous pair the "-start" counts, and its "-done" does not match.
_COLLECTIVE = re.compile(rf"= (\(?.*?\)?) ({'|'.join(KINDS)})(?:-start)?\(")
_SHAPE = re.compile(r"\b(\w+)\[([\d,]*)\]")
_CALLS = re.compile(
    r"(?:calls|to_apply|body|condition|branch_computations)=\{?([^,}\s]+(?:, ?%[^,}\s]+)*)"
)
# A loop by itself, because its body runs once a trip and its condition does not matter.
_WHILE = re.compile(r"\bwhile\(.*condition=%?([\w.\-]+), body=%?([\w.\-]+)")
_CONSTANT = re.compile(r"= s32\[\][^=]*\bconstant\((\d+)\)")
# The backend's own note on a loop, where it has worked that out.
_TRIPS = re.compile(r"known_trip_count[^\d]*(\d+)")
# A kernel is one opaque call, which bears the kernel's name.
_KERNEL = re.compile(r'%([\w\-]+?)[.\d]* = .* custom-call\(.*custom_call_target="tpu_custom_call"')


class Collective(NamedTuple):
    """One collective operation.

    Attributes:
      kind: of ``KINDS``.
      count: how often a step runs it.
      bytes: of its result on one device, once.
      loops: how many loops it stands in.
      shape: of its result, as in the text.
      where: the name of what it belongs to in the traced program.
    """

    kind: str
    count: int
    bytes: int
    loops: int
    shape: str
    where: str


def kernels(text: str) -> dict[str, int]:
    """The hand-written kernels in a compiled TPU program: name -> calls, loops counted once."""
    return dict(sorted(Counter(_KERNEL.findall(text)).items()))


def collectives(text: str) -> list[Collective]:
    """All collective operations of a program in HLO text, by bytes that a step moves."""
    bodies, entry = _computations(text)
    # Elsewhere collectives stand in one place each, and may all have the same channel.
    pieces = "async_collective_fusion" in text
    trips = _visits(bodies, entry)
    found: dict[str, Collective] = {}
    for name, lines in bodies.items():
        count, loops = trips.get(name, (0, 0))
        for line in lines if count else ():
            match = _COLLECTIVE.search(line)
            if match is None:
                continue
            channel = re.search(r"channel_id=(\d+)", line)
            key = channel[1] if channel and pieces else line.strip()
            where = re.search(r'op_name="([^"]*)"', line)
            # Without layouts ("{1,0:T(8,128)}") and comments ("/*index=5*/").
            shape = re.sub(r"\{[^}]*\}|/\*[^*]*\*/", "", match[1])
            collective = Collective(
                match[2], count, _size(match[1], match[2]), loops, shape, where[1] if where else ""
            )
            # The pieces of one collective count once, as often as the one that runs most.
            if key not in found or found[key].count < count:
                found[key] = collective
    return sorted(found.values(), key=lambda x: -x.bytes * x.count)


def _computations(text: str) -> tuple[dict[str, list[str]], str]:
    """Name -> lines, and the entry's name."""
    bodies: dict[str, list[str]] = {}
    entry, current = "", None
    for line in text.splitlines():
        match = _COMPUTATION.match(line)
        if match:
            current = bodies.setdefault(match[2], [])
            entry = match[2] if match[1] else entry
        elif line.startswith("}"):
            current = None
        elif current is not None:
            current.append(line)
    return bodies, entry


def _visits(bodies: dict[str, list[str]], entry: str) -> dict[str, tuple[int, int]]:
    """Computation -> (how often it runs, in how many loops), the most of all ways to it."""
    visits: dict[str, tuple[int, int]] = {}
    waiting = [(entry, 1, 0)]
    while waiting:
        name, count, loops = waiting.pop()
        # Computations form no circle; one that several call is visited again where it runs more.
        if name not in bodies or visits.get(name, (0, 0))[0] >= count:
            continue
        visits[name] = (count, loops)
        for line in bodies[name]:
            loop = _WHILE.search(line)
            if loop:
                trips = _trip_count(line, bodies.get(loop[1], []))
                waiting.append((loop[2], count * trips, loops + 1))
                continue
            for called in _CALLS.findall(line):
                waiting += [(part.strip(" %"), count, loops) for part in called.split(",")]
    return visits


def _trip_count(line: str, condition: list[str]) -> int:
    """Of a loop: as the compiler says, or the constant that its counter is compared with."""
    told = _TRIPS.search(line)
    if told:
        return int(told[1])
    constants = [int(n) for text in condition for n in _CONSTANT.findall(text)]
    return max(constants, default=1)


def _size(shape: str, kind: str) -> int:
    """Bytes of a result; of an asynchronous pair, which holds its operand too, the larger."""
    # Layouts have brackets of their own; a scalar, "f32[]", has no sides and one number.
    sizes = [
        math.prod(int(side) for side in sides.split(",") if side) * _BYTES.get(dtype, 4)
        for dtype, sides in _SHAPE.findall(re.sub(r"\{[^}]*\}", "", shape))
    ]
    return max(sizes, default=0) if kind == "collective-permute" else sum(sizes)
