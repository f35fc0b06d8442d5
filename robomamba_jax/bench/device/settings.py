# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The settings of ``bench device``."""

from __future__ import annotations

import dataclasses

from robomamba_jax.bench.benchmark import Bench, BenchCase, check_names, option
from robomamba_jax.bench.device.case import DeviceCase
from robomamba_jax.bench.device.cases import GROUPS


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeviceBench(Bench):
    """One accelerator in ten minutes: the scan's kernel, training steps, poses, torch's scans."""

    what = "device"

    minutes: int = option(10, "for all; what does not fit is left out and named")
    cases: tuple[str, ...] = option(tuple(GROUPS), "which of these")
    rehearse: bool = option(False, "tiny shapes, as is done on a CPU anyway")
    out: str = option("runs/bench-device", "folder of device.json and device.md")

    def device_cases(self) -> list[DeviceCase]:
        """In the order of the table.

        Raises:
          InputError: there is no such group of cases.
        """
        check_names("case", self.cases, GROUPS)
        names = [name for name in self.cases if name != "peers" or not self.no_peers]
        return [case for name in names for case in GROUPS[name](self.rehearse)]

    def make_cases(self) -> list[BenchCase]:
        """The same, without what is said of their order."""
        return [BenchCase(c.name, tuple(c.sides), c.work) for c in self.device_cases()]
