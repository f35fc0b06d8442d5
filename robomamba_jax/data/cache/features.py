# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What frozen networks say of each picture, computed once: patch features, pooled hidden states, or
the hidden states at all positions.

A folder of ``manifest.json``, ``keys.bin`` (32 bytes a row, sorted) with ``places.bin``
(uint32 a row: where its features lie), and ``features-NNNNN.bin``: rows of fixed size, each
behind the CRC-32C of its bytes. A row's key is the SHA-256 of the network, the transform and
the picture's file, and for pooled features and states of the prompt's tokens too: another network,
transform, picture or prompt is another key, never a wrong hit.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import google_crc32c
import ml_dtypes
import numpy as np

from robomamba_jax.config.aliases import feature_kind
from robomamba_jax.config.checks import one_of
from robomamba_jax.config.data import FEATURE_KINDS
from robomamba_jax.data.examples import Example
from robomamba_jax.data.images.transforms import ImageTransform
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_types import not_a_file
from robomamba_jax.utils.files import write_text
from robomamba_jax.utils.untrusted_text import parse_json, read_bytes

SCHEMA = "robomamba.features/1"
DTYPES: dict[str, Any] = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16}
SHARD_BYTES = 2**30
_FIX = "compute the features again"
_CHECK = 4


def feature_key(
    network: str, transform: ImageTransform, image_sha256: bytes, ids: Any = None
) -> bytes:
    """32 bytes for one picture, and for one prompt about it where ``ids`` are given.

    Args:
      network: the hash of the frozen weights and their configuration, hexadecimal.
      transform: what is done to the picture.
      image_sha256: of the picture's file; of several pictures one behind the other.
      ids: int[T], of the prompt.
    """
    digest = hashlib.sha256(network.encode() + b"\0")
    digest.update(json.dumps(transform.to_json(), sort_keys=True).encode() + b"\0")
    digest.update(image_sha256)
    if ids is not None:
        digest.update(b"\0" + np.asarray(ids, "<i4").tobytes())
    return digest.digest()


class FeatureWriter:
    """Writes a cache, which may be left and taken up again."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        kind: str,
        network: str,
        transform: ImageTransform,
        shape: tuple[int, ...],
        dtype: str,
    ) -> None:
        """Begin, or go on where an earlier run was stopped.

        Args:
          folder: made if missing.
          kind: "vision_patches", "pooled_hidden" or "hidden_states".
          network: see ``feature_key``.
          transform: see there.
          shape: of one row: (P, W), (W,) for pooled, (J, W) for states.
          dtype: "float32" or "bfloat16".

        Raises:
          InputError: a name is unknown, or the folder has features of another kind.
        """
        kind = feature_kind(kind, warn=True)
        one_of("kind", kind, FEATURE_KINDS)
        one_of("dtype", dtype, tuple(DTYPES))
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._facts = {
            "schema": SCHEMA,
            "kind": kind,
            "network": network,
            "transform": transform.to_json(),
            "shape": list(shape),
            "dtype": dtype,
        }
        self._transform, self._dtype, self._shape = transform, np.dtype(DTYPES[dtype]), shape
        self._row_bytes = _CHECK + int(np.prod(shape)) * self._dtype.itemsize
        self._per_shard = max(1, SHARD_BYTES // self._row_bytes)
        self._log = self.folder / "keys.partial"
        self._places: dict[bytes, int] = {}
        self._resume()

    def _resume(self) -> None:
        """The rows that an earlier run has finished: a key is logged behind its row."""
        begun = self.folder / "begun.json"
        manifest = self.folder / "manifest.json"
        for path in (begun, manifest):
            if path.is_file() and not _same(_current(json.loads(path.read_bytes())), self._facts):
                raise InputError(
                    "other_features", f"{self.folder} has other features", "give another folder"
                )
        if manifest.is_file():
            reader = FeatureReader(self.folder)
            pairs = sorted(zip(reader.places.tolist(), reader.keys, strict=True))
            self._log.write_bytes(b"".join(bytes(key) for _, key in pairs))
            manifest.unlink()
        begun.write_text(json.dumps(self._facts))
        logged = self._log.read_bytes() if self._log.is_file() else b""
        logged = logged[: len(logged) // 32 * 32]
        self._log.write_bytes(logged)
        self._places = {logged[at : at + 32]: at // 32 for at in range(0, len(logged), 32)}

    def __len__(self) -> int:
        return len(self._places)

    def key(self, image_sha256: bytes, ids: Any = None) -> bytes:
        """``feature_key`` of this cache's network and transform."""
        return feature_key(str(self._facts["network"]), self._transform, image_sha256, ids)

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def add(self, key: bytes, features: np.ndarray) -> None:
        """Append a row; one that is there already is left as it is.

        Raises:
          InputError: another shape, or numbers that are not finite.
        """
        if key in self._places:
            return
        if features.shape != self._shape or not np.all(np.isfinite(features.astype(np.float32))):
            raise InputError(
                "bad_features", f"features of shape {list(features.shape)}", "finite numbers only"
            )
        data = np.ascontiguousarray(features.astype(self._dtype)).tobytes()
        place = len(self._places)
        shard, row = divmod(place, self._per_shard)
        path = self.folder / _shard(shard)
        with path.open("rb+" if path.is_file() else "wb") as file:
            file.seek(row * self._row_bytes)
            file.write(google_crc32c.value(data).to_bytes(_CHECK, "little") + data)
        with self._log.open("ab") as file:
            file.write(key)
        self._places[key] = place

    def finish(self) -> None:
        """Sort the keys and write the manifest: from now on it can be read."""
        order = sorted(self._places)
        last, rest = divmod(len(order), self._per_shard)
        if rest and (self.folder / _shard(last)).is_file():
            # A row whose key an earlier run did not come to log.
            os.truncate(self.folder / _shard(last), rest * self._row_bytes)
        (self.folder / "keys.bin").write_bytes(b"".join(order))
        places = np.array([self._places[key] for key in order], "<u4")
        (self.folder / "places.bin").write_bytes(places.tobytes())
        facts = {**self._facts, "rows": len(order), "rows_per_shard": self._per_shard}
        write_text(self.folder / "manifest.json", json.dumps(facts, indent=2))
        self._log.unlink(missing_ok=True)
        (self.folder / "begun.json").unlink(missing_ok=True)


class FeatureReader:
    """Random access to a finished cache. Threads and processes may share it."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Map the files.

        Raises:
          InputError: there is no finished cache, or a file is missing or of another length.
        """
        self.folder = Path(folder)
        self.facts = _read_facts(self.folder)
        self.kind, self.network = str(self.facts["kind"]), str(self.facts["network"])
        self.shape = tuple(int(side) for side in self.facts["shape"])
        self.dtype = np.dtype(DTYPES[self.facts["dtype"]])
        self._transform = ImageTransform.from_json(self.facts["transform"])
        count, per_shard = int(self.facts["rows"]), int(self.facts["rows_per_shard"])
        size = _CHECK + int(np.prod(self.shape)) * self.dtype.itemsize
        self.keys = self._mapped("keys.bin", (count,), np.dtype("V32"))
        self.places = self._mapped("places.bin", (count,), np.dtype("<u4"))
        self._per_shard = per_shard
        self._shards = [
            self._mapped(_shard(n), (min(per_shard, count - n * per_shard), size), np.dtype("u1"))
            for n in range(-(-count // per_shard))
        ]

    def _mapped(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        path, wanted = self.folder / name, int(np.prod(shape)) * dtype.itemsize
        size = path.stat().st_size if path.is_file() else -1
        if size != wanted:
            what = "is missing" if size < 0 else f"has {size} bytes, not {wanted}"
            raise InputError("damaged_file", f"{path} {what}", _FIX)
        if not wanted:
            return np.zeros(shape, dtype)
        return np.memmap(path, dtype, "r", shape=shape)

    def __len__(self) -> int:
        return len(self.keys)

    def get(self, key: bytes) -> np.ndarray:
        """One row, of ``shape`` and ``dtype``.

        Raises:
          InputError: it is not there, or it is damaged.
        """
        place = self._find(key)
        if place is None:
            raise InputError("no_features", "the cache has no such picture", _FIX)
        shard, row = divmod(place, self._per_shard)
        data = self._shards[shard][row].tobytes()
        if google_crc32c.value(data[_CHECK:]) != int.from_bytes(data[:_CHECK], "little"):
            where = f"{self.folder / _shard(shard)}: row {row}"
            raise InputError("damaged_file", f"{where} is damaged", _FIX)
        return np.frombuffer(data, self.dtype, offset=_CHECK).reshape(self.shape)

    def _find(self, key: bytes) -> int | None:
        low, high = 0, len(self.keys)
        while low < high:
            middle = (low + high) // 2
            if self.keys[middle].tobytes() < key:
                low = middle + 1
            else:
                high = middle
        found = low < len(self.keys) and self.keys[low].tobytes() == key
        return int(self.places[low]) if found else None

    def of(self, example: Example) -> np.ndarray:
        """An example's features: [M, P, W], [W] for pooled ones, [J, W] for states; errors as
        ``get``'s."""
        images = example.image_sha256.tobytes()
        if self.kind != "vision_patches":
            return self.get(feature_key(self.network, self._transform, images, example.ids))
        keys = [images[at : at + 32] for at in range(0, len(images), 32)]
        rows = [self.get(feature_key(self.network, self._transform, key)) for key in keys]
        return np.stack(rows) if rows else np.zeros((0, *self.shape), self.dtype)

    def empty(self, rows: int, images: int) -> np.ndarray:
        """Zeros for a batch: [B, M, P, W], [B, W] for pooled ones, [B, J, W] for states."""
        places = (rows, images) if self.kind == "vision_patches" else (rows,)
        return np.zeros((*places, *self.shape), self.dtype)

    def put(self, batch: np.ndarray, row: int, picture: int, features: np.ndarray) -> None:
        """Write an example's features into the batch."""
        if self.kind != "vision_patches":
            batch[row] = features
        else:
            batch[row, picture : picture + len(features)] = features


def _shard(number: int) -> str:
    return f"features-{number:05d}.bin"


def _same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(found.get(name) == value for name, value in wanted.items())


def _current(facts: dict[str, Any]) -> dict[str, Any]:
    """A manifest with its kind as it is called today; earlier versions wrote another name."""
    return {**facts, "kind": feature_kind(str(facts.get("kind")), warn=False)}


def _read_facts(folder: Path) -> dict[str, Any]:
    file = folder / "manifest.json"
    if not file.is_file():
        what = f"{file} {not_a_file(file)}"
        raise InputError("missing_file", what, "give a finished feature cache")
    parsed = parse_json(read_bytes(file), str(file), unique_keys=True)
    try:
        facts = _current(parsed)
        if (
            facts["schema"] != SCHEMA
            or facts["kind"] not in FEATURE_KINDS
            or facts["dtype"] not in DTYPES
        ):
            raise ValueError("another schema")
        if int(facts["rows"]) < 0 or int(facts["rows_per_shard"]) < 1:
            raise ValueError("no such number of rows")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError("damaged_file", f"{file}: {error}", _FIX) from error
    return facts
