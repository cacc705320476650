"""The code of dbt-native models as dbt compiles it: the user's file, and the `dbt` object behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fal_worker.errors import SessionError
from fal_worker.project import resolve

if TYPE_CHECKING:
    from .project import Project

# As dbt's macro `py_script_postfix`.
_BEHIND = """

def ref(*args, **kwargs):
    refs = {refs!r}
    key = ".".join(args)
    version = kwargs.get("v") or kwargs.get("version")
    if version:
        key += f".v{{version}}"
    return kwargs["dbt_load_df_function"](refs[key])


def source(*args, dbt_load_df_function):
    sources = {sources!r}
    return dbt_load_df_function(sources[".".join(args)])


config_dict = {config!r}
meta_dict = {meta!r}


class config:
    def __init__(self, *args, **kwargs):
        pass

    @staticmethod
    def get(key, default=None):
        return config_dict.get(key, default)

    @staticmethod
    def meta_get(key, default=None):
        return meta_dict.get(key, default)


class this:
    database = {this.database!r}
    schema = {this.schema!r}
    identifier = {this.identifier!r}

    def __repr__(self):
        return {relation!r}


class dbtObj:
    def __init__(self, load_df_function):
        self.source = lambda *args: source(*args, dbt_load_df_function=load_df_function)
        self.ref = lambda *args, **kwargs: ref(
            *args, **kwargs, dbt_load_df_function=load_df_function
        )
        self.config = config
        self.this = this()
        self.is_incremental = {is_incremental!r}
"""


def compiled(project: Project, node: Any, is_incremental: bool) -> str:
    """Raises where the code reads what has no relation."""
    this = project.adapter.Relation.create_from(None, node)
    config = node.config.to_dict()
    behind = _BEHIND.format(
        refs=dict(_ref(project, node, each) for each in node.get("refs") or []),
        sources={
            ".".join(each): str(
                project.relation(node, resolve.source(project, node, [str(part) for part in each]))
            )
            for each in node.get("sources") or []
        },
        config=config,
        meta=config.get("meta") or node.get("meta") or {},
        this=this,
        relation=str(this),
        is_incremental=is_incremental,
    )
    return str(node.raw_code or "").rstrip() + "\n" + behind


def _ref(project: Project, node: Any, given: Any) -> tuple[str, str]:
    name, package, version = given["name"], given.get("package"), given.get("version")
    args = [package, name] if package else [name]
    target = resolve.ref(project, node, args, version)
    relation = project.relation(node, target)
    if relation is None:
        raise SessionError(
            "dbt::ephemeral",
            f"{node.unique_id} is a dbt-native Python model, and the model `{target.name}` that it reads ({target.original_file_path}) is ephemeral: "
            "dbt makes no relation of it that Python code could read",
            f"Materialize `{target.name}` as view or table, or make this model a script: "
            f'ref("{target.name}") and write_to_model(df) read ephemeral models.',
        )
    key = [*args, f"v{version}"] if version else args
    return ".".join(key), str(relation)
