# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Configurations from files: a Python file's ``get_config()``, or JSON."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, TypeVar

from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.tree import tree_from_json
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_types import HEAD_BYTES, UNKNOWN, kind_of, not_a_file, other_file
from robomamba_jax.utils.untrusted_text import check_text, parse_json, read_bytes

ConfigT = TypeVar("ConfigT")


def run_config_file(path: str | Path) -> Any:
    """What ``get_config()`` of a user's own Python file returns.

    Raises:
      InputError: there is no such file, it fails, or it has no ``get_config``.
    """
    return get_config(config_module(path), path)


def get_config(module: Any, path: str | Path, name: str = "get_config") -> Any:
    """What a function of a configuration's module returns.

    Raises:
      InputError: there is no such function, or it fails.
    """
    try:
        return getattr(module, name)()
    except InputError:
        raise
    except Exception as error:  # whatever the user's file raises
        raise _failed(Path(path), error, name) from error


def config_module(path: str | Path) -> Any:
    """A user's own Python file as a module, executed.

    Raises:
      InputError: there is no such file, or it fails.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("missing_config", f"{file} {not_a_file(file)}", "give configs/NAME.py")
    _check_python(file)
    spec = importlib.util.spec_from_file_location(f"robomamba_config_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise InputError("bad_config", f"{file} is not a Python file", "give configs/NAME.py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except InputError:
        raise
    except Exception as error:  # whatever the user's file raises
        raise _failed(file, error, "it") from error
    return module


def _check_python(file: Path) -> None:
    """Say what a file is that cannot be Python: its SyntaxError would not tell."""
    head = read_bytes(file)[:HEAD_BYTES]
    if head and kind_of(head) not in ("a text file", "a JSON file", UNKNOWN):
        raise other_file("bad_config", str(file), head, "not Python", "give configs/NAME.py")


def _failed(file: Path, error: Exception, name: str) -> InputError:
    what = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return InputError("bad_config", f"{file}: {what}", f"mend {name} there")


def load_data_config(path: str | Path) -> DataConfig:
    """A ``DataConfig`` from JSON, or from a Python file whose configuration is one or has
    one as ``.data``.

    Raises:
      InputError: the file is missing or wrong.
    """
    file = Path(path)
    if file.suffix == ".py":
        config = run_config_file(file)
        config = getattr(config, "data", config)
        if not isinstance(config, DataConfig):
            fix = "let its get_config() return a DataConfig, or what has one as .data"
            raise InputError("bad_config", f"{file} has no DataConfig", fix)
        return config
    if not file.is_file():
        what = f"{file} {not_a_file(file)}"
        raise InputError("missing_config", what, "give a .json or .py file")
    content = parse_json(read_bytes(file), str(file), unique_keys=True, stray_bytes=True)
    config = tree_from_json(DataConfig, content, file.name, warn=True)
    for source in config.sources:  # of its texts paths alone may hold bytes that are not UTF-8
        check_text(source.name, f"{file}: the name of a source")
    return config
