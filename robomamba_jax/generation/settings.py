# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a caller asks of generation, checked before anything is compiled."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from robomamba_jax.errors import InputError, unknown_name

_PER_REQUEST = ("max_new_tokens", "temperature", "top_k", "top_p")
_LARGEST = 2**31 - 1  # counts and ids are int32 on the device


class PerRequest(TypedDict):
    """The settings that each prompt of a batch has for itself, one value per prompt."""

    max_new_tokens: list[int]
    temperature: list[float]
    top_k: list[int]
    top_p: list[float]


@dataclasses.dataclass(frozen=True)
class GenerationSettings:
    """How to continue a batch of prompts. The first four fields hold one value, or one per prompt:
    a list or an array.

    Attributes:
      max_new_tokens: most tokens to add (EOS not counted).
      temperature: 0 takes the likeliest token; above 0 draws.
      top_k: draw among the k likeliest only; 0 = all.
      top_p: draw among the fewest likeliest whose probabilities reach p; 1 = all.
      eos_ids: tokens that end a text; not part of the result. One, or several.
      stop: strings that end a text wherever the tokens' bytes spell them. One, or several.
      seed: the key of request i at step s is fold_in(fold_in(key(seed), i), s), so a
        draw does not depend on the requests beside it.
      max_prompt_tokens: longest prompt allowed.
    """

    max_new_tokens: int | Sequence[int] = 64
    temperature: float | Sequence[float] = 0.0
    top_k: int | Sequence[int] = 0
    top_p: float | Sequence[float] = 1.0
    eos_ids: tuple[int, ...] = (0,)
    stop: tuple[str, ...] = ()
    seed: int = 0
    max_prompt_tokens: int = 8192

    def __post_init__(self) -> None:
        # Frozen, so only through object: numbers of numpy and jax become Python's, once, here.
        for name in _PER_REQUEST:
            object.__setattr__(self, name, _plain(getattr(self, name)))
        stop = (self.stop,) if isinstance(self.stop, str) else self.stop
        if not isinstance(stop, list | tuple) or not all(isinstance(part, str) for part in stop):
            raise InputError("bad_settings", f"stop is {_short(stop)}", "give strings")
        eos = _plain(self.eos_ids)
        eos = (eos,) if isinstance(eos, int) else eos
        if not isinstance(eos, list | tuple) or not all(_is_whole(part, _LARGEST) for part in eos):
            raise InputError("bad_settings", f"eos_ids is {_short(eos)}", "give token ids")
        object.__setattr__(self, "stop", tuple(stop))
        object.__setattr__(self, "eos_ids", tuple(eos))
        seed, longest = _plain(self.seed), _plain(self.max_prompt_tokens)
        if not _is_whole(seed, 2**63 - 1, -(2**63)):
            raise InputError("bad_settings", f"seed is {_short(seed)}", "give a whole number")
        if not _is_whole(longest, 2**63 - 1, 1):
            what = f"max_prompt_tokens is {_short(longest)}"
            raise InputError("bad_settings", what, "give a whole number from 1")
        object.__setattr__(self, "seed", seed)
        object.__setattr__(self, "max_prompt_tokens", longest)

    @classmethod
    def of(cls, value: object) -> GenerationSettings:
        """Settings that are such already, an object of some of the fields, or None for the
        defaults.

        Raises:
          InputError: it is none of these, or a field is unknown or wrong.
        """
        if isinstance(value, GenerationSettings):
            return value
        if value is not None and not isinstance(value, Mapping):
            what = f"settings is a {type(value).__name__}"
            raise InputError("bad_settings", what, "give rm.GenerationSettings(...)")
        known = [field.name for field in dataclasses.fields(cls)]
        for name in value or ():
            if name not in known:
                raise unknown_name("bad_settings", "setting", name, known)
        return cls(**(value or {}))

    def per_request(self, count: int) -> PerRequest:
        """Each per-request field as a list of ``count`` checked values.

        Raises:
          InputError: a value is out of range, or a list has another length.
        """
        limits = {
            "max_new_tokens": (lambda v: _is_whole(v, _LARGEST, 1), "a whole number from 1"),
            "temperature": (lambda v: _is_number(v) and 0 <= v < math.inf, "0 or more"),
            "top_k": (lambda v: _is_whole(v, _LARGEST), "a whole number from 0"),
            "top_p": (lambda v: _is_number(v) and 0 < v <= 1, "above 0 and at most 1"),
        }
        result: Any = {}
        for name, (allowed, words) in limits.items():
            value = getattr(self, name)
            values = list(value) if isinstance(value, list | tuple) else [value] * count
            if len(values) != count:
                raise InputError(
                    "bad_settings",
                    f"{name} has {len(values)} values for {count} prompts",
                    "give one value, or one per prompt",
                )
            for item in values:
                if not allowed(item):
                    raise InputError("bad_settings", f"{name} is {_short(item)}", f"give {words}")
            result[name] = values
        return result


def token_rows(prompts: object) -> list[list[int]]:
    """Prompts as lists of ids, whether they are given as lists, tuples or arrays.

    Raises:
      InputError: they are not one list of whole numbers per prompt.
    """
    # An array of whatever library; one of one axis would be a single prompt, which is refused.
    if hasattr(prompts, "dtype"):
        prompts = list(np.asarray(prompts)) if np.asarray(prompts).ndim == 2 else None
    if not isinstance(prompts, list | tuple):
        what = f"prompts is a {type(prompts).__name__}, not lists of token ids"
        raise InputError("bad_prompts", what, "give one list of ids per prompt")
    return [_ids(row, prompt) for row, prompt in enumerate(prompts)]


def _ids(row: int, prompt: Any) -> list[int]:
    """One prompt's ids as Python's numbers."""
    if hasattr(prompt, "dtype"):
        array = np.asarray(prompt)
        if array.ndim == 1 and (array.dtype.kind in "iu" or not array.size):
            return [int(token) for token in array]
    if not isinstance(prompt, list | tuple):
        what = f"prompt {row} is {_short(prompt)}, not a list of token ids"
        raise InputError("bad_prompts", what, "encode texts with the tokenizer, or use rm.generate")
    try:
        # operator.index takes True for 1; a list of bools is a mask that stands in the wrong place.
        if any(isinstance(token, bool) for token in prompt):
            raise TypeError
        return [operator.index(token) for token in prompt]
    except TypeError:
        raise InputError(
            "bad_prompts", f"prompt {row} holds other things than whole numbers", "give token ids"
        ) from None


def _plain(value: Any) -> Any:
    """numpy's and jax's numbers and arrays as Python's numbers and lists."""
    if type(value) in (list, tuple):
        return type(value)(_plain(part) for part in value)
    return value.tolist() if hasattr(value, "dtype") and hasattr(value, "tolist") else value


def _is_whole(value: Any, most: int, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    """A value on one line."""
    return " ".join(repr(value).split())[:60]


def check_prompts(
    prompts: Sequence[Sequence[int]],
    vocab_size: int,
    longest: int,
    has_image: Sequence[bool] | None = None,
) -> None:
    """Check token prompts on the host, before a device sees them.

    Args:
      prompts: token ids per prompt.
      vocab_size: ids lie below it.
      longest: most tokens of a prompt.
      has_image: per prompt; with an image its text may be empty.

    Raises:
      InputError: no prompt, an empty one, one that is too long, or an id outside the
        vocabulary; the message names the prompt and the place.
    """
    if len(prompts) == 0:
        raise InputError("no_prompts", "there are no prompts", "give at least one")
    for row, prompt in enumerate(prompts):
        if len(prompt) == 0 and not (has_image and has_image[row]):
            raise InputError("empty_prompt", f"prompt {row} is empty", "give it at least one token")
        if len(prompt) > longest:
            raise InputError(
                "prompt_too_long",
                f"prompt {row} has {len(prompt)} tokens, over the limit of {longest}",
                "shorten it, or raise max_prompt_tokens",
            )
        for place, token in enumerate(prompt):
            if not 0 <= int(token) < vocab_size:
                raise InputError(
                    "id_outside_vocabulary",
                    f"prompt {row} has id {int(token)} at position {place}; "
                    f"the vocabulary has {vocab_size}",
                    "use this model's tokenizer",
                )
