# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""TFRecords against protobuf's own runtime and the CRC of RFC 3720; RoboVQA's clips."""

from __future__ import annotations

import itertools
import pickle
import struct
from pathlib import Path
from typing import Any

import google_crc32c
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.data.sources.protobuf import fields
from robomamba_jax.data.sources.robovqa import RoboVqaSource, even_frames
from robomamba_jax.data.sources.tfrecord import TfRecords, feature_lists
from robomamba_jax.errors import InputError


def message_classes() -> dict[str, Any]:
    """tensorflow/core/example's messages, declared to the protobuf runtime itself."""
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="t", syntax="proto3")

    def add(name: str, *listed: tuple[str, int, int, int, str | None]) -> Any:
        message = file.message_type.add(name=name)
        for field, number, label, kind, of in listed:
            message.field.add(name=field, number=number, label=label, type=kind, type_name=of)
        return message

    one, many, raw, real, text, sub = 1, 3, 12, 2, 9, 11
    add("BytesList", ("value", 1, many, raw, None))
    add("FloatList", ("value", 1, many, real, None))
    add(
        "Feature",
        ("bytes_list", 1, one, sub, ".t.BytesList"),
        ("float_list", 2, one, sub, ".t.FloatList"),
    )
    add("FeatureList", ("feature", 1, many, sub, ".t.Feature"))
    lists = add("FeatureLists", ("feature_list", 1, many, sub, ".t.FeatureLists.Entry"))
    entry = lists.nested_type.add(name="Entry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=one, type=text)
    entry.field.add(name="value", number=2, label=one, type=sub, type_name=".t.FeatureList")
    add("SequenceExample", ("feature_lists", 2, one, sub, ".t.FeatureLists"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = ("SequenceExample", "Feature")
    return {n: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"t.{n}")) for n in names}


CLASSES = message_classes()


def example(images: list[bytes], text: str) -> bytes:
    """A clip, serialised by the protobuf runtime."""
    made = CLASSES["SequenceExample"]()
    lists = made.feature_lists.feature_list
    for image in images:
        lists["images"].feature.add().bytes_list.value.append(image)
    lists["texts"].feature.add().bytes_list.value.append(text.encode())
    lists["progress"].feature.add().float_list.value.append(0.5)
    return made.SerializeToString()


def framed(data: bytes) -> bytes:
    """A record, with check sums by their definition."""

    def masked(part: bytes) -> bytes:
        crc = google_crc32c.value(part)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


TEXT = (
    "<task:planning:freeform> Q: next? <PRED>A: wipe</PRED>"
    "<task:success:discrete:True> Q: ok? A: no"
)


def written(path: Path, *records: bytes) -> Path:
    path.write_bytes(b"".join(framed(record) for record in records))
    return path


def test_the_check_sum_is_the_standards() -> None:
    """RFC 3720, appendix B.4, and the example of TensorFlow's own documentation of the mask."""
    assert google_crc32c.value(bytes(32)) == 0x8A9136AA
    assert google_crc32c.value(bytes(range(32))) == 0x46DD794E


def test_clips(tmp_path: Path) -> None:
    """Every question a sample; the frames that are asked for; several files."""
    frames = [bytes([n]) * 3 for n in range(16)]
    first = written(tmp_path / "train-0", example(frames, TEXT), example(frames[:1], TEXT))
    second = written(tmp_path / "train-1", example(frames, TEXT))
    source = RoboVqaSource([first, second])
    assert source.facts() == {
        "format": "robovqa",
        "records": 6,
        "clips": 3,
        "tasks": {"planning:freeform": 3, "success:discrete:True": 3},
    }
    assert source[0].images == (frames[15],)
    assert source[0].turns == (("human", "<image>\nQ: next?"), ("gpt", "wipe"))
    assert source[5].task == "success:discrete:True"
    assert len({source[index].id for index in range(6)}) == 6
    several = pickle.loads(pickle.dumps(RoboVqaSource([first], frames=4)))
    assert several[0].images == tuple(frames[n] for n in (3, 7, 11, 15))
    assert several[0].turns[0][1].startswith("<image><image><image><image>\n")
    assert len(several[2].images) == 1


@given(st.integers(1, 40), st.integers(1, 40))
def test_frames_are_spread(count: int, wanted: int) -> None:
    """Different ones, in order, with the last, gaps alike but for one."""
    found = even_frames(count, wanted)
    assert found[-1] == count - 1
    assert len(found) == len(set(found)) == min(count, wanted)
    assert found == sorted(found)
    assert min(found) >= 0
    gaps = {b - a for a, b in itertools.pairwise(found)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_lists_of_numbers_are_left_out() -> None:
    """Only bytes are asked for."""
    assert set(feature_lists(example([b"x"], "y"), "r")) == {"images", "texts"}


BROKEN = {
    "empty": lambda data: b"",
    "cut in a header": lambda data: data[:7],
    "cut in a record": lambda data: data[:40],
    "cut by a byte": lambda data: data[:-1],
    "a length changed": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "garbage behind": lambda data: data + b"x" * 20,
    "text": lambda data: b"this is no record, only a text",
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_files(what: str, tmp_path: Path) -> None:
    """Noticed before any data is used."""
    path = tmp_path / "broken"
    path.write_bytes(BROKEN[what](framed(example([b"x" * 50], TEXT))))
    with pytest.raises(InputError, match="broken") as caught:
        RoboVqaSource([path])
    assert "\n" not in str(caught.value)


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    """By the check sum of the data."""
    path = written(tmp_path / "a", example([b"x" * 50], TEXT))
    data = bytearray(path.read_bytes())
    data[30] ^= 8
    path.write_bytes(data)
    with pytest.raises(InputError, match="record 0 is damaged"):
        TfRecords(path)[0]


def test_records_of_another_kind(tmp_path: Path) -> None:
    """Sound check sums around something else; no text; no tasks; wrong settings."""
    for number, data in enumerate((b"hello there", example([], TEXT), example([b"x"], "no tags"))):
        path = written(tmp_path / f"other-{number}", data)
        with pytest.raises(InputError, match=f"other-{number}"):
            RoboVqaSource([path])
    good = written(tmp_path / "good", example([b"x"], TEXT))
    with pytest.raises(InputError, match="frames is 0"):
        RoboVqaSource([good], frames=0)
    with pytest.raises(InputError, match="no RoboVQA files"):
        RoboVqaSource([])
    with pytest.raises(InputError, match="does not exist"):
        RoboVqaSource([tmp_path / "none"])


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_as_a_record(data: bytes, behind: bool) -> None:
    """Lists or an InputError."""
    record = example([b"x"], "y") + data if behind else data
    try:
        found = feature_lists(record, "r")
    except InputError:
        return
    assert all(isinstance(step, bytes) for steps in found.values() for step in steps)


@given(st.lists(st.binary(max_size=5), max_size=3), st.text(max_size=10))
def test_what_the_runtime_writes_we_read(images: list[bytes], text: str) -> None:
    """Any frames, any text."""
    found = feature_lists(example(images, text), "r")
    assert found.get("images", []) == images
    assert found["texts"] == [text.encode()]
    assert [number for number, _ in fields(example(images, text))] == [2]
