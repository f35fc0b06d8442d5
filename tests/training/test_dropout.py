# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers of the states that the policy head does not see while it learns."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from robomamba_jax.config.training import LossConfig
from robomamba_jax.errors import InputError
from robomamba_jax.training.objectives import dropped
from tests.training.runs import QUIET, losses, run

SHORT = (*QUIET, "run.steps=3", "run.log_every=1")


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_a_share_is_gone_and_the_mean_stays(share: float) -> None:
    """Each row by its own seed; what is left is larger."""
    draw = jnp.asarray([3, 9, 3], jnp.uint32)
    out = np.asarray(dropped(jnp.ones((3, 50, 400)), draw, share))
    kept = 1 - round(256 * share) / 256
    np.testing.assert_array_equal(np.unique(out), np.float32([0, 1 / kept]))
    assert out.mean() == pytest.approx(1, abs=0.01)
    assert (out == 0).mean() == pytest.approx(share, abs=0.01)
    np.testing.assert_array_equal(out[0], out[2])
    assert (out[0] != out[1]).mean() == pytest.approx(2 * share * (1 - share), abs=0.02)


@pytest.mark.parametrize(("share", "wanted"), [(1e-9, 1 / 256), (1 - 1e-9, 255 / 256)])
def test_no_share_is_rounded_to_none_or_all(share: float, wanted: float) -> None:
    """And a row's length need not be a multiple of four."""
    out = np.asarray(dropped(jnp.ones((2, 9, 4001)), jnp.arange(2, dtype=jnp.uint32), share))
    assert (out == 0).mean() == pytest.approx(wanted, abs=0.002)
    assert 0 < (out == 0).sum() < out.size


def test_rows_do_not_depend_on_their_neighbours() -> None:
    """So a batch may be cut and spread as one likes."""
    x = jax.random.normal(jax.random.key(0), (4, 5, 8))
    draw = jnp.arange(4, dtype=jnp.uint32)
    whole = dropped(x, draw, 0.3)
    parts = [dropped(x[k : k + 2], draw[k : k + 2], 0.3) for k in (0, 2)]
    np.testing.assert_array_equal(whole, jnp.concatenate(parts))


@pytest.mark.slow
def test_what_a_run_draws(tmp_path: Path) -> None:
    """Other losses than without; the same again, and in two pieces."""
    results = {}
    for name, changes in {
        "plain": (),
        "dropped": ("loss.hidden_dropout=0.5",),
        "again": ("loss.hidden_dropout=0.5",),
        "parts": ("loss.hidden_dropout=0.5", "optim.accumulate=2"),
    }.items():
        run("manipulate", tmp_path / name, *SHORT, *changes)
        results[name] = losses(tmp_path / name)
    assert results["dropped"] == results["again"] != results["plain"]
    assert results["parts"] == pytest.approx(results["dropped"], rel=1e-5)


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5])
def test_a_share_that_cannot_be(share: float) -> None:
    """Nothing, or more than all, would be left."""
    with pytest.raises(InputError, match="hidden_dropout"):
        LossConfig(hidden_dropout=share)
