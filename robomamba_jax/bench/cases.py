# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks. The command line reads these classes whichever command is run, so that jax and
what imports it are loaded in ``make_cases`` alone."""

from __future__ import annotations

import dataclasses

from robomamba_jax.bench.benchmark import Bench, BenchCase, check_names, option
from robomamba_jax.bench.control import ControlBench
from robomamba_jax.bench.device.settings import DeviceBench
from robomamba_jax.errors import InputError

LM_KINDS = ("prefill", "decode", "train")
TRAIN_STAGES = ("instruct", "manipulate", "manipulate-cached")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScanBench(Bench):
    """The selective scan, forward and with gradients, at each length."""

    what = "scan"

    lengths: tuple[int, ...] = option((1024,), "lengths, separated by commas")
    batch_size: int = option(1, "rows", "--batch")
    inner: int = option(1536, "channels I")
    state: int = option(16, "states N per channel")
    chunk_size: int | None = option(None, "of the chunked method (backend's table)")

    def make_cases(self) -> list[BenchCase]:
        """Forward and backward at each length."""
        cases = []
        batch, inner, state = self.batch_size, self.inner, self.state
        for length in self.lengths:
            shape = {"batch": batch, "length": length, "inner": inner, "state": state}
            for kind, theirs in (
                ("forward", ("transformers-loop", "transformers-mambapy")),
                # The loop's backward pass is quadratic in the length: torch's indexing.
                ("backward", ("transformers-mambapy",)),
            ):
                ours = ("jax-chunked", "jax-associative", "jax-sequential")
                work = {"kind": kind, "chunk_size": self.chunk_size, **shape}
                name = f"scan {kind} {batch}x{length}x{inner}x{state}"
                cases.append(BenchCase(name, self.sides(ours, *theirs), work))
        return cases


@dataclasses.dataclass(frozen=True, kw_only=True)
class LanguageBench(Bench):
    """The language model: prefill, decoding and a training step."""

    what = "lm"

    preset: str = option("130m", "the model's shape")
    cases: tuple[str, ...] = option(LM_KINDS, "which of these")
    full: bool = option(False, "train on 2x512 tokens, not 2x128")
    remat: str = option("block", "none, block or dots, for training")

    def make_cases(self) -> list[BenchCase]:
        """One case for each kind."""
        from robomamba_jax.config import preset

        # For its errors: a wrong name is told before any process starts.
        preset(self.preset, remat=self.remat)
        check_names("case", self.cases, LM_KINDS)
        length = 512 if self.full else 128
        table = {
            "prefill": ("prefill 1x512", "transformers", {"batch": 1, "length": 512}),
            "decode": (
                "decode 64, batch 1",
                "transformers",
                {"batch": 1, "length": 4, "new_tokens": 64},
            ),
            "train": (
                f"train step 2x{length}",
                "mambapy",
                {"batch": 2, "length": length, "remat": self.remat},
            ),
        }
        cases = []
        for kind in self.cases:
            name, theirs, work = table[kind]
            sides = self.sides(("robomamba",), theirs)
            work = {"kind": kind, "preset": self.preset, **work}
            cases.append(BenchCase(f"{self.preset} {name}", sides, work))
        return cases


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataBench(Bench):
    """Decoding, resizing, tokenising, in the process itself and in one worker."""

    what = "data"

    samples: int = option(128, "of an epoch, each with an image of 640 x 480")
    batch_size: int = option(16, "samples", "--rows")
    encoder: str = option("clip-l14-224", "whose transform")
    tokenizer: str = option("nano", "a tokenizer.json, or the small nano")

    def make_cases(self) -> list[BenchCase]:
        """The same epoch without a worker and with one."""
        from robomamba_jax.data.examples import open_tokenizer
        from robomamba_jax.data.images.transforms import image_transform

        # The same for these two names.
        image_transform(self.encoder)
        open_tokenizer(self.tokenizer)
        sides = self.sides(("robomamba-data", "robomamba-packed"), "torch-dataloader")
        work = {
            "kind": "data",
            "samples": self.samples,
            "rows": self.batch_size,
            "encoder": self.encoder,
            "tokenizer": self.tokenizer,
        }
        return [
            BenchCase(f"{self.samples} samples, {name}", sides, {**work, "workers": workers})
            for workers, name in ((0, "one process"), (1, "one worker process"))
        ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainBench(Bench):
    """A training step of each stage, on the same weights and batch in both frameworks."""

    what = "train"

    preset: str = option("130m", "the language model's shape")
    encoder: str = option("nano-clip", "clip-l14-224, ...")
    stages: tuple[str, ...] = option(TRAIN_STAGES, "which of these")
    batch_size: int = option(2, "rows", "--rows")
    text: int = option(64, "tokens behind each image")
    remat: str = option("block", "none, block or dots")

    def make_cases(self) -> list[BenchCase]:
        """One case for each stage. torch scans through mambapy where gradients pass through the
        scan, and by transformers' own loop as well where they do not."""
        from robomamba_jax.bench.train_inputs import make_checkpoint
        from robomamba_jax.config import model_preset

        config = model_preset(self.preset, vision=self.encoder, remat=self.remat)
        check_names("stage", self.stages, TRAIN_STAGES)
        assert config.vision is not None
        shared = {
            **make_checkpoint(self.preset, self.encoder),
            "rows": self.batch_size,
            "text": self.text,
            "remat": self.remat,
            "encoder": self.encoder,
            "side": config.vision.image_size,
            "patches": config.vision.num_patches,
            "heads": config.vision.heads,
            "vocab": config.llm.vocab_size,
            "width": config.llm.d_model,
        }
        theirs = {
            "instruct": ("torch-mambapy",),
            "manipulate": ("torch-loop", "torch-mambapy"),
            # Features are given, and nobody scans.
            "manipulate-cached": ("torch-loop",),
        }
        size = f"{self.batch_size} x ({config.vision.num_patches} + {self.text})"
        return [
            BenchCase(
                f"{stage}, {self.preset} + {self.encoder}, {size}",
                self.sides(("robomamba-train",), *theirs[stage]),
                {"kind": stage, **shared},
            )
            for stage in self.stages
        ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepBench(Bench):
    """A small model's training step: packed rows, cached features, Muon, as in the demo."""

    what = "step"

    layers: tuple[int, ...] = option((3,), "numbers of layers, separated by commas")
    widths: tuple[int, ...] = option((256,), "widths D; each with each number of layers")
    batch_size: int = option(8, "rows", "--rows")
    tokens: int = option(384, "of a row, images and text")
    encoder: str = option("nano", "whose features are cached")
    optimizer: str = option("muon", "or adamw")

    def make_cases(self) -> list[BenchCase]:
        """One case for each size."""
        from robomamba_jax.config import model_preset

        # For its errors: a wrong name or size is told before any process starts.
        vision = model_preset("nano", vision=self.encoder).vision
        check_names("optimizer", (self.optimizer,), ("muon", "adamw"))
        assert vision is not None
        least = vision.num_patches + 32
        if self.tokens < max(120, least) or self.batch_size < 1:
            what = f"{self.batch_size} rows of {self.tokens} tokens hold no image and its question"
            raise InputError("bad_arguments", what, f"give --tokens from {max(120, least)}")
        shared = {
            "kind": "step",
            "rows": self.batch_size,
            "tokens": self.tokens,
            "encoder": self.encoder,
            "optimizer": self.optimizer,
        }
        return [
            BenchCase(
                f"step of {layers} x {width}, {self.batch_size} x {self.tokens}",
                ("robomamba-step",),
                {"layers": layers, "width": width, **shared},
            )
            for layers in self.layers
            for width in self.widths
        ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorldBench(Bench):
    """Images of the simulator, beside SAPIEN's default shaders, and whole trials."""

    what = "world"

    sizes: tuple[int, ...] = option((224, 336), "of images, in pixels")

    def make_cases(self) -> list[BenchCase]:
        """Images and trials of each size."""
        from robomamba_jax.world.sim.vulkan import load_sapien

        load_sapien()  # a missing package is an error before anything starts
        cases = []
        for size in self.sizes:
            shared = {"size": size, "samples": 20}
            sides = self.sides(("world",), "sapien-default")
            cases.append(BenchCase(f"20 images, {size} px", sides, {"kind": "picture", **shared}))
            # Of whole trials there is no other side: rendering is a small part of one.
            trial = {"kind": "trial", **shared}
            cases.append(BenchCase(f"20 trials, {size} px", ("world",), trial))
        return cases


BENCHES: tuple[type[Bench], ...] = (
    *(ScanBench, LanguageBench, DataBench, TrainBench, StepBench, WorldBench),
    *(ControlBench, DeviceBench),
)
