# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""When "auto" is the kernel, and what is said of it."""

from pathlib import Path
from typing import Any

import jax
import pytest

from robomamba_jax.admission import admit, verdicts
from robomamba_jax.admission.verdicts import Verdict
from robomamba_jax.errors import InputError
from tests.admission.test_verdicts import BAD, GOOD, KEY

SLOW = GOOD._replace(result="slower", kernel_seconds=0.016)


class Device:
    """A process with an accelerator, whose test finds what is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, found: Verdict | Exception) -> None:
        self.tests, self.found = 0, found
        monkeypatch.setattr(admit, "device_key", lambda: KEY)
        monkeypatch.setattr(admit, "self_test", self.test)

    def test(self) -> Verdict:
        """Counted."""
        self.tests += 1
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


FOUND: dict[str, tuple[Verdict | Exception, bool, str, int]] = {
    "passed": (GOOD, True, "has 8.0 times the chunked form's speed there", 1),
    "refused": (BAD, False, "the chunked form, since the kernel fails the check 'results'", 1),
    "slower": (SLOW, False, "is right here, but has only 0.50 times the chunked form's speed", 1),
    "no compiler": (InputError("no_kernel", "no libnvrtc", "x"), False, "here: no libnvrtc", 2),
    "no memory": (RuntimeError("RESOURCE_EXHAUSTED\nmore"), False, "here: RESOURCE_EXHAUSTED", 2),
}


@pytest.mark.parametrize("name", FOUND)
def test_the_test_runs_once_and_its_verdict_decides(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line each time; what could not be tested is tried again at the next start."""
    found, admitted, words, tests = FOUND[name]
    device = Device(monkeypatch, found)
    assert admit.on_record(16) is None
    for _ in range(2):
        said: list[str] = []
        assert admit.admitted(16, said.append) is admitted
        assert words in said[-1]
        assert not any("\n" in line for line in said)
    assert device.tests == tests
    assert admit.on_record(16) is (None if tests == 2 else admitted)


def test_a_test_again_replaces_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was on record."""
    device = Device(monkeypatch, GOOD)
    admit.verdict(KEY)
    device.found = BAD
    assert admit.verdict(KEY) == GOOD
    assert admit.verdict(KEY, again=True) == BAD
    assert admit.on_record(16) is False


def test_more_states_than_a_kernel_takes_are_no_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither tested nor mentioned."""
    device, said = Device(monkeypatch, GOOD), list[str]()
    assert not admit.admitted(64, said.append)
    assert (device.tests, said) == (0, [])


def test_on_the_cpu_nothing_changes() -> None:
    """No test, no message, no file."""
    said: list[str] = []
    assert admit.device_key() is None
    assert not admit.admitted(16, said.append)
    assert admit.on_record(16) is False
    assert said == []
    assert not verdicts.verdicts_file().exists()


@pytest.mark.parametrize(
    ("backend", "driver"), [("gpu", "570.86.10, cuda 12090"), ("tpu", "cuda 12090")]
)
def test_the_key_names_device_and_versions(
    backend: str, driver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the device, the driver's own file and the packages tell them."""

    class Client:
        platform_version = "cuda\n12090"

    class Fake:
        device_kind, client = "a device", Client()

    version = tmp_path / "version"
    version.write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.10  Wed Jan\nGCC 12.2"
    )
    monkeypatch.setattr(admit, "_NVIDIA", version)
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    monkeypatch.setattr(jax, "local_devices", lambda: [Fake()])
    key: Any = admit.device_key()
    assert (key.device_kind, key.driver, key.jax) == ("a device", driver, jax.__version__)
    version.unlink()
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert admit.device_key() == key._replace(driver=", cuda 12090", compiler=admit.nvrtc.version())


def test_the_source_s_hash_is_of_every_file_of_the_kernels(tmp_path: Path) -> None:
    """CUDA's too; one changed byte is another source."""
    for name in ("a.py", "b.cu", "c.txt"):
        (tmp_path / name).write_text("x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(admit.kernels, "__path__", [str(tmp_path)])
        found = [admit.source_hash()]
        for name in ("c.txt", "b.cu", "a.py"):
            (tmp_path / name).write_text("y")
            found.append(admit.source_hash())
    assert found[0] == found[1]
    assert len({*found, admit.source_hash()}) == 4
