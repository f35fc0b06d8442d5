# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The part of the pickle language that describes tensors, and nothing that runs code.

A pickle is a program for a small stack machine, with instructions to import anything and to call
it. Implemented are the instructions for plain values and containers; a name can be "imported" and
called only if the caller has given its meaning beforehand. All other instructions are refused.
Memory is bounded by the length of the data: no number in it is an amount to allocate.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

Name = tuple[str, str]
PickleValue: TypeAlias = Any
"""What a pickle describes: constants, containers, what the caller's functions return. Nothing is
known of it before its type has been checked."""
MAX_STACK = 2**20


class RefusedError(ValueError):
    """The data is not a pickle of this subset; the text says why, in one line."""


class ImportedName(NamedTuple):
    """A module's attribute, by name only.

    Attributes:
      name: (module, attribute).
      call: what a call of it means here; None if it may only be mentioned.
    """

    name: Name
    call: Callable[..., Any] | None


# OrderedDict has attributes (a state dict's _metadata), which pickle sets with BUILD.
class StatefulDict(dict):
    """A dict whose attributes a pickle may set; what it sets is dropped."""


class Unmade:
    """What stands for an object of somebody's class: it holds nothing, and takes everything."""


def _unmade(*arguments: Any) -> Unmade:
    del arguments
    return Unmade()


# Opcodes by their bytes, as pickletools documents them.
_MARK = object()
_CONSTANTS = {b"N": None, b"\x88": True, b"\x89": False}
_INTEGERS = {b"J": ("<i", 4), b"K": ("<B", 1), b"M": ("<H", 2), b"G": (">d", 8)}
# Strings: how long the length is, and whether it is text.
_STRINGS = {b"X": (4, True), b"\x8c": (1, True), b"C": (1, False), b"B": (4, False)}
_TUPLES = {b"\x85": 1, b"\x86": 2, b"\x87": 3}
_PUTS = {b"q": 1, b"r": 4}
_GETS = {b"h": 1, b"j": 4}


def load(
    data: bytes,
    allowed: Mapping[Name, Callable[..., PickleValue] | None],
    storage: Callable[[PickleValue], PickleValue],
    *,
    objects: bool = False,
) -> PickleValue:
    """The value that a pickle describes.

    Args:
      data: the pickle, protocol 2 to 5.
      allowed: (module, attribute) -> what a call of it means, or None where it is only
        mentioned. These functions get whatever arguments the file has, and refuse bad ones by
        raising ``RefusedError``.
      storage: the meaning of a persistent id.
      objects: other names are allowed, too: nothing is imported for them, and what a call of one
        would make is an ``Unmade``.

    Raises:
      RefusedError: it asks for another name, uses another instruction, or is broken.
    """
    try:
        return _Machine(data, allowed, storage, objects).run()
    except (IndexError, struct.error, UnicodeDecodeError, KeyError) as error:
        raise RefusedError(f"it is broken: {type(error).__name__}") from error


class _Machine:
    def __init__(
        self,
        data: bytes,
        allowed: Mapping[Name, Callable[..., PickleValue] | None],
        storage: Callable[[PickleValue], PickleValue],
        objects: bool,
    ) -> None:
        self._data, self._at = data, 0
        self._allowed, self._storage, self._objects = allowed, storage, objects
        self._stack: list[Any] = []
        # A dict: a file names the places itself, and a list would have to be as long as the
        # largest.
        self._memo: dict[int, Any] = {}

    def run(self) -> PickleValue:
        """Carry out the instructions up to STOP."""
        while True:
            code = self._take(1)
            if code == b".":
                return self._pop()
            if not (self._value(code) or self._container(code) or self._effect(code)):
                raise RefusedError(f"it uses the pickle instruction {code!r}")
            if len(self._stack) > MAX_STACK:
                raise RefusedError("it nests too deep")

    def _take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        # A slice beyond the end is short and no error.
        if len(piece) != count:
            raise RefusedError("it is cut")
        self._at += count
        return piece

    def _number(self, width: int) -> int:
        return int.from_bytes(self._take(width), "little")

    def _line(self) -> str:
        # A module's and an attribute's names are short; without the bound the line could be all the
        # rest.
        end = self._data.find(b"\n", self._at, self._at + 300)
        if end < 0:
            raise RefusedError("it is cut")
        line = self._data[self._at : end].decode()
        self._at = end + 1
        return line

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise RefusedError("it is broken: a mark out of place")
        return value

    def _to_mark(self) -> list[Any]:
        # From the top: containers nest, and the mark of the innermost is the last.
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] is _MARK:
                items = self._stack[at + 1 :]
                del self._stack[at:]
                return items
        raise RefusedError("it is broken: no mark")

    def _value(self, code: bytes) -> bool:
        """Instructions that push a plain value."""
        push = self._stack.append
        if code in _CONSTANTS:  # NONE, NEWTRUE, NEWFALSE
            push(_CONSTANTS[code])
        elif code in _INTEGERS:  # BININT, BININT1, BININT2, BINFLOAT
            form, width = _INTEGERS[code]
            push(struct.unpack(form, self._take(width))[0])
        elif code == b"\x8a":  # a long of up to 255 bytes
            push(int.from_bytes(self._take(self._number(1)), "little", signed=True))
        elif code in _STRINGS:
            width, text = _STRINGS[code]
            raw = self._take(self._number(width))
            push(raw.decode() if text else raw)
        else:
            return False
        return True

    def _container(self, code: bytes) -> bool:
        """Instructions that make containers or fill them."""
        push = self._stack.append
        if code == b"(":  # MARK
            push(_MARK)
        elif code in (b"}", b"]", b")"):  # EMPTY_DICT, EMPTY_LIST, EMPTY_TUPLE
            push({b"}": dict, b"]": list, b")": tuple}[code]())
        elif code == b"t":  # TUPLE
            push(tuple(self._to_mark()))
        elif code in _TUPLES:  # TUPLE1, TUPLE2, TUPLE3
            items = [self._pop() for _ in range(_TUPLES[code])]
            push(tuple(items[::-1]))
        elif code in (b"s", b"u"):  # SETITEM, SETITEMS
            items = self._to_mark() if code == b"u" else [self._pop(), self._pop()][::-1]
            self._fill(items)
        elif code in (b"a", b"e"):  # APPEND, APPENDS
            items = self._to_mark() if code == b"e" else [self._pop()]
            target = self._stack[-1]
            if type(target) is list:
                target.extend(items)
            elif type(target) is not Unmade:
                raise RefusedError("it appends to what is not a list")
        else:
            return False
        return True

    def _fill(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is Unmade:
            return
        if type(target) not in (dict, StatefulDict) or len(items) % 2:
            raise RefusedError("it sets items of what is not a dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Nothing else is ever hashed: shared tuples nested n deep take 2**n steps to hash.
            if type(key) not in (str, int):
                if self._objects:
                    continue  # an entry of an object's own: its key is not looked at
                raise RefusedError(f"it has a {type(key).__name__} for a key")
            target[key] = value

    def _effect(self, code: bytes) -> bool:
        """Instructions about names, calls, the memo, and those without effect."""
        if code == b"\x80":  # PROTO
            # torch writes protocol 2; 0 has other instructions for most values.
            if self._number(1) not in range(2, 6):
                raise RefusedError("it is of an unknown pickle protocol")
        elif code == b"\x95":
            self._take(8)  # a frame's length: only a hint to readers of streams
        elif code == b"c":  # GLOBAL
            self._name(self._line(), self._line())
        elif code == b"\x93":  # STACK_GLOBAL
            attribute, module = self._pop(), self._pop()
            self._name(module, attribute)
        elif code == b"R" or (code == b"\x81" and self._objects):  # REDUCE
            self._call()
        elif code == b"b":  # BUILD
            self._pop()
            if type(self._stack[-1]) not in (StatefulDict, Unmade):
                raise RefusedError("it sets the state of an object")
        elif code == b"Q":  # BINPERSID
            self._stack.append(self._storage(self._pop()))
        elif code in _PUTS or code == b"\x94":  # BINPUT, LONG_BINPUT, MEMOIZE
            key = len(self._memo) if code == b"\x94" else self._number(_PUTS[code])
            self._memo[key] = self._stack[-1]
        elif code in _GETS:  # BINGET, LONG_BINGET
            self._stack.append(self._memo[self._number(_GETS[code])])
        else:
            return False
        return True

    def _name(self, module: Any, attribute: Any) -> None:
        name = (module, attribute)
        if type(module) is str and type(attribute) is str and self._objects:
            self._stack.append(ImportedName(name, self._allowed.get(name, _unmade)))
            return
        if type(module) is not str or type(attribute) is not str or name not in self._allowed:
            shown = f"{module}.{attribute}"[:100].encode("unicode_escape").decode()
            raise RefusedError(f"it asks for {shown}, which no checkpoint of weights needs")
        self._stack.append(ImportedName(name, self._allowed[name]))

    def _call(self) -> None:
        arguments, function = self._pop(), self._pop()
        if type(function) is Unmade:  # a method of an object that is not there
            self._stack.append(function)
            return
        # By exact type: a tuple of the file may look like one, and is none.
        if type(function) is not ImportedName or function.call is None:
            raise RefusedError("it calls what is not a function")
        if type(arguments) is not tuple:
            raise RefusedError("it calls with what are not arguments")
        self._stack.append(function.call(*arguments))
