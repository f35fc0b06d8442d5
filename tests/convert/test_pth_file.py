# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""torch's files against torch itself, and a hundred files that want to do harm."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.convert.pth_file import PthFile
from robomamba_jax.convert.pth_write import write_pth
from robomamba_jax.convert.tensors import NUMPY_DTYPES, TensorInfo
from robomamba_jax.errors import InputError
from tests.convert import hostile_pth
from tests.convert.hostile_pth import MARKER, archive, corpus


def marker_path(tmp_path: Path) -> Path:
    """A path of the length that the corpus wants."""
    folder = tempfile.mkdtemp(dir="/tmp")
    path = Path(folder) / "x"
    path = Path(folder) / ("x" * (len(MARKER) - len(str(path)) + 1))
    assert len(str(path)) == len(MARKER)
    return path


def same(ours: np.ndarray, theirs: Any) -> bool:
    """Shape, dtype and bits of a torch tensor."""
    import torch

    theirs = theirs.detach().contiguous()
    raw = theirs.reshape(-1).view(torch.uint8).numpy().tobytes() if theirs.numel() else b""
    name = str(theirs.dtype).removeprefix("torch.")
    return ours.shape == tuple(theirs.shape) and str(ours.dtype) == name and ours.tobytes() == raw


def tensors() -> dict[str, Any]:
    """Everything that a state dict may hold."""
    import torch

    made: dict[str, Any] = {
        name: torch.randint(0, 2, (3, 5)).to(getattr(torch, name)) for name in NUMPY_DTYPES
    }
    base = torch.randn(7, 11)
    return {
        **made,
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
        "transposed": base.T,
        "row": base[3],
        "column": base[:, 2],
        "matched": base[1::2, ::3],
        "permuted": torch.randn(2, 3, 4).permute(2, 0, 1),
        "parameter": torch.nn.Parameter(torch.randn(3)),
        "tied": base,
        "tied too": base,
        "large": torch.randn(3000, 100),
    }


@pytest.mark.torch
@pytest.mark.parametrize("wrapper", [None, "model", "state_dict"])
def test_every_tensor_that_torch_saves(wrapper: str | None, tmp_path: Path) -> None:
    """Bit for bit, into new memory and into memory that is given."""
    import torch

    held = tensors()
    extra = {"epoch": 3, "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}}}
    torch.save(held if wrapper is None else {wrapper: held, **extra}, tmp_path / "a.pth")
    file = PthFile(tmp_path / "a.pth")
    assert file.names() == list(held)
    assert set(file.extras) == ({"epoch", "optimizer"} if wrapper else set())
    for name, want in held.items():
        assert file.info(name).shape == tuple(want.shape)
        assert same(file.read(name), want), name
        info = file.info(name)
        out = np.empty(info.shape, NUMPY_DTYPES[info.dtype])
        assert file.read(name, out) is out
        assert same(out, want), name
    file.close()


@pytest.mark.torch
def test_a_modules_state_dict(tmp_path: Path) -> None:
    """With torch's own metadata on the OrderedDict, and what is no tensor beside."""
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    torch.save({**model.state_dict(), "version": 3}, tmp_path / "b.pth")
    torch.save(model.state_dict(), tmp_path / "a.pth")
    for path, extras in ((tmp_path / "a.pth", {}), (tmp_path / "b.pth", {"version"})):
        file = PthFile(path)
        assert set(file.extras) == set(extras)
        assert all(same(file.read(name), value) for name, value in model.state_dict().items())
        file.close()


@pytest.mark.torch
def test_torch_reads_what_we_write(tmp_path: Path) -> None:
    """By its safe loader, bit for bit, and so do we."""
    import torch

    rng = np.random.default_rng(0)
    made = {
        "a.weight": rng.standard_normal((5, 7), np.float32),
        "half": rng.standard_normal((3, 1, 4)).astype(np.float16),
        "brain": rng.standard_normal(300).astype(NUMPY_DTYPES["bfloat16"]),
        "scalar": np.float32(2).reshape(()) * np.ones((), np.float32),
    }
    made["scalar"] = np.array(2, np.float32)
    entries: list[Any] = [
        (n, TensorInfo(a.shape, str(a.dtype)), lambda a=a: a) for n, a in made.items()
    ]
    write_pth(tmp_path / "a.pth", entries)
    held = torch.load(tmp_path / "a.pth", weights_only=True)
    file = PthFile(tmp_path / "a.pth")
    assert list(held) == file.names() == list(made)
    for name, value in made.items():
        assert same(value, held[name]), name
        assert file.read(name).tobytes() == value.tobytes()
    file.close()


def test_the_corpus_is_alive(tmp_path: Path) -> None:
    """Two of its payloads under the real unpickler, which does what they say."""
    for what in ("posix.system", "builtins.eval"):
        marker = marker_path(tmp_path)
        with zipfile.ZipFile(io.BytesIO(corpus(str(marker))[what])) as file:
            data = file.read("archive/data.pkl")

        class Loads(pickle.Unpickler):
            def persistent_load(self, pid: Any) -> Any:
                return None

        with contextlib.suppress(Exception):  # what follows needs torch's own functions
            Loads(io.BytesIO(data)).load()
        assert marker.exists(), what


OPEN_ALL = """
import json, re, sys
from pathlib import Path
from robomamba_jax.convert.pth_file import PthFile
from robomamba_jax.errors import InputError

def high_water():  # KiB; getrusage's would start from the parent's
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

base = high_water()
answers = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        file = PthFile(path)
        for name in file.names():
            file.read(name)
        answers[path.name] = None
    except InputError as error:
        answers[path.name] = [str(error), error.fix]
loaded = [name for name in ("torch", "pickle", "antigravity") if name in sys.modules]
print(json.dumps({"answers": answers, "mib": (high_water() - base) / 1024, "modules": loaded}))
"""


@pytest.mark.slow
def test_no_hostile_file_does_anything(tmp_path: Path) -> None:
    """Each refused in one line, nothing executed, memory bounded; in one process for them all."""
    marker = marker_path(tmp_path)
    files = corpus(str(marker))
    assert len(files) >= 100
    names = {f"{number:03d}.pth": what for number, what in enumerate(files)}
    folder = tmp_path / "corpus"
    folder.mkdir()
    for file, what in names.items():
        (folder / file).write_bytes(files[what])
    done = subprocess.run(
        [sys.executable, "-c", OPEN_ALL, str(folder)], check=True, capture_output=True, text=True
    )
    report = json.loads(done.stdout)
    passed = [names[file] for file, answer in report["answers"].items() if answer is None]
    assert passed == []
    for file, (message, fix) in report["answers"].items():
        assert "\n" not in message, names[file]
        assert message.isprintable(), names[file]
        assert file in message
        assert fix
    assert not marker.exists()
    assert "torch" not in report["modules"]
    assert "antigravity" not in report["modules"]
    # The largest file of the corpus is 65 MB, and cutting a million nested lists takes as much.
    print(f"{len(files)} files, {report['mib']:.0f} MiB above the start")
    assert report["mib"] < 200


def test_what_is_asked_for_is_named(tmp_path: Path) -> None:
    """So that a user sees why, and what to do."""
    path = tmp_path / "a.pth"
    path.write_bytes(archive(hostile_pth.called("argparse", "Namespace", b"")))
    with pytest.raises(InputError, match=r"asks for argparse\.Namespace.*torch\.save"):
        PthFile(path)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    """Missing, a folder, a FIFO, which must not block."""
    import os

    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "no.pth", tmp_path, tmp_path / "fifo"):
        with pytest.raises(InputError, match=r"does not exist|is a folder|is not a regular file"):
            PthFile(path)


def test_damaged_bytes_are_noticed(tmp_path: Path) -> None:
    """A flipped bit in a storage changes its check sum."""
    data = bytearray(archive(data=bytes(range(16))))
    data[data.index(bytes(range(16))) + 5] ^= 4
    path = tmp_path / "a.pth"
    path.write_bytes(data)
    file = PthFile(path)
    with pytest.raises(InputError, match="bytes of 'w' are damaged"):
        file.read("w")
    file.close()


def attempt(data: bytes, folder: Path) -> None:
    """Either all tensors or an InputError."""
    path = folder / "x.pth"
    path.write_bytes(data)
    with contextlib.suppress(InputError), contextlib.closing(PthFile(path)) as file:
        for name in file.names():
            assert file.read(name).shape == file.info(name).shape


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6))
def test_mutations_never_escape(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[float, int]]
) -> None:
    """Bytes changed anywhere in a sound file."""
    data = bytearray(archive())
    for place, byte in changes:
        data[int(place * len(data))] = byte
    attempt(bytes(data), tmp_path_factory.mktemp("fuzz"))


@given(st.binary(max_size=80), st.booleans())
def test_any_pickle_never_escapes(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, behind: bool
) -> None:
    """Random instructions, alone and behind sound ones."""
    sound = hostile_pth.state()
    attempt(
        archive(sound[:-1] + data if behind else b"\x80\x02" + data),
        tmp_path_factory.mktemp("fuzz"),
    )
