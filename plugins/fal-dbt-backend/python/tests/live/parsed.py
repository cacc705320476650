"""What dbt makes at the start of each session, made once: its own macros, parsed, and its schemas.

That is most of the time of a start. The process from which sessions are forked imports this module,
which parses a project without files. A session over a new project then parses only the project's
files, as dbt does itself where it finds the manifest of an earlier run.
"""

from __future__ import annotations

import os
import tempfile
from multiprocessing.util import _run_finalizers
from pathlib import Path
from typing import Any

from dbt.contracts.graph.manifest import Manifest
from dbt.parser import manifest as parser
from fal_worker.engine.startup import SchemaCache

from .project import make_project

_PROJECT = {
    "dbt_project.yml": "name: shop\nprofile: shop\nversion: '1.0'\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: ':memory:'}}}\n",
}
_FILE = parser.PARTIAL_PARSE_FILE_NAME
_read = parser.ManifestLoader.read_manifest_for_partial_parse


def _made() -> tuple[Manifest, str]:
    """Returns the manifest of an empty project, and the schemas that another project needs."""
    with tempfile.TemporaryDirectory(prefix="fal") as name:
        folder = Path(name)
        for file, text in _PROJECT.items():
            (folder / file).write_text(text)
        # In a child, since dbt's state belongs to the whole process.
        if (child := os.fork()) == 0:
            try:
                schemas = SchemaCache(name)
                with schemas.used():
                    _parse(folder)
                    _parse(make_project(folder / "another"))
                schemas.save()
            finally:
                # Frees the semaphores that dbt made.
                _run_finalizers()
                os._exit(0)
        os.waitpid(child, 0)
        content = (folder / "target" / _FILE).read_bytes()
        manifest = Manifest.from_msgpack(content, decoder=parser.extended_mashumuro_decoder)
        return manifest, (folder / "dbt-schemas.json").read_text()


def _parse(project: Path) -> None:
    from dbt.cli.main import dbtRunner

    folders = ["--project-dir", str(project), "--profiles-dir", str(project)]
    dbtRunner().invoke(["--quiet", "parse", *folders])


def _read_or_start(loader: Any) -> Manifest | None:
    """Returns dbt's own macros where there is no manifest of an earlier run."""
    found, project = _read(loader), loader.root_project
    is_new = not os.path.exists(os.path.join(project.project_target_path, _FILE))
    # dbt takes the project's hooks from the manifest, too.
    has_hooks = project.on_run_start or project.on_run_end
    if found is None and is_new and not has_hooks and project.credentials.type == "duckdb":
        found = _MANIFEST
        found.metadata, found.state_check = loader.manifest.metadata, loader.manifest.state_check
    return found


def write_schemas(state_dir: str) -> None:
    """Writes the cache of schemas that the session would write."""
    Path(state_dir, "dbt-schemas.json").write_text(_SCHEMAS)


try:
    _MANIFEST, _SCHEMAS = _made()
except Exception as error:
    # Another release of dbt may have other names. Its sessions parse everything.
    raise ImportError(f"{error}") from error
parser.ManifestLoader.read_manifest_for_partial_parse = _read_or_start  # type: ignore[method-assign]
