# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What lmms-eval asks for when it looks for models: the entry point ``lmms_eval.models``."""

from __future__ import annotations

from typing import Any

MODEL = "robomamba"


def models() -> list[Any]:
    """Our one model; lmms-eval loads its class when ``--model robomamba`` asks for it."""
    from lmms_eval.models.registry_v2 import ModelManifest

    path = "robomamba_jax.evaluation.lmms.adapter.RoboMamba"
    return [ModelManifest(model_id=MODEL, simple_class_path=path, aliases=("robomamba_jax",))]
