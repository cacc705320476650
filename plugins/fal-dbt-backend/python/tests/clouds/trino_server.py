"""Trino's HTTP interface: a server that answers with prepared pages, and the base of others."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ANSWER = {"id": "q1", "infoUri": "http://x"}


def finished(**more: Any) -> dict[str, Any]:
    return {**_ANSWER, "stats": {"state": "FINISHED"}, **more}


def failed(message: str) -> dict[str, Any]:
    error = {"message": message, "errorName": "X", "errorType": "USER_ERROR", "errorCode": 1}
    return finished(error=error)


class Http:
    """A server on a free port. Subclasses answer the requests."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def start(self, sql: str) -> dict[str, Any]:
        """The first page of a statement."""
        raise NotImplementedError

    def page(self, number: int) -> dict[str, Any]:
        raise NotImplementedError

    def cancel(self) -> None:
        raise NotImplementedError


def _handler(server: Http) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(server.start(sql))

        def do_GET(self) -> None:
            self._answer(server.page(int(self.path.rpartition("/")[2])))

        def do_DELETE(self) -> None:
            server.cancel()
            self.send_response(204)
            self.end_headers()

        def _answer(self, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


class TrinoServer(Http):
    """Serves prepared answers."""

    def __init__(self) -> None:
        self.cancelled = 0
        self.columns: list[dict[str, Any]] = []
        self.pages: list[list[Any]] = []
        # While set, a page is held back until its query is cancelled.
        self.endless = False
        self.waiting = threading.Event()
        self._gone = threading.Event()
        super().__init__()

    def close(self) -> None:
        self._gone.set()
        super().close()

    def start(self, sql: str) -> dict[str, Any]:
        self.statements.append(sql)
        return self.page(0)

    def page(self, number: int) -> dict[str, Any]:
        if self.endless:
            self.waiting.set()
            return failed("Query was canceled") if self._gone.wait(0.05) else self._running(0)
        if number >= len(self.pages):
            return finished(columns=self.columns)
        page = {"columns": self.columns, "data": self.pages[number]}
        return {**self._running(number + 1), **page}

    def _running(self, next: int) -> dict[str, Any]:
        uri = f"http://127.0.0.1:{self.port}/v1/next/{next}"
        return {**_ANSWER, "stats": {"state": "RUNNING"}, "nextUri": uri}

    def cancel(self) -> None:
        self.cancelled += 1
        self._gone.set()
