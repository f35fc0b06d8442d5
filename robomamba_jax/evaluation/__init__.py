# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: their files, prompts and scores, and the runner that answers them.

In each sub-package ``__all__`` names the modules that are for use from outside of ``evaluation``;
the others are internal.
"""

__all__ = ["answers", "benchmarks", "lmms", "metrics", "probes", "runner", "synthetic"]
