"""Records the commands and flags of the installed dbt-core, as JSON on standard output.

    python tests/dbt_command_lines/record.py > tests/dbt_command_lines/1.11.json

Run it with a Python that has the dbt-core of that version; it needs no adapter.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import click
from dbt.cli.main import cli


def recorded(param: click.Parameter) -> dict[str, Any]:
    """A flag or an argument: the names of an argument have no dash."""
    is_switch = bool(getattr(param, "is_flag", False))
    # dbt's own class of options takes all words up to the next flag.
    takes = "none" if is_switch else "several" if type(param).__name__ == "MultiOption" else "one"
    env = [param.envvar] if isinstance(param.envvar, str) else list(param.envvar or [])
    return {"names": sorted([*param.opts, *param.secondary_opts]), "takes": takes, "env": env}


def commands(group: click.Group, before: str = "") -> dict[str, list[dict[str, Any]]]:
    found = {}
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            found |= commands(command, f"{before}{name} ")
        else:
            found[before + name] = [recorded(param) for param in command.params]
    return found


def main() -> None:
    """Writes the flags once, and for each command the first names of its flags. The command `""`
    is the program itself, whose flags come before a command.
    """
    flags: dict[str, dict[str, Any]] = {}
    lines = {}
    for name, params in {"": [recorded(param) for param in cli.params], **commands(cli)}.items():
        keys = []
        for param in params:
            key = " ".join(param["names"])
            assert flags.setdefault(key, param) == param, key
            keys.append(key)
        lines[name] = sorted(keys)
    every = sorted(set.intersection(*map(set, lines.values())))
    own = {name: [key for key in keys if key not in every] for name, keys in lines.items()}
    print("{")
    print(f' "version": {json.dumps(version("dbt-core"))},')
    print(' "flags": [')
    print(",\n".join(f"  {json.dumps(flags[key])}" for key in sorted(flags)))
    print(" ],")
    print(f' "every": {json.dumps(every, indent=1)},')
    print(f' "commands": {json.dumps(own, indent=1)}')
    print("}")


main()
