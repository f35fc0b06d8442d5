# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How benchmarks put their questions, by name."""

from __future__ import annotations

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.text.prompts import IMAGE, PromptTemplate, prompt_template
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.evaluation.benchmarks.base import Benchmark, PromptSpec

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


def apply_style(question: str, style: str) -> str:
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


def prompt_spec_of(config: EvalConfig, chosen: Benchmark) -> PromptSpec:
    """The scoring's prompt spec with the configuration's changes.

    Raises:
      InputError: the repository has no scorer for this benchmark, or a name is unknown.
    """
    specs, scoring, prompt = chosen.prompt_specs, config.scoring, config.prompt
    if scoring not in specs:
        raise InputError(
            "no_official_scorer",
            f"RoboMamba's repository has neither prompt nor scorer for {chosen.name}",
            "use --set scoring=standard",
        )
    default = specs[scoring]
    apply_style("", prompt.style or default.style)
    template = prompt.template or default.template
    if template != "checkpoint":
        prompt_template(template)
    return PromptSpec(
        prompt.style or default.style,
        prompt.max_new_tokens or default.max_new_tokens,
        prompt.stop or default.stop,
        template,
        default.clean_up_spaces,
    )


def keep_placeholders(text: str, count: int, template: PromptTemplate) -> str:
    """A question whose ``<image>``s are its images' places, or without any: then images stand
    before all text, as in training (``image_place="front"``) and for ``rm.generate``.

    Args:
      text: the question.
      count: how many images there are.
      template: the checkpoint's, or another; for those without places ``<image>`` is text.
    """
    if not template.placeholders or text.count(IMAGE) in (0, count):
        return text
    return text.replace(IMAGE, "").strip("\n")
