# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Words that can be read back: what was asked with which fields, instead of a sentence."""

import json
from collections.abc import Sequence

from robomamba_jax.world.language.intents import lists
from robomamba_jax.world.language.wording import Wording
from robomamba_jax.world.objects.rng import Rng


class Recorded(Wording):
    """Says the list's name and the fields, as JSON; draws as many numbers as words do."""

    def say(self, phrases: Sequence[str], **fields: str) -> str:
        """What would be said."""
        super().say(phrases, **fields)
        return json.dumps({"list": _NAMES[tuple(phrases)], **fields})


def recorded(seed: int, split: str) -> Recorded:
    """Of a seed."""
    return Recorded(Rng((seed,)), split)


def read(text: str, phrases: Sequence[str], **known: str) -> dict[str, str] | None:
    """The fields of a question; None if it is not one of a list's, or is about something else.

    Args:
      text: what was asked, without what a style adds.
      phrases: the list.
      known: fields that it must have, which are not returned.
    """
    fields = json.loads(text)
    if fields.pop("list") != _NAMES[tuple(phrases)]:
        return None
    wrong = any(fields.get(name, value) != value for name, value in known.items())
    return None if wrong else {name: fields[name] for name in fields if name not in known}


_NAMES = {phrases: name for name, phrases in lists().items()}
