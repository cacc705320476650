"""`cargo xtask matrix`: tests over several versions of dbt, and the table of their results.

The last results of a version are stored beside its environment, so that the table can be filled
version by version.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
WORKER = REPOSITORY / "plugins/fal-dbt-backend/python"
PAGE = REPOSITORY / "docs/dbt-versions.md"
BEGIN, END = "<!-- made by `cargo xtask matrix` -->\n", "<!-- end -->\n"

# The minor versions of dbt-core that fal-host drives from the inside.
VERSIONS = ["1.8", "1.9", "1.10", "1.11", "1.12"]
# Builds of dbt 2, which is a program: `dbt-core` is open source, `dbt` (Fusion) is only tested.
DBT_2 = {"2.0.0a4": "dbt-core==2.0.0a4", "2.0.0rc196": "dbt==2.0.0rc196"}
# Where `cargo xtask test` puts the environment that dbt 2 is compared with, DuckDB's library,
# PostgreSQL's driver and PostgreSQL 18.
DBT_1, LIBRARY = REPOSITORY / ".venv/bin/python", "dbt2-venv/lib/libduckdb.so"
DRIVERS, POSTGRES = "dbt2-venv/cache/com.getdbt", "postgres-venv/bin/python"
# Test modules of `tests/e2e` that say most about dbt. `--all` runs every one.
E2E = ["artifacts", "hooks", "native_models", "postgres", "scripts", "verbs"]
# Folders of the Python tests that start dbt.
FOLDERS = ["gateway", "postgres", "session"]
# What the tests import besides dbt-core.
REQUIREMENTS = (
    "dbt-duckdb dbt-postgres adbc-driver-postgresql ipykernel ipython nbconvert nbformat pandas"
    " polars pyarrow pytest scikit-learn sqlalchemy uv"
).split()
# dbt-core 1.12 needs it for `--use-v2-parser` alone, and it does not exist for every machine.
OVERRIDES = 'dbt-core-experimental-parser; sys_platform == "never"\n'
INSTALLED = ["dbt-core", "dbt-duckdb", "dbt-postgres", "dbt-adapters", "duckdb"]
ASK = f"""
import json, platform
from importlib.metadata import distributions
versions = {{its.name: its.version for its in distributions()}}
found = {{name: versions.get(name, 'none') for name in {INSTALLED}}}
if found['dbt-core'] == 'none':
    found['dbt-core'] = versions.get('dbt', 'none') + ' (Fusion)'
print(json.dumps({{**found, 'python': platform.python_version()}}))
"""

Words = Sequence["str | Path"]
Counts = dict[str, int]
Results = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", type=Path, required=True, help="cargo's target folder")
    parser.add_argument("--dbt", action="append", default=[])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    parts = args.only or ["python", "e2e"]
    if "e2e" in parts and not args.table:
        run(["cargo", "build", "--workspace"])
    environments = {
        version: Environment(args.target, version) for version in [*VERSIONS, *DBT_2, *args.dbt]
    }
    failed = [
        version
        for version in ([] if args.table else args.dbt or [*VERSIONS, *DBT_2])
        if environments[version].make() and not environments[version].test(parts, args.all)
    ]
    known = {version: environments[version].results() for version in [*VERSIONS, *DBT_2]}
    page = PAGE.read_text("utf-8")
    table = render(known, page)
    PAGE.write_text(replaced(page, f"{table}\n{ran()}"), "utf-8")
    sys.stdout.write(table)
    if failed:
        raise SystemExit(f"error: tests failed with dbt {', '.join(failed)}")


class Environment:
    """An environment for one version of dbt, below cargo's target folder."""

    def __init__(self, target: Path, version: str) -> None:
        self.target, self.version = target, version
        self.folder = target / "matrix" / version
        self.bin = self.folder / "bin"
        self.python = self.bin / "python"

    def make(self) -> bool:
        """Makes the environment unless it exists; says so if it cannot be made here."""
        tell(f"\n==> dbt {self.version}")
        try:
            found = self.installed()["dbt-core"]
            if is_minor(found, self.version) or found.split(" ")[0] == self.version:
                return True
        except (OSError, subprocess.CalledProcessError):
            pass  # Make it.
        uv = shutil.which("uv")
        if needs_overrides(self.version) and not uv:
            tell("Left out: only uv can install it without one of its requirements")
            return False
        if uv:
            run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, self.folder])
            # Without bytecode the first run of dbt takes twice as long.
            install = [uv, "pip", "install", "--quiet", "--compile-bytecode"]
            install += ["--python", str(self.python)]
        else:
            run([sys.executable, "-m", "venv", "--clear", self.folder])
            install = [str(self.python), "-m", "pip", "install", "--quiet"]
            install.append("--disable-pip-version-check")
        if needs_overrides(self.version):
            overrides = self.folder / "overrides.txt"
            overrides.write_text(OVERRIDES)
            install += ["--override", str(overrides)]
        if self.version in DBT_2:
            return self.make_dbt_2(install)
        run([*install, f"dbt-core~={self.version}.0", *REQUIREMENTS])
        return True

    def make_dbt_2(self, install: list[str]) -> bool:
        """Installs what `cargo xtask test --only dbt2` tests, with another dbt."""
        library, drivers = self.target / LIBRARY, self.target / DRIVERS
        if not (library.exists() and drivers.exists() and DBT_1.exists()):
            tell("Left out: run `cargo xtask test --only dbt2` first")
            return False
        pinned = (REPOSITORY / "tests/dbt2-requirements.txt").read_text().splitlines()
        requirements = self.folder / "requirements.txt"
        lines = [DBT_2[self.version] if "dbt-core==" in line else line for line in pinned]
        requirements.write_text("\n".join(lines))
        run([*install, "-r", str(requirements)])
        shutil.copy(library, self.folder / "lib")
        shutil.copytree(drivers, self.folder / "cache/com.getdbt", dirs_exist_ok=True)
        return True

    def installed(self) -> dict[str, str]:
        """Returns the versions for the table."""
        found: dict[str, str] = json.loads(
            subprocess.check_output([self.python, "-c", ASK], stderr=subprocess.DEVNULL)
        )
        return found

    def results(self) -> Results:
        """Returns the last results, or none."""
        try:
            found: Results = json.loads((self.folder / "matrix.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def test(self, parts: list[str], every: bool) -> bool:
        """Runs these parts, stores their results beside the last ones of the others.

        Returns whether all passed.
        """
        results = self.results() | {"installed": self.installed()}
        if self.version in DBT_2:
            # The process that serves Python models is tested without dbt.
            parts = [part for part in parts if part == "e2e"]
        if "python" in parts:
            results["python"] = self.attempt(pytest_command(self.python), "python", WORKER)
        if "e2e" in parts:
            results["e2e"] = self.end_to_end(every)
            results["all"] = every
        (self.folder / "matrix.json").write_text(json.dumps(results))
        return not any(results[part]["failed"] for part in parts)

    def end_to_end(self, every: bool) -> Counts:
        # Tests need uv but must not find the environment's Python, which they start by its path.
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        uv = DBT_1.with_name("uv") if self.version in DBT_2 else self.bin / "uv"
        if not (tools / "uv").exists():
            (tools / "uv").symlink_to(uv)
        env = {
            "PATH": f"{os.environ['PATH']}{os.pathsep}{tools}",
            "FAL_TEST_PYTHON": str(self.python),
            "FAL_TEST_DBT_PYTHON": str(self.python),
            "FAL_TEST_HOST": str(self.target / "debug/fal-host"),
        }
        if self.version in DBT_2:
            env |= {"FAL_TEST_PYTHON": str(DBT_1), "FAL_TEST_DBT_PYTHON": str(DBT_1)}
            env["FAL_TEST_DBT2_PYTHON"] = str(self.python)
            newest = self.target / POSTGRES
            with running(newest, "--tcp") as server, running(DBT_1, "--tcp") as other:
                env |= {"FAL_TEST_POSTGRES": server, "FAL_TEST_OTHER_POSTGRES": other}
                return self.attempt(e2e_command(["dbt2"]), "e2e", REPOSITORY, env)
        with running(self.python) as server:
            env["FAL_TEST_POSTGRES"] = server
            return self.attempt(e2e_command([] if every else E2E), "e2e", REPOSITORY, env)

    def attempt(
        self, command: Words, name: str, cwd: Path, env: dict[str, str] | None = None
    ) -> Counts:
        """Runs tests to their end; their output goes into a file."""
        log = self.folder / f"{name}.log"
        tell(f"$ {shlex.join(map(str, command))} > {log}")
        with log.open("w") as file:
            subprocess.run(
                command,
                check=False,
                cwd=cwd,
                env=os.environ | (env or {}),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        counts = count(log.read_text(errors="replace"))
        if counts is None:
            raise SystemExit(f"error: no numbers of tests; see {log}")
        tell(shown(counts))
        return counts


@contextlib.contextmanager
def running(python: Path, *options: str) -> Iterator[str]:
    """Runs a PostgreSQL server; yields its address.

    The program is that by which pytest starts one; it stops when its standard input ends.
    """
    cluster: Words = [python, WORKER / "tests/postgres/cluster.py", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(cluster, stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()


def tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def run(command: Words) -> None:
    shown = shlex.join(map(str, command))
    tell(f"$ {shown}")
    if subprocess.run(command, cwd=REPOSITORY, check=False).returncode:
        raise SystemExit(f"error: `{shown}` failed")


def pytest_command(python: Path) -> Words:
    options = ["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    return [python, *options, *(f"tests/{folder}" for folder in FOLDERS)]


def e2e_command(modules: list[str]) -> Words:
    """Runs the tests of these modules, or of all but dbt 2."""
    names = [f"{name}::" for name in modules]
    if shutil.which("cargo-nextest"):
        options = ["--no-fail-fast", "--run-ignored", "only"]
        every = ["-E", "not test(/^dbt2::/)"]
        return ["cargo", "nextest", "run", "-p", "fal-e2e", *options, *(names or every)]
    cargo = ["cargo", "test", "-p", "fal-e2e", "--no-fail-fast", "--tests", "--", "--ignored"]
    return [*cargo, *(names or ["--skip", "dbt2::"])]


def needs_overrides(version: str) -> bool:
    """Returns whether a version has the requirement that only uv can leave out."""
    return version not in DBT_2 and tuple(map(int, version.split("."))) >= (1, 12)


def is_minor(installed: str, version: str) -> bool:
    return installed.startswith(f"{version}.")


def count(text: str) -> Counts | None:
    """Reads the output of pytest, nextest or `cargo test`; `None` if nothing ran."""
    # Tests that nextest skips and `cargo test` ignores were not selected.
    nextest = re.findall(r"^\s*Summary \[.*", text, re.MULTILINE)
    if lines := nextest[-1:] or re.findall(r"^test result:.*", text, re.MULTILINE):
        found = [numbers(line) for line in lines]
        return {key: sum(one[key] for one in found) for key in ("passed", "failed")} | {
            "skipped": 0
        }
    pytest = re.findall(r"^.* passed.* in .*", text, re.MULTILINE)
    return numbers(pytest[-1]) if pytest else None


def numbers(line: str) -> Counts:
    """Returns the numbers before these words."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for number, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", line):
        counts["failed" if word.startswith("error") else word] += int(number)
    return counts


def shown(counts: Counts | None) -> str:
    if counts is None:
        return "not run"
    some = [f"{counts[word]} {word}" for word in ("failed", "skipped") if counts[word]]
    return ", ".join([f"{counts['passed']} passed", *some])


def render(known: dict[str, Results], page: str) -> str:
    """Renders the results of each version as a Markdown table. A version without results keeps its
    line of the page: each run of the command is of some versions only."""
    table = (
        "| dbt-core | dbt-duckdb | dbt-postgres | dbt-adapters | DuckDB | Python"
        " | Python tests | End-to-end tests |\n|---|---|---|---|---|---|---|---|\n"
    )
    earlier = page.partition(BEGIN)[2].partition(END)[0].splitlines()
    for version, one in known.items():
        if not one:
            table += "".join(f"{line}\n" for line in earlier if is_line_of(line, version))
            continue
        versions = " | ".join(one["installed"].get(name, "?") for name in [*INSTALLED, "python"])
        every = " (all)" if one.get("all") else ""
        table += f"| {versions} | {shown(one.get('python'))} | {shown(one.get('e2e'))}{every} |\n"
    return table


def is_line_of(line: str, version: str) -> bool:
    installed = line.removeprefix("| ").partition(" ")[0]
    return installed == version or is_minor(installed, version)


def ran() -> str:
    """Returns which tests were run, for the page."""
    folders, programs = (", ".join(f"`{name}`" for name in names) for names in (FOLDERS, E2E))
    return (
        f"Python tests: the folders {folders} of `plugins/fal-dbt-backend/python/tests`.\n"
        f"End-to-end tests: the modules {programs} of `tests/e2e` unless it says all.\n"
        "DuckDB and a PostgreSQL server are behind both.\n"
        "Of dbt 2 it is the module `dbt2`, on DuckDB and PostgreSQL 18, with the DuckDB of Python"
        " in the table.\n"
    )


def replaced(page: str, text: str) -> str:
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}{text}{END}{after}"


if __name__ == "__main__":
    main()
