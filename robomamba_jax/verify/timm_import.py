# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""timm where torchvision is missing or does not load.

timm's data loading imports torchvision, its encoders use nothing of it. The index's
torchvision does not load beside a CPU torch and, where it is installed, keeps transformers
from loading.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from robomamba_jax.errors import InputError

_NAMES = (
    *("", ".datasets", ".models", ".models.feature_extraction", ".ops", ".ops.misc"),
    *(".utils", ".transforms", ".transforms.functional"),
)


class _Empty(type):
    """A class whose every attribute is another empty class."""

    def __getattr__(cls, name: str) -> Any:
        # Python itself asks for such names (__file__, __spec__): it must be told that there are
        # none.
        if name.startswith("__"):
            raise AttributeError(name)
        return _Empty(name, (), {})


class _Hollow(types.ModuleType):
    """A module in which every name is an empty class."""

    __path__: Any = ()
    __getattr__: Any = _Empty.__getattr__


def import_timm() -> types.ModuleType:
    """The module ``timm``; hollow modules stand in for torchvision while it loads.

    Raises:
      InputError: timm is not installed.
    """
    hollow = {f"torchvision{name}": _Hollow(f"torchvision{name}") for name in _NAMES}
    for name, module in hollow.items():
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(hollow[parent], last, module)
    # What is loaded already has loaded without us.
    if "torchvision" in sys.modules or "timm" in sys.modules:
        hollow = {}
    sys.modules.update(hollow)
    try:
        import timm
    except ModuleNotFoundError as error:
        raise InputError(
            "missing_package", "timm is not installed", "pip install --no-deps timm==1.0.31"
        ) from error
    finally:
        for name in hollow:
            # Only while timm loads: others shall find the real torchvision, or none.
            del sys.modules[name]
    return timm
