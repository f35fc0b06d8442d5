# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What work costs, counted instead of timed: a clock also measures how busy the machine is."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Seconds after which a process that should have ended is taken to hang, and is killed. No verdict
# on speed: the slowest wait takes seconds, and minutes where other work shares the cores.
PATIENCE = 600


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[Any]) -> None:
    """Until it has happened, or the process that does it has ended: a command that fails is seen
    at once."""
    deadline = time.monotonic() + PATIENCE
    while not happened() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


@contextmanager
def nothing_is_computed() -> Iterator[None]:
    """Within it, jax compiles no program and allocates no array: it makes shapes alone."""
    import jax  # here, because tests of data wait without it

    compiled: list[str] = []

    def count(event: str, seconds: float, **facts: Any) -> None:
        if event.endswith("/backend_compile_duration"):
            compiled.append(str(facts.get("fun_name", event)))

    before = len(jax.live_arrays())
    jax.monitoring.register_event_duration_secs_listener(count)
    try:
        yield
    finally:
        jax.monitoring.unregister_event_duration_listener(count)
    assert not compiled, compiled
    assert len(jax.live_arrays()) <= before
