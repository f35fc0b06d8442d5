# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""LeRobot data sets for tests: what LeRobot wrote, copies to damage, and small ones of ours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

# Written by lerobot 0.3.3 and 0.4.4: scripts/make_lerobot_fixtures.py.
LEROBOT = Path(__file__).parent / "files" / "lerobot"
NAMES = [
    "v2.1/two_cameras",
    "v2.1/pictures",
    "v3.0/two_cameras",
    "v3.0/pictures",
    "v3.0/parts",
]
FRONT = "observation.images.front"
TEMPLATES = {
    "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
    "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
}


def expected(name: str) -> dict[str, Any]:
    """What LeRobot itself reads of a data set."""
    version, _, part = name.partition("/")
    return json.loads((LEROBOT / version / "expected.json").read_text(encoding="utf-8"))[part]


def copied(name: str, folder: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(LEROBOT / name, folder / "set")


def changed(path: Path, **fields: Any) -> Path:
    """Other values in a copy's info.json."""
    info = json.loads((path / "meta/info.json").read_text(encoding="utf-8"))
    (path / "meta/info.json").write_text(json.dumps({**info, **fields}))
    return path


def video(path: Path, frames: list[np.ndarray], fps: int, options: dict[str, str]) -> None:
    """An mp4 with h264."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("h264", fps, options=options)
        stream.pix_fmt, stream.width, stream.height = "yuv420p", width, height
        for pixels in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode())


def written(folder: Path, lengths: list[int], *, group: int = 1000, **columns: Any) -> Path:
    """A v2.1 data set without cameras; ``columns`` are functions of (episode, step)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    features: dict[str, Any] = {
        name: {"dtype": "float32", "shape": [np.size(make(0, 0))]} for name, make in columns.items()
    }
    features |= {
        name: {"dtype": "int64", "shape": [1]}
        for name in ("frame_index", "episode_index", "index", "task_index")
    }
    info = {
        "codebase_version": "v2.1",
        "robot_type": None,
        "fps": 10,
        "chunks_size": 2,
        "total_episodes": len(lengths),
        "total_frames": sum(lengths),
        **TEMPLATES,
        "features": features,
    }
    for episode, length in enumerate(lengths):
        path = folder / TEMPLATES["data_path"].format(
            episode_chunk=episode // 2, episode_index=episode
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        steps = range(length)
        rows: dict[str, Any] = {n: [make(episode, s) for s in steps] for n, make in columns.items()}
        rows |= {"timestamp": [step / 10 for step in steps], "frame_index": list(steps)}
        rows |= {"episode_index": [episode] * length, "task_index": [0] * length}
        pq.write_table(pa.table(rows), path, row_group_size=group)
    (folder / "meta").mkdir(parents=True, exist_ok=True)
    (folder / "meta/info.json").write_text(json.dumps(info))
    lines = [{"episode_index": n, "tasks": ["t"], "length": m} for n, m in enumerate(lengths)]
    (folder / "meta/episodes.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    (folder / "meta/tasks.jsonl").write_text('{"task_index": 0, "task": "grasp it"}\n')
    return folder
