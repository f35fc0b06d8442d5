# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/files/ with TensorFlow itself; run once, its results are committed.

    python -m venv /tmp/tf && /tmp/tf/bin/pip install tensorflow-cpu==2.21.0 \
        tensorflow-datasets==4.9.10 pillow
    /tmp/tf/bin/python scripts/make_tensorflow_fixtures.py tests/data/files

A RoboVQA file of two clips as TensorFlow's own classes and writer make it, and an RLDS data
set of three episodes in TFRecord format as tfds and TensorFlow make it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

TEXT = (
    "<task:planning:freeform> current goal is: clip {} Q: next? <PRED>A: wipe {}</PRED>\n"
    "<task:success:discrete:True> Q: ok? <PRED>A: "
    "<PRED:ANSWER><PRED:DISCRETE><PRED:BINARY>yes</PRED:BINARY></PRED:DISCRETE></PRED:ANSWER>"
    "</PRED>"
)


def frame(value: int) -> np.ndarray:
    """Pixels of one grey."""
    return np.full((12, 16, 3), value, np.uint8)


def clip(number: int) -> bytes:
    """A SequenceExample with 16 frames."""
    example = tf.train.SequenceExample()
    images = example.feature_lists.feature_list["images"]
    for place in range(16):
        data = tf.io.encode_jpeg(frame(number * 100 + place * 5)).numpy()
        images.feature.add().bytes_list.value.append(data)
    texts = example.feature_lists.feature_list["texts"]
    texts.feature.add().bytes_list.value.append(TEXT.format(number, number).encode())
    example.context.feature["uid"].bytes_list.value.append(b"clip")
    return example.SerializeToString()


class RobotEpisodes(tfds.core.GeneratorBasedBuilder):
    """Episodes of two, three and four steps."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> Any:
        number = np.float32
        step = {
            "observation": {
                "image": tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg"),
                "state": tfds.features.Tensor(shape=(3,), dtype=number),
            },
            "language_instruction": tfds.features.Text(),
            "raw_text_question_answer": tfds.features.Text(),
            "is_first": np.bool_,
            "reward": number,
            "contact": tfds.features.Tensor(shape=(2,), dtype=number),
            "approach": tfds.features.Tensor(shape=(3,), dtype=number),
            "left": tfds.features.Tensor(shape=(3,), dtype=number),
        }
        features = {
            "steps": tfds.features.Dataset(step),
            "episode_metadata": {"file_path": tfds.features.Text()},
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager: Any) -> Any:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[str, Any]]:
        for episode in range(3):
            steps = [self._step(episode, place) for place in range(2 + episode)]
            metadata = {"file_path": f"episode {episode}"}
            yield f"{episode}", {"steps": steps, "episode_metadata": metadata}

    @staticmethod
    def _step(episode: int, place: int) -> dict[str, Any]:
        return {
            "observation": {
                "image": frame(40 * episode + 10 * place),
                "state": np.arange(3, dtype=np.float32),
            },
            "language_instruction": f"open door {episode}",
            "raw_text_question_answer": (
                f"<task:planning:freeform> Q: {episode} {place}? "
                f"<PRED>A: answer {episode} {place}</PRED>"
            ),
            "is_first": place == 0,
            "reward": 0.0,
            "contact": np.array([3 + episode, 4 + place], np.float32),
            "approach": np.array([0, 0, 1], np.float32),
            "left": np.array([1, 0, 0], np.float32),
        }


def main(folder: Path) -> None:
    """Writes both."""
    folder.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / "robovqa.tfrecord")) as writer:
        for number in range(2):
            writer.write(clip(number))
    RobotEpisodes(data_dir=folder, file_format="tfrecord").download_and_prepare()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
