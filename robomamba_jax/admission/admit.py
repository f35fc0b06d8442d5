# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which form of the scan "auto" is on the device of this process."""

from __future__ import annotations

# Signatures of jax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
import hashlib
import re
from pathlib import Path

import jax
import jaxlib.version

from robomamba_jax.admission import verdicts
from robomamba_jax.admission.self_test import self_test
from robomamba_jax.admission.verdicts import PASSED, UNABLE, DeviceKey, Verdict
from robomamba_jax.errors import InputError
from robomamba_jax.ops import kernels
from robomamba_jax.ops.kernels import nvrtc
from robomamba_jax.ops.kernels.choice import KERNELS
from robomamba_jax.ops.kernels.interface import MAX_STATES
from robomamba_jax.utils.progress import Log, no_log
from robomamba_jax.utils.version import installed_version

_NVIDIA = Path("/proc/driver/nvidia/version")


def device_key() -> DeviceKey | None:
    """The device of this process and all versions that matter; None where there is no kernel, as
    on the CPU."""
    backend = jax.default_backend()
    if backend not in KERNELS:
        return None
    device = jax.local_devices()[0]
    plugin = " ".join(device.client.platform_version.split())
    return DeviceKey(
        device_kind=device.device_kind,
        driver=f"{_nvidia_driver()}, {plugin}" if backend == "gpu" else plugin,
        jax=jax.__version__,
        jaxlib=jaxlib.version.__version__,
        compiler=nvrtc.version() if backend == "gpu" else installed_version("libtpu") or "",
        source=source_hash(),
    )


def source_hash() -> str:
    """Of all files of ``ops/kernels`` and of the test: what was proved holds for them alone."""
    content = hashlib.sha256()
    # A namespace's path in an editable install, a folder's in a wheel: the same files.
    folder, test = Path(kernels.__path__[0]), Path(__file__).with_name("self_test.py")
    for path in [*sorted(p for p in folder.iterdir() if p.suffix in (".py", ".cu")), test]:
        content.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return content.hexdigest()[:16]


def verdict(key: DeviceKey, log: Log = no_log, *, again: bool = False) -> Verdict:
    """The verdict on record, or that of a test, which is then put on record.

    Args:
      key: of the device and versions.
      log: gets a line before a test, and where the file of verdicts is damaged.
      again: test, whatever is on record.
    """
    found = None if again else verdicts.kept(key, log)
    if found is not None:
        return found
    log(f"scan: testing the kernel, once for {key.device_kind} and these versions ...")
    verdicts.begin(key, log)
    # Compilers and devices raise what they like, and a run must not end by it.
    try:
        found = self_test()
    except Exception as error:
        what = error.message if isinstance(error, InputError) else str(error)
        line = what.partition("\n")[0][:200] or type(error).__name__
        found = Verdict(UNABLE, reason=f"cannot be tested here: {line}")
    verdicts.keep(key, found, log)
    return found


def admitted(states: int, log: Log = no_log) -> bool:
    """Whether "auto" is the kernel on this device: at the start of training or serving. Tests the
    kernel where there is no verdict; says in a line what is taken, but on the CPU.

    Args:
      states: N of the model's scan; B and C vary in time.
      log: gets the lines.
    """
    key = device_key()
    if key is None or states > MAX_STATES:
        return False
    found = verdict(key, log)
    if found.result == PASSED:
        log(
            f"scan: the kernel, which has passed its test on {key.device_kind} and has "
            f"{found.factor:.1f} times the chunked form's speed there"
        )
        return True
    log(f"scan: the chunked form, since the kernel {found.why()}")
    return False


def on_record(states: int) -> bool | None:
    """What ``admitted`` would say without a test; None where one would be needed."""
    key = device_key()
    if key is None or states > MAX_STATES:
        return False
    found = verdicts.kept(key)
    return None if found is None else found.result == PASSED


def _nvidia_driver() -> str:
    """Such as "570.86.10"; "" where the kernel module does not say it."""
    try:
        text = _NVIDIA.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.search(r"\b\d+\.\d+(\.\d+)?\b", text)
    return found.group() if found else ""
