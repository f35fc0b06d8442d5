# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One file per benchmark: load, score, submit, prompts."""

__all__ = ["base", "mmbench", "prompts", "question_files"]
