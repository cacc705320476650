"""Lends dbt's own connection of this thread for one read or one step of a write.

dbt keeps a connection for each thread, and some drivers (SQLite's) let no other thread use it. So
nothing outlives a call: what begins on a thread ends on it, and the connection is released.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.warehouse.interface import Borrowed

if TYPE_CHECKING:
    from fal_worker.warehouse.interface import Finish

# To wait for the warehouse to take note of an interruption.
_INTERRUPT_SECONDS = 5


class Connections:
    """Lends connections of dbt's adapter, and interrupts them."""

    def __init__(self, adapter: Any, kind: type[Connection] | None = None) -> None:
        self.adapter = adapter
        self._kind = kind or Connection
        self._lock = threading.Lock()
        self._lent: set[Connection] = set()

    @contextlib.contextmanager
    def lend(self) -> Iterator[Connection]:
        """Lends the connection of this thread. What is not committed at the end is rolled back."""
        connection = self._kind(self.adapter)
        with self._lock:
            self._lent.add(connection)
        try:
            with (
                connection.failures(),
                self.adapter.connection_named(f"fal_gateway_{uuid.uuid4().hex}"),
            ):
                connection.own = self.adapter.connections.get_thread_connection()
                yield connection
        finally:
            with self._lock:
                self._lent.discard(connection)

    def cancel(self) -> None:
        """Interrupts what runs, and what is between two statements."""
        with self._lock:
            threads = [_interrupting(connection) for connection in self._lent]
        for thread in threads:
            thread.join(_INTERRUPT_SECONDS)


def _interrupting(connection: Connection) -> threading.Thread:
    """Interrupts on another thread, since dbt has one connection a thread."""
    connection.cancelled.set()

    def interrupt() -> None:
        with contextlib.suppress(Exception):  # it may end at this moment
            connection.interrupt()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(interrupt,), daemon=True)
    thread.start()
    return thread


class Connection:
    """For one thread; `interrupt` comes from another."""

    def __init__(self, adapter: Any) -> None:
        self.adapter = adapter
        # dbt's, while it is lent.
        self.own: Any = None
        self.cancelled = threading.Event()

    def interrupt(self) -> None:
        """Stops what runs on the connection, as dbt does; that may take a second connection."""
        if self.own is not None and self.own.state == "open":
            with self.adapter.connection_named(f"fal_cancel_{uuid.uuid4().hex}"):
                self.adapter.connections.cancel(self.own)

    def run(self, sql: str, bindings: list[Any] | None = None) -> Any:
        """Runs one statement, in a transaction where the adapter has them; gives the driver's
        cursor."""
        self.check()
        with self.failures():
            return self.adapter.add_query(sql, bindings=bindings, abridge_sql_log=True)[1]

    def fetch(self, cursor: Any, rows: int) -> list[Any]:
        self.check()
        with self.failures(), self.adapter.connections.exception_handler("fetch"):
            return list(cursor.fetchmany(rows))

    def macro(self, name: str, **arguments: Any) -> Any:
        """What a macro of dbt's, in the adapter's version, returns."""
        with self.failures():
            return self.adapter.execute_macro(name, kwargs=arguments)

    def begin(self) -> None:
        """Begins a transaction. Some of dbt's macros begin none by themselves."""
        self.commit()
        manager = self.adapter.connections
        with self.failures():
            with contextlib.suppress(
                Exception
            ):  # there is none to roll back, or the driver has none
                # dbt-postgres leaves BEGIN to psycopg2, which does not see the end of a transaction
                # that dbt ends with SQL.
                manager.get_thread_connection().handle.rollback()
            manager.begin()

    def commit(self) -> None:
        manager = self.adapter.connections
        with self.failures():
            if manager.get_thread_connection().transaction_open:
                manager.commit()

    def finish(self, finish: Finish | None, is_new: bool) -> None:
        """Lets dbt's macros work inside of this transaction."""
        if finish is None:
            return
        with self.failures():
            ours = self.adapter.connections.get_thread_connection()
            kept = {
                name: getattr(ours, name)
                for name in ("name", "handle", "state", "transaction_open")
            }
            try:
                # On the same thread dbt takes the same connection, and releases it behind the
                # macros.
                finish(Borrowed(ours.handle), is_new)
            finally:
                for name, value in kept.items():
                    setattr(ours, name, value)

    def check(self) -> None:
        if self.cancelled.is_set():
            raise SessionError("gateway::cancelled", "The run was interrupted")

    @contextlib.contextmanager
    def failures(self) -> Iterator[None]:
        """Turns dbt's errors into the user's."""
        from dbt_common.exceptions import DbtBaseException

        try:
            yield
        except DbtBaseException as error:
            self.check()
            raise SessionError(
                "gateway::database", str(getattr(error, "msg", error)).strip()
            ) from None


def quoted(adapter: Any, name: str) -> str:
    """A column's name as the adapter quotes it; dbt itself takes no care of quotes within."""
    end = adapter.quote("x")[-1]
    return str(adapter.quote(name if end == "x" else name.replace(end, end + end)))


def both(adapter: Any, there: Any, more: Any, columns: list[Any], names: list[str]) -> str:
    """The rows of a table and of another that will be appended to it, as a table in parentheses."""
    known = [column.name for column in columns]
    if {name.lower() for name in known} != {name.lower() for name in names}:
        raise SessionError(
            "gateway::own_table",
            f"After its write a model can read {there} again only when it has ended: the rows lack columns that the table has, or have more",
            "Read it ahead of the write, or in a model that depends on this one.",
        )
    given = {name.lower(): name for name in names}
    old = ", ".join(quoted(adapter, name) for name in known)
    new = ", ".join(quoted(adapter, given[name.lower()]) for name in known)
    return f"(select {old} from {there} union all select {new} from {more})"
