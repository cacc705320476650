"""The package as pip installs it."""

import re
import sys
from pathlib import Path

import pytest
import tomllib

_PYTHON = Path(__file__).parent.parent.parent
_PROJECT = tomllib.loads((_PYTHON / "pyproject.toml").read_text())


def test_it_has_the_packages_and_the_version_of_the_program():
    for package in _PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert (_PYTHON / package / "__init__.py").is_file()
    cargo = tomllib.loads((_PYTHON.parents[2] / "Cargo.toml").read_text())
    assert _PROJECT["project"]["version"] == cargo["workspace"]["package"]["version"]


@pytest.mark.parametrize(
    "statement",
    [
        "from fal import FalDbt, FalError", "from fal.dbt import FalDbt", "from faldbt.project import FalDbt",
        "from faldbt.magics import init_fal", "from fal.magics import init_fal",
        "from fal import DbtModel, DbtSource, DbtTest, DbtGenericTest, DbtSingularTest, Context, CurrentModel",
        "from fal.dbt import FalDbt, DbtModel, DbtSource, DbtTest, DbtGenericTest, DbtSingularTest, Context, CurrentModel",
        "from fal.dbt.integration.project import FalDbt, DbtModel", "from fal.fal_script import Context",
        "from fal.dbt.fal_script import Context, CurrentModel", "from faldbt.project import DbtTest",
        "from fal.dbt.integration.magics import init_fal", "from fal.typing import *", "from fal.dbt.typing import *",
    ],
)  # fmt: skip
def test_every_import_of_old_works(statement):
    names = {}
    exec(statement, names)
    asked = re.split(r", ?", statement.rpartition("import ")[2])
    assert set(names) > ({"ref", "write_to_model"} if asked == ["*"] else set(asked))


def test_importing_it_loads_neither_dbt_nor_frames():
    import subprocess

    program = "import sys, fal, fal.magics; print([m for m in ('dbt', 'pandas', 'pyarrow', 'IPython') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=_PYTHON, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
