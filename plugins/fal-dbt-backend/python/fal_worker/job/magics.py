"""The magics of notebooks that have a meaning in a model, and those that are ignored silently."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
import timeit
import tokenize
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import notebook_file
from .error import FalError
from .program import Cells, Script, remember
from .shell import capture

if TYPE_CHECKING:
    from .shell import Shell

# How long `%timeit` repeats a statement.
_TIMEIT_SECONDS = 0.2
_TIMEIT_OPTIONS = re.compile(r"^\s*(-(?:[nrpv]\s*\S+|[tcqo]+)\s+)*")


def _ignore(*_: Any) -> None:
    """Does nothing: a run has no reader for display, settings and inspection."""


def _execute(shell: Shell, code: str, name: str = "<cell magic>") -> Any:
    """Runs code in the notebook's namespace; returns the value if it is one expression."""
    try:
        unit = compile(code.strip(), name, "eval", dont_inherit=True)
    except SyntaxError:
        exec(compile(code, name, "exec", dont_inherit=True), shell.user_ns)
        return None
    return eval(unit, shell.user_ns)


def _time(shell: Shell, line: str, cell: str = "") -> Any:
    wall, processor = time.perf_counter(), time.process_time()
    value = _execute(shell, cell or line)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"CPU time: {processor:.3f} s, wall time: {wall:.3f} s")
    return value


def _timeit(shell: Shell, line: str, cell: str = "") -> None:
    """With a body, the line is the setup. Options are accepted and have no effect."""
    rest = _TIMEIT_OPTIONS.sub("", line)
    timer = timeit.Timer(
        cell or rest, setup=rest if cell and rest else "pass", globals=shell.user_ns
    )
    once = timer.timeit(1)
    count = max(1, int(_TIMEIT_SECONDS / max(once, 1e-7)))
    best = min(once, timer.timeit(count) / count) if once < _TIMEIT_SECONDS else once
    print(f"{best:.3g} s per loop (best of {count + 1} loops)")


def _capture(shell: Shell, line: str, cell: str) -> None:
    with capture(line, shell.user_ns):
        _execute(shell, cell)


def _env(shell: Shell, line: str) -> Any:
    name, sign, value = line.strip().partition("=") if "=" in line else line.strip().partition(" ")
    if not name:
        return dict(os.environ)
    if not sign:
        return os.environ.get(name)
    os.environ[name.strip()] = value.strip()
    print(f"env: {name.strip()}={value.strip()}")
    return None


def _cd(shell: Shell, line: str) -> None:
    words = shlex.split(line)
    os.chdir(os.path.expanduser(words[-1] if words else "~"))
    print(os.getcwd())


def _pwd(shell: Shell, line: str) -> str:
    return os.getcwd()


def _run_file(shell: Shell, line: str) -> None:
    """Runs a file in the notebook's names: a notebook cell by cell, anything else as Python."""
    words = shlex.split(line)
    while words and words[0] in ("-i", "-n", "-e"):
        del words[0]
    if not words:
        raise FalError("fal: %run needs the name of a file")
    path = _file_to_run(os.path.abspath(os.path.expanduser(words[0])))
    program = Cells(notebook_file.cells(path)) if path.endswith(".ipynb") else _script(path)
    file, arguments = shell.user_ns.get("__file__"), sys.argv
    shell.user_ns["__file__"], sys.argv = path, [path, *words[1:]]
    try:
        program.run(shell.user_ns)
    finally:
        shell.user_ns["__file__"], sys.argv = file, arguments


def _file_to_run(path: str) -> str:
    """The file of this name. Its ending may be left out, as in IPython."""
    candidates = [
        path,
        *(path + ending for ending in (".py", ".ipynb") if not path.endswith(ending)),
    ]
    found = next((candidate for candidate in candidates if os.path.isfile(candidate)), None)
    if found is None:
        raise FalError(
            f"fal: %run finds no file {path}",
            help=f"Paths in a notebook are relative to its own folder; this one runs in {os.getcwd()}.",
        )
    return found


def _script(path: str) -> Script:
    with tokenize.open(path) as file:
        code = file.read()
    remember(path, code)
    return Script(compile(code, path, "exec", dont_inherit=True))


def _sql(shell: Shell, line: str, cell: str = "") -> Any:
    """`%sql` and `%%sql` of a notebook that another one runs; `name <<` keeps the rows under the
    name.
    """
    name, kept, query = line.partition("<<")
    rows = shell.scope.execute_sql(cell or (query if kept else line))
    if not kept:
        return rows
    shell.user_ns[name.split()[-1]] = rows
    return None


def _matplotlib(shell: Shell, line: str) -> None:
    os.environ["MPLBACKEND"] = "Agg"
    library = sys.modules.get("matplotlib")
    if library is not None:
        library.use("Agg")


def _install(shell: Shell, line: str) -> None:
    raise FalError(
        "fal: a model does not install packages while it runs",
        help="Put the package in the project's Python environment, and take the %pip or %conda line out.",
    )


def _system(shell: Shell, line: str) -> Any:
    return shell.getoutput(line)


def _write_file(shell: Shell, line: str, cell: str) -> None:
    words = shlex.split(line)
    mode = "a" if "-a" in words or "--append" in words else "w"
    with open(os.path.expanduser(words[-1]), mode, encoding="utf-8") as file:
        file.write(cell if cell.endswith("\n") else cell + "\n")


def _feeds(*program: str) -> Callable[[Shell, str, str], None]:
    """A magic that gives the cell to a program; it fails as the program does."""

    def magic(shell: Shell, line: str, cell: str) -> None:
        command = [*program, *shlex.split(line)] if program else shlex.split(line)
        sys.stdout.flush()
        subprocess.run(command, input=cell, encoding="utf-8", check=True)

    return magic


_QUIET_LINE = (
    "alias autoawait autoreload autosave cls clear colors config history init_fal load_ext lsmagic notebook pdb pinfo pinfo2 "
    "pprint precision reload_ext unload_ext who whos who_ls xmode"
)
_QUIET_CELL = "html HTML javascript js latex markdown svg SVG"

LINE: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(_QUIET_LINE.split(), _ignore),
    "cd": _cd,
    "conda": _install,
    "env": _env,
    "mamba": _install,
    "matplotlib": _matplotlib,
    "micromamba": _install,
    "pip": _install,
    "pwd": _pwd,
    "run": _run_file,
    "set_env": _env,
    "sql": _sql,
    "sx": _system,
    "system": _system,
    "time": _time,
    "timeit": _timeit,
    "uv": _install,
}

CELL: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(_QUIET_CELL.split(), _ignore),
    "!": _feeds("sh"),
    "bash": _feeds("bash"),
    "capture": _capture,
    "file": _write_file,
    "python": _feeds(sys.executable, "-"),
    "python3": _feeds(sys.executable, "-"),
    "script": _feeds(),
    "sh": _feeds("sh"),
    "sql": _sql,
    "time": _time,
    "timeit": _timeit,
    "writefile": _write_file,
}
