# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The configurations that the package brings: one module per training stage and benchmark.

Each has ``get_config()``, the run at its real size, and ``get_tiny()``, the same in seconds on a
CPU; a stage's ``ORIGINS`` say where every value comes from. Commands find them by name, as in
``robomamba train --config stage1_1_align``; see ``config.files``.
"""
