# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The inference folder: the only place that writes and reads it.

manifest.json   format version; sha256 and bytes of every other file; where it came from
config.json     the model's parts
params/         model-*.safetensors with an index; unread.safetensors, if there is any
tokenizer.json, processor.json, README.md
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from robomamba_jax.checkpoints import stored_kind
from robomamba_jax.config.serial import ModelParts, parts_from_json, parts_to_json
from robomamba_jax.convert.model_card import model_card
from robomamba_jax.convert.safetensors_file import SafetensorsFile, write_safetensors
from robomamba_jax.convert.sources import ShardedSource
from robomamba_jax.convert.tensor_names import tensor_shapes
from robomamba_jax.convert.tensors import LazyTensor, TensorSource
from robomamba_jax.data.processor import Processor
from robomamba_jax.data.text.tokenizer import Tokenizer
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_names import fitting
from robomamba_jax.utils.files import read_json, writing
from robomamba_jax.utils.hashes import file_sha256
from robomamba_jax.utils.json_types import Json
from robomamba_jax.utils.untrusted_text import encode_text

SCHEMA = "robomamba.folder/1"
FORMAT_VERSION = 1
SHARD_BYTES = 4 * 2**30
INDEX = "params/model.safetensors.index.json"
UNREAD = "params/unread.safetensors"
_FIX = "copy or convert it again"

JsonView: TypeAlias = Mapping[str, Json]


@dataclasses.dataclass(frozen=True)
class Folder:
    """An opened inference folder.

    Attributes:
      path: of the folder.
      parts: what it holds.
      origin: where the weights came from, as in the manifest.
      manifest: the whole manifest.
    """

    path: Path
    parts: ModelParts
    origin: JsonView
    manifest: JsonView

    def source(self) -> TensorSource:
        """Its parameters, by our names; names and shapes are as its config says.

        Raises:
          InputError: they are not.
        """
        # Both ways: what the config asks for is there, and nothing else is.
        source = ShardedSource(self.path / INDEX)
        shapes = tensor_shapes(self.parts)
        for name in source.names():
            if name not in shapes or source.info(name).shape != shapes[name]:
                source.close()
                raise InputError("tensor_mismatch", f"{self.path}: {name} does not fit", _FIX)
        for name in shapes:
            if name not in source.names():
                source.close()
                raise InputError("tensor_mismatch", f"{self.path} lacks {name}", _FIX)
        return source

    def unread(self) -> TensorSource | None:
        """The tensors that are only kept to be written back, if there are any."""
        path = self.path / UNREAD
        return SafetensorsFile(path) if path.is_file() else None

    def processor(self, tokenizer: str | os.PathLike[str] | Tokenizer | None = None) -> Processor:
        """The processor; ``tokenizer`` is used where the folder has none."""
        return Processor.load(self.path, tokenizer)


def open_folder(path: str | os.PathLike[str], *, hashes: bool = False) -> Folder:
    """Open an inference folder.

    Every file's size is compared with the manifest, and the hashes of all but parameters;
    theirs too with ``hashes`` (about 1.5 s per gigabyte).

    Raises:
      InputError: a file is missing, changed or unknown, or of a newer format.
    """
    path = Path(path)
    manifest = read_json(path / "manifest.json")
    # Before any file is looked at: what another version wrote may have others.
    version = manifest.get("format_version")
    if manifest.get("schema") != SCHEMA or version != FORMAT_VERSION:
        raise InputError(
            "bad_folder",
            f"{path} has format {manifest.get('schema')!r}, version {version}; "
            f"this is {SCHEMA!r}, version {FORMAT_VERSION}",
            "open it with the version that wrote it",
        )
    changed = [
        f"{name} {what}" for name, what in check_files(path, manifest, hashes).items() if what
    ]
    if changed:
        raise InputError("bad_folder", f"{path}: {changed[0]}", _FIX)
    parts = parts_from_json(read_json(path / "config.json"), str(path / "config.json"))
    return Folder(path, parts, manifest.get("origin", {}), manifest)


def check_files(path: Path, manifest: JsonView, hashes: bool = True) -> dict[str, str]:
    """What is wrong with each file of a folder, "" for nothing.

    Args:
      path: the folder.
      manifest: its manifest.
      hashes: compute the parameters' too.
    """
    files = manifest.get("files")
    if not isinstance(files, dict):
        raise InputError("bad_folder", f"{path}: the manifest lists no files", _FIX)
    result = {}
    for name, facts in files.items():
        file = path / name
        # A manifest may come from anywhere: it must not have files outside the folder hashed.
        inside = not Path(name).is_absolute() and ".." not in Path(name).parts
        if not inside or not isinstance(facts, dict):
            result[name] = "is not a file of the folder"
        elif not file.is_file():
            result[name] = "is missing"
        elif file.stat().st_size != facts.get("bytes"):
            result[name] = f"has {file.stat().st_size} bytes, not {facts.get('bytes')}"
        elif (hashes or not name.startswith("params/")) and file_sha256(file) != facts.get(
            "sha256"
        ):
            result[name] = "is not what was written: its sha256 differs"
        else:
            result[name] = ""
    return result


def write_folder(
    path: str | os.PathLike[str],
    parts: ModelParts,
    processor: Processor,
    tensors: Sequence[LazyTensor],
    *,
    unread: Sequence[LazyTensor] = (),
    origin: JsonView | None = None,
    overwrite: bool = False,
    shard_bytes: int = SHARD_BYTES,
    progress: Callable[[int], None] = lambda count: None,
) -> Path:
    """Write an inference folder; it appears under its name only when it is complete.

    Args:
      path: of the folder.
      parts: what it holds.
      processor: tokenizer, image transform, prompt template and pose conventions.
      tensors: every tensor of the parts, by our names.
      unread: tensors that are only kept to be written back.
      origin: family, file hashes and the like, for the manifest.
      overwrite: replace a folder that this function wrote before.
      shard_bytes: most bytes in one file.
      progress: called with the number of bytes written.

    Raises:
      InputError: ``path`` exists, or cannot be written.
    """
    path = Path(path)
    _check_target(path, overwrite)
    with writing(path, "free some space, or give another folder"):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that replace() stays on one file system and is atomic.
        prefix = f".{fitting(path.name, most=200)}."
        partial = Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
        try:
            hashes = _write_params(partial, tensors, unread, shard_bytes, progress)
            processor.save(partial)
            _write_json(partial / "config.json", parts_to_json(parts))
            card = model_card(path.name, parts, processor, origin or {})
            (partial / "README.md").write_bytes(encode_text(card))
            # Last: a folder with a manifest is whole.
            _write_manifest(partial, hashes, origin or {})
            partial.chmod(0o755)  # mkdtemp made it 0o700
            if path.exists():
                shutil.rmtree(path) if not path.is_symlink() else path.unlink()
            partial.replace(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return path


def _check_target(path: Path, overwrite: bool) -> None:
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not overwrite:
        raise InputError("exists", f"{path} exists", "give another folder, or --overwrite")
    # --overwrite removes the folder with all that is in it: only what we wrote may go.
    if stored_kind(path) != "folder":
        raise InputError(
            "exists", f"{path} is not an inference folder", "it is kept: give another folder"
        )


def _write_params(
    root: Path,
    tensors: Sequence[LazyTensor],
    unread: Sequence[LazyTensor],
    shard_bytes: int,
    progress: Callable[[int], None],
) -> dict[str, str]:
    """The parameters in shards, and their hashes by file."""
    shards: list[list[LazyTensor]] = [[]]
    filled = 0
    for entry in tensors:
        # A tensor larger than a shard has one of its own.
        if filled and filled + entry[1].nbytes > shard_bytes:
            shards.append([])
            filled = 0
        shards[-1].append(entry)
        filled += entry[1].nbytes
    names = [f"model-{n + 1:05d}-of-{len(shards):05d}.safetensors" for n in range(len(shards))]
    (root / "params").mkdir()
    files = [(f"params/{name}", shard) for name, shard in zip(names, shards, strict=True)]
    hashes = {}
    for name, shard in [*files, *([(UNREAD, unread)] if unread else [])]:
        digest = hashlib.sha256()

        # Hashed while it is written: reading the files again would double the time.
        def observe(piece: bytes | memoryview, digest: hashlib._Hash = digest) -> None:
            """Hashes and counts what is written."""
            digest.update(piece)
            progress(len(piece))

        write_safetensors(root / name, shard, observe=observe)
        hashes[name] = digest.hexdigest()
    # As the hub's indices: names of files in the index's own folder.
    where = {entry[0]: Path(file).name for file, shard in files for entry in shard}
    total = sum(entry[1].nbytes for entry in tensors)
    _write_json(root / INDEX, {"metadata": {"total_size": total}, "weight_map": where})
    return hashes


def _write_manifest(root: Path, hashes: Mapping[str, str], origin: JsonView) -> None:
    files = {}
    for file in sorted(p for p in root.rglob("*") if p.is_file()):
        name = str(file.relative_to(root))
        files[name] = {
            "bytes": file.stat().st_size,
            "sha256": hashes.get(name) or file_sha256(file),
        }
    content = {
        "schema": SCHEMA,
        "format_version": FORMAT_VERSION,
        "origin": dict(origin),
        "files": files,
    }
    _write_json(root / "manifest.json", content)


def _write_json(path: Path, content: JsonView) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    path.write_bytes(encode_text(text, in_json=True))


def source_tensors(source: TensorSource, names: Iterable[str] | None = None) -> list[LazyTensor]:
    """A source's tensors as :func:`write_folder` and the exporters take them."""

    def entry(name: str) -> LazyTensor:
        """One tensor of the source."""
        return name, source.info(name), lambda: source.read(name)

    return [entry(name) for name in (source.names() if names is None else names)]
