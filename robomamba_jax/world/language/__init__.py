# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A scene in words: facts, captions, questions and answers."""

__all__ = ["facts", "intents", "wording", "wording_checks"]
