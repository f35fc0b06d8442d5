# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""An evaluation as data: which benchmark, its files, how it is asked and how it is scored."""

from __future__ import annotations

import dataclasses

from robomamba_jax.config.aliases import accepts_old_names
from robomamba_jax.config.checks import not_negative, one_of, positive
from robomamba_jax.config.contacts import check_contacts
from robomamba_jax.config.mamba import DTYPES
from robomamba_jax.config.training import MeshConfig
from robomamba_jax.errors import InputError

BENCHMARKS = (
    "vqav2",
    "okvqa",
    "gqa",
    "ocrvqa",
    "vizwiz",
    "pope",
    "mme",
    "mmbench",
    "mmvet",
    "robovqa",
    "manipulation",
)
SCORINGS = ("standard", "official")
STOPS = ("eos", "line", "none")
ON_ERROR = ("raise", "skip")
EXTRAS = ("error", "skip")


@dataclasses.dataclass(frozen=True)
class FilesConfig:
    """Where a benchmark lies. Names are relative to ``root``, or absolute.

    Attributes:
      root: the benchmark's folder.
      questions: its files of questions; patterns such as "tfrecord/val/*" are allowed.
      answers: its file of answers, where they lie apart, or a pattern of several; "" = there are
        none (a test split), or they lie with the questions.
      images: the folder of its images; "" = looked for in root and below it, where archives
        are usually extracted.
      allow_roots: folders outside of those into which links in them may lead.
    """

    root: str
    questions: tuple[str, ...] = ()
    answers: str = ""
    images: str = ""
    allow_roots: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class PromptConfig:
    """How questions are put; what is left empty is as the scoring's own prompt spec says.

    Attributes:
      style: a name in ``evaluation.benchmarks.prompts.STYLES``, or a text with {question} in it.
      template: a name in ``data.text.prompts.TEMPLATES``; "checkpoint" = the checkpoint's own.
      max_new_tokens: the budget of an answer; 0 = the spec's.
      stop: "eos" ends an answer at the end of text, "line" also at a line's end, "none" runs
        the whole budget, as the published repository does.
    """

    style: str = ""
    template: str = ""
    max_new_tokens: int = 0
    stop: str = ""

    def __post_init__(self) -> None:
        not_negative("max_new_tokens", self.max_new_tokens)
        if self.stop:
            one_of("stop", self.stop, STOPS)


@accepts_old_names
@dataclasses.dataclass(frozen=True)
class EvalConfig:
    """One benchmark, and how a checkpoint meets it.

    Attributes:
      benchmark: one of ``BENCHMARKS``.
      files: where it lies.
      scoring: "standard", as the field scores, or "official", as RoboMamba's repository does.
        It also chooses the prompt spec by which questions are put.
      prompt: what shall differ from that.
      batch_size: questions answered at a time, over all devices.
      limit: so many questions are taken, drawn with a fixed seed; 0 = all.
      frames: RoboVQA: images of a clip, evenly spread and ending with the last one.
      ocr_split: OCR-VQA: which records: 1 train, 2 val, 3 test.
      pixel_order: manipulation: of the file's points, "xy" or "rowcol".
      frame: manipulation: of the file's directions, "manipllm" or "opencv".
      contact_frame: manipulation, of predictions: "" = contacts are pixels of each image, centres
        at +0.5, as eval.py writes them in the standard scoring; "file" = as the published program
        writes them: pixels of the file, counted from 0.
      contact_side: with "file": of the square images that the head was trained on; None = the
        predictions count each image's own pixels.
      judge: MM-Vet: a file of its judge's scores; "" = none, and no score.
      on_error: "raise", or "skip": leave a question out whose image is missing or broken,
        or which has no answer in a file of predictions; count it and name it.
      answer_field: predictions: the field or column that holds the answers; "" = the one that is
        there, and an error where two are.
      id_field: predictions: the field that says which question is answered; "" likewise.
      on_extra: predictions: "error", or "skip": leave out answers to what was not asked, and count
        them.
      check_echoes: predictions: whether a question, image or category that stands beside an
        answer must be the asked question's.
      mesh: of devices.
      dtype: of computation; "" = the checkpoint's own.
      toy: above 0: so many images are drawn and asked about, in the benchmark's own files.
    """

    benchmark: str
    files: FilesConfig
    scoring: str = "standard"
    prompt: PromptConfig = dataclasses.field(default_factory=PromptConfig)
    batch_size: int = 8
    limit: int = 0
    frames: int = 1
    ocr_split: int = 3
    pixel_order: str = "xy"
    frame: str = "manipllm"
    contact_frame: str = ""
    contact_side: int | None = None
    judge: str = ""
    on_error: str = "raise"
    answer_field: str = ""
    id_field: str = ""
    on_extra: str = "error"
    check_echoes: bool = True
    mesh: MeshConfig = dataclasses.field(default_factory=MeshConfig)
    dtype: str = ""
    toy: int = 0

    def __post_init__(self) -> None:
        one_of("benchmark", self.benchmark, BENCHMARKS)
        one_of("scoring", self.scoring, SCORINGS)
        one_of("on_error", self.on_error, ON_ERROR)
        one_of("on_extra", self.on_extra, EXTRAS)
        positive("batch_size", self.batch_size)
        positive("frames", self.frames)
        not_negative("limit", self.limit)
        not_negative("toy", self.toy)
        if self.dtype:
            one_of("dtype", self.dtype, DTYPES)
        if self.contact_frame:
            one_of("contact_frame", self.contact_frame, ("file",))
        # Predictions are pixels in either frame; shares of a crop are in no file of them.
        check_contacts("raw", self.contact_frame or "crop", self.contact_side)
        if self.ocr_split not in (1, 2, 3):
            raise InputError("bad_config", f"ocr_split is {self.ocr_split}", "give 1, 2 or 3")


def tiny(config: EvalConfig) -> EvalConfig:
    """The same code path on drawn images: files of the same form, answers of a few tokens."""
    # A random model hardly ever ends its text: every answer would take the whole budget.
    prompt = dataclasses.replace(config.prompt, max_new_tokens=4)
    return dataclasses.replace(config, toy=8, batch_size=4, prompt=prompt)
