# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which Vulkan driver SAPIEN draws with: a GPU's, or Mesa's lavapipe on the CPU.

``make vulkan`` unpacks a lavapipe that is new enough into the virtual environment; nothing
of the system is changed. A driver that the user names in VK_ICD_FILENAMES or VK_DRIVER_FILES
is always left alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from robomamba_jax.errors import InputError

FOLDER = Path(sys.prefix) / "share" / "robomamba_jax" / "vulkan"
_NAMED = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")
_SYSTEM = (Path("/usr/share/vulkan/icd.d"), Path("/etc/vulkan/icd.d"))
FIX = "run make vulkan (a CPU driver, no root needed), or name one in VK_ICD_FILENAMES"


@dataclasses.dataclass(frozen=True)
class Driver:
    """A Vulkan driver.

    Attributes:
      name: what it is, for people.
      file: its JSON file; None = whatever the system's loader finds.
    """

    name: str
    file: Path | None


def find_driver() -> Driver:
    """The driver that will be used: the user's, a GPU's, ours, the system's."""
    for name in _NAMED:
        if os.environ.get(name):
            return Driver(f"named in {name}", Path(os.environ[name].split(os.pathsep)[0]))
    gpu = [path for folder in _SYSTEM for path in folder.glob("nvidia*.json")]
    # The device tells a driver that works from one that is only installed.
    if gpu and Path("/dev/nvidiactl").exists():
        return Driver("NVIDIA's", gpu[0])
    ours = FOLDER / "lvp_icd.json"
    if ours.is_file():
        return Driver("lavapipe of make vulkan", ours)
    return Driver("the system's", None)


def load_sapien() -> Any:
    """The module sapien, with the driver chosen.

    Raises:
      InputError: the package is not installed.
    """
    driver = find_driver()
    if driver.file is not None and driver.file.parent == FOLDER:
        os.environ["VK_ICD_FILENAMES"] = str(driver.file)
        _preload(FOLDER / "lib")
    try:
        with warnings.catch_warnings():
            # It says that it brings its own Vulkan loader, which is what we want.
            warnings.simplefilter("ignore", UserWarning)
            import sapien
    except ImportError as error:
        raise InputError(
            "missing_package", f"the simulator cannot be loaded: {error}", "run make install-sim"
        ) from error
    sapien.set_log_level("error")
    return sapien


def _preload(folder: Path) -> None:
    """Load the libraries that the system lacks: the driver's own names then find them."""
    waiting = sorted(folder.glob("*.so*"))
    while waiting:
        # A library fails as long as one that it needs is not loaded: again, while any succeeds.
        left = [path for path in waiting if not _loads(path)]
        if len(left) == len(waiting):
            return
        waiting = left


def _loads(path: Path) -> bool:
    with contextlib.suppress(OSError):
        ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)
        return True
    return False


def check_renderer(sapien: Any) -> None:
    """See whether anything can be drawn.

    Raises:
      InputError: there is no device to draw with.
    """
    try:
        sapien.render.RenderSystem()
    except RuntimeError as error:
        raise InputError(
            "no_renderer", f"nothing to draw with ({find_driver().name} driver): {error}", FIX
        ) from error
