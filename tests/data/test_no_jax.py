# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Data workers and cameras need no accelerator: the data package in a fresh process."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import robomamba_jax.data

UNWANTED = {
    *("jax", "jaxlib", "flax", "optax", "orbax", "grain", "torch", "torchvision", "timm"),
    *("transformers", "tensorflow", "tensorflow_datasets", "huggingface_hub"),
}

USE = """
import sys
import numpy as np
from robomamba_jax.data.processor import builtin_processor
batch = builtin_processor("tiny")([np.zeros((9, 7, 3), np.uint8)], ["Is it open?"])
assert batch.images.shape == (1, 1, 15, 15, 3)
print(*sys.modules)
"""


def loaded(code: str) -> set[str]:
    """Top-level packages in memory after some code has run; stderr must stay empty."""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return {name.split(".")[0] for name in done.stdout.split()}


def test_importing_all_of_data() -> None:
    """Every module of the package, those still to come included."""
    names = [
        module.name
        for module in pkgutil.walk_packages(
            [str(Path(robomamba_jax.data.__file__).parent)], "robomamba_jax.data."
        )
    ]
    assert "robomamba_jax.data.processor" in names
    code = "\n".join([*(f"import {name}" for name in names), "import sys; print(*sys.modules)"])
    found = loaded(code)
    assert "robomamba_jax" in found
    assert not found & UNWANTED


def test_using_a_processor() -> None:
    """Not only importing: a whole batch is made without them."""
    assert not loaded(USE) & UNWANTED
