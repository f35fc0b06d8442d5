# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What we write, our reader and another implementation read."""

from pathlib import Path

import tfrecord
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.data.sources.tfrecord import (
    TfRecords,
    feature_lists,
    sequence_example,
    write_tfrecord,
)

LISTS = st.dictionaries(
    st.text(min_size=1, max_size=5), st.lists(st.binary(max_size=300), max_size=4), max_size=3
)


@given(lists=LISTS)
def test_our_reader_reads_it(lists: dict[str, list[bytes]]) -> None:
    """Any names and any bytes; lengths beyond one varint byte too."""
    assert feature_lists(sequence_example(lists), "here") == lists


def test_another_implementation_reads_it(tmp_path: Path) -> None:
    """The package tfrecord: check sums off, content equal."""
    clips = [{"images": [b"jpeg" * 80, b""], "texts": ["ä".encode()]}, {"texts": [b"x"]}]
    path = tmp_path / "a.tfrecord"
    write_tfrecord(path, map(sequence_example, clips))
    assert len(TfRecords(path)) == 2  # our reader checks the sums
    found = []
    for record in tfrecord.tfrecord_iterator(str(path)):
        example = tfrecord.example_pb2.SequenceExample()
        example.ParseFromString(bytes(record))
        found.append(example.feature_lists.feature_list["texts"].feature[0].bytes_list.value[0])
    assert found == ["ä".encode(), b"x"]
    assert list(tmp_path.iterdir()) == [path]
