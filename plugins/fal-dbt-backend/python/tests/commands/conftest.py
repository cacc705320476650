"""Makes the package and the fixtures of `live` importable; sessions of this folder drive the `dbt` program."""

import sys
from pathlib import Path

import pytest

_TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(_TESTS), str(_TESTS.parent)]

from live.fixtures import open_session, project  # noqa: E402, F401


@pytest.fixture(autouse=True)
def second_engine(monkeypatch):
    monkeypatch.setenv("FAL_HOST_DBT_ENGINE", "commands")
