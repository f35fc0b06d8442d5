# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Other people's predictions as a policy: RoboMamba's result list, and ManipLLM's sentences."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from robomamba_jax.config.checks import one_of
from robomamba_jax.config.evaluation import EXTRAS
from robomamba_jax.data.geometry.contacts import Contacts
from robomamba_jax.data.geometry.crop import CropTransform
from robomamba_jax.data.sources.manipulation import (
    FRAMES,
    PIXEL_ORDERS,
    Action,
    parse_action,
    parse_detection,
)
from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.answers.cross_checks import (
    TEXT_FIELDS,
    normalized_text,
    same_question,
)
from robomamba_jax.evaluation.answers.fields import FieldNames, id_text, other_answers
from robomamba_jax.evaluation.answers.rows import AnswerRow, read_rows
from robomamba_jax.utils.untrusted_text import parse_json, read_bytes
from robomamba_jax.world.policies.interface import Observation, Proposal
from robomamba_jax.world.sim.view_geometry import rotation_for

TRIALS = "trials.json"
"""What ``world episodes`` writes beside its images: which trials they are."""

MISSING = ("error", "fail")
FIELD_NAMES = FieldNames(answer_flag="--answer-field ", id_flag="--id-field ")
_NAMES = ("image_id", "image", "id", "question_id")
_TEXTS = ("text", "answer", "prediction", "output", "value")
_FACTS = ("seed", "split", "size", "dof")  # of trials, which a record may carry, too
_UP = re.compile(r"up direction.*forward direction", re.DOTALL)
_POINT = re.compile(r"\(\s*-?\d.*\[.*\[", re.DOTALL)
_FIX = (
    'give {"image_id", "detection": [8 numbers]} or {"image", "text": "The contact point is ..."}'
)


@dataclasses.dataclass(frozen=True)
class _Prediction:
    """A pose, the record that holds it, and where that stands; ``listed`` if it is a list of
    numbers, whose contact is in the head's own units."""

    where: str
    fields: Mapping[str, Any]
    proposal: Proposal
    listed: bool


class FilePolicy:
    """Says what a file says.

    Attributes:
      name: "file:" and the path.
      parameters: not known: 0.
      sha: there is no checkpoint.
      notes: what was left out, in whole sentences; complete once ``expect`` was called.
    """

    parameters = 0
    sha: str | None = None

    def __init__(
        self,
        path: Path,
        *,
        pixel_order: str | None = None,
        frame: str = "manipllm",
        field_names: FieldNames = FIELD_NAMES,
        on_missing: str = "error",
        on_extra: str = "error",
        contacts: Contacts | None = None,
    ) -> None:
        """Read the file.

        Args:
          path: a JSON list, JSON lines, or another form of ``evaluation.answers.rows``; an
            episode's name is the image's, without ending.
          pixel_order: of points, "xy" or "rowcol"; None = as their authors write: (row, col) in
            ManipLLM's sentences, (x, y) elsewhere.
          frame: of directions: "manipllm" (forward, left, up) or "opencv".
          field_names: which fields hold the pose and the image's name, where several could.
          on_missing: a trial without a prediction is an "error", or is counted as a "fail".
          on_extra: a prediction for another trial is an "error", or left out ("skip").
          contacts: how the contacts of lists are counted, as the published program writes them;
            None = pixels of each trial's image, centres at +0.5.

        Raises:
          InputError: the file is missing or broken, a record is not a prediction or two, or two
            records speak of one trial.
        """
        one_of("frame", frame, FRAMES)
        one_of("on_missing", on_missing, MISSING)
        one_of("on_extra", on_extra, EXTRAS)
        if pixel_order is not None:
            one_of("pixel_order", pixel_order, PIXEL_ORDERS)
        self.name = f"file:{path}"
        self.notes: list[str] = []
        self._path, self._on_missing, self._on_extra = path, on_missing, on_extra
        self._contacts = contacts
        self._found: dict[str, _Prediction] = {}
        file = read_rows(path, field_names, poses=True)
        if file.header.get("benchmark", "manipulation") != "manipulation":
            what = f"{path} answers questions of {file.header['benchmark']}, not of manipulation"
            raise InputError("questions_mismatch", what, _FIX)
        for row in file.rows:
            if row.problem:
                continue  # it says itself that it has no pose
            name = _name(row, field_names)
            proposal, listed = _read(row, field_names, pixel_order, frame)
            here = _Prediction(row.where, row.fields, proposal, listed)
            # A trial may be predicted twice, as long as both say the same.
            first = self._found.setdefault(name, here)
            if first.where != row.where and not _same(first.proposal, proposal):
                what = f"{first.where} and {row.where} predict {name!r} differently"
                raise InputError("double_answers", what, "keep one of the two")

    def propose(self, observation: Observation) -> Proposal | None:
        """The episode's prediction; None where the file has none, which is a failure.

        Raises:
          InputError: the record asks something else than the trial.
        """
        found = self._found.get(observation.episode)
        if found is None:
            return None
        for name in TEXT_FIELDS:
            given = found.fields.get(name)
            if isinstance(given, str) and not same_question(given, [observation.instruction]):
                what = (
                    f"{found.where} is for {observation.episode}, but its {name} is "
                    f"{given[:120]!r}, and {observation.instruction!r} is asked"
                )
                fix = "give the predictions of these trials: the same --seed, --split and --size"
                raise InputError("contradicting_answer", what, fix)
        if self._contacts is None or not found.listed:
            return found.proposal
        # Pixels of the published program's files become pixels of this trial's image.
        height, width = observation.view.depth.shape
        geometry = CropTransform(width, height, self._contacts.side or 1)
        x, y = self._contacts.to_pixel(found.proposal.contact_xy, geometry)
        return dataclasses.replace(found.proposal, contact_xy=(float(x), float(y)))

    def episodes(self) -> set[str]:
        """The names of the episodes that it speaks of."""
        return set(self._found)

    def expect(self, trials: Mapping[str, str], facts: Mapping[str, Any]) -> None:
        """Check the file against the trials that are to come, before the first one.

        Args:
          trials: their names -> their categories.
          facts: {"seed", "split", "size", "dof"} of them.

        Raises:
          InputError: a trial has no prediction, a prediction no trial, or the file says that it
            is for others.
        """
        self._check_source(facts)
        missing = [name for name in trials if name not in self._found]
        extra = [name for name in self._found if name not in trials]
        if len(missing) == len(trials):
            raise InputError(
                "questions_mismatch",
                f"{self._path} predicts none of the {len(trials)} trials: it speaks of "
                f"{_first(extra)}, the trials are {_first(missing)}{_near(extra, trials)}",
                "give the predictions of these trials, or the --categories that were predicted",
            )
        if missing and self._on_missing == "error":
            raise InputError(
                "missing_answers",
                f"{self._path} leaves {len(missing)} of {len(trials)} trials out: "
                f"{_first(missing)}{_near(extra, trials)}",
                "predict them, or count them as failures with --on-missing fail",
            )
        if extra and self._on_extra == "error":
            raise InputError(
                "extra_answers",
                f"{self._path} predicts {len(extra)} trials that are not to be carried out: "
                f"{_first(extra)}{_near(extra, trials)}",
                "ask for those trials, too, or leave them out with --on-extra skip",
            )
        for name, category in trials.items():
            if name in self._found:
                self._check_record(self._found[name], name, category, facts)
        for count, what in (
            (len(extra), "predictions are for other trials"),
            (len(missing), "trials have no prediction, and count as failures"),
        ):
            if count:
                self.notes.append(f"{count} {what}")

    def _check_source(self, facts: Mapping[str, Any]) -> None:
        """Against the trials.json beside the file, where it was put with what it predicts."""
        path = self._path.parent / TRIALS
        if not path.is_file():
            return
        content = parse_json(read_bytes(path), str(path))
        if isinstance(content, dict):
            _check_facts(content, facts, f"{path}, beside the predictions,")

    def _check_record(
        self, found: _Prediction, name: str, category: str, facts: Mapping[str, Any]
    ) -> None:
        _check_facts(found.fields, facts, found.where)
        given = found.fields.get("category")
        if isinstance(given, str) and normalized_text(given) != normalized_text(category):
            what = f"{found.where} is for {name}, but its category is {given[:120]!r}"
            raise InputError("contradicting_answer", what, "give the predictions of these trials")


def _check_facts(content: Mapping[str, Any], facts: Mapping[str, Any], where: str) -> None:
    for name in _FACTS:
        # As text: in some files numbers are strings.
        if isinstance(content.get(name), int | str) and str(content[name]) != str(facts[name]):
            what = f"{where} has the {name} {content[name]!r}, but the rollout has {facts[name]!r}"
            fix = f"give --{name} {content[name]}, or predictions of these trials"
            raise InputError("questions_mismatch", what, fix)


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(name[:80] for name in names[:3]) + more


def _near(extra: Sequence[str], trials: Collection[str]) -> str:
    folded = {normalized_text(name): name for name in trials}
    found = next((name for name in extra if normalized_text(name) in folded), None)
    return "" if found is None else f"; {found!r} is nearly {folded[normalized_text(found)]!r}"


def _name(row: AnswerRow, field_names: FieldNames) -> str:
    """The trial that a record speaks of.

    Raises:
      InputError: it names none, or two.
    """
    if row.key is not None:
        return PurePosixPath(row.key).stem
    names = (field_names.id,) if field_names.id else _NAMES
    here = [name for name in names if isinstance(row.fields.get(name), str)]
    if not here:
        raise InputError("bad_record", f"{row.where} names no image", _FIX)
    stems = {name: PurePosixPath(id_text(row.fields[name], name, row.where)).stem for name in here}
    for other in here[1:]:
        if stems[other] != stems[here[0]]:
            what = f"{row.where} has both {here[0]} {stems[here[0]]!r} and {other} {stems[other]!r}"
            choices = f"{field_names.id_flag}{here[0]} or {field_names.id_flag}{other}"
            raise InputError("ambiguous_field", what, f"say which names the trial: {choices}")
    return stems[here[0]]


def _read(
    row: AnswerRow, field_names: FieldNames, pixel_order: str | None, frame: str
) -> tuple[Proposal, bool]:
    """A record's pose, and whether it is a list of numbers.

    Raises:
      InputError: it has none, or two.
    """
    names = [field_names.answer] if field_names.answer else ["detection", *_TEXTS]
    here = [name for name in names if name in row.fields]
    # Beside a pose, a text without one is the instruction.
    poses = [name for name in here if _may_be_pose(row.fields[name])] or here[:1]
    if not poses or row.fields[poses[0]] is None:
        raise InputError("bad_record", f"{row.where} holds no prediction", _FIX)
    if not field_names.answer:
        poses += [name for name in other_answers(row.fields) if _may_be_pose(row.fields[name])]
        poses = list(dict.fromkeys(poses))
    found = {name: _pose(row, name, pixel_order, frame) for name in poses}
    for other in poses[1:]:
        if not _same(found[other], found[poses[0]]):
            what = f"{row.where} has both {poses[0]!r} and {other!r}, and their poses differ"
            choices = f"{field_names.answer_flag}{poses[0]} or {field_names.answer_flag}{other}"
            raise InputError("ambiguous_field", what, f"say which is the prediction: {choices}")
    return found[poses[0]], isinstance(row.fields[poses[0]], list)


def _may_be_pose(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, str) and _POINT.search(value) is not None)


def _pose(row: AnswerRow, name: str, pixel_order: str | None, frame: str) -> Proposal:
    value, where = row.fields[name], row.where
    if name == "detection" or not isinstance(value, str):
        order = pixel_order or "xy"
        return _proposal(parse_detection(value, where, pixel_order=order, frame=frame))
    forward = _UP.search(value) is not None
    order = pixel_order or ("rowcol" if forward else "xy")
    action = parse_action(value, where, pixel_order=order, frame=frame)
    up, second = np.asarray(action.approach), np.asarray(action.left)
    # ManipLLM names up and forward; left is up x forward.
    left = np.cross(up, second) if forward else second
    return Proposal(action.contact_xy, rotation_for(up, left), action.gripper_open)


def _proposal(action: Action) -> Proposal:
    rotation = rotation_for(np.asarray(action.approach), np.asarray(action.left))
    return Proposal(action.contact_xy, rotation, action.gripper_open)


def _same(first: Proposal, other: Proposal) -> bool:
    return (
        first.contact_xy == other.contact_xy
        and first.gripper_open == other.gripper_open
        and np.array_equal(first.rotation, other.rotation)
    )
