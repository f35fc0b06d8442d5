# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Configurations as JSON, as a checkpoint's config.json holds them; and typed changes by text."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from robomamba_jax.config.aliases import current_field
from robomamba_jax.config.mamba import MambaConfig
from robomamba_jax.config.policy import PolicyConfig
from robomamba_jax.config.robomamba import RoboMambaConfig, as_robomamba
from robomamba_jax.config.tree import read_value, tree_from_json
from robomamba_jax.config.vision import VisionConfig
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.untrusted_text import parse_json

SCHEMA = "robomamba.config/1"

PartT = TypeVar("PartT")
AnyConfig = MambaConfig | RoboMambaConfig
"""Of a language model alone, or of the whole model."""


@dataclasses.dataclass(frozen=True)
class ModelParts:
    """What a checkpoint folder holds: a whole model, a language model or an encoder alone.

    Attributes:
      llm: the language model's configuration, or None.
      vision: the encoder's, or None.
      policy: the policy head's, or None.
    """

    llm: MambaConfig | None = None
    vision: VisionConfig | None = None
    policy: PolicyConfig | None = None

    @property
    def model(self) -> RoboMambaConfig | None:
        """The model that it makes; None for an encoder alone."""
        if self.llm is None:
            return None
        return RoboMambaConfig(self.llm, self.vision, self.policy)


_KINDS: dict[str, Any] = {"llm": MambaConfig, "vision": VisionConfig, "policy": PolicyConfig}


def parts_to_json(parts: ModelParts) -> dict[str, Json]:
    """The content of config.json."""
    content: dict[str, Json] = {"schema": SCHEMA}
    for name in _KINDS:
        part = getattr(parts, name)
        content[name] = None if part is None else dataclasses.asdict(part)
    return content


def parts_from_json(content: Mapping[str, object], where: str = "config.json") -> ModelParts:
    """The configurations in a config.json.

    Raises:
      InputError: another schema, or a field that is unknown, missing or has a bad value.
    """
    if content.get("schema") != SCHEMA:
        raise InputError(
            "bad_config",
            f"{where} has schema {content.get('schema')!r}, not {SCHEMA!r}",
            "give a folder that robomamba convert or train.py wrote",
        )
    # All of them, null where there is none: a part that a file does not mention might be one of a
    # later version, without which the weights mean something else.
    if set(content) != {"schema", *_KINDS}:
        odd = sorted(set(content) ^ {"schema", *_KINDS})
        raise InputError("bad_config", f"{where}: field {odd[0]!r}", "convert or export it again")
    parts = {name: _part(kind, content[name], f"{where}: {name}") for name, kind in _KINDS.items()}
    return ModelParts(**parts)


def _part(kind: type[PartT], fields: Any, where: str) -> PartT | None:
    if fields is None:
        return None
    if not isinstance(fields, dict):
        raise InputError("bad_config", f"{where} is not an object", "convert or export it again")
    known = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for name in fields:
        if name not in known:
            raise unknown_name("unknown_field", f"field in {where}", name, known)
    try:
        return kind(**fields)
    except TypeError as error:  # a field without default is missing, or of another type
        raise InputError("bad_config", f"{where}: {error}", "convert or export it again") from error


def model_config(value: object) -> AnyConfig:
    """A model's configuration, which may be given as JSON.

    Args:
      value: a MambaConfig or RoboMambaConfig; or an object: the content of a config.json, or the
        fields of one of the two.

    Raises:
      InputError: it is none of these, or an encoder's alone.
    """
    if isinstance(value, MambaConfig | RoboMambaConfig):
        return value
    if isinstance(value, Mapping) and "schema" in value:
        found = parts_from_json(value, "config").model
        if found is None:
            raise InputError("no_language_model", "config is an encoder's alone", "add an llm")
        return found
    if isinstance(value, Mapping):
        kind = RoboMambaConfig if "llm" in value else MambaConfig
        return tree_from_json(kind, value, "config")
    return as_robomamba(typing.cast(AnyConfig, value))  # which says what it is not


def with_changes(config: PartT, changes: Sequence[str]) -> PartT:
    """A copy of a tree of frozen dataclasses with some fields set from text.

    Args:
      config: the root.
      changes: such as "vision.heads=3"; the value is read as the field's type.

    Raises:
      InputError: a change is malformed, its field unknown, or its value of another type.
    """
    # In their order: a later one may change a field of what an earlier one has set whole.
    for change in changes:
        key, sign, text = change.partition("=")
        if not sign or not key:
            fix = "write it as in --set optim.learning_rate=1e-4"
            raise InputError("bad_arguments", f"--set {change!r}", fix)
        config = _set(config, key.split("."), text, key)
    return config


def _set(config: Any, path: list[str], text: str, key: str) -> Any:
    if isinstance(config, tuple):
        return _set_part(config, path, text, key)
    fields = {field.name: field for field in dataclasses.fields(config)}
    path = [current_field(type(config), path[0], warn=True), *path[1:]]
    if path[0] not in fields:
        raise unknown_name("unknown_field", f"field of --set {key}:", path[0], fields)
    value = getattr(config, path[0])
    if len(path) > 1:
        if not dataclasses.is_dataclass(value) and not isinstance(value, tuple):
            what = f"--set {key}: {path[0]} has no fields"
            raise InputError("unknown_field", what, _whole(path, key))
        return dataclasses.replace(config, **{path[0]: _set(value, path[1:], text, key)})
    # replace makes each level anew from here up, so each checks itself again.
    kind = typing.get_type_hints(type(config))[path[0]]
    return dataclasses.replace(config, **{path[0]: parse_value(text, kind, key)})


def _whole(path: Sequence[str], key: str) -> str:
    """The advice for a key that goes on behind a value."""
    return f"write --set {key.removesuffix('.' + '.'.join(path[1:]))}=VALUE"


def _set_part(config: tuple[Any, ...], path: list[str], text: str, key: str) -> Any:
    """A tuple of dataclasses with one of them changed: its number stands in the key."""
    # No number is one that is out of range: both are told by the same message.
    number = int(path[0]) if path[0].isdigit() else len(config)
    if number >= len(config) or len(path) < 2 or not dataclasses.is_dataclass(config[number]):
        raise InputError(
            "unknown_field",
            f"--set {key}: {path[0]!r} is none of {len(config)} parts with fields",
            "write e.g. data.sources.0.path=FILE",
        )
    part = _set(config[number], path[1:], text, key)
    return (*config[:number], part, *config[number + 1 :])


def parse_value(text: str, kind: Any, key: str) -> Any:
    """A value of type ``kind`` from text: str as it stands, others as JSON or None.

    Raises:
      InputError: the text is no such value.
    """
    allowed = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if text.lower() in ("none", "null") and type(None) in allowed:
        return None
    # A path called "null" or "3" is still a text: no JSON is read where text may stand.
    if str in allowed:
        return text
    try:
        # Python's spelling of booleans, which the configurations are written in.
        plain = text.lower() if text in ("True", "False") else text
        value = parse_json(plain, f"--set {key}", unique_keys=True)
    except InputError:
        value = text
    kinds = tuple(typing.get_origin(part) or part for part in allowed)
    if isinstance(value, list) and tuple in kinds:
        return read_value(kind, value, f"--set {key}")
    if float in kinds and type(value) is int:
        return float(value)
    if type(value) not in kinds:
        names = " or ".join(part.__name__ for part in kinds)
        raise InputError("bad_arguments", f"--set {key}={text} is no {names}", f"give a {names}")
    return value
