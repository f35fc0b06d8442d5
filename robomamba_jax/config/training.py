# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A training run as data: what is trained, on what, how, where, for how long."""

from __future__ import annotations

import dataclasses

from robomamba_jax.config.aliases import accepts_old_names
from robomamba_jax.config.checks import not_negative, one_of, positive, share
from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.mamba import DTYPES, REMAT, SCAN_METHODS
from robomamba_jax.config.policy import POLICY_KINDS
from robomamba_jax.errors import InputError

LOSSES = ("text", "pose")
CONTACT_LOSSES = ("l1", "l2", "huber")
ROTATION_LOSSES = ("geodesic", "where2act")
SCHEDULES = ("cosine", "linear", "constant")
OPTIMIZERS = ("adamw", "muon")


@dataclasses.dataclass(frozen=True)
class ModelChoice:
    """Which model is trained, and in which numbers.

    Attributes:
      preset: the language model's size; None = whatever the run starts from.
      vision: the encoder, by its name in ``VISION_PRESETS``; None = the preset's own.
      policy: the policy head's kind.
      gripper: the policy head also says whether the gripper is open.
      dtype: of computation.
      trained_dtype: in which trained parameters are kept and updated.
      frozen_dtype: in which frozen parameters are held in memory; files keep theirs.
      remat: what the backward pass recomputes, see ``MambaConfig``.
      scan_method: of the language model, see ``MambaConfig``; "auto" keeps what the base says. The
        exported model keeps it too, whatever it was trained by.
      lora_rank: above 0: train low-rank factors of the Mamba projections instead of them.
      lora_alpha: their scale's numerator.
    """

    preset: str | None = "2.8b"
    vision: str | None = None
    policy: str = "two_mlp"
    gripper: bool = False
    dtype: str = "bfloat16"
    trained_dtype: str = "float32"
    frozen_dtype: str = "bfloat16"
    remat: str = "block"
    scan_method: str = "auto"
    lora_rank: int = 0
    lora_alpha: float = 32.0

    def __post_init__(self) -> None:
        one_of("policy", self.policy, POLICY_KINDS)
        for name in ("dtype", "trained_dtype", "frozen_dtype"):
            one_of(name, getattr(self, name), DTYPES)
        one_of("remat", self.remat, REMAT)
        one_of("scan_method", self.scan_method, SCAN_METHODS)
        not_negative("lora_rank", self.lora_rank)


@accepts_old_names
@dataclasses.dataclass(frozen=True)
class LossConfig:
    """What is minimised.

    Attributes:
      kind: "text", cross-entropy of the tokens that are learned; "pose", the three below.
      chunk: text: positions of every row whose logits exist at a time.
      length_balance: text: an answer of n tokens weighs n ** (1 - length_balance): 0, every
        token the same, as the paper; 1, every answer the same.
      contact: pose: of the contact point: "l1", "l2" (squared) or "huber" (delta 1), in the
        unit of ``encoding.contact_scale``, the mean of x and y. A ``mixture`` head has its
        own: the negative log-likelihood of the contact (``losses.mixture_losses``).
      rotation: pose: the angle between prediction and target in radians: "geodesic", exact;
        "where2act", acos of the clipped trace, as Where2Act and RoboMamba's repository.
      contact_weight: pose.
      rotation_weight: pose.
      gripper_weight: pose: of the cross-entropy of gripper_open, over the samples that say it.
      hidden_dropout: pose: the share of the language model's states' numbers that the head does
        not see while it learns, others each time (Srivastava et al. 2014); to the nearest 256th.
    """

    kind: str = "text"
    # 128 positions of 50,280 logits in float32 are 25 MB a row, instead of 400 for 2,048.
    chunk: int = 128
    length_balance: float = 0.0
    contact: str = "l1"
    rotation: str = "geodesic"
    contact_weight: float = 1.0
    rotation_weight: float = 1.0
    gripper_weight: float = 1.0
    hidden_dropout: float = 0.0

    def __post_init__(self) -> None:
        one_of("kind", self.kind, LOSSES)
        positive("chunk", self.chunk)
        share("length_balance", self.length_balance)
        share("hidden_dropout", self.hidden_dropout)
        # ``share`` lets 1 pass, at which the rest would be scaled by 1 / 0.
        if self.hidden_dropout == 1:
            raise InputError(
                "bad_config", "hidden_dropout is 1", "give less: nothing would be left"
            )
        one_of("contact", self.contact, CONTACT_LOSSES)
        one_of("rotation", self.rotation, ROTATION_LOSSES)


@accepts_old_names
@dataclasses.dataclass(frozen=True)
class OptimConfig:
    """The optimizer, its schedule, and what the gradients go through before it.

    Attributes:
      optimizer: "adamw", as the paper; "muon": momentum made orthogonal (Newton-Schulz) for
        ``matrices``, their updates as large as AdamW's are (0.2 root mean square, arXiv
        2502.16982), and AdamW for the rest.
      matrices: muon: patterns of whole paths of weights [..., out, in], each matrix by itself.
      adam_lr_ratio: muon: the others' learning rate as a share of ``learning_rate``.
      learning_rate: the highest.
      schedule: after warm-up: "cosine" or "linear" down to ``end_lr_ratio``, or "constant".
      warmup_ratio: the share of all steps over which the rate rises from 0.
      end_lr_ratio: the last rate as a share of the highest.
      weight_decay: decoupled; not of biases, norms, A_log, D and embeddings' like, see
        ``no_decay``.
      no_decay: patterns of whole paths that do not decay.
      b1: decay of the first moment.
      b2: decay of the second.
      eps: added to the root of the second.
      clip_norm: the largest norm of the trained parameters' gradient; 0 = unbounded.
      accumulate: parts into which a batch is cut; gradients add up, of trained parameters only.
    """

    optimizer: str = "adamw"
    # Projections of blocks and layers of MLPs. Embeddings are look-up tables and the convolution
    # has four taps a channel: Muon is meant for neither.
    matrices: tuple[str, ...] = (r".*(proj|fc\d+)/weight",)
    adam_lr_ratio: float = 0.5
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warmup_ratio: float = 0.03
    end_lr_ratio: float = 0.0
    weight_decay: float = 0.0
    no_decay: tuple[str, ...] = (r".*/bias", r".*norm[^/]*/weight", r".*/(A_log|D)")
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    clip_norm: float = 1.0
    accumulate: int = 1

    def __post_init__(self) -> None:
        one_of("schedule", self.schedule, SCHEDULES)
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        positive("accumulate", self.accumulate)
        for name in ("learning_rate", "weight_decay", "clip_norm", "eps", "adam_lr_ratio"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise InputError("bad_config", f"{name} is {getattr(self, name)}", "give 0 or more")
        for name in ("warmup_ratio", "end_lr_ratio", "b1", "b2"):
            share(name, getattr(self, name))


@dataclasses.dataclass(frozen=True)
class MeshConfig:
    """How many devices lie along each axis of the mesh; -1 = all that are left, at most once.

    Attributes:
      data: copies of everything, each with rows of its own.
      fsdp: parameters and moments are split, and rows too.
      tensor: the inside of every layer is split.
    """

    data: int = -1
    fsdp: int = 1
    tensor: int = 1

    def __post_init__(self) -> None:
        # One -1 at most: of a product one factor can be told, not two.
        sizes = (self.data, self.fsdp, self.tensor)
        if any(size != -1 and size < 1 for size in sizes) or sizes.count(-1) > 1:
            raise InputError(
                "bad_config", f"the mesh is {list(sizes)}", "give counts, -1 at most once"
            )


@accepts_old_names
@dataclasses.dataclass(frozen=True)
class RunConfig:
    """How long, and what is said on the way.

    Attributes:
      epochs: of the data's plan.
      steps: instead of epochs.
      stop_after: end (with a checkpoint) once this many steps are done, as if interrupted; the
        schedule stays that of the whole run.
      log_every: steps between two lines on the terminal and in TensorBoard; metrics.jsonl has
        every step.
      eval_every: steps between two evaluations on ``eval_data``; 0 = only at the end.
      eval_steps: batches of one evaluation.
      sample_every: steps between two generations (or predicted poses); 0 = only at the end.
      samples: how many.
      sample_tokens: the most tokens of one.
      workers: processes that decode; 0 = the training process does.
      prefetch: batches that are ready before their step asks for them.
      profile_start: the step at which the profiler starts; -1 = never.
      profile_steps: how many steps it watches.
      wandb: the Weights & Biases project to report to ("" = none).
      export: write ``export/`` at the end.
    """

    epochs: float = 1.0
    steps: int | None = None
    stop_after: int | None = None
    log_every: int = 10
    eval_every: int = 0
    eval_steps: int = 8
    sample_every: int = 0
    samples: int = 4
    sample_tokens: int = 32
    workers: int = 2
    prefetch: int = 2
    profile_start: int = -1
    profile_steps: int = 3
    wandb: str = ""
    export: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.epochs < float("inf"):
            raise InputError("bad_config", f"epochs is {self.epochs}", "give a number above 0")
        # None is "not given" in both; 0 steps would be a run that does nothing.
        for name in ("steps", "stop_after"):
            if getattr(self, name) is not None:
                positive(name, getattr(self, name))
        for name in ("log_every", "eval_steps", "prefetch", "profile_steps", "sample_tokens"):
            positive(name, getattr(self, name))
        for name in ("eval_every", "sample_every", "samples", "workers"):
            not_negative(name, getattr(self, name))


@dataclasses.dataclass(frozen=True)
class CheckpointConfig:
    """When to save, and what to keep.

    Attributes:
      every: steps between two checkpoints; the last step always has one.
      keep: how many of the newest stay.
      keep_every: steps whose multiples stay for ever; 0 = none.
      verify: how many hashes are checked on the way in: "all", or "trained" (the base's
        parameters are believed where their sizes fit).
    """

    every: int = 500
    keep: int = 2
    keep_every: int = 0
    verify: str = "all"

    def __post_init__(self) -> None:
        for name in ("every", "keep"):
            positive(name, getattr(self, name))
        not_negative("keep_every", self.keep_every)
        one_of("verify", self.verify, ("all", "trained"))


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """A whole run.

    Attributes:
      stage: "align", "instruct" or "manipulate"; a name for reports.
      data: what it reads.
      trainable: patterns of whole parameter paths; everything else is frozen.
      loss: what is minimised.
      optim: how.
      model: which model.
      mesh: over which devices.
      run: how long.
      checkpoint: what is saved.
      init_from: where the weights come from: an inference folder, another run's workdir or one
        of its steps; None = random, by ``seed``.
      eval_data: held-out data; None = no evaluation.
      seed: of random weights.
    """

    stage: str
    data: DataConfig
    trainable: tuple[str, ...]
    loss: LossConfig = LossConfig()
    optim: OptimConfig = OptimConfig()
    model: ModelChoice = ModelChoice()
    mesh: MeshConfig = MeshConfig()
    run: RunConfig = RunConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    init_from: str | None = None
    eval_data: DataConfig | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.trainable:
            raise InputError("bad_config", "trainable is empty", "name what shall be trained")
        # Encoded texts hold no poses, and the other way round: it would fail later, and obscurely.
        target = self.data.encoding.target
        if target != self.loss.kind:
            raise InputError(
                "bad_config",
                f"the loss is of {self.loss.kind}, the data's target is {target}",
                "give data.encoding.target and loss.kind the same value",
            )
        # Before any device is known; sharding.check_rows then checks it with the mesh.
        if self.data.batch.batch_size % self.optim.accumulate:
            raise InputError(
                "bad_config",
                f"{self.data.batch.batch_size} rows in {self.optim.accumulate} parts",
                "choose optim.accumulate as a divisor of data.batch.batch_size",
            )
