# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a compiled step costs, of programs whose cost can be told by hand."""

from __future__ import annotations

import dataclasses

import pytest

from robomamba_jax.training.hlo import kernels
from robomamba_jax.training.hlo_cost import PARTS, Rates, step_cost

# Every rate a power of ten, so that seconds can be read.
RATES = Rates(products=1e12, memory=1e9, launch=1e-9, link=1e9, network=1e8)

GEMM = '"gemm_backend_config":{"dot_dimension_numbers":{"lhs_contracting_dimensions":["1"]}}'
HLO = """HloModule jit_step

%cut (p0: f32[100,1000], p1: s32[]) -> f32[1,1000] {
  %p0 = f32[100,1000]{1,0} parameter(0)
  %p1 = s32[] parameter(1)
  %zero = s32[] constant(0)
  %view = f32[100,1000]{1,0} bitcast(%p0)
  %row = f32[1,1000]{1,0} dynamic-slice(%view, %p1, %zero), dynamic_slice_sizes={1,1000}
  ROOT %twice = f32[1,1000]{1,0} add(%row, %row)
}

%put (p0.1: f32[100,1000], p1.1: f32[1,1000], p2.1: s32[]) -> f32[100,1000] {
  %p0.1 = f32[100,1000]{1,0} parameter(0)
  %p1.1 = f32[1,1000]{1,0} parameter(1)
  %p2.1 = s32[] parameter(2)
  %zero.1 = s32[] constant(0)
  ROOT %new = f32[100,1000]{1,0} dynamic-update-slice(%p0.1, %p1.1, %p2.1, %zero.1)
}

%condition (t: (s32[], f32[100,1000])) -> pred[] {
  %limit = s32[] constant(100)
  ROOT %less = pred[] compare(%i, %limit), direction=LT
}

%body (t.1: (s32[], f32[100,1000])) -> (s32[], f32[100,1000]) {
  %t.1 = (s32[], f32[100,1000]{1,0}) parameter(0)
  %i = s32[] get-tuple-element(%t.1), index=0
  %x = f32[100,1000]{1,0} get-tuple-element(%t.1), index=1
  %cut.1 = f32[1,1000]{1,0} fusion(%x, %i), kind=kLoop, calls=%cut
  %put.1 = f32[100,1000]{1,0} fusion(%x, %cut.1, %i), kind=kLoop, calls=%put
  ROOT %out = (s32[], f32[100,1000]{1,0}) tuple(%i, %put.1)
}

ENTRY %main (a: bf16[100,200], b: bf16[200,300]) -> bf16[100,300] {
  %a = bf16[100,200]{1,0} parameter(0)
  %b = bf16[200,300]{1,0} parameter(1)
  %c = (bf16[100,300]{1,0}, s8[33554432]{0}) custom-call(%a, %b), custom_call_target="__cublas$lt$matmul", backend_config={GEMM}
  %loop = (s32[], f32[100,1000]{1,0}) while(%t), condition=%condition, body=%body, metadata={op_name="jit(step)/selective_scan/while"}
  %k = f32[1000]{0} custom-call(%b), custom_call_target="__gpu$xla.gpu.ptx", backend_config={name = "scan_forward", grid_x = 1 : i32}
  %g = (f32[250]{0}, f32[1000]{0}) all-gather-start(%k), channel_id=1
  %h = f32[1000]{0} all-gather-done(%g)
}
""".replace("GEMM", GEMM)  # noqa: E501


def test_parts() -> None:
    """Products by their FLOPs, loops as often as they run, of sliced arrays the slices."""
    costs = step_cost(HLO, RATES, devices=4, hosts=1)
    assert tuple(costs) == PARTS
    products = costs["products"]
    assert products.flops == 2 * 100 * 200 * 300
    # The work space does not count.
    assert products.bytes == 2 * (100 * 200 + 200 * 300 + 100 * 300)
    assert products.seconds == pytest.approx(max(12e6 / 1e12, 220e3 / 1e9))
    scan = costs["scan"]
    assert scan.kernels == 200
    # A row is read and written by each of two fusions, with an index of four bytes.
    assert scan.bytes == 100 * 2 * (4000 + 4000 + 4)
    assert costs["rest"].kernels == 1
    assert costs["rest"].bytes == 200 * 300 * 2 + 4000
    exchange = costs["collectives"]
    assert exchange.kernels == 1
    assert exchange.seconds == pytest.approx(5000 * 3 / 4 / 1e9)


def test_several_hosts() -> None:
    """The slower way counts: the network where hosts are many."""
    one = step_cost(HLO, RATES, devices=4, hosts=1)["collectives"].seconds
    two = step_cost(HLO, RATES, devices=4, hosts=2)["collectives"].seconds
    assert two == pytest.approx(5000 / 2 / (2 * 1e8))
    assert two > one


def test_float32_products_are_slower() -> None:
    """At half the rate, as TF32."""
    fast = dataclasses.replace(RATES, memory=1e15)
    one, two = (
        step_cost(text, fast, devices=1, hosts=1)["products"]
        for text in (HLO, HLO.replace("bf16", "f32"))
    )
    assert one.flops == two.flops == 12e6
    assert two.seconds == pytest.approx(2 * one.seconds)


def test_launches() -> None:
    """No kernel is shorter than a launch."""
    slow = Rates(products=1e12, memory=1e9, launch=1.0, link=1e9, network=1e8)
    assert step_cost(HLO, slow, devices=4, hosts=1)["scan"].seconds == 200.0


def test_own_kernels() -> None:
    """By their arithmetic: B T I N state updates."""
    arrays = "%u = bf16[2,64,128]{2,1,0} parameter(2)\n  %A = f32[16,128]{1,0} parameter(3)\n  "
    text = HLO.replace("%k =", arrays + "%k =").replace("call(%b)", "call(%u, %u, %A)")
    rates = dataclasses.replace(RATES, scan_steps={"scan_forward": 1e3})
    cost = step_cost(text, rates, devices=4, hosts=1)["rest"]
    assert cost.seconds == pytest.approx(2 * 64 * 128 * 16 / 1e3)
    assert step_cost(HLO, rates, devices=4, hosts=1)["rest"].seconds < 1


def test_no_program() -> None:
    """Nothing costs nothing."""
    assert all(cost.seconds == 0 for cost in step_cost("", RATES, devices=1, hosts=1).values())


def test_kernels() -> None:
    """By their own names, as often as loops run them."""
    assert kernels(HLO) == {"scan_forward": 1}
    assert kernels(HLO.replace("%body (t.1", "%spare (t.1")) == {"scan_forward": 1}
    assert kernels("") == {}
