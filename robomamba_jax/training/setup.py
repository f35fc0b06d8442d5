# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Everything up to the first step: the workdir, the base, the data, the program, the state.

Weights come from the first of: this workdir's newest good step; what ``init_from`` names, a run
or a converted folder; random numbers.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import jax
from jax.sharding import Mesh

from robomamba_jax.config.data import DataConfig
from robomamba_jax.config.encoder import EncoderPlan
from robomamba_jax.config.provenance import values
from robomamba_jax.config.serial import ModelParts, parts_to_json
from robomamba_jax.config.training import TrainConfig
from robomamba_jax.config.tree import tree_from_json, tree_to_json
from robomamba_jax.data.examples import Encoder, contacts_of
from robomamba_jax.data.pipeline.batch_plan import BatchPlan
from robomamba_jax.data.pipeline.loader import BatchLoader
from robomamba_jax.data.pipeline.step_data import StepData
from robomamba_jax.data.processor import Processor
from robomamba_jax.errors import InputError
from robomamba_jax.models.params import Params
from robomamba_jax.training import checkpoint
from robomamba_jax.training.checkpoint import BaseReference, RunMeta
from robomamba_jax.training.device_put import DeviceFeeder
from robomamba_jax.training.distributed import agreed, check_alike
from robomamba_jax.training.export import trained_parts
from robomamba_jax.training.features import open_cache
from robomamba_jax.training.program import Program, StepProgram, build
from robomamba_jax.training.samples import SampleMaker, no_samples, open_samples
from robomamba_jax.training.scan_choice import scan_in_use
from robomamba_jax.training.sharding import make_mesh
from robomamba_jax.training.state import TrainState, new_state, state_tree, tree_state
from robomamba_jax.training.weights import InitialWeights, load_tree, open_base
from robomamba_jax.utils.files import read_json, replacing
from robomamba_jax.utils.progress import Log
from robomamba_jax.utils.version import __version__

RUN_SCHEMA, FROZEN_SCHEMA = "robomamba.run/1", "robomamba.frozen/1"

# What may differ when a run is resumed: nothing that any number of the training depends on.
_FREE = re.compile(
    r"mesh/.*|checkpoint/.*|init_from|data/features"
    r"|run/(stop_after|log_every|workers|prefetch|profile_.*|wandb|export)"
)


@dataclasses.dataclass
class Session:
    """A run that is ready to step.

    Attributes:
      config: the run's.
      workdir: its folder.
      program: what it does.
      pipeline: the training data.
      feeder: puts it on the devices.
      held_out: the evaluation data, if there is any.
      state: before the next step; replaced by every step.
      frozen: parameters.
      step: updates done.
      steps: updates in all.
      meta: what every step's folder says.
      processor: what goes along with the weights.
      checkpoints: the writer.
      open_samples: what says something of the data in the middle of the run.
    """

    config: TrainConfig | EncoderPlan
    workdir: Path
    program: StepProgram
    pipeline: StepData
    feeder: DeviceFeeder
    held_out: StepData | None
    state: TrainState
    frozen: Params
    step: int
    steps: int
    meta: RunMeta
    processor: Processor
    checkpoints: checkpoint.Checkpoints
    open_samples: Callable[[], SampleMaker] = lambda: no_samples

    def save(self) -> None:
        """Begin to write the state as it is now."""
        meta = {**self.meta, "data": self.pipeline.state(self.step)}
        self.checkpoints.save(self.step, state_tree(self.state), meta, self.processor.save)

    def __enter__(self) -> Session:
        """Itself; leaving it closes it."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(failed=kind is not None)

    def close(self, *, failed: bool = False) -> None:
        """Finish the last checkpoint and end the data's workers."""
        try:
            self.checkpoints.close(together=not failed)
        finally:
            self.pipeline.close()
            if self.held_out is not None:
                self.held_out.close()


def begin(
    config: TrainConfig,
    workdir: Path,
    *,
    log: Log = lambda line: None,
    on_samples: Callable[[int, int], None] | None = None,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> Session:
    """Make a run ready, from its beginning or from its newest step.

    Args:
      config: the run's.
      workdir: made if missing.
      log: gets lines about what was found.
      on_samples: called with (samples measured, samples in all).
      on_bytes: called with how many more bytes of weights are loaded.

    Raises:
      InputError: something of it cannot be.
    """
    # What costs least comes first: a workdir of another run is refused before gigabytes are read.
    mesh = make_mesh(config.mesh)
    check_workdir(config, workdir)
    resumed = choose_step(workdir, log)
    base = _find_base(config, workdir, resumed)
    processor = run_processor(config, base)
    reader = open_cache(config, base)
    pipeline, held_out = _open_data(config, mesh, workdir, on_samples)
    try:
        steps = count_steps(config, pipeline.plan)
        features = "" if reader is None else reader.kind
        # Before anything is traced. The run's own configuration goes on saying "auto".
        as_built, scan_method = scan_in_use(config, base.parts, workdir, log)
        program = build(as_built, base.parts, mesh, steps=steps, features=features)
        _check_vocabulary(program, processor)
        # Frozen parameters are no part of a step: a resumed run reads them from its base again.
        load = functools.partial(
            load_tree, base, config=program.model, mesh=mesh, seed=config.seed, on_bytes=on_bytes
        )
        frozen, initialized = load(expected=program.frozen)
        parts = trained_parts(program.model, base.parts, as_built.model, program.state.trained)
        meta = run_meta(config, config.stage, program, base.reference, parts)
        meta["model"], meta["initialized"] = tree_to_json(config.model), initialized
        meta["scan_method"] = scan_method
        state, step, writer = open_state(
            config, workdir, resumed, program, pipeline, meta,
            lambda: load(expected=program.state.trained)[0],
        )  # fmt: skip
    except BaseException:
        pipeline.close()
        if held_out is not None:
            held_out.close()
        raise
    return Session(
        config=config,
        workdir=workdir,
        program=program,
        pipeline=pipeline,
        feeder=DeviceFeeder(mesh, pipeline.batch_size),
        held_out=held_out,
        state=state,
        frozen=frozen,
        step=step,
        steps=steps,
        meta=meta,
        processor=processor,
        checkpoints=writer,
        open_samples=lambda: open_samples(program, held_out or pipeline),
    )


def open_state(
    config: TrainConfig | EncoderPlan,
    workdir: Path,
    resumed: Path | None,
    program: StepProgram,
    pipeline: StepData,
    meta: RunMeta,
    trained: Callable[[], Params],
) -> tuple[TrainState, int, checkpoint.Checkpoints]:
    """The state from which a run goes on, the updates done, and the writer of its steps. What the
    workdir says of the run is written.

    Args:
      config: the run's.
      workdir: its folder.
      resumed: the step's folder; None = a new run.
      program: what it does.
      pipeline: the training data.
      meta: what every step's folder says.
      trained: the parameters before the first step; asked for in a new run alone.

    Raises:
      InputError: the step is of other data or another program, or the processes do not agree.
    """
    # Before the first collective, which restoring may be: processes that mean different runs
    # would wait for each other.
    check_alike(
        {
            "configuration": json.dumps(tree_to_json(config), sort_keys=True),
            "data": pipeline.state(0)["plan_hash"],
            "base": meta["base"]["sha256"],
            "version": __version__,
        }
    )
    if resumed is None:
        step, state = None, _new_state(program, trained(), config.seed)
    else:
        step = pipeline.restore(checkpoint.read_meta(resumed)["data"])
        tree = checkpoint.restore(resumed, state_tree(program.state))
        state = tree_state(tree, program.state)
    writer = checkpoint.Checkpoints(
        workdir, keep=config.checkpoint.keep, keep_every=config.checkpoint.keep_every
    )
    writer.resume_from(step)
    _write_run(config, workdir, meta)
    return state, step or 0, writer


def _new_state(program: StepProgram, trained: Params, seed: int) -> TrainState:
    shardings = jax.tree.map(lambda leaf: leaf.sharding, program.state)

    def make(trained: Params) -> TrainState:
        """The first state, traced so that its arrays are born where they lie."""
        return new_state(trained, program.labels, program.optimizer, seed)

    # out_shardings, because jit would put all moments, which no input's layout decides, everywhere.
    return jax.jit(make, out_shardings=shardings, donate_argnums=0)(trained)


def count_steps(config: TrainConfig, plan: BatchPlan) -> int:
    """The updates of a whole run."""
    if config.run.steps is not None:
        return config.run.steps
    # Epochs differ in length where rows are packed, so an epoch's steps come from the plan.
    whole = math.floor(config.run.epochs)
    start = plan.start_of(whole)
    rest = config.run.epochs - whole
    return max(1, start + (round(rest * (plan.start_of(whole + 1) - start)) if rest else 0))


def check_workdir(config: TrainConfig | EncoderPlan, workdir: Path) -> None:
    """A workdir holds one run; see ``_FREE`` for what may change.

    Raises:
      InputError: it holds another.
    """
    file = workdir / "config.json"
    if not file.is_file():
        if workdir.is_dir() and checkpoint.steps(workdir):
            raise InputError("bad_workdir", f"{file} is missing", "restore it, or take another")
        return
    content = read_json(file, stray_bytes=True)
    if content.get("schema") != RUN_SCHEMA:
        raise InputError("bad_workdir", f"{file} is of no run", "give another --workdir")
    old = values(tree_from_json(type(config), content["config"], str(file)))
    # Through the file's own bytes, in which a path's stray bytes are written otherwise.
    given = json.loads(checkpoint.json_bytes(tree_to_json(config)))
    new = values(tree_from_json(type(config), given, "the configuration"))
    for path in sorted(old.keys() | new.keys()):
        if not _FREE.fullmatch(path) and old.get(path) != new.get(path):
            name = path.replace("/", ".")
            raise InputError(
                "run_mismatch",
                f"{workdir} holds a run with {name} {old.get(path)!r}, now {new.get(path)!r}",
                "give the same again to resume, or another --workdir to begin",
            )


def choose_step(workdir: Path, log: Log) -> Path | None:
    """The step to resume from; process 0 decides for all."""
    found = checkpoint.newest_good(workdir, log) if jax.process_index() == 0 else None
    step = agreed(-1 if found is None else int(found.name))
    return None if step < 0 else workdir / checkpoint.STEPS_FOLDER / str(step)


def _find_base(config: TrainConfig, workdir: Path, resumed: Path | None) -> InitialWeights:
    """The base of a new run, or the one that this run was begun with, wherever it lies now."""
    everything = config.checkpoint.verify == "all"
    if resumed is None:
        return open_base(config.init_from, config.model, config.seed, hashes=everything)
    reference = checkpoint.read_meta(resumed)["base"]
    path = reference["path"]
    # A base may have been moved; that it is the same one is said by its hash, not by its path.
    if path is not None and not Path(path).exists():
        path = config.init_from
    base = open_base(path, config.model, config.seed, hashes=everything)
    if base.reference["sha256"] != reference["sha256"]:
        raise InputError(
            "base_mismatch",
            f"{workdir} was begun with {reference['path'] or 'random numbers'} of sha256 "
            f"{reference['sha256'][:12]}; {path or 'random numbers'} has "
            f"{base.reference['sha256'][:12]}",
            "put the old base back, or begin another --workdir",
        )
    return base


def run_processor(config: TrainConfig, base: InitialWeights) -> Processor:
    """What goes along with the trained weights: the base's, with what the run's data say.

    Raises:
      InputError: the data are encoded for another tokenizer or transform than the base's.
    """
    encoder = Encoder.open(config.data)
    pose = config.loss.kind == "pose"
    old = base.processor
    fix = "set data.encoding to what the base was made with"
    if old is not None:
        if old.tokenizer is not None and old.tokenizer.sha256 != encoder.tokenizer.sha256:
            raise InputError("tokenizer_mismatch", "the base has another tokenizer", fix)
        if None not in (old.transform, encoder.transform) and old.transform != encoder.transform:
            raise InputError("transform_mismatch", "the base has another image transform", fix)
    # A stage of texts leaves the head alone, so what its numbers mean stays as it was.
    contacts = contacts_of(config.data.encoding) if pose or old is None else old.contacts
    return Processor(
        encoder.tokenizer,
        encoder.transform if old is None or old.transform is None else old.transform,
        encoder.template,
        contact_scale=contacts.scale,
        rotation_convention="opencv" if pose or old is None else old.rotation_convention,
        contact_frame=contacts.frame,
        contact_side=contacts.side,
    )


def _check_vocabulary(program: Program, processor: Processor) -> None:
    # The greatest id, not the number of tokens: ids may have gaps. The embedding may have rows to
    # spare, as the NeoX tokenizer's 50,277 tokens in 50,280.
    size = max(processor.need_tokenizer().vocab.values(), default=0) + 1
    if size > program.model.llm.vocab_size:
        raise InputError(
            "tokenizer_mismatch",
            f"the tokenizer has {size} tokens, the model {program.model.llm.vocab_size}",
            "give the model's own: data.encoding.tokenizer",
        )


def _open_data(
    config: TrainConfig,
    mesh: Mesh,
    workdir: Path,
    on_samples: Callable[[int, int], None] | None,
) -> tuple[BatchLoader, BatchLoader | None]:
    ledger = workdir / "ledger.jsonl"

    def pipeline(
        data: DataConfig, workers: int, tell: Callable[[int, int], None] | None, file: Path
    ) -> BatchLoader:
        """The loader of this process's rows."""
        mine = DeviceFeeder(mesh, data.batch.batch_size).mine
        return BatchLoader(
            data, workers=workers, rows=mine, ledger=file, on_progress=tell,
            process_id=jax.process_index(), num_processes=jax.process_count(),
        )  # fmt: skip

    # Each process has its own part of the rows, and so its own workers.
    first = pipeline(config.data, config.run.workers, on_samples, ledger)
    if config.eval_data is None:
        return first, None
    held_out = config.eval_data
    # ``compute_features`` puts the held-out samples into the same cache.
    if held_out.features is None:
        held_out = dataclasses.replace(held_out, features=config.data.features)
    try:
        few = min(config.run.workers, 1)  # its batches are few, and far between
        return first, pipeline(held_out, few, None, workdir / "eval_ledger.jsonl")
    except BaseException:
        first.close()
        raise


def run_meta(
    config: TrainConfig | EncoderPlan,
    stage: str,
    program: StepProgram,
    base: BaseReference,
    parts: ModelParts,
) -> RunMeta:
    """What every step of a run says of itself, but for its number and data state; ``model`` and
    ``initialized`` are empty."""
    return {
        "stage": stage,
        "version": __version__,
        "config": tree_to_json(config),
        "parts": parts_to_json(parts),
        "model": {},
        "seed": config.seed,
        "base": base,
        "initialized": {},
        "features": program.features,
        "mesh": dict(program.mesh.shape),
        "processes": jax.process_count(),
    }


def _write_run(config: TrainConfig | EncoderPlan, workdir: Path, meta: RunMeta) -> None:
    if jax.process_index():
        return
    frozen = {"schema": FROZEN_SCHEMA, **meta["base"]}
    run = {"schema": RUN_SCHEMA, "version": __version__, "config": tree_to_json(config)}
    if "scan_method" in meta:
        run["scan_method"] = meta["scan_method"]
    # At each resume again: what is free to change may have changed.
    for name, content in (("frozen.json", frozen), ("config.json", run)):
        with replacing(workdir / name) as partial:
            partial.write_bytes(checkpoint.json_bytes(content))
