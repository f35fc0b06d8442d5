# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Several processes as one run: who is there, and whether all mean the same."""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from collections.abc import Mapping
from typing import TypedDict

import jax
import numpy as np
from jax.sharding import Mesh

from robomamba_jax.errors import InputError

HEARTBEAT_SECONDS = 30
"""After so long without a sign of a process all others end, with an error."""


def connect(coordinator: str | None, process: int | None, processes: int | None) -> None:
    """Join a run of several processes. Must come before anything asks jax for devices.

    Args:
      coordinator: "host:port" of process 0, or "auto" where the cluster tells (TPU pods, Slurm,
        Open MPI); None = this process is alone.
      process: its number; None = as the cluster tells.
      processes: how many; None = as the cluster tells.

    Raises:
      InputError: the arguments do not belong together, or nobody answered.
    """
    if coordinator is None:
        if process is not None or processes is not None:
            raise InputError("bad_arguments", "no --coordinator", "give host:port of process 0")
        return
    if (process is None) != (processes is None):
        raise InputError("bad_arguments", "--process-id without --num-processes", "give both")
    if coordinator != "auto" and process is None:
        what = "no --process-id and --num-processes"
        raise InputError("bad_arguments", what, "give both, or --coordinator auto")
    # Without an address jax asks the cluster's own variables.
    address = None if coordinator == "auto" else coordinator
    try:
        jax.distributed.initialize(
            address, processes, process, heartbeat_timeout_seconds=HEARTBEAT_SECONDS
        )
    except (RuntimeError, ValueError) as error:
        what = " ".join(str(error).split())[:300]
        fix = "start the same command on every host; its port must be open and unused"
        raise InputError("no_cluster", f"joining {coordinator} failed: {what}", fix) from error


def leave_now(status: int) -> None:
    """End a process of several that has failed, without waiting for the others, who may be
    waiting for it: they see that it is gone, and end too."""
    if status and jax.process_count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not sys.exit: jax's atexit handler would wait for the others at a barrier.
        os._exit(status)


class ProcessRow(TypedDict):
    """A process of a run: its host, its devices, and the first and last of their mesh places."""

    process: int
    host: str
    devices: int
    kind: str
    first: str
    last: str


def topology(mesh: Mesh) -> list[ProcessRow]:
    """One row per process: host, devices, and their places on the mesh."""
    names = _hosts()
    places: dict[int, list[tuple[int, ...]]] = {}
    for place, device in np.ndenumerate(mesh.devices):
        places.setdefault(device.process_index, []).append(place)
    return [
        {
            "process": process,
            "host": names[process],
            "devices": len(found),
            "kind": mesh.devices[found[0]].device_kind,
            "first": "x".join(str(n) for n in found[0]),
            "last": "x".join(str(n) for n in found[-1]),
        }
        for process, found in sorted(places.items())
    ]


def _hosts() -> list[str]:
    name = socket.gethostname()
    if jax.process_count() == 1:
        return [name]
    from jax.experimental import multihost_utils

    # Collectives carry numbers, no text: 64 bytes a process.
    mine = np.zeros(64, np.uint8)
    encoded = name.encode()[:64]
    mine[: len(encoded)] = np.frombuffer(encoded, np.uint8)
    rows = np.asarray(multihost_utils.process_allgather(mine)).reshape(-1, 64)
    return [bytes(row).rstrip(b"\0").decode(errors="replace") for row in rows]


def check_alike(facts: Mapping[str, str]) -> None:
    """All processes must run the same thing: configuration, data, version.

    Args:
      facts: name -> text, the same names everywhere.

    Raises:
      InputError: a process has something else.
    """
    if jax.process_count() == 1:
        return
    from jax.experimental import multihost_utils

    # Hashes have one length, texts have not, and they need not be sent.
    hashes = [hashlib.sha256(text.encode()).digest() for text in facts.values()]
    mine = np.frombuffer(b"".join(hashes), np.uint8)
    everyone = np.asarray(multihost_utils.process_allgather(mine)).reshape(-1, len(facts), 32)
    # [processes, facts, 32]: every process compares all with process 0, so all raise, or none.
    for number, name in enumerate(facts):
        other = np.flatnonzero((everyone[:, number] != everyone[0, number]).any(axis=1))
        if len(other):
            raise InputError(
                "unlike_processes",
                f"process {other[0]} has another {name} than process 0",
                "give all hosts the same command, code and files",
            )


def agreed(value: int) -> int:
    """Process 0's value, everywhere."""
    # For what is read from the disk: on a shared file system others may see it a little later.
    if jax.process_count() == 1:
        return value
    from jax.experimental import multihost_utils

    return int(multihost_utils.broadcast_one_to_all(np.int64(value)))


def gathered_numbers(value: int) -> list[int]:
    """Each process's value, in their order, everywhere."""
    if jax.process_count() == 1:
        return [value]
    from jax.experimental import multihost_utils

    everyone = np.asarray(multihost_utils.process_allgather(np.int64(value)))
    return [int(number) for number in everyone.reshape(-1)]


def check_accelerator(preset: str | None) -> None:
    """A large model on the CPU is more often a driver that was not found than a wish.

    Raises:
      InputError: jax sees no accelerator, and ``JAX_PLATFORMS`` does not ask for the CPU.
    """
    wanted = os.environ.get("JAX_PLATFORMS", "").split(",")[0] == "cpu"
    if jax.default_backend() == "cpu" and not wanted and preset not in ("tiny", "nano"):
        fix = "install its jax build (make install ACCEL=cuda12 or tpu), or set JAX_PLATFORMS=cpu"
        raise InputError("no_accelerator", "jax sees no GPU or TPU here", fix)
