# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a kernel's test has found, and the file that keeps it for each device and version.

    {"schema": "robomamba.scan_verdicts/1",
     "verdicts": [{"key": {"device_kind": "NVIDIA H200", ...}, "verdict": {"result": ...}}]}

A verdict holds for one key alone; whatever cannot be read is found again by a test of seconds, so
nothing about the file is ever an error.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from robomamba_jax.errors import InputError
from robomamba_jax.utils.cache_folder import cache_folder
from robomamba_jax.utils.files import read_json, replacing
from robomamba_jax.utils.progress import Log, no_log

SCHEMA = "robomamba.scan_verdicts/1"
PASSED, REFUSED, SLOWER, UNABLE = "passed", "refused", "slower", "unable"
_BEGUN = "begun"  # in the file alone
_KEPT = (PASSED, REFUSED, SLOWER)
_UNREADABLE = (InputError, OSError, KeyError, TypeError, ValueError, AttributeError)


class DeviceKey(NamedTuple):
    """All that a verdict depends on.

    Attributes:
      device_kind: jax's name for the device.
      driver: versions of the driver and of jax's plugin.
      jax: version.
      jaxlib: version.
      compiler: version of libtpu or NVRTC.
      source: hash of the kernel's source files.
    """

    device_kind: str
    driver: str
    jax: str
    jaxlib: str
    compiler: str
    source: str


class Check(NamedTuple):
    """One comparison.

    Attributes:
      name: what is compared, and with what.
      worst: the array that is worst off.
      error: max |got - wanted| / max |wanted| of that array; NaN where a number is none.
      tolerance: the largest error that passes.
    """

    name: str
    worst: str
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the error is small enough."""
        return self.error <= self.tolerance  # not so for NaN


class Verdict(NamedTuple):
    """What a test has found.

    Attributes:
      result: "passed"; "refused": a check failed; "slower": right, but slower than the chunked
        form; "unable": there was nothing to test, which is not kept.
      checks: all comparisons that were made; none follow a failed one.
      kernel_seconds: of a forward and a backward pass; 0 = not measured.
      chunked_seconds: of the chunked form's.
      reason: why there are no checks.
    """

    result: str
    checks: tuple[Check, ...] = ()
    kernel_seconds: float = 0.0
    chunked_seconds: float = 0.0
    reason: str = ""

    @property
    def factor(self) -> float:
        """How many times as fast the kernel is as the chunked form; 0 = not measured."""
        return self.chunked_seconds / self.kernel_seconds if self.kernel_seconds else 0.0

    def content(self) -> dict[str, Any]:
        """As JSON, in which there is no NaN: null stands for it."""
        checks = [
            {**check._asdict(), "error": check.error if math.isfinite(check.error) else None}
            for check in self.checks
        ]
        return {**self._asdict(), "checks": checks}

    def why(self) -> str:
        """Of one that did not pass: what is against the kernel, for a line."""
        if self.result == SLOWER:
            return f"is right here, but has only {self.factor:.2f} times the chunked form's speed"
        failed = next((check for check in self.checks if not check.passed), None)
        if failed is None:
            return self.reason
        return (
            f"fails the check {failed.name!r} here: {failed.worst} is off by {failed.error:.1e} "
            f"of its scale, {failed.tolerance:.1e} is allowed"
        )


def verdicts_file() -> Path:
    """The file, in the package's cache folder."""
    return cache_folder() / "scan_kernels.json"


def kept(key: DeviceKey, log: Log = no_log) -> Verdict | None:
    """The verdict on record; None where there is none that can be read.

    Args:
      key: of the device and versions.
      log: gets one line where the file is damaged.
    """
    path = verdicts_file()
    if not path.exists():
        return None
    try:
        return _find(_entries(path), key)
    except _UNREADABLE:
        log(f"scan: {path} cannot be read, so the kernel is tested again")
        return None


def begin(key: DeviceKey, log: Log = no_log) -> None:
    """Note that a test begins: a compiler that fails may take the process with it, and who comes
    next must not try again."""
    _write(key, {"result": _BEGUN, "host": socket.gethostname(), "process": os.getpid()}, log)


def keep(key: DeviceKey, verdict: Verdict, log: Log = no_log) -> None:
    """Put a verdict on record; one that says nothing of the kernel only removes what stands there.

    Args:
      key: of the device and versions.
      verdict: "unable" is not kept.
      log: gets one line where the file cannot be written.
    """
    _write(key, verdict.content() if verdict.result in _KEPT else None, log)


def _write(key: DeviceKey, verdict: Mapping[str, Any] | None, log: Log) -> None:
    path = verdicts_file()
    entries: list[Any] = []
    with contextlib.suppress(*_UNREADABLE):  # said by who has read it before
        entries = _entries(path) if path.exists() else []
    # Other devices and versions stay: a home may be shared.
    others = [e for e in entries if isinstance(e, Mapping) and e.get("key") != key._asdict()]
    if verdict is not None:
        others.append({"key": key._asdict(), "verdict": verdict})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            content = {"schema": SCHEMA, "verdicts": others}
            partial.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")
    except (InputError, OSError) as error:
        log(f"scan: the verdict on the kernel is not kept: {error}")


def _entries(path: Path) -> list[Any]:
    content = read_json(path)
    if content["schema"] != SCHEMA or not isinstance(content["verdicts"], list):
        raise ValueError(content["schema"])
    return content["verdicts"]


def _find(entries: list[Any], key: DeviceKey) -> Verdict | None:
    for entry in entries:
        if entry["key"] == key._asdict():
            return _read(entry["verdict"])
    return None


def _read(found: Mapping[str, Any]) -> Verdict | None:
    if found["result"] == _BEGUN:
        # Others that share the folder may be at it this moment.
        if found["host"] != socket.gethostname() or _alive(int(found["process"])):
            return None
        reason = "ended the process that tested it (robomamba doctor --kernels --again repeats it)"
        return Verdict(REFUSED, reason=reason)
    if found["result"] not in _KEPT:
        raise ValueError(found["result"])
    checks = tuple(
        Check(str(c["name"]), str(c["worst"]), _number(c["error"]), float(c["tolerance"]))
        for c in found["checks"]
    )
    seconds = float(found["kernel_seconds"]), float(found["chunked_seconds"])
    return Verdict(str(found["result"]), checks, *seconds, reason=str(found["reason"]))


def _number(x: float | None) -> float:
    return math.nan if x is None else float(x)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
