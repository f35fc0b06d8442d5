# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""One shard of prepared data: written aside, then put in its place together with its facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from robomamba_jax.data.cache.record_format import to_record
from robomamba_jax.data.pipeline.datasets import Dataset
from robomamba_jax.data.pipeline.ledger import Problem
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_names import lasting_plain_path
from robomamba_jax.utils.files import replacing, write_text
from robomamba_jax.utils.hashes import file_sha256

# One record per group: reading one decompresses no other.
_OPTIONS = "group_size:1"


def facts_path(shard: Path) -> Path:
    """Where the facts of a shard stand while the others are written."""
    return shard.with_name(f"{shard.name}.json")


def write_shard(
    dataset: Dataset, start: int, stop: int, path: Path, codec: str, *, skip: bool
) -> dict[str, Any]:
    """Encode a range of samples into one ArrayRecord file.

    Args:
      dataset: whose samples.
      start: the first.
      stop: behind the last.
      path: of the file; beside it a JSON file of its facts is left, the sign that it is whole.
      codec: of the images.
      skip: leave bad samples out instead of stopping.

    Returns:
      {"file", "bytes", "sha256", "samples", "index": [text, images, supervised] a sample,
      "names": ids, "problems"}.

    Raises:
      InputError: a sample is bad and may not be skipped.
    """
    from array_record.python.array_record_module import ArrayRecordWriter

    index, names, problems = [], [], []
    with replacing(path, sync=True) as partial:
        writer = ArrayRecordWriter(str(lasting_plain_path(partial)), _OPTIONS)
        for number in range(start, stop):
            try:
                example = dataset.example(number)
            except InputError as error:
                about = (dataset.name, number, str(number), error.kind, error.message)
                problem = Problem(*about, found="prepare", fix=error.fix)
                if not skip:
                    raise problem.as_error() from error
                problems.append(problem)
                continue
            writer.write(to_record(example, codec))
            sizes = (len(example.ids), len(example.image_positions), int(example.supervised.sum()))
            index.append(sizes)
            names.append(example.id)
        writer.close()
        if not names:
            # An empty ArrayRecord file is one that others refuse to open.
            partial.unlink()
        facts = {
            "file": path.name if names else None,
            "bytes": partial.stat().st_size if names else 0,
            "sha256": file_sha256(partial) if names else "",
            "samples": len(names),
            "index": index,
            "names": names,
            "problems": [list(problem) for problem in problems],
        }
    # After the shard: facts that are there say that the shard is, too.
    write_text(facts_path(path), json.dumps(facts))
    return facts
