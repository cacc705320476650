"""Plugins for fal-host in Python: one file, the standard library only, Python 3.9 or newer.

A plugin is an executable file called ``NAME.fal-plugin`` with this file beside it::

    #!/usr/bin/env python3
    import fal_plugin

    class Stubs(fal_plugin.StubWriter):
        def folder(self):
            return "stubs"
        def render(self, request):
            return {"path": "stubs/" + request["path"].rpartition(".")[0] + ".sql", "content": "select 1"}
        def judge(self, request):
            return "foreign"

    fal_plugin.serve("acme-stubs", "1.0.0", {"stub-writer": Stubs}, description="Writes stubs")

fal-host starts it when it is needed, and calls the methods of its stages. Requests and answers are plain dicts and
lists; their schemas are in ``docs/plugins/schemas``, the protocol in ``docs/plugins/processes.md``. Ignore keys that you
do not know: a newer host may send more. What the plugin prints goes to standard error, and is shown with ``--debug``.
"""

from __future__ import annotations

import json
import os
import select
import struct
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import Any, BinaryIO, Callable

INTERFACE = "1.2.0"
"""Version of the plugin interface that this file speaks."""
PAYLOAD = 1
"""Version of the payloads that it speaks."""

MAX_MESSAGE = 64 << 20
MAX_ATTACHMENT = 1 << 30
GRACE = 1.5
"""Seconds that calls have to end once the host is gone."""

Json = Any
Config = dict[str, Any]

__all__ = [
    "Events",
    "ExecutionBackend",
    "ExecutionSession",
    "NotebookParser",
    "PluginError",
    "PythonParser",
    "StubWriter",
    "SyntaxProblem",
    "diagnostic",
    "serve",
    "span",
]


class PluginError(Exception):
    """An error with a message for the user. Everything else that a method raises is shown as a fault of the plugin."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help

    def wire(self) -> Json:
        error = {"code": self.code, "message": self.message, "help": self.help}
        return {"kind": "plugin", "error": error}


class SyntaxProblem(Exception):
    """A file is not what a parser reads: the next parser of the chain is asked. Takes what `diagnostic` makes."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem["message"])
        self.problem = problem

    def wire(self) -> Json:
        return {"kind": "syntax", "diagnostic": self.problem}


class _UnknownMethod(Exception):
    def __init__(self, method: str) -> None:
        super().__init__(method)
        self.method = method

    def wire(self) -> Json:
        return {"kind": "unknown_method", "method": self.method}


def span(text: str, start: tuple[int, int], end: tuple[int, int] | None = None) -> dict[str, Any]:
    """A piece of a text, from `start` to `end`: lines and columns of characters, counted from 1."""
    lines = text.split("\n")

    def offset(place: tuple[int, int]) -> int:
        line = min(max(place[0], 1), len(lines))
        before = sum(len(other.encode()) + 1 for other in lines[: line - 1])
        return before + len(lines[line - 1][: max(place[1] - 1, 0)].encode())

    end = end or start
    places = [{"line": line, "column": column} for line, column in (start, end)]
    return {"start": offset(start), "end": offset(end), "from": places[0], "to": places[1]}


def diagnostic(
    code: str,
    message: str,
    *,
    place: dict[str, Any] | None = None,
    label: str = "",
    severity: str = "error",
    help: str | None = None,
    cell: int | None = None,
) -> dict[str, Any]:
    """A problem in a file. `place` is a `span`; `severity` is `error`, `warning` or `note`."""
    labels = [] if place is None else [{"span": place, "text": label}]
    return {
        "code": code,
        "severity": severity,
        "message": message,
        "labels": labels,
        "help": help,
        "cell": cell,
    }


class _Stage:
    """What is common to stages: made with their configuration, they answer methods by name."""

    config: Config

    def __init__(self, config: Config) -> None:
        """Opens the stage. `config` is what fal_project.yml says under `plugins: config: NAME:`, or empty."""
        self.config = config

    _inline = True

    def _call(self, method: str, body: Json, attachment: bytes) -> Json:
        raise NotImplementedError


class PythonParser(_Stage):
    """Finds out what a Python file is, reads and writes."""

    def parse(self, path: str, text: str) -> dict[str, Any]:
        """Answers a `PythonAnalysis`. Raises `SyntaxProblem` if the text is not Python as this parser knows it."""
        raise NotImplementedError

    def _call(self, method: str, body: Json, attachment: bytes) -> Json:
        if method != "parse":
            raise _UnknownMethod(method)
        try:
            text = attachment.decode()
        except UnicodeDecodeError as error:
            raise PluginError("plugin::bad_request", f"the text is not UTF-8: {error}") from None
        return self.parse(_field(body, "path"), text)


class NotebookParser(_Stage):
    """Turns a notebook into Python text."""

    def extensions(self) -> list[str]:
        """File extensions that this parser claims, without the dot."""
        raise NotImplementedError

    def parse(self, path: str, data: bytes) -> dict[str, Any]:
        """Answers a `NotebookAnalysis`. Raises `SyntaxProblem` if the bytes are no notebook."""
        raise NotImplementedError

    def _call(self, method: str, body: Json, attachment: bytes) -> Json:
        if method == "extensions":
            return list(self.extensions())
        if method != "parse":
            raise _UnknownMethod(method)
        return self.parse(_field(body, "path"), attachment)


class StubWriter(_Stage):
    """Says what a stub looks like, and whether a file is one. Reads and writes no files."""

    def folder(self) -> str:
        """Folder below each model path that holds the stubs."""
        raise NotImplementedError

    def render(self, request: dict[str, Any]) -> dict[str, Any]:
        """The stub of a model (`StubRequest`): `{"path": ..., "content": ...}`."""
        raise NotImplementedError

    def judge(self, request: dict[str, Any]) -> str:
        """Decides who wrote a file at a stub's path (`StubVerdictRequest`): a `StubVerdict`."""
        raise NotImplementedError

    def _call(self, method: str, body: Json, attachment: bytes) -> Json:
        if method == "folder":
            return self.folder()
        if method not in ("render", "judge"):
            raise _UnknownMethod(method)
        return getattr(self, method)(_object(body))


class Events:
    """Takes the events of a session. May be called from any thread."""

    def __init__(self, emit: Callable[[Json], None]) -> None:
        self._emit = emit

    def emit(self, event: dict[str, Any]) -> None:
        """An `Event` as it is."""
        self._emit(event)

    def output(self, unique_id: str, line: str, stream: str = "stdout") -> None:
        """A line that a node printed; `stream` is `stdout` or `stderr`."""
        self._emit({"event": "output", "unique_id": unique_id, "stream": stream, "line": line})

    def log(self, message: str, level: str = "info", unique_id: str | None = None) -> None:
        """A message of the backend; `level` is `debug`, `info`, `warn` or `error`."""
        self._emit(
            {
                "event": "log",
                "level": level,
                "name": None,
                "unique_id": unique_id,
                "message": message,
            }
        )


class ExecutionSession:
    """A running backend. Methods are called from many threads at once, each with its request as a dict."""

    def load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Reads the project: a `RunGraph`. A runner answers an empty one, as here."""
        return {"info": {}, "nodes": []}

    def select(self, request: dict[str, Any]) -> list[str]:
        """Unique ids of the nodes that a method of selection matches."""
        raise PluginError("plugin::select", "this backend knows no methods of selection")

    def begin(self, request: dict[str, Any]) -> None:
        """Makes ready for the nodes that will run (`BeginRequest`)."""

    def run_node(self, request: dict[str, Any]) -> dict[str, Any]:
        """Runs one node (`NodeRequest`) to its end: a `NodeResult`, which says `error` if the node failed."""
        raise NotImplementedError

    def lend(self, request: dict[str, Any]) -> dict[str, Any]:
        """Makes a Python model ready to be run by another backend."""
        raise PluginError(
            "plugin::does_not_lend", "this execution backend owns no data that it could lend"
        )

    def settle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Commits or undoes what a lent model wrote."""
        raise PluginError(
            "plugin::does_not_lend", "this execution backend owns no data that it could lend"
        )

    def node_error(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Returns what is known of the error of a node that failed (`NodeError`), if anything."""
        return None

    def lineage(self, request: None) -> dict[str, Any]:
        """Returns where the warehouse is and which columns nodes have (`Lineage`)."""
        return {}

    def shows(self, request: None) -> bool:
        """Returns whether models are run without being written, for `OpenRequest.show_limit`."""
        return False

    def record(self, request: dict[str, Any]) -> None:
        """Takes note of a node that was not run (`NodeResult`)."""

    def compile(self, request: dict[str, Any]) -> dict[str, Any]:
        """Compiles SQL: `{"sql": ...}`."""
        raise PluginError("plugin::no_sql", "this backend compiles no SQL")

    def cancel(self) -> None:
        """Ends what runs, soon: its `run_node` returns."""

    def close(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ends the session; nothing stays behind. May be called twice."""
        return {}

    def drop(self) -> None:
        """The host is done with the session, whether it was closed or not."""


class ExecutionBackend(_Stage):
    """Runs nodes. Each call runs on its own thread."""

    _inline = False

    def capabilities(self) -> dict[str, Any]:
        """What it can do: `Capabilities`. A runner answers `{"sql": False, "python": True}`."""
        raise NotImplementedError

    def open(self, request: dict[str, Any], events: Events) -> ExecutionSession:
        """Starts a session (`OpenRequest`). Returns at once: what takes time is waited for in `load`."""
        raise NotImplementedError

    _REQUESTS = (
        "load",
        "select",
        "begin",
        "run_node",
        "lend",
        "settle",
        "record",
        "compile",
        "close",
    )

    def _prepare(self, emit: Callable[[Json], None]) -> None:
        self._emit = emit
        self._sessions: dict[int, ExecutionSession] = {}

    def _call(self, method: str, body: Json, attachment: bytes) -> Json:
        if method == "capabilities":
            return self.capabilities()
        if method not in self._REQUESTS and method not in ("open", "cancel", "drop"):
            raise _UnknownMethod(method)
        number, inner = _field(body, "session"), body.get("body")
        if method == "open":
            events = Events(lambda event: self._emit({"session": number, "body": event}))
            self._sessions[number] = self.open(_object(inner), events)
            return None
        session = self._sessions.get(number)
        if session is None:
            raise PluginError("plugin::bad_request", f"there is no session {number}")
        if method == "drop":
            self._sessions.pop(number, None)
            return session.drop()
        if method == "cancel":
            return session.cancel()
        return getattr(session, method)(_object(inner))


Stages = Mapping[str, Callable[[Config], Any]]


def serve(
    name: str,
    version: str,
    stages: Stages,
    *,
    description: str = "",
    config_schema: dict[str, Any] | None = None,
) -> None:
    """Serves the plugin until the host is done; call it last.

    `stages` has what opens each stage with its configuration, usually the class: `{"python-parser": MyParser}`.
    `config_schema` is a JSON schema of the configuration; without one the plugin takes none.
    """
    if "FAL_PLUGIN_PROTOCOL" not in os.environ:
        about = "{} {}: a plugin for fal-host that fills {}".format(
            name, version, ", ".join(stages)
        )
        sys.exit(about + f".\nfal-host starts it: `fal-host plugin check {sys.argv[0]}`")
    manifest = {
        "name": name,
        "version": version,
        "interface": INTERFACE,
        "payload": PAYLOAD,
        "stages": list(stages),
        "description": description,
        "config_schema": config_schema,
        "features": [],
    }
    _Server(manifest, stages, *_channel()).run()


def _channel() -> tuple[BinaryIO, BinaryIO]:
    """Takes the two streams for the protocol: what is printed from now on, by whomever, goes to standard error."""
    incoming, outgoing = os.dup(0), os.dup(1)
    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb", buffering=0)


class _Server:
    def __init__(
        self, manifest: Json, stages: Stages, incoming: BinaryIO, outgoing: BinaryIO
    ) -> None:
        self._manifest, self._makers = manifest, stages
        self._incoming, self._outgoing = incoming, outgoing
        self._open: dict[int, Any] = {}
        self._writing = threading.Lock()

    def run(self) -> None:
        threading.Thread(target=self._end_with_host, daemon=True).start()
        while True:
            frame = self._read()
            if frame is None:
                break
            message, attachment = frame
            number = message.get("stage")
            stage = self._open.get(number) if isinstance(number, int) else None
            if stage is None or stage._inline:
                self._answer(message, stage, attachment)
            else:
                threading.Thread(
                    target=self._answer, args=(message, stage, attachment), daemon=True
                ).start()
        # Calls that still run end with the process.
        sys.stderr.flush()
        os._exit(0)

    def _end_with_host(self) -> None:
        """Ends the process when the host is gone, also while a call hangs."""
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(self._incoming.fileno(), 0)
            poll.poll()
            threading.Event().wait(GRACE)
            os._exit(1)

    def _read(self) -> tuple[dict[str, Any], bytes] | None:
        start = self._incoming.read(4)
        if len(start) < 4:
            return None
        (length,) = struct.unpack(">I", start)
        if length > MAX_MESSAGE:
            sys.exit(f"a frame of {length} bytes: what started this program is no fal-host")
        message = json.loads(self._incoming.read(length))
        attachment = message.get("attachment") or 0
        return message, self._incoming.read(attachment) if attachment else b""

    def _write(self, message: Json) -> None:
        data = _encode(message)
        with self._writing:
            view = memoryview(struct.pack(">I", len(data)) + data)
            while view:
                view = view[self._outgoing.write(view) :]

    def _answer(self, message: dict[str, Any], stage: Any, attachment: bytes) -> None:
        number = message.get("id")
        try:
            answer = {"id": number, "ok": self._call(message, stage, attachment)}
        except (PluginError, SyntaxProblem, _UnknownMethod) as error:
            answer = {"id": number, "error": error.wire()}
        # A thread that calls `sys.exit` would end without an answer.
        except (Exception, SystemExit) as error:  # noqa: BLE001 - of the author's code
            answer = {"id": number, "error": {"kind": "panic", "message": _place_of(error)}}
        try:
            self._write(answer)
        except (TypeError, ValueError) as error:
            problem = f"the answer is no JSON: {error}"
            self._write({"id": number, "error": {"kind": "panic", "message": problem}})
        except OSError:
            pass  # The host is gone; so is this process, soon.

    def _call(self, message: dict[str, Any], stage: Any, attachment: bytes) -> Json:
        method, body = message.get("method"), message.get("body")
        if stage is not None:
            return stage._call(method, body, attachment)
        if method == "hello":
            return self._manifest
        if method == "open":
            return self._open_stage(message["as"], message.get("stage"), body)
        raise PluginError(
            "plugin::bad_request", "there is no open stage {}".format(message.get("stage"))
        )

    def _open_stage(self, number: int, name: Any, config: Json) -> None:
        maker = self._makers.get(name)
        if maker is None:
            raise PluginError("plugin::no_such_stage", f"the plugin has no stage `{name}`")
        stage = maker(_object(config))
        if isinstance(stage, ExecutionBackend):
            stage._prepare(lambda event: self._write({"event": event, "stage": number}))
        self._open[number] = stage


def _encode(message: Json) -> bytes:
    # Half a character is written as an escape, which the host reads as a fault of the answer.
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode()


def _object(body: Json) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise PluginError("plugin::bad_request", "the request could not be read: it is no object")
    return body


def _field(body: Json, key: str) -> Any:
    if key not in _object(body):
        raise PluginError(
            "plugin::bad_request", f"the request could not be read: it has no `{key}`"
        )
    return body[key]


def _place_of(error: BaseException) -> str:
    """The error and where it was raised, for the host; the whole of it for standard error."""
    traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
    sys.stderr.flush()
    text = f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    return (
        f"{text} ({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})"
        if frames
        else text
    )
