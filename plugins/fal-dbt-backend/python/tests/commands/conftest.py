"""The fixtures of sessions. Sessions of this folder drive the `dbt` program."""

import pytest
from live.fixtures import open_session, project  # noqa: F401


@pytest.fixture(autouse=True)
def second_engine(monkeypatch):
    monkeypatch.setenv("FAL_HOST_DBT_ENGINE", "commands")
