# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Bring a Vulkan driver that SAPIEN can draw with on a CPU:  fetch_vulkan.py [--dir DIR] [--force]

SAPIEN needs what Mesa's lavapipe has from version 25.0 on. Where a GPU's driver or a new enough
lavapipe serves already, nothing is done. Else, on Debian and its kin, the packages that are
missing are downloaded with apt's own keys and mirrors into a private folder and unpacked there:
no root, nothing of the system changes. If that fails and we are root, they are installed. If
nothing helps, one line says what is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LEAST = (25, 0)
DRIVER = "mesa-vulkan-drivers"
# Driver, and what of its newer dependencies comes from the same suite.
WANTED = (DRIVER, "libdrm2", "libdrm-amdgpu1", "libdrm-common")
LOADER = "libvulkan1"
KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
ICD_FOLDERS = (Path("/usr/share/vulkan/icd.d"), Path("/etc/vulkan/icd.d"))


class VulkanError(Exception):
    """Why there is no driver, in one line."""


def run(*command: str) -> str:
    """A command's output.

    Raises:
      VulkanError: it failed; its last line.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise VulkanError(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        errors = [line for line in lines if line.startswith("E:")] or lines or ["no reason given"]
        raise VulkanError(f"{command[0]} failed: {errors[0]}")
    return done.stdout


def version(text: str) -> tuple[int, int]:
    """ "25.0.7-2~bpo12+1" -> (25, 0); (0, 0) for no version."""
    found = re.match(r"(?:\d+:)?(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def gpu_driver() -> bool:
    """Whether an NVIDIA card and its Vulkan file are there."""
    files = [path for folder in ICD_FOLDERS for path in folder.glob("nvidia*.json")]
    return bool(files) and Path("/dev/nvidiactl").exists()


def system_lavapipe() -> tuple[int, int]:
    """The installed driver's version; (0, 0) where there is none or nobody knows."""
    if not any(list(folder.glob("lvp_icd*.json")) for folder in ICD_FOLDERS):
        return 0, 0
    try:
        return version(run("dpkg-query", "-W", "-f", "${Version}", DRIVER))
    except VulkanError:
        return 0, 0


def suites() -> tuple[str, str]:
    """This release's suite, and its backports'."""
    release = Path("/etc/os-release")
    text = release.read_text(encoding="utf-8") if release.is_file() else ""
    found = re.search(r"^VERSION_CODENAME=(\w+)", text, re.MULTILINE)
    if not found or shutil.which("apt-get") is None:
        raise VulkanError(
            f"no apt here: install Mesa's Vulkan drivers, {LEAST[0]}.{LEAST[1]} or newer"
        )
    return found[1], f"{found[1]}-backports"


def sources(suite: str, backports: str) -> str:
    """apt sources with backports beside the suite, from the mirrors that the machine has.

    Raises:
      VulkanError: the machine has no source of its own suite.
    """
    for entry in run("apt-get", "indextargets", "Created-By: Packages").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in entry.splitlines() if ": " in line)
        if (fields.get("Release"), fields.get("Component")) == (suite, "main"):
            keys = fields.get("Signed-By") or (str(KEYS) if KEYS.is_file() else "")
            signed = f"Signed-By: {keys}\n" if keys else ""
            return (
                f"Types: deb\nURIs: {fields['Site']}\nSuites: {suite} {backports}\n"
                f"Components: main\n{signed}"
            )
    raise VulkanError(f"apt has no source of {suite}")


def apt_options(folder: Path, private: bool) -> list[str]:
    """Options that make apt read our sources; private ones also keep its state in a folder."""
    pairs = {"Dir::Etc::SourceList": folder / "mesa.sources", "Dir::Etc::SourceParts": "-"}
    if private:
        for name in ("state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        pairs |= {
            "Dir::State": folder / "state",
            "Dir::State::status": "/var/lib/dpkg/status",
            "Dir::Cache": folder / "cache",
            "Debug::NoLocking": "1",
            "APT::Sandbox::User": "",
        }
    return [part for name, value in pairs.items() for part in ("-o", f"{name}={value}")]


def choose(options: list[str], suite: str, backports: str) -> list[str]:
    """What to ask apt for: names with the suite that has a new enough driver.

    Raises:
      VulkanError: neither suite has one.
    """
    listed = run("apt-cache", *options, "madison", DRIVER)
    for name in (suite, backports):
        for line in listed.splitlines():
            parts = [part.strip() for part in line.split("|")]
            if len(parts) == 3 and f" {name}/" in f" {parts[2]} " and version(parts[1]) >= LEAST:
                return [f"{package}/{name}" for package in WANTED] + [LOADER]
    raise VulkanError(
        f"neither {suite} nor {backports} has {DRIVER} {LEAST[0]}.{LEAST[1]} or newer"
    )


def unpack(options: list[str], packages: list[str], target: Path, work: Path) -> None:
    """Download what is missing and lay it out: lvp_icd.json, lib/, and nothing else."""
    run(
        "apt-get",
        *options,
        "--yes",
        "--no-install-recommends",
        "--download-only",
        "install",
        *packages,
    )
    root = work / "root"
    for package in sorted((work / "cache" / "archives").glob("*.deb")):
        run("dpkg", "-x", str(package), str(root))
    libraries = [path for path in root.rglob("*.so*") if path.is_file() or path.is_symlink()]
    driver = next((path for path in libraries if path.name == "libvulkan_lvp.so"), None)
    if driver is None:
        raise VulkanError("the driver is installed already, but in a version that does not serve")
    new = work / "new"
    (new / "lib").mkdir(parents=True)
    behind = {path.resolve() for path in libraries if path.is_symlink()}
    for path in libraries:
        # Of other cards' drivers and of layers nothing is kept; of each library one name, that
        # by which others ask for it.
        other = path.name.startswith(("libvulkan_", "libVkLayer")) and path != driver
        if path.is_file() and not other and path not in behind:
            shutil.copy2(path, new / "lib" / path.name)
    icd = {
        "file_format_version": "1.0.0",
        "ICD": {"library_path": str(target / "lib" / driver.name), "api_version": "1.3.0"},
    }
    (new / "lvp_icd.json").write_text(json.dumps(icd, indent=1) + "\n", encoding="utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.rmtree(target)
    shutil.move(new, target)


def bring(target: Path) -> str:
    """Rootless first, then as root; what was done.

    Raises:
      VulkanError: neither works.
    """
    suite, backports = suites()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        (work / "mesa.sources").write_text(sources(suite, backports), encoding="utf-8")
        try:
            options = apt_options(work, private=True)
            run("apt-get", *options, "update")
            unpack(options, choose(options, suite, backports), target, work)
            return f"lavapipe unpacked in {target}"
        except VulkanError:
            if os.geteuid() != 0:
                raise
        options = apt_options(work, private=False)
        run("apt-get", *options, "update")
        packages = choose(options, suite, backports)
        run("apt-get", *options, "--yes", "--no-install-recommends", "install", *packages)
        return f"{DRIVER} installed"


def main(arguments: list[str] | None = None) -> int:
    """0 when something can draw, else 2 and one line."""
    parser = argparse.ArgumentParser(description="Bring a Vulkan driver for SAPIEN on a CPU.")
    default = Path(sys.prefix) / "share" / "robomamba_jax" / "vulkan"
    parser.add_argument("--dir", type=Path, default=default, help="where to unpack it")
    parser.add_argument("--force", action="store_true", help="even where a driver serves already")
    options = parser.parse_args(arguments)
    try:
        if not options.force and (options.dir / "lvp_icd.json").is_file():
            print(f"vulkan: {options.dir} is there already")
        elif not options.force and gpu_driver():
            print("vulkan: the NVIDIA driver serves")
        elif not options.force and system_lavapipe() >= LEAST:
            print("vulkan: the installed lavapipe serves")
        else:
            print(f"vulkan: {bring(options.dir.absolute())}")
    except (VulkanError, OSError) as problem:
        print(f"fetch_vulkan: no driver to draw with: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
