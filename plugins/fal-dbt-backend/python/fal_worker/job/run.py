"""Runs the request of a job, answers, and ends the process."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import signal
import sys
import traceback
import types
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from fal_worker.protocol import Channel
from fal_worker.texts import shortened

from . import imports, native, shell
from .client import GatewayClient
from .program import compiled
from .report import Reporter
from .request import Request
from .scope import Scope
from .timing import Steps

if TYPE_CHECKING:
    from fal_worker.unit_tests.job import UnitTest

# How long the user's `atexit` functions may take after the answer.
_FAREWELL_SECONDS = 5.0


def serve(channel: Channel) -> NoReturn:
    """Runs the job's one request. The process ends here: threads of the user are not waited for."""
    message = next(iter(channel.receive()), None)
    if message is None:
        os._exit(0)
    atexit._clear()  # what the zygote's imports registered; what the user registers runs
    process = os.getpid()
    answer = _answer(message)
    flush()
    if os.getpid() != process:
        os._exit(
            0
        )  # a process that the user forked ran to the end of the script: the answer is not its to give
    try:
        channel.send(answer)
    except OSError:
        os._exit(1)  # the supervisor is gone
    _farewell()
    os._exit(0 if answer["ok"] else 1)


def _answer(message: dict[str, Any]) -> dict[str, Any]:
    try:
        return Job(Request.from_message(message)).run()
    except BaseException as error:  # noqa: BLE001 - the supervisor must hear of the worker's own faults
        text = f"{type(error).__name__}: {error}"
        return _failure(
            "internal",
            text,
            "".join(traceback.format_exception(type(error), error, error.__traceback__)),
        )


def _failure(kind: str, message: str, text: str | None = None) -> dict[str, Any]:
    error = {
        "kind": kind,
        "message": shortened(message),
        "traceback": None if text is None else shortened(text),
    }
    return {"ok": False, "error": error}


class Job:
    """One model: its code, what it sees, and how it ended."""

    def __init__(self, request: Request, gateway: Any = None) -> None:
        gateway = gateway or GatewayClient(
            request.location, request.token, request.certificate, request.server_name
        )
        self._steps: Steps = getattr(gateway, "steps", None) or Steps()
        self._code = Steps()
        self._unit_test: UnitTest | None = None
        if request.unit_test is not None:
            gateway = self._unit_test = _unit_test(request.unit_test, gateway)
            request = replace(request, vars={**request.vars, **self._unit_test.vars})
        self._request = request
        self._reporter = Reporter(request)
        self._scope = Scope(request, gateway, self._reporter)
        self._module = self._main_module()

    def run(self) -> dict[str, Any]:
        """Runs the model's code and gives the answer."""
        answer = self._run()
        return {**answer, "timing": self._code.report() + self._steps.report()}

    def _run(self) -> dict[str, Any]:
        try:
            self._execute()
        except SystemExit as error:
            if error.code not in (None, 0):
                return self._failed(error)
        except MemoryError as error:
            self._module.__dict__.clear()  # room for the report
            return self._failed(error)
        except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is its result
            return self._failed(error)
        return self._verdict()

    def _failed(self, error: BaseException) -> dict[str, Any]:
        report = self._reporter.describe(error)
        return {
            "ok": False,
            "error": report
            if self._unit_test is None
            else self._unit_test.explained(error, report),
        }

    def _execute(self) -> None:
        self._prepare_process()
        program = compiled(self._request, self._shell)
        if self._unit_test is not None:
            self._unit_test.prepare(self._module)
        with self._code.timed("compute"):
            if self._request.kind == "native":
                native.run(program, self._module, self._scope)
            else:
                program.run(self._module.__dict__)

    def _prepare_process(self) -> None:
        """Arguments, import path and working directory as if Python had been started with the file."""
        request = self._request
        os.chdir(imports.working_folder(request))
        sys.argv = [request.file]
        ahead = list(dict.fromkeys(imports.folders(request)))
        sys.path[:] = ahead + [entry for entry in sys.path if entry not in ahead]
        imports.install(self._scope)

    def _main_module(self) -> types.ModuleType:
        """The module of the user's code: `__main__`, or for a dbt-native model one of its name, as
        dbt does it.
        """
        native_name = self._request.name if self._request.kind == "native" else None
        module = types.ModuleType(native_name or "__main__")
        module.__file__ = self._request.file
        self._shell = shell.Shell(module.__dict__, self._scope)
        module.__dict__["__builtins__"] = __builtins__
        module.__package__ = imports.package(self._request)
        if native_name is None:
            module.__dict__.update(
                {
                    **self._scope.names(),
                    "get_ipython": self._shell.get_ipython,
                    "display": shell.display,
                }
            )
        if native_name is None or native_name not in sys.modules:
            sys.modules[module.__name__] = module
        return module

    def _verdict(self) -> dict[str, Any]:
        """The code ended by itself: it is a model only if it wrote. A script need not."""
        problem = None if self._request.attached else self._scope.writes.missing()
        if problem is not None and self._request.kind == "native":
            problem = "fal: the model ended before it returned its rows"
        if problem is not None:
            return _failure("no_write", problem)
        answer: dict[str, Any] = {"ok": True, "wrote": self._scope.writes.done}
        return answer if self._unit_test is None else {**answer, "rows": self._unit_test.rows()}


def _unit_test(spec: dict[str, Any], gateway: GatewayClient) -> UnitTest:
    """The gateway of a unit test.

    Jobs know nothing of unit tests, which build on them: this late import is the only place that
    joins the two.
    """
    from fal_worker.unit_tests.job import UnitTest

    return UnitTest(spec, gateway)


def flush() -> None:
    """Python's streams, then those of C: extensions print there, and `os._exit` does not care for
    them.
    """
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        # The user may have put anything there, or closed it.
        with contextlib.suppress(Exception):
            stream.flush()  # type: ignore[union-attr]
    ctypes.CDLL(None).fflush(None)


def _farewell() -> None:
    """Runs the user's `atexit` functions, for a limited time: SIGALRM ends the process."""
    multiprocessing = sys.modules.get("multiprocessing.util")
    if multiprocessing is not None:
        atexit.unregister(
            multiprocessing._exit_function
        )  # it would wait for processes that are left behind
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, _FAREWELL_SECONDS)
    try:
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001 - of the user's functions; the process ends in any case
        traceback.print_exc()
    flush()
