"""Words of dbt's selection syntax that mean exactly one node."""

from __future__ import annotations

import re
from typing import Any

# What has a meaning on dbt's command line or in its patterns; `?` stands for any one character.
_SPECIAL = re.compile(r"[^\w./-]")


def word(node: Any) -> str:
    """An intersection: a qualified name alone would also find what stands in a folder of that name."""
    kind, fqn = str(node.resource_type), [_plain(part) for part in node.fqn]
    if kind == "unit_test":
        return f"fqn:{'.'.join(fqn)},resource_type:unit_test"
    return f"fqn:{'.'.join(fqn)},resource_type:{kind}" + _path(node)


def _path(node: Any) -> str:
    # A schema file holds many tests, and `path:` finds nothing in packages.
    path = str(node.original_file_path).replace("\\", "/")
    if node.resource_type not in ("model", "seed", "snapshot") or not node.in_root_project:
        return ""
    return f",path:{_plain(path)}"


def _plain(text: str) -> str:
    return _SPECIAL.sub("?", str(text))
