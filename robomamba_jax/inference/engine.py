# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A loaded model that answers: texts at once or streamed, logits, poses; one prompt or a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.data.images.transforms import ImageSource
from robomamba_jax.data.processor import ImageRow, Processor
from robomamba_jax.errors import InputError
from robomamba_jax.generation.generator import Generator, pad_prompts
from robomamba_jax.generation.settings import GenerationSettings
from robomamba_jax.inference.poses import pose_function
from robomamba_jax.inference.prompts import Prompt, PromptBatch, batch_of
from robomamba_jax.inference.text import AnswerText, token_bytes, until_stop
from robomamba_jax.models.inputs import ModelInputs
from robomamba_jax.models.model import Model
from robomamba_jax.models.placement import replicate, shard_rows
from robomamba_jax.models.policy.head import PolicyOutput
from robomamba_jax.pose import Pose, as_depth, make_pose


class Answer(NamedTuple):
    """What was generated for one prompt.

    Attributes:
      text: up to the first stop string.
      tokens: the new token ids, without EOS; those that spell a stop string included.
      reason: "eos", "stop" or "length".
    """

    text: str
    tokens: list[int]
    reason: str


class AnswerPiece(NamedTuple):
    """What is new of one streamed answer.

    Attributes:
      index: of the prompt in its batch.
      text: to be appended; it is never taken back, and may be empty.
      tokens: the new token ids.
      reason: "running", or why the answer has ended.
    """

    index: int
    text: str
    tokens: list[int]
    reason: str


class Engine:
    """A model and its processor, ready for requests.

    Results of a row do not depend on its batch (up to the rounding of a differently shaped matrix
    product). An engine holds no state of requests, so that several may be in progress; compiled
    functions are shared by all engines of a model's shape.

    Attributes:
      model: parameters, configuration, layout.
      processor: transform, template, tokenizer, and what the head's numbers mean.
    """

    def __init__(
        self, model: Model, processor: Processor, *, mesh: jax.sharding.Mesh | None = None
    ) -> None:
        """Take a model; nothing is computed yet.

        Args:
          model: see ``api.load``; its parameters lie on the mesh, if there is one.
          processor: of the same checkpoint.
          mesh: of devices, over which batches are split; None = one device. Where several
            processes hold parts of it, all of them make the same calls.
        """
        self.model, self.processor = model, processor
        self._mesh = mesh
        self._generator: Generator | None = None
        self._has_spelling = False

    def settings(self, *, stop_at_eos: bool = True, **values: Any) -> GenerationSettings:
        """Settings whose end-of-sequence token is this tokenizer's.

        Args:
          stop_at_eos: False runs the whole budget.
          values: other fields of ``GenerationSettings``.

        Raises:
          InputError: a value is wrong, or there is no tokenizer.
        """
        eos = (self.processor.need_tokenizer().eos_id,) if stop_at_eos else ()
        return GenerationSettings(eos_ids=eos, **values)

    def encode(self, prompt: str, images: Sequence[ImageSource] = ()) -> Prompt:
        """One prompt behind its images, through the checkpoint's template and transform.

        Raises:
          InputError: an image or the text is wrong, or there is neither; or the text is longer
            than ``GenerationSettings`` allows.
        """
        if not prompt.strip() and not images:
            raise InputError("empty_prompt", "the prompt is empty", "ask something")
        done = self.processor([list(images)], [prompt])
        ids = done.input_ids[0][done.mask[0]].tolist()
        # Before the batch is made, so that one request can be refused and the others answered.
        longest = GenerationSettings.max_prompt_tokens
        if len(ids) > longest:
            what = f"the prompt has {len(ids):,} tokens, over the limit of {longest:,}"
            raise InputError("prompt_too_long", what, "shorten it")
        return Prompt(ids, None if done.images is None else done.images[0], done.image_positions[0])

    def encode_batch(
        self, images: Sequence[ImageRow] | None, prompts: Sequence[str]
    ) -> PromptBatch:
        """Prompts with an image, a list of them or None each; see ``Processor``.

        Raises:
          InputError: an image or prompt is wrong; the message says which.
        """
        return batch_of(self.processor(images, prompts))

    def image_tokens(self, prompt: Prompt) -> int:
        """Positions of the joint sequence that a prompt's images take."""
        vision = self.model.config.vision
        # Each image is num_patches tokens in front of the text position where it stands.
        return 0 if vision is None else len(prompt.image_positions) * vision.num_patches

    def generate(self, batch: PromptBatch, settings: GenerationSettings) -> list[Answer]:
        """Answers, from one prefill call and one decode call for the whole batch.

        Raises:
          InputError: a prompt or a setting is wrong.
        """
        decode = self.processor.need_tokenizer().decode
        done = self._ready(settings).generate(batch.ids, settings, **self._images(batch))
        return [
            # The loop stops after the token that completes a stop string: text is cut, tokens are
            # not.
            Answer(until_stop(decode(found.tokens), settings.stop), found.tokens, found.reason)
            for found in done
        ]

    def stream(
        self, batch: PromptBatch, settings: GenerationSettings, *, every: int = 1
    ) -> Iterator[AnswerPiece]:
        """Answers while they come. The texts of one prompt, joined, are what ``generate`` gives.

        Args:
          batch: of prompts.
          settings: of generation.
          every: tokens per call to the device; more is faster and less smooth.

        Raises:
          InputError: a prompt or a setting is wrong (before the first piece).
        """
        decode = self.processor.need_tokenizer().decode
        # One growing text for each row: pieces of different rows come mixed.
        texts = [AnswerText(decode, settings.stop) for _ in batch.ids]
        events = self._ready(settings).stream(
            batch.ids, settings, every=every, **self._images(batch)
        )
        return (
            AnswerPiece(index, texts[index].add(tokens, ended=reason != "running"), tokens, reason)
            for index, tokens, reason in events
        )

    def next_token_logits(self, batch: PromptBatch) -> np.ndarray:
        """float32[B, V]: of the token behind each prompt."""
        generator = self._ready(None)
        # [B, V]: prefill gives the last real position of each row, wherever its padding lies.
        logits, _ = generator.prefill(generator.params, self._inputs(batch))
        return np.asarray(self._to_host(logits), np.float32)

    def predict_outputs(self, batch: PromptBatch) -> PolicyOutput:
        """The policy head's own numbers of each row, on the host; see ``PolicyOutput``.

        Raises:
          InputError: the model has no policy head.
        """
        model = self.model
        self.need_policy()
        read = pose_function(model.config, model.layout)
        return self._to_host(read(model.params, self._inputs(batch)))

    def need_policy(self) -> None:
        """Check that there is a policy head.

        Raises:
          InputError: there is none.
        """
        if self.model.config.policy is None:
            raise InputError("no_policy", "this model has no policy head", "use one that has")

    def pose_of(
        self,
        output: PolicyOutput,
        row: int,
        size: tuple[int, int],
        *,
        depth: np.ndarray | None = None,
        camera: Camera | None = None,
    ) -> Pose:
        """One row of the head's output, by the checkpoint's conventions.

        Args:
          output: from :meth:`predict_outputs`.
          row: of the batch.
          size: (width, height) of the original image, in pixels.
          depth: float[H, W], metres, of that size.
          camera: of the original image.

        Raises:
          InputError: the contact is not in the image, or see ``make_pose``.
        """
        processor, gripper = self.processor, output.gripper_logit
        assert processor.transform is not None
        return make_pose(
            # [2] and [6], as the head gives them; make_pose turns both into pixels and axes.
            np.asarray(output.contact[row]),
            np.asarray(output.rotation6d[row]),
            None if gripper is None else float(gripper[row]),
            geometry=processor.transform.geometry(*size),
            contact_scale=processor.contact_scale,
            rotation_convention=processor.rotation_convention,
            contact_frame=processor.contact_frame,
            contact_side=processor.contact_side,
            depth=depth,
            camera=camera,
        )

    def predict_poses(
        self,
        images: Sequence[ImageSource],
        instructions: Sequence[str],
        depths: Sequence[object] | None = None,
        cameras: Sequence[Camera | None] | None = None,
    ) -> list[Pose]:
        """Where and how the gripper should touch, in one forward pass for all images.

        Args:
          images: one per instruction.
          instructions: what to do; the template is put around them.
          depths: per image what ``pose.as_depth`` takes, or None; None = no depth at all.
          cameras: per image, or None; needed where there is a depth.

        Raises:
          InputError: there is no policy head, or an input is wrong.
        """
        self.need_policy()
        processed = self.processor(images, instructions)
        count = len(instructions)
        sizes = [(int(width), int(height)) for width, height in processed.image_sizes[:, 0]]
        # Before the forward pass: a wrong depth is told without it.
        read = [
            None if depth is None else as_depth(depth, size)
            for depth, size in zip(depths or [None] * count, sizes, strict=True)
        ]
        # One forward pass for all: heads and poses cost next to nothing beside it.
        output = self.predict_outputs(batch_of(processed))
        return [
            self.pose_of(output, row, sizes[row], depth=read[row], camera=camera)
            for row, camera in enumerate(cameras or [None] * count)
        ]

    def _ready(self, settings: GenerationSettings | None) -> Generator:
        """The generator; the tokens' bytes, of which large vocabularies have many, are spelled out
        only once there are stop strings."""
        needs_spelling = settings is not None and bool(settings.stop)
        if self._generator is None or (needs_spelling and not self._has_spelling):
            model, spelling = self.model, None
            if needs_spelling:
                size = model.config.llm.vocab_size
                spelling = token_bytes(self.processor.need_tokenizer(), size)
            self._has_spelling = needs_spelling
            self._generator = Generator(
                model.config,
                model.params,
                layout=model.layout,
                token_bytes=spelling,
                mesh=self._mesh,
            )
        return self._generator

    def _images(self, batch: PromptBatch) -> dict[str, jax.Array]:
        """A batch's images as a generator takes them."""
        if batch.images is None:
            return {}
        images = self._on_mesh(batch.images)
        return {"images": images, "image_positions": jnp.asarray(batch.image_positions)}

    def _inputs(self, batch: PromptBatch) -> ModelInputs:
        """A batch, padded, on the devices."""
        ids, mask = pad_prompts(batch.ids)
        return self._on_mesh(ModelInputs(ids, mask=mask, **self._images(batch)))

    def _on_mesh(self, tree: Any) -> Any:
        """Arrays whose first axis is the batch, on the devices."""
        mesh = self._mesh
        if mesh is None:
            return jax.tree.map(jnp.asarray, tree)
        return jax.tree.map(lambda array: shard_rows(mesh, array, array.shape[0]), tree)

    def _to_host(self, tree: Any) -> Any:
        # Where several processes hold the rows, each gets all of them: every process answers alike.
        return jax.device_get(tree if self._mesh is None else replicate(self._mesh, tree))
