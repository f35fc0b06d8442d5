# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Types of torch's side for signatures; torch itself is optional, and imported where it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import torch

StateDict: TypeAlias = "Mapping[str, torch.Tensor]"


class TorchModule(Protocol):
    """A ``torch.nn.Module``.

    Its submodules depend on the class, which is another library's: torch's stubs call each of them
    a tensor or a module, and know none of their attributes.
    """

    def __getattr__(self, name: str) -> Any: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


class CausalOutput(Protocol):
    """What a language model of transformers returns: logits [B, T, V], and its cache."""

    logits: torch.Tensor
    past_key_values: Any
