"""One lent node of a dbt project, whole in this file: `python FILE` or `python - < FILE` runs it, on any machine with pyarrow.

Exit code 0: it ended well. 1: it failed, and the data gateway knows why. 3: it could not work; the last line on standard
error says why. The file holds a secret: it is worth something until the lease is settled.
`runpy.run_path(FILE, run_name="fal_lease")` runs nothing, and gives `lease(store=None) -> int`, which does the same in its caller's process.
"""

import sys

if (
    __name__ == "__main__"
    and sys.path
    and not sys.flags.isolated
    and not getattr(sys.flags, "safe_path", False)
):
    sys.path.pop(
        0
    )  # the folder of this file, or the working directory: what lies there is not meant to be imported

import base64
import io
import json
import os
import shutil
import signal
import tempfile
import typing
import zipfile

WORKER = "{{worker}}"  # the package fal_worker: a zip in base64
PROJECT = "{{project}}"  # the project's own Python files: the same
LEASE = "{{lease}}"  # what is to be run: JSON in base64

COULD_NOT = 3


class _Ended(BaseException):
    """A signal to end."""


def _could_not(why: object) -> int:
    print("fal: " + " ".join(str(why).split()), file=sys.stderr, flush=True)
    return COULD_NOT


def _unpack(data: str, folder: str) -> None:
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(data))) as archive:
        archive.extractall(folder)


def _within(work: typing.Callable[[typing.Any, str], int]) -> int:
    """Calls `work(lease, folder)` with everything unpacked into a private folder, which does not outlive it."""
    if sys.version_info < (3, 9):  # noqa: UP036 - this file must start everywhere to say so
        return _could_not(
            "Python 3.9 or newer is needed, this is "
            + sys.version.split()[0]
            + " ("
            + sys.executable
            + ")"
        )
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        import pyarrow.flight  # noqa: F401
    except ImportError as error:
        return _could_not(
            "this Python ("
            + sys.executable
            + ") cannot import pyarrow, which the node needs: "
            + str(error)
        )
    folder = None
    try:
        folder = tempfile.mkdtemp(prefix="fal-lease-")
        for name, data in (("worker", WORKER), ("project", PROJECT)):
            _unpack(data, os.path.join(folder, name))
        sys.path.insert(0, os.path.join(folder, "worker"))
        return work(json.loads(base64.b64decode(LEASE)), folder)
    except OSError as error:
        return _could_not(error)
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _run(given: typing.Any, folder: str) -> int:
    from fal_worker.remote import supervision

    return supervision.run(given, folder)


def _in_process(store: typing.Any) -> typing.Callable[[typing.Any, str], int]:
    def run(given: typing.Any, folder: str) -> int:
        from fal_worker.remote import in_process

        return in_process.run(given, folder, store)

    return run


def lease(store: typing.Any = None) -> int:
    """Runs the node in this process, which must be a fresh one for each node, and returns the exit code.

    `store` hands tables from one node to the next: `get(unique_id)` gives a `pyarrow.Table` or None, `put(unique_id, table)` takes one."""
    return _within(_in_process(store))


def _ignore(*_: object) -> None:
    pass


def _main() -> int:
    signals = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

    def end(number: int, _: object) -> None:
        for other in signals:
            signal.signal(other, _ignore)  # a second one would interrupt the tidying up
        raise _Ended(number)

    for number in signals:
        signal.signal(number, end)
    try:
        return _within(_run)
    except _Ended as ended:
        return _could_not("stopped by " + signal.Signals(ended.args[0]).name)


if __name__ == "__main__":
    _code = _main()
    for _stream in (sys.stdout, sys.stderr):
        try:
            _stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # there is none, or its reader is gone
    # The thread of the signs of life may be in pyarrow's own code: an orderly end of Python under it is a crash.
    os._exit(_code)
