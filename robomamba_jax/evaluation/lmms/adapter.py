# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboMamba as a model of lmms-eval (https://github.com/EvolvingLMMs-Lab/lmms-eval).

lmms-eval alone imports this module, since its base class must be there when the class is made:

    lmms-eval --model robomamba --model_args checkpoint=DIR --tasks pope
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from lmms_eval.api.instance import GenerationResult, TokenCounts
from lmms_eval.api.model import lmms

from robomamba_jax import api
from robomamba_jax.config.training import MeshConfig
from robomamba_jax.data.images.files import open_image
from robomamba_jax.data.images.rgb import to_rgb
from robomamba_jax.data.text.prompts import prompt_template
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.benchmarks.prompts import keep_placeholders
from robomamba_jax.evaluation.runner.batches import BatchReader, Request
from robomamba_jax.evaluation.runner.predictor import TextPredictor
from robomamba_jax.generation.settings import GenerationSettings
from robomamba_jax.inference.engine import Engine
from robomamba_jax.inference.prompts import padded_length
from robomamba_jax.training.sharding import make_mesh

_TOKENS = 256  # where a task sets no budget


class LmmsInstance(Protocol):
    """A request as lmms-eval has it."""

    @property
    def args(self) -> Any:
        """What is asked; which parts it has depends on the kind of request."""
        ...


class RoboMamba(lmms):
    """A checkpoint that lmms-eval asks: any folder, run, step or preset that ``rm.load`` takes."""

    is_simple = True

    def __init__(
        self,
        checkpoint: str,
        batch_size: int | str = 8,
        dtype: str | None = None,
        template: str | None = None,
        tokenizer: str | None = None,
        **ignored: Any,
    ) -> None:
        """Load it, over all devices that jax sees.

        Args:
          checkpoint: as ``rm.load`` takes it.
          batch_size: questions at a time, rounded up to a multiple of the devices.
          dtype: of computation; None = the checkpoint's own.
          template: a prompt template's name; None = the checkpoint's own.
          tokenizer: a tokenizer.json, for a folder without one.
          ignored: what lmms-eval gives every model (device, max_batch_size).
        """
        super().__init__()
        unknown = set(ignored) - {"device", "max_batch_size"}
        if unknown:
            raise InputError(
                "bad_arguments",
                f"--model_args has {sorted(unknown)[0]}",
                "give checkpoint, batch_size, dtype, template or tokenizer",
            )
        # Data-parallel over all devices: every one gets as many rows as the others.
        devices = jax.device_count()
        self._mesh = make_mesh(MeshConfig()) if devices > 1 else None
        rows = int(batch_size) if str(batch_size).isdigit() else 8  # "auto" is not for us
        self._rows = -(-max(rows, 1) // devices) * devices
        model, self._processor = api.load(
            checkpoint, dtype=dtype, mesh=self._mesh, tokenizer=tokenizer
        )
        self._engine = Engine(model, self._processor, mesh=self._mesh)
        self._template = prompt_template(template) if template else self._processor.template

    def generate_until(self, requests: Sequence[LmmsInstance]) -> list[GenerationResult]:
        """Answers, in the order of the requests."""
        asked = [_Request(number, *self._read(one)) for number, one in enumerate(requests)]
        # One compiled call answers rows with the same settings and as many images.
        groups: dict[tuple[GenerationSettings, int], list[_Request]] = defaultdict(list)
        for one in asked:
            groups[one.settings, len(one.images)].append(one)
        answers: dict[int, GenerationResult] = {}
        for members in groups.values():
            for one, (text, tokens) in zip(members, self._answer(members), strict=True):
                answers[one.number] = GenerationResult(text, TokenCounts(output_tokens=tokens))
                key = (one.text, requests[one.number].args[1])
                self.cache_hook.add_partial("generate_until", key, text)
        return [answers[number] for number in range(len(requests))]

    def generate_until_multi_round(self, requests: Sequence[LmmsInstance]) -> list[list[str]]:
        """Per request the answers of all rounds; the task says what comes next, and when to end."""
        found = []
        for instance in requests:
            context, options, to_visual, to_text, number, task, split = instance.args
            doc = self.task_dict[task][split][number]
            visuals, answers, info, ended = to_visual(doc), [], None, False
            while not ended:
                one = _Request(0, context, _settings(options), _arrays(visuals))
                [(text, _)] = self._answer([one])
                # A task may rewrite what was said before.
                visuals, context, ended, answers, info = to_text(
                    doc,
                    previous_output=[*answers, text],
                    round_idx=len(answers) + 1,
                    previous_round_info=info,
                )
            found.append(list(answers))
        return found

    def loglikelihood(self, requests: Sequence[LmmsInstance]) -> list[tuple[float, bool]]:
        """Per request the mean negative log-likelihood of the target's tokens, as lmms-eval's own
        models give it, and whether greedy decoding would say it."""
        return [self._likelihood(instance) for instance in requests]

    def _read(self, instance: LmmsInstance) -> tuple[str, GenerationSettings, list[np.ndarray]]:
        context, options, to_visual, number, task, split = instance.args
        visuals = to_visual(self.task_dict[task][split][number])
        return context, _settings(options), _arrays(visuals)

    def _answer(self, members: Sequence[_Request]) -> list[tuple[str, int]]:
        """(text, tokens) for requests with the same settings and as many images."""
        # A group's settings have no tokenizer's token; that comes in here.
        settings = {k: v for k, v in vars(members[0].settings).items() if k != "eos_ids"}
        predict = TextPredictor(self._engine, self._engine.settings(**settings), self._mesh)
        reader = BatchReader(
            self._processor,
            self._template,
            batch_size=self._rows,
            max_images=len(members[0].images),
            mesh=self._mesh,
            skip=False,
        )
        requests = [
            Request(str(place), one.text, lambda one=one: tuple(one.images))
            for place, one in enumerate(members)
        ]
        # The reader puts requests of one length together, so they come back in another order.
        replies = {
            reply.id: reply for batch in reader.batches(requests) for reply in predict(batch)
        }
        ordered = [replies[request.id] for request in requests]
        return [(str(reply.answer), len(reply.tokens or ())) for reply in ordered]

    def _likelihood(self, instance: LmmsInstance) -> tuple[float, bool]:
        context, target, to_visual, number, task, split = instance.args
        doc = self.task_dict[task][split][number]
        target_text = target if isinstance(target, str) else target(doc)
        images = _arrays(to_visual(doc))
        tokenizer, before = self._processor.need_tokenizer(), self._template.answer[0]
        text = keep_placeholders(context, len(images), self._template)
        prompt = self._template.encode_prompt(tokenizer, text)
        ids = [*prompt.ids, *tokenizer.encode(before + target_text)]
        positions = prompt.image_positions or [0] * len(images)
        # Padded, so that texts of about one length share a compiled program.
        padded = ids + [0] * (padded_length(len(ids)) - len(ids))
        pixels, places = None, None
        if images:
            assert self._processor.transform is not None
            pixels = np.stack([self._processor.transform(image) for image in images])[None]
            places = np.array([positions], np.int32)
        logits = api.forward(
            self._engine.model,
            np.array([padded], np.int32),
            pixels,
            np.arange(len(padded))[None] < len(ids),
            image_positions=places,
        )
        # Logits at position t are of the token at t + 1.
        here = slice(len(prompt.ids) - 1, len(ids) - 1)
        scores = np.asarray(jax.nn.log_softmax(logits[0, here].astype(jnp.float32)))
        target_ids = np.array(ids[len(prompt.ids) :])
        losses = -scores[np.arange(len(target_ids)), target_ids]
        greedy = bool((scores.argmax(axis=1) == target_ids).all())
        return float(losses.mean()), greedy


class _Request(NamedTuple):
    """One request: its number, text, settings and images."""

    number: int
    text: str
    settings: GenerationSettings
    images: list[np.ndarray]


def _settings(options: dict[str, Any]) -> GenerationSettings:
    """lmms-eval's generation_kwargs; what we have no equal for (num_beams) must be the default."""
    until = options.get("until") or ()
    stop = (until,) if isinstance(until, str) else tuple(until)
    if options.get("num_beams", 1) not in (None, 1):
        raise InputError("bad_settings", f"num_beams={options['num_beams']}", "use num_beams=1")
    temperature = float(options.get("temperature") or 0.0)
    if options.get("do_sample") is False:
        temperature = 0.0
    return GenerationSettings(
        max_new_tokens=int(options.get("max_new_tokens") or _TOKENS),
        temperature=temperature,
        top_p=float(options.get("top_p") or 1.0),
        stop=tuple(text for text in stop if text),
    )


def _arrays(visuals: Any) -> list[np.ndarray]:
    """Images as pixels; videos are not for this model."""
    found = []
    for visual in visuals or []:
        if not hasattr(visual, "convert"):
            raise InputError(
                "bad_image",
                f"the task gives a {type(visual).__name__}, not an image",
                "choose a task of images: RoboMamba reads no video",
            )
        found.append(np.asarray(to_rgb(open_image(visual))))
    return found
