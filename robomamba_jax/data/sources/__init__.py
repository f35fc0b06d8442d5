# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Where samples come from: one file per format, random access, nothing decoded."""
