# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The program that a ``process_pool`` worker runs:  python -m robomamba_jax.utils.worker

It is spoken to through its standard input and output (``ipc``) and ends with them, so that nobody
is left behind by a parent that was killed. Being a program of its own, it loads neither jax nor the
script that started it, and needs no ``if __name__ == "__main__"`` there. What others print goes to
standard error.

The first message names a function, "module:function", and its argument; what it returns is asked
for every later message by ``run``.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from typing import Any

from robomamba_jax.errors import InputError
from robomamba_jax.utils.ipc import Tasks, receive, send


def main() -> int:
    """Serve until standard input ends."""
    # Ctrl-C goes to all processes of a terminal: the parent ends us, after the job in hand.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Libraries print to stdout, from C too: the protocol keeps the real one to itself.
    pipe_in = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    pipe_out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    tasks: Tasks | None = None
    while message := receive(pipe_in):
        header, _ = message
        reply: dict[str, Any]
        arrays: dict[str, Any] = {}
        try:
            if tasks is None:
                tasks, reply = _open(header), {}
            else:
                reply, arrays = tasks.run(header)
        except InputError as error:
            reply = {"error": [error.kind, error.message, error.fix]}
        except Exception:  # the parent shows it: a worker's own output may be seen by nobody
            reply = {"crash": traceback.format_exc()}
        try:
            send(pipe_out, reply, arrays)
        except BrokenPipeError:
            return 0
        if tasks is None:
            return 1
    return 0


def _open(header: dict[str, Any]) -> Tasks:
    sys.path += [path for path in header["path"] if path not in sys.path]
    module, function = header["target"].split(":")
    return getattr(importlib.import_module(module), function)(header["setup"])


if __name__ == "__main__":
    sys.exit(main())
