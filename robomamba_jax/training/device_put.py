# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From the pipeline's numpy rows to arrays that lie on the mesh."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.models.placement import local_rows
from robomamba_jax.training.sharding import rows_sharding


def normalized(pixels: jax.Array, transform: ImageTransform) -> jax.Array:
    """uint8[..., 3] -> float32[..., 3], as ``ImageTransform.normalize``, on the device: a
    quarter of the bytes cross the bus."""
    mean, std = (np.array(color, np.float32) for color in (transform.mean, transform.std))
    return (pixels.astype(jnp.float32) / np.float32(255) - mean) / std


class DeviceFeeder:
    """Puts each process's rows on its devices, as parts of global arrays.

    Attributes:
      mine: the rows of every batch that this process has to read, in order.
    """

    def __init__(self, mesh: Mesh, rows: int) -> None:
        """For batches of ``rows`` rows."""
        self._sharding, self._rows = rows_sharding(mesh), rows
        self.mine = local_rows(mesh, rows)
        self._place_of = {row: place for place, row in enumerate(self.mine)}

    def put(
        self, arrays: Mapping[str, np.ndarray], *, stop: bool | None = None
    ) -> dict[str, jax.Array]:
        """A batch on the devices.

        Args:
          arrays: this process's rows.
          stop: tell all processes, through the step's metrics, whether this one shall end.
        """
        rows = dict(arrays)
        if stop is not None:
            # It travels in the batch, because a step is what all processes do together anyway: a
            # signal that reached one host alone makes every host leave after the same step.
            rows["stop"] = np.full(len(self.mine), stop, np.int32)
        return {name: self._place(x) for name, x in rows.items()}

    def _place(self, local: np.ndarray) -> jax.Array:
        shape = (self._rows, *local.shape[1:])

        def piece(index: tuple[slice, ...] | None) -> np.ndarray:
            """The rows of one device, by their places in the global array."""
            assert index is not None
            places = [self._place_of[row] for row in range(*index[0].indices(self._rows))]
            # A slice is a view; only rows that lie apart are copied.
            if places == list(range(places[0], places[0] + len(places))):
                return local[places[0] : places[0] + len(places)]
            return local[places]

        # jax asks for the rows of each device of this process: nobody holds the global batch.
        return jax.make_array_from_callback(shape, self._sharding, piece)
