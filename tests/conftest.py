# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What every test shares: where jax runs, the compilation cache, threads, hypothesis profiles.

The environment is set while this module loads, because jax and torch read it when they are first
imported, and subprocesses of a test inherit it.
"""

import ctypes
import gc
import os
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
    # Compiling is most of the suite's time; the second run reads it from here.
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


# Above this a worker gives back what it can between modules; ROBOMAMBA_RSS=FILE shows the effect.
_MEMORY = 2**30


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _cpu_seconds() -> float:
    """Of this process and of the children that it has waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Memory is given back behind a module's last test; what each test took is written to
    ROBOMAMBA_RSS: its name, MiB in memory afterwards, seconds, CPU seconds, by tabs."""
    file = os.environ.get("ROBOMAMBA_RSS")
    started, spent = time.monotonic(), _cpu_seconds()
    result = yield
    if sys.platform != "linux":
        return result
    if file:
        took, cpu = time.monotonic() - started, _cpu_seconds() - spent
        with Path(file).open("a") as lines:
            lines.write(f"{item.nodeid}\t{_resident_bytes() >> 20}\t{took:.2f}\t{cpu:.2f}\n")
    if nextitem is None or nextitem.path != item.path:
        _give_memory_back()
    return result


def _give_memory_back() -> None:
    """Drop what jax has compiled, and return free memory to the system.

    Most of a worker's growth is free memory: XLA's compiler and orbax allocate in dozens of
    threads, each with an arena of its own, of which glibc returns little by itself (of 1,030 MiB
    after three runs of training 420 are free, 50 are jax's caches).
    """
    if _resident_bytes() < _MEMORY:
        return
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


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
