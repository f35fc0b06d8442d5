# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba data prepare``: all shards in parallel, taken up again where it was stopped."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors.numpy

from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.tree import tree_from_json, tree_to_json
from robomamba_jax.data.cache.prepared import (
    INDEX,
    LEDGER,
    MANIFEST,
    SCHEMA,
    Manifest,
    read_manifest,
)
from robomamba_jax.data.cache.string_array import StringArray
from robomamba_jax.data.pipeline.datasets import Dataset
from robomamba_jax.data.pipeline.ledger import Ledger, nothing_usable
from robomamba_jax.data.pipeline.prepare import ShardFacts, facts_path
from robomamba_jax.data.pipeline.tasks import DataPool, problems_of
from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import write_text
from robomamba_jax.utils.hashes import file_sha256
from robomamba_jax.utils.progress import OnProgress

_BEGUN = "begun.json"
_TOKENIZER = "tokenizer.json"


def prepare(
    config: DataConfig,
    folder: str | os.PathLike[str],
    *,
    workers: int = 0,
    on_progress: OnProgress | None = None,
) -> Manifest:
    """Tokenise, resize and store all samples.

    The files are the same whatever the number of workers, and however often it was stopped.

    Args:
      config: what to prepare and how.
      folder: where to; empty, missing, or what an earlier run of the same began.
      workers: processes.
      on_progress: called with (samples done, samples in all) after each shard.

    Returns:
      The manifest.

    Raises:
      InputError: the folder holds something else, or a sample is bad and may not be skipped.
    """
    root = Path(folder)
    with DataPool(config, workers) as pool:
        datasets = pool.tasks.datasets
        begun = {
            "schema": SCHEMA,
            "config": _content(config),
            "identity": pool.tasks.encoder.identity(),
            "parts": [{"name": dataset.name, "samples": len(dataset)} for dataset in datasets],
        }
        if (finished := _begin(root, begun)) is not None:
            return finished
        jobs = list(_jobs(root, datasets, config.prepare.shard_samples))
        total = sum(len(dataset) for dataset in datasets)
        shards = _shards(pool, jobs, total, on_progress)
        (root / _TOKENIZER).write_bytes(pool.tasks.encoder.tokenizer.data)
        return _finish(root, begun, datasets, jobs, shards)


def _content(config: DataConfig) -> Any:
    """A configuration without the folders to which links may lead: files prepared through them are
    the same files."""
    sources = tuple(dataclasses.replace(source, allow_roots=()) for source in config.sources)
    content: Any = tree_to_json(dataclasses.replace(config, sources=sources))
    for source in content["sources"]:
        del source["allow_roots"]
    return content


def _same(held: Mapping[str, Any], begun: dict[str, Any], names: Sequence[str]) -> bool:
    """Whether a folder was begun as this run begins; a field that its configuration does not have
    yet has its default there."""
    try:
        content = _content(tree_from_json(DataConfig, held.get("config"), "config"))
    except InputError:  # a field that there is no more
        return False
    held = {**held, "config": content}
    return all(held.get(name) == begun[name] for name in names)


def _begin(root: Path, begun: dict[str, Any]) -> Manifest | None:
    """Make the folder, or check that it is ours to go on with; its manifest if it is done."""
    root.mkdir(parents=True, exist_ok=True)
    note = root / _BEGUN
    if (root / MANIFEST).is_file():
        manifest = read_manifest(root)
        if _same(manifest, begun, ("config", "identity")):
            return manifest
    if note.is_file():
        # Another configuration must not complete what this one began: shards of two encodings would
        # stand in one folder.
        if not _same(json.loads(note.read_bytes()), begun, tuple(begun)):
            what = f"{root} was begun with another configuration or other sources"
            raise InputError("data_mismatch", what, "give another folder, or remove this one")
    elif any(root.iterdir()):
        what = "holds prepared data" if (root / MANIFEST).is_file() else "is not empty"
        raise InputError("exists", f"{root} {what}", "give another folder, or remove this one")
    else:
        note.write_text(json.dumps(begun))
    return None


def _jobs(root: Path, datasets: Sequence[Dataset], size: int) -> Iterator[dict[str, Any]]:
    """A job per shard: fixed ranges, so that nothing depends on who does which."""
    for number, dataset in enumerate(datasets):
        for shard, start in enumerate(range(0, len(dataset), size)):
            # Names of recorded files: "part" is a dataset here, see the glossary.
            name = f"part{number:02d}-{shard:05d}.array_record"
            yield {
                "op": "shard",
                "dataset": number,
                "start": start,
                "stop": min(start + size, len(dataset)),
                "path": str(root / name),
            }


def _shards(
    pool: DataPool,
    jobs: Sequence[dict[str, Any]],
    total: int,
    on_progress: OnProgress | None,
) -> list[ShardFacts]:
    """The facts of all shards, old and new, in order."""
    # A shard counts when its facts are there, which are written after it; so a kill costs the
    # shards in hand and no others.
    known = {job["path"]: _known(Path(job["path"])) for job in jobs}
    missing = [job for job in jobs if known[job["path"]] is None]
    done = sum(job["stop"] - job["start"] for job in jobs) - sum(
        job["stop"] - job["start"] for job in missing
    )
    for job, (facts, _) in zip(missing, pool.map(missing), strict=True):
        known[job["path"]] = cast(ShardFacts, facts)
        done += job["stop"] - job["start"]
        if on_progress is not None:
            on_progress(done, total)
    return [facts for facts in (known[job["path"]] for job in jobs) if facts is not None]


def _known(path: Path) -> ShardFacts | None:
    """The facts of a shard that an earlier run finished."""
    note = facts_path(path)
    if not note.is_file():
        return None
    facts = json.loads(note.read_bytes())
    # Length alone: hashing terabytes again at each resumption would take longer than preparing
    # them. ``data verify`` compares hashes.
    whole = facts["file"] is None or (path.is_file() and path.stat().st_size == facts["bytes"])
    return facts if whole else None


def _finish(
    root: Path,
    begun: dict[str, Any],
    datasets: Sequence[Dataset],
    jobs: Sequence[dict[str, Any]],
    shards: Sequence[ShardFacts],
) -> Manifest:
    """Index, ledger and manifest; then what only a resumption needs goes away."""
    index = [sizes for shard in shards for sizes in shard["index"]]
    columns = np.array(index, np.int32).reshape(-1, 3)
    if not len(columns):
        raise nothing_usable([problem for shard in shards for problem in problems_of(shard)])
    names = StringArray.of([name for shard in shards for name in shard["names"]])
    owners = [job["dataset"] for job in jobs]
    arrays = {
        "part": np.repeat(owners, [shard["samples"] for shard in shards]).astype(np.int32),
        **{name: columns[:, n].copy() for n, name in enumerate(("text", "images", "supervised"))},
        "name_bytes": names.data.copy(),
        "name_ends": names.ends,
    }
    (root / INDEX).write_bytes(safetensors.numpy.save(arrays))
    problems = [problem for shard in shards for problem in problems_of(shard)]
    # Written anew: a kill between here and the manifest leaves one that would get all lines twice.
    (root / LEDGER).unlink(missing_ok=True)
    Ledger(root / LEDGER).add(problems)
    (root / LEDGER).touch()
    listed = []
    for number, dataset in enumerate(datasets):
        own = [shard for owner, shard in zip(owners, shards, strict=True) if owner == number]
        listed.append(
            {
                "name": dataset.name,
                "weight": dataset.weight,
                "samples": sum(shard["samples"] for shard in own),
                "skipped": sum(len(shard["problems"]) for shard in own),
                "facts": dict(dataset.facts()),
            }
        )
    kept = [shard for shard in shards if shard["file"]]
    files = {shard["file"]: {k: shard[k] for k in ("sha256", "bytes")} for shard in kept}
    for name in (INDEX, LEDGER, _TOKENIZER):
        files[name] = {"sha256": file_sha256(root / name), "bytes": (root / name).stat().st_size}
    manifest = {
        **begun,
        "parts": listed,
        "shards": [{k: shard[k] for k in ("file", "samples")} for shard in kept],
        "files": files,
    }
    write_text(root / MANIFEST, json.dumps(manifest, indent=1))
    # Last: until the manifest is there, the next call needs these to go on.
    for path in [root / _BEGUN, *(facts_path(Path(job["path"])) for job in jobs)]:
        path.unlink(missing_ok=True)
    return cast(Manifest, manifest)
