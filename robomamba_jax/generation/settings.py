# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a caller asks of generation, checked before anything is compiled."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from robomamba_jax.errors import InputError


@dataclasses.dataclass(frozen=True)
class GenerationSettings:
    """How to continue a batch of prompts. A field holds one value, or one per prompt.

    Attributes:
      max_new_tokens: most tokens to add (EOS not counted).
      temperature: 0 takes the likeliest token; above 0 draws.
      top_k: draw among the k likeliest only; 0 = all.
      top_p: draw among the fewest likeliest whose probabilities reach p; 1 = all.
      eos_ids: tokens that end a text; not part of the result.
      stop: strings that end a text wherever the tokens' bytes spell them.
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

    def per_request(self, count: int) -> dict[str, list[Any]]:
        """Each per-request field as a list of ``count`` checked values.

        Raises:
          InputError: a value is out of range, or a list has another length.
        """
        limits = {
            "max_new_tokens": (lambda v: isinstance(v, int) and v >= 1, "a whole number from 1"),
            "temperature": (lambda v: 0 <= v < float("inf"), "0 or more"),
            "top_k": (lambda v: isinstance(v, int) and v >= 0, "a whole number from 0"),
            "top_p": (lambda v: 0 < v <= 1, "above 0 and at most 1"),
        }
        result: dict[str, list[Any]] = {}
        for name, (allowed, words) in limits.items():
            value = getattr(self, name)
            values = list(value) if isinstance(value, Sequence) else [value] * count
            if len(values) != count:
                raise InputError(
                    "bad_settings",
                    f"{name} has {len(values)} values for {count} prompts",
                    "give one value, or one per prompt",
                )
            for item in values:
                if not allowed(item):
                    raise InputError("bad_settings", f"{name} is {item!r}", f"give {words}")
            result[name] = values
        return result


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
