# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The public names: lazy, complete, and not shadowed by modules."""

import importlib.util
import subprocess
import sys

import pytest

import robomamba_jax as rm


def test_public_names_are_what_they_say() -> None:
    """Each name resolves, twice, to the same object."""
    for name in rm.__all__:
        assert getattr(rm, name) is getattr(rm, name)
    assert callable(rm.functional)
    assert set(rm._EXPORTS) | {"__version__"} == set(rm.__all__)


@pytest.mark.parametrize("name", sorted(rm._EXPORTS))
def test_no_module_shadows_a_name(name: str) -> None:
    """Importing a submodule sets it as an attribute, which would replace a lazy name."""
    _, attribute = rm._EXPORTS[name]
    if attribute is not None:
        assert importlib.util.find_spec(f"robomamba_jax.{name}") is None


def test_modules_are_flax_modules() -> None:
    """What the documentation calls an NNX class is one, and is reached from the top."""
    from flax import nnx

    names = ("RoboMamba", "MambaLM", "MambaBackbone", "MambaBlock", "MambaMixer")
    for name in (*names, "VisionTower", "Projector", "PolicyHead"):
        assert issubclass(getattr(rm, name), nnx.Module), name


def test_unknown_name() -> None:
    """A misspelt name is an AttributeError that names it."""
    with pytest.raises(AttributeError, match="functoinal"):
        _ = rm.functoinal


def test_import_loads_no_framework() -> None:
    """In a fresh process the import alone brings in neither jax nor torch."""
    code = "import sys, robomamba_jax; print({'jax', 'torch', 'flax'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
