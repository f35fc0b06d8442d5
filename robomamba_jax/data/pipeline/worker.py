# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A data worker: a process that opens the data once and does one job after another.

    python -m robomamba_jax.data.pipeline.worker

It is spoken to through its standard input and output (``wire``) and ends with them. Being a
program of its own, it loads neither jax nor the script that started it, and needs no
``if __name__ == "__main__"`` there. What is printed by others goes to standard error.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

from robomamba_jax.data.pipeline.tasks import Jobs
from robomamba_jax.errors import InputError
from robomamba_jax.utils.ipc import receive, send


def main() -> int:
    """Serve until standard input ends."""
    pipe_in = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    pipe_out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    jobs: Jobs | None = None
    while message := receive(pipe_in):
        header, _ = message
        reply: dict[str, Any]
        arrays: dict[str, Any] = {}
        try:
            if jobs is None:
                sys.path += [place for place in header["path"] if place not in sys.path]
                jobs, reply = Jobs.of_json(header["config"]), {}
            else:
                reply, arrays = jobs.run(header)
        except InputError as error:
            reply = {"error": [error.kind, error.message, error.fix]}
        except Exception:  # the run shows it: a worker's own output may be seen by nobody
            reply = {"crash": traceback.format_exc()}
        try:
            send(pipe_out, reply, arrays)
        except BrokenPipeError:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
