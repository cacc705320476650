"""The code that runs in a worker of the cluster, in a new process for each node.

Ray pickles this module by value, so it must not import other modules of the plugin.
"""

from __future__ import annotations

import os
import socket
import sys
import traceback
from collections.abc import Iterator
from typing import Any


class Store:
    """The interface by which a lease's script reads upstream tables and keeps the node's own table."""

    def __init__(self, references: dict[str, list[Any]], keep: int, patience: float) -> None:
        self._references, self._keep, self._patience = references, keep, patience
        self.from_store = self.missing = 0
        self.table: Any = None

    def get(self, unique_id: str) -> Any:
        """Returns the rows of a node, or None if they must be read from the warehouse."""
        import ray

        held = self._references.get(unique_id)
        if held is not None:
            try:
                table = ray.get(held[0], timeout=self._patience)
            except Exception:
                # The table was lost with its machine or is unreachable. Read it from the warehouse.
                held = None
            else:
                self.from_store += 1
                return table
        self.missing += 1
        return None

    def put(self, unique_id: str, table: Any) -> None:
        """Keeps the rows that this node wrote, unless they exceed the limit."""
        if table.nbytes <= self._keep:
            self.table = table


class _Tail:
    """A wrapper of standard error that remembers the last line."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._text = stream, ""

    def write(self, text: str) -> int:
        self._text = (self._text + text)[-4000:]
        return int(self._stream.write(text) or 0)

    def last(self) -> str:
        lines = self._text.strip().splitlines()
        return lines[-1].strip() if lines else ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def here() -> dict[str, Any]:
    """Describes the machine and process that run this code."""
    import ray

    context = ray.get_runtime_context()
    return {
        "node_id": context.get_node_id(),
        "node": ray.util.get_node_ip_address(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "python": sys.executable,
    }


def run(script: str, store: Store) -> tuple[int, str]:
    """Runs a lease's script in this process. Returns its exit code and its last line on standard error."""
    tail = _Tail(sys.stderr)
    stderr, sys.stderr = sys.stderr, tail
    try:
        names: dict[str, Any] = {"__name__": "fal_lease", "__builtins__": __builtins__}
        exec(compile(script, "<lease>", "exec"), names)
        return int(names["lease"](store)), tail.last()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
        return code, tail.last()
    except BaseException as error:
        traceback.print_exc()
        return 3, f"{type(error).__name__}: {error}"
    finally:
        sys.stderr = stderr


def node(script: str, references: dict[str, list[Any]], keep: int, patience: float) -> Iterator[Any]:
    """Runs one node as a streaming task.

    Yields where it runs, then how it ended, then its table or None.
    """
    yield here()
    store = Store(references, keep, patience)
    code, words = run(script, store)
    table = store.table if code == 0 else None
    yield {
        "code": code,
        "words": words,
        "from_store": store.from_store,
        "from_gateway": store.missing,
        "bytes": None if table is None else table.nbytes,
    }
    yield table


def node_at_once(script: str, references: dict[str, list[Any]], keep: int, patience: float) -> tuple[Any, Any]:
    """Runs one node over Ray Client, where tasks cannot stream. Returns the end and the table."""
    place, end, table = node(script, references, keep, patience)
    return {**place, **end}, table


def look(python: str) -> str:
    """Returns what is wrong with a Python on the cluster's machines, or "" if it can run tasks."""
    import subprocess

    code = "import sys, pyarrow; from ray import __version__; print(__version__, '%d.%d' % sys.version_info[:2])"
    try:
        seen = subprocess.run([*python.split(), "-c", code], capture_output=True, text=True, timeout=60, cwd="/")
    except (OSError, subprocess.SubprocessError) as error:
        return f"it cannot be started: {error}"
    if seen.returncode != 0:
        return (seen.stderr.strip().splitlines() or [f"exit code {seen.returncode}"])[-1]
    import ray

    wanted = f"{ray.__version__} {sys.version_info[0]}.{sys.version_info[1]}"
    if seen.stdout.strip() != wanted:
        ours, theirs = wanted.split(), seen.stdout.split()
        return f"it has Ray {theirs[0]} and Python {theirs[1]}, the cluster Ray {ours[0]} and Python {ours[1]}"
    return ""
