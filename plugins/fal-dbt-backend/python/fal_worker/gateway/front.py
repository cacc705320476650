"""The listener for runners, in front of Flight.

Flight takes a message whole before anyone can look at the token in it, whatever its size, and has
no setting for that. So runners connect here. What they send is handed on to Flight unread, over a
Unix socket, but until Flight has seen a token of a lease on a connection no more than `LIMIT` bytes
of it, and for no longer than `PATIENCE` seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError

if TYPE_CHECKING:
    from .lease import Lease

# Bytes that a connection may send before it shows a valid token, including TLS and HTTP framing.
LIMIT = 1 << 20
# Seconds that a connection has to show a token.
PATIENCE = 10.0
# How many connections without a valid token are served at a time. Others wait in the system's
# queue.
STRANGERS = 64
_CHUNK = 1 << 18

_Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Front:
    """Listens on a separate thread.

    `inner` is the path of Flight's socket, in a folder that only the user may enter.
    """

    def __init__(self, inner: str, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self._inner, self._context = inner, context
        self._listener = _listener(host, port)
        self.port: int = self._listener.getsockname()[1]
        self._count = itertools.count()
        self._connections: dict[str, _Connection] = {}
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        threading.Thread(target=self._run, name="fal-gateway-front", daemon=True).start()

    def know(self, peer: str, lease: Lease) -> None:
        """Records that the connection that Flight calls `peer` has sent a lease's token."""
        connection = self._connections.get(peer.rpartition("/")[2])
        if connection is not None and connection.lease is not lease:
            self._loop.call_soon_threadsafe(connection.know, lease)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._accept())

    async def _accept(self) -> None:
        strangers = asyncio.Semaphore(STRANGERS)
        while True:
            await strangers.acquire()
            try:
                accepted, _ = await self._loop.sock_accept(self._listener)
            except OSError:  # the connection is gone, or too many files are open
                strangers.release()
                await asyncio.sleep(0.1)
                continue
            self._start(self._serve(accepted, strangers.release))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        # The loop holds tasks weakly: without this reference one may be collected while it runs.
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, accepted: socket.socket, release: Callable[[], None]) -> None:
        name = f"{os.path.basename(self._inner)}.{next(self._count)}"
        connection = _Connection(release)
        with (
            contextlib.suppress(OSError, asyncio.TimeoutError, ssl.SSLError, EOFError),
            contextlib.closing(connection),
        ):
            outside = await self._outside(accepted)
            connection.own(outside[1])
            inside = await self._inside(os.path.join(os.path.dirname(self._inner), name))
            connection.own(inside[1])
            self._connections[name] = connection
            connection.expect_token()
            back = asyncio.ensure_future(_copy(inside[0], outside[1], connection))
            try:
                await connection.pass_on(outside[0], inside[1])
            finally:
                back.cancel()
        self._connections.pop(name, None)

    async def _outside(self, accepted: socket.socket) -> _Pair:
        reader = asyncio.StreamReader(limit=_CHUNK)
        protocol = asyncio.StreamReaderProtocol(reader)
        patience = {} if self._context is None else {"ssl_handshake_timeout": PATIENCE}
        accepted.setblocking(False)
        transport, _ = await self._loop.connect_accepted_socket(
            lambda: protocol, accepted, ssl=self._context, **patience
        )
        return reader, asyncio.StreamWriter(transport, protocol, reader, self._loop)

    async def _inside(self, path: str) -> _Pair:
        """The inner connection, by the peer name that Flight reports with each call."""
        inside = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        inside.setblocking(False)
        inside.bind(path)
        try:
            await self._loop.sock_connect(inside, self._inner)
        finally:
            os.unlink(path)
        return await asyncio.open_unix_connection(sock=inside, limit=_CHUNK)


class _Connection:
    """A connection of a runner, or of an unknown client. Used on the loop's thread."""

    def __init__(self, release: Callable[[], None]) -> None:
        self.lease: Lease | None = None
        self._release: Callable[[], None] | None = release
        self._known = asyncio.Event()
        self._spent = 0
        self._writers: list[asyncio.StreamWriter] = []

    def own(self, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)

    def know(self, lease: Lease) -> None:
        self.lease = lease
        self._known.set()
        self._be_no_stranger()

    def expect_token(self) -> None:
        asyncio.get_running_loop().call_later(PATIENCE, self._end_stranger)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forwards incoming bytes, up to the limit while no token is known."""
        while data := await reader.read(_CHUNK):
            if self.lease is not None and self.lease.is_over:
                # Its token is no longer valid.
                self.lease, self._spent = None, 0
                self._known.clear()
            self._spent += len(data)
            if self.lease is None and self._spent > LIMIT:
                await asyncio.wait_for(self._known.wait(), PATIENCE)
            writer.write(data)
            await writer.drain()

    def close(self) -> None:
        self._be_no_stranger()
        for writer in self._writers:
            writer.transport.abort()

    def _end_stranger(self) -> None:
        if self.lease is None and not self._known.is_set():
            self.close()

    def _be_no_stranger(self) -> None:
        release, self._release = self._release, None
        if release is not None:
            release()


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: _Connection
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    connection.close()


def encrypted(certificate: str, key: str) -> ssl.SSLContext:
    """Builds the TLS context from PEM text, without writing it to disk."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    with _pipe(certificate) as one, _pipe(key) as other:
        context.load_cert_chain(one, other)
    return context


@contextlib.contextmanager
def _pipe(text: str) -> Any:
    """Returns a path from which the short text can be read once."""
    reading, writing = os.pipe()
    try:
        os.write(writing, text.encode())
        os.close(writing)
        yield f"/dev/fd/{reading}"
    finally:
        os.close(reading)


def _listener(host: str, port: int) -> socket.socket:
    shown = f"[{host}]" if ":" in host else host
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        both = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
        listener = socket.create_server(
            address[:2], family=family, backlog=128, dualstack_ipv6=both
        )
    except OSError as error:
        raise SessionError(
            "gateway::listen",
            f"the data gateway cannot listen at {shown}:{port} for runners: {error.strerror or error}",
            "Is the port taken, or the address of another machine? It is set by `gateway: listen:` in fal_project.yml.",
        ) from None
    listener.setblocking(False)
    return listener
