# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What a data set says of itself is read alike, whichever version wrote it."""

import json
from pathlib import Path

import pytest

from robomamba_jax.errors import InputError
from robomamba_jax.world.dataset.manifest import contact_points_file, read_manifest


@pytest.mark.parametrize("key", ["num_images", "language"])
def test_old_and_new_keys(key: str, tmp_path: Path) -> None:
    """The number of images by its name of now, or the one before."""
    content = {"plan": {"samples": 3, key: 7}, "poses": {"kept": 3}}
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    found = read_manifest(tmp_path)
    assert found["plan"] == {"samples": 3, "num_images": 7}
    assert found["poses"]["kept"] == 3


def test_what_is_no_manifest(tmp_path: Path) -> None:
    """One line."""
    with pytest.raises(InputError, match=r"manifest\.json"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(InputError, match="is not a JSON object"):
        read_manifest(tmp_path)


def test_contact_points_by_either_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The new name, and the old one where it alone is there, with a warning."""
    assert contact_points_file(tmp_path).name == "contact_points.json"
    (tmp_path / "touch.json").write_text("[]")
    assert contact_points_file(tmp_path).name == "touch.json"
    assert "touch.json is called contact_points.json now" in capsys.readouterr().err
