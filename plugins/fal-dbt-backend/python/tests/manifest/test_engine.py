"""What the session says of a dbt that it cannot drive, over a fake dbt."""

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
failure = choose().failure
print(json.dumps(failure and [failure.code, failure.message]))
"""


def failure(tmp_path, main):
    for name, text in {"__init__.py": "", "cli/__init__.py": "", "cli/main.py": main}.items():
        path = tmp_path / "fake/dbt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    paths = [str(tmp_path / "fake"), str(PACKAGE)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", CHOOSE],
        env={**env, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_dbt_with_another_inside_is_refused_by_what_it_lacks(tmp_path):
    main = "cli = None\nclass dbtRunner:\n    def __init__(self): pass\n"
    code, message = failure(tmp_path, main)
    assert code == "dbt::unsupported"
    assert "cannot be driven from the inside: no dbt.cli.requires" in message
    assert "dbt.cli.main.dbtRunner is called otherwise, no dbt.cli.main.dbtRunner.invoke" in message
    assert "more" in message


def test_a_broken_dbt_is_an_error_and_no_reason_for_another_engine(tmp_path):
    assert failure(tmp_path, "raise RuntimeError('broken')") == [
        "dbt::internal",
        "RuntimeError: broken",
    ]


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
