# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What is measured, and the result as one object and one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from robomamba_jax.bench import control
from robomamba_jax.bench.runner import Case, machine_facts, run_case, versions
from robomamba_jax.utils.progress import Log

SCHEMA = "robomamba.bench/1"


def machine_cases() -> list[Case]:
    """The machine's own limits, measured beside everything else."""
    return [
        Case("memory read", ("machine",), {"kind": "read"}),
        Case("float32 product", ("machine",), {"kind": "gemm"}),
    ]


def scan_cases(
    lengths: Sequence[int],
    *,
    batch: int,
    inner: int,
    state: int,
    chunk_size: int | None,
    peers: bool,
) -> list[Case]:
    """The selective scan, forward and with gradients, at each length."""
    ours = ("jax-chunked", "jax-associative", "jax-sequential")
    cases = []
    for length in lengths:
        shape = {"batch": batch, "length": length, "inner": inner, "state": state}
        for kind, theirs in (
            ("forward", ("transformers-loop", "transformers-mambapy")),
            # The loop's backward pass is quadratic in the length: torch's indexing.
            ("backward", ("transformers-mambapy",)),
        ):
            work = {"kind": kind, "chunk_size": chunk_size, **shape}
            sides = ours + (theirs if peers else ())
            cases.append(Case(f"scan {kind} {batch}x{length}x{inner}x{state}", sides, work))
    return cases


def lm_cases(
    preset: str, kinds: Sequence[str], *, full: bool, remat: str, peers: bool
) -> list[Case]:
    """Prefill, decoding and a training step of one preset.

    Args:
      preset: a preset's name.
      kinds: of "prefill", "decode", "train".
      full: train on 2x512 tokens instead of 2x128.
      remat: see ``MambaConfig``; for training.
      peers: also run torch.
    """
    length = 512 if full else 128
    table = {
        "prefill": ("prefill 1x512", ("transformers",), {"batch": 1, "length": 512}),
        "decode": (
            "decode 64, batch 1",
            ("transformers",),
            {"batch": 1, "length": 4, "new_tokens": 64},
        ),
        "train": (
            f"train step 2x{length}",
            ("mambapy",),
            {"batch": 2, "length": length, "remat": remat},
        ),
    }
    cases = []
    for kind in kinds:
        name, theirs, work = table[kind]
        sides = ("robomamba", *(theirs if peers else ()))
        cases.append(Case(f"{preset} {name}", sides, {"kind": kind, "preset": preset, **work}))
    return cases


def data_cases(*, samples: int, rows: int, encoder: str, tokenizer: str, peers: bool) -> list[Case]:
    """Decoding, resizing and tokenising, in the process itself and in one worker.

    Args:
      samples: of an epoch, each with a picture of 640 x 480.
      rows: of a batch.
      encoder: whose transform.
      tokenizer: see ``EncodingConfig``.
      peers: also run torch's DataLoader.
    """
    sides = ("robomamba-data", "robomamba-packed", *(("torch-dataloader",) if peers else ()))
    work = {"samples": samples, "rows": rows, "encoder": encoder, "tokenizer": tokenizer}
    return [
        Case(f"{samples} samples, {name}", sides, {"kind": "data", "workers": workers, **work})
        for workers, name in ((0, "one process"), (1, "one worker process"))
    ]


def train_cases(
    stages: Sequence[str],
    *,
    preset: str,
    encoder: str,
    rows: int,
    text: int,
    remat: str,
    peers: bool,
) -> list[Case]:
    """A step of each stage, on the same weights and batch in both frameworks.

    Args:
      stages: of ``train_inputs.STAGES``.
      preset: of the language model.
      encoder: CLIP's or SigLIP's form.
      rows: of the batch.
      text: tokens of a row, behind its image.
      remat: ours, see ``MambaConfig``.
      peers: also run torch: through mambapy where gradients pass through the scan, and by
        transformers' own loop where they do not.
    """
    from robomamba_jax.bench.train_inputs import make_checkpoint
    from robomamba_jax.config import model_preset

    config = model_preset(preset, vision=encoder)
    assert config.vision is not None
    shared = {
        **make_checkpoint(preset, encoder),
        "rows": rows,
        "text": text,
        "remat": remat,
        "encoder": encoder,
        "side": config.vision.image_size,
        "patches": config.vision.num_patches,
        "heads": config.vision.heads,
        "vocab": config.llm.vocab_size,
        "width": config.llm.d_model,
    }
    cases = []
    for stage in stages:
        theirs = ("torch-mambapy",) if stage == "instruct" else ("torch-loop", "torch-mambapy")
        if stage.endswith("cached"):
            theirs = ("torch-loop",)
        name = f"{stage}, {preset} + {encoder}, {rows} x ({config.vision.num_patches} + {text})"
        sides = ("robomamba-train", *(theirs if peers else ()))
        cases.append(Case(name, sides, {"kind": stage, **shared}))
    return cases


def world_cases(sizes: Sequence[int], *, peers: bool) -> list[Case]:
    """Pictures (beside SAPIEN's default shaders), and whole trials, at each size.

    Args:
      sizes: of pictures, in pixels.
      peers: also draw with SAPIEN's default shaders.
    """
    cases = []
    for size in sizes:
        shared = {"size": size, "samples": 20}
        sides = ("world", *(("sapien-default",) if peers else ()))
        cases.append(Case(f"20 pictures, {size} px", sides, {"kind": "picture", **shared}))
        cases.append(Case(f"20 trials, {size} px", ("world",), {"kind": "trial", **shared}))
    return cases


def run(what: str, cases: Sequence[Case], rounds: int, tell: Log) -> dict[str, Any]:
    """Run the machine's limits and ``cases``; one JSON-ready object."""
    read, gemm = (run_case(case, rounds, tell)["sides"]["machine"] for case in machine_cases())
    result = {
        "schema": SCHEMA,
        "what": what,
        "machine": machine_facts(),
        "versions": versions(),
        "limits": {
            "read_gb_s": read["bytes"] / read["seconds_min"] / 1e9,
            "gemm_gflop_s": gemm["flops"] / gemm["seconds_min"] / 1e9,
        },
        "cases": [],
    }
    for case in cases:
        done = run_case(case, rounds, tell)
        for side in done["sides"].values():
            if "skipped" not in side:
                side.update(_rates(case.work, side, result["limits"]))
        result["cases"].append(done)
    return result


def table_rows(case: dict[str, Any]) -> list[tuple[str, ...]]:
    """(side, median, range, p99, times ours, peak memory, note) as text, a row per side."""
    rows = []
    for side, figures in case["sides"].items():
        if "skipped" in figures:
            rows.append((side, "-", "-", "-", "-", "-", f"skipped: {figures['skipped']}"))
            continue
        spread = f"{_seconds(figures['seconds_min'])} .. {_seconds(figures['seconds_max'])}"
        ratio = case["ratios"].get(side, 1.0)
        memory = f"{figures.get('peak_rss', 0) / 2**30:.2f} GiB"
        median = _seconds(figures["seconds"])
        slow = _seconds(figures["seconds_p99"])
        rows.append((side, median, spread, slow, f"{ratio:.2f}", memory, _note(figures)))
    return rows


def _rates(work: dict[str, Any], side: dict[str, Any], limits: dict[str, float]) -> dict[str, Any]:
    """Tokens per second, and the share of the read bandwidth that decoding reaches."""
    if "control" in work:
        return control.rates(work, side)
    if "samples" in work:
        return {"samples_per_second": work["samples"] / side["seconds"]}
    if "patches" in work:
        tokens = work["rows"] * (work["text"] + work["patches"])
        return {"tokens_per_second": tokens / side["seconds"]}
    if "preset" not in work:
        return {}
    per_row = work["new_tokens"] if work["kind"] == "decode" else work["length"]
    rates = {"tokens_per_second": work["batch"] * per_row / side["seconds"]}
    if work["kind"] == "decode" and "weight_bytes" in side:
        # Batch 1 reads every weight once a token; the prompt is counted as one token more.
        read = side["weight_bytes"] * (per_row + 1) / side["seconds"] / 1e9
        rates["read_gb_s"], rates["share_of_read_limit"] = read, read / limits["read_gb_s"]
    return rates


def _note(figures: dict[str, Any]) -> str:
    notes = []
    if "hz" in figures:
        notes.append(f"{figures['hz']:.2f} Hz")
    if "tokens_per_second" in figures:
        notes.append(f"{figures['tokens_per_second']:.1f} tokens/s")
    if "samples_per_second" in figures:
        notes.append(f"{figures['samples_per_second']:.0f} samples/s")
    if "packing_efficiency" in figures:
        notes.append(f"rows {100 * figures['packing_efficiency']:.1f} % full")
    if "share_of_read_limit" in figures:
        notes.append(f"{100 * figures['share_of_read_limit']:.0f} % of the read limit")
    if "loss" in figures:
        notes.append(f"first loss {figures['loss']:.4f}")
    if figures.get("temp_bytes") is not None:
        notes.append(f"{figures['temp_bytes'] / 2**20:.0f} MiB temporary")
    return ", ".join(notes)


def _seconds(value: float) -> str:
    return f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"
