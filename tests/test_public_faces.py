# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The public face of the packages that have sub-packages: what others may import of them.

Each package names its public modules in ``__all__`` of its ``__init__.py``; a package without one
has no public module, only itself. Within a package everything may be imported.
"""

import ast
from pathlib import Path

import pytest

from tests.test_architecture import PACKAGE, ROOT, Module, plant, read_package

FACED = ("data", "evaluation", "inference", "world")


def face(module: Module) -> list[str] | None:
    """The ``__all__`` of a package; None where it has none."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    return None


def check_faces(modules: dict[str, Module]) -> list[str]:
    """Public modules that do not exist, and imports of internal ones from outside."""
    found = []
    faces = {name: face(m) for name, m in modules.items() if m.path.name == "__init__.py"}
    for name, public in faces.items():
        if name.split(".")[1:2] and name.split(".")[1] in FACED:
            missing = [module for module in public or () if f"{name}.{module}" not in modules]
            found += [f"{name}: __all__ names {module}, which is not there" for module in missing]
    for part in FACED:
        if f"{PACKAGE}.{part}" in modules and faces.get(f"{PACKAGE}.{part}") is None:
            found.append(f"{PACKAGE}.{part} has no __all__")
    for module in modules.values():
        for use in module.imports:
            path = use.target.split(".")
            if path[0] != PACKAGE or len(path) < 3 or path[1] not in FACED:
                continue
            if path[1] == module.part:
                continue
            # Every package on the path must name the next one: a.b.c needs b in a, and c in a.b.
            for depth in range(2, len(path)):
                package = ".".join(path[:depth])
                if path[depth] not in (faces.get(package) or ()):
                    found.append(
                        f"{module.name}:{use.line}: {use.target} is internal to {path[1]}; "
                        f"name it in {package}.__all__ if it is meant for others"
                    )
    return found


@pytest.mark.slow
def test_packages_are_used_by_their_faces() -> None:
    """The real tree."""
    complaints = check_faces(read_package(ROOT))
    assert not complaints, "\n" + "\n".join(complaints)


@pytest.mark.slow
def test_guides_use_public_modules() -> None:
    """What README and docs import is part of the faces."""
    modules = read_package(ROOT)
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for page in pages:
        for line in page.read_text(encoding="utf-8").splitlines():
            path = line.split()[1].split(".") if line.startswith(f"from {PACKAGE}.") else []
            if path[1:2] and path[1] in FACED:
                for depth in range(2, len(path)):
                    package = modules[".".join(path[:depth])]
                    assert path[depth] in (face(package) or ()), f"{page.name}: {line}"


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"data/__init__.py": '__all__ = ["gone"]'}, "names gone, which is not there"),
        ({"data/inner.py": "", "cli/x.py": "from ..data import inner"}, "is internal to data"),
        (
            {"data/__init__.py": '__all__ = ["sub"]', "data/sub/x.py": "", "cli/y.py": "y"}
            | {"cli/x.py": "def f():\n    from robomamba_jax.data.sub.x import y"},
            "name it in robomamba_jax.data.sub.__all__",
        ),
        ({"data/__init__.py": "", "data/x.py": ""}, "robomamba_jax.data has no __all__"),
    ],
)
def test_a_planted_mistake_is_found(files: dict[str, str], complaint: str, tmp_path: Path) -> None:
    """Each rule can fail, and says what is wrong."""
    plant(tmp_path, {"data/__init__.py": "__all__ = []", **files})
    assert any(complaint in line for line in check_faces(read_package(tmp_path)))


def test_inside_everything_may_be_used(tmp_path: Path) -> None:
    """Internal modules are for their own package."""
    plant(
        tmp_path,
        {"data/__init__.py": '__all__ = ["face"]', "data/face.py": "from . import inner"}
        | {"data/inner.py": "", "cli/x.py": "from ..data.face import f"},
    )
    assert check_faces(read_package(tmp_path)) == []
