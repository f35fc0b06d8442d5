# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The truth that lies beside a data set's images: poses.jsonl, scenes.jsonl, clips.jsonl."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from robomamba_jax.errors import InputError


def json_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file that has one a line.

    Raises:
      InputError: it is missing or broken.
    """
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(
            "missing_file", f"{path} cannot be read: {error}", "generate the data again"
        ) from error
