# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Small benchmarks in the formats of the real ones."""

__all__ = ["benchmark_files", "export_benchmarks"]
