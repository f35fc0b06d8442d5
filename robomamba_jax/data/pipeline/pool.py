# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Data workers as one thing that does jobs, from any thread.

grain's own workers import grain, which imports jax, and run the user's main script again;
so what decodes and tokenises are processes of ours (``worker``), behind a source that grain
reads with threads.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.tree import tree_to_json
from robomamba_jax.data.pipeline.tasks import Jobs, Reply
from robomamba_jax.errors import InputError
from robomamba_jax.utils.ipc import receive, send

_PIPE_BYTES = 2**20  # as much as a user may ask for without privileges
_JOBS = 2  # that a worker may have at once: one it does, and one that waits


class WorkerPool:
    """Some workers, or none: then jobs run in the thread that asks.

    Attributes:
      jobs: the data, opened here too: for facts, and for jobs without workers.
    """

    def __init__(self, config: DataConfig, workers: int = 0) -> None:
        """Open the data and start the workers.

        Args:
          config: what to open.
          workers: how many processes.

        Raises:
          InputError: the data cannot be opened, or ``workers`` is negative.
        """
        if workers < 0:
            raise InputError("bad_config", f"workers is {workers}", "give 0 or more")
        self.jobs = Jobs(config)
        self.workers = workers
        self._free: queue.Queue[_Worker] = queue.Queue()
        self._all = [_Worker() for _ in range(workers)]
        try:
            opening = {"config": tree_to_json(config), "path": sys.path}
            for worker in self._all:
                worker.tell(opening)
            for worker in self._all:
                worker.hear()
            for _ in range(_JOBS):
                for worker in self._all:
                    self._free.put(worker)
        except BaseException:
            self.close()
            raise

    def run(self, job: Mapping[str, Any]) -> Reply:
        """Do a job, waiting for a free worker.

        Raises:
          InputError: as the job does.
          RuntimeError: a worker has died or crashed.
        """
        if not self.workers:
            return self.jobs.run(job)
        worker = self._free.get()
        try:
            return worker.run(job)
        finally:
            self._free.put(worker)

    def map(self, jobs: Iterable[Mapping[str, Any]]) -> Iterator[Reply]:
        """The replies in the jobs' order; a few jobs are ahead."""
        if not self.workers:
            yield from map(self.run, jobs)
            return
        waiting: deque[Future[Reply]] = deque()
        threads = ThreadPoolExecutor(_JOBS * self.workers)
        try:
            for job in jobs:
                waiting.append(threads.submit(self.run, job))
                if len(waiting) > 2 * _JOBS * self.workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            threads.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """End the workers."""
        for worker in self._all:
            worker.close()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Worker:
    """One process and the pipes to it."""

    def __init__(self) -> None:
        package = str(Path(__file__).resolve().parents[3])
        known = os.environ.get("PYTHONPATH")
        environment = {
            **os.environ,
            "PYTHONPATH": package + (os.pathsep + known if known else ""),
            # One core per worker: they are as many as the user wants busy.
            "TOKENIZERS_PARALLELISM": "false",
            "OMP_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "robomamba_jax.data.pipeline.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            pipesize=_PIPE_BYTES,
        )
        self._waiting: deque[Future[Reply]] = deque()
        self._telling, self._hearing = threading.Lock(), threading.Lock()

    def run(self, job: Mapping[str, Any]) -> Reply:
        """Tell a job and hear its reply; another thread may tell the next one meanwhile, so
        that the worker need not wait while a reply is on its way."""
        mine: Future[Reply] = Future()
        with self._telling:
            self._waiting.append(mine)
            self.tell(job)
        with self._hearing:
            while not mine.done():
                first = self._waiting.popleft()
                try:
                    first.set_result(self.hear())
                except BaseException as error:
                    first.set_exception(error)
        return mine.result()

    def tell(self, message: Mapping[str, Any]) -> None:
        try:
            send(_pipe(self._process.stdin), message, {})
        except (BrokenPipeError, ValueError) as error:
            raise self._died() from error

    def hear(self) -> Reply:
        try:
            message = receive(_pipe(self._process.stdout))
        except (EOFError, ValueError) as error:
            raise self._died() from error
        if message is None:
            raise self._died()
        header, arrays = message
        if "error" in header:
            raise InputError(*header["error"])
        if "crash" in header:
            raise RuntimeError(f"a data worker crashed:\n{header['crash']}")
        return header, arrays

    def _died(self) -> RuntimeError:
        status = self._process.wait()
        why = f"signal {-status}" if status < 0 else f"exit status {status}"
        return RuntimeError(f"a data worker has died ({why}); its last words are above")

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
