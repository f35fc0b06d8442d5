# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Failpoints: named moments of a run, at which a test can have the process killed.

``ROBOMAMBA_FAILPOINT=commit:20`` sends SIGKILL to this process when it comes to that moment of
step 20. Nothing else reads the variable. SIGKILL, because a handler, ``finally`` or ``atexit`` that
tidies up would hide what a power cut leaves behind.
"""

from __future__ import annotations

import os
import signal

from robomamba_jax.utils.renamed import warn_renamed

FAILPOINT, OLD_FAILPOINT = "ROBOMAMBA_FAILPOINT", "ROBOMAMBA_DIE_AT"

# In the order in which a step passes them; docs and tests of kills go by these names.
MOMENTS = (
    *("stepped", "recorded", "evaluated"),
    *("snapshot", "writing", "written", "commit", "committed", "deleting", "pruned"),
    *("restored", "exporting"),
)


def reached(moment: str, step: int) -> None:
    """Say that the run has come to a moment of a step."""
    asked = os.environ.get(FAILPOINT)
    if asked is None and OLD_FAILPOINT in os.environ:
        warn_renamed(OLD_FAILPOINT, FAILPOINT)
        asked = os.environ[OLD_FAILPOINT]
    if asked == f"{moment}:{step}":
        os.kill(os.getpid(), signal.SIGKILL)
