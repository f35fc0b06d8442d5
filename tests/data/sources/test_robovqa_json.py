# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""RoboVQA's JSON files with extracted frames and with videos; files of other writers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from robomamba_jax.config.data import SourceConfig
from robomamba_jax.data.sources.formats import detect, open_source
from robomamba_jax.data.sources.image_refs import open_ref, ref_sha256
from robomamba_jax.data.sources.robovqa import RoboVqaSource
from robomamba_jax.data.sources.robovqa_json import RoboVqaJsonSource
from robomamba_jax.data.sources.sample import VideoFrame
from robomamba_jax.errors import InputError
from tests.data.samples import picture

TEXT = (
    "<task:planning:freeform> Q: next? <PRED>A: wipe</PRED>"
    "<task:success:discrete:True> Q: ok? A: no"
)
CLIPS = [{"uid": f"u{n}", "video": f"v{n}.mp4", "text": TEXT} for n in range(2)]
RNG = np.random.default_rng(0)
FORMS = {
    "a list": json.dumps(CLIPS),
    "lines": "\n".join(json.dumps(clip) for clip in CLIPS),
    "one object": json.dumps(CLIPS[0]),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_the_file(form: str, tmp_path: Path) -> None:
    """All three; each tagged text becomes its questions."""
    path = tmp_path / "train.json"
    path.write_text(FORMS[form])
    for number in range(2):
        picture(tmp_path / "images" / f"v{number}.jpg", RNG)
    assert detect(str(path)) == "robovqa-json"
    source = open_source(SourceConfig(str(path)))
    clips = 1 if form == "one object" else 2
    facts = source.facts()
    assert (facts["records"], facts["clips"]) == (2 * clips, clips)
    assert facts["tasks"] == {"planning:freeform": clips, "success:discrete:True": clips}
    assert source[1].id == "u0.1"
    assert source[1].turns == (("human", "<image>\nQ: ok?"), ("gpt", "no"))
    assert source[1].images == (tmp_path / "images" / "v0.jpg",)


def test_extracted_frames(tmp_path: Path) -> None:
    """A folder per clip: evenly spread, the last among them; several files by a pattern."""
    for number in range(8):
        picture(tmp_path / "frames" / "v0" / f"{number:03d}.png", RNG)
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps([CLIPS[0]]))
    source = RoboVqaJsonSource([tmp_path / "a.json"], frames=4)
    places = [int(path.stem) for path in source[0].images if isinstance(path, Path)]
    assert places == [1, 3, 5, 7]
    assert source[0].turns[0][1] == "<image><image><image><image>\nQ: next?"
    both = open_source(SourceConfig(str(tmp_path / "?.json"), name="x"))
    assert len(both) == 4


def video(path: Path, frames: int, size: tuple[int, int] = (32, 24)) -> Path:
    """Greys from dark to light, by FFmpeg's own encoder."""
    av = pytest.importorskip("av")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            grey = np.full((size[1], size[0], 3), 20 + 10 * number, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def test_videos(tmp_path: Path) -> None:
    """Decoded where frames have not been extracted; each frame has a hash of its own."""
    path = video(tmp_path / "videos" / "v0.mp4", 12)
    (tmp_path / "a.json").write_text(json.dumps([CLIPS[0]]))
    for frames, expected in ((1, [11]), (3, [3, 7, 11]), (20, [*range(12), *[11] * 8])):
        images = RoboVqaJsonSource([tmp_path / "a.json"], frames=frames)[0].images
        assert images == tuple(VideoFrame(path, n, frames) for n in range(frames))
        means = [np.asarray(open_ref(image)).mean() for image in images]
        np.testing.assert_allclose(means, [20 + 10 * n for n in expected], atol=3)
        assert len({ref_sha256(image) for image in images}) == frames
    with pytest.raises(InputError, match="above 100"):
        open_ref(VideoFrame(path, 0, 5), max_pixels=100)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"v0\.mp4 cannot be decoded"):
        open_ref(VideoFrame(path, 0, 6))
    with pytest.raises(InputError, match="does not exist"):
        open_ref(VideoFrame(tmp_path / "none.mp4", 0, 1))


def test_wrong_records(tmp_path: Path) -> None:
    """A bad clip among sound ones is a sample that says why; a file of none is not a file."""
    picture(tmp_path / "images" / "v1.jpg", RNG)
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"uid": "x", "text": "no tags"}, CLIPS[1], {"video": "v.mp4"}]))
    source = RoboVqaJsonSource([path])
    assert len(source) == 4
    assert source[1].id == "u1.0"
    for index, complaint in ((0, "has no <task"), (3, "lacks text")):
        with pytest.raises(InputError, match=complaint):
            source[index]
    path.write_text(json.dumps([CLIPS[0]]))
    with pytest.raises(InputError, match=r"video 'v0\.mp4' is not below"):
        RoboVqaJsonSource([path])[0]
    path.write_text(json.dumps([{**CLIPS[0], "video": "../../v0.mp4"}]))
    with pytest.raises(InputError, match="leaves the data's folder"):
        RoboVqaJsonSource([path])[0]
    path.write_text(json.dumps([{"uid": "x", "text": "no tags"}]))
    with pytest.raises(InputError, match="has no <task"):
        RoboVqaJsonSource([path])


def jpeg(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), (value,) * 3).save(buffer, "JPEG")
    return buffer.getvalue()


def test_another_packages_writer(tmp_path: Path) -> None:
    """TFRecords of the `tfrecord` package, which has its own protobuf and check sums."""
    from tfrecord.writer import TFRecordWriter

    path = tmp_path / "train-00000"
    writer = TFRecordWriter(str(path))
    frames = [jpeg(10 * n) for n in range(16)]
    for number in range(3):
        text = [TEXT.replace("wipe", f"wipe {number}").encode()]
        context: dict[str, Any] = {"uid": (b"clip", "byte"), "length": (16, "int")}
        writer.write(
            context, {"images": ([[f] for f in frames], "byte"), "texts": ([text], "byte")}
        )
    writer.close()
    (tmp_path / "README").write_text("another file")
    assert detect(str(path)) == detect(str(tmp_path)) == "robovqa"
    assert len(open_source(SourceConfig(str(tmp_path)))) == 6
    source = RoboVqaSource([path], frames=2)
    assert len(source) == 6
    assert source[4].turns[1] == ("gpt", "wipe 2")
    assert source[4].images == (frames[7], frames[15])


def test_tensorflows_writer() -> None:
    """The fixture of scripts/make_tensorflow_fixtures.py, written by TensorFlow 2.21.0."""
    path = Path(__file__).parents[1] / "files" / "robovqa.tfrecord"
    source = RoboVqaSource([path])
    assert source.facts()["tasks"] == {"planning:freeform": 2, "success:discrete:True": 2}
    for index in range(4):
        sample, clip = source[index], index // 2
        answer = f"wipe {clip}" if index % 2 == 0 else "yes"
        assert sample.turns[1] == ("gpt", answer)
        pixels = np.asarray(open_ref(sample.images[0]))
        assert np.abs(pixels.astype(int) - (clip * 100 + 75)).max() <= 1
