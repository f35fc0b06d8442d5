# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How benchmarks put their questions, by name."""

from __future__ import annotations

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.text.prompts import IMAGE, PromptTemplate, prompt_template
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.evaluation.benchmarks.base import Benchmark, Recipe

_FIELD = "{question}"
_SHORT = "Answer the question using a single word or phrase."

# What stands before and behind the question. The published repository's VizWiz text is spelt so.
STYLES: dict[str, tuple[str, str]] = {
    "plain": ("", ""),
    "short": ("", f"\n{_SHORT}"),
    "unanswerable": (
        "",
        f"\nWhen the provided information is insufficient, respond with 'Unanswerable'.\n{_SHORT}",
    ),
    "letter": ("", "\nAnswer with the option's letter from the given choices directly."),
    "official_vizwiz": (
        "",
        f"When the provided information is insuffcient, respond with 'Unanswerable'. {_SHORT} ",
    ),
}


def styled(question: str, style: str) -> str:
    """A question in a style.

    Args:
      question: as the file has it.
      style: a name in ``STYLES``, or a text with {question} in it.

    Raises:
      InputError: it is neither.
    """
    if style in STYLES:
        before, after = STYLES[style]
        return f"{before}{question}{after}"
    if _FIELD in style:
        return style.replace(_FIELD, question)
    raise unknown_name("bad_config", "prompt.style", style, STYLES)


def recipe_of(config: EvalConfig, chosen: Benchmark) -> Recipe:
    """The scoring's recipe with the configuration's changes.

    Raises:
      InputError: the repository has no scorer for this benchmark, or a name is unknown.
    """
    recipes, scoring, prompt = chosen.recipes, config.scoring, config.prompt
    if scoring not in recipes:
        raise InputError(
            "no_official_scorer",
            f"RoboMamba's repository has neither prompt nor scorer for {chosen.name}",
            "use --set scoring=standard",
        )
    own = recipes[scoring]
    styled("", prompt.style or own.style)
    template = prompt.template or own.template
    if template != "checkpoint":
        prompt_template(template)
    return Recipe(
        prompt.style or own.style,
        prompt.max_new_tokens or own.max_new_tokens,
        prompt.stop or own.stop,
        template,
        own.clean_up_spaces,
    )


def places_kept(text: str, count: int, template: PromptTemplate) -> str:
    """A question whose ``<image>``s are its pictures' places, or without any: then images stand
    before all text, as in training (``image_place="front"``) and for ``rm.generate``.

    Args:
      text: the question.
      count: how many pictures there are.
      template: the checkpoint's, or another; for those without places ``<image>`` is text.
    """
    if not template.placeholders or text.count(IMAGE) in (0, count):
        return text
    return text.replace(IMAGE, "").strip("\n")
