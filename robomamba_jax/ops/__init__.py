# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Pure functions on arrays: no modules, no configuration."""

from robomamba_jax.ops.conv1d import causal_conv1d, causal_conv1d_step
from robomamba_jax.ops.rmsnorm import rms_norm
from robomamba_jax.ops.rotation import (
    geodesic_angle,
    geodesic_angle_official,
    rotation_from_6d,
    rotation_to_6d,
)
from robomamba_jax.ops.segments import Compaction, compaction, segment_resets
from robomamba_jax.ops.selective_scan import (
    CHUNK_TABLE,
    METHODS,
    selective_scan,
    selective_scan_step,
)

__all__ = [
    "CHUNK_TABLE",
    "METHODS",
    "Compaction",
    "causal_conv1d",
    "causal_conv1d_step",
    "compaction",
    "geodesic_angle",
    "geodesic_angle_official",
    "rms_norm",
    "rotation_from_6d",
    "rotation_to_6d",
    "segment_resets",
    "selective_scan",
    "selective_scan_step",
]
