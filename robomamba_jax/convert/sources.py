# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""From a path to its tensors, whatever the format; and sources made of other sources."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from robomamba_jax.convert.safetensors_file import SafetensorsFile
from robomamba_jax.convert.tensors import TensorInfo, TensorSource
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_types import other_file, read_head
from robomamba_jax.utils.files import read_json
from robomamba_jax.utils.json_types import JsonObject


def _pth(path: Path) -> TensorSource:
    from robomamba_jax.convert.pth_file import PthFile

    return PthFile(path)


_READERS: dict[str, Callable[[Path], TensorSource]] = {
    ".safetensors": SafetensorsFile,
    **dict.fromkeys((".pth", ".pt", ".bin", ".ckpt"), _pth),
}
# What a folder may hold, the safest first.
_IN_FOLDER = (
    "model.safetensors.index.json",
    "model.safetensors",
    "params/model.safetensors.index.json",
    "pytorch_model.bin.index.json",
    "pytorch_model.bin",
)
_MAX_JSON = 2**26


def open_source(path: str | os.PathLike[str]) -> TensorSource:
    """The tensors of a checkpoint file, or of a folder with one (in shards, too).

    Raises:
      InputError: there is none, its format is unknown, or it is broken.
    """
    path = Path(path)
    if path.is_dir():
        found = next((path / name for name in _IN_FOLDER if (path / name).is_file()), None)
        if found is None:
            raise InputError(
                "missing_file",
                f"{path} holds no weights",
                f"give a folder with {', '.join(_IN_FOLDER[:2])} or pytorch_model.bin, or a file",
            )
        path = found
    if path.name.endswith(".index.json"):
        return ShardedSource(path)
    if path.suffix.lower() == ".onnx":
        raise InputError(
            "unknown_format",
            f"{path} is an ONNX file, which is not read",
            "of DINOv2 give dinov2_s.safetensors, which make assets ASSETS_ARGS=--dino writes",
        )
    reader = _READERS.get(path.suffix.lower())
    if reader is None and path.exists():
        head, fix = read_head(path), f"give {', '.join(_READERS)}"
        raise other_file("unknown_format", str(path), head, "not a checkpoint file", fix)
    if not path.exists():
        raise InputError("missing_file", f"{path} does not exist", "give a file or a folder")
    return (reader or SafetensorsFile)(path)


def config_beside(path: Path) -> JsonObject | None:
    """The config.json of a checkpoint's folder, or beside its file; None without one.

    Raises:
      InputError: it is not a JSON object.
    """
    file = (path if path.is_dir() else path.parent) / "config.json"
    return read_json(file) if file.is_file() else None


class ShardedSource:
    """Several files behind one index, as Hugging Face writes them.

    Every tensor must be in the file that the index names, and in the index.
    """

    def __init__(self, index: Path) -> None:
        """Open all files.

        Raises:
          InputError: index and files do not agree.
        """
        self.path = index.parent
        self._index = index
        content = read_json(index, max_bytes=_MAX_JSON)
        where = content.get("weight_map")
        if not isinstance(where, dict) or not all(isinstance(v, str) for v in where.values()):
            raise InputError("bad_json", f"{index} has no weight_map", "give a complete checkpoint")
        for name in set(where.values()):
            # An index may come from anywhere: "../x" or "/etc/x" must not be opened.
            if Path(name).name != name or Path(name).suffix.lower() not in _READERS:
                what = f"{index} names the file {name!r}"
                raise InputError("bad_json", what, "name files of its own folder only")
        self._sources: dict[str, TensorSource] = {}
        try:
            # In a fixed order, which is that of the tensors in the plan and in the table.
            for name in sorted(set(where.values())):
                self._sources[name] = open_source(index.parent / name)
            self._where = self._checked(where)
            self._remarks = self._size_remark(content.get("metadata"))
        except InputError:
            self.close()
            raise

    def _checked(self, where: dict[str, str]) -> dict[str, str]:
        held = {name: file for file, source in self._sources.items() for name in source.names()}
        # A tensor in two files would be one or the other by chance.
        count = sum(len(source.names()) for source in self._sources.values())
        odd = sorted(set(where.items()) ^ set(held.items()))
        if odd or count != len(held):
            what = f"{odd[0][0]!r}" if odd else "a tensor that is in two files"
            what = f"{self._index} and its files do not agree on {what}"
            raise InputError("bad_checkpoint", what, "download or write all files again")
        return held

    def _size_remark(self, metadata: object) -> dict[str, str]:
        stated = metadata.get("total_size") if isinstance(metadata, dict) else None
        held = sum(self.info(name).nbytes for name in self._where)
        if stated is None or stated == held:
            return {}
        # Not an error: published indices count tied tensors twice.
        return {"total_size": f"the index says {stated} bytes, its tensors have {held}"}

    @property
    def extras(self) -> Mapping[str, str]:
        """What the files hold beside tensors, and what the index says otherwise."""
        held = {k: v for source in self._sources.values() for k, v in source.extras.items()}
        return {**held, **self._remarks}

    def names(self) -> list[str]:
        """All tensors' names, file by file."""
        return list(self._where)

    def info(self, name: str) -> TensorInfo:
        """Shape and dtype of one tensor."""
        return self._sources[self._where[name]].info(name)

    def read(self, name: str, out: np.ndarray | None = None) -> np.ndarray:
        """One tensor's values."""
        return self._sources[self._where[name]].read(name, out)

    def files(self) -> list[Path]:
        """The index and all files."""
        return [self._index, *(f for source in self._sources.values() for f in source.files())]

    def close(self) -> None:
        """Close all files."""
        for source in self._sources.values():
            source.close()


class RenamedSource:
    """A source whose tensors have other names.

    Args:
      source: with the old names.
      rename: old name -> new name.
    """

    def __init__(self, source: TensorSource, rename: Callable[[str], str]) -> None:
        self._source = source
        self.path, self.extras = source.path, source.extras
        self._old = {rename(name): name for name in source.names()}
        # Two old names may have become one: dropping either would be silent.
        if len(self._old) != len(source.names()):
            what = f"{self.path} holds a tensor twice, under two spellings of its name"
            raise InputError("bad_checkpoint", what, "write it again with one of them")

    def names(self) -> list[str]:
        """The new names."""
        return list(self._old)

    def info(self, name: str) -> TensorInfo:
        """Shape and dtype of one tensor."""
        return self._source.info(self._old[name])

    def read(self, name: str, out: np.ndarray | None = None) -> np.ndarray:
        """One tensor's values."""
        return self._source.read(self._old[name], out)

    def files(self) -> list[Path]:
        """The files behind it."""
        return self._source.files()

    def close(self) -> None:
        """Close the source."""
        self._source.close()


class ArraySource:
    """Arrays in memory, as a source."""

    def __init__(self, arrays: Mapping[str, np.ndarray], path: Path) -> None:
        """Arrays by name; the path is for messages."""
        self._arrays, self.path = dict(arrays), path
        self.extras: Mapping[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def names(self) -> list[str]:
        """All names."""
        return list(self._arrays)

    def info(self, name: str) -> TensorInfo:
        """Shape and dtype of one tensor."""
        array = self._arrays[name]
        return TensorInfo(array.shape, str(array.dtype))

    def read(self, name: str, out: np.ndarray | None = None) -> np.ndarray:
        """One tensor's values."""
        if out is None:
            return self._arrays[name].copy()
        out[...] = self._arrays[name]
        return out

    def files(self) -> list[Path]:
        """None."""
        return []

    def close(self) -> None:
        """Nothing to close."""


class OverlaidSource:
    """A source of which some tensors are replaced, and to which some are added."""

    def __init__(self, source: TensorSource, arrays: Mapping[str, np.ndarray], path: Path) -> None:
        """``arrays`` hide those of ``source``; the path is for messages."""
        self._source, self._over, self.path = source, ArraySource(arrays, path), path
        self.extras = source.extras

    def names(self) -> list[str]:
        """Those of both."""
        return list(dict.fromkeys([*self._source.names(), *self._over.names()]))

    def _of(self, name: str) -> TensorSource:
        return self._over if name in self._over else self._source

    def info(self, name: str) -> TensorInfo:
        """Shape and dtype of one tensor."""
        return self._of(name).info(name)

    def read(self, name: str, out: np.ndarray | None = None) -> np.ndarray:
        """One tensor's values."""
        return self._of(name).read(name, out)

    def files(self) -> list[Path]:
        """The files behind the source."""
        return self._source.files()

    def close(self) -> None:
        """Close the source."""
        self._source.close()


class SelectedSource:
    """Some tensors of a source: those whose names are asked for, and all LoRA factors."""

    def __init__(self, source: TensorSource, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Keep the tensors of ``source`` that ``shapes`` names."""
        self._source, self.path, self.extras = source, source.path, source.extras
        self._names = [name for name in source.names() if name in shapes or ".lora_" in name]
        self.info, self.read, self.files = source.info, source.read, source.files
        self.close = source.close

    def names(self) -> list[str]:
        """The selected ones."""
        return list(self._names)
