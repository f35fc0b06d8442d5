# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The collectives of a program, read from its text (HLO), before or after compiling.

A loop's body stands once in the text and runs many times: counts are multiplied by the trips of
the loops around. For TPUs a collective may be written in several computations (its start, its
steps), which share a channel of their own.
"""

from __future__ import annotations

import graphlib
import math
import re
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

_KERNEL = re.compile(r'custom_call_target="(__gpu\$xla\.gpu\.ptx|tpu_custom_call)"')
_KERNEL_NAME = re.compile(r'\bname = \\?"(\w+)')
# "jit(step)/while/body/mamba_scan_fwd/pallas_call", or without its end.
_KERNEL_PLACE = re.compile(r'op_name="(?:[^"]*/)?([^"/]+?)(?<!pallas_call)(?:/pallas_call)?"')


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


def collectives(text: str) -> list[Collective]:
    """All collective operations of a program in HLO text, by bytes that a step moves."""
    bodies, entry = computations(text)
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
                match[2],
                count,
                result_bytes(match[1], match[2]),
                loops,
                shape,
                where[1] if where else "",
            )
            # The pieces of one collective count once, as often as the one that runs most.
            if key not in found or found[key].count < count:
                found[key] = collective
    return sorted(found.values(), key=lambda x: -x.bytes * x.count)


def kernels(text: str) -> dict[str, int]:
    """Kernels of our own in a compiled program -> how often a step runs them."""
    bodies, entry = computations(text)
    found: dict[str, int] = {}
    for name, (count, _) in _visits(bodies, entry).items():
        for line in bodies[name]:
            kernel = kernel_name(line)
            if kernel:
                found[kernel] = found.get(kernel, 0) + count
    return found


def kernel_name(line: str) -> str:
    """Of a kernel of ours that a line of a program runs; "" if it runs none."""
    target = _KERNEL.search(line)
    if target is None:
        return ""
    # A GPU's kernel says its name in its attributes; a TPU's stands where it was called.
    told = _KERNEL_NAME.search(line) or _KERNEL_PLACE.search(line)
    return told[1] if told else target[1]


def computations(text: str) -> tuple[dict[str, list[str]], str]:
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
    """Computation -> (how often it runs, from all places together, in how many loops at most)."""
    calls = {name: _calls(bodies, lines) for name, lines in bodies.items()}
    callers: dict[str, set[str]] = {name: set() for name in bodies}
    for name, called in calls.items():
        for inner, _, _ in called:
            callers[inner].add(name)
    visits = {entry: (1, 0)} if entry in bodies else {}
    # Callers first: what a computation runs is known once all that call it are.
    for name in graphlib.TopologicalSorter(callers).static_order():
        count, loops = visits.get(name, (0, 0))
        for inner, trips, deeper in calls[name] if count else ():
            before = visits.get(inner, (0, 0))
            visits[inner] = (before[0] + count * trips, max(before[1], loops + deeper))
    return visits


def _calls(bodies: dict[str, list[str]], lines: list[str]) -> list[tuple[str, int, int]]:
    """What a computation calls: (computation, how often at a time, 1 if it is a loop's)."""
    found = []
    for line in lines:
        loop = _WHILE.search(line)
        if loop:
            found.append((loop[2], trip_count(line, bodies.get(loop[1], [])), 1))
            continue
        for called in _CALLS.findall(line):
            found += [(part.strip(" %"), 1, 0) for part in called.split(",")]
    return [call for call in found if call[0] in bodies]


def trip_count(line: str, condition: list[str]) -> int:
    """Of a loop: as the compiler says, or the constant that its counter is compared with."""
    told = _TRIPS.search(line)
    if told:
        return int(told[1])
    constants = [int(n) for text in condition for n in _CONSTANT.findall(text)]
    return max(constants, default=1)


def result_bytes(shape: str, kind: str) -> int:
    """Bytes of a result; of an asynchronous pair, which holds its operand too, the larger."""
    # Layouts have brackets of their own; a scalar, "f32[]", has no sides and one number.
    sizes = [
        math.prod(int(side) for side in sides.split(",") if side) * _BYTES.get(dtype, 4)
        for dtype, sides in _SHAPE.findall(re.sub(r"\{[^}]*\}", "", shape))
    ]
    return max(sizes, default=0) if kind == "collective-permute" else sum(sizes)
