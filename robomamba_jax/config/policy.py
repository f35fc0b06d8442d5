# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The policy head's configuration."""

from __future__ import annotations

import dataclasses

from robomamba_jax.config.checks import Replaceable, one_of, positive
from robomamba_jax.config.mamba import DTYPES
from robomamba_jax.config.tree import typed
from robomamba_jax.errors import InputError

POLICY_KINDS = ("two_mlp", "two_mlp_repo", "mlp", "ssm_mlp", "attn_mlp", "mixture")

QUERIES = 4
"""Learned queries per MLP of ``attn_mlp``, and of ``mixture``."""

KERNEL_WIDTH = 0.05
"""Of ``mixture``: how far from a proposed contact another one is nearly as good, in shares of the
crop's side (the scale of a Laplace distribution in x and in y)."""

CONTACT_SIZE, ROTATION_SIZE = 2, 6

# Hidden widths as shares of the model's width.
_SHARES = {"two_mlp": (4, 8), "attn_mlp": (4, 8), "mixture": (4, 4)}
_REPO_SHARES = (2, 4)


@dataclasses.dataclass(frozen=True)
class PolicyConfig(Replaceable):
    """What reads a contact point and a gripper's rotation from the model's states.

    Attributes:
      kind: one of
        "two_mlp": two MLPs with hidden widths D/4, D/8: 3,690,880 parameters at D = 2560,
          which fits all of the paper's figures (0.12 %, 3.7M; inferred, not published);
        "two_mlp_repo": two MLPs with D/2, D/4, as in the published repository (8,200,960);
        "mlp": one MLP with D/2, D/4 for both (4,103,040);
        "ssm_mlp": as "two_mlp_repo", with a Mamba block over the sequence before each MLP;
        "attn_mlp", ours: as "two_mlp", but each MLP reads what ``QUERIES`` learned queries find
          among all positions, image tokens included (13.5M at D = 2560, most of it in the
          MLPs' first layers);
        "mixture", ours: every image position proposes a pose near itself, for
          objects that can be moved in several ways (9.0M at D = 2560; models/policy/mixture.py).
      gripper: whether a further MLP of the same widths (of ``mixture``: a further output) says if
        the gripper is open.
      param_dtype: of stored parameters; the head computes in float32 whatever it is.
    """

    kind: str = "two_mlp"
    gripper: bool = False
    param_dtype: str = "float32"

    def __post_init__(self) -> None:
        typed(self)
        one_of("kind", self.kind, POLICY_KINDS)
        one_of("param_dtype", self.param_dtype, DTYPES)
        if not isinstance(self.gripper, bool):
            raise InputError("bad_config", f"gripper is {self.gripper!r}", "give True or False")

    @property
    def pooling(self) -> str:
        """What the MLPs see of a sequence: "official" is the mean of the states at the
        first text position and at the last position, "mean" that of all real positions,
        "attention" weighted means of all real positions, one per query; "image" these and the
        state at each image position."""
        pooling = {"ssm_mlp": "mean", "attn_mlp": "attention", "mixture": "image"}
        return pooling.get(self.kind, "official")

    @property
    def reads_sequences(self) -> bool:
        """Whether the head needs the states at all positions."""
        return self.pooling != "official"

    @property
    def uses_ssm(self) -> bool:
        """Whether Mamba blocks stand before the MLPs."""
        return self.kind == "ssm_mlp"

    @property
    def outputs(self) -> dict[str, int]:
        """MLP name -> number of outputs, named as in the published checkpoints; none of these MLPs
        is in ``mixture``."""
        if self.kind == "mixture":
            return {}
        if self.kind == "mlp":
            sizes = {"action_head": CONTACT_SIZE + ROTATION_SIZE}
        else:
            sizes = {"action_head1": CONTACT_SIZE, "action_head2": ROTATION_SIZE}
        # Last, so that heads with and without it have the other MLPs in the same order.
        return {**sizes, "gripper_head": 1} if self.gripper else sizes

    def hidden_widths(self, d_model: int) -> tuple[int, int]:
        """The two hidden widths of every MLP for a model of width ``d_model``, rounded down.

        Raises:
          InputError: the model is too narrow for them.
        """
        positive("d_model", d_model)
        # The second share is the smaller width, so it is the one that may come to nothing.
        first, second = _SHARES.get(self.kind, _REPO_SHARES)
        if d_model < second:
            raise InputError(
                "bad_config",
                f"d_model {d_model} is too narrow for a {self.kind} head",
                f"give a model of width {second} or more",
            )
        return d_model // first, d_model // second
