# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Continuing token prompts: sampling, stopping, the decode loop."""

from robomamba_jax.generation.generator import Completion, Generator, StreamEvent
from robomamba_jax.generation.settings import GenerationSettings

__all__ = ["Completion", "GenerationSettings", "Generator", "StreamEvent"]
