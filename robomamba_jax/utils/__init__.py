# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What every part stands on: files, hashes, text from outside. No jax."""
