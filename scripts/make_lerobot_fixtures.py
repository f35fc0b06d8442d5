# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/files/lerobot/ with LeRobot itself; run once per version.

    python3.11 -m venv /tmp/lerobot && . /tmp/lerobot/bin/activate
    pip install torch==2.13.0 "numpy<2.3" "datasets<5" "huggingface-hub<0.36" "av>=15,<16" \
        jsonlines "packaging<26" draccus==0.10.0 einops deepdiff termcolor imageio accelerate \
        gymnasium
    pip install --no-deps torchvision==0.24.1 lerobot==0.4.4
    HF_HUB_OFFLINE=1 python scripts/make_lerobot_fixtures.py tests/data/files/lerobot

lerobot 0.4.4 writes v3.0. For v2.1: another environment with ``"datasets<=3.6.0"`` and
``lerobot==0.3.3``. The CPU wheel of torch does for both: torchvision's own operators, which its
wheel cannot load then, are not used.

Every picture's red says its step, green its episode, blue its camera. expected.json beside the data
sets is what LeRobot's own ``__getitem__`` reads back; a folder given as second argument gets its
pixels.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

# Declared, so that torchvision can be imported without its compiled part.
_OPERATORS = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _OPERATORS.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import lerobot  # noqa: E402
from lerobot.datasets.lerobot_dataset import CODEBASE_VERSION, LeRobotDataset  # noqa: E402

HEIGHT, WIDTH = 48, 64
TASKS = ("pick up the red cup", "open the drawer", "push the 🟦 block")
PICTURE = {"shape": (HEIGHT, WIDTH, 3), "names": ["height", "width", "channels"]}


def numbers(count: int) -> dict[str, Any]:
    """A feature of float32."""
    return {"dtype": "float32", "shape": (count,), "names": None}


def picture(episode: int, step: int, camera: int) -> np.ndarray:
    """Pixels of one colour, and a square that moves."""
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:] = (20 + 25 * step, 40 + 45 * episode, 60 + 120 * camera)
    pixels[16:32, 4 + 6 * step : 14 + 6 * step] = (240, 240, 240)
    return pixels


def state(episode: int, step: int, length: int) -> dict[str, Any]:
    """x, y, z of the tool, its quaternion (x, y, z, w), and the gripper: 1 = open.

    The tool points down and turns about the vertical; it closes two steps before the end."""
    half = 0.1 * (episode + 1)
    quaternion = (np.cos(half), np.sin(half), 0.0, 0.0)
    place = (0.3 + 0.02 * episode, 0.05 * episode - 0.03, 0.3 - 0.05 * step)
    gripper = 0.9 if step < length - 2 else 0.1
    return {"observation.state": np.array([*place, *quaternion, gripper], np.float32)}


def columns(episode: int, step: int) -> dict[str, Any]:
    """A pose and a question as columns."""
    return {
        "contact": np.array([20 + step, 10 + episode], np.float32),
        "approach": np.array([0, 0, 1], np.float32),
        "left": np.array([0, -1, 0], np.float32),
        "gripper": np.array([step % 2], np.float32),
        "question": f"what comes after step {step}?",
        "answer": f"step {step + 1} of episode {episode}",
    }


def write(
    folder: Path,
    name: str,
    lengths: tuple[int, ...],
    cameras: dict[str, str],
    sizes: dict[str, float] | None = None,
    **more: Any,
) -> LeRobotDataset:
    """A data set; ``cameras`` is name -> "video" or "image"."""
    shutil.rmtree(folder / name, ignore_errors=True)
    features: dict[str, Any] = {
        f"observation.images.{camera}": {"dtype": kind, **PICTURE}
        for camera, kind in cameras.items()
    }
    poses = "image" in cameras.values()
    if not poses:
        features["observation.state"] = numbers(8)
    else:
        text = {"dtype": "string", "shape": (1,), "names": None}
        features |= {"contact": numbers(2), "approach": numbers(3), "left": numbers(3)}
        features |= {"gripper": numbers(1), "question": text, "answer": text}
    data = LeRobotDataset.create(
        name,
        fps=10,
        root=folder / name,
        features=features,
        robot_type="so100",
        use_videos="video" in cameras.values(),
        **more,
    )
    if sizes is not None:
        data.meta.update_chunk_settings(**sizes)
    for episode, length in enumerate(lengths):
        for step in range(length):
            frame: dict[str, Any] = {
                f"observation.images.{camera}": picture(episode, step, number)
                for number, camera in enumerate(cameras)
            }
            frame |= columns(episode, step) if poses else state(episode, step, length)
            task = TASKS[episode % len(TASKS)]
            if CODEBASE_VERSION == "v2.1":
                data.add_frame(frame, task=task)
            else:
                data.add_frame({**frame, "task": task})
        if CODEBASE_VERSION == "v2.1":
            data.save_episode()
        else:
            data.save_episode(parallel_encoding=False)
    if CODEBASE_VERSION != "v2.1":
        data.finalize()
    shutil.rmtree(folder / name / "images", ignore_errors=True)
    return data


def read(folder: Path, name: str, pixels: Path | None) -> dict[str, Any]:
    """What LeRobot reads of it."""
    data = LeRobotDataset(name, root=folder / name, video_backend="pyav")
    items, arrays = [], {}
    for number in range(len(data)):
        item = data[number]
        found = {
            key: item[key].item() for key in ("index", "episode_index", "frame_index", "task_index")
        }
        found["timestamp"] = round(item["timestamp"].item(), 9)
        found["task"] = item["task"]
        if "observation.state" in item:
            found["state"] = [round(part, 8) for part in item["observation.state"].tolist()]
        found |= {key: item[key] for key in ("question", "answer") if key in item}
        colours = {}
        for camera in data.meta.camera_keys:
            image = np.rint(item[camera].numpy().transpose(1, 2, 0) * 255).astype(np.uint8)
            arrays[f"{number}/{camera}"] = image
            # The middle of the upper edge, which the square does not touch.
            colours[camera] = image[:10].reshape(-1, 3).mean(0).round(2).tolist()
        items.append({**found, "colours": colours})
    if pixels is not None:
        pixels.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(pixels / f"{CODEBASE_VERSION}-{name}.npz", **arrays)
    return {"episodes": data.num_episodes, "fps": data.fps, "items": items}


def main(root: Path, pixels: Path | None) -> None:
    """Writes this version's data sets and expected.json."""
    folder = root / CODEBASE_VERSION
    folder.mkdir(parents=True, exist_ok=True)
    both = {"front": "video", "wrist": "video"}
    write(folder, "two_cameras", (5, 7, 6), both)
    names = ["two_cameras", "pictures"]
    small = {"data_files_size_in_mb": 1e-4, "chunks_size": 2}
    if CODEBASE_VERSION == "v2.1":
        write(folder, "pictures", (4, 3), {"top": "image"})
    else:
        write(folder, "pictures", (4, 3), {"top": "image"}, {**small, "chunks_size": 1})
        # Several episodes in one video and several videos in one data set.
        more = {**small, "data_files_size_in_mb": 0.005, "video_files_size_in_mb": 0.0035}
        write(folder, "parts", (5, 4, 6, 3, 5), {"top": "video"}, more, vcodec="h264")
        names.append("parts")
    expected: dict[str, Any] = {"lerobot": lerobot.__version__, "version": CODEBASE_VERSION}
    expected |= {name: read(folder, name, pixels) for name in names}
    text = json.dumps(expected, ensure_ascii=False).replace('{"index"', '\n{"index"')
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
