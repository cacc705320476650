"""An airflow dag of the dbt project in FAL_TEST_PROJECT, whose tasks run fal-host (Cosmos)."""

import os
from datetime import datetime
from pathlib import Path

from cosmos import DbtDag, ExecutionConfig, LoadMode, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, InvocationMode, TestBehavior

project = Path(os.environ["FAL_TEST_PROJECT"])
host = os.environ["FAL_HOST"]
by_manifest = os.environ["FAL_TEST_LOAD"] == "manifest"

dag = DbtDag(
    dag_id="shop",
    start_date=datetime(2024, 1, 1),
    schedule=None,
    catchup=False,
    project_config=ProjectConfig(
        dbt_project_path=project,
        manifest_path=project / "target/manifest.json" if by_manifest else None,
        install_dbt_deps=False,
    ),
    profile_config=ProfileConfig(
        profile_name="jaffle_shop",
        target_name="dev",
        profiles_yml_filepath=project / "profiles.yml",
    ),
    execution_config=ExecutionConfig(
        dbt_executable_path=host,
        execution_mode=ExecutionMode.LOCAL,
        invocation_mode=InvocationMode.SUBPROCESS,
    ),
    render_config=RenderConfig(
        load_method=LoadMode.DBT_MANIFEST if by_manifest else LoadMode.DBT_LS,
        dbt_executable_path=host,
        invocation_mode=InvocationMode.SUBPROCESS,
        # One task for all tests: each task starts fal-host.
        test_behavior=TestBehavior.AFTER_ALL,
    ),
    operator_args={"install_deps": False, "append_env": True},
)
