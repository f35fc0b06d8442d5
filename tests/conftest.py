# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What every test shares: where jax runs, the compilation cache, threads, hypothesis profiles.

The environment is set while this module loads, because jax and torch read it when they are first
imported, and subprocesses of a test inherit it.
"""

import ctypes
import gc
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from robomamba_jax.world.sim.simulator import Simulator

_CACHE = Path(__file__).resolve().parents[1] / ".cache" / "jax"
_ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    # Compiling is most of the suite's time: see tests/compiling.py. The last one is for less of it
    # too: a module is not compiled in pieces.
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
    " --xla_cpu_parallel_codegen_split_count=1",
    # The second run reads it from here.
    "JAX_COMPILATION_CACHE_DIR": str(_CACHE),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
}
for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)
if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores: torch, which reads this on import, would take all of them in each.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("LP_NUM_THREADS", "1")  # lavapipe's

# No deadlines: the first example of a test pays for compilation. Derandomized, so that a failure
# on one machine is the same failure on the next; `thorough` looks further, at random.
settings.register_profile("default", derandomize=True, deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


# A worker gives back what it can above the first, and again whenever it has grown by the second.
_MEMORY, _GROWTH = 2**30, 2**28
_kept = 0  # bytes that stayed the last time


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _peak_mebibytes() -> int:
    """Of this process since its peak was forgotten, or of the largest child that it has waited for
    so far, which counts as no smaller than the process that started it."""
    status = Path("/proc/self/status").read_text().splitlines()
    (own,) = (int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) >> 10


def _cpu_seconds() -> float:
    """Of this process and of the children that it has waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Gives memory back behind a test. What each took is written to ROBOMAMBA_RSS: its name, MiB in
    memory at its peak, seconds, CPU seconds, by tabs."""
    if sys.platform != "linux":
        return (yield)
    file = os.environ.get("ROBOMAMBA_RSS")
    if file:
        Path("/proc/self/clear_refs").write_text("5")  # the peak is what is there now
    started, spent = time.monotonic(), _cpu_seconds()
    result = yield
    if file:
        took, cpu = time.monotonic() - started, _cpu_seconds() - spent
        with Path(file).open("a") as lines:
            lines.write(f"{item.nodeid}\t{_peak_mebibytes()}\t{took:.2f}\t{cpu:.2f}\n")
    _give_memory_back()
    return result


def _give_memory_back() -> None:
    """Drop what jax has compiled, and return free memory to the system.

    Most of a worker's growth is free memory: XLA's compiler and orbax allocate in dozens of
    threads, each with an arena of its own, of which glibc returns little by itself (of 1,030 MiB
    after three runs of training 420 are free, 50 are jax's caches).
    """
    global _kept
    if _resident_bytes() < max(_MEMORY, _kept + _GROWTH):
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", lambda pad: None)  # glibc's alone
    gc.collect()
    trim(0)
    if _resident_bytes() > _MEMORY and "jax" in sys.modules:
        # Compiled again, mostly from the persistent cache: not without need.
        sys.modules["jax"].clear_caches()
        gc.collect()
        trim(0)
    _kept = _resident_bytes()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test marked `gpu` or `tpu` where jax has no such device."""
    for platform in ("gpu", "tpu"):
        if item.get_closest_marker(platform) is None:
            continue
        import jax  # here, so that tests without jax start fast

        try:
            jax.devices(platform)
        except RuntimeError:
            pytest.skip(f"jax sees no {platform} (JAX_PLATFORMS={os.environ['JAX_PLATFORMS']})")


@pytest.fixture(scope="session")
def simulator() -> "Simulator":
    """SAPIEN with the embedded objects, one per process: its first picture takes seconds. Skipped
    by name where nothing can draw, unless ROBOMAMBA_NEED_RENDERER says that it must."""
    from robomamba_jax.errors import InputError
    from robomamba_jax.world.sim.simulator import Simulator

    try:
        return Simulator()
    except InputError as error:
        if os.environ.get("ROBOMAMBA_NEED_RENDERER"):
            raise
        pytest.skip(f"{error.message}: {error.fix}")
