# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The commands as users type them: one line for a mistake, one object for a machine."""

import json
from pathlib import Path

import pytest

from robomamba_jax.cli.main import main
from robomamba_jax.world.sim.simulator import Simulator


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Status, stdout and stderr."""
    status = main(arguments)
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rollout", "--policy", "orcle"), "did you mean oracle?"),
        (("rollout",), "give one of --policy and --checkpoint"),
        (("rollout", "--policy", "oracle", "--episodes", "0"), "argument --episodes: '0' is not"),
        (("rollout", "--policy", "oracle", "--dof", "8"), "--dof is 8"),
        (("rollout", "--policy", "oracle", "--split", "dev"), "--split"),
        (("rollout", "--policy", "oracle", "--clips", "2"), "without --out"),
        (("rollout", "--policy", "oracle", "--categories", "Dor"), "did you mean Door"),
        (("rollout", "--policy", "file:none.json"), "none.json"),
        (("generate", "--out", "x"), "nothing to generate"),
        (("generate", "--out", "x", "--samples", "1", "--categories", "Phone"), "train split"),
        (
            ("generate", "--out", "x", "--samples", "1", "--seed", "-1"),
            "argument --seed: '-1' is not",
        ),
        (
            ("generate", "--out", "x", "--samples", "1", "--contact-sampling", "edge"),
            "random or center",
        ),
        (("render", "--out", "page.gif"), "a .png or .jpg"),
        (("render", "--out", "page.png", "--assets", "x"), "belong together"),
    ],
)
def test_mistakes(
    simulator: Simulator,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    """Status 2, one line, nothing written."""
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, "world", *arguments)
    assert status == 2
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_render_and_rollout(
    simulator: Simulator,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """A page, a table, and the same as JSON in the folder."""
    page = tmp_path / "a" / "page.png"
    status, out, _ = run(
        capsys, "world", "render", "--out", str(page), "--size", "64", "--categories", "Safe,Phone"
    )
    assert status == 0
    assert "2 categories" in out
    assert page.is_file()
    arguments = ["world", "rollout", "--policy", "oracle", "--episodes", "2", "--size", "96"]
    arguments += ["--categories", "Safe", "--out", str(tmp_path / "r")]
    status, out, _ = run(capsys, *arguments)
    assert status == 0
    assert "Safe" in out
    status, out, _ = run(capsys, *arguments, "--json")
    result = json.loads(out)
    assert result["schema"] == "robomamba.world rollout/1"
    assert json.loads((tmp_path / "r" / "rollout.json").read_text()) == result


@pytest.mark.slow
def test_doctor(
    simulator: Simulator,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All is well here; a configuration's missing data is a fault with its mend."""
    status, out, _ = run(capsys, "doctor", "--json")
    found = json.loads(out)
    assert (status, found["ok"]) == (0, True)
    names = {check["name"]: check for check in found["checks"]}
    assert names["renderer"]["state"] == "ok"
    assert "ms each" in names["renderer"]["found"]
    status, out, _ = run(capsys, "doctor", "--config", "configs/stage2_manipulation.py")
    assert status == 2
    assert "--set data.sources.0.path=PATH" in out
    monkeypatch.setenv("VK_ICD_FILENAMES", str(tmp_path / "none.json"))
    status, out, _ = run(capsys, "doctor")
    assert status == 2
    assert "BAD renderer" in out
    assert "make vulkan" in out
