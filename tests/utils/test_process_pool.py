# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Worker processes: replies in order or as they come, errors as they are, crashes by name."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robomamba_jax.errors import InputError
from robomamba_jax.utils.ipc import Job, Reply
from robomamba_jax.utils.process_pool import ProcessPool, WorkerError

TARGET = "tests.utils.test_process_pool:open_tasks"


class Doubling:
    """Doubles a number, or does what else it is told."""

    def __init__(self, setup: dict[str, Any]) -> None:
        if "fail" in setup:
            raise InputError("bad_config", setup["fail"], "give another")

    def run(self, job: Job) -> Reply:
        """One job."""
        print("what libraries print does not reach the protocol")
        if job.get("sleep"):
            time.sleep(job["sleep"])
        if "die" in job:
            os._exit(7)
        if "bad" in job:
            raise InputError("bad_record", "no", "fix it")
        array = np.full((2, job["n"]), job["n"], np.float32)
        return {"twice": 2 * job["n"], "jax": "jax" in sys.modules}, {"array": array}


open_tasks = Doubling


@pytest.fixture(autouse=True)
def _root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2]))


def pool(workers: int, **setup: Any) -> ProcessPool:
    """Of ``Doubling``."""
    return ProcessPool(TARGET, setup, workers, name="test", local=Doubling(setup), patience=1.0)


@pytest.mark.parametrize("workers", [0, 2])
def test_replies(workers: int) -> None:
    """In the jobs' order; and as they are done, all of them; arrays come with them."""
    jobs = [{"n": n, "sleep": 0.2 * (n == 0)} for n in range(9)]
    with pool(workers) as workers_:
        replies = list(workers_.map(jobs))
        assert [reply["twice"] for reply, _ in replies] == [2 * n for n in range(9)]
        assert [arrays["array"].tolist() for _, arrays in replies[:2]] == [[[], []], [[1], [1]]]
        found = [reply["twice"] for reply, _ in workers_.map(jobs, ordered=False)]
        assert sorted(found) == [2 * n for n in range(9)]
        assert (found[0] != 0) == bool(workers)


def test_errors() -> None:
    """An InputError as it is; an exception with its traceback; a death with its status."""
    with pytest.raises(InputError, match="not so"):
        ProcessPool(TARGET, {"fail": "not so"}, 1, name="test")
    with pool(1) as workers:
        with pytest.raises(InputError, match="no") as caught:
            workers.run({"bad": True})
        assert caught.value.fix == "fix it"
        with pytest.raises(WorkerError, match=r"a test worker crashed:\n(.|\n)*KeyError: 'n'"):
            workers.run({})
        assert workers.run({"n": 4})[0] == {"twice": 8, "jax": False}
        with pytest.raises(WorkerError, match=r"a test worker has died \(exit status 7\)"):
            workers.run({"die": True})


def test_patience() -> None:
    """Left early, a map waits for the jobs in hand so long and no longer."""
    started = time.monotonic()
    with (
        pool(1) as workers,
        contextlib.closing(workers.map([{"n": 1}, {"n": 2, "sleep": 60}])) as replies,
    ):
        assert next(replies)[0]["twice"] == 2
    assert time.monotonic() - started < 30
