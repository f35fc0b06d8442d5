# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint that answers benchmarks: texts, or poses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from jax.sharding import Mesh

from robomamba_jax.data.sources.manipulation import detection
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.answers_file import Reply
from robomamba_jax.evaluation.benchmarks.prompts import PromptSpec
from robomamba_jax.evaluation.benchmarks.question_files import with_question
from robomamba_jax.evaluation.runner.batches import Batch, gather_rows
from robomamba_jax.generation.settings import GenerationSettings
from robomamba_jax.inference.engine import Engine
from robomamba_jax.inference.prompts import PromptBatch
from robomamba_jax.models.policy.head import PolicyOutput
from robomamba_jax.utils.json_types import Json

_LINE_ENDS = ("\n",)

# Taken out in this order, each of them everywhere in the text before the next.
_SPACED = (*(" .", " ?", " !", " ,"), " ' ", *(" n't", " 'm", " 's", " 've", " 're"))


def clean_up_spaces(text: str) -> str:
    """A text as the published repository's test program decodes it.

    The transformers release that it pins (4.43.3) takes the spaces before punctuation and English
    contractions out of whatever a tokenizer decodes: "blue .5 ?" becomes "blue.5?", and a decimal
    that begins with its point is joined to the word before it. Later releases leave a byte-level
    BPE's text alone, since its spaces are meant; so does every other prompt spec of ours.
    """
    for spaced in _SPACED:
        text = text.replace(spaced, spaced.strip())
    return text


def settings_of(engine: Engine, prompt_spec: PromptSpec) -> GenerationSettings:
    """A prompt spec's budget and stop rule, greedy."""
    return engine.settings(
        stop_at_eos=prompt_spec.stop != "none",
        max_new_tokens=prompt_spec.max_new_tokens,
        stop=_LINE_ENDS if prompt_spec.stop == "line" else (),
    )


@dataclasses.dataclass(frozen=True)
class TextPredictor:
    """Answers; one compiled call per batch.

    Attributes:
      engine: of the checkpoint, on the mesh.
      settings: budget, stop strings, temperature; one for all requests.
      mesh: of devices; None = one device.
      clean_up: whether answers pass :func:`clean_up_spaces`.
    """

    engine: Engine
    settings: GenerationSettings
    mesh: Mesh | None
    clean_up: bool = False

    def __call__(self, batch: Batch) -> list[Reply]:
        """The answers to a batch's requests, in their order."""
        answers = self.engine.generate(_prompts(batch, self.mesh), self.settings)
        replies = []
        # A batch is filled up with rows that nobody asked for: as many replies as requests.
        problems = _problems(batch, self.mesh)
        for request, answer, why in zip(batch.requests, answers, problems, strict=False):
            # After the cut at a line's end, which no pattern contains, so that it is as good as
            # before it.
            text = clean_up_spaces(answer.text) if self.clean_up else answer.text
            kept = None if why else text.strip()
            replies.append(Reply(request.id, kept, why or answer.reason, answer.tokens))
        return replies

    def logits_after(self, batch: Batch, prefixes: Sequence[Sequence[int]]) -> np.ndarray:
        """float32[B, V]: the next token's logits after the first tokens of each answer.

        Args:
          batch: the questions.
          prefixes: token ids per row.
        """
        # Asked again with what both answers share behind it: a whole answer's logits are not kept.
        prompts = _prompts(batch, self.mesh)
        ids = [[*row, *more] for row, more in zip(batch.tokens, prefixes, strict=True)]
        return self.engine.next_token_logits(prompts._replace(ids=ids))


class PosePredictor:
    """Poses by the policy head; one forward pass per batch."""

    def __init__(self, engine: Engine, mesh: Mesh | None) -> None:
        """Make ready.

        Raises:
          InputError: the model has no policy head.
        """
        engine.need_policy()
        self._engine, self._mesh = engine, mesh

    def facts(self) -> dict[str, Json]:
        """What else than parameters decides about the numbers."""
        names = ("contact_scale", "contact_frame", "contact_side", "rotation_convention")
        return {name: getattr(self._engine.processor, name) for name in names}

    def raw_meaning(self) -> str:
        """What the head's own numbers are, in a sentence."""
        frame = {"manipllm": "ManipLLM's", "opencv": "OpenCV's"}
        processor = self._engine.processor
        return (
            f"manip.json holds the head's own numbers: contacts in {processor.contacts}, "
            f"directions in {frame[processor.rotation_convention]} frame; scoring=standard "
            "writes pixels of each image and ManipLLM's frame"
        )

    def __call__(self, batch: Batch) -> list[Reply]:
        """A batch's poses as lists of numbers."""
        output = self._engine.predict_outputs(_prompts(batch, self._mesh))
        sizes, problems = gather_rows(self._mesh, batch.image_sizes), _problems(batch, self._mesh)
        replies = []
        for row, request in enumerate(batch.requests):
            if why := problems[row]:
                replies.append(Reply(request.id, None, why))
                continue
            try:
                numbers, raw = self._pose(output, row, sizes[row])
                replies.append(Reply(request.id, numbers, "", raw=raw))
            except InputError as error:
                if not batch.skip:
                    raise with_question(request.id, error) from error
                replies.append(Reply(request.id, None, error.message))
        return replies

    def _pose(
        self, output: PolicyOutput, row: int, size: np.ndarray
    ) -> tuple[list[float], list[float]]:
        """One row of the head's output as RoboMamba's list, and the head's own numbers; InputError
        where they are no pose."""
        pose = self._engine.pose_of(output, row, (int(size[0]), int(size[1])))
        # Twice: as pixels of the image in ManipLLM's frame, which others can read, and as the head
        # gives them, which is what the repository's program writes under the same names.
        numbers = detection(pose.contact_xy, pose.rotation)
        raw = [float(x) for x in (*output.contact[row], *output.rotation6d[row])]
        if output.gripper_logit is not None:
            numbers.append(float(output.gripper_logit[row]))
            raw.append(numbers[-1])
        if not np.all(np.isfinite([*numbers, *raw])):
            what = "the predicted pose is not made of finite numbers"
            raise InputError("not_finite", what, "give a checkpoint whose parameters are finite")
        return numbers, raw


def _prompts(batch: Batch, mesh: Mesh | None) -> PromptBatch:
    """A batch as the engine takes it. Each process has read the images of its own rows, and so
    knows the positions of these alone; the engine wants those of all rows."""
    if batch.images is None:
        return PromptBatch(batch.tokens, None, None)
    return PromptBatch(batch.tokens, batch.images, gather_rows(mesh, batch.image_positions))


def _problems(batch: Batch, mesh: Mesh | None) -> list[str | None]:
    """What is wrong with each row, known to all processes."""
    # Devices exchange numbers and no texts: whether a row is bad, but not why.
    flags = gather_rows(mesh, np.array([why is not None for why in batch.problems], np.int32))
    other = "its image cannot be used; the process that read it knows why"
    return [
        why or (other if flag else None) for why, flag in zip(batch.problems, flags, strict=True)
    ]
