# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Named moments of a run, at which a test can have the process killed.

``ROBOMAMBA_DIE_AT=commit:20`` sends SIGKILL to this process when it comes to that moment of
that step. Nothing else reads the variable.
"""

from __future__ import annotations

import os
import signal

MOMENTS = (
    *("stepped", "recorded", "evaluated"),
    *("snapshot", "writing", "written", "commit", "committed", "deleting", "pruned"),
    *("restored", "exporting"),
)


def reached(moment: str, step: int) -> None:
    """Say that the run has come to a moment of a step."""
    if os.environ.get("ROBOMAMBA_DIE_AT") == f"{moment}:{step}":
        os.kill(os.getpid(), signal.SIGKILL)
