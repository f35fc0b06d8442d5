# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Using a model: prompts and images in; text, streamed text, logits or poses out.

``engine.Engine`` is the one place where a loaded model becomes answers. The API, the commands,
benchmarks, samples during training and policies of the simulator all go through it; so may a
server. It takes a model that is already in memory: what a path means is decided by
``robomamba_jax.checkpoints``, and reading it is ``api.load``'s.
"""

__all__ = ["engine", "poses", "prompts", "text"]
