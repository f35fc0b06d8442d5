# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint that answers benchmarks: texts, or poses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from robomamba_jax.api import pose_function
from robomamba_jax.data.processor import Processor
from robomamba_jax.data.sources.manipulation import detection
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.answers_file import Reply
from robomamba_jax.evaluation.benchmarks.base import Recipe
from robomamba_jax.evaluation.runner.batches import Batch, everywhere, named
from robomamba_jax.generation.generator import Generator, pad_prompts
from robomamba_jax.generation.settings import GenerationSettings
from robomamba_jax.generation.stopping import byte_level_spelling
from robomamba_jax.models.inputs import ModelInputs
from robomamba_jax.models.model import Model
from robomamba_jax.models.sharding import placed, whole
from robomamba_jax.pose import make_pose

_LINE_ENDS = ("\n",)

# Taken out in this order, each of them everywhere in the text before the next.
_SPACED = (
    *(" .", " ?", " !", " ,"),
    " ' ",
    *(" n't", " 'm", " 's", " 've", " 're"),
)


def clean_up_spaces(text: str) -> str:
    """A text as the published repository's test program decodes it.

    The transformers release that it pins (4.43.3) takes the spaces before punctuation and English
    contractions out of whatever a tokenizer decodes: "blue .5 ?" becomes "blue.5?", and a decimal
    that begins with its point is joined to the word before it. Later releases leave a byte-level
    BPE's text alone, since its spaces are meant; so does every other recipe of ours.
    """
    for spaced in _SPACED:
        text = text.replace(spaced, spaced.strip())
    return text


def settings_of(recipe: Recipe, processor: Processor) -> GenerationSettings:
    """A recipe's budget and stop rule, greedy."""
    return GenerationSettings(
        max_new_tokens=recipe.max_new_tokens,
        eos_ids=() if recipe.stop == "none" else (processor.need_tokenizer().eos_id,),
        stop=_LINE_ENDS if recipe.stop == "line" else (),
    )


class Texts:
    """Answers; one compiled call per batch."""

    def __init__(
        self,
        model: Model,
        processor: Processor,
        settings: GenerationSettings,
        mesh: Mesh | None,
        *,
        clean_up: bool = False,
    ) -> None:
        """Make ready.

        Args:
          model: whose parameters lie on the mesh, if there is one.
          processor: its own.
          settings: budget, stop strings, temperature; one for all requests.
          mesh: of devices; None = one device.
          clean_up: whether answers pass :func:`clean_up_spaces`.
        """
        self._clean_up = clean_up
        self._tokenizer, self._mesh = processor.need_tokenizer(), mesh
        self._settings, self._stop = settings, settings.stop
        size = model.config.llm.vocab_size
        spelled = byte_level_spelling(self._tokenizer.vocab, self._tokenizer.added, size)
        self._generator = Generator(
            model.config, model.params, layout=model.layout, token_bytes=spelled, mesh=mesh
        )

    def __call__(self, batch: Batch) -> list[Reply]:
        """The answers to a batch's requests, in their order."""
        pictures = _pictures(batch, self._mesh)
        done = self._generator.generate(batch.tokens, self._settings, **pictures)
        bad = _bad(batch, self._mesh)
        replies = []
        for request, completion, why in zip(batch.requests, done, bad, strict=False):
            text = self._tokenizer.decode(completion.tokens)
            text = clean_up_spaces(text) if self._clean_up else text
            for stop in self._stop:
                text = text.split(stop)[0]
            answer = None if why else text.strip()
            replies.append(Reply(request.id, answer, why or completion.reason, completion.tokens))
        return replies

    def logits_behind(self, batch: Batch, said: Sequence[Sequence[int]]) -> np.ndarray:
        """float32[B, V]: the next token's logits after some tokens of each answer.

        Args:
          batch: the questions.
          said: token ids per row.
        """
        rows = [[*tokens, *more] for tokens, more in zip(batch.tokens, said, strict=True)]
        pictures = _pictures(batch, self._mesh)
        ids, mask = pad_prompts(rows)
        inputs = _on(self._mesh, ModelInputs(ids, mask=mask, **pictures))
        logits, _ = self._generator.prefill(self._generator.params, inputs)
        return np.asarray(_host(self._mesh, logits), np.float32)


class Poses:
    """Poses by the policy head; one forward pass per batch."""

    def __init__(self, model: Model, processor: Processor, mesh: Mesh | None) -> None:
        """Make ready.

        Raises:
          InputError: the model has no policy head.
        """
        if model.config.policy is None:
            raise InputError("no_policy", "this model has no policy head", "use one that has")
        assert processor.transform is not None
        self._transform, self._processor, self._mesh = processor.transform, processor, mesh
        self._params = model.params
        self._read = pose_function(model.config, model.layout)

    def facts(self) -> dict[str, Any]:
        """What else than parameters decides about the numbers, as JSON values."""
        processor = self._processor
        return {
            "contact_scale": processor.contact_scale,
            "contact_frame": processor.contact_frame,
            "contact_side": processor.contact_side,
            "rotation_convention": processor.rotation_convention,
        }

    def raw_meaning(self) -> str:
        """What the head's own numbers are, in a sentence."""
        frame = {"manipllm": "ManipLLM's", "opencv": "OpenCV's"}
        return (
            f"manip.json holds the head's own numbers: contacts in {self._processor.contacts}, "
            f"directions in {frame[self._processor.rotation_convention]} frame; scoring=standard "
            "writes pixels of each picture and ManipLLM's frame"
        )

    def __call__(self, batch: Batch) -> list[Reply]:
        """A batch's poses as lists of numbers."""
        ids, mask = pad_prompts(batch.tokens)
        pictures = _pictures(batch, self._mesh)
        inputs = _on(self._mesh, ModelInputs(ids, mask=mask, **pictures))
        output = self._read(self._params, inputs)
        found = _host(self._mesh, output)
        sizes, bad = everywhere(self._mesh, batch.sizes), _bad(batch, self._mesh)
        replies = []
        for row, request in enumerate(batch.requests):
            if bad[row]:
                replies.append(Reply(request.id, None, bad[row] or ""))
                continue
            try:
                numbers, raw = self._pose(found, row, sizes[row])
                replies.append(Reply(request.id, numbers, "", raw=raw))
            except InputError as error:
                if not batch.skip:
                    raise named(request, error) from error
                replies.append(Reply(request.id, None, error.message))
        return replies

    def _pose(self, found: Any, row: int, size: np.ndarray) -> tuple[list[float], list[float]]:
        """One row of the head's output as RoboMamba's list, and the head's own numbers; InputError
        where they are no pose."""
        width, height = (int(side) for side in size)
        pose = make_pose(
            found.contact[row],
            found.rotation6d[row],
            None if found.gripper_logit is None else float(found.gripper_logit[row]),
            geometry=self._transform.geometry(width, height),
            contact_scale=self._processor.contact_scale,
            rotation_convention=self._processor.rotation_convention,
            contact_frame=self._processor.contact_frame,
            contact_side=self._processor.contact_side,
        )
        numbers = detection(pose.contact_xy, pose.rotation)
        raw = [float(x) for x in (*found.contact[row], *found.rotation6d[row])]
        if found.gripper_logit is not None:
            numbers.append(float(found.gripper_logit[row]))
            raw.append(numbers[-1])
        if not np.all(np.isfinite([*numbers, *raw])):
            what = "the predicted pose is not made of finite numbers"
            raise InputError("not_finite", what, "give a checkpoint whose parameters are finite")
        return numbers, raw


def _pictures(batch: Batch, mesh: Mesh | None) -> dict[str, Any]:
    if batch.images is None:
        return {}
    images = _on(mesh, batch.images)
    return {"images": images, "image_positions": jnp.asarray(everywhere(mesh, batch.positions))}


def _bad(batch: Batch, mesh: Mesh | None) -> list[str | None]:
    """What is wrong with each row, known to all processes."""
    flags = everywhere(mesh, np.array([why is not None for why in batch.bad], np.int32))
    other = "its picture cannot be used; the process that read it knows why"
    return [why or (other if flag else None) for why, flag in zip(batch.bad, flags, strict=True)]


def _on(mesh: Mesh | None, tree: Any) -> Any:
    """Arrays whose first axis is the batch, on the mesh."""
    if mesh is None:
        return jax.tree.map(jnp.asarray, tree)
    return jax.tree.map(lambda array: placed(mesh, array, array.shape[0]), tree)


def _host(mesh: Mesh | None, tree: Any) -> Any:
    return jax.device_get(tree if mesh is None else whole(mesh, tree))
