"""The runner's documentation page matches its configuration."""

import re
from pathlib import Path

import pytest

from fal_ray_runner.config import SCHEMA, Config

jsonschema = pytest.importorskip("jsonschema")
yaml = pytest.importorskip("yaml")

PAGE = (Path(__file__).parents[3] / "docs/plugins/ray-runner.md").read_text(encoding="utf-8")


def test_its_examples_fit_the_schema() -> None:
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n# fal_project.yml\n(.*?)```", PAGE, re.DOTALL)]
    configs = [block["plugins"]["config"]["fal-ray-runner"] for block in blocks]
    assert len(configs) == 2
    for config in configs:
        jsonschema.validate(config, SCHEMA)
        Config.read(config)


def test_it_has_every_key_and_the_defaults() -> None:
    table = PAGE.partition("## Configuration")[2].partition("### Resources")[0]
    rows = [row.split("|") for row in table.splitlines() if row.startswith("| `")]
    described = {name: row[2].strip() for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    assert set(described) == set(SCHEMA["properties"])
    for name in ("retries", "concurrency", "connect_timeout", "queue_timeout"):
        assert float(described[name]) == getattr(Config(), name)
    assert described["scheduling"] == f"`{Config().scheduling}`"


@pytest.mark.parametrize(
    "wrong",
    [
        {"retries": -1},
        {"retries": {"attempts": 2}},
        {"object_store": {"max_bytes": "lots"}},
        {"object_store": 5},
        {"environments": ["ml"]},
        {"addres": "a:1"},
        {"address": ""},
        {"scheduling": "random"},
        {"concurrency": 0},
    ],
)
def test_what_the_schema_refuses(wrong: dict) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)
