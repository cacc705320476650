"""`fal_host.run` over a program in the place of fal-host, and over fal-host itself."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import fal_host
import pytest

SHOP = Path(__file__).parents[2] / "tests/projects/shop"
RESULTS = '{"results": [{"unique_id": "model.shop.a", "status": "error", "message": "no", "failures": null, "thread_id": "t"}], "elapsed_time": 1.5, "args": {"which": "run"}}'


def program(folder: Path, code: int, writes: str = "") -> str:
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{writes}\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dbt_project.yml").write_text('name: shop\ntarget-path: "out"  # there\n')
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_failed_node_is_in_the_results(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = f"echo '{RESULTS}' > out/run_results.json"
    monkeypatch.setenv("FAL_HOST", program(project, 1, writes))
    ended = fal_host.run(["run"])
    assert (ended.success, ended.exception) == (False, None)
    assert ended.result is not None
    assert ended.result.elapsed_time == 1.5
    (row,) = ended.result.results
    assert (row.unique_id, row.status, row.message, row.node.name) == (
        "model.shop.a",
        "error",
        "no",
        "a",
    )


def test_a_command_that_did_not_work_has_an_exception_and_no_old_results(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "out/run_results.json").write_text(RESULTS)
    monkeypatch.setenv("FAL_HOST", program(project, 2))
    ended = fal_host.run(["run"])
    assert not ended.success
    assert isinstance(ended.exception, fal_host.Ended)
    assert (ended.exception.code, ended.result) == (2, None)


def test_the_program_is_named_or_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere/python"))
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(tmp_path / "scripts"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FAL_HOST", raising=False)
    with pytest.raises(fal_host.NotFound, match="FAL_HOST"):
        fal_host.find()
    os.rename(program(tmp_path, 0), tmp_path / "fal-host")
    assert fal_host.find() == str(tmp_path / "fal-host")
    (tmp_path / "scripts").mkdir()
    shutil.copy(tmp_path / "fal-host", tmp_path / "scripts")
    assert fal_host.find() == str(tmp_path / "scripts/fal-host")
    monkeypatch.setenv("FAL_HOST", "/nowhere/fal-host")
    with pytest.raises(fal_host.NotFound, match="/nowhere"):
        fal_host.find()


@pytest.mark.skipif("FAL_TEST_HOST" not in os.environ, reason="needs the program and dbt")
def test_a_project_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "shop"
    shutil.copytree(SHOP, project)
    monkeypatch.setenv("FAL_HOST", os.environ["FAL_TEST_HOST"])
    ended = fal_host.run(["seed", "--python", sys.executable], cwd=project)
    assert ended.success and ended.exception is None
    assert ended.result is not None
    assert [(row.unique_id, row.status) for row in ended.result] == [
        ("seed.shop.raw_orders", "success")
    ]
