# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a training run reads: its sources, how samples become tokens, how they fill batches."""

from __future__ import annotations

import dataclasses

from robomamba_jax.config.aliases import accepts_old_names
from robomamba_jax.config.checks import one_of, positive
from robomamba_jax.config.contacts import check_contacts
from robomamba_jax.config.grasp import GraspConfig
from robomamba_jax.errors import InputError

FORMATS = (
    *("llava", "lrv", "robovqa", "robovqa-json", "robomamba-poses", "manipllm", "rlds"),
    *("lerobot", "prepared", "custom"),
)
ON_ERROR = ("raise", "skip")
TOO_LONG = ("cut", "error")
IMAGE_PLACES = ("front", "text")
TARGETS = ("text", "pose")
FEATURE_KINDS = ("vision_patches", "pooled_hidden", "hidden_states")
CODECS = ("png", "jpeg", "raw")
STEPS = ("first", "last", "all")

SYNTHETIC = "robomamba_jax.data.sources.synthetic"
"""The module of ``--tiny``'s samples, which a configuration names as a factory."""


@dataclasses.dataclass(frozen=True)
class FieldMap:
    """Which fields of an RLDS or TFDS data set mean what, nested ones as "observation/image"; or
    which columns of a LeRobot data set; ``data.sources.lerobot`` says what "task" and None are.

    Attributes:
      image: an image, or several.
      question: text; several texts in front of each other are not joined.
      answer: text.
      tagged: RoboVQA's text that holds all questions of an episode, instead of the two.
      id: text or a number; None = the record's number.
      task: text.
      steps: the nested data set of an RLDS episode, to whose steps the other fields belong
        ("" = the records have no steps); a field that the steps lack is the episode's.
      step: which of an episode's steps are samples, "first", "last" or "all".
      ask: a question for all samples, instead of a field.
      turns: a sequence of {role, text}, instead of question and answer.
      contact: (x, y), with ``approach``, ``left`` and optionally ``gripper`` for poses.
      approach: the gripper's direction, three numbers.
      left: the closing axis, three numbers.
      gripper: 1 = open.
      grasp: LeRobot: poses out of the robot's states, instead of ``contact`` and the others.
    """

    image: str | None = None
    question: str | None = None
    answer: str | None = None
    tagged: str | None = None
    id: str | None = None
    task: str | None = None
    steps: str = ""
    step: str = "last"
    ask: str | None = None
    turns: str | None = None
    contact: str | None = None
    approach: str | None = None
    left: str | None = None
    gripper: str | None = None
    grasp: GraspConfig | None = None

    def __post_init__(self) -> None:
        one_of("step", self.step, STEPS)

    @property
    def poses(self) -> bool:
        """Whether the samples have poses to learn."""
        return self.contact is not None or self.grasp is not None


@dataclasses.dataclass(frozen=True)
class SourceConfig:
    """One set of samples.

    Attributes:
      path: a file, a folder, or a pattern such as "tfrecord/train/train*".
      name: for mixing and messages; "" = the path's last part.
      format: one of ``FORMATS``, or "auto" to look.
      root: the folder of the images, where it is not the file's own.
      weight: its share in the mixture; None in all sources = by their sizes.
      samples: at most so many of it, spread evenly over its files; None = all.
      frames: RoboVQA: how many of a clip's frames become images.
      split: RoboVQA: where answers begin, "standard" or "official".
      pixel_order: poses: "xy" or "rowcol"; files do not say it.
      frame: poses: of the directions, "manipllm" or "opencv"; None = "manipllm", which
        RoboMamba's files use; RLDS and LeRobot must say it.
      tfds_split: RLDS: which split; LeRobot: which of several.
      fields: RLDS, LeRobot: which fields mean what.
      factory: "custom": "package.module:function", called with the path and the root.
      allow_roots: folders outside of ``root`` into which links below it may lead. They say where
        files may lie, not what they hold: neither plans nor prepared data know them.
    """

    path: str
    name: str = ""
    format: str = "auto"
    root: str | None = None
    weight: float | None = None
    samples: int | None = None
    frames: int = 1
    split: str = "standard"
    pixel_order: str | None = None
    frame: str | None = None
    tfds_split: str = "train"
    fields: FieldMap | None = None
    factory: str | None = None
    allow_roots: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.factory is not None:
            # Recorded in the workdirs of runs that began before the module moved.
            canonical = self.factory.replace("robomamba_jax.data.toy:", f"{SYNTHETIC}:")
            object.__setattr__(self, "factory", canonical)
        if self.format != "auto":
            one_of("format", self.format, FORMATS)
        positive("frames", self.frames)
        if self.samples is not None:
            positive("samples", self.samples)
        if self.weight is not None and not 0 < self.weight < float("inf"):
            raise InputError("bad_config", f"weight is {self.weight}", "give a number above 0")

    @property
    def label(self) -> str:
        """Its name, or the path's last part."""
        return self.name or self.path.rstrip("/").rpartition("/")[2]


@dataclasses.dataclass(frozen=True)
class EncodingConfig:
    """How a sample becomes tokens and pixels.

    Attributes:
      tokenizer: a tokenizer.json, a folder with one, or "tiny" or "nano" for the built-in.
      transform: of the image encoder, by the encoder's name in ``config.VISION_PRESETS``;
        None leaves images out of the batches (cached features stand for them).
      template: the prompt template's name.
      loss: which tokens are learned, "standard" or "official".
      image_place: of templates with placeholders: "front", before all text, as the published
        model reads and as ``generate`` asks; "text", where the record says.
      target: what is learned: "text", or the "pose" of a manipulation sample, whose prompt
        is then read alone, as ``predict_pose`` asks.
      max_tokens: of one sample's text.
      too_long: what happens to longer ones: "cut", or "error", which ``on_error`` treats.
      contact_scale: poses: "unit", shares of the crop's side, or "raw", pixels.
      contact_frame: of raw contacts: pixels of the "crop", or of the image's "file", counted
        from 0, as the published code learns them (``data.geometry.contacts``).
      contact_side: with "file": of the square images whose pixels they are, such as 336; None =
        of each image itself.
      max_pixels: of any image, before it is decoded.
    """

    tokenizer: str = "nano"
    transform: str | None = "nano"
    template: str = "standard"
    loss: str = "standard"
    image_place: str = "front"
    target: str = "text"
    max_tokens: int = 2048
    too_long: str = "cut"
    contact_scale: str = "unit"
    contact_frame: str = "crop"
    contact_side: int | None = None
    max_pixels: int = 32_000_000

    def __post_init__(self) -> None:
        positive("max_tokens", self.max_tokens)
        positive("max_pixels", self.max_pixels)
        one_of("too_long", self.too_long, TOO_LONG)
        one_of("image_place", self.image_place, IMAGE_PLACES)
        one_of("target", self.target, TARGETS)
        check_contacts(self.contact_scale, self.contact_frame, self.contact_side)


@accepts_old_names
@dataclasses.dataclass(frozen=True)
class BatchConfig:
    """How samples fill batches of fixed shapes.

    Attributes:
      batch_size: rows of the global batch, over all processes.
      packing: several samples share a row, invisible to each other.
      seq_len: the most text and image tokens of a row together.
      text_tokens: the most text tokens of a row; None = ``seq_len``.
      images: the most images of a row; None = 1 without packing, else as many as fit.
      image_tokens: P, of one image in the language model.
      buckets: without packing: the row lengths to choose from, each at most
        ``seq_len``; () = ``seq_len`` alone.
      epoch_samples: of one epoch over all sources; None = as many as there are.
    """

    batch_size: int = 8
    packing: bool = False
    seq_len: int = 2048
    text_tokens: int | None = None
    images: int | None = None
    image_tokens: int = 256
    buckets: tuple[int, ...] = ()
    epoch_samples: int | None = None

    def __post_init__(self) -> None:
        for name in ("batch_size", "seq_len", "image_tokens"):
            positive(name, getattr(self, name))
        for name in ("text_tokens", "epoch_samples"):
            if getattr(self, name) is not None:
                positive(name, getattr(self, name))
        # 0 is allowed: batches without images, whatever the samples have.
        if self.images is not None and self.images != 0:
            positive("images", self.images)
        if list(self.buckets) != sorted(set(self.buckets)) or any(
            not 0 < bucket <= self.seq_len for bucket in self.buckets
        ):
            fix = f"give rising lengths up to seq_len, {self.seq_len}"
            raise InputError("bad_config", f"buckets are {list(self.buckets)}", fix)
        # Packed rows are all nearly full: there would be nothing for shorter buckets to save.
        if self.packing and self.buckets:
            raise InputError("bad_config", "packing and buckets at once", "choose one of them")

    @property
    def text_limit(self) -> int:
        """The most text tokens of a row."""
        # A row may hold no image at all, and then text alone.
        return min(self.text_tokens or self.seq_len, self.seq_len)

    @property
    def image_limit(self) -> int:
        """The most images of a row."""
        # Images share the row with the text: more than these cannot fit, whatever is asked for.
        fit = self.seq_len // self.image_tokens
        if self.images is not None:
            return min(self.images, fit)
        return fit if self.packing else min(1, fit)


@dataclasses.dataclass(frozen=True)
class PrepareConfig:
    """How ``robomamba data prepare`` writes.

    Attributes:
      codec: of the resized images: "png" (exact), "jpeg" (smaller, not exact) or "raw".
      shard_samples: samples per file.
    """

    codec: str = "png"
    shard_samples: int = 4096

    def __post_init__(self) -> None:
        one_of("codec", self.codec, CODECS)
        positive("shard_samples", self.shard_samples)


@accepts_old_names
@dataclasses.dataclass(frozen=True)
class DataConfig:
    """All that decides which numbers a training step sees.

    Attributes:
      sources: at least one, of different names.
      encoding: from samples to tokens and pixels.
      batch: from tokens to batches.
      prepare: of ``robomamba data prepare``.
      seed: of every order.
      on_error: "raise" stops at a sample that cannot be used; "skip" leaves it out and
        writes it to the ledger.
      features: a folder of cached features to read instead of images.
    """

    sources: tuple[SourceConfig, ...]
    encoding: EncodingConfig = EncodingConfig()
    batch: BatchConfig = BatchConfig()
    prepare: PrepareConfig = PrepareConfig()
    seed: int = 0
    on_error: str = "raise"
    features: str | None = None

    def __post_init__(self) -> None:
        one_of("on_error", self.on_error, ON_ERROR)
        if not self.sources:
            raise InputError("bad_config", "sources is empty", "name at least one source")
        # A label names a member of the mixture in weights, messages and the order of samples.
        labels = [source.label for source in self.sources]
        for label in labels:
            if labels.count(label) > 1:
                raise InputError(
                    "bad_config", f"two sources are called {label!r}", "give each a name of its own"
                )
        # Shares of a mixture and sizes of data sets are different units: they cannot be compared.
        weighted = [source.weight is not None for source in self.sources]
        if any(weighted) and not all(weighted):
            raise InputError(
                "bad_config", "some sources have a weight and some have none", "weigh all or none"
            )
