# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Worker processes that open something once and then do one job after another.

Why not ``multiprocessing`` or ``ProcessPoolExecutor``: "spawn" runs the user's main script again,
"fork" copies a process in which jax has threads, and both pickle what they send. Ours are programs
of their own (``worker``) that are sent JSON and arrays, load no jax unless the named module does,
and end with their parent.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import IO, Self

from robomamba_jax.errors import InputError
from robomamba_jax.utils.ipc import Job, Reply, Tasks, receive, send
from robomamba_jax.utils.json_types import Json

_PIPE_BYTES = 2**20  # as much as a user may ask for without privileges
_CLOSE_SECONDS = 2.0  # for a worker to end by itself


class WorkerError(RuntimeError):
    """A worker has crashed or died; a crash's message ends with the exception's line."""


class WorkerProcess:
    """One process and the pipes to it."""

    def __init__(
        self,
        target: str,
        setup: Mapping[str, Json],
        *,
        name: str,
        environment: Mapping[str, str] | None = None,
        stderr: IO[str] | None = None,
    ) -> None:
        """Start it; call ``ready`` before anything else, so that several can start at once.

        Args:
          target: "module:function", which the process calls with ``setup`` to get its ``Tasks``.
          setup: JSON.
          name: of such workers, for messages: "data".
          environment: variables added to this process's own.
          stderr: where the worker's goes; None = to this process's own.
        """
        package = str(Path(__file__).resolve().parents[2])
        known = os.environ.get("PYTHONPATH")
        path = package + (os.pathsep + known if known else "")
        self._name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "robomamba_jax.utils.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, "PYTHONPATH": path, **(environment or {})},
            pipesize=_PIPE_BYTES,
        )
        self._waiting: deque[Future[Reply]] = deque()
        self._sending, self._receiving = threading.Lock(), threading.Lock()
        # sys.path: the target may lie where only this process was told to look.
        self._send({"target": target, "setup": setup, "path": sys.path})

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def ready(self) -> None:
        """Wait until it has opened what it was told to.

        Raises:
          InputError: as the target does.
          WorkerError: it has died or crashed.
        """
        self._receive()

    def run(self, job: Job) -> Reply:
        """Have a job done; from any thread.

        Another thread may send the next job meanwhile, so that the worker need not wait while a
        reply is on its way: replies come in the order of the jobs.

        Raises:
          InputError: as the job does.
          WorkerError: it has died or crashed.
        """
        mine: Future[Reply] = Future()
        with self._sending:
            self._waiting.append(mine)
            self._send(job)
        with self._receiving:
            # Whoever holds the lock reads for those who sent before it; ours may be read by then.
            while not mine.done():
                first = self._waiting.popleft()
                try:
                    first.set_result(self._receive())
                except BaseException as error:
                    first.set_exception(error)
        return mine.result()

    def _send(self, message: Mapping[str, Json]) -> None:
        try:
            send(_pipe(self._process.stdin), message, {})
        except (BrokenPipeError, ValueError) as error:
            raise self._died() from error

    def _receive(self) -> Reply:
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
            raise WorkerError(f"a {self._name} worker crashed:\n{header['crash']}")
        return header, arrays

    def _died(self) -> WorkerError:
        status = self._process.wait()
        why = f"signal {-status}" if status < 0 else f"exit status {status}"
        return WorkerError(f"a {self._name} worker has died ({why}); see its stderr above")

    def kill(self) -> None:
        """End it in the middle of a job."""
        self._process.kill()

    def close(self) -> None:
        """End it: by itself if it can within seconds."""
        with contextlib.suppress(BrokenPipeError):
            _pipe(self._process.stdin).close()
        try:
            self._process.wait(timeout=_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # Last: closing would wait for a thread that still reads, which the process's end frees.
        _pipe(self._process.stdout).close()


class ProcessPool:
    """Some workers, or none: then jobs run in the thread that asks. A context manager."""

    def __init__(
        self,
        target: str,
        setup: Mapping[str, Json],
        workers: int,
        *,
        name: str,
        local: Tasks | None = None,
        environment: Mapping[str, str] | None = None,
        depth: int = 2,
        patience: float | None = None,
    ) -> None:
        """Start the workers and wait until all are ready.

        Args:
          target: see ``WorkerProcess``.
          setup: see ``WorkerProcess``.
          workers: how many processes.
          name: see ``WorkerProcess``.
          local: does the jobs if there are no workers.
          environment: see ``WorkerProcess``.
          depth: jobs that a worker may have at once: 2 = one that it does and one that waits.
          patience: seconds that ``map`` waits for jobs in hand when it ends early, before it kills
            the workers; None = for ever.

        Raises:
          InputError: as the target does.
          WorkerError: a worker has died or crashed.
        """
        self.workers = workers
        self._local, self._depth, self._patience = local, depth, patience
        self._free: queue.Queue[WorkerProcess] = queue.Queue()
        self._all: list[WorkerProcess] = []
        try:
            for _ in range(workers):
                worker = WorkerProcess(target, setup, name=name, environment=environment)
                self._all.append(worker)
            for worker in self._all:
                worker.ready()
        except BaseException:
            self.close()
            raise
        for _ in range(depth):
            for worker in self._all:
                self._free.put(worker)

    @property
    def pids(self) -> list[int]:
        """The workers' process numbers."""
        return [worker.pid for worker in self._all]

    def run(self, job: Job) -> Reply:
        """Do a job, waiting for a free worker; from any thread.

        Raises:
          InputError: as the job does.
          WorkerError: a worker has died or crashed.
        """
        if not self.workers:
            assert self._local is not None
            return self._local.run(job)
        worker = self._free.get()
        try:
            return worker.run(job)
        finally:
            self._free.put(worker)

    def map(self, jobs: Iterable[Job], *, ordered: bool = True) -> Generator[Reply]:
        """The replies; a few jobs are ahead of what has been taken.

        Args:
          jobs: read as workers become free.
          ordered: replies come in the jobs' order, else as they are done.
        """
        if not self.workers:
            yield from map(self.run, jobs)
            return
        pending: list[Future[Reply]] = []
        threads = ThreadPoolExecutor(self._depth * self.workers)
        try:
            for job in jobs:
                pending.append(threads.submit(self.run, job))
                # As many again as the workers hold: nobody waits while a reply is consumed, and
                # no more than these replies are ever in memory.
                if len(pending) > 2 * self._depth * self.workers:
                    yield _take(pending, ordered=ordered)
            while pending:
                yield _take(pending, ordered=ordered)
        finally:
            for future in pending:
                future.cancel()
            if wait(pending, self._patience).not_done:
                for worker in self._all:
                    worker.kill()
            threads.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """End the workers."""
        for worker in self._all:
            worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _take(pending: list[Future[Reply]], *, ordered: bool) -> Reply:
    """The next reply, removed from those that are waited for."""
    if not ordered:
        wait(pending, return_when=FIRST_COMPLETED)
    first = next(future for future in pending if ordered or future.done())
    pending.remove(first)
    return first.result()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
