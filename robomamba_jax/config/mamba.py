# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The language model's configuration, and its presets by name."""

from __future__ import annotations

import dataclasses
import math

from robomamba_jax.config.checks import Replaceable, one_of, positive
from robomamba_jax.config.tree import typed
from robomamba_jax.errors import unknown_name

DTYPES = ("float32", "bfloat16", "float16")
REMAT = ("none", "block", "dots")
SCAN_METHODS = ("auto", "kernel", "chunked", "associative", "sequential")
LAYOUTS = ("stacked", "list")


@dataclasses.dataclass(frozen=True)
class MambaConfig(Replaceable):
    """A Mamba-1 language model. Names follow the released checkpoints' config.json.

    Attributes:
      d_model: D, the width of the residual stream.
      n_layer: L.
      vocab_size: V, rows of the embedding (the NeoX tokenizer's 50,277 padded to 8).
      d_state: N, states per channel.
      d_conv: K, width of the causal convolution.
      expand: the inner width I is expand * d_model.
      dt_rank: R; None means ceil(d_model / 16).
      conv_bias: whether the convolution has a bias.
      bias: whether in_proj and out_proj have one.
      norm_eps: epsilon of every RMSNorm; the released models use 1e-5.
      residual_in_fp32: keep the residual stream in float32 under a smaller dtype.
      tie_embeddings: the output head is the embedding.
      dt_min: smallest initial step size (after softplus).
      dt_max: largest initial step size.
      dt_init_floor: lower bound of the initial step size.
      dtype: of computation; A_log, D, dt bias, softplus, exp, scan carry and decode
        state stay float32.
      param_dtype: of stored parameters; A_log, D, dt_proj.bias and norms stay float32.
      logits_dtype: of the result.
      scan_method: see ``ops.selective_scan``.
      chunk_size: positions per scan chunk; None takes the backend's table.
      remat: what the backward pass recomputes: "none", "block" (everything but the
        blocks' inputs) or "dots" (everything but the projections' outputs).
      lora_rank: above 0: in_proj, x_proj and out_proj have low-rank factors beside them
        (arXiv 2106.09685), for training; files hold their sum.
      lora_alpha: the factors' product counts alpha / rank.
    """

    d_model: int
    n_layer: int
    vocab_size: int = 50280
    d_state: int = 16
    d_conv: int = 4
    expand: int = 2
    dt_rank: int | None = None
    conv_bias: bool = True
    bias: bool = False
    norm_eps: float = 1e-5
    residual_in_fp32: bool = True
    tie_embeddings: bool = True
    # The three as in mamba_ssm: step sizes begin spread evenly in their logarithm between the two.
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    dt_init_floor: float = 1e-4
    dtype: str = "float32"
    param_dtype: str = "float32"
    logits_dtype: str = "float32"
    scan_method: str = "auto"
    chunk_size: int | None = None
    remat: str = "none"
    lora_rank: int = 0
    lora_alpha: float = 32.0

    def __post_init__(self) -> None:
        typed(self)
        for name in ("d_model", "n_layer", "vocab_size", "d_state", "d_conv", "expand"):
            positive(name, getattr(self, name))
        # As mamba_ssm's dt_rank="auto". Written down, so that a config.json says a number.
        if self.dt_rank is None:
            object.__setattr__(self, "dt_rank", math.ceil(self.d_model / 16))
        positive("dt_rank", self.dt_rank)
        for name in ("dtype", "param_dtype", "logits_dtype"):
            one_of(name, getattr(self, name), DTYPES)
        one_of("remat", self.remat, REMAT)
        if self.chunk_size is not None:
            positive("chunk_size", self.chunk_size)
        if self.lora_rank:
            positive("lora_rank", self.lora_rank)
        one_of("scan_method", self.scan_method, SCAN_METHODS)

    @property
    def d_inner(self) -> int:
        """I, the width inside a block."""
        return self.expand * self.d_model

    @property
    def rank(self) -> int:
        """R, the rank of the step size's projection."""
        assert self.dt_rank is not None
        return self.dt_rank


PRESETS: dict[str, MambaConfig] = {
    # Odd sizes on purpose: nothing in the tests may lean on powers of two.
    "tiny": MambaConfig(d_model=48, n_layer=3, vocab_size=300, d_state=8, dt_rank=5),
    # For the embedded world on a CPU. Few and wide blocks, because they learn soonest to read what
    # stands before them (docs/demo.md).
    "nano": MambaConfig(d_model=256, n_layer=3, vocab_size=1024, d_state=8),
    # The widths and depths of the released Mamba-1 checkpoints (paper, appendix E.2).
    "130m": MambaConfig(d_model=768, n_layer=24),
    "370m": MambaConfig(d_model=1024, n_layer=48),
    "790m": MambaConfig(d_model=1536, n_layer=48),
    "1.4b": MambaConfig(d_model=2048, n_layer=48),
    "2.8b": MambaConfig(d_model=2560, n_layer=64),
}


def preset(name: str, **changes: object) -> MambaConfig:
    """The configuration of a preset, with some fields changed.

    Args:
      name: one of tiny, nano, 130m, 370m, 790m, 1.4b, 2.8b.
      **changes: fields of :class:`MambaConfig`.

    Raises:
      InputError: no such preset or field.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise unknown_name("unknown_preset", "preset", name, PRESETS)
    return PRESETS[name].replace(**changes)
