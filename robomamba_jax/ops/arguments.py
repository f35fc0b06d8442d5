# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What people pass to a function on arrays, as jax arrays of the kind that is meant.

jax arrays, traced ones too, go through as they are. Anything else that numpy can read (numpy
arrays and scalars, nested lists, torch tensors on the CPU) is copied, so that what the caller
writes into it afterwards reaches no computation that still runs. 64-bit numbers become 32-bit
ones, as everywhere in jax unless ``jax_enable_x64`` is set, where their values allow it.
"""

from __future__ import annotations

# Signatures of jax and flax hold bare Callables, which strict typing calls partly unknown.
# pyright: reportUnknownMemberType=false
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from robomamba_jax.errors import InputError

FLOAT, INT, BOOL, NUMBER = "float", "int", "bool", "numbers"

_KINDS: dict[str, tuple[Any, ...]] = {
    FLOAT: (jnp.floating,),
    INT: (jnp.integer,),
    BOOL: (jnp.bool_,),
    NUMBER: (jnp.floating, jnp.integer, jnp.bool_),
}


def floats(*arguments: tuple[str, Any, str]) -> list[jax.Array]:
    """:func:`as_array` of several ``(name, value, dims)`` of kind float."""
    return [as_array(name, value, FLOAT, dims) for name, value, dims in arguments]


def optional(name: str, value: object, kind: str, dims: str) -> jax.Array | None:
    """:func:`as_array`, or None where nothing is given."""
    return None if value is None else as_array(name, value, kind, dims)


def as_array(name: str, value: Any, kind: str, dims: str) -> jax.Array:
    """An argument as a jax array.

    Args:
      name: the argument's, for messages.
      value: what the caller gave.
      kind: "float", of which whole numbers in Python lists are too; "int"; "bool", of which 0 and
        1 are too; or "numbers", any of these.
      dims: its axes as messages name them, such as "B T I".

    Returns:
      The array; its shape is not looked at.

    Raises:
      InputError: no array of numbers, of another kind, or with numbers that its type here cannot
        hold.
    """
    if not isinstance(value, jax.Array) and callable(getattr(value, "__jax_array__", None)):
        value = value.__jax_array__()  # a parameter in its box
    wanted = f"give {name} as {kind}[{', '.join(dims.split())}]"
    if not isinstance(value, jax.Array):
        value = _from_host(name, value, kind, wanted)
    if kind == BOOL and jnp.issubdtype(value.dtype, jnp.integer):
        value = _as_bool(name, value, wanted)
    if not any(jnp.issubdtype(value.dtype, part) for part in _KINDS[kind]):
        raise InputError("bad_dtype", f"{name} is {value.dtype}, not {kind}", wanted)
    return value


def known(value: Any) -> np.ndarray | None:
    """The values of an array on the host; None inside jit, or where other processes hold some."""
    if isinstance(value, Tracer):
        return None
    if isinstance(value, jax.Array) and not value.is_fully_addressable:
        return None
    return np.asarray(value)


def not_empty(sizes: dict[str, int]) -> None:
    """Raise ``InputError`` where a dimension letter stands for 0."""
    for letter, size in sizes.items():
        if size == 0:
            raise InputError("shape_mismatch", f"{letter} is 0", f"give arrays with {letter} > 0")


def switch(name: str, value: Any) -> bool:
    """An argument that is on or off.

    Raises:
      InputError: it is neither; the text "false" would count as true.
    """
    given: Any = value  # isinstance would narrow it to a type that numpy leaves partly unknown
    if isinstance(value, bool | np.bool_) or (type(value) is int and value in (0, 1)):
        return bool(given)
    raise InputError("bad_arguments", f"{name} is {_short(value)}", "give True or False")


def _from_host(name: str, value: Any, kind: str, wanted: str) -> jax.Array:
    """A copy of what numpy can read."""
    array = _numpy(name, value, wanted)
    if array is None:
        return jnp.asarray(value)
    untyped = isinstance(value, list | tuple | int | float)  # a list has no dtype to be wrong
    if untyped and kind == FLOAT and array.dtype.kind in "iu" and not isinstance(value, bool):
        array = array.astype(np.float64)
    if array.dtype == np.longdouble:
        array = array.astype(np.float64)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    _check_range(name, array)
    return jnp.array(array)


def _numpy(name: str, value: Any, wanted: str) -> np.ndarray | None:
    """As numpy reads it; None for a list with jax arrays in it, which jax puts together."""
    given: Any = value
    what = f"{name} is {_short(value)}"
    if value is None:
        raise InputError("bad_arguments", f"{name} is missing", wanted)
    if isinstance(value, np.ma.MaskedArray):
        raise InputError("bad_arguments", f"{name} is a masked array", f"fill it, and {wanted}")
    try:
        if isinstance(value, list | tuple) and any(
            isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(value)
        ):
            jax.eval_shape(lambda: jnp.asarray(given))
            return None
        array: np.ndarray = np.asarray(given)
    except Exception as error:  # whatever somebody's __array__ raises
        if isinstance(value, list | tuple):
            what = f"{name} is a {type(given).__name__} that makes no array"
        raise InputError("bad_arguments", what, wanted) from error
    if array.dtype.kind in "OSUVMm" and not jnp.issubdtype(array.dtype, jnp.floating):
        raise InputError("bad_arguments", f"{what}, not an array of numbers", wanted)
    return array


def _check_range(name: str, array: np.ndarray) -> None:
    """That jax's type for these numbers can hold them."""
    if array.size == 0 or array.dtype.kind not in "iuf" or array.dtype.itemsize < 8:
        return
    held = jnp.asarray(np.zeros((), array.dtype)).dtype
    if held == array.dtype:
        return
    if array.dtype.kind == "f":
        largest = np.max(np.abs(array), initial=0.0, where=np.isfinite(array))
        outside = largest > cast("float", jnp.finfo(held).max)
    else:
        limits = jnp.iinfo(held)
        outside = int(array.min()) < limits.min or int(array.max()) > limits.max
    if outside:
        raise InputError(
            "bad_arguments",
            f"{name} holds numbers outside of {held}, which {array.dtype} becomes",
            f"give {name} smaller numbers",
        )


def _as_bool(name: str, value: jax.Array, wanted: str) -> jax.Array:
    """0 and 1 as False and True. Other numbers may be masks of another kind."""
    numbers = known(value)
    if numbers is not None and not np.isin(numbers, (0, 1)).all():
        raise InputError("bad_arguments", f"{name} holds numbers other than 0 and 1", wanted)
    return value != 0


def _short(value: Any) -> str:
    """What a value is, on one line."""
    if value is None or isinstance(value, bool | int | float | str):
        return " ".join(repr(value).split())[:60]
    return f"a {type(value).__name__}"
