# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Linear probes of a frozen encoder: fitted on the images of one generated set, read on others.

What is asked              of what                                     chance
movable part               each patch                                  its place in the image alone
direction of motion        patches on movable parts                    its place in the image alone
revolute or prismatic      patches on movable parts                    the more frequent one
colour of the object       mean of the patches on it                   the most frequent one
shape of a lone thing      mean of all patches; of those on it         the most frequent one
its side                   mean of all patches                         the more frequent one
presence of a shape        mean of all patches                         .5

A patch has the truth of the pixel in its middle. Where patches on something are averaged the true
mask says which they are. What is most frequent is what training has most of. Intervals are 95 %:
Wilson's of images, and the bootstrap over images where patches count, since those of one image go
together.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from robomamba_jax.errors import InputError
from robomamba_jax.evaluation.metrics.intervals import Interval, bootstrap, wilson
from robomamba_jax.evaluation.probes.encoder import open_encoder
from robomamba_jax.evaluation.probes.images import ProbeImages, read_images
from robomamba_jax.evaluation.probes.linear import area_under_roc, fit
from robomamba_jax.utils.progress import OnProgress

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_ROWS = 40_000  # training patches at the most: more change a fit of 129 numbers by nothing
_RESAMPLES = 500
_NEAR = 30.0  # degrees
_MOVES = 0.05  # of the longest lever: what is nearer to a hinge has no direction to speak of
_LEAST = 20  # rows of two kinds, below which there is nothing to fit


@dataclasses.dataclass(frozen=True)
class ProbeScore:
    """One figure.

    Attributes:
      probe: what is asked.
      metric: "auc", "median_degrees" (less is better), "within_30_degrees" or "accuracy".
      data: on which set.
      value: the figure.
      low: the lower end of its 95 % interval.
      high: the upper end.
      n: how many patches, images, or questions about images were asked.
      unit: which of the three.
      images: how many images they are of.
      chance: the same figure without looking at the image, see the module.
      penalty: of the linear model, as training images chose it.
    """

    probe: str
    metric: str
    data: str
    value: float
    low: float
    high: float
    n: int
    unit: str
    images: int
    chance: float
    penalty: float


class ProbeReport(TypedDict):
    """What ``run_probes`` found."""

    encoder: str
    fingerprint: str
    train: str
    train_images: int
    scores: list[dict[str, str | float | int]]


def run_probes(
    encoder: str | os.PathLike[str] | None,
    train: Path,
    tests: Mapping[str, Path],
    on_progress: OnProgress = lambda done, total: None,
    *,
    train_limit: int | None = None,
    skip_small: bool = False,
) -> ProbeReport:
    """Encode the sets, fit every probe on the first, and read it on the others.

    Args:
      encoder: see ``encoder.open_encoder``.
      train: a folder that ``world generate`` wrote.
      tests: others by name.
      on_progress: told how many images of a set are encoded, of how many.
      train_limit: the first so many training images alone; None = all.
      skip_small: leave out a probe for which the training set is too small, instead of raising.

    Raises:
      InputError: a checkpoint or a folder cannot be read, or the training set is too small.
    """
    tower = open_encoder(encoder)
    read = {
        name: read_images(
            folder,
            tower.transform,
            tower.config.grid,
            tower.encode,
            on_progress,
            limit=None if name else train_limit,
        )
        for name, folder in {"": train, **tests}.items()
    }
    known = read.pop("")
    scores: list[ProbeScore] = []
    for probe in PROBES:
        try:
            scores += probe(known, read)
        except InputError:
            if not skip_small:
                raise
    # Not a number: a set that shows nothing of what is asked, or too little to draw anew.
    scores = [one for one in scores if np.all(np.isfinite((one.value, one.low, one.high)))]
    return {
        "encoder": tower.name,
        "fingerprint": tower.fingerprint,
        "train": str(train),
        "train_images": len(known.scenes),
        "scores": [dataclasses.asdict(score) for score in scores],
    }


Tests = Mapping[str, ProbeImages]


def movable_part(train: ProbeImages, tests: Tests) -> list[ProbeScore]:
    """Whether the pixel in a patch's middle shows a movable part."""
    rows = _Rows.of(train, np.ones_like(train.on_object)).some()
    model = fit(rows.features, train.moving[rows.at] >= 0, rows.image, "classes", 2)
    # How often each place of the image shows one in training: all that is known without looking.
    often = (train.moving >= 0).mean(axis=0)
    found = []
    for name, images in tests.items():
        test = _Rows.of(images, np.ones_like(images.on_object))
        logits = model.scores(test.features)
        scores, positive = logits[:, 1] - logits[:, 0], images.moving[test.at] >= 0
        chance = area_under_roc(often[test.at[1]], positive)
        value = area_under_roc(scores, positive)
        low, high = test.interval(lambda w, s=scores, p=positive: area_under_roc(s, p, w))
        found.append(
            ProbeScore(
                *("movable part", "auc", name, value, low, high),
                *(len(scores), "patches", test.images, chance, model.penalty),
            )
        )
    return found


def motion(train: ProbeImages, tests: Tests) -> list[ProbeScore]:
    """In which direction a movable part's patch moves when it opens further."""
    rows = _Rows.of(train, _moves(train)).some()
    _check_rows("patches that move", len(rows.image))
    truth = _unit(train.flow[rows.at])
    model = fit(rows.features, truth, rows.image, "vectors")
    # The mean direction at each place of the image; where training has none, that of all.
    usual = np.tile(truth.mean(axis=0), (train.moving.shape[1], 1))
    for place in range(len(usual)):
        here = rows.at[1] == place
        if here.any():
            usual[place] = truth[here].mean(axis=0)
    found = []
    for name, images in tests.items():
        test = _Rows.of(images, _moves(images))
        wanted = _unit(images.flow[test.at])
        angles = _angles(model.scores(test.features), wanted)
        blind = _angles(usual[test.at[1]], wanted)
        measures: dict[str, Callable[[Array, Array], float]] = {
            "median_degrees": _weighted_median,
            "within_30_degrees": lambda a, w: float(np.average(a <= _NEAR, weights=w)),
        }
        for metric, of in measures.items():
            once = np.ones(len(angles))
            low, high = test.interval(lambda w, of=of, angles=angles: of(angles, w))
            found.append(
                ProbeScore(
                    *("direction of motion", metric, name, of(angles, once), low, high),
                    *(len(angles), "patches", test.images, of(blind, once), model.penalty),
                )
            )
    return found


def joint_kind(train: ProbeImages, tests: Tests) -> list[ProbeScore]:
    """Whether a movable part's patch is of a revolute or of a prismatic joint."""
    rows = _Rows.of(train, train.moving >= 0).some()
    kinds = train.moving[rows.at].astype(np.int64)
    _check_rows(
        "patches on parts of the rarer kind of joint", int(np.bincount(kinds, minlength=2).min())
    )
    model = fit(rows.features, kinds, rows.image, "classes", 2)
    usual = int(np.bincount(kinds).argmax())
    found = []
    for name, images in tests.items():
        test = _Rows.of(images, images.moving >= 0)
        wanted = images.moving[test.at]
        right = model.scores(test.features).argmax(axis=1) == wanted
        low, high = test.interval(lambda w, right=right: float(np.average(right, weights=w)))
        found.append(
            ProbeScore(
                *("revolute or prismatic", "accuracy", name, float(right.mean()), low, high),
                *(len(right), "patches", test.images, float((wanted == usual).mean())),
                model.penalty,
            )
        )
    return found


def object_color(train: ProbeImages, tests: Tests) -> list[ProbeScore]:
    """The object's colour, of the mean of its patches."""
    return _named(
        "colour of the object",
        train,
        tests,
        lambda images: [scene.color for scene in images.scenes],
        lambda images: images.on_object,
    )


def lone_shape(train: ProbeImages, tests: Tests) -> list[ProbeScore]:
    """The shape of the only plain thing, of the mean of all patches, and of the mean of its own."""
    both = {
        "shape of a lone thing": lambda images: np.ones_like(images.on_object),
        "shape of a lone thing, its patches": lambda images: images.things >= 0,
    }
    return [
        score
        for name, chosen in both.items()
        for score in _named(name, train, tests, lambda images: _lone(images, "shape"), chosen)
    ]


def lone_side(train: ProbeImages, tests: Tests) -> list[ProbeScore]:
    """On which side of the object the only plain thing is, of the mean of all patches."""
    return _named(
        "side of a lone thing",
        train,
        tests,
        lambda images: _lone(images, "side"),
        lambda images: np.ones_like(images.on_object),
    )


def presence(train: ProbeImages, tests: Tests) -> list[ProbeScore]:
    """Which shapes of plain things are in view, of the mean of all patches: the mean over shapes of
    the area under the curve. A shape that the scene has and the image hides is left out."""
    shapes = sorted({thing.shape for scene in train.scenes for thing in scene.things})
    means = {name: images.patches.mean(axis=1) for name, images in tests.items()}
    answers: dict[str, list[tuple[Array, Bools, Bools]]] = {name: [] for name in tests}
    penalties = []
    pooled = train.patches.mean(axis=1)
    for shape in shapes:
        there, clear = _present(train, shape)
        _check_rows(
            f"images with and without a {shape}", min(there[clear].sum(), (~there[clear]).sum())
        )
        model = fit(pooled[clear], there[clear], np.nonzero(clear)[0], "classes", 2)
        penalties.append(model.penalty)
        for name, images in tests.items():
            logits = model.scores(means[name])
            answers[name].append((logits[:, 1] - logits[:, 0], *_present(images, shape)))
    found = []
    for name, images in tests.items():
        asked = answers[name]

        def mean_area(weights: Array, asked: Sequence[tuple[Array, Bools, Bools]] = asked) -> float:
            """Over the shapes that are there and not there among what was drawn."""
            areas = [area_under_roc(s[c], t[c], weights[c]) for s, t, c in asked]
            return float(np.nanmean(areas))

        count = len(images.scenes)
        low, high = bootstrap(
            count,
            lambda drawn, of=mean_area, count=count: of(
                np.bincount(drawn, minlength=count).astype(np.float64)
            ),
            resamples=_RESAMPLES,
        )
        found.append(
            ProbeScore(
                *("presence of a shape", "auc", name, mean_area(np.ones(count)), low, high),
                *(sum(int(clear.sum()) for _, _, clear in asked), "questions", count, 0.5),
                float(np.median(penalties)),
            )
        )
    return found


PROBES = (movable_part, motion, joint_kind, object_color, lone_shape, lone_side, presence)


class _Rows(NamedTuple):
    """Patches of a set that a probe is about.

    Attributes:
      at: (int64[R], int64[R]): image and place of each.
      features: float32[R, D].
    """

    at: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    features: npt.NDArray[np.float32]

    @classmethod
    def of(cls, images: ProbeImages, chosen: Bools) -> _Rows:
        """Those of bool[N, P]."""
        image, place = np.nonzero(chosen)
        return cls((image, place), images.patches[image, place])

    @property
    def image(self) -> npt.NDArray[np.int64]:
        """int64[R], which image each is of."""
        return self.at[0]

    @property
    def images(self) -> int:
        """Of how many images they are."""
        return len(np.unique(self.image))

    def some(self) -> _Rows:
        """At most ``_ROWS`` of them, the same in every run."""
        if len(self.image) <= _ROWS:
            return self
        kept = np.sort(np.random.default_rng(0).permutation(len(self.image))[:_ROWS])
        return _Rows((self.at[0][kept], self.at[1][kept]), self.features[kept])

    def interval(self, statistic: Callable[[Array], float]) -> Interval:
        """The bootstrap's over images of a statistic that takes each row's weight, float64[R]."""
        if not len(self.image):
            return float("nan"), float("nan")
        _, numbers = np.unique(self.image, return_inverse=True)
        count = int(numbers.max()) + 1

        def drawn(chosen: np.ndarray) -> float:
            """Images that were drawn twice count twice, with all their rows."""
            return statistic(np.bincount(chosen, minlength=count)[numbers].astype(np.float64))

        return bootstrap(count, drawn, resamples=_RESAMPLES)


def _named(
    probe: str,
    train: ProbeImages,
    tests: Tests,
    names: Callable[[ProbeImages], Sequence[str | None]],
    chosen: Callable[[ProbeImages], Bools],
) -> list[ProbeScore]:
    """Accuracy of one name an image out of the mean of its chosen patches; images without a name,
    or without such a patch, are not asked about."""

    def rows(images: ProbeImages) -> tuple[Array, list[str], npt.NDArray[np.int64]]:
        """Features, names, and which images they are of."""
        mask, said = chosen(images), names(images)
        kept = [k for k, name in enumerate(said) if name is not None and mask[k].any()]
        means = [images.patches[k][mask[k]].mean(axis=0, dtype=np.float64) for k in kept]
        width = images.patches.shape[-1]
        return (
            np.array(means).reshape(-1, width),
            [str(said[k]) for k in kept],
            np.array(kept, np.int64),
        )

    features, said, image = rows(train)
    known = sorted(set(said))
    _check_rows(f"images for: {probe}", len(said) if len(known) > 1 else 0)
    places = {name: k for k, name in enumerate(known)}
    targets = [places[name] for name in said]
    # Groups by their order: images with a name may all be of one fifth otherwise.
    model = fit(features, targets, np.arange(len(image)), "classes", len(known))
    usual = Counter(said).most_common(1)[0][0]
    found = []
    for name, images in tests.items():
        features, said, image = rows(images)
        answers = [known[k] for k in model.scores(features).argmax(axis=1)]
        right, n = sum(a == b for a, b in zip(answers, said, strict=True)), len(said)
        low, high = wilson(right, n)
        share = right / n if n else float("nan")
        chance = said.count(usual) / n if n else float("nan")
        found.append(
            ProbeScore(
                *(probe, "accuracy", name, share, low, high),
                *(n, "images", n, chance, model.penalty),
            )
        )
    return found


def _lone(images: ProbeImages, field: str) -> list[str | None]:
    """Shape or side of the only plain thing in view; None of images with none or more."""
    return [
        getattr(scene.things[0], field) if len(scene.things) == 1 else None
        for scene in images.scenes
    ]


def _present(images: ProbeImages, shape: str) -> tuple[Bools, Bools]:
    """bool[N] twice: whether a shape is in view, and whether the image settles that."""
    there = np.array([shape in {t.shape for t in scene.things} for scene in images.scenes])
    absent = np.array([shape in scene.absent for scene in images.scenes])
    return there, there | absent


def _moves(images: ProbeImages) -> Bools:
    return np.linalg.norm(images.flow, axis=-1) > _MOVES


def _unit(vectors: npt.NDArray[np.floating]) -> Array:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors.astype(np.float64) / np.maximum(lengths, 1e-9)


def _angles(found: npt.NDArray[np.floating], wanted: Array) -> Array:
    """Degrees between vectors and unit vectors, float64[R]."""
    cosines = np.sum(_unit(found) * wanted, axis=-1)
    return np.degrees(np.arccos(np.clip(cosines, -1, 1)))


def _weighted_median(values: Array, weights: Array) -> float:
    """The least value with at least half of the weight at or below it; NaN of nothing."""
    if not len(values):
        return float("nan")
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    return float(values[order][int(np.searchsorted(below, below[-1] / 2))])


def _check_rows(what: str, count: int) -> None:
    if count < _LEAST:
        raise InputError(
            "empty_source", f"the training set has {count} {what}", "generate more images"
        )
