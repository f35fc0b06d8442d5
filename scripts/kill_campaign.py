#!/usr/bin/env python3
# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Kill a training run with SIGKILL many times, then compare it with one that was left alone.

    .venv/bin/python scripts/kill_campaign.py --kills 50 --out runs/kills

Half of the kills come at random times, the others at random times while a checkpoint is being
written (its hidden folder is there). After the last one the run is let to its end. Parameters,
optimizer, random key and metrics.jsonl must be bit-identical to those of the other run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


def command(workdir: Path, steps: int, every: int) -> list[str]:
    """The same command, whatever has happened before."""
    return [
        *(sys.executable, str(ROOT / "train.py"), "--tiny"),
        *("--config", str(ROOT / "configs/stage1_2_instruct.py"), "--workdir", str(workdir)),
        *("--set", f"run.steps={steps}", "--set", f"checkpoint.every={every}"),
        *("--set", "run.export=false", "--set", "run.samples=0", "--set", "run.eval_every=50"),
    ]


def start(workdir: Path, args: argparse.Namespace) -> subprocess.Popen[bytes]:
    """A process of the run; its last words go into a file."""
    with (workdir.parent / f"{workdir.name}.log").open("ab") as log:
        return subprocess.Popen(
            command(workdir, args.steps, args.every), stdout=log, stderr=log, cwd=ROOT
        )


def partials(workdir: Path) -> list[Path]:
    """Checkpoints that are being written."""
    return list((workdir / "checkpoints").glob(".partial-*"))


def kill_at_random(process: subprocess.Popen[bytes], workdir: Path, longest: float) -> bool:
    """Kill it some time after its start; False if it had ended."""
    try:
        process.wait(timeout=random.uniform(0, longest))
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True


def kill_in_write(process: subprocess.Popen[bytes], workdir: Path, longest: float) -> bool:
    """Kill it while one of its checkpoints is being written; False if it had ended."""
    wait_for, seen = random.randint(1, 4), set()
    while process.poll() is None:
        seen.update(path.name for path in partials(workdir))
        if len(seen) >= wait_for and partials(workdir):
            time.sleep(random.uniform(0, 0.04))
            if partials(workdir):
                process.kill()
                process.wait()
                return True
        time.sleep(0.0005)
    return False


def state_of(workdir: Path) -> dict[str, np.ndarray]:
    """All arrays of the last checkpoint."""
    from robomamba_jax.training.checkpoint import newest_good, read_arrays

    found = newest_good(workdir)
    assert found is not None
    return read_arrays(found, "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--every", type=int, default=10, help="steps between checkpoints")
    parser.add_argument("--longest", type=float, default=9.0, help="seconds before a random kill")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    sys.path.insert(0, str(ROOT))
    random.seed(args.seed)
    shutil.rmtree(args.out, ignore_errors=True)
    args.out.mkdir(parents=True)
    quiet, killed = args.out / "quiet", args.out / "killed"
    begun = time.time()
    assert start(quiet, args).wait() == 0, "the undisturbed run failed"
    kills = inside = resumed = 0
    while kills < args.kills:
        way = kill_in_write if kills % 2 else kill_at_random
        if not way(start(killed, args), killed, args.longest):
            break
        kills += 1
        inside += bool(partials(killed))
        resumed = (
            len((killed / "metrics.jsonl").read_bytes().splitlines())
            if (killed / "metrics.jsonl").is_file()
            else 0
        )
        print(f"{kills} kills, {inside} inside a write, {resumed} lines", file=sys.stderr)
    assert start(killed, args).wait() == 0, "the run could not be ended"
    one, other = state_of(quiet), state_of(killed)
    same = {name: bool(np.array_equal(one[name], other[name])) for name in one}
    lines = (quiet / "metrics.jsonl").read_bytes() == (killed / "metrics.jsonl").read_bytes()
    result = {
        "kills": kills,
        "inside_a_write": inside,
        "steps": args.steps,
        "checkpoint_every": args.every,
        "arrays": len(same),
        "arrays_identical": sum(same.values()),
        "same_names": one.keys() == other.keys(),
        "metrics_identical": lines,
        "seconds": round(time.time() - begun),
    }
    print(json.dumps(result, indent=1))
    (args.out / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    good = kills >= args.kills and all(same.values()) and one.keys() == other.keys() and lines
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
