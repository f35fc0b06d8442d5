# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
# jaxlib's wheel has no types for its compiled module, and so every function of jax.numpy that takes
# a device would be "partially unknown" to pyright's strict mode.

from typing import Any

class Device: ...

def __getattr__(name: str) -> Any: ...
