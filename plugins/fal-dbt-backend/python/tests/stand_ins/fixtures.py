"""Fixtures over the stand-ins: `gateway`, `zygote` and `run`."""

import itertools
import shutil
import tempfile
import textwrap
from pathlib import Path

import pytest

from stand_ins.gateway import TOKEN, FakeGateway
from stand_ins.supervisor import Zygote, job_request


@pytest.fixture(scope="session")
def sockets():
    """A folder with a short name, since the length of a socket's path is limited."""
    folder = Path(tempfile.mkdtemp(prefix="fal"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def zygote(sockets):
    """One zygote for all tests: every job must leave it usable for the next."""
    zygote = Zygote(sockets)
    yield zygote
    zygote.close()


@pytest.fixture(scope="session")
def numbers():
    return itertools.count()


@pytest.fixture
def gateway(sockets, numbers):
    with FakeGateway(sockets / f"g{next(numbers)}.sock") as gateway:
        yield gateway


@pytest.fixture
def project(tmp_path):
    (tmp_path / "models").mkdir()
    return tmp_path


@pytest.fixture
def start(zygote, gateway, project, numbers):
    """`start(code)` starts a job; `.end()` waits for it."""

    def start(code, path="models/m.py", zygote=zygote, **rest):
        code = textwrap.dedent(code)
        (project / path).write_text(code)
        request = job_request(project, path, code, location=gateway.location, token=TOKEN)
        return zygote.start(f"j{next(numbers)}", {**request, **rest})

    return start


@pytest.fixture
def run(start):
    """`run(code)` runs a job to its end."""
    return lambda code, **rest: start(code, **rest).end()
