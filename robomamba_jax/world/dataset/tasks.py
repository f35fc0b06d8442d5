# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Pieces of a generated data set, and what its worker processes do. Item k of a kind is a function
of the plan's seed and k, so neither workers nor interruptions change a byte."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from robomamba_jax.errors import InputError
from robomamba_jax.utils.files import write_text
from robomamba_jax.utils.ipc import Job, Reply
from robomamba_jax.world.dataset.clips import evenly_sampled, film
from robomamba_jax.world.dataset.records import (
    jpeg_bytes,
    llava_record,
    lrv_records,
    pose_record,
    save_ground_truth,
    save_image,
    text_record,
)
from robomamba_jax.world.dataset.samples import (
    FailedTrial,
    failed_name,
    failed_record,
    find_sample,
    sample_record,
)
from robomamba_jax.world.failures import Skips
from robomamba_jax.world.language import wording_checks as wc
from robomamba_jax.world.language.captions import caption, questions, yes_no
from robomamba_jax.world.language.conversations import image_conversations
from robomamba_jax.world.language.details import description
from robomamba_jax.world.language.facts import Facts, scene_facts
from robomamba_jax.world.language.imagined import imagined_record
from robomamba_jax.world.language.instructions import instructions, touch
from robomamba_jax.world.language.robovqa_tasks import ClipStory, tagged_text
from robomamba_jax.world.language.wording import Wording
from robomamba_jax.world.objects import assemblies, plain_things
from robomamba_jax.world.objects.rng import Rng
from robomamba_jax.world.policies.affordance import CONTACT_SAMPLING
from robomamba_jax.world.policies.interface import Observation
from robomamba_jax.world.policies.reference import oracle, part_random
from robomamba_jax.world.sim.broad_scenes import draw_broad_scene, draw_mixed_scene
from robomamba_jax.world.sim.episodes import (
    EVALUATION,
    check_dof,
    evaluate,
    set_up_trial,
    visible_parts,
)
from robomamba_jax.world.sim.scenes import check_size, draw_scene, rest_value
from robomamba_jax.world.sim.simulator import CameraFrame, SimScene, Simulator
from robomamba_jax.world.sim.surfaces import scene_axes
from robomamba_jax.world.sim.view_geometry import lift, link_at

VERSION = 2  # of what a seed makes: another number, other bytes; 2 has places and short answers
LAYOUT = (
    12  # of the texts and files about it; 12 has texts by a grammar, and records of words alone
)
KINDS = {"poses": 20, "language": 20, "clips": 5, "texts": 500}  # items per job
_CODES = {"poses": 1, "language": 2, "clips": 3, "texts": 5}
_NAMES = {"poses": "pose", "language": "picture", "clips": "clip", "texts": "text"}
_SPLITS = ("train", "test", "validation")  # a split's place is part of its seeds
# What contact sampling was called before: digests of folders that are there hold these words.
_FIRST_NAMES = {"random": "spread", "center": "middle"}
FAILED = "failed"
"""The folder of failed trials' images."""

FRAMES = 16
_REDRAWS = 50
# Poses mostly begin with shut parts (scenes.CLOSED_SHARE); questions about states need open ones.
_CLOSED_IN_LANGUAGE = 0.35
WORLDS = ("paper", "broad", "broad-categories")
# By world and kind: whose turn it is; None = the next of the plan's categories. The last world is
# the broad one without assemblies, to see what they are worth.
_TURNS: dict[str, dict[str, tuple[str | None, ...]]] = {
    "broad": {
        "poses": (assemblies.CATEGORY, None),
        "language": (
            *(assemblies.CATEGORY, None, assemblies.CATEGORY),
            *(plain_things.CATEGORY, assemblies.CATEGORY, None),
        ),
    },
    "broad-categories": {"language": (None, None, None, plain_things.CATEGORY, None, None)},
}
# Of facts: what only the broad world has, and how it reads where there is none of it.
_BROAD_FACTS = {"partly": (), "resembles": (), "surface_clear": True}
_IN_VIEW = 0.004  # share of a broad image that its object has to fill


class ItemRange(NamedTuple):
    """Items that one job makes.

    Attributes:
      kind: one of KINDS.
      start: the first one's number.
      count: how many.
    """

    kind: str
    start: int
    count: int


@dataclasses.dataclass(frozen=True)
class WorldPlan:
    """What to generate.

    Attributes:
      samples: pose samples that worked.
      num_images: images with captions, questions and answers.
      clips: RoboVQA clips of 16 frames.
      seed: another seed, another data set.
      split: "train", "validation" or "test": other objects each; other wording, and the unseen
        categories, in test alone.
      size: the images' side in pixels.
      dof: 6 or 7; 7 adds the gripper's state.
      categories: which, in the paper's order.
      contact_sampling: where collected poses touch, see ``samples.find_sample``.
      assets: a PartNet-Mobility folder; None = the embedded objects.
      asset_list: the list of its objects.
      allow_roots: where links among their files may lead; it decides no byte.
      failed_images: whether failed trials keep image, depth and mask.
      world: "paper": the categories as ManipLLM's camera sees them; "broad": assemblies and plain
        things among them, and other cameras, lights, patterns and clutter; "broad-categories": the
        same without assemblies. It is not in the digest of the paper's world, which came first.
      texts: conversations about imagined scenes, in words alone.
    """

    samples: int
    num_images: int
    clips: int
    seed: int
    split: str
    size: int
    dof: int
    categories: tuple[str, ...]
    contact_sampling: str = "random"
    assets: str | None = None
    asset_list: str | None = None
    allow_roots: tuple[str, ...] = ()
    failed_images: bool = False
    world: str = "paper"
    texts: int = 0

    def digest(self) -> str:
        """A hash of all that decides the bytes."""
        fields = dataclasses.asdict(self)
        # Where links may lead decides what can be read, and no byte of what is made of it.
        del fields["allow_roots"], fields["contact_sampling"]
        if not self.broad:
            del fields["world"]
        # By the names of the first versions: a renamed field is no reason to refuse a folder.
        fields["contacts"] = _FIRST_NAMES.get(self.contact_sampling)
        fields["language"] = fields.pop("num_images")
        text = json.dumps([VERSION, LAYOUT, fields], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def broad(self) -> bool:
        """Whether cameras, lights, patterns and clutter are those of the broad world."""
        return self.world != WORLDS[0]

    def count(self, kind: str) -> int:
        """Items of a kind."""
        counts = {"poses": self.samples, "language": self.num_images, "clips": self.clips}
        return {**counts, "texts": self.texts}[kind]

    @property
    def total(self) -> int:
        """Items of all kinds."""
        return sum(map(self.count, KINDS))

    def jobs(self) -> list[ItemRange]:
        """All items, in their order."""
        return [
            ItemRange(kind, start, min(size, self.count(kind) - start))
            for kind, size in KINDS.items()
            for start in range(0, self.count(kind), size)
        ]

    def seed_of(self, kind: str, item: int) -> tuple[int, ...]:
        """Where an item's random numbers begin."""
        return (VERSION, self.seed, _SPLITS.index(self.split), _CODES[kind], item)

    def category_of(self, kind: str, item: int) -> str:
        """The category of a kind's item: they take turns. In the broad world every second pose is
        of an assembly; of six images with language three show an assembly, one a plain thing; and
        without assemblies five of six a category."""
        turns = _TURNS.get(self.world, {}).get(kind)
        if turns is not None:
            what = turns[item % len(turns)]
            if what is not None:
                return what
            # How many of the plan's own came before: rounds that are over, and this one's.
            item = item // len(turns) * turns.count(None) + turns[: item % len(turns)].count(None)
        return self.categories[item % len(self.categories)]


def check_plan(plan: WorldPlan) -> None:
    """See that a plan can be carried out.

    Raises:
      InputError: a number or a name cannot be.
    """
    for name in ("samples", "num_images", "clips", "seed", "texts"):
        if getattr(plan, name) < 0:
            flag = "--num-texts" if name == "texts" else f"--{name.replace('_', '-')}"
            raise InputError("bad_arguments", f"{flag} is {getattr(plan, name)}", "give 0 or more")
    if plan.total == 0:
        raise InputError("bad_arguments", "nothing to generate", "give --samples or --num-images")
    check_dof(plan.dof)
    if plan.contact_sampling not in CONTACT_SAMPLING:
        raise InputError(
            "bad_arguments",
            f"--contact-sampling is {plan.contact_sampling!r}",
            f"give {' or '.join(CONTACT_SAMPLING)}",
        )
    if plan.contact_sampling == "center" and plan.dof != 6:
        raise InputError(
            "bad_arguments",
            "--contact-sampling center with --dof 7",
            "a hand chooses handles: give 6",
        )
    check_size(plan.size)
    if plan.world not in WORLDS:
        raise InputError(
            "bad_arguments", f"--world is {plan.world!r}", f"give {' or '.join(WORLDS)}"
        )
    if plan.broad and (plan.split == "test" or plan.assets is not None):
        which = "--split test" if plan.split == "test" else "--assets"
        raise InputError(
            "bad_arguments",
            f"--world {plan.world} with {which}",
            "the broad world is data for training, of the embedded objects: leave one out",
        )
    if plain_things.CATEGORY in plan.categories and plan.samples + plan.clips:
        raise InputError(
            "bad_arguments",
            f"--categories {plain_things.CATEGORY} with poses or clips",
            "plain things have no part that moves: give --samples 0 --clips 0",
        )
    if not plan.categories:
        raise InputError("bad_arguments", "no categories", "give at least one")


def run_job(
    simulator: Simulator,
    plan: WorldPlan,
    root: Path,
    kind: str,
    start: int,
    count: int,
    on_error: str = "raise",
) -> dict[str, Any]:
    """Make some items: images into the folder, records back.

    Returns:
      The items; with ``on_error`` "skip" those that could be made, and which were ``skipped``; and
      ``notes`` and ``left_out`` of their objects.

    Raises:
      InputError: an item cannot be made, and is not to be skipped.
    """
    make = {"poses": _pose, "language": _language, "clips": _clip, "texts": _text}[kind]
    skips, items = Skips(on_error), []
    simulator.objects.remarks()  # those of an earlier job are told
    for item in range(start, start + count):
        with skips.item(f"{_NAMES[kind]} {item} ({plan.category_of(kind, item)})"):
            items.append(make(simulator, plan, root, item))
    return {"items": items, "skipped": skips.found, **simulator.objects.remarks().to_json()}


REMARKS = ".said"
"""The ending of the file beside a job's records: who was skipped, and notes of objects."""


class WorldTasks:
    """What a worker process does: jobs of one plan, into files."""

    def __init__(self, plan: WorldPlan, root: Path, on_error: str) -> None:
        """Open the simulator."""
        self._plan, self._root, self._on_error = plan, root, on_error
        self._simulator = Simulator(plan.assets, plan.asset_list, on_error, plan.allow_roots)

    def run(self, job: Job) -> Reply:
        """Make the ``count`` items of a ``kind`` from ``start``; their records go into ``to``.

        Returns:
          {"done": how many}.

        Raises:
          InputError: see ``run_job``.
        """
        numbers = (job["kind"], job["start"], job["count"])
        found = run_job(self._simulator, self._plan, self._root, *numbers, self._on_error)
        to, items = Path(job["to"]), found.pop("items")
        # The remarks come first: records that are there are complete, remarks and all.
        write_text(to.with_suffix(REMARKS), json.dumps(found))
        write_text(to, json.dumps({"items": items}))
        return {"done": job["count"]}, {}


def open_tasks(setup: dict[str, Any]) -> WorldTasks:
    """What a worker process calls: see ``generate``."""
    # JSON made a list of the tuple.
    fields = {**setup["plan"], "categories": tuple(setup["plan"]["categories"])}
    return WorldTasks(WorldPlan(**fields), Path(setup["root"]), setup["on_error"])


def _pose(simulator: Simulator, plan: WorldPlan, root: Path, item: int) -> dict[str, Any]:
    category = plan.category_of("poses", item)
    seed = plan.seed_of("poses", item)
    name = f"{category}_{item:06d}"
    failed: list[dict[str, Any]] = []

    def note(trial: FailedTrial) -> None:
        """A trial that came to nothing, and its image where that is asked for."""
        # Without a contact there is nothing to learn from the image.
        drawn = plan.failed_images and trial.contact is not None
        if drawn:
            save_ground_truth(root / FAILED, failed_name(name, trial), trial.view)
            save_image(root / FAILED / "images" / f"{failed_name(name, trial)}.png", trial.view.rgb)
        failed.append(failed_record(trial, name, drawn))

    draw = draw_mixed_scene if plan.broad else draw_scene
    sample = find_sample(
        simulator,
        seed,
        category,
        plan.split,
        plan.size,
        plan.dof,
        plan.contact_sampling,
        note,
        draw,
    )
    save_ground_truth(root, name, sample.view)
    save_image(root / "images" / f"{name}.png", sample.view.rgb)
    # Trials have longer seeds, (*seed, attempt, ...): this one is none of theirs.
    words = Wording(Rng((*seed, 2)), plan.split)
    noun, (x, y) = sample.spec.scene.model.noun, sample.proposal.contact_xy
    question = words.say(wc.ASK_POSE, noun=noun)
    contact = touch(noun, (x / plan.size, y / plan.size), words)
    if item % 2:  # asked as stage 2 will ask
        contact = dataclasses.replace(contact, question=question)
    return {
        "touch": llava_record(name, f"{name}.png", [contact]),
        "manip": pose_record(name, f"{name}.png", question, sample.proposal),
        "truth": sample_record(sample, name),
        "failures": sample.failures,
        "failed": failed,
    }


def _language(simulator: Simulator, plan: WorldPlan, root: Path, item: int) -> dict[str, Any]:
    rng, scene, view = _scene_in_view(simulator, plan, item)
    facts = scene_facts(scene, view)
    words = Wording(rng, plan.split)
    name = f"{item:06d}"
    save_ground_truth(root, name, view, things=True)
    save_image(root / "images" / f"{name}.jpg", view.rgb)
    pairs = questions(facts, words)
    conversations = [rng.shuffled(pairs, 5), *instructions(facts, words)]
    return {
        "stage1_1": llava_record(name, f"{name}.jpg", [caption(facts, words)], rng.chance(0.5)),
        "llava": [
            llava_record(f"{name}-{k}" if k else name, f"{name}.jpg", pairs)
            for k, pairs in enumerate(conversations)
        ],
        "lrv": lrv_records(name, yes_no(facts, words, 6)),
        "details": llava_record(name, f"{name}.jpg", [description(facts, words)]),
        "conversations": [
            llava_record(f"{name}-{k}" if k else name, f"{name}.jpg", pairs, rng.chance(0.8))
            for k, pairs in enumerate(image_conversations(facts, words))
        ],
        "facts": _facts_record(facts),
        "instance": scene.spec.model.instance,
        "camera": view.camera.to_dict(),
        "axes": [axis.to_dict() for axis in scene_axes(scene)],
    }


def _facts_record(facts: Facts) -> dict[str, Any]:
    """Facts as JSON; what only the broad world has is left out where there is none of it, so that
    the paper's scenes have the bytes that they had before."""
    fields = dataclasses.asdict(facts)
    # By the names first: null has a meaning for the others (no place to touch), and stays.
    return {
        key: value
        for key, value in fields.items()
        if key not in _BROAD_FACTS or value != _BROAD_FACTS[key]
    }


def _scene_in_view(
    simulator: Simulator, plan: WorldPlan, item: int
) -> tuple[Rng, SimScene, CameraFrame]:
    """An image with language: its scene, and what goes on drawing for it."""
    category = plan.category_of("language", item)
    seed = plan.seed_of("language", item)
    if not plan.broad:
        rng = Rng(seed)
        model = simulator.objects.draw(category, plan.split, rng)
        spec = draw_scene(model, rng, plan.size, things=2, closed_share=_CLOSED_IN_LANGUAGE)
        scene = SimScene(simulator, spec)
        return rng, scene, scene.render()
    for attempt in range(_REDRAWS):
        rng = Rng((*seed, attempt))
        model = simulator.objects.draw(category, plan.split, rng)
        scene = SimScene(simulator, draw_broad_scene(model, rng, plan.size))
        view = scene.render()
        # Clutter may hide the object, and a wide angle leave little of it; and what moves may be
        # on its far side. There would be nothing to ask about.
        movable = scene.spec.model.movable
        moves = not movable or len(visible_parts(view.links, movable)) > 0
        if moves and np.mean(view.links >= 0) >= _IN_VIEW:
            return rng, scene, view
    raise InputError(
        "no_sample", f"no scene shows {category}", "leave the category out with --categories"
    )


def _text(simulator: Simulator, plan: WorldPlan, root: Path, item: int) -> dict[str, Any]:
    """A conversation about a scene that is told in words, and drawn nowhere."""
    del simulator, root
    pairs = imagined_record(Rng(plan.seed_of("texts", item)), plan.split)
    return {"text": text_record(f"{item:07d}", pairs)}


def _clip(simulator: Simulator, plan: WorldPlan, root: Path, item: int) -> dict[str, Any]:
    """A clip: the oracle acts, or a random pull fails; some clips end when the gripper arrives."""
    category = plan.category_of("clips", item)
    # Each attempt is another trial: what is drawn in one that fails leaves nothing behind.
    for attempt in range(50):
        rng = Rng((*plan.seed_of("clips", item), attempt))
        seed = (*plan.seed_of("clips", item), attempt, 1)
        spec, scene, view = set_up_trial(simulator, seed, category, plan.split, plan.size)
        if not visible_parts(view.links, spec.scene.model.movable):
            continue
        facts = scene_facts(scene, view)
        observation = Observation("", category, "", view, scene, rng.generator)
        # Half of the clips show all, a quarter ends on arrival, a quarter shows a failure.
        phase = rng.choice(["done", "done", "reach", "failed"])
        proposal = part_random(observation) if phase == "failed" else oracle(observation)
        point = None if proposal is None else lift(view, proposal.contact_xy)
        if proposal is None or point is None:
            continue
        link = link_at(view, proposal.contact_xy)
        part = next((part for part in facts.parts if part.link == link), None)
        if part is None:
            continue
        frames, coming, result = film(scene, link, proposal.in_world(view, point))
        success = evaluate(scene, link, result, EVALUATION).success
        # A clip must show what its texts are going to say.
        if success != (phase != "failed"):
            continue
        shown = frames[:coming] if phase == "reach" else frames
        joint = spec.scene.model.joint_index(link)
        rest = rest_value(spec.scene.model, link, spec.scene.scale)
        # Away from rest or back to it: by how far the joint stands from it before and after.
        way = 1 if abs(result.after[joint] - rest) >= abs(result.before[joint] - rest) else -1
        text = tagged_text(ClipStory(facts, part, way, phase), Wording(rng, plan.split))
        images = [jpeg_bytes(frame) for frame in evenly_sampled(shown, FRAMES)]
        return {
            "images": [base64.b64encode(data).decode() for data in images],
            "text": text,
            "instance": spec.scene.model.instance,
        }
    raise InputError(
        "no_sample", f"no clip with {category} worked", "leave the category out with --categories"
    )
