# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Rule tables: which tensor of a checkpoint becomes which of ours, and back.

A rule pairs two name templates in which ``{i}`` stands for a layer's number. Applied to
the tensors that a model has, a table becomes a plan with a row for every tensor of the
file: loaded, kept or ignored for a stated reason, or a problem. A plan with problems is
never carried out.

Worked example: ``TensorRule("pos_embed", ("vision.embeddings.position_embedding.weight",), 1)``
reads timm's float[1, 197, 768] as ours of [197, 768], and writes it back with the leading 1.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np

from robomamba_jax.convert.tensors import FLOATS, TensorInfo, TensorSource
from robomamba_jax.errors import InputError

Shapes = Mapping[str, tuple[int, ...]]
"""Our tensors by name, one per layer, such as ``llm.backbone.layers.0.mixer.A_log``."""


class TensorRule(NamedTuple):
    """One line of a table.

    Attributes:
      source: the checkpoint's name.
      targets: ours; several where the checkpoint holds them joined along the first axis.
      leading_ones: axes of size 1 that stand before ours in the checkpoint.
      resample: makes the checkpoint's array ours where shapes differ for another reason
        (resampled positions); such a rule has no exact inverse.
    """

    source: str
    targets: tuple[str, ...]
    leading_ones: int = 0
    resample: Callable[[np.ndarray, tuple[int, ...]], np.ndarray] | None = None

    def forward(self, array: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
        """The checkpoint's array -> ours, each of ``shape``."""
        array = array.reshape(array.shape[self.leading_ones :])
        if self.resample is not None:
            array = self.resample(array, shape)
        return np.split(array, len(self.targets)) if len(self.targets) > 1 else [array]

    def backward(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """Ours -> the checkpoint's array."""
        joined = np.concatenate(arrays) if len(arrays) > 1 else arrays[0]
        return joined.reshape(*(1,) * self.leading_ones, *joined.shape)

    def source_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The checkpoint's shape for targets of ``shape``."""
        parts = len(self.targets)
        joined = (parts * shape[0], *shape[1:]) if parts > 1 else shape
        return (*(1,) * self.leading_ones, *joined)


def same(*names: str, prefix: str = "") -> tuple[TensorRule, ...]:
    """Rules for tensors that have our name without ``prefix``."""
    return tuple(TensorRule(name, (prefix + name,)) for name in names)


class UnreadTensors(NamedTuple):
    """Tensors of a checkpoint that its model does not use.

    Attributes:
      pattern: a regular expression of whole names.
      reason: why, for the table.
      keep: store them in the inference folder, so that an export can write them back.
    """

    pattern: str
    reason: str
    keep: bool = False


@dataclasses.dataclass(frozen=True)
class TensorRow:
    """What becomes of one tensor.

    Attributes:
      name: in the checkpoint; None for one of ours that it lacks.
      info: shape and dtype in the checkpoint.
      action: "loaded", "merged", "kept", "ignored", "new" (of ours), "written" (by
        an export) or "problem".
      targets: our names.
      reason: why it is not simply loaded; near names for a problem.
    """

    name: str | None
    info: TensorInfo | None
    action: str
    targets: tuple[str, ...] = ()
    reason: str = ""


class MatchedRule(NamedTuple):
    """A rule with its layer number filled in, and the shape of each target."""

    rule: TensorRule
    shape: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class ConversionPlan:
    """A row for every tensor, and the rule of those that are loaded.

    Attributes:
      rows: in the checkpoint's order; what it lacks comes last.
      matched: checkpoint's name -> its rule.
    """

    rows: tuple[TensorRow, ...]
    matched: Mapping[str, MatchedRule]

    def check(self, path: object) -> None:
        """Raise the first problem.

        Raises:
          InputError: there is one; the message says how many more.
        """
        problems = [row.reason for row in self.rows if row.action == "problem"]
        if problems:
            more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
            what, _, fix = problems[0].partition("; ")
            raise InputError("tensor_mismatch", f"{path}: {what}{more}", fix or "see the table")


def match_rules(rules: Sequence[TensorRule], shapes: Shapes) -> dict[str, MatchedRule]:
    """A table for the tensors that a model has: checkpoint's name -> rule.

    Rules whose targets the model lacks (another head, no bias) are dropped.

    Raises:
      AssertionError: a tensor of the model has no rule or two: the table is wrong.
    """
    matched: dict[str, MatchedRule] = {}
    for rule in rules:
        # The first target gives the layer's number; the others of a joint tensor have the same.
        pattern = re.escape(rule.targets[0]).replace(r"\{i\}", r"(\d+)")
        for name in shapes:
            found = re.fullmatch(pattern, name)
            if not found:
                continue
            number = found[1] if found.groups() else ""
            source, *targets = (t.replace("{i}", number) for t in (rule.source, *rule.targets))
            assert source not in matched, source
            matched[source] = MatchedRule(
                rule._replace(source=source, targets=tuple(targets)), shapes[name]
            )
    # The table is held against the model: each of its tensors has one rule, and one only.
    covered = [target for match in matched.values() for target in match.rule.targets]
    assert sorted(covered) == sorted(shapes), set(covered) ^ set(shapes)
    return matched


def make_plan(
    source: TensorSource,
    rules: Sequence[TensorRule],
    unread: Sequence[UnreadTensors],
    shapes: Shapes,
) -> ConversionPlan:
    """Compare a checkpoint with what its model must have; nothing is read.

    Args:
      source: the checkpoint.
      rules: its family's table.
      unread: what may be there without a rule.
      shapes: the model's tensors.
    """
    matched = match_rules(rules, shapes)
    infos = {name: source.info(name) for name in source.names()}
    missing = [name for name in matched if name not in infos]
    unknown = [name for name in infos if name not in matched and not _unread(name, unread)]
    common = _common_dtypes(matched, infos)
    rows = [
        _row(name, info, matched.get(name), unread, missing or list(matched), common)
        for name, info in infos.items()
    ]
    for name in missing:
        # Among the tensors that nobody asks for: a misspelt one is there twice, as missing and as
        # unknown.
        near = get_close_matches(name, unknown, n=2, cutoff=0.6)
        hint = (
            f"the file's {' or '.join(near)} looks like it"
            if near
            else _missing_hint(matched, infos)
        )
        rows.append(
            TensorRow(
                None, None, "problem", matched[name].rule.targets, f"{name} is missing; {hint}"
            )
        )
    return ConversionPlan(
        tuple(rows), {name: match for name, match in matched.items() if name in infos}
    )


def _row(
    name: str,
    info: TensorInfo,
    match: MatchedRule | None,
    unread: Sequence[UnreadTensors],
    wanted: list[str],
    commons: Mapping[str, str],
) -> TensorRow:
    if match is None:
        found = _unread(name, unread)
        if found is not None:
            return TensorRow(name, info, "kept" if found.keep else "ignored", (), found.reason)
        near = get_close_matches(name, wanted, n=2, cutoff=0.6)
        hint = f"did you mean {' or '.join(near)}?" if near else "give this family's file"
        return TensorRow(name, info, "problem", (), f"{name} is unknown; {hint}")
    problem = _mismatch(name, info, match, commons[_part(match)])
    action = "problem" if problem else "loaded"
    return TensorRow(name, info, action, match.rule.targets, problem)


def _mismatch(name: str, info: TensorInfo, match: MatchedRule, common: str) -> str:
    """What is wrong with a tensor that has a known name, or nothing."""
    want = match.rule.source_shape(match.shape)
    if info.dtype not in FLOATS:
        return f"{name} is {info.dtype}; store weights as {', '.join(FLOATS)}"
    # Files in bfloat16 may hold the float32 islands (A_log, D, norms) in float32, as torch's Mamba
    # saves them; any other mixture is a sign of a broken conversion.
    if info.dtype not in (common, "float32"):
        return f"{name} is {info.dtype} among {common}; store it as {common} or float32"
    if info.dtype != common and not keeps_float32(match.rule.targets[0]):
        return f"{name} is {info.dtype} among {common}; store it as {common}"
    # Positions of another grid: their number is free, their width is not.
    rank_only = match.rule.resample is not None and len(info.shape) == len(want)
    if rank_only and info.shape[-1] == want[-1]:
        return ""
    if info.shape != want:
        # Of a square matrix nobody can tell; verify would.
        turned = sorted(info.shape) == sorted(want) and len(want) > 1
        hint = "it looks transposed" if turned else "the configuration belongs to another model"
        return f"{name} has shape {list(info.shape)}, not {list(want)}; {hint}"
    return ""


def keeps_float32(name: str) -> bool:
    """Whether one of our tensors is float32 in memory whatever dtype the others have."""
    return bool(
        re.search(r"(\.A_log|\.mixer\.D|dt_proj\.bias|norm\w*\.(weight|bias)|lambda1)$", name)
    )


def _unread(name: str, unread: Sequence[UnreadTensors]) -> UnreadTensors | None:
    return next((entry for entry in unread if re.fullmatch(entry.pattern, name)), None)


def _part(match: MatchedRule) -> str:
    """The part of the model that a tensor belongs to: each may have a dtype of its own."""
    return match.rule.targets[0].split(".")[0]


def _common_dtypes(
    matched: Mapping[str, MatchedRule], infos: Mapping[str, TensorInfo]
) -> dict[str, str]:
    """For each part the dtype that most of its numbers have."""
    totals: dict[str, dict[str, int]] = {}
    for name, match in matched.items():
        # By numbers and not by tensors: norms and biases are many, and small.
        counts = totals.setdefault(_part(match), {"float32": 0})
        if name in infos:
            counts[infos[name].dtype] = counts.get(infos[name].dtype, 0) + infos[name].size
    return {part: max(counts, key=lambda key: counts[key]) for part, counts in totals.items()}


def _missing_hint(matched: Mapping[str, MatchedRule], infos: Mapping[str, TensorInfo]) -> str:
    if not set(matched) & set(infos):
        return "no name of this family is in the file: is --from right?"
    return "give the complete file"
