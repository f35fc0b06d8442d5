# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One of two processes of test_scan_choice.py: which form of the scan it takes, as JSON.

python tests/training/scan_choice_process.py PORT NUMBER passed|refused FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pytest

from robomamba_jax.training.distributed import connect
from robomamba_jax.training.scan_choice import scan_in_use
from tests.admission.test_admit import Device
from tests.admission.test_verdicts import BAD, GOOD
from tests.training.runs import tiny

if __name__ == "__main__":
    port, number, verdict, folder = sys.argv[1:]
    connect(f"localhost:{port}", int(number), 2)
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        Device(patch, GOOD if verdict == "passed" else BAD)
        config, used = scan_in_use(tiny("instruct"), None, Path(folder) / "run", said.append)
    print(json.dumps({"built": config.model.scan_method, "used": used, "said": said}))
