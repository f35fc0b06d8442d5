# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How long a compiled step takes at least on a GPU, read from its text: bytes, products, launches.

Every kernel that the step runs is counted as often as its loops run it, and takes the longest of
its bytes at the memory's rate, its products at the tensor cores' rate, and a launch. Nothing is
taken to overlap, and nothing to stay in a cache; no kernel reaches its rates quite. So this is an
estimate that tells where the time goes; only a run on the device tells how long it is.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from robomamba_jax.training.hlo import KINDS, computations, kernel_name, result_bytes, trip_count

PARTS = ("products", "scan", "rest", "collectives")
SCAN_SCOPE = "selective_scan"
"""Part of the name of what the scan is made of, see ``ops.selective_scan``."""

# "%name = shape op(operands), attributes"; a tuple's shape has brackets and comments in it.
_LINE = re.compile(r"^\s*(ROOT )?%?([\w.\-]+) = (\(.*?\)|\S+) ([\w\-]+)\((.*)$")
_NAMES = re.compile(r"%([\w.\-]+)")
_SHAPE = re.compile(r"\b(\w+)\[([\d,]*)\]")
_CALLED = re.compile(r"(?:calls|to_apply)=%?([\w.\-]+)")
_BRANCHES = re.compile(
    r"(?:branch_computations=\{|(?:true|false)_computation=)(%?[\w.\-]+(?:, ?%[\w.\-]+)*)"
)
_CONTRACTED = re.compile(r'lhs_contracting_dim(?:ension)?s"?[:=][\[{]([^\]}]*)')
# They move nothing: names for other values, or what the fusions around them have counted.
_FREE = frozenset(
    [
        "parameter",
        "constant",
        "tuple",
        "get-tuple-element",
        "bitcast",
        "after-all",
        "iota",
        "partition-id",
        "replica-id",
        "opt-barrier",
        "add-dependency",
    ]
)
_VIEWS = frozenset(("bitcast", "reshape", "get-tuple-element"))
_SLICES = frozenset(("dynamic-slice", "slice", "gather"))


@dataclasses.dataclass(frozen=True)
class Rates:
    """What a device does a second.

    Attributes:
      products: bfloat16 FLOPs of its tensor cores; float32 products run as TF32, at half of it.
      memory: bytes.
      launch: seconds between two kernels' starts.
      link: bytes that a device receives from those of its host.
      network: bytes that it receives from other hosts.
      scan_steps: name of a scan kernel of ours -> state updates (of one state of one channel at
        one position), which bound it more than its bytes do.
    """

    products: float
    memory: float
    launch: float
    link: float
    network: float
    scan_steps: Mapping[str, float] = dataclasses.field(default_factory=dict[str, float])


@dataclasses.dataclass
class PartCost:
    """Of one part of a step, on one device.

    Attributes:
      seconds: see the module.
      kernels: launches; of collectives, how many.
      bytes: read and written; of collectives, of results.
      flops: of products.
    """

    seconds: float = 0.0
    kernels: int = 0
    bytes: float = 0.0
    flops: float = 0.0


class _Op(NamedTuple):
    """A line of a computation."""

    name: str
    root: bool
    shape: str
    kind: str
    operands: tuple[str, ...]
    line: str


class _Program:
    """Computations, each a table of its ops."""

    def __init__(self, text: str) -> None:
        bodies, self.entry = computations(text)
        self.lines = bodies
        self.ops = {name: _read(lines) for name, lines in bodies.items()}


def step_cost(text: str, rates: Rates, *, devices: int, hosts: int) -> dict[str, PartCost]:
    """Part of ``PARTS`` -> what a step spends in it.

    Args:
      text: a program compiled for GPUs.
      rates: of one of them.
      devices: how many take part.
      hosts: on how many hosts.
    """
    # Whatever a scan's loop calls belongs to the scan, also where a fusion has lost its name.
    program = _Program(text)
    costs = {part: PartCost() for part in PARTS}
    waiting = [(program.entry, 1, False)]
    while waiting:
        name, count, in_scan = waiting.pop()
        table = program.ops.get(name, {})
        for op in table.values():
            scan = in_scan or SCAN_SCOPE in op.line
            # A condition is a comparison of a counter: too little to count.
            if op.kind == "while":
                names = re.search(r"condition=%?([\w.\-]+), body=%?([\w.\-]+)", op.line)
                if names:
                    trips = trip_count(op.line, program.lines.get(names[1], []))
                    waiting.append((names[2], count * trips, scan))
            elif op.kind == "conditional":
                for branches in _BRANCHES.findall(op.line):
                    waiting += [(name.strip(" %"), count, scan) for name in branches.split(",")]
            elif op.kind == "call" or op.kind.startswith("async-start"):
                waiting += [(called, count, scan) for called in _CALLED.findall(op.line)]
            elif op.kind.removesuffix("-start") in KINDS:
                size = result_bytes(op.shape, op.kind)
                # A sum for all is a sum for each, which then goes to all.
                ways = 2 if op.kind.startswith("all-reduce") else 1
                seconds = _exchange(ways * size, rates, devices, hosts)
                _add(costs["collectives"], count, seconds, size, 0)
            elif op.kind not in _FREE and not op.kind.endswith(("-done", "-update")):
                # Asynchronous kernels count where they start; where they end nothing runs.
                size, flops, single = _moved(program, table, op), *_products(table, op)
                part = "products" if flops else "scan" if scan else "rest"
                peak = rates.products / 2 if single else rates.products
                seconds = max(size / rates.memory, flops / peak, rates.launch)
                seconds = max(seconds, _own_kernel(table, op, rates.scan_steps))
                _add(costs[part], count, seconds, size, flops)
    return costs


def _add(cost: PartCost, count: int, seconds: float, size: float, flops: float) -> None:
    cost.seconds += count * seconds
    cost.kernels += count
    cost.bytes += count * size
    cost.flops += count * flops


def _exchange(size: float, rates: Rates, devices: int, hosts: int) -> float:
    """Seconds of a collective: what a device has not got comes over the links, and what its host
    has not got over the network, whose ports the host's devices share out."""
    inside = size * (devices - 1) / devices / rates.link
    per_host = devices // hosts
    outside = size * (hosts - 1) / hosts / (rates.network * per_host)
    return max(inside, outside, rates.launch)


def _read(lines: list[str]) -> dict[str, _Op]:
    """Name -> op, in order."""
    table: dict[str, _Op] = {}
    for line in lines:
        match = _LINE.match(line)
        if match:
            # Operands end where their bracket closes; what follows names computations.
            inner = match[5]
            depth, end = 1, len(inner)
            for at, char in enumerate(inner):
                depth += (char in "({[") - (char in ")}]")
                if not depth:
                    end = at
                    break
            operands = tuple(_NAMES.findall(inner[:end]))
            table[match[2]] = _Op(match[2], bool(match[1]), match[3], match[4], operands, line)
    return table


def _moved(program: _Program, table: dict[str, _Op], op: _Op) -> float:
    """Bytes that a kernel reads and writes; of a large array cut into slices, the slices."""
    called = _CALLED.search(op.line) if op.kind == "fusion" else None
    inside = program.ops.get(called[1], {}) if called else {}
    if not inside:
        if op.kind in _SLICES:
            return 2.0 * _size(op.shape)
        if op.kind == "dynamic-update-slice":
            return 2.0 * _operand_size(table, op.operands[1])
        return _size(op.shape) + sum(_operand_size(table, name) for name in op.operands)
    # A loop's fusions read one slice of a stack: counted whole, the stack would outweigh all else.
    parameters: dict[int, str] = {}
    for inner in inside.values():
        number = re.search(r"parameter\((\d+)\)", inner.line) if inner.kind == "parameter" else None
        if number:
            parameters[int(number[1])] = inner.name
    users: dict[str, list[_Op]] = {}
    for inner in inside.values():
        for name in inner.operands:
            users.setdefault(name, []).append(inner)
    # The whole at most: overlapping slices come from a cache.
    total = 0.0
    for place, name in enumerate(op.operands):
        whole = _operand_size(table, name)
        total += min(whole, _read_of(inside, users, parameters.get(place, ""), whole))
    return total + sum(_written(inside, inner) for inner in inside.values() if inner.root)


def _read_of(inside: dict[str, _Op], users: dict[str, list[_Op]], name: str, whole: float) -> float:
    """Bytes of a fusion's parameter that it reads."""
    total = 0.0
    for user in users.get(name, ()):
        if user.kind in _VIEWS:
            total += _read_of(inside, users, user.name, whole)
        elif user.kind in _SLICES and user.operands[0] == name:
            total += _size(user.shape)
        elif user.kind == "dynamic-update-slice" and user.operands[0] == name:
            continue  # written in place
        else:
            return whole
    return total


def _written(inside: dict[str, _Op], op: _Op | None) -> float:
    """Bytes that a fusion's root writes: of an array that is updated in place, the update."""
    if op is None:
        return 0.0
    if op.kind == "tuple":
        return sum(_written(inside, inside.get(name)) for name in op.operands)
    if op.kind in _VIEWS:
        inner = inside.get(op.operands[0]) if op.operands else None
        return _written(inside, inner) if inner and inner.kind != "parameter" else _size(op.shape)
    if op.kind == "dynamic-update-slice":
        return _operand_size(inside, op.operands[1])
    return _size(op.shape)


def _products(table: dict[str, _Op], op: _Op) -> tuple[float, bool]:
    """FLOPs of a product of matrices, and whether its numbers are float32."""
    library = op.kind == "custom-call" and "__cublas" in op.line
    contracted = _CONTRACTED.search(op.line)
    if not (library or op.kind == "dot") or not contracted or not op.operands:
        return 0.0, False
    left = table.get(op.operands[0])
    shapes = _SHAPE.findall(re.sub(r"\{[^}]*\}", "", left.shape)) if left else []
    if not shapes:
        return 0.0, False
    sides = [int(side) for side in shapes[0][1].split(",") if side]
    depth = math.prod(sides[int(k)] for k in re.findall(r"\d+", contracted[1]))
    # The library's result comes with its work space.
    result = _SHAPE.findall(re.sub(r"\{[^}]*\}", "", op.shape))[0]
    size = math.prod(int(side) for side in result[1].split(",") if side)
    return 2.0 * size * depth, shapes[0][0] == "f32"


def _own_kernel(table: dict[str, _Op], op: _Op, scan_steps: Mapping[str, float]) -> float:
    """Seconds of a kernel of ours by its arithmetic; 0 of any other."""
    name = kernel_name(op.line)
    if name not in scan_steps or len(op.operands) < 3:
        return 0.0
    # Of u [B, T, I] and A [N, I], see `ops.kernels.scan_cuda`.
    u, A = (_sides(table, operand) for operand in (op.operands[0], op.operands[2]))
    return math.prod(u) * A[0] / scan_steps[name] if A else 0.0


def _sides(table: dict[str, _Op], name: str) -> list[int]:
    """Of an operand that is one array."""
    op = table.get(name)
    shapes = _SHAPE.findall(op.shape) if op is not None else []
    return [int(side) for side in shapes[0][1].split(",") if side] if shapes else []


def _operand_size(table: dict[str, _Op], name: str) -> float:
    op = table.get(name)
    return _size(op.shape) if op is not None else 0.0


def _size(shape: str) -> float:
    """Bytes of a result, without a library's work space (s8)."""
    return result_bytes(re.sub(r"\bs8\[\d+\]", "", shape), "")
