"""Runs a command of dbt to its end, by dbt's own command line and with the user's terminal.

dbt is shown Python models as tables, so that `ref`, `clone`, the catalog and macros know them. The
artifacts that it writes keep the stubs as they are; the host writes what the models are, for which
it gets the graph.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial, reduce
from types import SimpleNamespace
from typing import Any, NoReturn

from fal_worker.errors import SessionError
from fal_worker.materialization.materialized import Names
from fal_worker.project.graph import files_of, run_graph
from fal_worker.project.interface import table_of
from fal_worker.project.live import LiveProject
from fal_worker.project.overrides import without_our_keywords

from . import open as engine
from .operations import stub_paths
from .stub_refs import defer_stubs

COMMAND, OTHERWISE = "FAL_COMMAND", "FAL_COMMAND_PROGRAM"
GRAPH = "command-graph.json"
_WRONG = 2


def main() -> None:
    path, program = os.environ.pop(COMMAND, None), os.environ.pop(OTHERWISE, None)
    problem = engine.choose().failure
    if problem is not None:
        if problem.code in ("dbt::missing", "dbt::unsupported") and program is not None:
            os.execv(program, [program, *sys.argv[1:]])
        _refuse(problem)
    sys.argv[0] = "dbt"
    if path is None:
        _leave(_run())
    with open(path, encoding="utf-8") as file:
        request = json.load(file)
    with contextlib.ExitStack() as changed:
        stubs = Stubs(request)
        changed.enter_context(without_our_keywords())
        changed.enter_context(_wrapped("dbt.cli.requires", "parse_manifest", stubs.after_parse))
        deferred = "CloneTask._get_deferred_manifest"
        changed.enter_context(_wrapped("dbt.task.clone", deferred, stubs.deferring))
        deferred = "GraphRunnableTask._get_deferred_manifest"
        changed.enter_context(_wrapped("dbt.task.runnable", deferred, stubs.deferring))
        changed.enter_context(stubs.kept_in_artifacts())
        changed.enter_context(_wrapped("dbt.compilation", "Compiler.compile_node", stubs.compiled))
        _leave(_run())


def _run() -> int:
    """Runs dbt's command line as its own program does. Returns the exit code."""
    from dbt.cli.main import cli

    try:
        cli.main(prog_name="dbt")
    except SystemExit as ended:
        code = ended.code
        return code if isinstance(code, int) else int(code is not None)
    return 0


def _leave(code: int) -> NoReturn:
    """Exits without Python's shutdown, during which DuckDB prints what it thinks are leaks."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        # The reader may be gone.
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


class Stubs:
    """The nodes of stubs, which dbt is shown as tables from its parse to its end."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._request = request
        self._paths = stub_paths(request["python_models"])
        self._originals: dict[str, Any] = {}
        # Of scripts and notebooks that are compiled, by unique id.
        self._codes: dict[str, str] = {}

    def after_parse(self, parse: Callable[..., Any], config: Any, *args: Any, **more: Any) -> Any:
        """Parses, leaves the graph for the host, and shows the stubs as tables."""
        from dbt.flags import get_flags

        manifest = parse(config, *args, **more)
        project = LiveProject(self._request["open"], False)
        project.parsed(
            SimpleNamespace(config=config, manifest=manifest, args=get_flags()), self._paths
        )
        graph = run_graph(project.task)
        Names(project).show(project.stubs, graph, partial(table_of, project))
        self._leave(graph)
        files, codes = files_of(config), self._request.get("codes") or {}
        for shown in graph["nodes"]:
            if (unique_id := shown["unique_id"]) in project.stubs:
                self._originals[unique_id] = manifest.nodes[unique_id]
                table = _copy(manifest.nodes[unique_id])
                table.config.materialized = shown["config"]["materialized"]
                table.relation_name = shown["relation_name"]
                manifest.nodes[unique_id] = table
                if (code := codes.get(files.path(table))) is not None:
                    self._codes[unique_id] = code
        return manifest

    def compiled(
        self, compile_node: Callable[..., Any], compiler: Any, node: Any, *args: Any, **more: Any
    ) -> Any:
        """Compiles a node; of a script or notebook the result is its code."""
        code = self._codes.get(node.unique_id)
        if code is None:
            return compile_node(compiler, node, *args, **more)
        node.compiled, node.compiled_code = True, code
        path = node.get_target_write_path(compiler.config.target_path, "compiled")
        node.compiled_path = os.path.splitext(path)[0] + ".py"
        node.write_node(compiler.config.project_root, node.compiled_path, code)
        return node

    def _leave(self, graph: Any) -> None:
        path = os.path.join(self._request["open"]["state_dir"], GRAPH)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(graph, file, default=str)

    def deferring(self, deferred: Callable[[Any], Any], task: Any) -> Any:
        """An earlier state's manifest, in which dbt looks for tables only."""
        manifest = deferred(task)
        if manifest is not None:
            defer_stubs(manifest, set(self._originals))
        return manifest

    @contextlib.contextmanager
    def kept_in_artifacts(self) -> Iterator[None]:
        """While active, manifest.json has the stubs as dbt itself knows them."""
        from dbt.contracts.graph.manifest import Manifest

        original = Manifest.writable_manifest

        def writable(manifest: Any) -> Any:
            nodes = manifest.nodes
            manifest.nodes = {
                **nodes,
                **{uid: node for uid, node in self._originals.items() if uid in nodes},
            }
            try:
                return original(manifest)
            finally:
                manifest.nodes = nodes

        Manifest.writable_manifest = writable
        try:
            yield
        finally:
            Manifest.writable_manifest = original


def _copy(node: Any) -> Any:
    import copy

    table = copy.copy(node)
    table.config = copy.copy(node.config)
    return table


@contextlib.contextmanager
def _wrapped(module: str, name: str, wrapper: Callable[..., Any]) -> Iterator[None]:
    """While active, `wrapper` is called in place of a function or method, with that first.

    Not every version of dbt has a method in the same class: one that is inherited stays.
    """
    from importlib import import_module

    *of_class, name = name.split(".")
    holder = reduce(getattr, of_class, import_module(module))
    original = vars(holder).get(name)
    if original is None:
        yield
        return

    def wrapped(*args: Any, **more: Any) -> Any:
        return wrapper(original, *args, **more)

    setattr(holder, name, wrapped)
    try:
        yield
    finally:
        setattr(holder, name, original)


def _refuse(problem: SessionError) -> NoReturn:
    text = f"error: {problem.message} [{problem.code}]"
    print(text if problem.help is None else f"{text}\n{problem.help}", file=sys.stderr)
    sys.exit(_WRONG)


if __name__ == "__main__":
    main()
