# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A data set of the world: jobs for workers, then the files of the real formats.

Stopped at any moment it goes on where it was: a job's records lie in ``.parts`` once its
images are written, and the final files are made of those alone.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import itertools
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from robomamba_jax.config.checks import one_of
from robomamba_jax.config.data import ON_ERROR
from robomamba_jax.data.sources.tfrecord import sequence_example, write_tfrecord
from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import read_json, write_text
from robomamba_jax.utils.hashes import file_sha256
from robomamba_jax.utils.process_pool import ProcessPool
from robomamba_jax.utils.progress import OnProgress
from robomamba_jax.utils.version import __version__
from robomamba_jax.world.dataset import tasks
from robomamba_jax.world.dataset.benchmarks import write_benchmarks
from robomamba_jax.world.dataset.contact_points import CONTACT_POINTS
from robomamba_jax.world.dataset.manifest import MANIFEST, Manifest, read_manifest
from robomamba_jax.world.dataset.tasks import (
    FAILED,
    REMARKS,
    VERSION,
    ItemRange,
    WorldPlan,
    check_plan,
)
from robomamba_jax.world.failures import Skips
from robomamba_jax.world.objects.categories import ALL

_CLIPS_PER_FILE = 100
_PATIENCE = 20.0  # seconds for the jobs in hand, when all is stopped
_THREADS = ("LP_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def generate(
    plan: WorldPlan,
    out: Path,
    workers: int = 2,
    on_progress: OnProgress | None = None,
    on_error: str = "raise",
) -> Manifest:
    """Carry out a plan, or the rest of it.

    Args:
      plan: what to make.
      out: the folder.
      workers: processes; the files do not depend on it.
      on_progress: told how many items are done, of how many.
      on_error: "raise": an item that cannot be made ends all; "skip": it is left out, and listed.

    Returns:
      The manifest, which is also in the folder.

    Raises:
      InputError: the plan cannot be, the folder holds another one, or a worker says so.
    """
    check_plan(plan)
    one_of("on_error", on_error, ON_ERROR)
    if workers < 1:
        raise InputError("bad_arguments", f"--workers is {workers}", "give 1 or more")
    _claim(out, plan)
    if (out / MANIFEST).is_file():
        return read_manifest(out)
    parts = out / ".parts"
    maps = ("images", "depth", "masks")
    folders = [parts, out / "robovqa", *(out / name for name in maps)]
    if plan.failed_images:
        folders += [out / FAILED / name for name in maps]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    waiting = [job for job in plan.jobs() if not _done(_records_file(parts, job), on_error)]
    _run(plan, out, parts, waiting, workers, on_progress, on_error)
    written = _assemble(plan, out, parts)
    # Last of all: where the manifest is the files are whole, and no record is needed again.
    write_text(out / MANIFEST, json.dumps(written, indent=1) + "\n")
    shutil.rmtree(parts)
    return written


def _claim(out: Path, plan: WorldPlan) -> None:
    """Note the plan in a new folder; refuse a folder that has another plan or other things."""
    note = out / "plan.json"
    if note.is_file():
        known = _object(note).get("digest")
        if known != plan.digest():
            raise InputError(
                "plan_mismatch",
                f"{out} holds another data set, or a part of one",
                "give another --out, or the same flags as before",
            )
        return
    if out.exists() and any(out.iterdir()):
        raise InputError("not_empty", f"{out} is not empty", "give a new folder as --out")
    out.mkdir(parents=True, exist_ok=True)
    fields = {"digest": plan.digest(), "version": VERSION, **dataclasses.asdict(plan)}
    write_text(note, json.dumps(fields, indent=1) + "\n")


def _records_file(parts: Path, job: ItemRange) -> Path:
    """What a job has made, once it is done."""
    return parts / f"{job.kind}-{job.start:07d}.json"


def _object(path: Path) -> dict[str, Any]:
    """A file that we wrote: a JSON object.

    Raises:
      InputError: it is something else by now.
    """
    return read_json(path, fix="give another --out, or the file as written")


def _remarks_on(records: Path) -> dict[str, Any]:
    """Whom a job has skipped, and its notes of objects."""
    remarks = records.with_suffix(REMARKS)
    return _object(remarks) if remarks.is_file() else {}


def _done(records: Path, on_error: str) -> bool:
    """Whether a job is done, and without gaps if that is asked for."""
    return records.is_file() and (on_error == "skip" or not _remarks_on(records).get("skipped"))


def _run(
    plan: WorldPlan,
    out: Path,
    parts: Path,
    jobs: list[ItemRange],
    workers: int,
    on_progress: OnProgress | None,
    on_error: str,
) -> None:
    """Let workers do the jobs; the first error ends all."""
    total = plan.total
    done = total - sum(job.count for job in jobs)
    if on_progress is not None:
        on_progress(done, total)
    if not jobs:
        return
    setup = {"plan": dataclasses.asdict(plan), "root": str(out), "on_error": on_error}
    messages = ({**job._asdict(), "to": str(_records_file(parts, job))} for job in jobs)
    with (
        ProcessPool(
            f"{tasks.__name__}:{tasks.open_tasks.__name__}",
            setup,
            min(workers, len(jobs)),
            name="world",
            # One core per worker: lavapipe would otherwise use them all in each.
            environment=dict.fromkeys(_THREADS, "1"),
            depth=1,
            patience=_PATIENCE,
        ) as pool,
        # Whichever job is done first: records lie in files, which are read in the plan's order.
        contextlib.closing(pool.map(messages, ordered=False)) as replies,
    ):
        for reply, _ in replies:
            done += int(reply["done"])
            if on_progress is not None:
                on_progress(done, total)


def _assemble(plan: WorldPlan, out: Path, parts: Path) -> Manifest:
    """The final files, out of all the jobs' records in their order."""
    remarks = _remarks(plan, parts)
    # Read more than once, and small; clips hold their images, and poses the truth of all their
    # trials: those are read job by job.
    poses = [_without_truth(item) for item in _items(plan, parts, "poses")]
    language = list(_items(plan, parts, "language"))
    files = {
        "manip.json": [item["manip"] for item in poses],
        CONTACT_POINTS: [item["touch"] for item in poses],
        "stage1_1.json": [item["stage1_1"] for item in language],
        "stage1_2_llava.json": [record for item in language for record in item["llava"]],
        "stage1_2_lrv.json": [record for item in language for record in item["lrv"]],
        "stage1_2_detail.json": [item["details"] for item in language],
        "language_images.json": [one for item in language for one in item["conversations"]],
        "language_text.json": [item["text"] for item in _items(plan, parts, "texts")],
    }
    written = [name for name, records in files.items() if records]
    for name in written:
        write_text(out / name, json.dumps(files[name], indent=0) + "\n")
    lines: dict[str, Iterable[dict[str, Any]]] = {
        "poses.jsonl": (item["truth"] for item in _items(plan, parts, "poses")),
        "failed.jsonl": (one for item in _items(plan, parts, "poses") for one in item["failed"]),
        "scenes.jsonl": map(_scene, language),
    }
    # The names of the shards say how many there are: it must be known before the first one.
    clips = plan.clips - sum(one["name"].startswith("clip ") for one in remarks["skipped"])
    clip_files, lines["clips.jsonl"] = _write_clips(out, plan, _items(plan, parts, "clips"), clips)
    written += clip_files
    for name, records in lines.items():
        text = "".join(json.dumps(record) + "\n" for record in records)
        if text:
            write_text(out / name, text)
            written.append(name)
    written += write_benchmarks(plan, out, language, poses, _items(plan, parts, "clips"))
    return _manifest(plan, out, poses, written, remarks)


def _remarks(plan: WorldPlan, parts: Path) -> dict[str, list[Any]]:
    """What the jobs said, each thing once: notes, what was left out, which items were skipped."""
    found: dict[str, list[Any]] = {"skipped": [], "notes": [], "left_out": []}
    for job in plan.jobs():
        for key, things in _remarks_on(_records_file(parts, job)).items():
            found[key] += [thing for thing in things if thing not in found[key]]
    # The list of all jobs together: an error where everything was skipped.
    skips = Skips("skip")
    skips.found = found["skipped"]
    skips.check_any(plan.total, "items")
    return found


def _items(plan: WorldPlan, parts: Path, kind: str) -> Iterator[dict[str, Any]]:
    """A kind's records in their order, one job in memory at a time."""
    for job in plan.jobs():
        if job.kind == kind:
            yield from _object(_records_file(parts, job))["items"]


def _without_truth(item: dict[str, Any]) -> dict[str, Any]:
    """What is written of a pose beside the truth of its trials, which is most of it."""
    kept = {name: item[name] for name in ("manip", "touch", "failures")}
    return {**kept, "category": item["truth"]["category"]}


def _scene(item: dict[str, Any]) -> dict[str, Any]:
    about = {name: item[name] for name in ("instance", "camera", "axes")}
    return {"id": item["stage1_1"]["id"], **about, **item["facts"]}


def _write_clips(
    out: Path, plan: WorldPlan, clips: Iterator[dict[str, Any]], count: int
) -> tuple[list[str], list[dict[str, Any]]]:
    """The files' names, and which object each clip shows: both from one reading."""
    names: list[str] = []
    shown: list[dict[str, Any]] = []

    def record(clip: dict[str, Any]) -> bytes:
        """A clip's bytes; which object it shows is noted on the way."""
        shown.append({"id": f"{len(shown):06d}", "instance": clip["instance"]})
        return _clip_record(clip)

    total = -(-count // _CLIPS_PER_FILE)  # rounded up
    for number in range(total):
        name = f"robovqa/{plan.split}-{number:05d}-of-{total:05d}.tfrecord"
        chosen = itertools.islice(clips, _CLIPS_PER_FILE)
        write_tfrecord(out / name, (record(clip) for clip in chosen))
        names.append(name)
    return names, shown


def _clip_record(clip: dict[str, Any]) -> bytes:
    images = [base64.b64decode(image) for image in clip["images"]]
    return sequence_example({"images": images, "texts": [clip["text"].encode()]})


def _manifest(
    plan: WorldPlan,
    out: Path,
    poses: list[dict[str, Any]],
    written: list[str],
    remarks: dict[str, list[Any]],
) -> Manifest:
    tallies: dict[str, dict[str, Any]] = {}
    for item in poses:
        category = item["category"]
        tally = tallies.setdefault(category, {"kept": 0, "failed": Counter()})
        tally["kept"] += 1
        tally["failed"].update(item["failures"])
    kept = sum(tally["kept"] for tally in tallies.values())
    failed = sum(sum(tally["failed"].values()) for tally in tallies.values())
    return {
        "schema": "robomamba.world generate/1",
        "package": __version__,
        "plan": {"digest": plan.digest(), "version": VERSION, **dataclasses.asdict(plan)},
        "unseen_categories": [name for name in plan.categories if not ALL[name].seen],
        "poses": {
            "kept": kept,
            "failed": failed,
            "categories": {
                name: {"kept": tally["kept"], "failed": dict(sorted(tally["failed"].items()))}
                for name, tally in sorted(tallies.items())
            },
        },
        "formats": {
            "manip.json": {"format": "robomamba-poses", "pixel_order": "xy", "frame": "manipllm"}
        },
        "files": {
            name: {"bytes": (out / name).stat().st_size, "sha256": file_sha256(out / name)}
            for name in written
        },
        "skipped": remarks["skipped"],
        "notes": remarks["notes"],
        "left_out": remarks["left_out"],
    }
