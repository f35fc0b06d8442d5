# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The tokenizer and the prompt templates."""

__all__ = ["prompts", "tokenizer"]
