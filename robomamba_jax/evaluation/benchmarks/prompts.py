# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How benchmarks put their questions, by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from robomamba_jax.config.evaluation import EvalConfig
from robomamba_jax.data.text.prompts import IMAGE, PromptTemplate, prompt_template
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.utils.json_types import Json

_FIELD = "{question}"
# LLaVA-1.5's sentence. Its instruction data has it behind every VQA question, so that it is what a
# model of such data has learned to answer briefly to.
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


@dataclasses.dataclass(frozen=True)
class PromptSpec:
    """How a benchmark is asked.

    Attributes:
      style: a name in ``STYLES``.
      max_new_tokens: the budget of an answer.
      stop: see ``PromptConfig``.
      template: a name in ``data.text.prompts.TEMPLATES``; "checkpoint" = the checkpoint's own.
      clean_up_spaces: see ``runner.predictor.clean_up_spaces``.
    """

    style: str
    max_new_tokens: int
    stop: str
    template: str = "checkpoint"
    clean_up_spaces: bool = False

    def to_json(self) -> dict[str, Json]:
        """As results.json and a file of answers have it."""
        fields = dataclasses.asdict(self)
        # Files of answers of older versions do not have this key. Left out where it says nothing,
        # it keeps their first lines equal to ours, so that such runs can be resumed.
        if not self.clean_up_spaces:
            del fields["clean_up_spaces"]
        return fields

    @classmethod
    def official(cls, style: str, max_new_tokens: int) -> PromptSpec:
        """As the published repository's test program asks."""
        return cls(style, max_new_tokens, "none", "official_test", clean_up_spaces=True)


def prompt_spec_of(config: EvalConfig, specs: Mapping[str, PromptSpec]) -> PromptSpec:
    """The scoring's prompt spec with the configuration's changes.

    Args:
      config: of the evaluation.
      specs: the benchmark's, by scoring's name.

    Raises:
      InputError: the repository has no scorer for this benchmark, or a name is unknown.
    """
    if config.scoring not in specs:
        raise InputError(
            "no_official_scorer",
            f"RoboMamba's repository has neither prompt nor scorer for {config.benchmark}",
            "use --set scoring=standard",
        )
    # What is empty, or 0, is as the spec says.
    changes = {name: value for name, value in vars(config.prompt).items() if value}
    spec = dataclasses.replace(specs[config.scoring], **changes)
    # Both raise for a name that is unknown: here, before anything is read or loaded.
    apply_style("", spec.style)
    if spec.template != "checkpoint":
        prompt_template(spec.template)
    return spec


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
    # Another number than there are images: a question about the token itself, or a clip's question
    # whose frames were thinned out. No place can be given to what is not there.
    return text.replace(IMAGE, "").strip("\n")
