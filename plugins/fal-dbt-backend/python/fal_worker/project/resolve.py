"""Which relation a `ref` or `source` of a running model means, by dbt's rules, and whether it was declared."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fal_worker.engine.stub_refs import open_relation
from fal_worker.errors import SessionError, from_exception

from .inline import compile_sql
from .overrides import is_overridden

if TYPE_CHECKING:
    from fal_worker.engine.invocation import Invocation


@dataclass(frozen=True)
class Read:
    """What a call of `ref` or `source` reads."""

    # `None` if it must be compiled into the query: an ephemeral model.
    relation: str | None
    # The call in Jinja, without the braces.
    jinja: str
    nodes: tuple[Any, ...]


def read(
    invocation: Invocation,
    reader: Any,
    of: Any,
    function: str,
    args: list[Any],
    version: Any = None,
) -> Read:
    """What `function(*args, version=...)` means in `reader`, which is dbt's node `of` if it belongs to one. A macro of the project that
    overrides the function decides, as it does in SQL."""
    _check(function, args, version)
    without_dbt = getattr(invocation, "relation_of", None) is not None
    if not without_dbt and is_overridden(invocation.task.manifest, function):
        return _by_macro(invocation, reader, of, function, args, version)
    target = _named(invocation, reader, function, args, version)
    found = relation(invocation, reader, target)
    return Read(None if found is None else _text(found), _inline(target), (target,))


def has_macros(invocation: Invocation) -> bool:
    """Whether a macro of the project overrides `ref` or `source`."""
    without_dbt = getattr(invocation, "relation_of", None) is not None
    return not without_dbt and any(
        is_overridden(invocation.task.manifest, function) for function in ("ref", "source")
    )


def read_of(invocation: Invocation, reader: Any, of: Any, target: Any) -> Read:
    """What `reader` reads if it names the node `target`."""
    if target.resource_type == "source":
        return read(invocation, reader, of, "source", [target.source_name, target.name])
    package = [] if target.package_name == reader.package_name else [target.package_name]
    return read(
        invocation, reader, of, "ref", [*package, target.name], getattr(target, "version", None)
    )


def _by_macro(
    invocation: Invocation, reader: Any, of: Any, function: str, args: list[Any], version: Any
) -> Read:
    call = shown(function, args, version)
    try:
        compiled = compile_sql(invocation, f"{{{{ {call} }}}}", of)
    except Exception as error:
        _named(
            invocation, reader, function, args, version
        )  # a name that is not there is said more plainly
        raise from_exception(error) from None
    manifest = invocation.task.manifest
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


def _named(
    invocation: Invocation, reader: Any, function: str, args: list[Any], version: Any
) -> Any:
    return (
        source(invocation, reader, args)
        if function == "source"
        else ref(invocation, reader, args, version)
    )


def ref(invocation: Invocation, reader: Any, args: list[Any], version: Any = None) -> Any:
    """The node that `ref(*args, version=...)` means in the node `reader`."""
    _check("ref", args, version)
    package, name = (None, args[0]) if len(args) == 1 else args
    manifest = invocation.task.manifest
    found = manifest.resolve_ref(
        reader, name, package, version, invocation.task.config.project_name, reader.package_name
    )
    return _existing(found, shown("ref", args, version), name, _model_names(manifest))


def source(invocation: Invocation, reader: Any, args: list[Any]) -> Any:
    _check("source", args)
    manifest = invocation.task.manifest
    found = manifest.resolve_source(*args, invocation.task.config.project_name, reader.package_name)
    names = [f"{s.source_name}.{s.name}" for s in manifest.sources.values()]
    return _existing(found, shown("source", args), ".".join(args), names)


def _check(function: str, args: list[Any], version: Any = None) -> None:
    """Whether it is a call that dbt takes. It may become Jinja, so that nothing but plain values may be in it."""
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


def relation(invocation: Invocation, reader: Any, target: Any) -> Any:
    """The relation of a node as dbt would name it in the SQL of `reader`: deferral and `--empty` included. A stub's is the
    table that its Python model writes (`stub_refs`). `None` for an ephemeral SQL model, which has none."""
    if (own := open_relation(target.unique_id)) is not None:
        return own
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

    return RuntimeRefResolver(adapter, reader, config, invocation.task.manifest).create_relation(
        target
    )
