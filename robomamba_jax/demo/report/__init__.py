# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a demo reports: ``report.json`` out of its files, and one self-contained page out of that.

``collect`` and ``images`` write the JSON and need the demo's folder; everything else here reads
the JSON alone and imports no jax. ``lenient_json`` reads it, whatever it is; ``verdicts`` and
``summary`` say what the numbers are worth; ``charts`` and ``view`` prepare what the templates show.
"""
