# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba doctor --kernels``: is the scan's kernel right and fast on this device?"""

from __future__ import annotations

import argparse
from typing import Any

from robomamba_jax.cli.terminal import say

_STATUS = {"passed": 0, "slower": 0, "refused": 1, "unable": 2}


def kernel_report(args: argparse.Namespace) -> dict[str, Any]:
    """Show or find the verdict; sets ``args.status``.

    Args:
      args: of the command: ``again`` and ``json``.

    Returns:
      ``robomamba.doctor_kernels/1``: ``ok``, and ``key`` and ``verdict`` as the cache has them
      (None on the CPU).
    """
    import jax

    from robomamba_jax.admission import admit
    from robomamba_jax.admission.verdicts import verdicts_file

    log = (lambda line: None) if args.json else say
    key = admit.device_key()
    if key is None:
        log(
            f"kernels: the scan has none for the {jax.default_backend()}, which this computes on: "
            'scan_method "auto" is the chunked form, and nothing to test'
        )
        return {"schema": _SCHEMA, "ok": True, "key": None, "verdict": None}
    found = admit.verdict(key, log, again=args.again)
    args.status = _STATUS[found.result]
    log(f"device   {key.device_kind}, driver {key.driver}")
    log(
        f"versions jax {key.jax}, jaxlib {key.jaxlib}, compiler {key.compiler or 'none'}, "
        f"kernel {key.source}"
    )
    if found.checks:
        log(f"{'check':<62} {'worst':<15} {'error':>8} {'allowed':>8}")
    for check in found.checks:
        mark = "ok  " if check.passed else "BAD "
        log(f"{mark}{check.name:<58} {check.worst:<15} {check.error:8.1e} {check.tolerance:8.1e}")
    if found.factor:
        log(
            f"forward and backward: kernel {1e3 * found.kernel_seconds:.2f} ms, chunked form "
            f"{1e3 * found.chunked_seconds:.2f} ms, {found.factor:.2f} times the speed"
        )
    if found.result == "passed":
        log('passed: scan_method "auto" is the kernel on this device')
    else:
        why = f"since the kernel {found.why()}"
        log(f'{found.result}: scan_method "auto" is the chunked form, {why}')
    log(f"kept in {verdicts_file()}; --again tests anew")
    return {
        "schema": _SCHEMA,
        "ok": args.status == 0,
        "key": key._asdict(),
        "verdict": {**found.content(), "factor": found.factor},
    }


_SCHEMA = "robomamba.doctor_kernels/1"
