# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The world's scenes as small benchmarks, in the files of VQAv2, GQA, POPE, MME and the others.

Scene k is asked about in words of its split, drawn from the plan's seed, so that neither
workers nor interruptions change a byte.
"""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from robomamba_jax.data.sources.robovqa_text import parse_questions
from robomamba_jax.data.sources.sample import even_frames
from robomamba_jax.evaluation.synthetic import export_benchmarks
from robomamba_jax.evaluation.synthetic.benchmark_files import (
    OKVQA_FILES,
    VQA_FILES,
    book_cover,
    book_of,
)
from robomamba_jax.evaluation.synthetic.export_benchmarks import Entry
from robomamba_jax.world.dataset.tasks import WorldPlan
from robomamba_jax.world.language import bench_questions as q
from robomamba_jax.world.language.facts import Facts
from robomamba_jax.world.language.wording import Wording
from robomamba_jax.world.objects.rng import Rng

# At most so many scenes, images of an MME sub-task, MMBench questions, books, clips' questions,
# and poses: a benchmark of minutes, not of hours.
SCENES, PER_SUBTASK, CHOICES, BOOKS, CLIPS, POSES = 300, 40, 150, 20, 600, 500
_CODE = 4  # beside those of the kinds of items, see jobs
_COVER = "cover-"
_POPE = ("random", "popular", "adversarial")


class Scene(NamedTuple):
    """An image and what is true of it.

    Attributes:
      image: its name below images/.
      facts: of it.
      words: what draws its questions.
    """

    image: str
    facts: Facts
    words: Wording


def write_benchmarks(
    plan: WorldPlan,
    out: Path,
    language: Sequence[dict[str, Any]],
    poses: Sequence[dict[str, Any]],
    clips: Iterator[dict[str, Any]],
) -> list[str]:
    """``bench/<name>/`` below ``out``, those for which there is anything to ask about.

    Args:
      plan: what was generated.
      out: its folder, whose images are linked to.
      language: items of images with facts.
      poses: items of poses.
      clips: items of clips.

    Returns:
      The files' names, relative to ``out``, images left out.
    """
    bench, written = out / "bench", []
    kept = [language[k] for k in even_frames(len(language), SCENES)] if language else []
    scenes = [_scene(plan, item) for item in kept]

    def put(image: str, path: Path) -> None:
        """An image of the data set, or a cover, at a place of the benchmark's."""
        if image.startswith(_COVER):
            book_cover(int(image.removeprefix(_COVER))).save(path, quality=95)
        else:
            _link(out / "images" / image, path)

    if scenes:
        # What goes over all scenes together has a stream of its own, too.
        stream = Rng((*plan.seed_of("language", 0)[:-1], _CODE))
        written += _write_scenes(bench, scenes, Wording(stream, plan.split), put)
        books = [{**book_of(k), "image": f"{_COVER}{k}"} for k in range(BOOKS)]
        written += export_benchmarks.write_ocrvqa(bench / "ocrvqa", books, put)
    if poses:
        chosen = [poses[k]["manip"] for k in even_frames(len(poses), POSES)]
        written += export_benchmarks.write_manipulation(bench / "manipulation", chosen, put)
    written += _write_clips(bench / "robovqa", clips)
    return [str(path.relative_to(out)) for path in written]


def _scene(plan: WorldPlan, item: dict[str, Any]) -> Scene:
    name = item["stage1_1"]["image"]
    # A stream of its own: what benchmarks ask must not shift what is said of the item elsewhere.
    rng = Rng((*plan.seed_of("language", int(Path(name).stem)), _CODE))
    return Scene(name, q.facts_of(item["facts"]), Wording(rng, plan.split))


def _link(source: Path, path: Path) -> None:
    """The same image under another name; a copy where the disk has no links."""
    path.unlink(missing_ok=True)
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)


def _write_scenes(
    bench: Path, scenes: Sequence[Scene], words: Wording, put: export_benchmarks.SaveImage
) -> list[Path]:
    known: list[Entry] = []
    short: list[Entry] = []
    free: list[Entry] = []
    for scene in scenes:
        short += [*q.short_questions(*scene), *q.yes_no_questions(*scene)]
        known += q.knowledge(*scene)
        free += q.free_questions(*scene)
    pairs = [(image, facts) for image, facts, _ in scenes]
    choices = [entry for scene in scenes for entry in q.choices(*scene)]
    writers = {
        "vqav2": lambda to: export_benchmarks.write_vqa(to, short, put, VQA_FILES),
        "okvqa": lambda to: export_benchmarks.write_vqa(to, known, put, OKVQA_FILES),
        "gqa": lambda to: export_benchmarks.write_gqa(to, short, put),
        "vizwiz": lambda to: export_benchmarks.write_vizwiz(to, q.photographs(pairs, words), put),
        "pope": lambda to: export_benchmarks.write_pope(to, _pope(pairs, words), put),
        "mme": lambda to: export_benchmarks.write_mme(to, _mme(scenes), put),
        "mmbench": lambda to: export_benchmarks.write_mmbench(
            to, [choices[k] for k in even_frames(len(choices), CHOICES)], put
        ),
        "mmvet": lambda to: export_benchmarks.write_mmvet(to, free, put),
    }
    return [path for name, write in writers.items() for path in write(bench / name)]


def _pope(scenes: Sequence[tuple[str, Facts]], words: Wording) -> dict[str, list[Entry]]:
    """As many there as not, in each of the three files."""
    return {kind: q.there_or_not(scenes, words, kind) for kind in _POPE}


def _mme(scenes: Sequence[Scene]) -> dict[str, list[tuple[Entry, Entry]]]:
    found: dict[str, list[tuple[Entry, Entry]]] = {}
    others = q.others_in([(image, facts) for image, facts, _ in scenes])
    for image, facts, words in scenes:
        for name, pair in q.pairs(image, facts, words, others).items():
            found.setdefault(name, []).append(pair)
    # No scene shows words: book covers are drawn for this sub-task.
    found["OCR"] = [q.cover_pair(f"{_COVER}{k}", book_of(k), book_of(k + 1)) for k in range(BOOKS)]
    return {
        name: [pairs[k] for k in even_frames(len(pairs), PER_SUBTASK)]
        for name, pairs in found.items()
    }


def _write_clips(folder: Path, clips: Iterator[dict[str, Any]]) -> list[Path]:
    """The last frame of each clip with all of its questions."""
    entries: list[Entry] = []
    frames: dict[str, bytes] = {}
    for number, clip in enumerate(clips):
        if len(entries) >= CLIPS:
            break
        name = f"{number}"
        # A question has one image; the last frame shows what came of the clip.
        frames[name] = base64.b64decode(clip["images"][-1])
        asked = parse_questions(clip["text"], f"clip {number}")
        entries += [Entry(name, one.question, one.answer, one.task) for one in asked]

    def put(image: str, path: Path) -> None:
        """A frame, as the clip holds it."""
        path.write_bytes(frames[image])

    return export_benchmarks.write_robovqa(folder, entries, put) if entries else []
