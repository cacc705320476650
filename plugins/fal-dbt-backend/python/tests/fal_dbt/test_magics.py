"""`%init_fal` in IPython."""

import pytest
from fal import FalError
from fal.magics import arguments_of
from IPython.core.interactiveshell import InteractiveShell


def test_arguments_may_be_quoted():
    line = """project_dir="/a b/shop" --profiles-dir=~/.dbt default_model_name=x threads=2 vars='{"a": 1}' keep_open=True"""
    assert arguments_of(line) == {
        "project_dir": "/a b/shop", "profiles_dir": "~/.dbt", "default_model_name": "x", "threads": 2, "vars": '{"a": 1}',
        "keep_open": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "line", ["project=x", "shop", "threads=many", "keep_open=perhaps", 'project_dir="x']
)
def test_what_it_does_not_understand_it_says(line):
    with pytest.raises(FalError, match="fal: "):
        arguments_of(line)


@pytest.fixture
def shell():
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def run(shell, code):
    result = shell.run_cell(code)
    result.raise_error()
    return result.result


def test_a_notebook_gets_the_names_of_a_model(shell, shop, capsys):
    run(shell, "%load_ext fal.magics")
    with pytest.raises(FalError, match="after %init_fal"):
        run(shell, "from fal.typing import *\nref('orders')")
    run(
        shell,
        f"%init_fal project_dir='{shop}' profiles_dir='{shop}' default_model_name=written arguments='{{\"day\": 3}}'",
    )
    assert "project shop, target dev, model written" in capsys.readouterr().out
    run(shell, "write_to_model(ref('orders'), mode='overwrite')")
    assert run(shell, "execute_sql(f'select count(*) as n from {this}')")["n"].tolist() == [3]
    expected = ("written", "dev", 5)
    assert run(shell, "(context.current_model.name, target.name, var('discount'))") == expected
    assert run(
        shell, "len(list_models()) == len(list_models_ids()) and [s.name for s in list_sources()]"
    ) == ["raw", "raw"]
    assert run(shell, "context.arguments.day") == 3
    run(shell, "before = fal\nfrom fal.typing import *")
    assert run(shell, "ref('orders')")["id"].tolist() == [1, 2, 3]
    run(shell, "%unload_ext fal.magics")
    with pytest.raises(FalError, match="is closed"):
        run(shell, "before.ref('orders')")
