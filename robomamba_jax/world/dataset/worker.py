# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A process that draws and simulates:  python -m robomamba_jax.world.dataset.worker

It is told jobs as JSON lines on standard input and answers each with one on standard output.
What others print goes to standard error.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path

from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import replacing
from robomamba_jax.world.dataset.tasks import WorldPlan, run_job
from robomamba_jax.world.sim.simulator import Simulator

SAID = ".said"
"""The ending of what is said of a part beside it: who was skipped, and notes of objects."""


def main() -> int:
    """Serve until standard input ends."""
    # Ctrl-C goes to all processes of a terminal: the run ends us, after the job in hand.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    simulator: Simulator | None = None
    for line in sys.stdin:
        job = json.loads(line)
        try:
            fields = {**job["plan"], "categories": tuple(job["plan"]["categories"])}
            plan = WorldPlan(**fields)
            simulator = simulator or Simulator(
                plan.assets, plan.asset_list, job["on_bad"], plan.allow_roots
            )
            reply = run_job(
                simulator,
                plan,
                Path(job["root"]),
                job["kind"],
                job["start"],
                job["count"],
                job["on_bad"],
            )
            to, items = Path(job["to"]), reply.pop("items")
            # What there is to say of the items comes first: a part that is there is complete.
            write_whole(to.with_suffix(SAID), json.dumps(reply))
            write_whole(to, json.dumps({"items": items}))
            answer = {"done": job["count"]}
        except InputError as error:
            answer = {"error": [error.kind, error.message, error.fix]}
        except Exception:  # the run shows it: a worker's own output may be seen by nobody
            answer = {"crash": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)
    return 0


def write_whole(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all; InputError where the disk is full."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
