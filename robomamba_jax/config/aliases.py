# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Fields and values that were called otherwise before: one table, read from four sides.

- ``tree_from_json`` takes old keys. What an earlier version recorded (a run's config.json, the
  manifest of prepared data) is read without a word; a user's own JSON file gets a warning.
- ``--set data.batch.rows=8`` gets a warning.
- ``BatchConfig(rows=8)``, ``dataclasses.replace(config, rows=8)`` and ``config.rows`` in a user's
  Python file get one, too: the class decorator ``accepts_old_names`` does that.
- A hash that was recorded before is of the old keys: ``with_old_names`` gives them back.

Files are written with the new names. Type checkers know of the new ones alone.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from robomamba_jax.utils.renamed import warn_renamed

ConfigT = TypeVar("ConfigT")
JsonT = TypeVar("JsonT")

FIELDS: Mapping[str, Mapping[str, str]] = {
    "BatchConfig": {"rows": "batch_size", "row_tokens": "seq_len"},
    "DataConfig": {"on_bad": "on_error"},
    "EvalConfig": {"rows": "batch_size", "on_bad_record": "on_error"},
    "LossConfig": {"states_dropout": "hidden_dropout", "answer_balance": "length_balance"},
    "OptimConfig": {"rest_rate": "adam_lr_ratio", "end_factor": "end_lr_ratio"},
    "RunConfig": {"ahead": "prefetch"},
}
"""Class -> old name of a field -> its name."""

VALUES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "DataConfig": {"on_error": {"error": "raise"}},
    "EvalConfig": {"on_error": {"error": "raise"}},
}
"""Class -> name of a field -> old value -> its value."""

OLD_FEATURE_KINDS: Mapping[str, str] = {
    "patches": "vision_patches",
    "pooled": "pooled_hidden",
    "states": "hidden_states",
}
"""Old kind of cached features -> its name."""


def current_field(config: type, name: str, *, warn: bool) -> str:
    """The name of a field of a configuration's class, which may be given as it was before."""
    new = FIELDS.get(config.__name__, {}).get(name)
    if new is None:
        return name
    if warn:
        warn_renamed(f"{config.__name__}.{name}", new)
    return new


def current_value(config: type, field: str, value: object, *, warn: bool) -> object:
    """The value of a field, which may be given as it was before."""
    values = VALUES.get(config.__name__, {}).get(field, {})
    if not isinstance(value, str) or value not in values:
        return value
    if warn:
        warn_renamed(f"{config.__name__}.{field} {value!r}", repr(values[value]))
    return values[value]


def current_fields(config: type, given: Mapping[str, object], *, warn: bool) -> dict[str, object]:
    """Fields by their names of today. Where a field is given under both names the old one counts:
    ``dataclasses.replace(config, old=...)`` hands over all the others under their new ones."""
    names = {name: current_field(config, name, warn=warn) for name in given}
    # New names first, so that what was given under an old one overwrites it.
    found = {new: given[name] for name, new in names.items() if name == new}
    found |= {new: given[name] for name, new in names.items() if name != new}
    return {name: current_value(config, name, x, warn=warn) for name, x in found.items()}


def feature_kind(kind: str, *, warn: bool) -> str:
    """The kind of cached features, which may be given as it was called before."""
    if kind not in OLD_FEATURE_KINDS:
        return kind
    if warn:
        warn_renamed(f"feature kind {kind!r}", repr(OLD_FEATURE_KINDS[kind]))
    return OLD_FEATURE_KINDS[kind]


def with_old_names(config: type, content: Mapping[str, JsonT]) -> dict[str, JsonT]:
    """A configuration's JSON object (without the objects in it) as earlier versions wrote it, for
    hashes that they recorded."""
    old = {new: name for name, new in FIELDS.get(config.__name__, {}).items()}
    return {old.get(name, name): value for name, value in content.items()}


def old_paths(path: str) -> list[str]:
    """What a value's path, such as "data/batch/batch_size", may have been: ["data/batch/rows"]."""
    lead, slash, name = path.rpartition("/")
    renamed = [old for names in FIELDS.values() for old, new in names.items() if new == name]
    return [lead + slash + old for old in renamed]


def accepts_old_names(cls: type[ConfigT]) -> type[ConfigT]:
    """A class decorator, above ``dataclass``: old names of fields may be given and read."""
    # The generated __init__ is wrapped, not replaced: dataclasses.replace calls it, too.
    init: Callable[..., None] = cls.__init__
    order = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]

    @functools.wraps(init)
    def with_aliases(self: Any, *args: Any, **kwargs: Any) -> None:
        """The class's __init__, which takes old names and values, too."""
        values = [
            current_value(cls, name, x, warn=True) for name, x in zip(order, args, strict=False)
        ]
        init(self, *values, *args[len(order) :], **current_fields(cls, kwargs, warn=True))

    cls.__init__ = with_aliases  # type: ignore[method-assign]
    # An old name is found on the class, and read from the field that is called otherwise now.
    for old in FIELDS[cls.__name__]:
        setattr(cls, old, property(functools.partial(_read_old, cls, old)))
    return cls


def _read_old(cls: type, old: str, config: Any) -> Any:
    return getattr(config, current_field(cls, old, warn=True))
