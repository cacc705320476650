"""A stand-in for Trino's HTTP interface, which answers each statement with prepared pages."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class TrinoServer:
    """Serves prepared answers on a free port."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.cancelled = 0
        self.columns: list[dict[str, Any]] = []
        self.pages: list[list[Any]] = []
        # While set, a page is held back until its query is cancelled.
        self.endless = False
        self.waiting = threading.Event()
        self._gone = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._gone.set()
        self._http.shutdown()
        self._http.server_close()

    def page(self, number: int) -> dict[str, Any]:
        answer: dict[str, Any] = {"id": "q1", "infoUri": "http://x", "stats": {"state": "RUNNING"}}
        if self.endless:
            self.waiting.set()
            if self._gone.wait(0.05):
                return {
                    **answer,
                    "error": {
                        "message": "Query was canceled",
                        "errorName": "USER_CANCELED",
                        "errorType": "USER_ERROR",
                        "errorCode": 3,
                    },
                }
            return {**answer, "nextUri": f"http://127.0.0.1:{self.port}/v1/next/0"}
        if number >= len(self.pages):
            return {**answer, "stats": {"state": "FINISHED"}, "columns": self.columns}
        return {
            **answer,
            "columns": self.columns,
            "data": self.pages[number],
            "nextUri": f"http://127.0.0.1:{self.port}/v1/next/{number + 1}",
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.statements.append(
                    self.rfile.read(int(self.headers["Content-Length"])).decode()
                )
                self._answer(server.page(0))

            def do_GET(self) -> None:
                self._answer(server.page(int(self.path.rpartition("/")[2])))

            def do_DELETE(self) -> None:
                server.cancelled += 1
                server._gone.set()
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
