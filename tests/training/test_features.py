# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Training on cached features is training."""

from __future__ import annotations

from pathlib import Path

import pytest

from robomamba_jax.data.cache.features import FeatureReader
from robomamba_jax.errors import InputError
from robomamba_jax.training.features import compute_features
from robomamba_jax.training.program import build
from robomamba_jax.training.sharding import make_mesh
from tests.training.runs import QUIET, lines, run, tiny

# Measured over 12 steps: 5e-7 of the loss and, on another kind of CPU, 4.5e-6 of the mixture's
# gradient norm; the frozen parts' products have other shapes.
TOLERANCE = 1e-5
CHANGES = ("run.steps=5", "data.sources.0.path=40", "eval_data.sources.0.path=16@1000", *QUIET)


# With seed 0 the rotation's few hidden units are dead in a tiny attn_mlp head from the start, and
# Adam makes steps of what rounding leaves of its gradient.
ATTN = ("model.policy=attn_mlp", "seed=1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "kind", "policy"),
    [
        ("manipulate", "pooled_hidden", ()),
        ("manipulate", "vision_patches", ()),
        ("manipulate", "hidden_states", ATTN),
        ("manipulate", "hidden_states", ("model.policy=ssm_mlp",)),
        ("manipulate", "hidden_states", ("model.policy=mixture",)),
        ("instruct", "vision_patches", ()),
    ],
)
def test_the_same_training(stage: str, kind: str, policy: tuple[str, ...], tmp_path: Path) -> None:
    """Losses, norms and held-out scores, with what the frozen parts say read from a file."""
    cache = tmp_path / "cache"
    changes = (*CHANGES, *policy)
    done = compute_features(tiny(stage, *changes), cache, kind=kind, batch=7)
    assert done.skipped == []
    assert done.computed == done.rows == len(FeatureReader(cache))
    again = compute_features(tiny(stage, *changes), cache, kind=kind, batch=5)
    assert (again.rows, again.computed) == (done.rows, 0)
    run(stage, tmp_path / "plain", *changes)
    summary = run(stage, tmp_path / "cached", *changes, f"data.features={cache}")
    assert summary["table"][-1]["frozen"] < 103_996
    for a, b in zip(lines(tmp_path / "cached"), lines(tmp_path / "plain"), strict=True):
        assert a.get("samples") == b.get("samples")
        for name in ("loss", "grad_norm", "param_norm"):
            if name in a:
                assert a[name] == pytest.approx(b[name], rel=TOLERANCE)
    assert a["eval"] == pytest.approx(b["eval"], rel=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "policy"), [("pooled_hidden", "two_mlp"), ("hidden_states", "attn_mlp")]
)
def test_nothing_but_the_head_is_in_memory(kind: str, policy: str, tmp_path: Path) -> None:
    """Pooled features and states stand for all other parts."""
    cache, changes = tmp_path / "cache", (*CHANGES, f"model.policy={policy}", "run.steps=1")
    compute_features(tiny("manipulate", *changes), cache, kind=kind)
    summary = run("manipulate", tmp_path / "run", *changes, f"data.features={cache}")
    assert [row["part"] for row in summary["table"]] == ["policy", "total"]
    assert summary["table"][-1]["frozen"] == 0


@pytest.mark.parametrize(
    ("policy", "cached", "reads"),
    [
        ("two_mlp", "hidden_states", "pooled_hidden"),
        ("mlp", "hidden_states", "pooled_hidden"),
        ("attn_mlp", "pooled_hidden", "hidden_states"),
        ("ssm_mlp", "pooled_hidden", "hidden_states"),
        ("mixture", "pooled_hidden", "hidden_states"),
    ],
)
def test_a_head_that_reads_something_else(policy: str, cached: str, reads: str) -> None:
    """Two MLPs do not know where a text begins in cached states, and a head of sequences has no
    use for pooled ones; what each reads is taken."""
    config = tiny("manipulate", f"model.policy={policy}")
    mesh = make_mesh(config.mesh)
    with pytest.raises(InputError) as caught:
        build(config, None, mesh, steps=1, features=cached)
    said = f"the {policy} head reads {reads} features, and the cache has {cached}"
    assert caught.value.message == said
    assert caught.value.fix.endswith(f"--kind {reads}")
    program = build(config, None, mesh, steps=1, features=reads)
    assert set(program.labels) == {"policy"}


def test_the_wrong_cache_is_refused_before_training(tmp_path: Path) -> None:
    """By the run itself: no step is made."""
    cache = tmp_path / "cache"
    compute_features(tiny("manipulate", *CHANGES), cache, kind="hidden_states")
    with pytest.raises(InputError, match="two_mlp head reads pooled_hidden features"):
        run("manipulate", tmp_path / "run", *CHANGES, f"data.features={cache}")
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.parametrize("kind", ["pooled_hidden", "hidden_states"])
def test_texts_are_not_learned_from_a_poses_features(kind: str) -> None:
    """The states before the answer's words are in no such cache."""
    config = tiny("instruct", 'trainable=["policy/.*"]')
    with pytest.raises(InputError, match=f"{kind} features are of poses"):
        build(config, None, make_mesh(config.mesh), steps=1, features=kind)
    with pytest.raises(InputError, match=f"{kind} features stand for projector, which is trained"):
        build(tiny("align"), None, make_mesh(config.mesh), steps=1, features=kind)


@pytest.mark.slow
def test_features_of_other_weights(tmp_path: Path) -> None:
    """Another seed is another network; it is not read in silence."""
    cache = tmp_path / "cache"
    compute_features(tiny("manipulate", *CHANGES), cache, kind="vision_patches")
    with pytest.raises(InputError) as caught:
        run("manipulate", tmp_path / "run", *CHANGES, f"data.features={cache}", "seed=1")
    assert caught.value.kind == "features_mismatch"


@pytest.mark.slow
def test_features_of_what_is_trained(tmp_path: Path) -> None:
    """A language model that learns cannot be replaced by what it once said."""
    cache = tmp_path / "cache"
    compute_features(tiny("manipulate", *CHANGES), cache, kind="pooled_hidden")
    changes = (*CHANGES, f"data.features={cache}", 'trainable=["policy/.*","llm/.*"]')
    with pytest.raises(InputError) as caught:
        run("manipulate", tmp_path / "run", *changes)
    assert "pooled_hidden features stand for llm, which is trained" in str(caught.value)


@pytest.mark.slow
def test_a_picture_that_cannot_be_read(tmp_path: Path) -> None:
    """Is an error, or is left out and counted."""
    from tests.data.samples import poses

    file = poses(tmp_path / "poses", 6)
    victim = sorted((tmp_path / "poses" / "robot_pics").iterdir())[2]
    victim.write_bytes(victim.read_bytes()[:40])
    changes = (
        *(f"data.sources.0.path={file}", "data.sources.0.format=robomamba-poses"),
        *("data.sources.0.pixel_order=xy", "data.sources.0.factory=none"),
    )
    with pytest.raises(InputError) as caught:
        compute_features(tiny("manipulate", *changes), tmp_path / "cache", kind="vision_patches")
    assert victim.name in str(caught.value)
    skipping = tiny("manipulate", *changes, "data.on_error=skip")
    done = compute_features(skipping, tmp_path / "cache", kind="vision_patches")
    assert len(done.skipped) == 1
    assert done.rows == 5 + 32


def test_a_mixture_of_pixels() -> None:
    """Its proposals begin at the patches' centres, in shares of the crop's side."""
    changes = ("model.policy=mixture", "data.encoding.contact_scale=raw")
    config = tiny("manipulate", *changes)
    with pytest.raises(InputError, match="not in its pixels") as caught:
        build(config, None, make_mesh(config.mesh), steps=1)
    assert caught.value.fix == "set data.encoding.contact_scale=unit"
