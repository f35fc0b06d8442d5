# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoint files that want something else than to be read: a corpus, by name.

Payloads that execute would write to the path in ``MARKER``; `test_pth_file.py` shows with
the real unpickler that they are alive.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable

MARKER = "/MARKER/PATH/THAT/IS/PATCHED/"  # replaced by a path of the same length
PROTO = b"\x80\x02"


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def number(value: int) -> bytes:
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def numbers(*values: int) -> bytes:
    return b"(" + b"".join(number(value) for value in values) + b"t"


def storage(key: str = "0", count: int = 4, kind: str = "FloatStorage") -> bytes:
    return (
        b"(" + text("storage") + name("torch", kind) + text(key) + text("cpu") + number(count)
    ) + b"tQ"


def tensor(
    held: bytes | None = None,
    offset: int = 0,
    shape: bytes | None = None,
    strides: bytes | None = None,
) -> bytes:
    return b"".join(
        [
            name("torch._utils", "_rebuild_tensor_v2"),
            b"(",
            storage() if held is None else held,
            number(offset),
            numbers(4) if shape is None else shape,
            numbers(1) if strides is None else strides,
            b"\x89",
            name("collections", "OrderedDict"),
            b")RtR",
        ]
    )


def state(value: bytes | None = None, before: bytes = b"") -> bytes:
    """A state dict of one tensor; ``before`` runs first and leaves nothing on the stack."""
    return PROTO + before + b"}" + text("w") + (tensor() if value is None else value) + b"s."


def archive(
    pickled: bytes | None = None,
    data: bytes = bytes(16),
    compression: int = zipfile.ZIP_STORED,
    more: dict[str, bytes] | None = None,
    root: str = "archive",
) -> bytes:
    """A file as torch.save makes it, of any pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as out:
        out.writestr(f"{root}/data.pkl", state() if pickled is None else pickled)
        out.writestr(f"{root}/data/0", data)
        for entry, content in (more or {}).items():
            out.writestr(entry, content)
    return buffer.getvalue()


CALLS: dict[str, tuple[str, str, bytes]] = {
    "os.system": ("os", "system", text(f"touch {MARKER}")),
    "posix.system": ("posix", "system", text(f"touch {MARKER}")),
    "subprocess.call": ("subprocess", "call", b"(" + text("touch") + text(MARKER) + b"l"),
    "builtins.eval": ("builtins", "eval", text(f"open('{MARKER}', 'w').close()")),
    "builtins.exec": ("builtins", "exec", text(f"open('{MARKER}', 'w').close()")),
    "builtins.open": ("builtins", "open", text(MARKER) + text("w")),
    "python 2's eval": ("__builtin__", "eval", text(f"open('{MARKER}', 'w').close()")),
    "builtins.getattr": ("builtins", "getattr", name("os", "path") + text("join")),
    "builtins.__import__": ("builtins", "__import__", text("antigravity")),
    "runpy": ("runpy", "run_path", text(MARKER)),
    "importlib": ("importlib", "import_module", text("antigravity")),
    "webbrowser": ("webbrowser", "open", text(f"file://{MARKER}")),
    "shutil.rmtree": ("shutil", "rmtree", text(MARKER)),
    "pickle.loads": ("pickle", "loads", text("x")),
    "torch.load": ("torch", "load", text(MARKER)),
    "torch.hub": ("torch.hub", "load", text("a/b") + text("c")),
    "numpy's exec": ("numpy.testing._private.utils", "runstring", text("1") + b"}"),
    "numpy arrays": ("numpy._core.multiarray", "_reconstruct", text("x")),
    "functools.partial": ("functools", "partial", name("os", "system")),
    "operator.methodcaller": ("operator", "methodcaller", text("x")),
    "argparse.Namespace": ("argparse", "Namespace", b""),
    "codecs": ("_codecs", "encode", text("x")),
    "bytearray of a terabyte": ("builtins", "bytearray", number(2**40)),
    "torch tensor subclass": ("torch._tensor", "_rebuild_from_type_v2", text("x")),
    "torch sparse": ("torch._utils", "_rebuild_sparse_tensor", text("x")),
    "torch dtype object": ("torch", "float32", b""),
    "a dotted attribute": ("collections", "OrderedDict.__init__.__globals__", b""),
    "escape codes in a name": ("os\x1b[2J", "system\x07", text("x")),
}


def called(module: str, attribute: str, arguments: bytes) -> bytes:
    return state(before=name(module, attribute) + b"(" + arguments + b"tR0")


PICKLES: dict[str, Callable[[], bytes]] = {
    "STACK_GLOBAL": lambda: (
        PROTO + text("posix") + text("system") + b"\x93" + text("x") + b"\x85R."
    ),
    "INST": lambda: PROTO + b"(" + text(f"touch {MARKER}") + b"iposix\nsystem\n.",
    "OBJ": lambda: PROTO + b"(" + name("posix", "system") + text(f"touch {MARKER}") + b"o.",
    "NEWOBJ": lambda: PROTO + name("io", "FileIO") + text(MARKER) + b"\x85\x81.",
    "NEWOBJ_EX": lambda: PROTO + name("io", "FileIO") + text(MARKER) + b"\x85}\x92.",
    "EXT1": lambda: PROTO + b"\x82\x01.",
    "BUILD on a dict": lambda: PROTO + b"}}b.",
    "BUILD on a tensor": lambda: state(tensor() + b"}" + text("__setstate__") + b"Nsb"),
    "a call of a storage": lambda: PROTO + name("torch", "FloatStorage") + b")R.",
    "a call of a tensor": lambda: PROTO + tensor() + b")R.",
    "a call with a dict": lambda: PROTO + name("collections", "OrderedDict") + b"}R.",
    "an OrderedDict of pairs": lambda: PROTO + name("collections", "OrderedDict") + b"(]" + b"tR.",
    "text persistent id": lambda: PROTO + b"P0\n.",
    "persistent id of a number": lambda: PROTO + number(3) + b"Q.",
    "persistent id of another kind": lambda: PROTO + b"(" + text("module") + text("x") + b"tQ.",
    "memo at 2**31": lambda: PROTO + b"}r" + struct.pack("<I", 2**31) + b".",
    "memo that is not there": lambda: PROTO + b"h\x07.",
    "a string of 4 GB": lambda: PROTO + b"X" + struct.pack("<I", 2**32 - 1) + b"abc.",
    "bytes of 2**62": lambda: PROTO + b"\x8e" + struct.pack("<Q", 2**62) + b"abc.",
    "text of 2**62": lambda: PROTO + b"\x8d" + struct.pack("<Q", 2**62) + b"abc.",
    "a long of 2 GB": lambda: PROTO + b"\x8b" + struct.pack("<i", 2**31 - 1) + b"abc.",
    "a decimal of a million digits": lambda: PROTO + b"L" + b"9" * 10**6 + b"L\n.",
    "a million lists in lists": lambda: PROTO + b"]" * (2**20 + 1) + b"a" * 2**20 + b".",
    "a million marks": lambda: PROTO + b"(" * (2**20 + 2) + b".",
    "a billion laughs as a key": lambda: (
        PROTO + b")" + b"".join(b"q\x01h\x01\x86" for _ in range(60)) + b"q\x02}h\x02Ns."
    ),
    "no stop": lambda: PROTO + b"}",
    "nothing": lambda: b"",
    "only a stop": lambda: PROTO + b".",
    "a mark for a value": lambda: PROTO + b"(.",
    "an unknown instruction": lambda: PROTO + b"\xff.",
    "an unknown protocol": lambda: b"\x80\x63}.",
    "no dict": lambda: PROTO + number(7) + b".",
    "no tensors": lambda: PROTO + b"}" + text("epoch") + number(3) + b"s.",
    "an item of a tuple": lambda: PROTO + b")" + text("a") + text("b") + b"s.",
    "appending to a dict": lambda: PROTO + b"}Na.",
    "odd items": lambda: PROTO + b"}(" + text("a") + b"u.",
    "a newline in a tensor's name": lambda: PROTO + b"}" + text("a\nb") + tensor() + b"s.",
    "bad unicode": lambda: PROTO + b"X\x02\x00\x00\x00\xff\xfe.",
    "a missing storage": lambda: state(tensor(storage("9"))),
    "a storage outside": lambda: state(tensor(storage("../../../etc/passwd"))),
    "a storage of an unknown type": lambda: state(tensor(storage(kind="QInt8Storage"))),
    "a storage of -4": lambda: state(tensor(storage(count=-4))),
    "a storage of 2**63": lambda: state(tensor(storage(count=2**63))),
    "a storage smaller than it says": lambda: state(tensor(storage(count=5))),
    "a storage larger than it says": lambda: state(tensor(storage(count=3))),
    "an offset beyond": lambda: state(tensor(offset=1)),
    "a negative offset": lambda: state(tensor(offset=-1)),
    "a shape beyond": lambda: state(tensor(shape=numbers(5))),
    "a shape of 2**40 by stride 0": lambda: state(tensor(shape=numbers(2**40), strides=numbers(0))),
    "a shape that overflows": lambda: state(
        tensor(shape=numbers(2**61, 2**61), strides=numbers(0, 0))
    ),
    "a negative size": lambda: state(tensor(shape=numbers(-4))),
    "a negative stride": lambda: state(tensor(strides=numbers(-1))),
    "a stride beyond": lambda: state(tensor(strides=numbers(2))),
    "fewer strides than sizes": lambda: state(tensor(strides=numbers())),
    "a hundred axes": lambda: state(tensor(shape=numbers(*[1] * 100), strides=numbers(*[1] * 100))),
    "a size of text": lambda: state(tensor(shape=b"(" + text("4") + b"t")),
    "a size of true": lambda: state(tensor(shape=b"(\x88t")),
    "a tensor of no storage": lambda: state(tensor(b"N")),
}


def _patched(data: bytes, old: bytes, new: bytes, count: int = -1) -> bytes:
    assert old in data
    return data.replace(old, new, count)


def _flagged(data: bytes, flag: int) -> bytes:
    """The general purpose flags of the first entry, in both of its headers."""
    at = data.index(b"PK\x01\x02")
    changed = bytearray(data)
    changed[6] |= flag
    changed[at + 8] |= flag
    return bytes(changed)


def _directory_of(size: int) -> bytes:
    data = bytearray(archive())
    at = data.rindex(b"PK\x05\x06")
    data[at + 12 : at + 16] = struct.pack("<I", size)
    return bytes(data)


def _moved() -> bytes:
    """The second entry's bytes are said to begin at the first's header."""
    data = bytearray(archive())
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 4)
    data[second + 42 : second + 46] = bytes(4)
    return bytes(data)


def _sized(size: int) -> bytes:
    """An entry that is said to be larger than the file."""
    data = bytearray(archive())
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[second + 20 : second + 28] = struct.pack("<II", size, size)
    return bytes(data)


def _twice() -> bytes:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return archive(more={"archive/data.pkl": state()})


FILES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "garbage": lambda: bytes(range(256)) * 40,
    "torch's old format": lambda: pickle.dumps(119547037146038801333356, 2) + b"x" * 100,
    "a bomb of zeros": lambda: archive(data=bytes(2**26), compression=zipfile.ZIP_DEFLATED),
    "a compressed pickle": lambda: archive(compression=zipfile.ZIP_DEFLATED),
    "an archive in an archive": lambda: archive(pickled=archive()),
    "no data.pkl": lambda: archive(root="archive/deep"),
    "two roots": lambda: archive(more={"other/data.pkl": state()}),
    "two data.pkl": _twice,
    "big endian": lambda: archive(more={"archive/byteorder": b"big"}),
    "an encrypted entry": lambda: _flagged(archive(), 1),
    "a directory of 4 GB": lambda: _directory_of(2**32 - 2),
    "a directory of nothing": lambda: _directory_of(0),
    "entries that overlap": _moved,
    "an entry beyond the file": lambda: _sized(2**31),
    "names that differ": lambda: _patched(archive(), b"archive/data/0", b"archive/data/1", 1),
    "cut in the middle": lambda: archive()[: len(archive()) // 2],
    "cut by a byte": lambda: archive()[:-1],
    "cut behind the head": lambda: archive()[:5],
    "a pickle of 65 MB": lambda: archive(pickled=PROTO + b"N0" * (33 * 2**20) + b"."),
}


def corpus(marker: str) -> dict[str, bytes]:
    """Every hostile file; a payload that ran would make ``marker``.

    Args:
      marker: a path of the length of ``MARKER``, so that all lengths stay true.
    """
    assert len(marker) == len(MARKER)
    pickles = {what: called(*call) for what, call in CALLS.items()}
    pickles |= {what: make() for what, make in PICKLES.items()}
    files = {
        # Before the archive is made: its check sums must be right.
        what: archive(data.replace(MARKER.encode(), marker.encode()))
        for what, data in pickles.items()
    }
    return files | {what: make() for what, make in FILES.items()}
