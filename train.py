#!/usr/bin/env python3
# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Train one stage: python train.py --config configs/stage1_1_align.py --workdir runs/align"""

import sys

from robomamba_jax.cli.train import main

if __name__ == "__main__":
    sys.exit(main())
