# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The shape of the package, read from its source: who imports whom, what may never be called.

Every check is a function from a folder to a list of complaints, so that the same code is tried on
the real tree and on small trees with one planted mistake each.
"""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "robomamba_jax"

# What each part may import of the others, lowest first; itself is always allowed. An entry with a
# dot allows that one module. A new part of the package gets a line here.
_BASE = ("errors", "utils", "shapes", "config")
_MODEL = (*_BASE, "ops", "admission", "losses", "models", "generation", "data", "pose")
_CORE = (*_MODEL, "released", "checkpoints", "convert", "inference")
_ALL = (*_CORE, "training", "api", "evaluation", "verify")
LAYERS: dict[str, tuple[str, ...]] = {
    "errors": (),
    "utils": ("errors",),
    "released": ("errors",),
    "checkpoints": ("errors", "utils", "config", "released"),
    "shapes": ("errors",),
    "config": ("errors", "utils"),
    "configs": ("config",),
    "ops": ("errors", "shapes"),
    "admission": ("errors", "utils", "ops"),
    "losses": ("errors", "shapes", "ops"),
    "models": (*_BASE, "ops", "losses"),
    "generation": (*_BASE, "ops", "models"),
    "data": ("errors", "utils", "config"),
    "pose": ("errors", "utils", "ops", "data"),
    "convert": (*_BASE, "checkpoints", "models", "data"),
    # Takes a model that is in memory: whoever loads one, training among them, stands above it.
    "inference": _MODEL,
    "verify": (*_CORE, "api"),
    "training": _CORE,
    "api": (*_CORE, "training.checkpoint", "training.export"),
    "evaluation": (
        *(*_CORE, "api", "training.checkpoint", "training.sharding", "training.distributed"),
    ),
    "baselines": (*_CORE, "training"),
    "world": (*_ALL, "baselines"),
    "serving": _ALL,
    "bench": (*_ALL, "baselines", "world"),
    "pretraining": (*_ALL, "world"),
    "demo": (*_ALL, "baselines", "world", "pretraining"),
    "cli": (*_ALL, "__init__", "baselines", "world", "serving", "bench", "pretraining", "demo"),
    "__main__": ("cli",),
    "__init__": _ALL,
}

# Other people's packages that a part must not use at all.
_JAX = frozenset({"jax", "jaxlib", "flax", "optax", "chex", "orbax"})
BANNED = {"ops": frozenset({"flax"}), "data": _JAX}
# Optional or slow to import: only inside the function that needs it.
HEAVY = frozenset(
    {"torch", "tensorflow", "tensorflow_datasets", "transformers"}
    | {"sapien", "gradio", "lmms_eval", "mambapy"}
)
# What only another program loads, which is there then: its base class has to exist.
LOADED_BY = {f"{PACKAGE}.evaluation.lmms.adapter": "lmms_eval"}
# Data workers are processes of their own and must start without jax; `import grain` loads it.
NOT_LOADED_BY_DATA = _JAX | {"grain"}

UNSAFE_MODULES = frozenset(
    {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
)
UNSAFE_KEYWORDS = frozenset({"allow_pickle", "trust_remote_code"})
HEADER = f"# Copyright 2026 The {PACKAGE} authors\n# SPDX-License-Identifier: Apache-2.0\n"


@dataclass(frozen=True)
class Import:
    """One imported module; `at_load` is False inside a function or under TYPE_CHECKING."""

    target: str
    line: int
    at_load: bool


@dataclass(frozen=True)
class Module:
    """One source file of the package, by its dotted name."""

    name: str
    path: Path
    tree: ast.Module
    imports: tuple[Import, ...]

    @property
    def part(self) -> str:
        """The first name below the package; `__init__` for the package's own front door."""
        return part_of(self.name)


def part_of(name: str) -> str:
    """`robomamba_jax.ops.conv1d` -> `ops`, `robomamba_jax` -> `__init__`."""
    return name.split(".")[1] if "." in name else "__init__"


def read_package(root: Path) -> dict[str, Module]:
    """Parses every file of the package under `root`."""
    paths = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    modules = {}
    for name, path in paths.items():
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        imports = tuple(find_imports(tree, package, paths.keys()))
        modules[name] = Module(name, path, tree, imports)
    return modules


def find_imports(tree: ast.Module, package: str, ours: Container[str]) -> Iterator[Import]:
    """All imports of a file, with relative ones resolved and names told from modules."""

    def visit(node: ast.AST, lazy: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for target in targets(node, package, ours):
                yield Import(target, node.lineno, not lazy)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lazy = True
        guarded = typing_only(node)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, lazy or child in guarded)

    yield from visit(tree, False)


def typing_only(node: ast.AST) -> list[ast.stmt]:
    """The statements under `if TYPE_CHECKING:`, which never run."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return node.body
    return []


def targets(node: ast.Import | ast.ImportFrom, package: str, ours: Container[str]) -> Iterator[str]:
    """`from a import b` means module a.b where there is one, else a."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*above, base] if base else above)
    for alias in node.names:
        submodule = f"{base}.{alias.name}"
        yield submodule if submodule in ours else base


def check_layers(modules: dict[str, Module]) -> list[str]:
    """Imports that point upwards, and parts that LAYERS does not know."""
    found = []
    for module in modules.values():
        if module.part not in LAYERS:
            found.append(
                f"{module.name}: add `{module.part}` to LAYERS in tests/test_architecture.py"
            )
            continue
        allowed = LAYERS[module.part]
        for use in module.imports:
            where = f"{module.name}:{use.line}"
            if use.target.split(".")[0] != PACKAGE:
                if use.target.split(".")[0] in BANNED.get(module.part, ()):
                    found.append(f"{where}: `{module.part}` must not use {use.target}")
            elif part_of(use.target) not in {module.part, *allowed}:
                name = ".".join(use.target.split(".")[1:3])
                if name not in allowed:
                    listed = ", ".join(allowed) or "nothing"
                    found.append(
                        f"{where}: `{module.part}` imports {use.target}; allowed: {listed}"
                    )
    return found


def check_circles(modules: dict[str, Module]) -> list[str]:
    """Modules, sub-packages and parts that lead back to themselves, lazy imports included.

    A package's own ``__init__`` is its public face: it names its modules and is not counted here.
    """
    found = []
    for depth in (1, 2, 99):
        graph: dict[str, set[str]] = {}
        for module in modules.values():
            if module.path.name == "__init__.py":
                continue
            name = ".".join(module.name.split(".")[: depth + 1])
            uses = {use.target for use in module.imports if use.target.startswith(PACKAGE + ".")}
            faces = {use for use in uses if use in modules and modules[use].path.name[0] == "_"}
            short = {".".join(use.split(".")[: depth + 1]) for use in uses - faces}
            graph.setdefault(name, set()).update(short - {name})
        try:
            tuple(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            found.append(f"a circle of imports: {' -> '.join(error.args[1])}")
    return found


def check_heavy(modules: dict[str, Module]) -> list[str]:
    """Heavy packages that load together with a module of ours."""
    return [
        f"{module.name}:{use.line}: import {use.target} inside the function that needs it"
        for module in modules.values()
        for use in module.imports
        if use.at_load and use.target.split(".")[0] in HEAVY - {LOADED_BY.get(module.name, "")}
    ]


def check_data_loads_no_jax(modules: dict[str, Module]) -> list[str]:
    """Chains of load-time imports that lead from `data` to jax."""
    found = []
    for start in (m for m in modules.values() if m.part == "data"):
        chains: list[tuple[str, ...]] = [(start.name,)]
        seen = {start.name}
        while chains:
            chain = chains.pop()
            module = modules[chain[-1]]
            # Importing a.b.c runs a and a.b first.
            parents = [
                ".".join(chain[-1].split(".")[:n]) for n in range(1, chain[-1].count(".") + 1)
            ]
            for target in [*parents, *(use.target for use in module.imports if use.at_load)]:
                if target.split(".")[0] in NOT_LOADED_BY_DATA:
                    found.append(f"loading {' -> '.join((*chain, target))}")
                elif target in modules and target not in seen:
                    seen.add(target)
                    chains.append((*chain, target))
    return found


def check_unsafe(modules: dict[str, Module]) -> list[str]:
    """Ways for a file from outside to run code of its own."""
    found = []
    for module in modules.values():
        found += [
            f"{module.name}:{use.line}: {use.target} runs what it reads"
            for use in module.imports
            if use.target.split(".")[0] in UNSAFE_MODULES
        ]
        for call in (node for node in ast.walk(module.tree) if isinstance(node, ast.Call)):
            where = f"{module.name}:{call.lineno}"
            name = ast.unparse(call.func)
            if name in {"eval", "exec", "yaml.load"}:
                found.append(f"{where}: {name}() runs what it reads")
            for keyword in call.keywords:
                off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                if keyword.arg in UNSAFE_KEYWORDS and not off:
                    found.append(f"{where}: {keyword.arg} must stay False")
    return found


def check_files(root: Path) -> list[str]:
    """Headers of all Python files, tests and scripts included."""
    found = []
    folders = (PACKAGE, "tests", "configs", "scripts")
    for path in [*root.glob("*.py"), *(p for f in folders for p in (root / f).rglob("*.py"))]:
        text = path.read_text(encoding="utf-8")
        body = text.partition("\n")[2] if text.startswith("#!") else text
        if not body.startswith(HEADER):
            found.append(f"{path.relative_to(root)}:1: the two header lines are missing")
    return found


def check_all(root: Path) -> list[str]:
    """Every complaint about the tree under `root`."""
    modules = read_package(root)
    checks = (check_layers, check_circles, check_heavy, check_data_loads_no_jax, check_unsafe)
    return [complaint for check in checks for complaint in check(modules)] + check_files(root)


@pytest.mark.slow
def test_the_package_keeps_its_shape() -> None:
    """The real tree has no complaint against it."""
    complaints = check_all(ROOT)
    assert not complaints, "\n" + "\n".join(complaints)


def test_layers_point_one_way() -> None:
    """The table itself names only parts it knows, and has no cycle (the front door apart)."""
    graph = {
        part: {use.split(".")[0] for use in uses} - {"__init__"} for part, uses in LAYERS.items()
    }
    assert set().union(*graph.values()) <= set(LAYERS)
    tuple(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError


PLANTED = {
    "upwards": ("ops/scan.py", "from robomamba_jax.models import vlm", "`ops` imports"),
    "upwards, relative": ("ops/scan.py", "from ..models import vlm", "`ops` imports"),
    "upwards, lazily": ("errors.py", "def f():\n    from . import ops", "`errors` imports"),
    "whole part": (
        "evaluation/run.py",
        "from ..training import loop",
        "`evaluation` imports",
    ),
    "front door": ("models/vit.py", "import robomamba_jax", "`models` imports robomamba_jax;"),
    "unknown part": ("extras/x.py", "", "add `extras` to LAYERS"),
    "flax in ops": ("ops/scan.py", "def f():\n    from flax import nnx", "must not use flax"),
    "jax in data": ("data/feed.py", "def f():\n    import jax.numpy", "must not use jax.numpy"),
    "jax behind data": ("config.py", "import jax", "data.sources -> robomamba_jax.config -> jax"),
    "jax in the front door": ("__init__.py", "import jax", "-> robomamba_jax -> jax"),
    "grain at load": ("data/feed.py", "import grain", "data.feed -> grain"),
    "heavy": ("convert/io.py", "try:\n    import torch\nexcept ImportError: ...", "inside the fun"),
    "pickle": ("convert/io.py", "def f():\n    from pickle import load", "runs what it reads"),
    "eval": ("cli/main.py", "eval('1')", "eval() runs"),
    "exec": ("cli/main.py", "def f(): exec('1')", "exec() runs"),
    "yaml": ("cli/main.py", "import yaml\nyaml.load('1')", "yaml.load() runs"),
    "allow_pickle": ("data/npz.py", "f(allow_pickle=True)", "allow_pickle must stay False"),
    "remote code": ("data/tok.py", "f(trust_remote_code=x)", "trust_remote_code must stay"),
}
INNOCENT = {
    "config.py": "from robomamba_jax import errors",
    "data/sources.py": "from ..config import x\ndef f():\n    import grain, tensorflow_datasets",
    "models/vlm.py": "import typing\nif typing.TYPE_CHECKING:\n    import torch\nself.eval()",
    "evaluation/ok.py": "from ..training import checkpoint\nfrom ..training.sharding import mesh",
    "training/checkpoint.py": "f(allow_pickle=False)",
    "training/sharding.py": "",
    "cli/ok.py": "import robomamba_jax as rm",
}


def plant(root: Path, files: dict[str, str]) -> None:
    """Writes a small package; every folder of it becomes a Python package."""
    for name in ("__init__.py", "errors.py", *files):
        path = root / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for written in (path.parent / "__init__.py", path):
            written.write_text(
                HEADER + files.get(str(written.relative_to(root / PACKAGE)), "") + "\n"
            )


def test_innocent_code_passes(tmp_path: Path) -> None:
    """The checks leave alone what is allowed."""
    plant(tmp_path, INNOCENT)
    assert check_all(tmp_path) == []


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_found(mistake: str, tmp_path: Path) -> None:
    """Each check can fail, and says what is wrong."""
    name, source, complaint = PLANTED[mistake]
    plant(tmp_path, {**INNOCENT, "models/vlm.py": "", "training/loop.py": "", name: source})
    complaints = check_all(tmp_path)
    assert complaints, mistake
    assert all(complaint in line for line in complaints), complaints


def test_a_missing_header_is_found(tmp_path: Path) -> None:
    """A shebang may stand before the header, nothing else."""
    plant(tmp_path, {})
    (tmp_path / "train.py").write_text("#!/usr/bin/env python\n" + HEADER)
    assert check_files(tmp_path) == []
    (tmp_path / "train.py").write_text("import sys\n" + HEADER)
    assert check_files(tmp_path) == ["train.py:1: the two header lines are missing"]


def test_what_is_long_is_a_hint(tmp_path: Path) -> None:
    """Of `make lint`, which goes on: a file may be as long as it reads well."""
    long = "x = 1\n" * 400, "def f():\n" + "    x = 1\n" * 70
    plant(tmp_path, {"shapes.py": long[0], "losses.py": long[1]})
    script = ROOT / "scripts" / "size_hints.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        f"{PACKAGE}/losses.py:3: f has 71 lines",
        f"{PACKAGE}/shapes.py: 403 lines: does each purpose have a file?",
        "2 hints about size",
    ]
    assert check_all(tmp_path) == []


def loaded_after(names: list[str]) -> set[str]:
    """Top-level packages in memory after importing `names` in a fresh process."""
    lines = [f"import {name}" for name in names]
    code = "\n".join([*lines, "import sys", "print(*sys.modules)"])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return {name.split(".")[0] for name in done.stdout.split()}


def test_importing_the_package_is_light() -> None:
    """`import robomamba_jax` alone waits for neither jax nor torch."""
    loaded = loaded_after([PACKAGE])
    assert PACKAGE in loaded
    assert not loaded & (NOT_LOADED_BY_DATA | HEAVY)


@pytest.mark.slow
def test_data_workers_load_no_jax() -> None:
    """Every data module in a fresh process: other packages could bring jax in unseen."""
    names = [m.name for m in read_package(ROOT).values() if m.part in {"errors", "config", "data"}]
    assert not loaded_after(names) & NOT_LOADED_BY_DATA
