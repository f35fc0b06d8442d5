# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the CUDA source itself on the CPU: g++ compiles it with fibers for threads."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import jax
import numpy as np

from robomamba_jax.ops.kernels.scan_cuda import SOURCE, KernelCall

HERE = Path(__file__).parent
COMPILER = shutil.which("g++")


def run(
    call: KernelCall, *, order: int = 1, sanitize: bool = False, source: bytes | None = None
) -> list[np.ndarray]:
    """What a kernel writes.

    Args:
      call: with numpy operands.
      order: 1 or -1, the direction in which threads take turns.
      sanitize: with the address sanitizer.
      source: instead of scan_cuda.cu.
    """
    macros = tuple(sorted(call.macros.items()))
    program = _program(call.name, macros, sanitize, source or SOURCE.read_bytes())
    operands = [np.ascontiguousarray(x) for x in call.operands]
    sizes = [x.nbytes for x in operands]
    sizes += [int(np.prod(r.shape)) * r.dtype.itemsize for r in call.results]
    words = [*call.grid, call.threads, order, len(operands), *sizes]
    done = subprocess.run(
        [str(program), *map(str, words)],
        input=b"".join(x.tobytes() for x in operands),
        capture_output=True,
        check=False,
        # Fibers have stacks of their own, which its fake stacks would not know.
        env={**os.environ, "ASAN_OPTIONS": "detect_stack_use_after_return=0:detect_leaks=0"},
    )
    if done.returncode:
        raise AssertionError(done.stderr.decode()[-3000:])
    results, at = [], 0
    for result, size in zip(call.results, sizes[len(operands) :], strict=True):
        raw = done.stdout[at : at + size]
        results.append(np.frombuffer(raw, result.dtype).reshape(result.shape))
        at += size
    return results


def launch(call: KernelCall, **settings: Any) -> list[jax.Array]:
    """``run`` inside of traced programs: a ``launch`` of ``CudaScan``."""

    def host(*operands: Any) -> list[np.ndarray]:
        return run(call._replace(operands=tuple(map(np.asarray, operands))), **settings)

    # As the real one, it is never asked to be mapped.
    return jax.pure_callback(host, list(call.results), *call.operands)


@functools.cache
def _program(
    kernel: str, macros: tuple[tuple[str, str | int], ...], sanitize: bool, source: bytes
) -> Path:
    """The compiled program, which other test processes find where one has made it."""
    assert COMPILER is not None
    # Contraction would give the CPU's results fewer roundings than either device has.
    options = ["-std=c++17", "-O1", "-Wno-unknown-pragmas", "-ffp-contract=off"]
    options += ["-fsanitize=address", "-g"] if sanitize else []
    options += [f"-DKERNEL={kernel}", *(f"-D{name}={value}" for name, value in macros)]
    shim = [(HERE / name).read_bytes() for name in ("cuda_on_cpu.h", "main.h")]
    name = hashlib.sha256(b"\0".join([*shim, source, *map(str.encode, options)])).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / f"robomamba-cuda-on-cpu-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    program = folder / name
    if not program.exists():
        with tempfile.TemporaryDirectory(dir=folder) as work:
            text = b'#include "cuda_on_cpu.h"\n#line 1 "scan_cuda.cu"\n' + source
            (Path(work) / "all.cc").write_bytes(text + b'\n#include "main.h"\n')
            built = Path(work) / "program"
            words = [COMPILER, *options, f"-I{HERE}", str(Path(work) / "all.cc"), "-o", str(built)]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-3000:]
            # At once: another test process may look for it just now.
            built.replace(program)
    return program
