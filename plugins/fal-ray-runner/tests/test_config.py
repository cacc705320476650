"""The runner's configuration."""

from pathlib import Path

import pytest

from fal_plugin import PluginError
from fal_ray_runner.config import SCHEMA, Config, size


@pytest.fixture(autouse=True)
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def test_nothing_need_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Config.read({}) == Config(address="auto")
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert Config.read({}).address == "10.0.0.1:6379"
    assert Config.read({"address": "ray://other:10001"}).address == "ray://other:10001"


def test_every_key_of_the_schema_is_read() -> None:
    assert {*Config.__dataclass_fields__, "object_store"} - {"keep_tables", "max_bytes"} == set(SCHEMA["properties"])
    with pytest.raises(PluginError, match="knows no `pip`"):
        Config.read({"pip": []})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (True, (True, None)),
        (False, (False, None)),
        ({}, (True, None)),
        ({"enabled": False}, (False, None)),
        ({"max_bytes": "1.5 GiB"}, (True, 1610612736)),
    ],
)
def test_the_object_store_in_short_and_in_full(said: object, expected: tuple) -> None:
    config = Config.read({"object_store": said})
    assert (config.keep_tables, config.max_bytes) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [(7, 7), ("7", 7), ("7B", 7), ("2k", 2000), ("2KiB", 2048), ("3GB", 3 * 10**9)]
)
def test_sizes(text: object, expected: int) -> None:
    assert size(text) == expected


def test_the_token_is_read_from_a_file_and_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    assert Config.read({"token_file": "token"}).secret(str(tmp_path)) == "s3cret"
    assert Config.read({"token_file": str(tmp_path / "token")}).secret("/") == "s3cret"
    assert Config.read({}).secret("/") is None
    given = Config.read({"token": "s3cret"})
    assert given.secret("/") == "s3cret"
    assert "s3cret" not in repr(given)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"token": "a", "token_file": "b"}, "not both"),
        ({"token_file": "missing"}, "cannot be read from .*missing"),
        ({"token_file": "empty"}, "is empty"),
    ],
)
def test_a_token_that_is_none(tmp_path: Path, said: dict, message: str) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(PluginError, match=message):
        Config.read(said).secret(str(tmp_path))


def test_environments() -> None:
    config = Config.read(
        {"py_executable": "/venv/bin/python", "environments": {"ml": "/ml/bin/python", "own": {"pip": ["x"]}}}
    )
    assert config.runtime_env(None) == config.runtime_env("local") == {"py_executable": "/venv/bin/python"}
    assert config.runtime_env("ml") == {"py_executable": "/ml/bin/python"}
    assert config.runtime_env("own") == {"pip": ["x"]}
    assert Config.read({}).runtime_env(None) == {}
    with pytest.raises(PluginError, match="no environment `gpu`") as error:
        config.runtime_env("gpu")
    assert "/path/to/python" in str(error.value.help)
