"""Fixtures: a small project, and session processes over it."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .process import SessionProcess
from .project import make_project, stub

__all__ = ["make_project", "stub"]

# The nodes that most tests need.
ORDERS = ("seed.shop.raw_orders", "model.shop.orders")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Files of a project with seeds, SQL models, a stub, and SQL downstream of it."""
    return make_project(tmp_path / "project")


@pytest.fixture
def open_session(project: Path) -> Iterator[Callable[..., SessionProcess]]:
    """Starts sessions over the project (or another), and ends them after the test."""
    with sessions(project) as start:
        yield start


@contextlib.contextmanager
def sessions(project: Path) -> Iterator[Callable[..., SessionProcess]]:
    started: list[SessionProcess] = []
    count = itertools.count()
    # The path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="fal") as folder:

        def start(root: Path | None = None, **request: object) -> SessionProcess:
            socket_dir = Path(folder) / str(next(count))
            socket_dir.mkdir()
            started.append(SessionProcess(root or project, socket_dir, **request))
            return started[-1]

        try:
            yield start
        finally:
            for session in started:
                session.close()


@contextlib.contextmanager
def begun(
    root: Path,
    *stubs: str,
    ran: tuple[str, ...] = (),
    fresh: bool = False,
    **begin: object,
) -> Iterator[SessionProcess]:
    """A session that has loaded the project, begun, and run some nodes."""
    with sessions(root) as start:
        session = start(fresh=fresh)
        session.load(*stubs)
        session.ask("begin", **{"selected": session.runnable(), **begin})
        for node in ran:
            answer = session.run(node)
            assert answer["status"] == "success", answer
        yield session
