# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The test of a kernel, with the TPU's interpreted: what is right passes, each planted fault is
refused by the check that is there for it."""

import pytest

from robomamba_jax.admission import self_test
from robomamba_jax.admission.self_test import CASES
from robomamba_jax.errors import InputError
from robomamba_jax.ops.kernels.choice import kernel_instead
from tests.admission.kernels import CHECKED, TIMED, faulty
from tests.ops.kernels.kernels import INTERPRETED

PACKED = CASES[:1]


@pytest.mark.slow
@pytest.mark.parametrize(("kernel", "result"), [(1.0, "passed"), (3.0, "slower")])
def test_what_is_right_passes_and_time_decides(
    kernel: float, result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a margin of ten in every error; times here are those of an interpreter, so others are
    put in their place."""
    seconds = {"kernel": kernel, "chunked": 2.0}
    monkeypatch.setattr(self_test, "_seconds", lambda method, sizes: seconds[method])
    with kernel_instead(INTERPRETED):
        found = self_test.self_test(checked=CHECKED, timed=TIMED, cases=PACKED)
    assert (found.result, found.factor) == (result, 2.0 / kernel)
    assert len(found.checks) == 5
    assert all(check.error <= check.tolerance / 10 for check in found.checks), found.checks


@pytest.mark.slow
def test_all_cases_and_the_clock() -> None:
    """bfloat16 and whole rows too; both forms have a time."""
    with kernel_instead(INTERPRETED):
        found = self_test.self_test(checked=CHECKED, timed=TIMED)
    assert len(found.checks) == 5 * len(CASES)
    assert all(check.passed for check in found.checks), found.checks
    assert found.kernel_seconds > 0
    assert found.chunked_seconds > 0


FAULTS = {
    "sign": "results against float64",
    "drive": "results against float64",
    "reset": "results against float64",
    "reset behind": "gradients against float64",
    "last": "gradients against float64",
    "noise": "the same bits twice",
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_refused(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, without being timed."""
    monkeypatch.setattr(self_test, "_seconds", None)
    with kernel_instead(faulty(fault)):
        found = self_test.self_test(checked=CHECKED, timed=TIMED, cases=PACKED)
    assert found.result == "refused"
    failed = [check.name for check in found.checks if not check.passed]
    assert failed[0] == f"float32, packed rows: {FAULTS[fault]}"
    assert FAULTS[fault] in found.why()


def test_without_a_kernel_there_is_nothing_to_test() -> None:
    """It says so instead of testing another form."""
    with pytest.raises(InputError, match="this computes on the cpu"):
        self_test.self_test(checked=CHECKED, timed=TIMED, cases=PACKED)
