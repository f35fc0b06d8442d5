# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``ModelInputs``: what jit sees of it."""

import jax
import jax.numpy as jnp
import numpy as np

from robomamba_jax.models.inputs import ModelInputs


def test_leaves_are_the_arrays_that_are_there() -> None:
    """What is absent has no leaf, and flattening keeps every field in its place."""
    inputs = ModelInputs(jnp.zeros((2, 3), jnp.int32), mask=jnp.ones((2, 3), bool))
    leaves, structure = jax.tree.flatten(inputs)
    assert [leaf.dtype for leaf in leaves] == [jnp.int32, bool]
    again = jax.tree.unflatten(structure, leaves)
    assert again.images is None
    assert again.features is None
    np.testing.assert_array_equal(again.mask, inputs.mask)


def test_one_program_per_structure() -> None:
    """jit traces anew where a field appears, and not where its numbers change."""
    traced = []

    @jax.jit
    def read(inputs: ModelInputs) -> jax.Array:
        traced.append(inputs.mask is not None)
        return inputs.input_ids.sum()

    ids = jnp.ones((1, 2), jnp.int32)
    for inputs in (ModelInputs(ids), ModelInputs(2 * ids), ModelInputs(ids, mask=ids > 0)):
        read(inputs)
    assert traced == [False, True]
