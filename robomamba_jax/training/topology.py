# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Names of devices that need not be there: ``[HOSTS x] KIND : SIZE``.

cpu:8        eight virtual devices of this machine
v5e:4x4      a TPU slice, by its sides
h200:8       one host with eight GPUs
2xh100:8     two hosts with eight GPUs each
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.training.gpu_targets import GPUS, GpuTarget

CHIPS = {"v4": 32, "v5e": 16, "v5p": 95, "v6e": 32, "tpu7x": 96}
"""Memory of one TPU device in GiB, from the maker's data sheets."""
# Numbers of at most six digits: longer ones are typing errors, and slow to make devices of.
_NAME = re.compile(r"(?:([1-9]\d{0,5})x)?([a-z]\w*):([1-9]\d{0,5}(?:x[1-9]\d{0,5}){0,2})")
_GRAMMAR = "give cpu:8, NAME:4x4 with a TPU's NAME ({}), or GPU:8 or 2xGPU:8 with a GPU of {}"


class TopologyName(NamedTuple):
    """A topology's name, taken apart.

    Attributes:
      hosts: the number in front, 1 where there is none.
      kind: "cpu", a TPU of ``CHIPS`` or a GPU of ``GPUS``.
      sides: (devices of a host) of CPUs and GPUs, the sides of a slice of TPUs.
    """

    hosts: int
    kind: str
    sides: tuple[int, ...]

    @property
    def platform(self) -> str:
        """ "cpu", "tpu" or "gpu"."""
        return "cpu" if self.kind == "cpu" else "gpu" if self.kind in GPUS else "tpu"


@dataclasses.dataclass(frozen=True)
class Topology:
    """Devices to compile for.

    Attributes:
      name: as given, such as "v5e:4x4", "h200:8" or "cpu:8".
      platform: "tpu", "gpu" or "cpu".
      memory: bytes of one device; None = unknown (a CPU's are the machine's).
      devices: for the mesh, a host's next to each other.
      hosts: over how many hosts the GPUs are spread; 1 for all others.
      gpu: of GPUs.
    """

    name: str
    platform: str
    memory: int | None
    devices: Sequence[Any]
    hosts: int = 1
    gpu: GpuTarget | None = None


def read_topology(name: str) -> TopologyName:
    """Take a name apart.

    Raises:
      InputError: it is none.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        fix = _GRAMMAR.format(", ".join(CHIPS), ", ".join(GPUS))
        raise InputError("bad_topology", f"no topology {name[:60]!r}", fix)
    hosts, kind = int(match[1] or 1), match[2]
    sides = tuple(int(side) for side in match[3].split("x"))
    if kind != "cpu" and kind not in CHIPS and kind not in GPUS:
        raise unknown_name("bad_topology", "chip", kind, (*CHIPS, *GPUS, "cpu"))
    parsed = TopologyName(hosts, kind, sides)
    # One error for each way to mistake one kind's grammar for another's.
    if parsed.platform == "tpu":
        if match[1]:
            raise InputError(
                "bad_topology",
                f"{name}: several slices of TPUs cannot be planned",
                f"plan one slice: {kind}:{match[3]}",
            )
        if len(sides) == 1:
            raise InputError(
                "bad_topology", f"{name}: a slice has two or three sides", f"give {kind}:4x4"
            )
    elif len(sides) > 1:
        raise InputError(
            "bad_topology",
            f"{name}: {kind} counts devices",
            f"give {kind}:{math.prod(sides)}",
        )
    elif kind == "cpu" and match[1]:
        raise InputError(
            "bad_topology", f"{name}: this machine is one", f"give cpu:{hosts * math.prod(sides)}"
        )
    return parsed


def open_topology(name: str) -> Topology:
    """Devices that need not be there.

    Raises:
      InputError: no such topology, what compiles for it is missing or busy, or too few CPU
        devices.
    """
    parsed = read_topology(name)
    if parsed.platform == "cpu":
        return _open_cpu(name, parsed.sides[0])
    return _open_gpu(name, parsed) if parsed.platform == "gpu" else _open_tpu(name, parsed.kind)


def _open_cpu(name: str, count: int) -> Topology:
    # Their number was fixed when jax was loaded; see `cli.plan`.
    devices = jax.devices("cpu")
    if len(devices) < count:
        raise InputError(
            "bad_topology",
            f"{name}: this process has {len(devices)} CPU devices",
            f"set JAX_NUM_CPU_DEVICES={count}",
        )
    return Topology(name, "cpu", None, devices[:count])


def _open_tpu(name: str, kind: str) -> Topology:
    from jax.experimental import topologies

    try:
        found = topologies.get_topology_desc(topology_name=name, platform="tpu")
    except Exception as error:  # libtpu's own errors have no class in common
        what = " ".join(str(error).split())
        if "lockfile" in what:
            raise InputError(
                "busy_libtpu", "another process holds libtpu", "wait for it: one at a time"
            ) from error
        raise InputError(
            "bad_topology",
            f"{name}: {what[:200]}",
            "make plan-env installs libtpu; see docs/pods.md",
        ) from error
    return Topology(name, "tpu", CHIPS[kind] * 2**30, found.devices)


def _open_gpu(name: str, parsed: TopologyName) -> Topology:
    # Not at load: it is a module of jax that only planning needs.
    from jax.experimental import topologies

    target = GPUS[parsed.kind]
    try:
        found = topologies.get_topology_desc(
            platform="cuda",
            target_config=target.text(),
            # XLA's order: partitions (of a network of NVLinks across hosts), hosts, devices.
            topology=f"1x{parsed.hosts}x{parsed.sides[0]}",
        )
    except Exception as error:  # the plugin's own errors have no class in common
        what = " ".join(str(error).split())
        raise InputError(
            "bad_topology",
            f"{name}: {what[:200]}",
            "make plan-env installs jax's CUDA plugin; see docs/pods.md",
        ) from error
    return Topology(name, "gpu", target.memory, found.devices, parsed.hosts, target)
