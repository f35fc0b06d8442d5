# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint as Mamba's original repository (state-spaces) has it: no library here writes one."""

from __future__ import annotations

import json
from pathlib import Path

from robomamba_jax.verify.random_files import mamba_model, randomise


def state_spaces(folder: Path, *, dtype: str = "float32") -> Path:
    """The original repository's two files: its own config.json, and pytorch_model.bin."""
    import torch

    model = randomise(mamba_model()).to(getattr(torch, dtype))
    state = {
        name.replace("backbone.embeddings.", "backbone.embedding."): value
        for name, value in model.state_dict().items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state, folder / "pytorch_model.bin")
    content = {
        "d_model": 48,
        "n_layer": 3,
        "vocab_size": 297,
        "ssm_cfg": {"d_state": 8, "dt_rank": 5},
        "rms_norm": True,
        "residual_in_fp32": True,
        "fused_add_norm": True,
        "pad_vocab_size_multiple": 20,
    }
    (folder / "config.json").write_text(json.dumps(content))
    return folder
