"""How the arguments of `FalDbt` become the session's request."""

import os

import pytest
from fal import FalError
from fal.request import Settings

NOTHING = {
    "profile": None, "state": None, "defer": False, "keyword": "fal", "python": None, "keep_open": False, "arguments": None,
}  # fmt: skip


def settings(profiles, project, vars=None, **options):
    return Settings.of(profiles, project, "dev", 3, vars, **{**NOTHING, **options})


def test_the_folders_may_come_in_either_order(shop, tmp_path):
    (tmp_path / "profiles.yml").write_text("{}")
    expected = (str(shop), str(tmp_path))
    for first, second in [(tmp_path, shop), (shop, tmp_path)]:
        request = settings(first, second).request
        assert (request["project_dir"], request["profiles_dir"]) == expected
    assert settings(shop, shop).request["profiles_dir"] == str(shop)


def test_without_a_project_it_is_the_current_folder_or_that_of_the_variable(
    shop, tmp_path, monkeypatch
):
    monkeypatch.chdir(shop)
    monkeypatch.delenv("DBT_PROJECT_DIR", raising=False)
    assert settings(None, None).project_dir == os.getcwd()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DBT_PROJECT_DIR", str(shop))
    assert settings(None, None).project_dir == str(shop)


@pytest.mark.parametrize("given", [{"a": 1}, '{"a": 1}', "a: 1", "{a: 1}"])
def test_mappings_come_as_such_and_as_text(shop, given):
    assert settings(shop, shop, vars=given, arguments=given).request["vars"] == {"a": 1}
    assert settings(shop, shop, arguments=given).arguments == {"a": 1}


def test_state_and_python(shop, tmp_path, monkeypatch):
    monkeypatch.setenv("FAL_HOST_PYTHON", "python3.99")
    chosen = settings(shop, shop, state=tmp_path, defer=True)
    assert chosen.request["dbt_args"] == ["--defer", "--state", str(tmp_path)]
    assert chosen.python == "python3.99"
    assert settings(shop, shop, python="~/venv/bin/python").python == os.path.expanduser(
        "~/venv/bin/python"
    )
    with pytest.raises(FalError, match="arguments is neither JSON nor YAML"):
        settings(shop, shop, arguments="{")


def test_stubs_are_the_python_models(shop):
    (shop / "target" / "fal").mkdir(parents=True, exist_ok=True)
    (shop / "target" / "fal" / "copy.sql").write_text("/* FAL_GENERATED 0 */")
    found = sorted(model["stub_path"] for model in settings(shop, shop).python_models())
    assert found == ["models/fal/scores.sql", "models/fal/written.sql"]
