# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The demo's runs as configurations of ``train.py``: language pre-training and the three stages."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from robomamba_jax.config import VISION_PRESETS, PolicyConfig
from robomamba_jax.config.data import BatchConfig, DataConfig, EncodingConfig, SourceConfig
from robomamba_jax.config.training import (
    CheckpointConfig,
    LossConfig,
    ModelChoice,
    OptimConfig,
    RunConfig,
    TrainConfig,
)
from robomamba_jax.data.examples import without_placeholders
from robomamba_jax.demo.paths import DemoPaths
from robomamba_jax.demo.plan import DemoPlan
from robomamba_jax.pretraining.configs import FLOAT
from robomamba_jax.world.dataset.contact_points import contact_points_file

ROW_TOKENS = 384
# Of a pose's prompt, at most. The longest has 25 by the demo's own tokenizer; by one that was
# trained on the broad world's text, and has pieces for other things than poses, 35.
_POSE_TOKENS = 40

# How the mixture of stage 1.2 is weighed: shares of samples. A conversation about an image has
# two to eight answers, the others one or two.
INSTRUCT_WEIGHTS = {"llava": 0.52, "details": 0.04, "lrv": 0.20, "robovqa": 0.14, "touch": 0.10}
# Before stage 1 the language model learns to say all that there is, more than captions say.
LANGUAGE_WEIGHTS = {"captions": 0.3, "details": 0.7}
# What stands for robot data in the ablation without it.
ROBOT = ("robovqa", "touch")
# A contact's loss beside the angle's: a distance in shares of the image, or a log-likelihood.
_CONTACT_WEIGHTS = {"mixture": 0.3}
# Without it the head learns its few thousand poses by heart.
_STATES_DROPOUT = 0.2


def training_texts(paths: DemoPaths) -> Sequence[str]:
    """All that is said in the training set, for the tokenizer; what is asked of poses, too."""
    texts = []
    for name in ("stage1_1.json", "stage1_2_llava.json", "stage1_2_detail.json", "manip.json"):
        for record in json.loads((paths.train / name).read_bytes()):
            # A pose's answer is numbers, which stage 2 does not read.
            turns = record["conversations"][: 1 if name == "manip.json" else None]
            texts += [without_placeholders(turn["value"]) for turn in turns]
    for record in json.loads((paths.train / "stage1_2_lrv.json").read_bytes()):
        texts += [record["question"], record["answer"]]
    return texts


def language_config(plan: DemoPlan, paths: DemoPaths) -> TrainConfig:
    """The language model's pre-training: it learns to say what the encoder's images show, through
    a projector that is thrown away. It stands where the large presets have a pretrained Mamba."""
    # As stage 1.1, but for what is written out below.
    config = align_config(plan, paths)
    (captions,) = config.data.sources
    sources = tuple(
        dataclasses.replace(source, weight=LANGUAGE_WEIGHTS[source.name])
        for source in (captions, _details(paths))
    )
    return dataclasses.replace(
        config,
        stage="language",
        data=dataclasses.replace(config.data, sources=sources),
        trainable=("projector/.*", "llm/.*"),
        run=_run(plan, plan.language_steps),
        checkpoint=CheckpointConfig(every=200, keep=1),
        init_from=str(paths.first),
    )


def align_config(plan: DemoPlan, paths: DemoPaths) -> TrainConfig:
    """Stage 1.1: the projector alone, on captions."""
    source = SourceConfig(str(paths.train / "stage1_1.json"), "captions", "llava")
    return TrainConfig(
        stage="align",
        data=_image_data(plan, paths, (source,), plan.rows),
        trainable=("projector/.*",),
        # A whole row at once: its logits, 384 x 1,024 floats, are small.
        loss=LossConfig(chunk=ROW_TOKENS),
        optim=_optim(4e-3),
        model=ModelChoice("nano", plan.vision, remat="none", **FLOAT),
        run=_run(plan, plan.align_steps),
        checkpoint=CheckpointConfig(every=100, keep=1),
        init_from=str(paths.start),
    )


def instruct_config(
    plan: DemoPlan,
    paths: DemoPaths,
    *,
    init: Path | None = None,
    steps: int | None = None,
    without: Sequence[str] = (),
) -> TrainConfig:
    """Stage 1.2: projector and language model, on general and robot instructions.

    Args:
      plan: the demo's.
      paths: the demo's.
      init: where it starts; None = stage 1.1.
      steps: how many; None = as planned.
      without: sources left out.
    """
    files = {
        "llava": SourceConfig(str(paths.train / "stage1_2_llava.json"), "llava", "llava"),
        "details": _details(paths),
        "lrv": SourceConfig(str(paths.train / "stage1_2_lrv.json"), "lrv", "lrv"),
        "robovqa": SourceConfig(str(paths.train / "robovqa" / "*.tfrecord"), "robovqa", "robovqa"),
        "touch": SourceConfig(str(contact_points_file(paths.train)), "touch", "llava"),
    }
    sources = tuple(
        dataclasses.replace(source, weight=INSTRUCT_WEIGHTS[name])
        for name, source in files.items()
        if name not in without
    )
    return TrainConfig(
        stage="instruct",
        data=_image_data(plan, paths, sources, plan.instruct_rows),
        trainable=("projector/.*", "llm/.*"),
        # Every answer counts alike: a word as much as a description, in which a hundred tokens are
        # learned.
        loss=LossConfig(chunk=ROW_TOKENS, length_balance=1.0),
        optim=_optim(2e-3),
        model=ModelChoice("nano", plan.vision, remat="none", **FLOAT),
        run=_run(plan, steps or plan.instruct_steps),
        checkpoint=CheckpointConfig(every=200, keep=1),
        init_from=str(init or paths.root / "align"),
    )


def manipulate_config(
    plan: DemoPlan,
    paths: DemoPaths,
    *,
    init: Path | None = None,
    policy: str | None = None,
    features: Path | None = None,
    assemblies: bool = False,
) -> TrainConfig:
    """Stage 2: the policy head alone, on poses.

    Args:
      plan: the demo's.
      paths: the demo's.
      init: where it starts; None = stage 1.2.
      policy: the head's kind; None = the demo's.
      features: cached ones of that kind; None = the demo's own.
      assemblies: whether poses of random assemblies are among them, which the paper's protocol
        does not have.
    """
    policy = policy or plan.policy
    worlds = (paths.train, paths.assemblies) if assemblies else (paths.train,)
    sources = tuple(
        SourceConfig(
            str(world / "manip.json"),
            "poses" if world == paths.train else world.name,
            "robomamba-poses",
            pixel_order="xy",
            frame="manipllm",
        )
        for world in worlds
    )
    encoding = EncodingConfig(
        str(paths.tokenizer), plan.vision, target="pose", max_tokens=_POSE_TOKENS
    )
    patches = VISION_PRESETS[plan.vision].num_patches
    # An image and its prompt: the head reads the pose off the states, no text is answered.
    batch = BatchConfig(64, seq_len=patches + _POSE_TOKENS, image_tokens=patches)
    cache = paths.root / cache_kind(policy) if features is None else features
    return TrainConfig(
        stage="manipulate",
        data=DataConfig(sources, encoding, batch, features=str(cache)),
        trainable=("policy/.*",),
        loss=LossConfig(
            kind="pose",
            contact_weight=_CONTACT_WEIGHTS.get(policy, 4.0),
            hidden_dropout=_STATES_DROPOUT,
        ),
        optim=OptimConfig(learning_rate=3e-3, weight_decay=0.02, warmup_ratio=0.03),
        model=ModelChoice("nano", plan.vision, policy, remat="none", **FLOAT),
        run=dataclasses.replace(
            # Cached states leave nothing to decode in another process.
            _run(plan, None),
            epochs=plan.manipulate_epochs,
            workers=0,
            log_every=100,
        ),
        checkpoint=CheckpointConfig(every=1000, keep=1),
        init_from=str(init or paths.root / "instruct"),
    )


def _details(paths: DemoPaths) -> SourceConfig:
    return SourceConfig(str(paths.train / "stage1_2_detail.json"), "details", "llava")


def cache_kind(policy: str) -> str:
    """What has to be cached for a policy head."""
    return "hidden_states" if PolicyConfig(policy).reads_sequences else "pooled_hidden"


def image_config(plan: DemoPlan, paths: DemoPaths) -> TrainConfig:
    """Every training image once, for the features of the frozen encoder."""
    # One file for each kind of image: scenes, poses, and clips' frames. All others ask about these.
    sources = (
        SourceConfig(str(paths.train / "stage1_1.json"), "captions", "llava"),
        SourceConfig(str(contact_points_file(paths.train)), "touch", "llava"),
        SourceConfig(str(paths.train / "robovqa" / "*.tfrecord"), "robovqa", "robovqa"),
    )
    config = align_config(plan, paths)
    data = dataclasses.replace(config.data, sources=sources, features=None)
    return dataclasses.replace(config, data=data)


def _image_data(
    plan: DemoPlan, paths: DemoPaths, sources: tuple[SourceConfig, ...], rows: int
) -> DataConfig:
    encoding = EncodingConfig(str(paths.tokenizer), plan.vision, max_tokens=256)
    batch = BatchConfig(
        rows,
        packing=True,
        seq_len=ROW_TOKENS,
        images=4,
        image_tokens=VISION_PRESETS[plan.vision].num_patches,
    )
    return DataConfig(sources, encoding, batch, features=str(paths.features))


def _optim(rate: float) -> OptimConfig:
    """Muon: with AdamW at rates at which a run this short learns anything, the projector's
    outputs grow to two hundred times the words' and the image is lost in them."""
    return OptimConfig(
        optimizer="muon", learning_rate=rate, weight_decay=0.05, b2=0.98, warmup_ratio=0.05
    )


def _run(plan: DemoPlan, steps: int | None) -> RunConfig:
    return RunConfig(
        # One core stays with the training itself.
        steps=steps,
        log_every=25,
        samples=0,
        workers=min(4, plan.workers - 1),
        export=True,
    )
