"""The choice of the engine, tested in separate processes over a fake dbt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fal_worker.engine.selfcheck import problem

PACKAGE = Path(__file__).parent.parent.parent
CHOOSE = """
import json
from fal_worker.engine.open import choose
choice = choose()
made = choice.make({"execute": False}, None) if choice.make else None
failure = choice.failure and [choice.failure.code, choice.failure.message]
print(json.dumps([type(made).__name__, getattr(made, "_reason", None), failure]))
"""


def chosen(tmp_path, files, **variables):
    for name, text in files.items():
        path = tmp_path / "fake" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    program = tmp_path / "dbt"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("FAL_", "PYTHON"))
    }
    env |= {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "fake"), str(PACKAGE)]),
        "FAL_HOST_DBT": str(program),
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-B", "-c", CHOOSE], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


STRANGE = {
    "dbt/__init__.py": "",
    "dbt/cli/__init__.py": "",
    "dbt/cli/main.py": "cli = None\nclass dbtRunner:\n    def __init__(self): pass\n",
}


def test_a_dbt_with_another_inside_is_driven_by_its_commands(tmp_path):
    made, reason, failure = chosen(tmp_path, STRANGE)
    assert (made, failure) == ("CommandSession", None)
    assert (
        "cannot be driven from the inside: dbt.cli.main.dbtRunner is called otherwise, no dbt.cli.main.dbtRunner.invoke"
        in reason
    )
    assert "more" in reason


def test_without_a_program_it_is_said_what_does_not_fit(tmp_path):
    assert chosen(tmp_path, STRANGE, FAL_HOST_DBT_ENGINE="session")[2][0] == "dbt::unsupported"
    made, _, failure = chosen(tmp_path, STRANGE, FAL_HOST_DBT=str(tmp_path / "nothing"))
    assert (made, failure[0]) == ("NoneType", "dbt::missing")


def test_a_broken_dbt_is_an_error_and_no_reason_for_another_engine(tmp_path):
    broken = {**STRANGE, "dbt/cli/main.py": "raise RuntimeError('broken')"}
    assert chosen(tmp_path, broken) == ["NoneType", None, ["dbt::internal", "RuntimeError: broken"]]


def test_an_unknown_engine_is_refused(tmp_path):
    assert "steam" in chosen(tmp_path, {}, FAL_HOST_DBT_ENGINE="steam")[2][1]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("loads(_, cls=)", None),
        ("loads", None),
        ("nothing", "no json.nothing"),
        ("JSONEncoder.nothing(_)", "no json.JSONEncoder.nothing"),
        ("loads(_, _)", "json.loads is called otherwise"),
        ("JSONEncoder.encode(_, nothing=)", "json.JSONEncoder.encode is called otherwise"),
        ("JSONEncoder(indent=)", None),
    ],
)
def test_the_self_check_looks_at_names_and_at_calls(name, reason):
    assert problem("json", name) == reason
    assert problem("no.such.module", name) == "no no.such.module"
