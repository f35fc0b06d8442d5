# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba doctor``: is everything installed that the commands need, and what fixes it?"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

from robomamba_jax.cli.command_line import Commands
from robomamba_jax.cli.terminal import say
from robomamba_jax.errors import InputError
from robomamba_jax.utils.version import installed_version

EXAMPLE = """examples:
  robomamba doctor
  robomamba doctor --config configs/stage2_manipulation.py --json
  robomamba doctor --kernels"""

_NEEDED = ("jax", "flax", "optax", "orbax-checkpoint", "grain", "transformers", "numpy", "pillow")
# package -> what needs it, and the fix
_EXTRAS = {
    "sapien": ("robomamba world", "make install-sim"),
    "torch": ("robomamba verify, the tests", "make install-test"),
    "av": ("RoboVQA's videos", "pip install av"),
}
# For one image: a software renderer compiles its shaders before the first.
_SECONDS = 120
_FIX = "give a configuration of training, such as configs/stage1_1_align.py"


def add_parser(commands: Commands) -> None:
    """Add ``doctor``."""
    parser = commands.add_parser(
        "doctor",
        help="check packages, devices, the renderer and data paths",
        description="Checks what the commands need; every fault comes with its fix. "
        "Exit status 0 if nothing needed is missing, 2 otherwise. With --kernels it tests the "
        "scan's kernel on this device instead, or shows the verdict that is kept: 0 if the kernel "
        "passed, is slower than the chunked form, or is not for this device; 1 if a check failed; "
        "2 if it could not be tested.",
        epilog=EXAMPLE,
    )
    parser.add_argument("--config", metavar="FILE", help="also the data paths of a configuration")
    parser.add_argument(
        "--kernels", action="store_true", help="the scan's kernel on this device, and nothing else"
    )
    parser.add_argument(
        "--again", action="store_true", help="with --kernels: test, whatever verdict is kept"
    )
    parser.runs(_run)


def _run(args: argparse.Namespace) -> dict[str, Any]:
    if args.kernels:
        if args.config is not None:
            raise InputError("bad_arguments", "--kernels and --config", "give one of them")
        from robomamba_jax.cli.doctor_kernels import kernel_report

        return kernel_report(args)
    if args.again:
        raise InputError("bad_arguments", "--again without --kernels", "give both")
    checks = [*_packages(), _devices(), _renderer(), _tokenizer()]
    if args.config is not None:
        checks += _paths(args.config)
    if not args.json:
        for check in checks:
            mark = {"ok": "ok  ", "missing": "--  ", "fault": "BAD "}[check["state"]]
            fix = f"  -> {check['fix']}" if check["fix"] else ""
            say(f"{mark}{check['name']}: {check['found']}{fix}")
    faults = [check["name"] for check in checks if check["state"] == "fault"]
    # 2: what is missing is something that the user can install.
    args.status = 2 if faults else 0
    return {"schema": "robomamba.doctor/1", "ok": not faults, "checks": checks}


def _check(name: str, state: str, found: str, fix: str = "") -> dict[str, str]:
    """One line: state is "ok", "missing" (an option is not there) or "fault"."""
    return {"name": name, "state": state, "found": found, "fix": fix}


def _packages() -> list[dict[str, str]]:
    checks = [_check("python", "ok", ".".join(map(str, sys.version_info[:3])))]
    for name in (*_NEEDED, *_EXTRAS):
        found = installed_version(name)
        if found is not None:
            checks.append(_check(name, "ok", found))
        elif name in _NEEDED:
            checks.append(_check(name, "fault", "not installed", "make install"))
        else:
            what, fix = _EXTRAS[name]
            checks.append(_check(name, "missing", f"not installed: {what} need it", fix))
    return checks


def _devices() -> dict[str, str]:
    try:
        import jax

        devices = jax.devices()
    except (ImportError, RuntimeError) as error:
        what = str(error).partition("\n")[0]
        return _check("jax devices", "fault", what, "make install ACCEL=cpu|cuda12|tpu")
    kinds = ", ".join(sorted({device.device_kind for device in devices}))
    found = f"{len(devices)} x {kinds} ({jax.default_backend()})"
    # The driver's own device file: there whether or not jax was installed for it.
    if jax.default_backend() == "cpu" and Path("/dev/nvidiactl").exists():
        return _check("jax devices", "missing", f"{found}, though there is a GPU", "make install")
    return _check("jax devices", "ok", found)


def _renderer() -> dict[str, str]:
    """Renders one image, in a process of its own: a broken driver may crash it."""
    from robomamba_jax.world.sim.vulkan import FIX, find_driver

    if installed_version("sapien") is None:
        return _check("renderer", "missing", "sapien is not installed", "make install-sim")
    code = "from robomamba_jax.world.sim.probe import main; main()"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return _check("renderer", "fault", f"no image after {_SECONDS} s", FIX)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        return _check("renderer", "fault", said[-1] if said else f"died ({done.returncode})", FIX)
    return _check("renderer", "ok", f"{find_driver().name}: {done.stdout.strip()}")


def _tokenizer() -> dict[str, str]:
    path = Path("assets/tokenizer.json")
    if path.is_file():
        return _check("tokenizer", "ok", str(path))
    # No fault: the presets tiny and nano bring a tokenizer of their own.
    return _check("tokenizer", "missing", f"no {path}: presets from 130m need it", "make assets")


def _paths(config: str) -> list[dict[str, str]]:
    """The files and folders that a configuration names."""
    from robomamba_jax.config.files import config_module, get_config
    from robomamba_jax.config.training import TrainConfig
    from robomamba_jax.utils.file_names import find_files

    run = get_config(config_module(config), config, "get_config")
    if not isinstance(run, TrainConfig):
        raise InputError("bad_config", f"{config} is not a TrainConfig", _FIX)
    named = [(f"data.sources.{k}.path", source.path) for k, source in enumerate(run.data.sources)]
    named += [(f"data.sources.{k}.root", s.root) for k, s in enumerate(run.data.sources) if s.root]
    if run.init_from:
        named.append(("init_from", run.init_from))
    checks = []
    for name, value in named:
        try:
            # As reading the data looks for it: a path may be a pattern.
            find_files(value, missing="is not there")
            checks.append(_check(name, "ok", value))
        except InputError as error:
            checks.append(_check(name, "fault", error.message, f"train.py --set {name}=PATH"))
    return checks
