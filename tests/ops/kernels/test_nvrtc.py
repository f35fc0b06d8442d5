# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""NVRTC: what is said where it is missing, and what it makes where it is there."""

from __future__ import annotations

import pytest

from robomamba_jax.ops.kernels import nvrtc

SOURCE = b'extern "C" __global__ void twice(float* x) { x[threadIdx.x] *= 2; }'
OPTIONS = ("--gpu-architecture=compute_80", "--std=c++17")


def test_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the mend, and an error of its own."""
    monkeypatch.setattr(nvrtc, "_library", lambda: None)
    assert "make install ACCEL=cuda12" in nvrtc.missing()
    assert "\n" not in nvrtc.missing()
    assert nvrtc.version() == ""
    with pytest.raises(nvrtc.NvrtcError, match="libnvrtc"):
        nvrtc.compile_ptx(SOURCE, OPTIONS)


def test_where_nothing_can_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of that name that is no library is passed over."""
    monkeypatch.setattr(nvrtc, "_candidates", lambda: iter([__file__, "libnvrtc.so.none"]))
    assert nvrtc._library.__wrapped__() is None


def test_oldest_version() -> None:
    """Only the version's own line changes, and a note that older ones do not know goes."""
    ptx = '//\n.version 8.8\n.target sm_80\n\t.pragma "used_bytes_mask 0xff";\n// .version 8.8\n'
    assert nvrtc._oldest(ptx) == "//\n.version 7.4\n.target sm_80\n// .version 8.8\n"


@pytest.mark.skipif(bool(nvrtc.missing()), reason="NVRTC is not here")
def test_compiling() -> None:
    """PTX of a right program, the log of a wrong one."""
    ptx = nvrtc.compile_ptx(SOURCE, OPTIONS)
    assert ".target sm_80" in ptx
    assert ".entry twice" in ptx
    with pytest.raises(nvrtc.NvrtcError, match="undefined"):
        nvrtc.compile_ptx(SOURCE.replace(b"threadIdx", b"threadIndex"), OPTIONS)
    assert nvrtc.version()
