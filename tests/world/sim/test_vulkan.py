# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Which driver draws, and the script that brings one."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from robomamba_jax.world.sim import vulkan

ROOT = Path(__file__).parents[3]


@pytest.fixture
def fetch() -> ModuleType:
    """scripts/fetch_vulkan.py as a module."""
    spec = importlib.util.spec_from_file_location("fetch_vulkan", ROOT / "scripts/fetch_vulkan.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_users_choice_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Then ours, then the system's."""
    for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(vulkan, "_SYSTEM", ())
    monkeypatch.setattr(vulkan, "FOLDER", tmp_path)
    assert vulkan.find_driver() == vulkan.Driver("the system's", None)
    (tmp_path / "lvp_icd.json").write_text("{}")
    assert vulkan.find_driver().file == tmp_path / "lvp_icd.json"
    monkeypatch.setenv("VK_ICD_FILENAMES", "/a.json:/b.json")
    assert vulkan.find_driver().file == Path("/a.json")


def test_versions(fetch: ModuleType) -> None:
    """As Debian writes them."""
    assert fetch.version("25.0.7-2~bpo12+1") == (25, 0)
    assert fetch.version("1:22.3.6-1+deb12u1") == (22, 3)
    assert fetch.version("") == (0, 0)


def test_one_line_where_nothing_helps(
    fetch: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Without apt; with a driver there already nothing is done."""
    monkeypatch.setattr(fetch, "gpu_driver", lambda: False)
    monkeypatch.setattr(fetch, "system_lavapipe", lambda: (0, 0))
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    assert fetch.main(["--dir", str(tmp_path / "v")]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "25.0 or newer" in said[0]
    monkeypatch.setattr(fetch, "system_lavapipe", lambda: (25, 1))
    assert fetch.main(["--dir", str(tmp_path / "v")]) == 0
    monkeypatch.setattr(fetch, "system_lavapipe", lambda: (0, 0))
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "lvp_icd.json").write_text("{}")
    assert fetch.main(["--dir", str(tmp_path / "v")]) == 0
    assert "there already" in capsys.readouterr().out


def test_what_is_asked_of_apt(fetch: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite that has a new enough driver: its own if it can, else backports, else one line."""
    listed = (
        "mesa-vulkan-drivers | 25.0.7-2~bpo12+1 | http://x bookworm-backports/main amd64 Packages\n"
        "mesa-vulkan-drivers | 22.3.6-1+deb12u1 | http://x bookworm/main amd64 Packages\n"
    )
    monkeypatch.setattr(fetch, "run", lambda *command: listed)
    chosen = fetch.choose([], "bookworm", "bookworm-backports")
    assert chosen[0] == "mesa-vulkan-drivers/bookworm-backports"
    assert chosen[-1] == "libvulkan1"
    newer = listed.replace("22.3.6-1", "26.1.0-1")
    monkeypatch.setattr(fetch, "run", lambda *command: newer)
    assert fetch.choose([], "bookworm", "b")[0] == "mesa-vulkan-drivers/bookworm"
    monkeypatch.setattr(fetch, "run", lambda *command: "")
    with pytest.raises(fetch.VulkanError, match="neither"):
        fetch.choose([], "bookworm", "b")


def test_missing_libraries_are_loaded_whatever_their_order(tmp_path: Path) -> None:
    """What cannot be loaded is left, without an end to the trying."""
    (tmp_path / "liba.so.1").write_bytes(b"no library")
    vulkan._preload(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["liba.so.1"]
