# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How tests open what the world writes."""

from pathlib import Path

from robomamba_jax.config.data import SourceConfig


def source_config(path: Path) -> SourceConfig:
    """A source, poses read as their manifest says."""
    if path.name == "manip.json":
        return SourceConfig(
            str(path), "poses", "robomamba-poses", pixel_order="xy", frame="manipllm"
        )
    return SourceConfig(str(path), path.stem)
