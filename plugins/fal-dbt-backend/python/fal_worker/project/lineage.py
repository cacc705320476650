"""What reports of lineage need beside the graph."""

from __future__ import annotations

from typing import Any

from fal_worker.protocol import Lineage

# The keys of a profile's target that say where the warehouse is. None of them is a secret.
_PLACE = (
    "host", "port", "server", "path", "account", "project", "region", "region_name", "method",
    "account_id", "software_host",
)  # fmt: skip
_OF_COLUMN = ("name", "data_type", "description")


def lineage(config: Any, manifest: Any) -> Lineage:
    """Where the warehouse is, and the columns that schema files name."""
    place = {name: getattr(config.credentials, name, None) for name in _PLACE}
    nodes = [*manifest.nodes.values(), *manifest.sources.values()]
    return {
        "connection": {name: value for name, value in place.items() if type(value) in (str, int)},
        "columns": {
            node.unique_id: {
                name: {key: getattr(column, key, None) for key in _OF_COLUMN}
                for name, column in node.columns.items()
            }
            for node in nodes
            if getattr(node, "columns", None)
        },
    }
