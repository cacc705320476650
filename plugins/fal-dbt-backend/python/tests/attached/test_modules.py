"""Imports of scripts: modules of their folders, relative imports, legacy fal's modules."""

import pytest

FILES = {
    "fal_scripts/top.py": "NAME = 'top'",
    "fal_scripts/pkg/sub/mine.py": "from .. import other\nfrom ...top import NAME\nWHO = other.WHO + NAME",
    "fal_scripts/pkg/other.py": "WHO = 'other'",
    "lib/thing.py": "from . import part\nTHING = part.PART",
    "lib/part.py": "PART = 5",
}


@pytest.fixture(scope="module", autouse=True)
def files(root):
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_the_folder_of_scripts_and_the_project_are_on_the_path(client):
    code = "import top, pkg.other, lib.thing, os\nprint(top.NAME, pkg.other.WHO, lib.thing.THING, os.getcwd())"
    assert client.said(code) == f"top other 5 {client.project}\n"
    assert client.said(code, path="elsewhere/s.py") == f"top other 5 {client.project}\n"


def test_relative_imports_in_a_script_of_a_package_without_init(client):
    code = "from . import other\nfrom .sub.helper import X\nfrom .other import WHO\nprint(other.WHO, X, __package__, __name__)"
    (client.project / "fal_scripts/pkg/sub").mkdir(parents=True, exist_ok=True)
    (client.project / "fal_scripts/pkg/sub/helper.py").write_text("from ..other import WHO as X")
    assert client.said(code, path="fal_scripts/pkg/s.py") == "other other pkg __main__\n"


def test_relative_imports_right_in_the_folder_of_scripts(client):
    code = "from . import top\nfrom .pkg.sub.mine import WHO\nprint(top.NAME, WHO, __package__)"
    assert client.said(code) == "top othertop fal_scripts\n"


def test_without_a_folder_of_scripts_the_project_is_it(client):
    code = "from .part import PART\nprint(PART, __package__)"
    assert client.said(code, path="lib/s.py", scripts_dir=None) == "5 lib\n"
    assert client.said("print(__package__)", path="s.py", scripts_dir=None) == "None\n"


def test_models_find_the_modules_of_scripts_too(client):
    ended, _ = client.model(
        "import top, pandas as pd\nwrite_to_model(pd.DataFrame({'x': [top.NAME]}))",
        scripts_dir=str(client.project / "fal_scripts"),
    )
    assert ended.ok, ended.answer


@pytest.mark.parametrize("module", ["fal.typing", "fal.dbt.typing"])
def test_names_by_import(client, module):
    assert (
        client.said(
            f"from {module} import *\nfrom {module} import context, ref\nprint(len(ref('orders')))"
        )
        == "3\n"
    )


@pytest.mark.parametrize("module", ["faldbt.magics", "fal.dbt.integration.magics", "fal.magics"])
def test_the_magic_does_nothing(client, module):
    found = client.said(f"from {module} import init_fal\ninit_fal('project_dir=x')\nprint('on')")
    assert found == "on\n"


@pytest.mark.parametrize("module", ["fal", "fal.dbt", "faldbt.project"])
def test_the_project_as_an_object(client, module):
    code = f"""
    from {module} import FalDbt
    import pandas as pd
    fal = FalDbt(profiles_dir="~/.dbt", project_dir="{client.project}")
    print(len(fal.ref("orders")), len(fal.source("files", "people")), fal.project_name, fal.target.type, fal.keyword)
    print({{m.name: m.status for m in fal.list_models()}}["orders"], len(fal.list_sources()), len(fal.tests), len(fal.features))
    print(fal.execute_sql("select count(*) as n from {{{{ ref('orders') }}}}").n[0], fal.target_path.endswith("target"))
    fal.write_to_source(pd.DataFrame({{"n": [1]}}), target_source_name="out", target_table_name="other", mode="overwrite")
    fal.write_to_model(pd.DataFrame({{"x": [7]}}), "shop", "elsewhere")
    print(len(fal.source("out", "other")), fal.ref("elsewhere").x[0])
    """
    expected = ["3 3 shop duckdb fal", "success 4 3 1", "3 True", "1 7"]
    assert client.said(code).splitlines() == expected


@pytest.mark.parametrize(
    "module", ["fal", "fal.dbt", "faldbt.project", "fal.dbt.integration.project"]
)
def test_fals_classes(client, module):
    code = f"""
    from {module} import Context, CurrentModel, DbtGenericTest, DbtModel, DbtSingularTest, DbtSource, DbtTest
    print({{type(m) is DbtModel for m in list_models()}}, {{type(s) is DbtSource for s in list_sources()}})
    print(sorted({{type(t).__name__ for t in list_tests()}}), issubclass(DbtSingularTest, DbtTest))
    print(isinstance(context, Context), type(context.current_model) is CurrentModel)
    """
    expected = ["{True} {True}", "['DbtGenericTest'] True", "True True"]
    assert client.said(code).splitlines() == expected


def test_the_project_of_another_run_is_refused(client, tmp_path):
    (tmp_path / "dbt_project.yml").write_text("name: other")
    error = client.script(f"from fal import FalDbt\nFalDbt(project_dir='{tmp_path}')")[0].error
    assert "is not the project of this run" in error["message"]


def test_an_installed_package_of_the_name_is_there_too(client):
    folder = client.project / "fal_scripts/installed/fal"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("def function():\n    return 'theirs'")
    (folder / "client.py").write_text("X = 1")
    code = f"""
    import sys
    sys.path.insert(0, {str(folder.parent)!r})
    import fal, fal.client
    from fal.typing import ref
    print(fal.function(), fal.client.X, fal.FalDbt(), len(ref("orders")))
    """
    assert client.said(code) == f"theirs 1 FalDbt(project_dir={str(client.project)!r}) 3\n"


def test_a_notebook_names_cell_and_line(client):
    code = "x = 1\nfrom . import top\nprint(top.NAME, context.current_model.name)\nref('nothing')"
    lines = [
        {"cell": 1, "line": 1},
        {"cell": 3, "line": 1},
        {"cell": 3, "line": 2},
        {"cell": 3, "line": 3},
    ]
    ended, _ = client.script(code, path="fal_scripts/s.ipynb", lines=lines)
    assert ended.stdout == "top orders\n"
    assert 'File "fal_scripts/s.ipynb", Cell 3, line 3' in ended.error["traceback"]
