# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""CUDA C++ to PTX, by the compiler library that comes with jax's CUDA wheels.

NVRTC needs no device and no compiler on the machine, so that programs are compiled when they are
traced, also for GPUs that are elsewhere.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

# Of CUDA 12 and 13, newest first.
_SONAMES = ("libnvrtc.so.13", "libnvrtc.so.12")
# A driver refuses PTX that names a version newer than its own, and the wheels' NVRTC is newer than
# many drivers. Compilers whose PTX for sm_80 has been assembled under the version of CUDA 11.4;
# what others write is left alone.
_PTX_VERSION, _REWRITTEN = "7.4", ("12.9", "13.0")


class NvrtcError(RuntimeError):
    """A program does not compile; the message is the compiler's log."""


def missing() -> str:
    """Why CUDA C++ cannot be compiled here, in one line; "" where it can."""
    return "" if _library() is not None else _NOT_FOUND


_NOT_FOUND = (
    "no libnvrtc.so.12 or .13: it comes with jax[cuda12] (make install ACCEL=cuda12), or alone as "
    "the package nvidia-cuda-nvrtc-cu12"
)


def version() -> str:
    """NVRTC's own version, such as "12.9"; "" where it is missing."""
    library = _library()
    if library is None:
        return ""
    major, minor = ctypes.c_int(), ctypes.c_int()
    library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    return f"{major.value}.{minor.value}"


def compile_ptx(source: bytes, options: Sequence[str]) -> str:
    """PTX of a program.

    Args:
      source: CUDA C++ without includes.
      options: NVRTC's, such as "--gpu-architecture=compute_80" and "-DNAME=VALUE".

    Raises:
      NvrtcError: it does not compile, or NVRTC is missing.
    """
    library = _library()
    if library is None:
        raise NvrtcError(_NOT_FOUND)
    program = ctypes.c_void_p()
    words = [option.encode() for option in options]
    _check(
        library.nvrtcCreateProgram(ctypes.byref(program), source, b"kernel.cu", 0, None, None),
        "create a program",
    )
    try:
        array = (ctypes.c_char_p * len(words))(*words)
        if library.nvrtcCompileProgram(program, len(words), array):
            raise NvrtcError(_text(library, "ProgramLog", program)[:4000])
        ptx = _text(library, "PTX", program)
        return _oldest(ptx) if version() in _REWRITTEN else ptx
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


def _text(library: ctypes.CDLL, what: str, program: ctypes.c_void_p) -> str:
    """A text that NVRTC keeps of a program: its size is asked first."""
    size = ctypes.c_size_t()
    _check(getattr(library, f"nvrtcGet{what}Size")(program, ctypes.byref(size)), f"size {what}")
    buffer = ctypes.create_string_buffer(size.value)
    _check(getattr(library, f"nvrtcGet{what}")(program, buffer), f"get {what}")
    return buffer.value.decode()


def _check(code: int, what: str) -> None:
    if code:
        raise NvrtcError(f"NVRTC cannot {what}: error {code}")


def _oldest(ptx: str) -> str:
    """The same PTX under the oldest version that has all of it."""
    # Which bytes of a load are used: a note for tools, younger than the loads themselves.
    ptx = re.sub(r'(?m)^\s*\.pragma "used_bytes_mask[^"]*";\n', "", ptx)
    return re.sub(r"(?m)^\.version \d+\.\d+", f".version {_PTX_VERSION}", ptx, count=1)


@functools.cache
def _library() -> ctypes.CDLL | None:
    for path in _candidates():
        try:
            return ctypes.CDLL(path)
        except OSError:
            continue
    return None


def _candidates() -> Iterator[str]:
    """Where NVRTC may be: the wheels', the loader's, the system's."""
    try:
        spec = importlib.util.find_spec("nvidia")
    except (ImportError, ValueError):  # a package of that name that is broken
        spec = None
    for folder in spec.submodule_search_locations or () if spec else ():
        for name in _SONAMES:
            # nvidia/cuda_nvrtc/lib (CUDA 12), nvidia/cu13/lib.
            yield from (str(path) for path in sorted(Path(folder).glob(f"*/lib/{name}")))
    yield from _SONAMES
    for name in _SONAMES:
        yield f"/usr/local/cuda/lib64/{name}"
