"""The worker's packages are layers: each may import only what the table below lists.

Imports count wherever they are, also in functions and for type checkers. `docs/ARCHITECTURE.md` has
the same table.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PYTHON = Path(__file__).parent.parent
WORKER = PYTHON / "fal_worker"
# Modules that everything may import.
BASE = {"errors", "leaves", "processes", "protocol", "texts"}
# What each package may import in addition to `BASE`, lowest first.
ALLOWED = {
    "project": set(),
    "warehouse": {"project"},
    "gateway": {"project", "warehouse"},
    "materialization": {"project", "warehouse", "gateway"},
    "unit_tests": {"project", "warehouse", "gateway"},
    "engine": {"project", "warehouse", "gateway", "materialization", "unit_tests"},
    # These run next to the session, without dbt. They may import the session's modules that a
    # lease's script includes.
    "job": {"shared"},
    "zygote": {"job"},
    "remote": {"job", "zygote"},
}
# Modules that belong to another layer than their folder's.
JOBS_SIDE = ("unit_tests.job",)


def shared() -> set[str]:
    """The session's modules that jobs use as well, as `script.rs` lists them."""
    text = (PYTHON.parent / "src/lease/script.rs").read_text()
    listed = re.search(r"const SHARED: &\[&str\] = &\[(.*?)\];", text, re.DOTALL)
    assert listed is not None
    paths = re.findall(r'"([^"]+)\.py"', listed[1])
    return {path.replace("/", ".").removesuffix(".__init__") for path in paths}


def module_of(path: Path) -> str:
    """The module's name below `fal_worker`."""
    parts = path.relative_to(WORKER).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(WORKER.rglob("*.py"))}


def imports(module: str) -> Iterator[str]:
    """The worker's modules that a module imports."""
    path = MODULES[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1]
            base = ".".join(["fal_worker", *above] if node.level else []) or str(node.module)
            base = f"{base}.{node.module}" if node.level and node.module else base
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "fal_worker":
                yield known(name.split(".")[1:])


def known(parts: list[str]) -> str:
    """The module that an imported name is, or is defined in."""
    while parts and ".".join(parts) not in MODULES:
        parts = parts[:-1]
    return ".".join(parts)


def floor_of(module: str) -> str:
    return "job" if module.startswith(JOBS_SIDE) else module.split(".")[0]


def edges() -> Iterator[tuple[str, str]]:
    """Pairs of modules on different layers."""
    for module in MODULES:
        for other in imports(module):
            if floor_of(module) != floor_of(other):
                yield module, other


def test_packages_import_what_they_may() -> None:
    with_jobs = shared()
    wrong = set()
    for module, other in edges():
        floor, target = floor_of(module), floor_of(other)
        allowed = ALLOWED.get(floor, set())
        if target in BASE or target in allowed or ("shared" in allowed and other in with_jobs):
            continue
        wrong.add(f"{module} -> {other}")
    assert not wrong, "edges that must not be:\n" + "\n".join(sorted(wrong))


def test_the_table_names_every_package_and_no_other() -> None:
    packages = {floor_of(module) for module in MODULES if module}
    assert packages - BASE == set(ALLOWED)
    # If a module of `BASE` no longer exists, a new package of its name would count as base.
    assert packages >= BASE


def test_the_floors_have_no_cycle() -> None:
    """Each package is below those that may import it, and `BASE` imports only itself."""
    order = list(ALLOWED)
    for floor, allowed in ALLOWED.items():
        below = order[: order.index(floor)]
        assert allowed - {"shared"} <= set(below), floor
    base = {(module, other) for module, other in edges() if module in BASE}
    assert all(other in BASE for _, other in base)


def test_shared_modules_know_nothing_that_a_job_lacks() -> None:
    with_jobs = shared()
    wrong = [
        f"{module} -> {other}"
        for module in sorted(with_jobs)
        for other in imports(module)
        if floor_of(other) in ("project", "warehouse", "gateway", "unit_tests", "engine")
        and other not in with_jobs
    ]
    assert not wrong
