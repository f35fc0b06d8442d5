# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Images, text and geometry in numpy: no jax anywhere in here."""
