"""Which relation a `ref` or `source` of a running model means, by dbt's rules, and whether it was
declared.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError, from_exception

if TYPE_CHECKING:
    from .interface import Project


@dataclass(frozen=True)
class Read:
    """The target of a call of `ref` or `source`."""

    # `None` if it must be compiled into the query: an ephemeral model.
    relation: str | None
    # The call in Jinja, without the braces.
    jinja: str
    nodes: tuple[Any, ...]


def read(
    project: Project,
    reader: Any,
    of: Any,
    function: str,
    args: list[Any],
    version: Any = None,
) -> Read:
    """What `function(*args, version=...)` means in `reader`, which is dbt's node `of` if it belongs
    to one.

    A macro of the project that overrides the function decides, as it does in SQL.
    """
    _check(function, args, version)
    if project.has_macro(function):
        return _by_macro(project, reader, of, function, args, version)
    target = _named(project, reader, function, args, version)
    found = project.relation(reader, target)
    return Read(None if found is None else _text(found), _inline(target), (target,))


def has_macros(project: Project) -> bool:
    """Whether a macro of the project overrides `ref` or `source`."""
    return any(project.has_macro(function) for function in ("ref", "source"))


def read_of(project: Project, reader: Any, of: Any, target: Any) -> Read:
    """The read of the node `target` in `reader`."""
    if target.resource_type == "source":
        return read(project, reader, of, "source", [target.source_name, target.name])
    package = [] if target.package_name == reader.package_name else [target.package_name]
    return read(
        project, reader, of, "ref", [*package, target.name], getattr(target, "version", None)
    )


def _by_macro(
    project: Project, reader: Any, of: Any, function: str, args: list[Any], version: Any
) -> Read:
    call = shown(function, args, version)
    try:
        compiled = project.compile_sql(f"{{{{ {call} }}}}", of)
    except Exception as error:  # noqa: BLE001 (raised again)
        _named(project, reader, function, args, version)  # a missing name gets a plainer error
        raise from_exception(error) from None
    manifest = project.manifest
    nodes = (manifest.nodes.get(uid) or manifest.sources.get(uid) for uid in compiled.reads)
    return Read(
        None if compiled.has_ctes else _text(compiled.sql.strip()),
        call,
        tuple(node for node in nodes if node is not None),
    )


def _text(found: Any) -> str:
    """A query in the place of a table has a name, which PostgreSQL wants."""
    text = str(found)
    return f"{text} as fal_rows" if text.startswith("(") else text


def _inline(target: Any) -> str:
    version = getattr(target, "version", None)
    return shown(
        "ref", [target.package_name, target.name], None if version is None else str(version)
    )


def _named(project: Project, reader: Any, function: str, args: list[Any], version: Any) -> Any:
    return (
        source(project, reader, args)
        if function == "source"
        else ref(project, reader, args, version)
    )


def ref(project: Project, reader: Any, args: list[Any], version: Any = None) -> Any:
    """The node that `ref(*args, version=...)` means in the node `reader`."""
    _check("ref", args, version)
    package, name = (None, args[0]) if len(args) == 1 else args
    manifest = project.manifest
    found = manifest.resolve_ref(
        reader, name, package, version, project.config.project_name, reader.package_name
    )
    return _existing(found, shown("ref", args, version), name, _model_names(manifest))


def source(project: Project, reader: Any, args: list[Any]) -> Any:
    _check("source", args)
    manifest = project.manifest
    found = manifest.resolve_source(*args, project.config.project_name, reader.package_name)
    names = [f"{s.source_name}.{s.name}" for s in manifest.sources.values()]
    return _existing(found, shown("source", args), ".".join(args), names)


def _check(function: str, args: list[Any], version: Any = None) -> None:
    """Checks that dbt accepts the call.

    It may become Jinja, so it may contain only plain values.
    """
    are_texts = all(isinstance(arg, str) for arg in args)
    if function == "source" and not (are_texts and len(args) == 2):
        raise SessionError(
            "gateway::source", f"source() takes a source and a table, not {_shown(args)}"
        )
    if function == "ref" and not (are_texts and len(args) in (1, 2)):
        raise SessionError(
            "gateway::ref", f"ref() takes a model, or a package and a model, not {_shown(args)}"
        )
    if version is not None and not isinstance(version, (str, int, float)):
        raise SessionError(
            "gateway::ref", f"The version of a model is a number or a text, not {version!r}"
        )


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
    return [
        node.name
        for node in manifest.nodes.values()
        if node.resource_type in ("model", "seed", "snapshot")
    ]


def shown(function: str, args: list[Any], version: Any = None) -> str:
    """The call as the user wrote it."""
    return f"{function}({_shown(args, version)})"


def _shown(args: list[Any], version: Any = None) -> str:
    return ", ".join(
        [repr(arg) for arg in args] + ([f"version={version!r}"] if version is not None else [])
    )
