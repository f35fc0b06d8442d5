#!/usr/bin/env python3
# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluate a checkpoint, or anyone's answers: python eval.py --config configs/eval_pope.py ..."""

import sys

from robomamba_jax.cli.evaluate import main

if __name__ == "__main__":
    sys.exit(main())
