# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a person sees of a run: tables at its start, a bar with the remaining time, lines."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
from jax.sharding import Mesh

from robomamba_jax.models.params import Params
from robomamba_jax.training.distributed import ProcessRow, topology
from robomamba_jax.training.program import StepProgram
from robomamba_jax.training.setup import Session
from robomamba_jax.training.sharding import bytes_per_device
from robomamba_jax.training.state import TrainState
from robomamba_jax.utils.untrusted_text import printable

_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def bytes_text(count: float) -> str:
    """Such as "3.7 GiB"."""
    for size, name in _UNITS:
        if count >= size:
            return f"{count / size:,.1f} {name}"
    return f"{count:,.0f} B"


def freeze_lines(program: StepProgram) -> list[str]:
    """The table of what is trained and what it costs."""
    sizes = " ".join(f"{name:>12}" for name in ("parameters", "moments", "gradients"))
    lines = [f"{'':10} {'trained':>15} {'frozen':>15} {sizes}"]
    for row in program.table:
        sizes = " ".join(f"{bytes_text(n):>12}" for n in (row.bytes, row.moments, row.gradients))
        lines.append(f"{row.part:10} {row.trained:>15,} {row.frozen:>15,} {sizes}")
    total = program.table[-1]
    share = total.trained / max(total.trained + total.frozen, 1)
    patterns = ", ".join(program.trainable)
    lines.append(f"trained: {share:.3%} of what is in memory, by {patterns}")
    if program.features:
        lines.append(
            f"cached {program.features} features stand for the parts that are missing here"
        )
    return lines


def topology_lines(rows: Sequence[ProcessRow], mesh: Mesh) -> list[str]:
    """Who is there, and the mesh."""
    axes = " x ".join(f"{name} {size}" for name, size in mesh.shape.items())
    lines = [f"mesh: {axes}; {len(rows)} process{'es' if len(rows) > 1 else ''}"]
    return lines + [
        f"  process {row['process']} on {row['host']}: {row['devices']} x {row['kind']}, "
        f"mesh {row['first']} .. {row['last']}"
        for row in rows
    ]


def start_lines(session: Session) -> list[str]:
    """What a run is, before its first step."""
    program = session.program
    lines = topology_lines(topology(program.mesh), program.mesh)
    lines += freeze_lines(program) + memory_lines(session.state, session.frozen)
    if session.step:
        lines.append(f"resuming from step {session.step} of {session.steps}")
    return lines


def memory_lines(state: TrainState, frozen: Params) -> list[str]:
    """What lies on each device before the first step."""
    held = {"trained": state.trained, "moments": state.opt_state, "frozen": frozen}
    parts = ", ".join(f"{n} {bytes_text(bytes_per_device(tree))}" for n, tree in held.items())
    return [f"per device: {parts}; during a step also the gradients and the step's work"]


class Bars:
    """Progress on a terminal; on a file, a line now and then."""

    def __init__(self, terminal: Terminal, bar: Any) -> None:
        self._terminal, self._bar, self._tasks = terminal, bar, {}

    def _task(self, name: str, total: int | None) -> Any:
        if name not in self._tasks:
            # The column of texts asks every task for one: it is empty until a step says it.
            self._tasks[name] = self._bar.add_task(name, total=total, text="")
        return self._tasks[name]

    def measured(self, done: int, total: int) -> None:
        """Samples of the data whose size is known."""
        if self._bar is not None:
            self._bar.update(self._task("samples", total), completed=done, total=total)

    def loaded(self, count: int) -> None:
        """Bytes of weights."""
        if self._bar is not None:
            self._bar.advance(self._task("weights", None), count)

    def step(self, step: int, steps: int, values: Mapping[str, float | None]) -> None:
        """A step's figures."""
        if self._bar is not None:
            for name in ("samples", "weights"):
                if name in self._tasks:
                    self._bar.remove_task(self._tasks.pop(name))
            text = f"loss {values['loss']:.4f}"
            self._bar.update(self._task("steps", steps), completed=step, total=steps, text=text)
        self._terminal.step(step, steps, values)


class Terminal:
    """Where lines and bars go: stderr of process 0, or nowhere."""

    def __init__(self, *, quiet: bool = False, every: int = 10) -> None:
        """Log a line every ``every`` steps; nothing at all where it is quiet."""
        self.quiet, self.every = quiet or jax.process_index() > 0, every
        self._console: Any = None
        if not self.quiet:
            from rich.console import Console

            self._console = Console(file=sys.stderr, highlight=False, markup=False, emoji=False)

    def log(self, line: str) -> None:
        """One line."""
        if self._console is not None:
            # Paths and samples are other people's text: control characters are shown, not obeyed.
            self._console.print(printable(line, lines=True), soft_wrap=True)

    def lines(self, lines: Sequence[str]) -> None:
        """Several."""
        for line in lines:
            self.log(line)

    def step(self, step: int, steps: int, values: Mapping[str, float | None]) -> None:
        """The line of a step, where one is due."""
        if step % self.every and step != steps:
            return
        parts = [f"step {step}/{steps}", f"loss {values['loss']:.4f}"]
        # Where there is one loss alone it is the total.
        parts += [
            f"{name.removeprefix('loss_')} {value:.4f}"
            for name, value in values.items()
            if name.startswith("loss_") and sum(k.startswith("loss_") for k in values) > 1
        ]
        parts += [f"|g| {values['grad_norm']:.3g}", f"lr {values['lr']:.2e}"]
        if values.get("seconds"):
            parts += [
                f"{values['seconds']:.3g} s (data {values['data_wait']:.2g})",
                f"{values['tokens_per_s']:,.0f} tokens/s",
                f"MFU {values['mfu']:.1%}",
            ]
        self.log("  ".join(parts))

    @contextlib.contextmanager
    def bars(self) -> Iterator[Bars]:
        """Bars for a run, while the context lasts."""
        if self._console is None or not self._console.is_terminal:
            yield Bars(self, None)
            return
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}"),
        )
        # Transient: the bars go when the run ends, and the lines above them stay.
        with Progress(*columns, console=self._console, transient=True) as bar:
            yield Bars(self, bar)

    @contextlib.contextmanager
    def bytes(self, what: str) -> Iterator[Callable[[int], None]]:
        """A count of bytes."""
        done = 0

        def count(more: int) -> None:
            """Adds bytes to those that are done."""
            nonlocal done
            done += more

        yield count
        self.log(f"{what} {bytes_text(done)}")
