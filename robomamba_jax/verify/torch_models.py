# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""transformers' models of the sizes that our configurations have, for whoever compares with them.

Only sizes pass from ours to theirs; weights come from elsewhere, or are the library's own.
"""

from __future__ import annotations

from robomamba_jax.config import MambaConfig
from robomamba_jax.verify.torch_types import TorchModule


def hf_mamba(config: MambaConfig, *, use_mambapy: bool = False) -> TorchModule:
    """``MambaForCausalLM`` with the library's random weights, on torch's default device.

    Args:
      config: ours; every field that torch knows is taken over.
      use_mambapy: scan through the package mambapy instead of transformers' own loop.
    """
    import transformers

    theirs = transformers.MambaConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.d_model,
        state_size=config.d_state,
        num_hidden_layers=config.n_layer,
        conv_kernel=config.d_conv,
        expand=config.expand,
        time_step_rank=config.rank,
        use_bias=config.bias,
        use_conv_bias=config.conv_bias,
        layer_norm_epsilon=config.norm_eps,
        residual_in_fp32=config.residual_in_fp32,
        tie_word_embeddings=config.tie_embeddings,
        use_mambapy=use_mambapy,
        # On by default, and taken under torch.compile alone: the reference stays the plain loop,
        # however it is run.
        use_associative_scan=False,
    )
    return transformers.MambaForCausalLM(theirs)
