# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Loops and their bundles, read from libtpu's text."""

import re

from robomamba_jax.training.bundles import DUMP_NAME, Loop, loops

TEXT = """
= control target key start
LB: loop body
= control target key end

     0   :  { %s1_s0 = inlined_call_operand.hbm [shape: bf16[1,8]] }
   0x2   :  { %v1_v1 = vadd.f32 %v0_v0, %v0_v0 }
   0x3 LB: > { %s3_s1 = sphi %s2_s1, %s4_s1 }
   0x4   : > { %v2_v1 = vmul.f32 %v0_v0, %v0_v0 }
   0x5 LB: >> { %s7_s1 = sphi %s6_s1, %s8_s1 }
   0x6   : >> { %p8_p1 = scmp.ge.s32.totalorder %s7_s1, 8 /* loop exit test */ }
   0x7   : >> { %v9_v1 = vexp2.f32 %v8_v0 }
   0x8 LB: >> { %s17_s1 = sphi %s16_s1, %s18_s1 }
     {}
   0x9   : >> { %p18_p1 = scmp.ge.s32.totalorder %s17_s1, 8 /* loop exit test */ }
   0xa PF: > { %v12_v1 = vmul.f32 %v10_v0, %v10_v0 }
   0xb   : > { %p28_p1 = scmp.ge.s32.totalorder %s27_s1, 34 /* loop exit test */ }
   0xc   :  { %v29_v1 = vadd.f32 %v0_v0, %v0_v0 }
"""


def test_each_loop_has_its_own_bundles() -> None:
    """By depth; what stands outside of all loops, and what is no bundle, counts nowhere."""
    assert loops(TEXT) == [Loop(1, 4), Loop(2, 3), Loop(2, 2)]
    assert loops("") == []


def test_a_dump_s_file_is_found_by_its_operation() -> None:
    """And not the one that holds the schedule."""
    name = re.compile(DUMP_NAME.format(operation="mamba_scan_fwd"))
    assert name.fullmatch("1796069579483186170-mamba_scan_fwd.1-72-final_bundles.txt")
    assert not name.fullmatch("17960-mamba_scan_fwd.1-71-schedule-analysis_final_bundles.txt")
    assert not name.fullmatch("17960-mamba_scan_bwd.1-72-final_bundles.txt")
