# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m robomamba_jax`` is the console script."""

import sys

from robomamba_jax.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
