# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of Parquet files by number: only the row group that holds them is read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from robomamba_jax.data.sources.sample import decoding, refuse_pointer
from robomamba_jax.errors import InputError

# Of row groups that are kept; one that is larger is read in pieces, and not kept.
_KEPT_BYTES = 128 * 2**20
_OPEN = 16  # files
_PIECE = 32  # rows


class ParquetFiles:
    """Parquet files, some of them open, and the row groups that were read last.

    Pickled, it is empty: another process opens the files itself.
    """

    def __init__(self) -> None:
        self._files: OrderedDict[Path, Any] = OrderedDict()
        self._groups: OrderedDict[Hashable, Any] = OrderedDict()

    def __reduce__(self) -> tuple[type[ParquetFiles], tuple[()]]:
        return type(self), ()

    def count(self, path: Path) -> int:
        """How many rows a file has, as its last bytes say.

        Raises:
          InputError: it is missing or broken, or pyarrow is not installed.
        """
        return self._open(path).metadata.num_rows

    def names(self, path: Path) -> list[str]:
        """The columns' names; errors as ``count``'s."""
        return list(self._open(path).schema_arrow.names)

    def column(self, path: Path, name: str) -> list[Any]:
        """All values of a column; ``count`` says first how many there will be.

        Raises:
          InputError: as ``count``'s, or there is no such column.
        """
        return self.rows(path, 0, self.count(path), (name,))[name]

    def rows(self, path: Path, start: int, stop: int, names: Sequence[str]) -> dict[str, list[Any]]:
        """Some rows of some columns, as Python values.

        Args:
          path: of the file.
          start: the first row.
          stop: behind the last one.
          names: the columns'.

        Raises:
          InputError: as ``count``'s, or a column is not there, or there are not so many rows.
        """
        file = self._open(path)
        for name in names:
            if name not in file.schema_arrow.names:
                raise InputError(
                    "bad_dataset",
                    f"{path} has no column {name!r}",
                    "download the file again, or fix meta/info.json",
                )
        found: dict[str, list[Any]] = {name: [] for name in names}
        with decoding(partial(_broken, path)):
            for table in self._pieces(path, file, start, stop, tuple(names)):
                for name in names:
                    found[name] += table.column(name).to_pylist()
        if any(len(values) != stop - start for values in found.values()):
            raise _broken(path, f"rows {start} to {stop} are not all there")
        return found

    def _pieces(
        self, path: Path, file: Any, start: int, stop: int, names: tuple[str, ...]
    ) -> Iterator[Any]:
        """Tables that are the rows together."""
        first = 0
        for number in range(file.metadata.num_row_groups):
            group = file.metadata.row_group(number)
            low, high = max(start - first, 0), min(stop - first, group.num_rows)
            first += group.num_rows
            if low >= high:
                continue
            if _fits(file, group, names):
                # A slice is a view: no copy.
                yield self._group(path, file, number, names).slice(low, high - low)
            else:
                yield from _in_pieces(file, number, names, low, high)

    def _group(self, path: Path, file: Any, number: int, names: tuple[str, ...]) -> Any:
        # A row group is decompressed whole, so neighbouring samples share it. Least recently used
        # goes first; the newest stays even if it is larger than the limit.
        key = (path, number, names)
        table = self._groups.pop(key, None)
        if table is None:
            # use_threads=False: one core per worker.
            table = file.read_row_group(number, columns=list(names), use_threads=False)
        self._groups[key] = table
        total = sum(kept.nbytes for kept in self._groups.values())
        while total > _KEPT_BYTES and len(self._groups) > 1:
            total -= self._groups.popitem(last=False)[1].nbytes
        return table

    def _open(self, path: Path) -> Any:
        file = self._files.pop(path, None)
        if file is None:
            file = _open_file(path)
        self._files[path] = file
        while len(self._files) > _OPEN:
            self._files.popitem(last=False)
        return file


def _open_file(path: Path) -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise InputError(
            "missing_package", f"{path} is a Parquet file", "pip install 'robomamba_jax[lerobot]'"
        ) from error
    if not path.is_file():
        raise InputError("missing_file", f"{path} does not exist", "download the whole data set")
    with decoding(partial(_broken, path)):
        refuse_pointer(path)
        # An open file, since a path may be taken for an address.
        return pq.ParquetFile(pa.OSFile(str(path), "rb"))


def _fits(file: Any, group: Any, names: Sequence[str]) -> bool:
    """Whether columns of a row group are small enough to be read whole. The footer has the size of
    each column too, but pyarrow ends the process where that part of it is damaged."""
    if group.total_byte_size <= _KEPT_BYTES:
        return True
    types = [file.schema_arrow.field(name).type for name in names]
    numbers = all(str(kind).startswith(("int", "float", "double", "bool")) for kind in types)
    return numbers and 8 * len(names) * group.num_rows <= _KEPT_BYTES


def _in_pieces(
    file: Any, number: int, names: tuple[str, ...], low: int, high: int
) -> Iterator[Any]:
    """Rows of a row group without ever holding all of it."""
    at = 0
    pieces = file.iter_batches(
        batch_size=_PIECE, row_groups=[number], columns=list(names), use_threads=False
    )
    for piece in pieces:
        first, last = max(low - at, 0), min(high - at, piece.num_rows)
        if first < last:
            yield piece.slice(first, last - first)
        at += piece.num_rows
        if at >= high:
            return


def _broken(path: Path, what: object) -> InputError:
    text = " ".join(str(what).split())[:200] or type(what).__name__
    return InputError("bad_dataset", f"{path} cannot be read: {text}", "download the file again")
