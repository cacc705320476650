"""The projects of `materialized`, whose Python models run over manifest.json, beside dbt's own SQL models."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from types import SimpleNamespace

import pytest
from fal_worker.engine.manifest.session import ManifestSession
from fal_worker.errors import SessionError
from live.fixtures import make_project, sessions
from live.process import Refused
from materialized.conftest import INCREMENTAL, OTHERS, OWN, ModelClient, files, stub, stubs
from postgres.conftest import Database, server  # noqa: F401

WAREHOUSES = ("duckdb", "postgres")
# As the supervisor reads it from the schema file.
MATERIALIZED = {
    f"model.shop.{name}": {"name": config["materialized"], "is_own": True}
    for name, config in {
        **{f"py_{name}": {"materialized": "incremental"} for name in INCREMENTAL},
        **{f"py_{name}": config for name, config in OTHERS.items()},
        **OWN,
    }.items()
    if "{{" not in config.get("materialized", "{{")
}


class Ours:
    """A session over manifest.json in this process, in the form of `SessionProcess`."""

    def __init__(self, manifest, output, socket_dir, **request):
        self.said = []
        outbox = SimpleNamespace(
            log=lambda level, message, *_: self.said.append((level, message)),
            event=lambda *_, **__: None,
        )
        base = {"project_dir": str(manifest.parent.parent), "command": "run", "execute": True}
        self.session = ManifestSession({**base, "dbt_args": [], **request}, outbox)
        self.location = self.ask(
            "load",
            python_models=[{"stub_path": path} for path in ("models/fal/batch.sql", *stubs())],
            gateway={"socket_dir": str(socket_dir)},
            manifest=str(manifest),
            materialized=MATERIALIZED,
            settings={
                "project": {"name": "shop"},
                "project_root": base["project_dir"],
                "profile_name": "shop",
                "target_name": "dev",
                "output": output,
                "target_path": str(manifest.parent),
                "vars": {},
            },
        )["gateway"]["location"]

    def ask(self, op, **fields):
        try:
            return getattr(self.session, f"op_{op}")(fields)
        except SessionError as error:
            raise Refused(error.to_dict()) from None

    def logs(self, *levels):
        return [message for level, message in self.said if level in levels]

    def finish(self):
        self.ask("finish")
        self.session.close_database()


class OurModels(ModelClient):
    def open(self, unique_id, **more):
        if more.get("role") is None:
            self.session.ask("begin", selected=[unique_id])
        return super().open(unique_id, **more)


@pytest.fixture(scope="session")
def places(tmp_path_factory, request):
    """For each warehouse: the project, and the profile's output for ours and for dbt."""
    made = {}

    def place(warehouse):
        if warehouse not in made:
            folder, more = tmp_path_factory.mktemp(warehouse), files()
            more["models/fal/batch.sql"] = stub()
            output = {"type": "duckdb", "path": str(folder / "ours/shop.duckdb")}
            if warehouse == "postgres":
                database = Database(request.getfixturevalue("server"))
                more["profiles.yml"] = database.profile()
                output = {"type": "postgres", "dbname": database.name, "schema": "public"}
                output |= database.settings
            project = make_project(folder / "project", more)
            command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "-q", "parse"]
            subprocess.run(command, cwd=project, check=True)
            made[warehouse] = SimpleNamespace(project=project, output=output)
        return made[warehouse]

    return place


@pytest.fixture(scope="module", params=WAREHOUSES)
def both_clients(request, places):
    """dbt's client and ours, each test file with new ones."""
    with opened(places(request.param), request.param) as clients:
        yield clients


@contextlib.contextmanager
def opened(place, warehouse, **options):
    with sessions(place.project) as start:
        session = start(**options)
        session.load("models/fal/batch.sql", *stubs())
        session.ask("begin", selected=session.runnable())
        manifest = place.project / "target/manifest.json"
        socket_dir = session.socket_dir / "ours"
        socket_dir.mkdir()
        ours = Ours(manifest, place.output, socket_dir, **options)
        try:
            yield SimpleNamespace(
                dbt=ModelClient(session, warehouse), ours=OurModels(ours, warehouse)
            )
        finally:
            ours.finish()
