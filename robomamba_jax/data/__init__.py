# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Images, text and geometry in numpy: no jax anywhere in here.

``examples`` and ``processor`` join the sub-packages: from a source's sample to arrays, and from a
user's image and prompt to arrays. In each package ``__all__`` names the modules that are for use
from outside of ``data``; the others are internal. Nothing is imported here, so that a worker
process loads only what it needs.
"""

__all__ = ["cache", "examples", "geometry", "images", "pipeline", "processor", "sources", "text"]
