# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A bench whose sides, but for the machine's own limits, run in the test's process."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from robomamba_jax.bench import runner
from robomamba_jax.bench.worker import Side, open_side
from robomamba_jax.utils.ipc import Job, Reply
from robomamba_jax.utils.process_pool import WorkerProcess


class InProcess:
    """A ``WorkerProcess`` without the process."""

    def __init__(self, setup: Mapping[str, Any]) -> None:
        self._setup = dict(setup)
        self._side: Side | None = None

    def ready(self) -> None:
        self._side = open_side(self._setup)

    def run(self, job: Job) -> Reply:
        assert self._side is not None
        return self._side.run(job)

    def kill(self) -> None:
        self._side = None

    close = kill


@pytest.fixture
def sides_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each process would import jax or torch anew, which is most of what such a test takes; that
    sides have processes of their own is tried by the machine's, which import neither."""

    def start(target: str, setup: Mapping[str, Any], **how: Any) -> Any:
        if setup["side"] == "machine":
            return WorkerProcess(target, setup, **how)
        return InProcess(setup)

    monkeypatch.setattr(runner, "WorkerProcess", start)
    # Every measurement collects garbage first: what is there by now need not be looked through.
    gc.freeze()
    yield
    gc.unfreeze()
