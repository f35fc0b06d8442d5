# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Configurations from files: a Python file's ``get_config()``, or JSON.

A Python configuration is named by its path, or, for those that the package brings, by name.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.evaluation import EvalConfig, tiny
from robomamba_jax.config.tree import tree_from_json
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.file_types import HEAD_BYTES, UNKNOWN, kind_of, not_a_file, other_file
from robomamba_jax.utils.untrusted_text import check_text, parse_json, read_bytes

ConfigT = TypeVar("ConfigT")

# A path and not an import: `config` is below `configs`, whose modules import it.
_BUNDLED = Path(__file__).parents[1] / "configs"
_FIX = "give a .py file with get_config()"


def bundled_names() -> list[str]:
    """The names of the package's own configurations, such as ``stage1_1_align``."""
    return sorted(path.stem for path in _BUNDLED.glob("*.py") if path.stem != "__init__")


def find_config(name: str | Path) -> Path:
    """The Python file that a command's ``--config`` means.

    A file that exists is meant by its path, so that nobody's own configuration is hidden by one of
    ours. Otherwise ``stage1_1_align``, ``stage1_1_align.py`` and ``configs/stage1_1_align.py``
    (the path in a checkout of the repository, and in older documentation) name the package's own.

    Raises:
      InputError: it is neither; kind ``missing_config``.
    """
    file = Path(name)
    if file.is_file():
        return file
    # A folder of that name is not meant: "stage1_1_align" may well be a workdir, too.
    if str(file.parent) in (".", "configs") and file.suffix in ("", ".py"):
        if file.stem in bundled_names():
            return _BUNDLED / f"{file.stem}.py"
        if not file.suffix and not file.exists():
            raise unknown_name("missing_config", "configuration", str(file), bundled_names())
    what = f"{file} {not_a_file(file)}"
    raise InputError("missing_config", what, "give a .py file, or a name such as stage1_1_align")


def run_config_file(path: str | Path) -> Any:
    """What ``get_config()`` of a Python configuration returns.

    Raises:
      InputError: there is no such file, it fails, or it has no ``get_config``.
    """
    return get_config(config_module(path), path)


def get_config(module: ModuleType, path: str | Path, name: str = "get_config") -> Any:
    """What a function of a configuration's module returns; for ``get_tiny``, which an evaluation's
    need not have, its ``get_config()`` shrunk to seconds on a CPU.

    Raises:
      InputError: there is no such function, or it fails.
    """
    try:
        if name == "get_tiny" and not hasattr(module, name):
            config = module.get_config()
            if isinstance(config, EvalConfig):
                return tiny(config)
        return getattr(module, name)()
    except InputError:
        raise
    except Exception as error:  # whatever the user's file raises
        raise _failed(Path(path), error, name) from error


def config_module(path: str | Path) -> ModuleType:
    """A Python configuration as a module, executed; see :func:`find_config` for what names it.

    Raises:
      InputError: there is no such file, or it fails.
    """
    file = find_config(path)
    _check_python(file)
    # Under a name of our own and not in sys.modules: a file called "json.py" hides nothing.
    spec = importlib.util.spec_from_file_location(f"robomamba_config_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise InputError("bad_config", f"{file} is not a Python file", _FIX)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except InputError:
        raise
    except Exception as error:  # whatever the user's file raises
        raise _failed(file, error, "it") from error
    return module


def _check_python(file: Path) -> None:
    """Raise for a file that cannot be Python: its SyntaxError would not say what it is."""
    head = read_bytes(file)[:HEAD_BYTES]
    if head and kind_of(head) not in ("a text file", "a JSON file", UNKNOWN):
        raise other_file("bad_config", str(file), head, "not Python", _FIX)


def _failed(file: Path, error: Exception, name: str) -> InputError:
    what = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return InputError("bad_config", f"{file}: {what}", f"fix {name} there")


def load_data_config(path: str | Path) -> DataConfig:
    """A ``DataConfig`` from JSON, or from a Python configuration that is one or has one as
    ``.data``.

    Args:
      path: a ``.json`` or ``.py`` file, or the name of one of the package's configurations.

    Raises:
      InputError: the file is missing or wrong.
    """
    file = Path(path)
    # A name without an ending is a bundled configuration only where no such file is there.
    if file.suffix == ".py" or (not file.is_file() and file.name in bundled_names()):
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
