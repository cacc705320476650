"""`RunGraph` and the plan of a run, from manifest.json."""

from __future__ import annotations

import sys
from typing import Any

from fal_worker.project.graph import adapter_version, members, run_graph_node

from .batches import Plan, with_tests
from .manifest import Manifest, Node
from .project import Project

_RUN_BY_DBT = ("model", "seed", "snapshot", "test", "unit_test")


def run_graph(
    project: Project, program: str, args: dict[str, Any], version_of_adapter: str
) -> dict[str, Any]:
    """The answer to `load`."""
    manifest, settings = project.manifest, project.settings
    metadata = manifest.metadata
    kind = settings.credentials.type
    info = {
        "dbt_version": metadata.dbt_version or "",
        "adapter": kind,
        "adapter_version": version_of_adapter or adapter_version(kind),
        "project_name": metadata.project_name or settings.project.get("name") or "",
        "target_name": settings.target_name,
        "schema": settings.credentials.schema or "",
        "threads": settings.threads,
        "target_path": settings.target_path,
        "invocation_id": metadata.invocation_id or "",
        "run_results_metadata": run_results_metadata(manifest),
        "args": args,
        "selectors": dict(manifest.selectors),
        "disabled": project.files.disabled(manifest),
        "python": sys.executable,
        "engine": f"the command {program}, in batches",
    }
    return {"info": info, "nodes": [run_graph_node(node) for node in members(manifest)]}


def run_results_metadata(manifest: Manifest) -> dict[str, Any]:
    metadata = {
        name: manifest.metadata.get(name)
        for name in ("dbt_version", "generated_at", "invocation_id", "env")
    }
    return {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
        **metadata,
        "env": metadata["env"] or {},
    }


def plan(project: Project) -> Plan:
    """The plan for what the host selected."""
    manifest, selected = project.manifest, project.selected
    nodes: dict[str, Node] = {node.unique_id: node for node in members(manifest)}
    parents = {uid: list(node.depends_on.nodes) for uid, node in nodes.items()}
    unit_tests: dict[str, str] = {}
    if project.request["command"] == "build":
        tests = [uid for uid in selected if nodes[uid].resource_type == "test"]
        unit_tests = {
            uid: parents[uid][0]
            for uid in selected
            if nodes[uid].resource_type == "unit_test" and parents[uid]
        }
        parents = {
            uid: sorted(its)
            for uid, its in with_tests(_without(parents, unit_tests), tests, unit_tests).items()
        }
    elif project.request["command"] == "test":
        parents = {}
    by_dbt = {
        uid
        for uid in selected
        if nodes[uid].resource_type in _RUN_BY_DBT and not nodes[uid].is_ephemeral_model
    }
    by_host = project.stubs | {uid for uid in selected if project.is_python_unit_test(uid)}
    scripts = {
        uid: _scripts(nodes[uid], project.request.get("keyword") or "fal") for uid in selected
    }
    held, hooked, followed = (
        frozenset(uid for uid, where in scripts.items() if where[place]) for place in range(3)
    )
    of_sql = {uid: model for uid, model in unit_tests.items() if uid not in by_host}
    tests = frozenset(uid for uid in selected if nodes[uid].resource_type == "test")
    return Plan(
        parents,
        frozenset(by_dbt - by_host),
        frozenset(selected & by_host),
        held,
        hooked,
        followed,
        tests,
        of_sql,
    )


def _without(parents: dict[str, list[str]], unit_tests: dict[str, str]) -> dict[str, list[str]]:
    """Unit tests depend on the model that they come before."""
    return {uid: [] if uid in unit_tests else its for uid, its in parents.items()}


def _scripts(node: Node, keyword: str) -> tuple[bool, bool, bool]:
    """Whether there is something of the host's ahead of a node, a hook behind it, a script behind it."""
    meta = {**(node.get("meta") or {}), **(node.config.get("meta") or {})}.get(keyword)
    if not isinstance(meta, dict):
        return False, False, False
    scripts = meta.get("scripts")
    # A plain list is of scripts that come after.
    before, after = (
        (scripts.get("before"), scripts.get("after"))
        if isinstance(scripts, dict)
        else (None, scripts)
    )
    return bool(before or _any(meta, "pre")), _any(meta, "post"), bool(after)


def _any(meta: dict[str, Any], when: str) -> bool:
    return any(meta.get(f"{when}{mark}hook") for mark in "-_")
