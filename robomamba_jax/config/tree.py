# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Trees of frozen dataclasses as JSON values and back, every field checked against its type."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from robomamba_jax.config.aliases import current_fields
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.json_types import Json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

TreeT = TypeVar("TreeT")


def tree_to_json(tree: DataclassInstance) -> dict[str, Json]:
    """A dataclass tree as objects, lists and scalars; ``tree_from_json`` takes it back."""
    fields = dataclasses.fields(tree)
    return {field.name: value_to_json(getattr(tree, field.name)) for field in fields}


def value_to_json(value: object) -> Json:
    """A field's value: a scalar, a tuple, a mapping or a dataclass tree."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return tree_to_json(value)
    if isinstance(value, tuple | list):
        return [value_to_json(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): value_to_json(part) for key, part in value.items()}
    return typing.cast(Json, value)


def tree_from_json(kind: type[TreeT], value: object, where: str, *, warn: bool = False) -> TreeT:
    """The dataclass that an object describes; fields that it leaves out keep their defaults.

    Args:
      kind: a frozen dataclass whose fields are scalars, None, tuples, or such dataclasses.
      value: parsed JSON.
      where: its place, for messages.
      warn: say which names of fields are old; not of what an earlier version recorded.

    Raises:
      InputError: a field is unknown, missing, or of another type than declared.
    """
    if not isinstance(value, Mapping):
        raise _wrong(where, value, "an object")
    # With "from __future__ import annotations" a field's own type is text; get_type_hints reads it.
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(kind)
    given = {}
    for name, part in current_fields(kind, value, warn=warn).items():
        if name not in fields:
            raise unknown_name("unknown_field", f"field in {where}:", name, fields)
        given[name] = read_value(hints[name], part, f"{where}.{name}", warn=warn)
    for name, field in fields.items():
        # "a is b is c" compares both pairs: neither kind of default is given.
        no_default = field.default is field.default_factory is dataclasses.MISSING
        if name not in given and no_default:
            raise InputError("bad_config", f"{where} has no {name}", f"give {name}")
    return kind(**given)


def typed(config: DataclassInstance) -> None:
    """Check every field of a frozen dataclass against its type when it is made. numpy's numbers
    become Python's, which JSON can hold, and objects the dataclasses whose fields they are.

    Raises:
      InputError: a field is of another type.
    """
    hints = typing.get_type_hints(type(config))
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        plain = value
        # np.int64(3) and jnp.float32(3) are what arithmetic on arrays yields; JSON knows neither.
        if getattr(value, "shape", None) == () and hasattr(value, "item"):
            plain = value.item()
        if "dtype" in field.name:
            plain = dtype_name(value)
        read = read_value(hints[field.name], plain, field.name)
        if type(value) is not int:  # one that stands for a float stays as it was written
            object.__setattr__(config, field.name, read)


def dtype_name(value: object) -> object:
    """The name of a numpy or jax dtype; a name, or what is not a dtype, as it is."""
    if value is None or isinstance(value, str):
        return value
    try:
        return np.dtype(typing.cast(Any, value)).name
    except TypeError:
        return value


def read_value(hint: Any, value: Any, where: str, *, warn: bool = False) -> Any:
    """A parsed JSON value as the type ``hint``; errors as ``tree_from_json``'s."""
    choices = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None and type(None) in choices:
        return None
    for choice in choices:
        # tuple[str, ...] -> tuple; a plain type has no origin.
        origin = typing.get_origin(choice) or choice
        if dataclasses.is_dataclass(choice) and isinstance(value, Mapping):
            return tree_from_json(typing.cast(type, choice), value, where, warn=warn)
        if origin is tuple and isinstance(value, list | tuple):
            return _read_tuple(choice, value, where, warn)
        # JSON and people write 1 for 1.0. The other way round nothing is converted: 1.0 steps is a
        # mistake somewhere; and bool, a subclass of int, is none (type(), not isinstance).
        if choice is float and type(value) is int:
            return float(value)
        if isinstance(choice, type) and type(value) is choice:
            return value
    # No conversion beside the one above: "3" for 3 is a mistake that shall be seen.
    names = " or ".join(getattr(choice, "__name__", str(choice)) for choice in choices)
    raise _wrong(where, value, names.replace("NoneType", "null"))


def _read_tuple(hint: Any, value: Any, where: str, warn: bool) -> tuple[Any, ...]:
    """A list's parts, each as its declared type."""
    parts = typing.get_args(hint)
    # tuple[int, ...] repeats its one type; tuple[float, float] has as many as it names.
    if parts[-1] is Ellipsis:
        parts = (parts[0],) * len(value)
    if len(parts) != len(value):
        raise _wrong(where, value, f"a list of {len(parts)}")
    pairs = zip(parts, value, strict=True)
    read = (read_value(part, x, f"{where}[{n}]", warn=warn) for n, (part, x) in enumerate(pairs))
    return tuple(read)


def _wrong(where: str, value: Any, wanted: str) -> InputError:
    return InputError("bad_config", f"{where} is {value!r:.80}, not {wanted}", f"give {wanted}")
