# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The XML of URDF files: parsed without entities, its attributes as numbers."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.parsers import expat

import numpy as np
import numpy.typing as npt

from robomamba_jax.errors import InputError
from robomamba_jax.utils.untrusted_text import decode_text

Array = npt.NDArray[np.float64]

MAX_BYTES = 16_000_000
FIX = "give an object's .urdf file as it was downloaded"


def parse_xml(path: Path) -> ET.Element:
    """A URDF file's root.

    Raises:
      InputError: it is missing, too large, declares a document type, or is not a robot's XML.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError("missing_file", f"cannot read {path}: {error.strerror}", FIX) from error
    if len(data) > MAX_BYTES:
        raise bad(path, f"it is over {MAX_BYTES} bytes")

    def refuse(*_: object) -> None:
        """Whatever the document type says."""
        raise bad(path, "it declares a document type")

    # Entities could grow a small file without end; no URDF needs them. Whatever its encoding is:
    # the parser itself looks.
    looker = expat.ParserCreate()
    looker.StartDoctypeDeclHandler = refuse
    try:
        looker.Parse(data, True)
        root = ET.fromstring(data)
    except (ET.ParseError, expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        head = data[:200].lower()
        if b"encoding=" not in head or b"utf-8" in head:
            decode_text(data, str(path))  # says what a file is that is not even text
        raise bad(path, f"it is no XML: {error}") from error
    if root.tag != "robot":
        raise bad(path, f"its root is <{root.tag}>, not <robot>")
    return root


def scale_of(shape: ET.Element, path: Path) -> Array:
    """A mesh's three factors; one stands for all."""
    text = shape.get("scale")
    if not text:
        return np.ones(3)
    if len(text.split()) == 1 and "," not in text:
        return np.full(3, number(shape, "scale", path))
    scale = numbers(shape, "scale", path)
    if not np.all(scale):
        raise bad(path, f"a <mesh> has the scale {text!r}")
    return scale


def pose_of(origin: ET.Element | None, path: Path) -> Array:
    """float64[4, 4] of an <origin>: roll, pitch and yaw about fixed axes."""
    pose = np.eye(4)
    if origin is None:
        return pose
    r, p, y = numbers(origin, "rpy", path) if origin.get("rpy") else np.zeros(3)
    cr, sr, cp, sp, cy, sy = (f(a) for a in (r, p, y) for f in (math.cos, math.sin))
    # Rz(yaw) Ry(pitch) Rx(roll): about fixed axes the first turn stands last.
    pose[:3, :3] = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    if origin.get("xyz"):
        pose[:3, 3] = numbers(origin, "xyz", path)
    return pose


def attribute(element: ET.Element, name: str, path: Path) -> str:
    """An attribute that must be there; InputError otherwise."""
    value = element.get(name)
    if not value:
        raise bad(path, f"a <{element.tag}> has no {name}")
    return value


def number(element: ET.Element, name: str, path: Path) -> float:
    """An attribute that is one positive number; InputError otherwise."""
    text = attribute(element, name, path)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value <= 0:
        raise bad(path, f"a <{element.tag}> has the {name} {text!r}")
    return value


def numbers(element: ET.Element, name: str, path: Path) -> Array:
    """float64[3]: an attribute of three numbers, with spaces or commas between them; InputError
    otherwise."""
    text = attribute(element, name, path)
    try:
        values = np.array([float(part) for part in text.replace(",", " ").split()])
    except ValueError:
        values = np.zeros(0)
    if values.shape != (3,) or not np.all(np.isfinite(values)):
        raise bad(path, f"a <{element.tag}> has the {name} {text!r}, not three numbers")
    return values


def bad(path: Path, what: str) -> InputError:
    """The error of a file that says what cannot be."""
    return InputError("bad_urdf", f"{path}: {what}", FIX)
