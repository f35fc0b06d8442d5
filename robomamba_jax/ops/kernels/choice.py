# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which kernel a scan is traced with, and why there is none.

The choice is made from what is known when a scan is traced, never by trying: a compiler that fails
may take the whole process with it.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
import contextlib
import contextvars
from collections.abc import Callable, Generator, Mapping

import jax

from robomamba_jax.errors import InputError
from robomamba_jax.ops.backend import current_backend
from robomamba_jax.ops.kernels.interface import MAX_STATES, ScanKernel


def _tpu() -> ScanKernel:
    # Pallas takes a while to import, and most processes need none of it.
    from robomamba_jax.ops.kernels.on_platform import OnPlatform
    from robomamba_jax.ops.kernels.scan_pallas import PallasKernel

    # Arrays may be placed on the CPU in a process that has a TPU.
    return OnPlatform(PallasKernel(), "tpu")


def _gpu() -> ScanKernel:
    from robomamba_jax.ops.kernels import scan_cuda
    from robomamba_jax.ops.kernels.on_platform import OnPlatform

    missing = scan_cuda.missing()
    if missing:
        what, _, how = missing.partition(": ")
        raise InputError("no_kernel", what, f'{how}; or give scan_method (or method) "chunked"')
    # Where a GPU is traced for that is elsewhere, its topology's name was checked.
    if jax.default_backend() == "gpu":
        what = scan_cuda.unsuited(jax.local_devices(backend="gpu")[0])
        if what:
            raise InputError("no_kernel", what, 'give scan_method (or method) "chunked"')
    return OnPlatform(scan_cuda.CudaScan(), "cuda")


KERNELS: Mapping[str, Callable[[], ScanKernel]] = {"tpu": _tpu, "gpu": _gpu}
"""Backend -> its kernel."""

_INSTEAD: contextvars.ContextVar[ScanKernel | None] = contextvars.ContextVar("kernel", default=None)


@contextlib.contextmanager
def kernel_instead(kernel: ScanKernel) -> Generator[None]:
    """Within the context, scans "by kernel" are traced with this one, whatever the backend: for
    tests, with an interpreted kernel or one that is wrong on purpose.

    What jit has traced before is not traced again.
    """
    token = _INSTEAD.set(kernel)
    try:
        yield
    finally:
        _INSTEAD.reset(token)


def kernel_for(states: int, varying: bool) -> ScanKernel:
    """The kernel of the backend that is traced for.

    Args:
      states: N.
      varying: both B and C vary in time.

    Raises:
      InputError: there is none, in one line.
    """
    fix = 'give scan_method (or method) "chunked"'
    if not varying:
        raise InputError("no_kernel", "the scan's kernel needs B and C that vary in time", fix)
    if states > MAX_STATES:
        what = f"the scan's kernel takes at most {MAX_STATES} states, and N is {states}"
        raise InputError("no_kernel", what, fix)
    instead, backend = _INSTEAD.get(), current_backend()
    if instead is not None:
        return instead
    if backend not in KERNELS:
        names = " or ".join(sorted(KERNELS))
        what = f"the scan's kernel runs on a {names}, and this computes on the {backend}"
        raise InputError("no_kernel", what, fix)
    return KERNELS[backend]()
