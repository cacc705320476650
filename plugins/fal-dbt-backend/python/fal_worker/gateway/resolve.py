"""Which relation a `ref` or `source` of a running model means, by dbt's rules, and whether it was declared."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fal_worker.session.errors import SessionError

if TYPE_CHECKING:
    from fal_worker.session.invocation import Invocation


def ref(invocation: Invocation, reader: Any, args: list[Any], version: Any = None) -> Any:
    """The node that `ref(*args, version=...)` means in the node `reader`."""
    if len(args) not in (1, 2) or not all(isinstance(arg, str) for arg in args):
        raise SessionError("gateway::ref", f"ref() takes a model, or a package and a model, not {_shown(args)}")
    package, name = (None, args[0]) if len(args) == 1 else args
    manifest = invocation.task.manifest
    found = manifest.resolve_ref(
        reader, name, package, version, invocation.task.config.project_name, reader.package_name
    )
    return _existing(found, shown("ref", args, version), name, _model_names(manifest))


def source(invocation: Invocation, reader: Any, args: list[Any]) -> Any:
    if len(args) != 2 or not all(isinstance(arg, str) for arg in args):
        raise SessionError("gateway::source", f"source() takes a source and a table, not {_shown(args)}")
    manifest = invocation.task.manifest
    found = manifest.resolve_source(*args, invocation.task.config.project_name, reader.package_name)
    names = [f"{s.source_name}.{s.name}" for s in manifest.sources.values()]
    return _existing(found, shown("source", args), ".".join(args), names)


def _existing(found: Any, call: str, name: str, names: Iterable[str]) -> Any:
    # By its name, since dbt need not be there.
    if type(found).__name__ == "Disabled":
        raise SessionError("gateway::disabled", f"{call}: {found.target.unique_id} is disabled")
    if found is None:
        near = difflib.get_close_matches(name, sorted(set(names)), n=1)
        hint = f"Did you mean `{near[0]}`?" if near else None
        raise SessionError("gateway::unknown", f"{call}: the project has no such node", hint)
    return found


def _model_names(manifest: Any) -> list[str]:
    return [node.name for node in manifest.nodes.values() if node.resource_type in ("model", "seed", "snapshot")]


def shown(function: str, args: list[Any], version: Any = None) -> str:
    """The call as the user wrote it."""
    return f"{function}({_shown(args, version)})"


def _shown(args: list[Any], version: Any = None) -> str:
    return ", ".join([repr(arg) for arg in args] + ([f"version={version!r}"] if version is not None else []))


def relation(invocation: Invocation, reader: Any, target: Any) -> Any:
    """The relation of a node as dbt would name it in the SQL of `reader`: deferral and `--empty` included. A stub's is the
    table that its Python model writes (`stub_refs`). `None` for an ephemeral SQL model, which has none."""
    if (without_dbt := getattr(invocation, "relation_of", None)) is not None:
        return without_dbt(target)
    adapter, config = invocation.adapter, invocation.task.config
    if target.resource_type == "source":
        from dbt.context.providers import RuntimeSourceResolver as Resolver

        resolver = Resolver(adapter, reader, config, invocation.task.manifest)
        return resolver.resolve(target.source_name, target.name)
    if target.is_ephemeral_model and target.unique_id not in invocation.stubs:
        return None
    from dbt.context.providers import RuntimeRefResolver

    return RuntimeRefResolver(adapter, reader, config, invocation.task.manifest).create_relation(target)
