# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From a name on the command line to a policy."""

from __future__ import annotations

from pathlib import Path

from robomamba_jax.data.geometry.contacts import Contacts
from robomamba_jax.errors import InputError, unknown_name
from robomamba_jax.evaluation.answers.fields import FieldNames
from robomamba_jax.utils.renamed import warn_renamed
from robomamba_jax.world.policies.interface import Policy
from robomamba_jax.world.policies.learned import ModelPolicy, PriorPolicy
from robomamba_jax.world.policies.policy_names import POLICIES, RENAMED
from robomamba_jax.world.policies.predictions import FIELD_NAMES, FilePolicy
from robomamba_jax.world.policies.reference import REFERENCE_POLICIES

PRIORS = ("prior", "prior-category")


def choose_policy(
    name: str | None,
    checkpoint: str | None = None,
    *,
    train: Path | None = None,
    pixel_order: str | None = None,
    frame: str = "manipllm",
    field_names: FieldNames = FIELD_NAMES,
    on_missing: str = "error",
    on_extra: str = "error",
    contacts: Contacts | None = None,
) -> Policy:
    """A policy.

    Args:
      name: a rule's, "prior", "prior-category" or "file:PREDICTIONS"; None with a checkpoint.
      checkpoint: a model, in any form that rm.load takes.
      train: the training set that the priors need.
      pixel_order: of a file's points.
      frame: of a file's directions.
      field_names: which fields of a file are meant, see ``FilePolicy``.
      on_missing: of a file's predictions, see there.
      on_extra: likewise.
      contacts: likewise.

    Raises:
      InputError: none or both are given, or the name is unknown, or something is missing.
    """
    if (name is None) == (checkpoint is None):
        raise InputError(
            "bad_arguments",
            "give one of --policy and --checkpoint",
            f"policies: {', '.join(POLICIES)}",
        )
    if checkpoint is not None:
        return ModelPolicy(checkpoint)
    assert name is not None
    if name in RENAMED:
        warn_renamed(f"policy {name}", RENAMED[name])
        name = RENAMED[name]
    if name in REFERENCE_POLICIES:
        return REFERENCE_POLICIES[name]
    if name in PRIORS:
        if train is None:
            raise InputError(
                "bad_arguments",
                f"--policy {name} needs a training set",
                "give --train DIR, a folder of world generate",
            )
        return PriorPolicy(train, by_category=name == "prior-category")
    if name.startswith("file:"):
        return FilePolicy(
            Path(name.removeprefix("file:")),
            pixel_order=pixel_order,
            frame=frame,
            field_names=field_names,
            on_missing=on_missing,
            on_extra=on_extra,
            contacts=contacts,
        )
    raise unknown_name("unknown_policy", "policy", name, POLICIES)
