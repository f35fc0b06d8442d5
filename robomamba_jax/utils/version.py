# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The package's version, for files that record who wrote them, and those of other packages."""

from __future__ import annotations

import importlib.metadata

__version__ = "0.1.0"


def installed_version(package: str) -> str | None:
    """Of a package by its name in the index; None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
