# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which form of the scan a run computes with: by name, as it was begun, or what this device has
admitted."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from robomamba_jax.admission import admit
from robomamba_jax.config import MambaConfig
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.config.training import TrainConfig
from robomamba_jax.errors import InputError
from robomamba_jax.ops.kernels.choice import kernel_for
from robomamba_jax.ops.selective_scan import METHODS
from robomamba_jax.training.distributed import agreed, gathered_numbers
from robomamba_jax.training.weights import chosen_config
from robomamba_jax.utils.files import read_json
from robomamba_jax.utils.progress import Log

# What "auto" is where no kernel is admitted: of a sequence of one chunk it is one associative scan.
_CHUNKED, _KERNEL = "chunked", "kernel"


def scan_in_use(
    config: TrainConfig, parts: ModelParts | None, workdir: Path, log: Log
) -> tuple[TrainConfig, str]:
    """A run's configuration with the scan's form that its program is built with.

    "auto" is settled before anything is traced: as the workdir says if it holds a run, else by
    this device's verdict on the kernel, with which all processes must agree: one no is no. Every
    process must call it.

    Args:
      config: the run's.
      parts: of the base; None = as the preset says.
      workdir: the run's folder.
      log: gets a line on an accelerator.

    Returns:
      the configuration, and the form's name for the workdir.

    Raises:
      InputError: the run was begun with the kernel, and there is none here.
    """
    llm = chosen_config(config.model, parts).llm
    begun = _as_begun(workdir)
    wanted = _wanted(llm, begun, workdir, log)
    method = _together(wanted, log)
    if llm.scan_method == "auto" and method == _KERNEL:
        config = dataclasses.replace(
            config, model=dataclasses.replace(config.model, scan_method=_KERNEL)
        )
    return config, method


def _as_begun(workdir: Path) -> str:
    """The form that the workdir's run computes with, "" where it holds none; process 0 reads."""
    file, found = workdir / "config.json", ""
    if file.is_file():
        # Runs of earlier versions took the kernel by name alone.
        found = str(read_json(file, stray_bytes=True).get("scan_method", _CHUNKED))
    number = METHODS.index(found) if found in METHODS else -1
    number = agreed(number)
    return "" if number < 0 else METHODS[number]


def _wanted(llm: MambaConfig, begun: str, workdir: Path, log: Log) -> str:
    """What this process would take."""
    if llm.scan_method != "auto":
        return llm.scan_method
    if not begun:
        return _KERNEL if admit.admitted(llm.d_state, log) else _CHUNKED
    if begun == _KERNEL:
        _check_kernel(llm, workdir)
    other = {True: _KERNEL, False: _CHUNKED, None: begun}[admit.on_record(llm.d_state)]
    if other != begun:
        log(f"scan: {begun}, as this run was begun; a new run would take {other} here")
    return begun


def _check_kernel(llm: MambaConfig, workdir: Path) -> None:
    try:
        kernel_for(llm.d_state, varying=True)
    except InputError as error:
        raise InputError(
            error.kind,
            f"{workdir} holds a run that was begun with the scan's kernel: {error.message}",
            "resume it where it was begun, or begin another --workdir with --init of this one",
        ) from error


def _together(wanted: str, log: Log) -> str:
    """One form for all processes, which trace one program."""
    everyone = {METHODS[number] for number in gathered_numbers(METHODS.index(wanted))}
    # Other differences are of the configurations, and are refused together with all others.
    if everyone == {_KERNEL, _CHUNKED}:
        if wanted == _KERNEL:
            log("scan: the chunked form after all, since not all processes admit the kernel")
        return _CHUNKED
    return wanted
