# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What is true of a scene and can be seen in its image: what language is made of."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from robomamba_jax.world.objects.plain_things import MORE_SHAPES, RESEMBLES, SHAPES
from robomamba_jax.world.policies.affordance import central_pull_point
from robomamba_jax.world.sim.scenes import SceneSpec, joint_range, rest_value
from robomamba_jax.world.sim.simulator import CameraFrame, SimScene
from robomamba_jax.world.sim.surfaces import surface_points
from robomamba_jax.world.sim.view_geometry import pixel_of

_STRIDE = 4  # pixels between two rays that look for labels
_SEEN = 2  # rays that must meet a label before it counts as visible
_PART_PIXELS = 20
_BESIDE = 0.08  # share of the image's width from which on a side is clear
_CLEAR = 0.35  # share of a thing's frame in the image: what shows less is not in view
_SHUT, _OPEN = 0.08, 0.3  # shares of a joint's range

Labels = dict[tuple[int, str], list[tuple[float, float]]]

# Labels that name no part a person would ask about.
_PLAIN = frozenset(
    {"body", "frame", "back", "base", "rib", "mark", "leg", "post", "slit", "collar"}
)


def state_of(opened: float) -> str:
    """ "closed", "slightly open" or "open", by the share of a joint's range."""
    if opened <= _SHUT:
        return "closed"
    return "slightly open" if opened < _OPEN else "open"


@dataclasses.dataclass(frozen=True)
class PartState:
    """A movable part.

    Attributes:
      part: what it is, such as "drawer".
      link: its link's index.
      kind: "revolute" or "prismatic".
      opened: share of its range, from 0 at rest.
      has_handle: whether a handle or knob sits on it, in view.
      lifts: whether it moves up rather than out or round.
    """

    part: str
    link: int
    kind: str
    opened: float
    has_handle: bool
    lifts: bool

    @property
    def state(self) -> str:
        """See ``state_of``."""
        return state_of(self.opened)


@dataclasses.dataclass(frozen=True)
class ThingFact:
    """A plain object in view.

    Attributes:
      shape: such as "ball".
      color: such as "red".
      side: "left" or "right" of the main object, in the image; "" where neither is clear.
      index: its place among the scene's things, which masks count by; -1 in facts that are older
        than that.
    """

    shape: str
    color: str
    side: str
    index: int = -1


@dataclasses.dataclass(frozen=True)
class Facts:
    """A scene in words.

    Attributes:
      category: PartNet-Mobility's name.
      noun: as people say it.
      color: of the object.
      parts: movable parts in view.
      visible: names of parts and pieces that can be seen.
      lacks: names of parts that this object has not, though its kind may.
      counts: how many of a part the object has, where all can be seen.
      surface: "none", "floor" or "table".
      surface_color: of that.
      things: what else is in view.
      absent_shapes: shapes that are not in view.
      places: names that stand for one place alone, and where that is: (name, x, y) in percent of
        the image's sides.
      touch: where a gripper would best pull, likewise; None where nothing in view moves well.
      partly: shapes of which the image shows so little that nobody may be asked about them, nor
        whether something stands alone; in the broad world alone.
      resembles: names that one could call what is in view in good faith: that they are not there
        is nothing to ask about.
      surface_clear: whether the image shows that the object stands on nothing, where it does: in
        front of a backdrop it does not.
    """

    category: str
    noun: str
    color: str
    parts: tuple[PartState, ...]
    visible: tuple[str, ...]
    lacks: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]
    surface: str
    surface_color: str
    things: tuple[ThingFact, ...]
    absent_shapes: tuple[str, ...]
    places: tuple[tuple[str, int, int], ...] = ()
    touch: tuple[int, int] | None = None
    partly: tuple[str, ...] = ()
    resembles: tuple[str, ...] = ()
    surface_clear: bool = True

    @property
    def beside(self) -> ThingFact | None:
        """The only other thing there is, where it is clear on which side it stands."""
        if len(self.things) != 1 or self.partly or not self.things[0].side:
            return None
        return self.things[0]

    @property
    def single_parts(self) -> tuple[PartState, ...]:
        """The movable parts that are the only ones of their name: "the door" says which."""
        names = [part.part for part in self.parts]
        return tuple(part for part in self.parts if names.count(part.part) == 1)


def scene_facts(scene: SimScene, view: CameraFrame) -> Facts:
    """The facts of a scene as it stands now."""
    spec = scene.spec
    labels = visible_labels(scene, view)
    parts = tuple(
        _part(scene, link, joint, labels)
        for joint, link in enumerate(spec.model.movable)
        if int(np.sum(view.links == link)) >= _PART_PIXELS
    )
    names = {part.part for part in parts} | {label for _, label in labels}
    # Only where all of them are in view: a question must have its answer in the image.
    counts = {}
    for name in ("drawer", "door", "flap", "lever", "toggle", "rocker"):
        total = sum(spec.model.links[link].part == name for link in spec.model.movable)
        if total and total == sum(part.part == name for part in parts):
            counts[name] = total
    # In the broad world things hide each other, and stand in front and behind.
    broad = spec.look is not None
    things, partly = _clear_things(spec, view) if broad else (_things(spec, view), ())
    shapes = {*(thing.shape for thing in spec.things), spec.model.noun}
    like = [RESEMBLES.get(thing.shape, ()) for thing in spec.things if broad]
    resembles = {*spec.model.resembles, *(name for names in like for name in names)}
    resembles -= {spec.model.noun}
    asked = (*SHAPES, *MORE_SHAPES) if broad else SHAPES
    return Facts(
        spec.model.category,
        spec.model.noun,
        spec.model.color.name,
        parts,
        tuple(sorted(names - _PLAIN)),
        spec.model.lacks,
        tuple(counts.items()),
        spec.surface,
        spec.surface_color.name,
        things,
        tuple(s for s in asked if s not in shapes and s not in resembles),
        _places(labels, view),
        _touch(scene, view),
        partly,
        tuple(sorted(resembles)),
        spec.look is None or spec.look.backdrop is None or spec.surface != "none",
    )


def _places(labels: Labels, view: CameraFrame) -> tuple[tuple[str, int, int], ...]:
    """Where the pieces are whose name the image shows once."""
    names = [label for _, label in labels]
    found = []
    for (_, label), pixels in sorted(labels.items()):
        if names.count(label) == 1 and label not in _PLAIN:
            at = np.array(pixels)
            # The pixel nearest to the mean: the mean of a ring or a bow lies beside it.
            middle = at[int(np.linalg.norm(at - at.mean(axis=0), axis=1).argmin())]
            found.append((label, *_percent(middle, view)))
    return tuple(found)


def _touch(scene: SimScene, view: CameraFrame) -> tuple[int, int] | None:
    center = central_pull_point(scene, view)
    return None if center is None else _percent(pixel_of(view, center.contact.point), view)


def _percent(pixel: npt.ArrayLike, view: CameraFrame) -> tuple[int, int]:
    """A pixel as whole percent of the image's sides."""
    height, width = view.links.shape
    return percent(np.asarray(pixel, np.float64) / (width, height))


def percent(shares: npt.ArrayLike) -> tuple[int, int]:
    """(x, y) in shares of the image's sides, as whole percent."""
    x, y = np.asarray(shares, np.float64)
    # Rounded down: 100 would lie outside of the image.
    return int(100 * x), int(100 * y)


def _part(scene: SimScene, link: int, joint: int, labels: Labels) -> PartState:
    model, scale = scene.spec.model, scene.spec.scale
    piece = model.links[link]
    assert piece.joint is not None
    low, high = joint_range(model, link, scale)
    rest = rest_value(model, link, scale)
    # A share of the longer way from rest, for toggles rest in the middle of their range.
    opened = abs(float(scene.joints[joint]) - rest) / max(high - rest, rest - low)
    return PartState(
        piece.part,
        link,
        piece.joint.kind,
        opened,
        any((link, label) in labels for label in ("handle", "knob")),
        piece.joint.kind == "prismatic" and piece.joint.axis[2] > 0.9,
    )


def visible_labels(scene: SimScene, view: CameraFrame) -> Labels:
    """(link, label) of the pieces that rays through a grid of pixels meet, and those pixels."""
    rows, columns = np.mgrid[
        _STRIDE // 2 : len(view.links) : _STRIDE, _STRIDE // 2 : view.links.shape[1] : _STRIDE
    ]
    shown = view.links[rows, columns]
    found: Labels = {}
    for link in range(len(scene.links)):
        chosen = shown == link
        if not chosen.any():
            continue
        pixels = np.column_stack([columns[chosen] + 0.5, rows[chosen] + 0.5])
        for contact in surface_points(scene, link, pixels):
            found.setdefault((link, contact.label), []).append(pixel_of(view, contact.point))
    return {key: met for key, met in found.items() if len(met) >= _SEEN}


def _things(spec: SceneSpec, view: CameraFrame) -> tuple[ThingFact, ...]:
    """The plain objects whose middle the image shows, unhidden."""
    camera = view.camera
    assert camera.camera_to_world is not None
    turn, eye = camera.camera_to_world[:3, :3], camera.camera_to_world[:3, 3]
    main = camera.project(turn.T @ (np.asarray(spec.position) - eye))
    found = []
    for index, thing in enumerate(spec.things):
        point = turn.T @ (thing.mesh.vertices.mean(axis=0) - eye)
        x, y = camera.project(point)
        # Pixels from the border: less than that of a thing is not a thing in view.
        if not (8 < x < camera.width - 8 and 8 < y < camera.height - 8):
            continue
        seen = float(view.depth[int(y), int(x)])
        # Hidden where something is nearer than its middle by more than its own radius can be, or
        # where the object shows.
        if seen <= 0 or abs(seen - point[2]) > 0.4 or view.links[int(y), int(x)] >= 0:
            continue
        side = "left" if x < main[0] else "right"
        found.append(ThingFact(thing.shape, thing.color.name, side, index))
    return tuple(found)


def _clear_things(
    spec: SceneSpec, view: CameraFrame
) -> tuple[tuple[ThingFact, ...], tuple[str, ...]]:
    """By what each pixel shows: the plain objects that are well in view, and the shapes of which
    there is a bit."""
    camera = view.camera
    pose = camera.camera_to_world
    assert pose is not None
    width = view.links.shape[1]
    main = float(np.nonzero(view.links >= 0)[1].mean()) if np.any(view.links >= 0) else width / 2
    found: list[ThingFact] = []
    partly: list[str] = []
    for index, thing in enumerate(spec.things):
        columns = np.nonzero(view.things == index)[1]
        if not len(columns):
            continue
        inside = (thing.mesh.vertices - pose[:3, 3]) @ pose[:3, :3]
        # A frame around all of it, in the image or not; behind the camera there is none.
        whole = np.ptp(camera.project(inside), axis=0) if np.all(inside[:, 2] > 0.1) else None
        if whole is None or len(columns) < max(_PART_PIXELS, _CLEAR * float(np.prod(whole))):
            partly.append(thing.shape)
            continue
        away = (float(columns.mean()) - main) / width
        side = "" if abs(away) < _BESIDE else ("left" if away < 0 else "right")
        found.append(ThingFact(thing.shape, thing.color.name, side, index))
    return tuple(found), tuple(partly)
